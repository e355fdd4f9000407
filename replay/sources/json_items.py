"""How a text of JSON falls into events: one document, one per line, an array of events, or a saved ReceiveMessage."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from replay.errors import InvalidJson
from replay.payloads.envelopes.lambda_event import event_source_of_value
from replay.payloads.exact_json import Json, parse, tokens
from replay.sources.event_times import event_time

_STRUCTURE = re.compile(r"[\[\]{},]")
_BLANK = " \t\r\n"


class Item(NamedTuple):
    """
    One event of a text: its own text, and the line on which it begins (from 1).

    `message` is set when it is not an event but a message as `ReceiveMessage` answers. `problem` is set instead when it
    cannot be read. `sent_at` is when the event was sent, where it tells.
    """

    text: str
    line: int
    message: Mapping[str, Any] | None = None
    problem: str = ""
    sent_at: datetime | None = None


def items(text: str, line: int = 1) -> Iterator[Item]:
    """
    Take one JSON document apart.

    - An object with `Messages`, as `aws sqs receive-message` prints it, is as many messages as it has.
    - An array is several events when each of its elements is the event of a known source, or a message; each element's
      text is kept exactly. Any other array is one event, as functions may be invoked with an array (AppSync does so).
    - Everything else is one event.
    """
    stripped = text.lstrip(_BLANK)
    line += text.count("\n", 0, len(text) - len(stripped))
    text = stripped.rstrip(_BLANK)
    try:
        value = parse(text)
    except InvalidJson as error:
        yield Item(text, line, problem=error.what)
        return
    if isinstance(value, dict) and _are_messages(value.get("Messages")):
        yield from (Item(text, line, message=message) for message in value["Messages"])
    elif isinstance(value, list) and value and not _is_event(value) and all(map(_is_item, value)):
        for (start, end), each in zip(_elements(text), value, strict=True):
            at = line + text.count("\n", 0, start)
            yield Item(text[start:end], at, message=each if _is_message(each) else None, sent_at=event_time(each))
    else:
        message = value if isinstance(value, dict) and _is_message(value) else None
        yield Item(text, line, message=message, sent_at=event_time(value))


def lines_of_items(lines: Iterator[str], line: int = 1) -> Iterator[Item]:
    """Take JSON Lines apart: each line that is not blank is a document of its own."""
    for number, text in enumerate(lines, start=line):
        if text.strip(_BLANK):
            yield from items(text, number)


def _is_item(value: Json) -> bool:
    return _is_message(value) or _is_event(value)


def _is_event(value: Json) -> bool:
    return event_source_of_value(value) is not None


def _is_message(value: object) -> bool:
    """Say whether *value* is a message as `ReceiveMessage` gives it. Source: SQS API `Message`."""
    return isinstance(value, dict) and isinstance(value.get("MessageId"), str) and isinstance(value.get("Body"), str)


def _are_messages(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(_is_message(each) for each in value)


def _elements(text: str) -> Iterator[tuple[int, int]]:
    """Find where each element of the array *text*, which is valid JSON, begins and ends."""
    depth, start, at = 0, 0, 0
    for token_start, token_end in [*((token.start, token.end) for token in tokens(text)), (len(text), len(text))]:
        for found in _STRUCTURE.finditer(text, at, token_start):
            mark, place = found[0], found.start()
            if mark in "[{":
                depth += 1
                if depth == 1:
                    start = place + 1
            elif mark in "]}":
                depth -= 1
                if depth == 0:
                    yield _trimmed(text, start, place)
            elif depth == 1:
                yield _trimmed(text, start, place)
                start = place + 1
        at = token_end


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    piece = text[start:end]
    return start + len(piece) - len(piece.lstrip(_BLANK)), end - len(piece) + len(piece.rstrip(_BLANK))
