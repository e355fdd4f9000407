// Lets clients that speak HTTP/2 without asking (that of Kinesis) reach the mocked AWS, which speaks HTTP/1.1.
// A session with it is held inside of this process, and each of its requests is sent on.
'use strict';

const http = require('node:http');
const http2 = require('node:http2');
const { Duplex } = require('node:stream');

const mock = process.env.AWS_ENDPOINT_URL ? new URL(process.env.AWS_ENDPOINT_URL) : null;
const connect = http2.connect;

function pairOfStreams() {
  const make = (other) =>
    new Duplex({
      read() {},
      write(chunk, _, done) {
        other().push(chunk);
        done();
      },
      final(done) {
        other().push(null);
        done();
      },
    });
  const here = make(() => there);
  const there = make(() => here);
  return [here, there];
}

function withoutHttp2(headers) {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith(':')));
}

function withoutHttp1(headers) {
  const { connection, 'keep-alive': _, 'transfer-encoding': __, ...rest } = headers;
  return rest;
}

function sendOn(stream, headers) {
  const request = http.request(
    {
      host: mock.hostname,
      port: mock.port,
      method: headers[':method'],
      path: headers[':path'],
      headers: { host: headers[':authority'], ...withoutHttp2(headers) },
    },
    (response) => {
      if (stream.destroyed) return;
      stream.respond({ ':status': response.statusCode, ...withoutHttp1(response.headers) });
      response.pipe(stream);
    },
  );
  request.on('error', () => stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR));
  stream.on('error', () => request.destroy());
  stream.on('close', () => request.destroy());
  stream.pipe(request);
}

http2.connect = function connectByWayOfHttp1(authority, options, listener) {
  const url = mock && new URL(String(authority));
  if (!url || url.host !== mock.host || options?.createConnection) return connect.apply(this, arguments);
  if (typeof options === 'function') [options, listener] = [undefined, options];
  const [ours, theirs] = pairOfStreams();
  const server = http2.createServer();
  server.on('sessionError', () => {});
  server.on('stream', sendOn);
  server.emit('connection', ours);
  return connect.call(this, authority, { ...options, createConnection: () => theirs }, listener);
};

require('node:module').syncBuiltinESMExports();
