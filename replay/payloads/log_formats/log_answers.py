"""Lines of a log as CloudWatch Logs gives them in an answer, and as its console exports them: as JSON."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, NamedTuple

from replay.payloads.exact_json import Json, write
from replay.payloads.lambda_logs import log_entry
from replay.payloads.log_formats.log_record import LATEST_MS

_EPOCH_MS = re.compile(r"\d{13}")


class LogLine(NamedTuple):
    """One event of a log: `at_ms` is its time in epoch milliseconds, `message` its text, perhaps of several lines."""

    at_ms: int
    stream: str
    message: str


def log_lines(value: Json) -> list[LogLine] | None:
    """
    Give the lines of an answer, stream by stream, in the order in which they were logged; None where *value* is none.

    Source: CloudWatch Logs API `FilterLogEvents`, `GetLogEvents` (`events`), `GetQueryResults` (`results`, rows of
    `field` and `value`); the console's export of a query (an array of objects with `@timestamp` and `@message`).
    """
    told = list(_events(value)) or list(_rows(value))
    if not told:
        return None
    newest_first = told[0].at_ms > told[-1].at_ms
    ordered = sorted(told[::-1] if newest_first else told, key=lambda line: (line.stream, line.at_ms))
    if not newest_first:
        return ordered
    groups = (list(of_one_time) for _, of_one_time in groupby(ordered, key=lambda line: (line.stream, line.at_ms)))
    return [line for group in groups for line in (group[::-1] if _are_backwards(group) else group)]


def _are_backwards(of_one_time: Sequence[LogLine]) -> bool:
    """
    Say whether lines of one stream and one time stand the wrong way round: an invocation ends before it starts.

    Nothing says in which order a query that gives the newest first gives lines of the same millisecond.
    """
    if len(of_one_time) == 1:
        return False
    entries = [log_entry(line.message) for line in of_one_time]
    kinds = [entry.kind for entry in entries]
    at: dict[tuple[str, str | None], int] = {
        (each.kind, each.request_id): number for number, each in enumerate(entries)
    }
    for (kind, request_id), number in at.items():
        before = {"end": "start", "report": "end"}.get(kind)
        if before is not None and at.get((before, request_id), -1) > number:
            return True
        if before is not None and ("start", request_id) not in at and "start" in kinds[:number]:
            return True  # in one stream the next begins when the last has ended
    begins_last = kinds[-1] == "start" and not {"end", "report"} & set(kinds)
    ends_first = kinds[0] == "end" and not {"start", "report"} & set(kinds)
    return begins_last or ends_first


def _events(value: Json) -> Iterator[LogLine]:
    events = value.get("events") if isinstance(value, Mapping) else None
    if not isinstance(events, list) or not all(map(_is_log_event, events)):
        return
    for each in events:
        yield LogLine(_in_range(each["timestamp"]), str(each.get("logStreamName") or ""), each["message"])


def _is_log_event(value: Any) -> bool:
    """Know an event of the API; whoever picked members of it left it its stream at least."""
    return (
        isinstance(value, dict)
        and isinstance(value.get("message"), str)
        and isinstance(value.get("timestamp"), int)
        and (isinstance(value.get("ingestionTime"), int) or isinstance(value.get("logStreamName"), str))
    )


def _rows(value: Json) -> Iterator[LogLine]:
    """Read the rows of a query; one without a message is no line, and one without a time has that of the row before."""
    rows = value.get("results") if isinstance(value, Mapping) else value
    told = [row if isinstance(row, dict) else _fields(row) for row in rows] if isinstance(rows, list) else []
    if not all(row.keys() & {"@timestamp", "@message"} for row in told):
        return
    at_ms = next((found for row in told if (found := _milliseconds(row.get("@timestamp"))) is not None), None)
    for row in told:
        message = row.get("@message")
        if message is not None and at_ms is not None:
            found = _milliseconds(row.get("@timestamp"))
            at_ms = at_ms if found is None else found
            yield LogLine(
                at_ms, str(row.get("@logStream") or ""), message if isinstance(message, str) else write(message)
            )


def _fields(row: object) -> dict[str, Any]:
    if not isinstance(row, list) or not all(isinstance(each, dict) for each in row):
        return {}
    return {str(each.get("field")): each.get("value") for each in row}


def _milliseconds(value: object) -> int | None:
    if isinstance(value, int):
        return _in_range(value)
    if isinstance(value, str) and _EPOCH_MS.fullmatch(value):
        return int(value)
    try:
        moment = datetime.fromisoformat(str(value))
        return _in_range(round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000))
    except (ValueError, OverflowError):
        return None


def _in_range(at_ms: int) -> int:
    """Put a time that no clock has at the nearer end of those that one can have."""
    return min(max(at_ms, 0), LATEST_MS)
