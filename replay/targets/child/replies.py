"""What came of an invocation in a child process, as a reply."""

from replay.delivery.attempt import Reply, ReplyStatus
from replay.delivery.python_answers import MAXIMUM_RESPONSE_BYTES
from replay.payloads.failures import Failure
from replay.targets.child import endings
from replay.targets.child.child_process import Ended
from replay.targets.child.error_report import reported_failure
from replay.targets.child.execution_environment import End, OutOfMemory, TimedOut
from replay.targets.child.runtime_api import Answer
from replay.targets.in_process.code_map import CodeMap
from replay.targets.in_process.runtime_faults import RuntimeFault, timed_out

_STATUS_OF_TYPE: dict[str, ReplyStatus] = {"Runtime.MarshalError": "unserialisable"}


def reply_of(end: End, *, request_id: str, timeout_s: float, is_start: bool, code_map: CodeMap) -> Reply:
    """Give the reply, without its times and its log."""
    match end:
        case Answer("response", body):
            return Reply(status="returned", payload=body.decode("utf-8", "replace"))
        case Answer("too_large"):
            message = f"Response payload size exceeded maximum allowed payload size ({MAXIMUM_RESPONSE_BYTES} bytes)."
            fault = RuntimeFault("Function.ResponseSizeTooLarge", message, status="response_too_large")
            return _failed(fault, fault.message, request_id)
        case Answer():
            # A failure to start belongs to no request (recording test_lambda_runtime_error).
            failure = reported_failure(end.body, end.error_type, code_map, "" if is_start else request_id)
            return Reply(status=_STATUS_OF_TYPE.get(failure.error_type, "raised"), failure=failure)
        case _:
            fault = _fault(end, timeout_s, is_start=is_start)
            message = f"RequestId: {request_id} Error: {fault.message}"
            return _failed(fault, message, "" if is_start else request_id)


def _fault(end: Ended | TimedOut | OutOfMemory, timeout_s: float, *, is_start: bool) -> RuntimeFault:
    match end:
        case TimedOut():
            return timed_out(timeout_s, "")
        case OutOfMemory():
            return endings.out_of_memory()
        case Ended(status) if is_start and endings.is_segmentation_fault(status):
            # Lambda starts it anew until the function's time is up: recording test_lambda_runtime_exit_segfault.
            return timed_out(timeout_s, f"{endings.exited(status).message}, while it started\n")
        case Ended(status):
            return endings.exited(status)


def _failed(fault: RuntimeFault, message: str, request_id: str) -> Reply:
    failure = Failure(
        error_type=fault.error_type, message=message, stack=fault.stack, observed="local", request_id=request_id
    )
    return Reply(status=fault.status, failure=failure)
