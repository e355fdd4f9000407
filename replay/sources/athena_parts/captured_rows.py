"""A row as a capture: its event, when it was, and what its other columns say of the failure."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from replay.payloads.captures import Capture, Origin
from replay.payloads.envelopes.documents import document, object_in
from replay.payloads.log_formats.application_log import application_record
from replay.payloads.log_formats.json_path import JsonPath
from replay.payloads.log_formats.log_record import LogRecord, known_id, moment_of_epoch_ms
from replay.sources.athena_parts.event_columns import EventAt
from replay.sources.athena_parts.rows import Column, Row
from replay.sources.base import content_identity
from replay.sources.event_times import event_time
from replay.sources.s3_log_parts.sightings import Sighting

_SPELT = {
    "requestid": "requestId", "traceid": "traceId", "errortype": "errorType", "error_type": "errorType",
    "exception_type": "errorType", "errormessage": "errorMessage", "error_message": "errorMessage",
    "stacktrace": "stack_trace", "event_time": "timestamp", "eventtime": "timestamp", "sent_at": "timestamp",
}  # fmt: skip
_TIMES = frozenset({"timestamp", "time", "@timestamp", "ts", "datetime"})
_EPOCH = re.compile(r"[0-9]{1,19}(?:\.[0-9]{0,20})?(?:E[0-9]{1,2})?")
"""As Athena writes a BIGINT, a DECIMAL or a DOUBLE (`1.7951688E9`)."""

_EPOCH_DIGITS = {9: 1, 10: 1, 12: 10**3, 13: 10**3, 15: 10**6, 16: 10**6, 18: 10**9, 19: 10**9}
"""How many of it are a second, by its digits before the point: of the years 1973 to 2286; others may be `20261120`."""

_ZONED = re.compile(r"(?P<local>[0-9]{4}-[^ ]+ [^ ]+) (?P<zone>[A-Za-z][A-Za-z0-9_+/-]*|[+-][0-9:]+)")
"""As Athena writes a TIMESTAMP WITH TIME ZONE: `2026-11-20 10:00:00.000 Europe/Berlin`, or `… +01:00`."""

_OF_ERRORS = frozenset({"errorType", "exception_name"})


def capture_of_row(
    row: Row, columns: Sequence[Column], at: EventAt, event: str, *, place: str, request_id_at: JsonPath | None = None
) -> Capture:
    """Make a capture of a row; the same request with the same event is the same capture for ever."""
    told = _told_beside(row, columns, at, request_id_at)
    own = f"{told.request_id}\n{event}" if told.request_id else event
    failure = told.failure and replace(told.failure, request_id=known_id(told.request_id), observed="logs")
    return Capture(
        origin=Origin(source="athena", identity=content_identity(own), place=place),
        body=event,
        carrier="log",
        sent_at=told.at or event_time(document(event)),
        failure=failure,
    )


def capture_of_request(found: Sighting, *, place: str) -> Capture:
    """Make a capture of a failed request whose event was logged."""
    assert found.event is not None
    identity = known_id(found.request_id) or content_identity(found.request_id or found.event)
    return Capture(
        origin=Origin(source="athena", identity=identity, place=place),
        body=found.event,
        carrier="log",
        sent_at=found.at,
        failure=found.failure,
    )


def _told_beside(row: Row, columns: Sequence[Column], at: EventAt, request_id_at: JsonPath | None) -> LogRecord:
    """Read the JSON around the event, or the columns beside it."""
    around = object_in(row[at.index] or "") if at.index is not None and at.path else {}
    if around:
        return application_record("", around, request_id_at=request_id_at)
    held: dict[str, Any] = {}
    for number, (value, column) in enumerate(zip(row, columns, strict=True)):
        if value is not None and number != at.index:
            name = _SPELT.get(column.name.lower(), column.name.lower())
            held[name] = _time_text(value) if name in _TIMES else value
    if held.keys() & _OF_ERRORS:
        held["level"] = "ERROR"
    return application_record("", held, request_id_at=request_id_at)


def _time_text(value: str) -> str:
    """Write a time as ISO 8601 where it is an epoch's number (of seconds to nanoseconds), or has a zone of Athena's."""
    if _EPOCH.fullmatch(value):
        number = float(value)
        per_second = _EPOCH_DIGITS.get(len(f"{number:.0f}" if "E" in value else value.partition(".")[0]))
        moment = moment_of_epoch_ms(number * 1_000 / per_second) if per_second else None
        return moment.isoformat() if moment else value
    zoned = _ZONED.fullmatch(value)
    if zoned is None:
        return value
    if zoned["zone"][0] in "+-":
        return zoned["local"] + zoned["zone"]
    try:
        return datetime.fromisoformat(zoned["local"]).replace(tzinfo=ZoneInfo(zoned["zone"])).isoformat()
    except (ValueError, LookupError, OSError):  # no time, or no zone that is known here
        return value.removesuffix(" UTC")
