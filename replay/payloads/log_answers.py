"""Lines of a log as CloudWatch Logs gives them in an answer, and as its console exports them: as JSON."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from replay.payloads.exact_json import Json, write


class LogLine(NamedTuple):
    """One event of a log: `at_ms` is its time in epoch milliseconds, `message` its text, perhaps of several lines."""

    at_ms: int
    stream: str
    message: str


def log_lines(value: Json) -> list[LogLine] | None:
    """
    Give the lines of an answer, those of each stream in the order of their times; None where *value* is no such answer.

    Source: CloudWatch Logs API `FilterLogEvents`, `GetLogEvents` (`events`), `GetQueryResults` (`results`, rows of
    `field` and `value`); the console's export of a query (an array of objects with `@timestamp` and `@message`).
    """
    told = list(_events(value)) or list(_rows(value))
    if not told:
        return None
    if told[0].at_ms > told[-1].at_ms:
        told.reverse()  # a query gives the last line first; lines of one time keep their order
    return sorted(told, key=lambda line: (line.stream, line.at_ms))


def _events(value: Json) -> Iterator[LogLine]:
    events = value.get("events") if isinstance(value, Mapping) else None
    if not isinstance(events, list) or not all(map(_is_log_event, events)):
        return
    for each in events:
        yield LogLine(each["timestamp"], str(each.get("logStreamName") or ""), each["message"])


def _is_log_event(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("message"), str)
        and all(isinstance(value.get(name), int) for name in ("timestamp", "ingestionTime"))
    )


def _rows(value: Json) -> Iterator[LogLine]:
    """Read the rows of a query; those without a message are no lines."""
    rows = value.get("results") if isinstance(value, Mapping) else value
    if not isinstance(rows, list):
        return
    for row in rows:
        told = row if isinstance(row, dict) else _fields(row)
        message, at_ms = told.get("@message"), _milliseconds(told.get("@timestamp"))
        if message is None or at_ms is None:
            return
        text = message if isinstance(message, str) else write(message)
        yield LogLine(at_ms, str(told.get("@logStream") or ""), text)


def _fields(row: object) -> dict[str, Any]:
    if not isinstance(row, list) or not all(isinstance(each, dict) for each in row):
        return {}
    return {str(each.get("field")): each.get("value") for each in row}


def _milliseconds(value: object) -> int | None:
    if isinstance(value, int):
        return value
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
