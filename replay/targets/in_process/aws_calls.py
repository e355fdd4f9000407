"""
The hooks into botocore: each AWS call that a function makes is told to whoever listens, and meets its fault.

They are in every session that is made while somebody listens. They stay in such a session and are silent when nobody
does. A fault is put in the place of the answer to each attempt, so that the SDK retries as it would in production; the
time that it would have waited passes at once, and counts against the function's timeout.
"""

import io
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from math import inf
from typing import Any, Protocol

from replay.functions.function import Function
from replay.payloads.fault_reading import TIMEOUT
from replay.targets.aws.call_recorder import CallRecorder, SeenCall
from replay.targets.aws.plain_values import Sized, plain_parameters, plain_result
from replay.targets.aws.service_models import service_model

_READS = ("Get", "List", "Describe", "Head", "Query", "Scan", "BatchGet", "TransactGet")
_PARAMETERS, _CALL, _MODEL = "replay_parameters", "replay_call", "replay_model"
_ERRORS_FROM = 300


class AwsCallListener(Protocol):
    """Is told of a call before it is made: the service (`dynamodb`) and the operation (`PutItem`)."""

    def __call__(self, service: str, operation: str) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSeam:
    """
    What a function's calls meet.

    `spend` lets the function lose so many seconds at once, and does not come back where that is all it has left.
    """

    recorder: CallRecorder
    function: Function
    spend: Callable[[float], None]


class _Attempt(threading.local):
    """What this thread is sending."""

    call: SeenCall | None = None
    context: dict[str, Any] | None = None
    is_answered = False


_listeners: list[tuple[AwsCallListener, CallSeam | None]] = []
_attempt = _Attempt()


def is_write(operation: str) -> bool:
    """Say whether *operation* may change what a later call sees; what is not known to be a read is a write."""
    return not operation.startswith(_READS)


@contextmanager
def listening(listener: AwsCallListener, seam: CallSeam | None = None) -> Iterator[None]:
    """Tell *listener* of each call that is made inside; with a *seam*, record them and let them meet their faults."""
    with ExitStack() as stack:
        if not _listeners:
            stack.enter_context(_hooked())
        _listeners.append((listener, seam))
        stack.callback(_listeners.remove, (listener, seam))
        yield


@contextmanager
def _hooked() -> Iterator[None]:
    from botocore import endpoint
    from botocore.handlers import BUILTIN_HANDLERS

    before = [("before-send", _before_send)]  # moto's own comes after it
    after = [
        ("before-parameter-build", _before_parameter_build),
        ("before-call", _before_call),
        ("request-created", _request_created),
        ("response-received", _response_received),
        ("after-call", _after_call),
        ("after-call-error", _after_call_error),
    ]
    BUILTIN_HANDLERS[:] = [*before, *BUILTIN_HANDLERS, *after]
    endpoint.time = _RetryTime()  # type: ignore[attr-defined]  # the module, of which retries use `sleep`
    stand_aside = _let_moto_stand_aside()
    try:
        yield
    finally:
        stand_aside()
        endpoint.time = time  # type: ignore[attr-defined]  # the same
        for hook in (*before, *after):
            BUILTIN_HANDLERS.remove(hook)


def _let_moto_stand_aside() -> Callable[[], None]:
    """Keep moto from doing what an attempt asks for that has its answer already: botocore asks every hook."""
    models = sys.modules.get("moto.core.models")
    if models is None:
        return lambda: None
    stubber = models.botocore_stubber
    process = stubber.process_request

    def process_unanswered(request: Any) -> Any:
        is_answered, _attempt.is_answered = _attempt.is_answered, False
        return None if is_answered else process(request)

    stubber.process_request = process_unanswered

    def undo() -> None:
        del stubber.process_request

    return undo


class _RetryTime:
    """The module `time` for botocore's retries: a fault's back-off passes at once."""

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)

    @staticmethod
    def sleep(seconds: float) -> None:
        seam = _seam()
        if seam is not None and _attempt.call is not None and _attempt.call.fault is not None:
            seam.spend(seconds)
        else:
            time.sleep(seconds)


