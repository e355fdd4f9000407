"""
What Lambda and its runtimes write into a log: entries, reports, and the failures of requests, in text and in JSON.

Pure parsing: who reads the lines, and from where, is another's business. A log event of CloudWatch is one entry,
however many lines it has, and what was printed in several lines is several of them: `log_continuation` puts lines and
log events together as far as their form tells.

Source: Lambda Developer Guide, "Sending Lambda function logs to CloudWatch Logs" and "Lambda Telemetry API Event schema
reference"; recordings test_dead_letter_queue (log_result), test_multi_line_prints; aws-lambda-python-runtime-interface-
client and aws-lambda-nodejs-runtime-interface-client: what an uncaught error is written as.
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

from replay.errors import InvalidJson
from replay.payloads.envelopes.documents import at, text_at
from replay.payloads.envelopes.error_report import reported_failure, trace_id_of
from replay.payloads.exact_json import parse, write
from replay.payloads.execution_logs import execution_line
from replay.payloads.failed_requests import uncaught_of
from replay.payloads.failures import Failure, Report, most_telling
from replay.payloads.log_continuation import together
from replay.payloads.logger_lines import NODE_LINE, PYTHON_LINE
from replay.payloads.uncaught_errors import dotnet_error, uncaught_error, without_warning

EntryKind = Literal["start", "end", "report", "platform", "error", "application", "text"]
Status = Literal["succeeded", "failed", "timed_out", "exited", "out_of_memory", "unknown"]

_Time = TypeVar("_Time")
_MARKED = re.compile(r"(?P<mark>START|END|REPORT) RequestId: ?(?P<id>[^\s\\]{8,64})")
_INIT = re.compile(r"(?:INIT_START|INIT_REPORT|RESTORE_START|RESTORE_REPORT|EXTENSION|TELEMETRY|LOGS)\b")
_NODE_ERROR = re.compile(
    r"(?:Invoke Error|Uncaught Exception|Unhandled Promise Rejection)\s+(?P<report>\{.*\})\s*", re.DOTALL
)
_BEGINS = re.compile(r'(?:INIT|RESTORE)_START\b|\{.*"platform\.(?:init|restore)Start"', re.DOTALL)
_TRACE_ID = re.compile(r"XRAY TraceId: (?P<id>\S+)")
_NUMBERS = {
    "duration_ms": re.compile(r"(?<!Billed )(?<!Init )(?<!Restore )Duration: (\d{1,12}(?:\.\d{1,12})?) ms"),
    "billed_duration_ms": re.compile(r"(?<!Restore )Billed Duration: (\d{1,12}(?:\.\d{1,12})?) ms"),
    "memory_size_mb": re.compile(r"Memory Size: (\d{1,12}) MB"),
    "max_memory_used_mb": re.compile(r"Max Memory Used: (\d{1,12}) MB"),
    "init_duration_ms": re.compile(r"Init Duration: (\d{1,12}(?:\.\d{1,12})?) ms"),
}
_METRICS = {
    "duration_ms": "durationMs",
    "billed_duration_ms": "billedDurationMs",
    "memory_size_mb": "memorySizeMB",
    "max_memory_used_mb": "maxMemoryUsedMB",
    "init_duration_ms": "initDurationMs",
}
_STATUS = re.compile(r"\bStatus: (\w+)")
_ERROR_TYPE = re.compile(r"\bError Type: ([\w.]+)")
_ERRORS = frozenset({"ERROR", "FATAL", "CRITICAL"})
_FAILED = ("timeout", "error", "failure")
_MOST_OPEN = 1_000
_MOST_FAILED_STARTS = 10
_MOST = 1e12


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """
    One entry of a log: `text` exactly as it was, `message` without what the runtime wrote before it.

    `failure` is there where the entry says that a request failed; an error that a function only logged is none.
    `may_be_caught`: a function that has caught the error could have written just this.
    """

    text: str
    kind: EntryKind
    message: str
    request_id: str | None = None
    at: str | None = None
    level: str | None = None
    failure: Failure | None = None
    report: Report | None = None
    trace_id: str | None = None
    may_be_caught: bool = False

    @property
    def is_of_function(self) -> bool:
        """Whether the function wrote it, or its runtime for it, and not Lambda."""
        return self.kind in {"application", "text", "error"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """The entries of one request of one log stream, and what became of it."""

    request_id: str
    entries: tuple[LogEntry, ...]

    @property
    def report(self) -> Report | None:
        """What was used, as far as it is told."""
        return next((each.report for each in self.entries if each.report is not None), None)

    @property
    def trace_id(self) -> str | None:
        """The X-Ray trace, where the request was traced."""
        return next((each.trace_id for each in self.entries if each.trace_id is not None), None)

    @property
    def failure(self) -> Failure | None:
        """
        The failure, as the entry tells it that knows most: a stack before a message before a status.

        Of several that know as much it is the last: an invocation ends with the error that nobody caught.
        """
        best = most_telling([each.failure for each in reversed(uncaught_of(self.entries)) if each.failure is not None])
        return best and replace(
            best, request_id=self.request_id, trace_id=best.trace_id or self.trace_id, observed="logs"
        )

    @property
    def status(self) -> Status:
        """What became of the request, in the words of outcomes."""
        failure, report = self.failure, self.report
        if failure is None:
            ended = any(each.kind in {"end", "report"} for each in self.entries)
            return "succeeded" if ended else "unknown"
        if failure.error_type == "Sandbox.Timedout":
            return "timed_out"
        if failure.error_type.startswith("Runtime.Exit"):
            used_up = report is not None and report.memory_was_used_up
            return "out_of_memory" if used_up and "killed" in failure.message else "exited"
        return "out_of_memory" if failure.error_type == "Runtime.OutOfMemory" else "failed"


def log_entry(text: str) -> LogEntry:
    """Read one entry, of one line or of many; what has no known form is the function's own text."""
    stripped = without_warning(text.strip())
    if stripped[:1] == "{":
        try:
            value = parse(stripped)
        except InvalidJson:
            value = None
        if isinstance(value, dict):
            return _of_object(text, stripped, value)
    found = _MARKED.match(stripped)
    if found:
        return _marked(text, stripped, found)
    if of_api := execution_line(stripped):
        kind: EntryKind = "error" if of_api.failure else "application"
        request_id, message, failure, *_ = of_api
        return LogEntry(text=text, kind=kind, message=message, request_id=request_id, failure=failure)
    return _failed(text, stripped) or _written(text, stripped)


