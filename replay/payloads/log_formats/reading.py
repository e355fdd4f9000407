"""From the text of a log to what it tells of requests, whatever form each line has."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any

from replay.payloads.envelopes.documents import document, text_at
from replay.payloads.envelopes.lambda_destination import is_invocation_record
from replay.payloads.exact_json import write
from replay.payloads.execution_logs import ExecutionLine, execution_line
from replay.payloads.failures import Failure
from replay.payloads.lambda_logs import LogEntry, begins_environment, log_entry, timed_entries
from replay.payloads.log_formats.access_log import access_record
from replay.payloads.log_formats.application_log import application_record, is_of_logger, request_id_of, text_error
from replay.payloads.log_formats.cloudfront_log import cloudfront_object, cloudfront_record
from replay.payloads.log_formats.cloudtrail import cloudtrail_record, is_cloudtrail
from replay.payloads.log_formats.cloudwatch_export import exported_event, stream_entries
from replay.payloads.log_formats.concatenated_json import documents
from replay.payloads.log_formats.json_path import JsonPath
from replay.payloads.log_formats.load_balancer_log import load_balancer_record
from replay.payloads.log_formats.log_answers import LogLine, log_lines
from replay.payloads.log_formats.log_record import LogRecord, moment_of, moment_of_epoch_ms
from replay.payloads.log_formats.logged_event import ANYWHERE, EventPlace, announces_event, logged_event, printed_value
from replay.payloads.log_formats.s3_access_log import s3_access_record
from replay.payloads.log_formats.subscription import LogEvent, is_subscription, log_events

_ENDS = frozenset({"end", "report"})
_OBJECTS = re.compile(r"\[\s*\{")
_OF_PLATFORM = frozenset({"start", "end", "report", "platform"})
_SHIPPED_IN = ("log", "line", "@message", "message", "msg", "body")


@dataclass(frozen=True, slots=True, kw_only=True)
class Forms:
    """
    What the user says of the form of a log: where events and request ids are, and whether logged errors count.

    `application`: those in lines that are JSON; `text_errors`: those that a function has logged as text, too.
    """

    event: EventPlace = ANYWHERE
    request_id_at: JsonPath | None = None
    application: bool = False
    text_errors: bool = False


def read_line(text: str, forms: Forms) -> list[LogRecord] | None:
    """Read a line that speaks for itself (JSON, an access log); None where it is text that its neighbours explain."""
    at, stripped = exported_event(text.strip())
    if stripped[:1] == "{" or _OBJECTS.match(stripped):
        told = moment_of(at)
        records = [record for each in documents(stripped) for record in _of_document(each, forms)]
        records = [replace(each, at=each.at or told) for each in records] if told else records
        return records or ([] if document(stripped) is not None else None)
    if of_api := execution_line(stripped):
        return [_of_execution_line(stripped, of_api, moment_of(at), forms)]
    for form in (load_balancer_record, s3_access_record, cloudfront_record):
        if found := form(stripped):
            return [found]
    access = access_record(stripped, None)
    return [access] if access else None


def _of_execution_line(text: str, told: ExecutionLine, at: datetime | None, forms: Forms) -> LogRecord:
    """Read what a gateway saw of a request, by the id that the function's event names; contents are not for eyes."""
    return LogRecord(
        text="" if told.is_contents else text,
        kind="access",
        request_id=told.request_id,
        at=at,
        failure=told.failure,
        event=logged_event(text, told.message, forms.event),
    )


def read_stream(lines: Iterable[str], forms: Forms) -> list[LogRecord]:
    """Read lines of log streams; what names no request belongs to the one that runs in its stream."""
    return [record for entries in stream_entries(lines) for record in _of_stream(entries, forms)]


