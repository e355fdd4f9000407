"""Which column of a result holds the event, and the event of a row, exactly."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from replay.errors import ConfigurationError
from replay.payloads.envelopes.documents import document
from replay.payloads.envelopes.lambda_event import event_source_of_value
from replay.payloads.exact_json import is_json, string_token
from replay.payloads.log_formats.json_path import JsonPath, json_path, text_of_place
from replay.payloads.log_formats.reading import Forms, read_line
from replay.sources.athena_parts.rows import Column, Row

_SURE = ("event", "body", "detail")
_PERHAPS = ("@message", "message", "line", "log")
_EVENTBRIDGE = ({"source", "detail"}, {"detail-type", "detail_type", "detailtype"})
_EVENTBRIDGE_NAMES = {"detail_type": "detail-type", "detailtype": "detail-type", "replay_name": "replay-name"}
_EVENTBRIDGE_MEMBERS = frozenset(
    {"version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail"}
)
"""Source: EventBridge User Guide, "Events": the members of every event, also where a table is partitioned by one."""

_EVENTBRIDGE_JSON = frozenset({"detail", "resources"})
"""What is JSON in an event of EventBridge, also where a table has it as text."""

_LEVELS = ("level", "levelname", "severity")
_MESSAGES = ("message", "msg")
_NUMBERS = re.compile(r"(?:tiny|small|big)?int(?:eger)?|double|float|real|decimal.*|hugeint|ubigint")
_SPELT = {
    each.lower(): each
    for each in ("requestId", "errorType", "errorMessage", "stackTrace", "traceId", "functionName", "functionVersion")
}
"""Names of the logs of Lambda and its loggers, which a catalog has in lower case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventAt:
    """
    Where the event of a row is: in the column `index`, at `path` in its JSON; without an index it is the whole row.

    `is_event` says that each row surely holds an event; else its rows may be lines of a log. `is_eventbridge`: the
    columns are those of EventBridge's events.
    """

    index: int | None
    path: JsonPath = ()
    is_event: bool = True
    is_eventbridge: bool = False


def event_at(columns: Sequence[Column], option: str | None) -> EventAt:
    """
    Find the column of the events.

    Args:
        option: A column, a JSONPath inside the one obvious column (`$.request`) or a named one (`message.request`), or
            `$` for the whole row; None leaves it to the names of the columns.

    Raises:
        ConfigurationError: There is no such column, or several could be meant, or its texts are no JSON.
    """
    names = [column.name.lower() for column in columns]
    if option is None:
        return _obvious(columns, names, "")
    if option.strip() == "$":
        return EventAt(index=None, is_eventbridge=_is_eventbridge(set(names)))
    if option.lower() in names:
        return EventAt(index=_readable(columns, names.index(option.lower())))
    path = json_path(option, option="--event-at")
    if option.lstrip().startswith("$"):
        found = _obvious(columns, names, option)
        return EventAt(index=found.index, path=path)
    if path and isinstance(path[0], str) and path[0].lower() in names:
        return EventAt(index=_readable(columns, names.index(path[0].lower())), path=path[1:])
    raise ConfigurationError(
        "there is no such column",
        where=f"--event-at {option}",
        expected=f"one of {_shown(columns)}",
        hint="or a JSONPath inside one: COLUMN.request, or $.request",
    )


def _obvious(columns: Sequence[Column], names: list[str], option: str) -> EventAt:
    told = set(names)
    if _is_eventbridge(told) and "event" not in told:
        return EventAt(index=None, is_eventbridge=True)
    if "event" in told:
        return EventAt(index=_readable(columns, names.index("event")))
    own = [number for number, column in enumerate(columns) if not column.is_partition]
    found = [number for number, name in enumerate(names) if name in _SURE + _PERHAPS] or (own if len(own) == 1 else [])
    if len(found) == 1:
        return EventAt(index=_readable(columns, found[0]), is_event=names[found[0]] in _SURE)
    raise ConfigurationError(
        "several columns could hold the event" if found else "it is not known which column holds the event",
        where=f"--event-at {option}" if option else "the columns of the result",
        expected=f"--event-at with one of {_shown(columns)}",
        hint="--event-at COLUMN; --event-at '$' makes an event of the whole row",
    )


