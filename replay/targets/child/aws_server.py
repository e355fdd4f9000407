"""moto's server for a function's process: its AWS calls come in by HTTP, and meet the backends of this process."""

import functools
import logging
import socket
import threading
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from math import inf
from typing import Any

from replay.functions.function import Function
from replay.payloads.fault_reading import TIMEOUT
from replay.targets.aws.call_recorder import CallRecorder, SeenCall
from replay.targets.aws.error_answer import HttpAnswer, error_answer, fault_answer
from replay.targets.child.aws_requests import AwsRequest
from replay.targets.child.cbor_requests import answer_in_cbor, operation_in_path, speaks_cbor
from replay.targets.in_process.aws_calls import is_write

Environ = dict[str, Any]
Application = Callable[[Environ, Any], Iterable[bytes]]

_READING_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_PAUSED = b'{"__type":"ServiceUnavailable","message":"the replay is suspended"}'


class AwsServer:
    """
    Serves AWS on *listener* from a thread, to *function*, until it is closed; its calls are told to *recorder*, and
    meet the faults that it knows.

    `has_written` tells whether a call since it was last set to False may have changed anything. While it is `paused`,
    the backends in this process are somebody else's, and every call is refused.
    """

    def __init__(self, listener: socket.socket, function: Function, recorder: CallRecorder) -> None:
        from replay.targets.child.request_server import RequestServer

        self.has_written = False
        self.paused = False
        self._function = function
        self._recorder = recorder
        listener.setblocking(True)
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._server = RequestServer(listener, self._answer)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True, name="replay-aws")
        self._thread.start()

    def close(self) -> None:
        """Serve no more."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def settle(self) -> None:
        """Wait until the calls that were sent before are noted, whether or not anybody waits for their answers."""
        self._server.settle()

    def _answer(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        try:
            return self._answered(environ, start_response)
        finally:
            self._server.has_answered(environ)

    def _answered(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        if self.paused or self._server.is_disowned(environ):
            return _refused(start_response)
        if _may_write(environ):
            self.has_written = True
        environ["HTTP_X_MOTO_ACCOUNT_ID"] = self._function.account_id
        if not self._recorder.is_on and not speaks_cbor(environ):
            return _moto()(environ, start_response)
        request = AwsRequest(environ)
        call = self._seen(request)
        if self._server.is_disowned(environ):
            return _refused(start_response)
        self._server.has_met(environ)
        return _mocked(request, start_response) if call is None else self._meet(request, call, start_response)

    def _seen(self, request: AwsRequest) -> SeenCall | None:
        """Note the call that *request* is, or is another attempt of."""
        known = self._recorder.known(request.call_id)
        if known is not None or not request.is_call:
            return known
        try:
            parameters = request.parameters()
        except Exception:  # noqa: BLE001 - whatever a stranger's request does to the parser, it is a call
            parameters = {}
        if self._server.is_disowned(request.environ):
            return None
        return self._recorder.meet(request.service, request.operation, parameters, call_id=request.call_id)

    def _meet(self, request: AwsRequest, call: SeenCall, start_response: Any) -> Iterable[bytes]:
        """Let *request* meet what its call does, or the mocked AWS, and note the answer."""
        call.attempt()
        fault = call.fault
        if fault is not None:
            wait_s = inf if fault.error == TIMEOUT else fault.latency_s
            if wait_s and self._waits_in_vain(call, wait_s):
                return _refused(start_response)
            if fault.error is not None and request.model is not None:
                return self._fail(request, call, start_response)
        answer = _Answer(start_response)
        body = answer.body(_mocked(request, answer.start))
        _note(request, call, answer.status, answer.headers, body)
        return [body]

    def _waits_in_vain(self, call: SeenCall, wait_s: float) -> bool:
        """Let time go by, and say whether it was too long for the function; the client may have given up before."""
        call.go_unanswered()
        return self._recorder.has_ended.wait(None if wait_s == inf else wait_s)

    def _fail(self, request: AwsRequest, call: SeenCall, start_response: Any) -> Iterable[bytes]:
        assert call.fault is not None
        answer = fault_answer(
            call.service,
            call.operation,
            call.fault,
            self._function,
            protocol=request.protocol,
            method=request.method,
        )
        _note(request, call, answer.status, answer.headers, answer.body)
        return _sent(answer, start_response)


class _Answer:
    """Looks on while an application answers."""

    def __init__(self, start_response: Any) -> None:
        self._start_response = start_response
        self.status = 0
        self.headers: dict[str, str] = {}

    def start(self, status: str, headers: Any, exc_info: Any = None) -> Any:
        """Take note of the head, and pass it on."""
        self.status, self.headers = int(status.split(" ", 1)[0]), dict(headers)
        return self._start_response(status, headers, exc_info)

    @staticmethod
    def body(parts: Iterable[bytes]) -> bytes:
        """Give the body as one."""
        try:
            return b"".join(parts)
        finally:
            close = getattr(parts, "close", None)
            if close is not None:
                close()


def _note(request: AwsRequest, call: SeenCall, status: int, headers: Mapping[str, str], body: bytes) -> None:
    """Note how *call* has ended; an answer that cannot be read says at least whether it is an error."""
    try:
        result = request.result(status, headers, body)
    except Exception:  # noqa: BLE001 - whatever moto's answer does to botocore's parser, the function is to have it
        result = (str(status), "") if status >= HTTPStatus.MULTIPLE_CHOICES else {}
    if isinstance(result, tuple):
        call.fail(*result)
    else:
        call.succeed(result)


def _may_write(environ: Environ) -> bool:
    """Say whether a request may change anything; one whose operation we do not see is taken to do so."""
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    if target:
        return is_write(target.rpartition(".")[2])
    if speaks_cbor(environ):
        return is_write(operation_in_path(environ))
    return environ["REQUEST_METHOD"] not in _READING_METHODS


def _mocked(request: AwsRequest, start_response: Any) -> Iterable[bytes]:
    """Let the mocked AWS answer in the protocol of the request."""
    if not speaks_cbor(request.environ) or request.model is None:
        return _moto()(request.environ, start_response)
    try:
        answer = answer_in_cbor(request.environ, request.body, request.model, _moto())
    except Exception as error:  # noqa: BLE001 - whatever a stranger's request does to the parser, it is refused
        why = f"the mocked AWS cannot answer {request.service}:{request.operation} in CBOR: {type(error).__name__}"
        answer = error_answer(request.model, "SerializationException", why, protocol=request.protocol, method="POST")
    return _sent(answer, start_response)


def _refused(start_response: Any) -> Iterable[bytes]:
    start_response("503 Service Unavailable", [("Content-Type", "application/json")])
    return [_PAUSED]


def _sent(answer: HttpAnswer, start_response: Any) -> Iterable[bytes]:
    headers = [*answer.headers.items(), ("Content-Length", str(len(answer.body)))]
    start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", headers)
    return [answer.body]


@functools.cache
def _moto() -> Application:
    """Make moto's application, which builds each service's part when it is first called."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    return DomainDispatcherApplication(create_backend_app)