def _of_document(text: str, forms: Forms) -> Iterator[LogRecord]:
    value = document(text)
    if answered := log_lines(value):
        yield from _of_answer(answered, forms)
        return
    if isinstance(value, list):
        yield from _of_array(text, value, forms)
    if not isinstance(value, dict):
        return
    if is_subscription(value):
        yield from _of_subscription(value, forms)
    elif is_invocation_record(value):
        yield from _of_invocation_record(text, value)
    elif trail := _trail_of(value):
        yield from (found for each in trail if (found := cloudtrail_record(write(each), each)))
    elif is_cloudtrail(value):
        found = cloudtrail_record(text, value)
        yield from [found] if found else []
    else:
        yield _of_object(text, value, forms)


def _trail_of(value: Mapping[str, Any]) -> list[dict[str, Any]]:
    """List the records of calls in an object of CloudTrail's; it may hold others beside them, such as insights."""
    records = value.get("Records")
    return (
        [each for each in records if isinstance(each, dict) and is_cloudtrail(each)]
        if isinstance(records, list)
        else []
    )


def _of_array(text: str, value: Sequence[object], forms: Forms) -> Iterator[LogRecord]:
    """Read an array: of what an extension of the Telemetry API ships, which is one stream, or of lines of any form."""
    each_text = list(documents(text.strip()[1:-1]))
    if any((text_at(each, "type") or "").startswith("platform.") for each in value):
        yield from _of_stream(list(timed_entries(("", each) for each in each_text)), forms)
    else:
        yield from (record for each in each_text for record in read_line(each, forms) or ())


def _of_answer(lines: Sequence[LogLine], forms: Forms) -> Iterator[LogRecord]:
    """Read the lines of an answer of CloudWatch Logs, those of each stream by themselves."""
    for _, of_stream in groupby(lines, key=lambda line: line.stream):
        events = (LogEvent(each.message, moment_of_epoch_ms(each.at_ms)) for each in of_stream)
        yield from _of_log_events(events, forms, is_function=False)


def _of_subscription(value: Mapping[str, Any], forms: Forms) -> Iterator[LogRecord]:
    is_function = (text_at(value, "logGroup") or "").startswith("/aws/lambda/")
    yield from _of_log_events(log_events(value), forms, is_function=is_function)


def _of_log_events(events: Iterable[LogEvent], forms: Forms, *, is_function: bool) -> Iterator[LogRecord]:
    """Read the log events of a function as a stream; of any other log group, each that speaks for itself as a line."""
    entries = list(timed_entries((each.at.isoformat() if each.at else "", each.message) for each in events))
    if not is_function and not any(entry.kind in _OF_PLATFORM for entry, _ in entries):
        read = [read_line(entry.text, forms) for entry, _ in entries]
        for (_, at), records in zip(entries, read, strict=True):
            yield from (replace(record, at=record.at or moment_of(at)) for record in records or ())
        entries = [each for each, records in zip(entries, read, strict=True) if records is None]
    yield from _of_stream(entries, forms)


def _of_invocation_record(text: str, value: Mapping[str, Any]) -> Iterator[LogRecord]:
    if text_at(value, "requestContext", "condition") == "Success":
        return
    request_id = text_at(value, "requestContext", "requestId")
    yield LogRecord(text="", request_id=request_id, at=moment_of(text_at(value, "timestamp")), event=text, whole=True)


def _of_object(text: str, value: Mapping[str, Any], forms: Forms) -> LogRecord:
    """Read a JSON object that is one line of a function's, an application's, or an access log."""
    record = _of_entry(log_entry(text), "", forms)
    shipped = None if record.failure else _shipped_line(value)
    if shipped is not None:
        inner = _of_entry(shipped, "", forms)
        tells_more = inner.failure is not None or (record.request_id is None and inner.request_id is not None)
        record = inner if tells_more else record
    is_metric = "_aws" in value  # of the embedded metric format: a status in it counts answers
    may_be_access = record.failure is None and (forms.application or not (is_metric or is_of_logger(value)))
    if may_be_access and (access := access_record(text, value) or cloudfront_object(text, value)):
        record = replace(
            access, event=record.event, request_id=request_id_of(value, forms.request_id_at) or access.request_id
        )
    elif record.failure is None and forms.application:
        record = replace(application_record(text, value, request_id_at=forms.request_id_at), event=record.event)
    elif record.request_id is None or forms.request_id_at:
        record = replace(record, request_id=request_id_of(value, forms.request_id_at))
    return replace(record, text="") if record.event is not None else record


