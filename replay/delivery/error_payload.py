"""The error object that Lambda gives out for a failed invocation: what callers and destinations see of a failure."""

import re
from collections.abc import Iterable, Iterator

from replay.delivery.attempt import Attempt, Reply
from replay.payloads.exact_json import Json
from replay.payloads.failures import Failure, Frame

THROTTLED = "Rate Exceeded."
_PYTHON_TRACE = "Traceback (most recent call last):\n"
_PYTHON_FRAME = re.compile(r'  File ".*", line \d+, in ')
_OF_THE_PLATFORM = frozenset({"timed_out", "out_of_memory", "exited"})


def error_payload(attempt: Attempt, reply: Reply) -> dict[str, Json]:
    """
    Write the error object of *reply*, which must not have succeeded.

    - What the function or its runtime reports has errorMessage, errorType, requestId and stackTrace, as the Python
      runtime writes them; other runtimes' keys differ, and are not imitated.
    - What the platform reports (a timeout, an exit, too little memory) has errorType and errorMessage; an answer that
      is too large has the same two the other way round.

    Source: recordings test_assess_lambda_destination_invocation (payload1), test_lambda_invoke_with_timeout,
    test_lambda_handler_exit, test_lambda_too_large_response.
    """
    failure = reply.failure or Failure(error_type="Unknown", message="")
    if reply.status in _OF_THE_PLATFORM:
        return {"errorType": failure.error_type, "errorMessage": failure.message}
    if reply.status == "response_too_large":
        return {"errorMessage": failure.message, "errorType": failure.error_type}
    return {
        "errorMessage": failure.message,
        "errorType": failure.error_type,
        # A failure to start has the request id "": recording test_lambda_runtime_error.
        "requestId": attempt.request_id if failure.request_id is None else failure.request_id,
        "stackTrace": [] if reply.status == "unserialisable" else list(_stack_trace(failure)),
    }


def error_message(reply: Reply) -> str:
    """Give the message of the error by which the invocation *reply* failed."""
    if reply.status == "throttled":
        return THROTTLED
    return reply.failure.message if reply.failure else ""


def _stack_trace(failure: Failure) -> Iterator[str]:
    """Give the entries of the stack: of the Python trace where there is one, since it has the files' full names."""
    _, found, trace = failure.stack.rpartition(_PYTHON_TRACE)
    entries = list(_entries(trace.splitlines(keepends=True))) if found else []
    return iter(entries) if entries else map(_entry, failure.frames)


def _entries(lines: Iterable[str]) -> Iterator[str]:
    entry = ""
    for line in lines:
        if _PYTHON_FRAME.match(line):
            if entry:
                yield entry
            entry = line
        elif line.startswith("    ") and entry:
            entry += line
        else:
            break
    if entry:
        yield entry


def _entry(frame: Frame) -> str:
    folder = "/var/task/" if frame.owner == "user" else "/var/runtime/"
    code = f"    {frame.code}\n" if frame.code else ""
    return f'  File "{folder}{frame.module}", line {frame.line or 0}, in {frame.function}\n{code}'
