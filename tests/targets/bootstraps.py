"""Small runtime clients of our own, in shell, JavaScript and Python, that speak the Runtime API and nothing else."""

SHELL = """\
#!/bin/sh
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime"
while true; do
  head=$(mktemp)
  event=$(curl -sS -D "$head" "$api/invocation/next") || exit 9
  id=$(grep -i '^lambda-runtime-aws-request-id:' "$head" | tr -d '[:space:]' | cut -d: -f2)
  rm -f "$head"
  echo "handling $event"
  case "$event" in
    *boom*) curl -sS -o /dev/null -d '{"errorType":"OrderError","errorMessage":"no such order"}' "$api/invocation/$id/error" ;;
    *words*) curl -sS -o /dev/null -H 'Lambda-Runtime-Function-Error-Type: Order.Lost' -d 'just words' "$api/invocation/$id/error" ;;
    *network*) reason=$(curl -sS -m 2 http://192.0.2.1/ 2>&1); curl -sS -o /dev/null -d "\\"$reason\\"" "$api/invocation/$id/response" ;;
    *stream*) echo '"in chunks"' | curl -sS -o /dev/null -H 'Transfer-Encoding: chunked' --data-binary @- "$api/invocation/$id/response" ;;
    *large*) head -c 7000000 /dev/zero | tr '\\0' x | curl -sS -o /dev/null --data-binary @- "$api/invocation/$id/response" ;;
    *hang*) sleep 60 & sleep 60 ;;
    *exit*) exit 3 ;;
    *) curl -sS -o /dev/null -d "{\\"got\\": $event}" "$api/invocation/$id/response" ;;
  esac
done
"""

NODE = """\
import http from 'node:http';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');
const agent = new http.Agent({ keepAlive: true });

function call(method, name, body, headers = {}) {
  return new Promise((resolve, reject) => {
    const options = { host, port, method, path: `/2018-06-01/runtime/${name}`, agent, headers };
    const request = http.request(options, (response) => {
      const parts = [];
      response.on('data', (part) => parts.push(part));
      response.on('end', () => resolve({ headers: response.headers, body: Buffer.concat(parts).toString() }));
    });
    request.on('error', reject);
    request.end(body);
  });
}

const report = (error) =>
  JSON.stringify({ errorType: error.name, errorMessage: error.message, trace: error.stack.split('\\n') });

const [file, name] = process.env._HANDLER.split('.');
let handler;
try {
  handler = (await import(pathToFileURL(path.join(process.env.LAMBDA_TASK_ROOT, `${file}.mjs`))))[name];
} catch (error) {
  await call('POST', 'init/error', report(error), { 'Lambda-Runtime-Function-Error-Type': error.name });
  process.exit(1);
}
for (;;) {
  const { headers, body } = await call('GET', 'invocation/next');
  const id = headers['lambda-runtime-aws-request-id'];
  try {
    await call('POST', `invocation/${id}/response`, JSON.stringify(await handler(JSON.parse(body))) ?? 'null');
  } catch (error) {
    await call('POST', `invocation/${id}/error`, report(error));
  }
}
"""

PYTHON = """\
import json, os, urllib.request
import app

api = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation"
while True:
    with urllib.request.urlopen(f"{api}/next") as question:
        request_id, event = question.headers["Lambda-Runtime-Aws-Request-Id"], json.load(question)
    try:
        end, answer = "response", app.handler(event, None)
    except Exception as error:
        end, answer = "error", {"errorType": type(error).__name__, "errorMessage": str(error)}
    urllib.request.urlopen(f"{api}/{request_id}/{end}", json.dumps(answer).encode()).close()
"""