def _shipped_line(value: Mapping[str, Any]) -> LogEntry | None:
    """Read the line of a function's log that whoever shipped it has put into an object of its own."""
    line = next((found for name in _SHIPPED_IN if isinstance(found := value.get(name), str)), None)
    return None if line is None else log_entry(line)


def _of_entry(entry: LogEntry, at: str, forms: Forms) -> LogRecord:
    platform = entry.kind in {"start", "end", "report", "platform", "error"}
    event = None if platform else logged_event(entry.text, entry.message, forms.event)
    return LogRecord(
        text="" if event is not None else entry.text.rstrip("\r\n"),
        request_id=entry.request_id,
        at=moment_of(at) or moment_of(entry.at),
        failure=entry.failure or _logged_as_text(entry, forms),
        event=event,
        trace_id=entry.trace_id,
        report=entry.report,
        may_be_caught=entry.may_be_caught,
        is_of_function=entry.is_of_function,
    )


def _logged_as_text(entry: LogEntry, forms: Forms) -> Failure | None:
    if not forms.text_errors or entry.kind != "application" or entry.text.lstrip().startswith("{"):
        return None
    return text_error(entry.message, entry.level, entry.request_id)


def _of_stream(entries: Sequence[tuple[LogEntry, str]], forms: Forms) -> Iterator[LogRecord]:
    """
    Give each entry with its request: without an id, that of the one that runs, which began last and ends next.

    Where another one ends next, or several run, the log is that of several environments, and nobody knows. What an
    environment tells while it starts belongs to the request that it then fails, or to none.
    """
    running: str | None = None
    announced = starting = False
    told: list[tuple[LogRecord, str | None, bool]] = []
    for (entry, at), (ends_next, several) in zip(entries, _still_to_end(entries), strict=True):
        record = _of_entry(entry, at, forms)
        if announced and record.event is None and (event := printed_value(entry.message.strip())):
            record = replace(record, event=event, text="")
        announced = announces_event(entry.message)
        starting = begins_environment(entry) or (starting and entry.request_id is None)
        running = entry.request_id or (None if starting else running)
        known = set() if several else {running, ends_next} - {None}
        request_id = entry.request_id or (known.pop() if len(known) == 1 else None)
        told.append((record, request_id, starting))
    failed = {request_id for record, request_id, of_start in told if record.failure is not None and not of_start}
    for record, request_id, of_start in told:
        yield _with_id(record, request_id if not of_start or request_id in failed else None)


def _still_to_end(entries: Sequence[tuple[LogEntry, str]]) -> list[tuple[str | None, bool]]:
    """
    Say of each entry which request ends next, behind it, and whether several do that have begun before it.

    Where no beginning is told at all, nobody knows of several.
    """
    told: list[tuple[str | None, bool]] = []
    tells_beginnings = any(entry.kind == "start" for entry, _ in entries)
    open_here: set[str | None] = set()
    found: str | None = None
    for entry, _ in reversed(entries):
        told.append((found, tells_beginnings and len(open_here) > 1))
        if entry.kind in _ENDS:
            found = entry.request_id
            open_here.add(found)
        elif entry.kind == "start":
            open_here.discard(entry.request_id)
    return told[::-1]


def _with_id(record: LogRecord, request_id: str | None) -> LogRecord:
    failure = replace(record.failure, request_id=request_id) if record.failure else None
    return replace(record, request_id=request_id, failure=failure)