def log_entries(lines: Iterable[str]) -> Iterator[LogEntry]:
    """Read the entries of a text file of one log stream: of one line each, or of those that belong `together`."""
    return map(log_entry, together(lines))


def timed_entries(events: Iterable[tuple[_Time, str]]) -> Iterator[tuple[LogEntry, _Time]]:
    """
    Read the log events of one stream, each behind its time, with the time of the first where several are one entry.

    What a function prints in several lines is as many log events: recording test_multi_line_prints.
    """
    ahead: deque[tuple[_Time, int]] = deque()

    def texts() -> Iterator[str]:
        for at, message in events:
            text = message if message.endswith("\n") else f"{message}\n"
            ahead.append((at, len(text)))
            yield text

    for entry in log_entries(texts()):
        at, length = ahead.popleft()
        while length < len(entry.text):
            length += ahead.popleft()[1]
        yield entry, at


def invocations(entries: Iterable[LogEntry]) -> Iterator[Invocation]:
    """
    Put the entries of one log stream together by request, in the order in which the requests began.

    An entry without a request id belongs to the request that runs: a log stream is that of one environment, which runs
    one request at a time. A request is given once the next has begun, for a timeout is told behind its report. An
    environment that cannot start tells why before the request that fails for it.
    """
    open_: dict[str, list[LogEntry]] = {}
    starting: list[LogEntry] = []
    failed_starts: dict[str, list[LogEntry]] = {}
    running: str | None = None
    for entry in entries:
        if begins_environment(entry):
            running, starting = None, []
        request_id = entry.request_id or running
        if request_id is None:
            starting = [*starting, entry][-_MOST_FAILED_STARTS:] if entry.failure is not None else starting
            continue
        if entry.kind == "start":
            failed_starts[request_id], starting = starting, []
        if entry.kind == "start" or len(open_) > _MOST_OPEN:
            for earlier in [each for each in open_ if each != request_id]:
                yield _invocation(earlier, open_.pop(earlier), failed_starts.pop(earlier, []))
        running = request_id
        open_.setdefault(request_id, []).append(entry)
    for request_id, held in open_.items():
        yield _invocation(request_id, held, failed_starts.get(request_id, []))


