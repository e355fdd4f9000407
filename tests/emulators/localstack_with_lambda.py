"""
LocalStack whose Lambda needs no Docker, run by LocalStack's own interpreter in place of `localstack.runtime.main`.

One part is replaced: what starts a container for a function starts AWS's own runtime client in a process instead,
under this interpreter, whatever runtime the function names, and serves it a Runtime API. Queues, event source mappings,
retries, dead-letter queues and destinations are LocalStack's. A function's output goes to its log group, between the
lines that Lambda writes around it; its memory is not limited.

And what keeps the tables: LocalStack itself downloads Amazon's DynamoDB Local for that, and makes the tables' streams by
itself. Here the command DYNAMODB_COMMAND is run instead, which listens on GATEWAY_PORT. Archives can be replayed, as
`localstack_with_archives.py` says.
"""

import json
import os
import queue
import runpy
import select
import subprocess
import sys
import threading
import time
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from localstack.aws.forwarder import AwsRequestProxy
from localstack.runtime import main
from localstack.services.dynamodb import server as dynamodb
from localstack.services.lambda_.invocation import execution_environment, runtime_executor, version_manager
from localstack.services.lambda_.invocation.executor_endpoint import StatusErrorException
from localstack.services.lambda_.invocation.lambda_models import InvocationResult
from localstack.utils.common import get_free_tcp_port
from localstack.utils.run import ShellCommandThread

_LOOPBACK = "127.0.0.1"
_STARTS_WITHIN_S = 10
_TABLES_START_WITHIN_S = 60
_PREFIX = "/2018-06-01/runtime/"

Answer = tuple[bytes, bool]
"""What the function answered, and whether it is an error."""


class _RuntimeApi(ThreadingHTTPServer):
    """Hands one event after the other to one runtime client; an answer of None means that the client has ended."""

    daemon_threads = True

    def __init__(self) -> None:
        self.events: queue.Queue[dict[str, str]] = queue.Queue()
        self.started: Future[None] = Future()
        self.answer: Future[Answer | None] = Future()
        super().__init__((_LOOPBACK, 0), _Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def client_started(self, error: bytes | None = None) -> None:
        with suppress(InvalidStateError):
            if error is None:
                self.started.set_result(None)
            else:
                self.started.set_exception(StatusErrorException("the function could not be started", payload=error))

    def client_answered(self, answer: Answer | None) -> None:
        with suppress(InvalidStateError):
            self.answer.set_result(answer)

    def client_ended(self) -> None:
        """Note the end, which changes nothing where the client has said something before."""
        self.client_started(_error("Runtime.ExitError", "Runtime exited"))
        self.client_answered(None)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _RuntimeApi

    def do_GET(self) -> None:
        self.server.client_started()
        event = self.server.events.get()
        headers = {
            "Content-Type": "application/json",  # without it the client ends in a segmentation fault
            "Lambda-Runtime-Aws-Request-Id": event["invoke-id"],
            "Lambda-Runtime-Invoked-Function-Arn": event["invoked-function-arn"],
            "Lambda-Runtime-Trace-Id": event["trace-id"],
            "Lambda-Runtime-Deadline-Ms": "9999999999999",  # the time is kept from outside
        }
        self._send(200, event["payload"].encode(), headers)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        place = self.path.removeprefix(_PREFIX)
        if place == "init/error":
            self.server.client_started(body)
        else:
            self.server.client_answered((body, place.endswith("/error")))
        self._send(202, b"", {})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(body))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the base class's name
        """Say nothing: a line for each request would hide LocalStack's own."""


class _Output:
    """What a process writes, read while it writes it: a full pipe would stop it."""

    def __init__(self, pipe: Any) -> None:
        self._pipe, self._held, self._lock = pipe, bytearray(), threading.Lock()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        while True:
            with self._lock:
                ready = select.select([self._pipe], [], [], 0)[0]
                part = os.read(self._pipe.fileno(), 65_536) if ready else b""
                self._held += part
            if ready and not part:
                return
            if not ready:
                select.select([self._pipe], [], [])

    def take(self) -> str:
        """Give what was written until now, once."""
        while select.select([self._pipe], [], [], 0)[0]:
            with self._lock:
                part = os.read(self._pipe.fileno(), 65_536) if select.select([self._pipe], [], [], 0)[0] else b""
                self._held += part
            if not part:
                break
        with self._lock:
            text = self._held.decode("utf-8", "replace")
            self._held.clear()
        return text


