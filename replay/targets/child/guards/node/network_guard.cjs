// Closes the network of a Node process but for the Runtime API, the mocked AWS and what the user allows.
// Node loads it before anything else, as NODE_OPTIONS says so; it covers net, tls, http, fetch (which are all made of
// net.Socket), dns and UDP. Native add-ons that make sockets of their own are not seen.
'use strict';

const dgram = require('node:dgram');
const dns = require('node:dns');
const net = require('node:net');

const functionName = process.env.AWS_LAMBDA_FUNCTION_NAME;
const allowed = (process.env.REPLAY_ALLOW_HOSTS || '').split(' ').filter(Boolean).map(asPattern);
const awsSuffixes = (process.env.REPLAY_AWS_SUFFIXES || '').split(' ').filter(Boolean);
const openPorts = new Set((process.env.REPLAY_OPEN_PORTS || '').split(' ').map(Number));
const resolved = new Set();

function asPattern(glob) {
  const escaped = glob.replace(/[.+^${}()|\\]/g, '\\$&').replace(/\*/g, '.*').replace(/\?/g, '.');
  return new RegExp(`^${escaped}$`, 'i');
}

function refusal(host, port) {
  const name = String(host || 'localhost');
  const isOurs = openPorts.has(Number(port)) && (name === '127.0.0.1' || name === 'localhost');
  if (isOurs || resolved.has(name) || allowed.some((pattern) => pattern.test(name))) return null;
  const place = port ? `${name}:${port}` : name;
  const advice = awsSuffixes.some((suffix) => name.toLowerCase().replace(/\.$/, '').endsWith(suffix))
    ? 'an AWS client that does not heed AWS_ENDPOINT_URL is not mocked'
    : `to let it, set allow_hosts = ["${name}"] for this function`;
  const error = new Error(`closed during a replay: ${functionName} tried to reach ${place}; ${advice}`);
  error.name = 'NetworkClosed';
  error.code = 'ECONNREFUSED';
  return error;
}

const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function guardedConnect(...args) {
  const [options] = net._normalizeArgs(Array.isArray(args[0]) ? args[0] : args);
  const error = options.path ? null : refusal(options.host, options.port);
  if (!error) return connect.apply(this, args);
  process.nextTick(() => this.destroy(error));
  return this;
};

const lookup = dns.lookup;
dns.lookup = function guardedLookup(host, ...rest) {
  const callback = rest.pop();
  const error = !host || net.isIP(host) || host === 'localhost' ? null : refusal(host);
  if (error) {
    process.nextTick(callback, error);
    return undefined;
  }
  return lookup.call(dns, host, ...rest, (failure, addresses, family) => {
    for (const found of [].concat(addresses || [])) resolved.add(found.address || found);
    callback(failure, addresses, family);
  });
};

const promisedLookup = dns.promises.lookup;
dns.promises.lookup = async function guardedPromisedLookup(host, ...rest) {
  const error = !host || net.isIP(host) || host === 'localhost' ? null : refusal(host);
  if (error) throw error;
  const found = await promisedLookup.call(dns.promises, host, ...rest);
  for (const one of [].concat(found)) resolved.add(one.address);
  return found;
};

// connect(port, host) and send(message, [offset, length,] [port] [, host] [, callback]); a connected socket names neither.
for (const [name, first] of [['connect', 0], ['send', 1]]) {
  const original = dgram.Socket.prototype[name];
  dgram.Socket.prototype[name] = function guardedDatagram(...args) {
    const rest = args.slice(first);
    const port = rest.filter((value) => typeof value === 'number').pop();
    const host = rest.find((value) => typeof value === 'string');
    const error = port || host ? refusal(host, port) : null;
    if (error) throw error;
    return original.apply(this, args);
  };
}