def begins_environment(entry: LogEntry) -> bool:
    """Say whether another environment begins here: what ran before runs no more."""
    return entry.kind == "platform" and _BEGINS.match(entry.message) is not None


def _invocation(request_id: str, held: list[LogEntry], failed_start: list[LogEntry]) -> Invocation:
    """Put why an environment could not start to the request that failed, not to one for which it then did."""
    made = Invocation(request_id=request_id, entries=tuple(held))
    return made if made.failure is None else replace(made, entries=(held[0], *failed_start, *held[1:]))


# Text


def _marked(text: str, stripped: str, found: re.Match[str]) -> LogEntry:
    """Read START, END and REPORT."""
    if found["mark"] != "REPORT":
        kind: EntryKind = "start" if found["mark"] == "START" else "end"
        return LogEntry(text=text, kind=kind, message=stripped, request_id=found["id"])
    numbers = {name: float(value[1]) for name, each in _NUMBERS.items() if (value := each.search(stripped))}
    status, error_type, trace = (each.search(stripped) for each in (_STATUS, _ERROR_TYPE, _TRACE_ID))
    failed = status is not None and status[1] in _FAILED
    return LogEntry(
        text=text,
        kind="report",
        message=stripped,
        request_id=found["id"],
        failure=_status_failure(status[1], error_type and error_type[1]) if status and failed else None,
        report=Report(status=status and status[1], **numbers),
        trace_id=trace and trace["id"],
    )


def _failed(text: str, stripped: str) -> LogEntry | None:
    """Read what says that a request failed: a timeout, an end of the process, or an error that nobody caught."""
    found = uncaught_error(stripped)
    if found is None:
        return None
    request_id = found.request_id or found.failure.request_id
    return _error(text, found.message, found.failure, request_id=request_id, moment=found.at)


def _written(text: str, stripped: str) -> LogEntry:
    """Read what the function wrote through its runtime's logger, or without one."""
    found = PYTHON_LINE.fullmatch(stripped) or NODE_LINE.fullmatch(stripped)
    if found is None:
        return LogEntry(text=text, kind="platform" if _INIT.match(stripped) else "text", message=stripped)
    request_id = None if found["id"] == "undefined" else found["id"]
    if found["level"] == "fail" and (failure := dotnet_error(found["message"])):
        return _error(text, found["message"], failure, request_id=request_id, moment=found["at"])
    uncaught = _NODE_ERROR.fullmatch(found["message"])
    if uncaught and (entry := _reported(text, found["message"], uncaught["report"], request_id, found["at"])):
        return entry
    return LogEntry(
        text=text,
        kind="application",
        message=found["message"],
        request_id=request_id,
        at=found["at"],
        level=found["level"],
    )


def _reported(text: str, message: str, report: str, request_id: str | None, moment: str | None) -> LogEntry | None:
    try:
        value = parse(report)
    except InvalidJson:
        return None
    if isinstance(value, dict) and "stack" in value:
        value = {**value, "trace": value["stack"]}
    failure = reported_failure(value, otherwise="Unhandled")
    return _error(text, message, failure, request_id=request_id or failure.request_id, moment=moment)


def _error(
    text: str, message: str, failure: Failure, *, request_id: str | None = None, moment: str | None = None
) -> LogEntry:
    told = replace(failure, request_id=request_id, observed="logs")
    return LogEntry(
        text=text, kind="error", message=message, request_id=request_id, at=moment, level="ERROR", failure=told
    )


def _may_be_caught(value: Mapping[str, Any]) -> bool:
    """Say whether a function could have logged an error so: by Node's `console.error(error)`, or printed."""
    return isinstance(value.get("message"), dict) or not (value.keys() & {"level", "log_level"})


