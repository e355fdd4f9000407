"""What became of an execution, as a reply."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from replay.delivery.attempt import Reply
from replay.errors import InvalidJson
from replay.payloads.envelopes.error_report import reported_failure
from replay.payloads.exact_json import Json, parse
from replay.payloads.failures import Failure
from replay.targets.aws.lambda_answer import status_of_type, with_modules_of

RUNNING = frozenset({"RUNNING", "PENDING_REDRIVE"})
ABORTED = "ExecutionAborted"
_TIMED_OUT = "States.Timeout"


def reply_of_end(status: str, *, error: str, cause: str, output: str | None, took_s: float, code: Path) -> Reply:
    """
    Give the reply that the end of an execution is.

    The cause of a task that invokes a function is the function's whole error as JSON text: it is read, with its trace,
    so that the failure is the same as that of an invocation.

    Args:
        status: As AWS says it: SUCCEEDED, FAILED, TIMED_OUT, ABORTED.
        code: The function's code here, to name the files of a trace as Lambda does.

    Source: Step Functions API `DescribeExecution`; recordings test_raise_exception of both kinds of Lambda tasks.
    """
    if status == "SUCCEEDED":
        return Reply(status="returned", payload=output or "null", duration_s=took_s)
    if status == "TIMED_OUT" or error == _TIMED_OUT:
        said = cause or "the execution took longer than its TimeoutSeconds"
        return Reply(
            status="timed_out", failure=Failure(error_type=error or _TIMED_OUT, message=said), duration_s=took_s
        )
    if status == "ABORTED":
        said = cause or "somebody has stopped the execution"
        return Reply(status="raised", failure=Failure(error_type=error or ABORTED, message=said), duration_s=took_s)
    failure = failure_of(error, cause)
    reply = Reply(status=status_of_type(failure.error_type), failure=failure, duration_s=took_s)
    return with_modules_of(reply, code)


def failure_of(error: str, cause: str) -> Failure:
    """Read error and cause, which is the report of a function where a task has invoked one."""
    report = _report(cause)
    if report is None:
        return Failure(error_type=error, message=cause)
    request_id = report.get("requestId")
    return reported_failure(
        report, otherwise=error, request_id=request_id if isinstance(request_id, str) and request_id else None
    )


def is_report(cause: str) -> bool:
    """Say whether a cause is the report of a function."""
    return _report(cause) is not None


def reported_in(history: Iterable[Mapping[str, Any]], error: str) -> str:
    """
    Give the cause of the last failed task whose error is *error* and whose cause is a function's report.

    A state machine may catch an error and fail by itself, with a cause of its own.

    Source: Step Functions API `GetExecutionHistory`.
    """
    for event in history:
        for name, details in event.items():
            if (
                name.endswith("FailedEventDetails")
                and details.get("error") == error
                and is_report(details.get("cause", ""))
            ):
                return str(details["cause"])
    return ""


def _report(cause: str) -> dict[str, Json] | None:
    if not cause.lstrip().startswith("{"):
        return None
    try:
        value = parse(cause)
    except InvalidJson:
        return None
    if not isinstance(value, dict) or not value.keys() & {"errorType", "errorMessage"}:
        return None
    return value