def _is_eventbridge(names: set[str]) -> bool:
    return _EVENTBRIDGE[0] <= names and bool(_EVENTBRIDGE[1] & names)


def _readable(columns: Sequence[Column], index: int) -> int:
    column = columns[index]
    if column.is_nested and column.type.startswith(("row", "list", "map(")):  # as a result has it, not as a table does
        name = column.name
        raise ConfigurationError(
            "the values of this column are no JSON: they come as text such as {a=1}",
            where=f"column {_printable(name)}",
            expected=f'json_format(CAST("{_printable(name)}" AS JSON)) AS "{_printable(name)}" in the query',
            hint="or read the table itself: --table DATABASE.TABLE",
        )
    return index


def _shown(columns: Sequence[Column]) -> str:
    return ", ".join(_printable(column.name) for column in columns) or "a result that has columns"


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def event_of(row: Row, columns: Sequence[Column], place: EventAt) -> str | None:
    """Give the exact text of the event of a row; None where there is none, or where it is no JSON."""
    text = row[place.index] if place.index is not None else _whole_row(row, columns, place)
    if text is not None and place.path:
        text = text_of_place(text, place.path)
    return text if text and is_json(text) else None


def _whole_row(row: Row, columns: Sequence[Column], place: EventAt) -> str:
    if not place.is_eventbridge:
        return row_document(row, columns)
    return row_document(row, [_of_eventbridge(each) for each in columns], _EVENTBRIDGE_NAMES)


def _of_eventbridge(column: Column) -> Column:
    name = column.name.lower()
    is_member = _EVENTBRIDGE_NAMES.get(name, name) in _EVENTBRIDGE_MEMBERS
    return replace(
        column,
        type="json" if name in _EVENTBRIDGE_JSON else column.type,
        is_partition=column.is_partition and not is_member,
    )


def row_document(row: Row, columns: Sequence[Column], spelt: Mapping[str, str] = {}) -> str:
    """
    Put a row together as a JSON object; partition keys, which are no part of the data, and NULLs are left out.

    What a table has forgotten cannot come back: the case of names, the order and writing of numbers, members that are
    null or that no column has.
    """
    held = (
        f"{string_token(spelt.get(column.name, column.name))}: {_value(value, column)}"
        for value, column in zip(row, columns, strict=True)
        if value is not None and not column.is_partition
    )
    return f"{{{', '.join(held)}}}"


def _value(value: str, column: Column) -> str:
    raw = column.is_nested or column.type in {"json", "boolean"} or _NUMBERS.fullmatch(column.type)
    return value if raw and is_json(value) else string_token(value)


def line_of(row: Row, columns: Sequence[Column], place: EventAt) -> str | None:
    """Give the line of a log that a row is: its text, or all its columns where the request's id is one of them."""
    names = {column.name.lower() for column in columns}
    if place.index is None or names & {"requestid", "request_id", "aws_request_id"}:
        return row_document(row, columns, _SPELT)
    return row[place.index]


def is_line_of_log(text: str) -> bool:
    """Say whether *text* is a line of a log rather than an event."""
    value = document(text)
    if value is None:
        return True
    if not isinstance(value, dict) or event_source_of_value(value) is not None:
        return False
    if any(name in value for name in _LEVELS) and any(name in value for name in _MESSAGES):
        return True
    records = read_line(text, Forms(application=True)) or []
    telling = any(each.failure is not None or each.report is not None or each.whole for each in records)
    return telling or any(each.event is not None and each.event.strip() != text.strip() for each in records)
