"""Lines of any application: the errors that it logged, and the requests that they belong to."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from replay.payloads.envelopes.documents import at, document, text_at
from replay.payloads.envelopes.error_report import frames_of, reported_failure
from replay.payloads.failures import Failure
from replay.payloads.log_formats.json_path import JsonPath, value_at
from replay.payloads.log_formats.log_record import LogRecord, moment_of, moment_of_epoch_ms

_LEVELS = (
    ("level",),
    ("levelname",),
    ("severity",),
    ("severityText",),
    ("severity_text",),
    ("log", "level"),
    ("log.level",),
)
_ERRORS = frozenset({"error", "fatal", "critical", "crit"})
_TEXT_ERRORS = frozenset({"fail"})
"""As .NET calls an error."""

_PINO_ERROR = 50
_IDS = (
    "requestId", "request_id", "requestID", "function_request_id", "aws_request_id", "AWSRequestId", "correlation_id",
    "correlationId", "x-request-id", "xRequestId", "trace_id", "traceId", "trace.id", "dd.trace_id",
)  # fmt: skip
_TYPES = (("exception_name",), ("errorType",), ("error", "type"), ("error", "name"), ("error.type",), ("err", "type"),
          ("exception", "type"), ("exception.type",), ("exception", "class"), ("exc_type",))  # fmt: skip
_MESSAGES = (("error", "message"), ("errorMessage",), ("error.message",), ("err", "message"), ("exception", "message"),
             ("exception.message",), ("message",), ("msg",), ("event",), ("error",))  # fmt: skip
_WORDS = ("message", "msg", "event")
_STACKS = (("exception",), ("exc_info",), ("stack",), ("stack_trace",), ("stacktrace",), ("stackTrace",),
           ("error", "stack"), ("error", "stack_trace"), ("error.stack_trace",), ("err", "stack"),
           ("exception", "stacktrace"), ("exception.stacktrace",))  # fmt: skip
_TIMES = ("timestamp", "time", "@timestamp", "ts", "datetime")
_MILLISECONDS_BEGIN = 100_000_000_000
_TRACEBACK = "Traceback (most recent call last):"


def application_record(text: str, value: Mapping[str, Any], *, request_id_at: JsonPath | None = None) -> LogRecord:
    """Read a line; its failure is there where it was logged as an error."""
    request_id = request_id_of(value, request_id_at)
    return LogRecord(
        text=text,
        request_id=request_id,
        at=_moment(value),
        failure=_failure(value, request_id) if _is_error(value) else None,
    )


def text_error(message: str, level: str | None, request_id: str | None) -> Failure | None:
    """Read what a function logged as text through its runtime's logger; None where that is no error."""
    if level is None or level.lower() not in _ERRORS | _TEXT_ERRORS:
        return None
    said = message.replace("\N{NO-BREAK SPACE}", " ")
    head, _, rest = said.partition("\n")
    return _failure(
        {"message": head, "stack": rest[rest.find(_TRACEBACK) :] if _TRACEBACK in rest else said}, request_id
    )


def request_id_of(value: Mapping[str, Any], path: JsonPath | None = None) -> str | None:
    """Give the request's id, at *path* or by one of the names that are usual."""
    found = value_at(dict(value), path) if path else next((value[name] for name in _IDS if value.get(name)), None)
    return str(found) if isinstance(found, str | int) and not isinstance(found, bool) else None


def is_of_logger(value: Mapping[str, Any]) -> bool:
    """Say whether a logger wrote this line: it has a level and words, and a status in it is one that it speaks of."""
    return any(at(value, *names) is not None for names in _LEVELS) and any(name in value for name in _WORDS)


def _is_error(value: Mapping[str, Any]) -> bool:
    level = next((found for names in _LEVELS if (found := at(value, *names)) is not None), None)
    if isinstance(level, int) and not isinstance(level, bool):
        return level >= _PINO_ERROR
    return isinstance(level, str) and level.lower() in _ERRORS


def _failure(value: Mapping[str, Any], request_id: str | None) -> Failure:
    if entries := _listed_stack(value):
        return _of_listed_stack(value, entries, request_id)
    stack = _first(value, _STACKS)
    stack = stack if "\n" in stack else ""
    message = _first(value, _MESSAGES)
    last = stack.rstrip().rpartition("\n")[2] if _TRACEBACK in stack else stack.partition("\n")[0]
    told, _, rest = last.partition(": ")
    error_type = _first(value, _TYPES) or (
        told.strip() if stack and told.strip().replace(".", "").isidentifier() else ""
    )
    return Failure(
        error_type=error_type or "Error",
        message=rest if stack and rest and error_type == told.strip() else message,
        frames=frames_of(_stack_entries(stack)),
        stack=stack,
        request_id=request_id,
        observed="logs",
    )


def _listed_stack(value: Mapping[str, Any]) -> list[Any]:
    """Give a trace that is a list, or the JSON text of one, as a column of a table holds it; else an empty list."""
    for names in _STACKS:
        held = at(value, *names)
        held = document(held) if isinstance(held, str) else held
        if held and isinstance(held, list):
            return held
    return []


def _of_listed_stack(value: Mapping[str, Any], entries: list[Any], request_id: str | None) -> Failure:
    """
    Read a failure whose trace is a list, as the runtimes write theirs.

    Source: Lambda Developer Guide, "Lambda function errors in Python": `stackTrace`.
    """
    told = entries[0].partition(":")[0] if isinstance(entries[0], str) else ""
    error_type = _first(value, _TYPES) or (told if told.replace(".", "").isidentifier() else "Error")
    report = {"errorType": error_type, "errorMessage": _first(value, _MESSAGES), "stackTrace": entries}
    return replace(reported_failure(report, otherwise="Error", request_id=request_id), observed="logs")


def _stack_entries(stack: str) -> list[str]:
    """Put each place of a Python trace together with its code; other traces have one place a line."""
    if _TRACEBACK not in stack:
        return stack.splitlines()
    entries: list[str] = []
    for line in stack.rpartition(_TRACEBACK)[2].splitlines()[:-1]:
        if line.lstrip().startswith('File "') or not entries:
            entries.append(f"{line}\n")
        elif line.strip().strip("^~ "):
            entries[-1] += f"{line}\n"
    return entries


def _first(value: Mapping[str, Any], places: tuple[tuple[str, ...], ...]) -> str:
    return next((found for names in places if (found := text_at(value, *names))), "")


def _moment(value: Mapping[str, Any]) -> Any:
    for name in _TIMES:
        held = value.get(name)
        if isinstance(held, int | float) and not isinstance(held, bool):
            return moment_of_epoch_ms(held if held > _MILLISECONDS_BEGIN else held * 1000)
        if isinstance(held, str) and (found := moment_of(held)):
            return found
    return None