def _seam() -> CallSeam | None:
    return _listeners[-1][1] if _listeners else None


def _before_parameter_build(params: Any, model: Any, context: Any, **_: Any) -> None:
    """Take the parameters as the API has them: boto3's resources have put theirs into that form by now."""
    seam = _seam()
    if seam is not None and seam.recorder.is_on:
        context[_PARAMETERS] = plain_parameters(params, model.input_shape, model.service_model.service_name)


def _before_call(model: Any, context: Any, **_: Any) -> None:
    service, operation = model.service_model.service_name, model.name
    for listener, _seam_of_it in _listeners:
        listener(service, operation)
    seam = _seam()
    if seam is not None:
        context[_CALL] = seam.recorder.meet(service, operation, context.pop(_PARAMETERS, {}))
        context[_MODEL] = model


def _request_created(request: Any, **_: Any) -> None:
    """Take note of whose attempt this thread is about to send."""
    _attempt.context = request.context
    _attempt.call = request.context.get(_CALL)
    _attempt.is_answered = False
    if _attempt.call is not None:
        _attempt.call.attempt()


def _before_send(request: Any, **_: Any) -> Any:
    call, seam = _attempt.call, _seam()
    if call is None or call.fault is None or seam is None:
        return None
    fault, limit_s = call.fault, _read_timeout_s()
    if fault.error == TIMEOUT or fault.latency_s >= limit_s:
        _time_out(call, seam, request.url, limit_s)
    if fault.latency_s:
        seam.spend(fault.latency_s)
    return None if fault.error is None else _answer(call, seam, request)


def _time_out(call: SeenCall, seam: CallSeam, url: str, limit_s: float) -> None:
    """Wait for an answer as long as the client does, or the function."""
    from botocore.exceptions import ReadTimeoutError

    call.go_unanswered()
    seam.spend(limit_s)
    raise ReadTimeoutError(endpoint_url=url)


def _read_timeout_s() -> float:
    config = (_attempt.context or {}).get("client_config")
    timeout_s = getattr(config, "read_timeout", 60)  # botocore's default
    return inf if timeout_s is None else float(timeout_s)


def _answer(call: SeenCall, seam: CallSeam, request: Any) -> Any:
    from botocore.awsrequest import AWSResponse
    from botocore.compat import HTTPHeaders

    from replay.targets.aws.error_answer import fault_answer

    assert call.fault is not None
    answer = fault_answer(
        call.service,
        call.operation,
        call.fault,
        seam.function,
        protocol=service_model(call.service).resolved_protocol,
        method=request.method,
    )
    _attempt.is_answered = True
    headers = HTTPHeaders.from_dict(answer.headers)
    return AWSResponse(request.url, answer.status, headers, _Body(answer.body))


class _Body(io.BytesIO):
    """The body of an answer, as botocore reads one."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


def _response_received(response_dict: Any, parsed_response: Any, context: Any, **_: Any) -> None:
    """Take the result as the API has it: boto3's resources put it into their own form later."""
    call: SeenCall | None = context.get(_CALL)
    if call is None or response_dict is None or response_dict["status_code"] >= _ERRORS_FROM:
        return
    model = context[_MODEL]
    stream = getattr(model.output_shape, "serialization", {}).get("payload")
    result = parsed_response
    if model.has_streaming_output and stream in result:
        size = response_dict["headers"].get("content-length")
        result = {**result, stream: Sized(int(size) if size else None)}
    call.succeed(plain_result(result, model.output_shape, call.service))


def _after_call(http_response: Any, parsed: Any, context: Any, **_: Any) -> None:
    call: SeenCall | None = context.get(_CALL)
    if call is not None and http_response.status_code >= _ERRORS_FROM:
        error = parsed.get("Error", {})
        call.fail(str(error.get("Code", "")), str(error.get("Message", "")))


def _after_call_error(exception: BaseException, context: Any, **_: Any) -> None:
    call: SeenCall | None = context.get(_CALL)
    if call is not None:
        call.fail(type(exception).__name__, str(exception))
