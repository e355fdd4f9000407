"""What Lambda answered to an invocation, as a reply."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from replay.delivery.attempt import Reply, ReplyStatus
from replay.errors import InvalidJson
from replay.payloads.envelopes.error_report import reported_failure
from replay.payloads.exact_json import Json, parse
from replay.payloads.failures import Failure, Report
from replay.payloads.lambda_logs import log_entries

_STATUS_OF_TYPE: dict[str, ReplyStatus] = {
    "Sandbox.Timedout": "timed_out",
    "Runtime.ExitError": "exited",
    "Runtime.OutOfMemory": "out_of_memory",
    "Runtime.MarshalError": "unserialisable",
    "Function.ResponseSizeTooLarge": "response_too_large",
}


class LambdaAnswer(NamedTuple):
    """
    The answer of `Invoke` with its log tail, decoded.

    `function_error` is empty unless the function failed; `took_s` is our wall time.
    """

    payload: str
    function_error: str
    log: str
    request_id: str
    took_s: float


def reply_of_answer(answer: LambdaAnswer) -> Reply:
    """
    Give the reply: status, failure, duration and memory.

    Duration and memory are those of the REPORT line, where the log tail (its last 4 KB) still has it.

    Source: Lambda API `Invoke`; recordings test_uncaught_exception_invoke, test_lambda_invoke_with_timeout,
    test_lambda_handler_exit, test_lambda_too_large_response.
    """
    report = _report(answer.log)
    duration_ms = report.duration_ms if report else None
    duration_s = answer.took_s if duration_ms is None else duration_ms / 1000
    memory_mb = report.max_memory_used_mb if report else None
    if not answer.function_error:
        return Reply(
            status="returned", payload=answer.payload, duration_s=duration_s, memory_mb=memory_mb, log=answer.log
        )
    failure = reported_failure(_parsed(answer.payload), otherwise="Unknown", request_id=answer.request_id)
    return Reply(
        status=_status(failure, report), failure=failure, duration_s=duration_s, memory_mb=memory_mb, log=answer.log
    )


def with_modules_of(reply: Reply, code: Path) -> Reply:
    """
    Name the files of a trace as Lambda does, where an emulator ran the function from a folder of its own.

    A file of which the function's *code* here has the like is that one; on Lambda itself there is nothing to do.
    """
    failure = reply.failure
    if failure is None or not any(frame.module.startswith("/") for frame in failure.frames):
        return reply
    frames = tuple(replace(frame, module=_module(frame.module, code)) for frame in failure.frames)
    return replace(reply, failure=replace(failure, frames=frames))


def _module(file: str, code: Path) -> str:
    parts = file.split("/")
    if not file.startswith("/") or ".." in parts:
        return file
    ends = ("/".join(parts[start:]) for start in range(1, len(parts)))
    return next((end for end in ends if end and (code / end).is_file()), file)


def _status(failure: Failure, report: Report | None) -> ReplyStatus:
    used_up = report is not None and report.memory_was_used_up
    if failure.error_type == "Runtime.ExitError" and used_up and "killed" in failure.message:
        return "out_of_memory"
    return status_of_type(failure.error_type)


def status_of_type(error_type: str) -> ReplyStatus:
    """Say how an invocation ended, by Lambda's own type of its error; every other type was raised."""
    return _STATUS_OF_TYPE.get(error_type, "raised")


def _report(log: str) -> Report | None:
    entries = log_entries(log.splitlines(keepends=True))
    return next((entry.report for entry in entries if entry.report is not None), None)


def _parsed(text: str) -> Json:
    try:
        return parse(text)
    except InvalidJson:
        return {"errorMessage": text}