class ProcessExecutor(runtime_executor.RuntimeExecutor):
    """One execution environment: a process that is started again after it has ended or was late, as Lambda does."""

    def start(self, env_vars: dict[str, str]) -> None:
        self._variables = {name: str(value) for name, value in env_vars.items()}
        self._start_process()

    def _start_process(self) -> None:
        config = self.function_version.config
        folder = str(config.code.get_unzipped_code_location())
        self._api = _RuntimeApi()
        here = {
            "PATH": os.environ["PATH"],
            "AWS_LAMBDA_RUNTIME_API": f"{_LOOPBACK}:{self._api.server_port}",
            "LAMBDA_TASK_ROOT": folder,
        }
        command = [sys.executable, "-m", "awslambdaric", config.handler]
        self._process = subprocess.Popen(
            command,
            env=self._variables | here,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self._output = _Output(self._process.stdout)
        threading.Thread(target=_tell_end, args=(self._process, self._api), daemon=True).start()
        self._api.started.result(_STARTS_WITHIN_S)

    def invoke(self, payload: dict[str, str]) -> InvocationResult:
        if self._process.poll() is not None:
            self.stop()
            self._start_process()
        request_id, timeout_s = payload["invoke-id"], self.function_version.config.timeout
        answer = self._api.answer = Future()
        self._api.events.put(payload)
        began = time.monotonic()
        try:
            answered = answer.result(timeout_s) or (self._exit_error(request_id), True)
        except TimeoutError:
            self._process.kill()
            self._process.wait()
            answered = _error("Sandbox.Timedout", f"Task timed out after {timeout_s:.2f} seconds", request_id), True
        body, is_error = answered
        logs = self._log(request_id, body if is_error else b"", took_s=time.monotonic() - began)
        return InvocationResult(request_id=request_id, payload=body, is_error=is_error, logs=logs)

    def _log(self, request_id: str, error: bytes, *, took_s: float) -> str:
        """Write what Lambda would have in the log; an error that the runtime itself has logged is in its output."""
        told = json.loads(error or b"{}")
        words, own, status = str(told.get("errorMessage")).partition(" Error: ")[2], "", ""
        if told.get("errorType") == "Sandbox.Timedout":
            own = f"{time.strftime('%Y-%m-%dT%H:%M:%S.000Z', time.gmtime())} {request_id} {words}\n"
            status = "\tStatus: timeout"
        elif told.get("errorType") == "Runtime.ExitError":
            own = f"RequestId: {request_id} Error: {words}\nRuntime.ExitError\n"
        output = self._output.take()
        return (
            f"START RequestId: {request_id} Version: $LATEST\n"
            f"{output if not output or output.endswith(chr(10)) else output + chr(10)}{own}"
            f"END RequestId: {request_id}\n"
            f"REPORT RequestId: {request_id}\tDuration: {took_s * 1000:.2f} ms\t"
            f"Billed Duration: {took_s * 1000 + 1:.0f} ms\tMemory Size: 128 MB\tMax Memory Used: 40 MB{status}"
        )

    def _exit_error(self, request_id: str) -> bytes:
        code = self._process.wait()
        reason = f"with error: exit status {code}" if code else "without providing a reason"
        return _error("Runtime.ExitError", f"Runtime exited {reason}", request_id)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        self._api.shutdown()
        self._api.server_close()

    def get_address(self) -> str:
        return _LOOPBACK

    get_endpoint_from_executor = get_address

    def get_runtime_endpoint(self) -> str:
        return ""  # only LocalStack's own program in its containers asks for it

    def get_logs(self) -> str:
        return ""

    @classmethod
    def prepare_version(cls, function_version: Any) -> None:
        function_version.config.code.prepare_for_execution()

    @classmethod
    def cleanup_version(cls, function_version: Any) -> None:
        """Leave the code: its folder goes with the server's."""


def _tell_end(process: subprocess.Popen[bytes], api: _RuntimeApi) -> None:
    process.wait()
    api.client_ended()


def _error(error_type: str, words: str, request_id: str = "") -> bytes:
    text = f"RequestId: {request_id} Error: {words}"
    return json.dumps({"errorType": error_type, "errorMessage": text}).encode()


class Tables(dynamodb.DynamodbServer):
    """A server of DynamoDB in the place of Amazon's."""

    def do_start_thread(self) -> Any:
        if self._thread is not None:  # it did not come up: somebody may have taken its port meanwhile
            self._thread.stop()
            self._port = get_free_tcp_port()
            self.proxy = AwsRequestProxy(self.url)
        here = {"GATEWAY_PORT": str(self.port), "BIND_HOST": _LOOPBACK, "IOT_MTLS_ENABLED": "0"}
        thread = ShellCommandThread([os.environ["DYNAMODB_COMMAND"]], env_vars=here, name="tables")
        thread.start()
        return thread

    def wait_for_dynamodb(self) -> None:
        self.wait_is_up(_TABLES_START_WITHIN_S)


if __name__ == "__main__":
    dynamodb.DynamodbServer.get = staticmethod(dynamodb.singleton_factory(Tables))
    runpy.run_path(str(Path(__file__).with_name("localstack_with_archives.py")))
    for module in (runtime_executor, execution_environment, version_manager):
        module.get_runtime_executor = lambda: ProcessExecutor
    main.main()