# JSON


def _of_object(text: str, stripped: str, value: Mapping[str, Any]) -> LogEntry:
    kind = text_at(value, "type") or ""
    if kind.startswith("platform.") and isinstance(value.get("record"), dict):
        return _of_platform(text, stripped, value, kind.removeprefix("platform."))
    if kind == "platform.fault" and isinstance(value.get("record"), str):
        return _of_fault(text, value)
    if kind in {"function", "extension"} and isinstance(record := value.get("record"), str | dict):
        inner = log_entry(record if isinstance(record, str) else write(record))
        return replace(inner, text=text, at=inner.at or text_at(value, "time"))
    uncaught = _uncaught_report(value)
    request_id = _request_id(value)
    moment = text_at(value, "timestamp") or text_at(value, "time")
    if uncaught is not None:
        failure = reported_failure(uncaught, otherwise="Unhandled")
        error = _error(text, stripped, failure, request_id=request_id, moment=moment)
        return replace(error, may_be_caught=_may_be_caught(value))
    message, level = text_at(value, "message"), text_at(value, "level")
    if message and level in _ERRORS and (told := uncaught_error(message)):  # as Java's client writes it
        return _error(text, message, told.failure, request_id=request_id, moment=moment)
    return LogEntry(
        text=text,
        kind="application",
        message=message or stripped,
        request_id=request_id,
        at=moment,
        level=level or text_at(value, "log_level"),
        trace_id=text_at(value, "xray_trace_id"),
    )


def _request_id(value: Mapping[str, Any]) -> str | None:
    """Find the request's id; Powertools and others have names of their own for it."""
    names = ("requestId", "AWSRequestId", "function_request_id", "aws_request_id", "request_id")
    return next((found for name in names if (found := text_at(value, name))), None)


def _uncaught_report(value: Mapping[str, Any]) -> dict[str, Any] | None:
    """Find the report of an error that nobody caught: it has no message of a logger beside it, or is the message."""
    level = text_at(value, "level") or text_at(value, "log_level") or "ERROR"
    if level.upper() not in _ERRORS:
        return None
    message = value.get("message")
    if isinstance(message, dict) and "errorType" in message and "errorMessage" in message:
        return {**message, "trace": message.get("stack", message.get("trace"))}
    told = "errorType" in value and "errorMessage" in value
    return dict(value) if told and message is None and "logger" not in value else None


def _of_platform(text: str, stripped: str, value: Mapping[str, Any], name: str) -> LogEntry:
    record = value["record"]
    status, trace = text_at(record, "status"), text_at(record, "tracing", "value")
    of_request = name in {"runtimeDone", "report"}
    failed = of_request and status in _FAILED
    kinds: dict[str, EntryKind] = {"start": "start", "runtimeDone": "end", "end": "end", "report": "report"}
    return LogEntry(
        text=text,
        kind=kinds.get(name, "platform"),
        message=stripped,
        request_id=text_at(record, "requestId"),
        at=text_at(value, "time"),
        failure=_status_failure(str(status), text_at(record, "errorType")) if failed else None,
        report=_metrics(record, status) if name == "report" else None,
        trace_id=trace_id_of({"AWSTraceHeader": trace}) if trace else None,
    )


def _of_fault(text: str, value: Mapping[str, Any]) -> LogEntry:
    """Read an error of the runtime or its environment, whose record is words."""
    told = log_entry(value["record"])
    failure = told.failure or Failure(error_type="Unhandled", message=told.message, observed="logs")
    return replace(told, text=text, kind="platform", failure=failure, at=told.at or text_at(value, "time"))


def _metrics(record: Mapping[str, Any], status: str | None) -> Report:
    numbers = {name: at(record, "metrics", told) for name, told in _METRICS.items()}
    known = {name: float(each) for name, each in numbers.items() if isinstance(each, int | float) and 0 <= each < _MOST}
    return Report(status=status, **known)


def _status_failure(status: str, error_type: str | None) -> Failure:
    """Make a failure of no more than a status."""
    return Failure(error_type=error_type or ("Sandbox.Timedout" if status == "timeout" else "Unhandled"), message="")
