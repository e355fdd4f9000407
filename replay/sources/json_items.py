"""How a text of JSON falls into events: one document, several, an array, or what a tool has saved them in."""

import re
from collections.abc import Iterator
from datetime import datetime
from itertools import chain
from typing import NamedTuple

from replay.counted_nouns import counted
from replay.errors import InvalidJson
from replay.payloads.envelopes.documents import document
from replay.payloads.envelopes.lambda_event import event_source_of, event_source_of_value
from replay.payloads.envelopes.registry import is_known
from replay.payloads.exact_json import Json, is_json, parse, tokens
from replay.payloads.log_formats.concatenated_json import document_end
from replay.payloads.log_formats.log_answers import LogLine, log_lines
from replay.readers.invocations import LoggedInvocation
from replay.sources.event_times import event_time
from replay.sources.file_parts.saved_logs import log_answer
from replay.sources.file_parts.saved_messages import Message, is_sqs_record, received_messages, saved_message
from replay.sources.file_parts.shareable_test_events import shared_test_events

_BETWEEN = re.compile(r"[ \t\r\n,]*")
_STRUCTURE = re.compile(r"[\[\]{},]")
_BLANK = " \t\r\n"
_MOST_DEEP = 6 * 1024 * 1024
"""No event is larger that Lambda takes; each level of a deep text needs memory. Source: Lambda quotas, "Payload"."""


class Item(NamedTuple):
    """
    One event of a text: its own text, and the line on which it begins (from 1).

    `message` is set when it is not an event but a message as `ReceiveMessage` answers. `logged` is set when it was read
    out of a log: `text` then is empty where the invocation logged no event. `problem` is set instead when it cannot be
    read. `sent_at` is when the event was sent, where it tells.
    """

    text: str
    line: int
    message: Message | None = None
    problem: str = ""
    sent_at: datetime | None = None
    logged: LoggedInvocation | None = None


def items(text: str, line: int = 1) -> Iterator[Item]:
    """
    Take one JSON document apart, or several that stand one behind the other.

    - What other tools save is taken out of what they save it in: `Messages`, as `aws sqs receive-message` prints them;
      lines of a log, as `aws logs` and Logs Insights print them; test events of Lambda's console, out of their schema.
    - An array is several events when each of its elements is the event of a known source, a message, an answer with
      messages, or what carries an event (see `is_known`); each element's text is kept exactly. Any other array is one
      event, as functions may be invoked with an array (AppSync does so).
    - Everything else is one event, also what is nested deeper than Python's parser goes.
    """
    stripped = text.lstrip(_BLANK)
    line += text.count("\n", 0, len(text) - len(stripped))
    text = stripped.rstrip(_BLANK)
    try:
        value = parse(text)
    except InvalidJson as error:
        several, end = _one_behind_the_other(text, line)
        if several and end == len(text) and several[0].text != text:
            yield from (found for each in several for found in items(each.text, each.line))
        elif len(text) <= _MOST_DEEP and is_json(text):
            yield Item(text, line, sent_at=event_time(document(text)))
        else:
            yield Item(text, line, problem=_told(error))
        return
    saved = list(_saved(text, line, value))
    if not saved and isinstance(value, list) and value and not _is_event(value):
        saved = _taken_apart(text, line, value)
    yield from saved or [_item(text, line, value)]


def beginning(text: str, line: int = 1) -> Iterator[Item]:
    """Take documents that stand one behind the other, of which the last is broken; nothing where no other is so."""
    several, end = _one_behind_the_other(text, line)
    if several and end < len(text):
        yield from (found for each in several for found in items(each.text, each.line))
        broken = "no JSON behind the documents before it: its end is missing, or something else begins"
        yield Item("", line + text.count("\n", 0, end), problem=broken)


def lines_of_items(lines: Iterator[str], line: int = 1) -> Iterator[Item]:
    """Take JSON Lines apart: each line that is not blank is a document of its own."""
    for number, text in enumerate(lines, start=line):
        if text.strip(_BLANK):
            yield from items(text, number)


def _saved(text: str, line: int, value: Json) -> Iterator[Item]:
    """Give what lies in a form in which other tools save events; nothing where *value* has none of these forms."""
    messages = received_messages(value)
    if messages:
        yield from (Item(text, line, message=message) for message in messages)
        return
    told = log_lines(value)
    if told is not None:
        yield from _logged(told, line)
        return
    yield from (_item(event, line, parse(event)) for event in shared_test_events(text, value))


def _logged(told: list[LogLine], line: int) -> Iterator[Item]:
    """Give the events of invocations, and of lines that are events themselves."""
    found, others = log_answer(told)
    for logged, event in found:
        yield Item(event or "", line, logged=logged)
    no_events = 0
    for each in others:
        text = each.strip(_BLANK)
        if event_source_of(text) is None:
            no_events += 1
        else:
            yield Item(text, line, sent_at=event_time(parse(text)))
    if no_events:
        yield Item("", line, problem=f"{counted(no_events, 'line')} of a log without an event in it")
    elif not found and not others:
        yield Item("", line, problem="lines of a log that tell of no failure, and hold no event")


def _item(text: str, line: int, value: Json) -> Item:
    if is_sqs_record(value):
        return Item(f'{{"Records":[{text}]}}', line, sent_at=event_time({"Records": [value]}))
    return Item(text, line, message=saved_message(value), sent_at=event_time(value))


def _told(error: InvalidJson) -> str:
    return f"{error.what}; {error.hint}" if error.hint else error.what


def _one_behind_the_other(text: str, line: int) -> tuple[list[Item], int]:
    """Give the objects that stand one behind the other from the start of *text* on, and where they end."""
    found: list[Item] = []
    at = told = 0
    while text[at : at + 1] == "{" and (end := document_end(text, at)) is not None:
        line, told = line + text.count("\n", told, at), at
        found.append(Item(text[at:end], line))
        at = _BETWEEN.match(text, end).end()  # type: ignore[union-attr]  # it matches the empty string
    return found, at


def _taken_apart(text: str, line: int, array: list[Json]) -> list[Item]:
    """Give the items of an array; nothing where one of its elements is none."""
    found: list[Item] = []
    at = 0
    for (start, end), each in zip(_elements(text), array, strict=True):
        piece, line, at = text[start:end], line + text.count("\n", at, start), start
        messages = received_messages(each)
        if messages:
            found += [Item(piece, line, message=message) for message in messages]
        elif is_sqs_record(each) or saved_message(each) is not None or _is_event(each) or is_known(piece):
            found.append(_item(piece, line, each))
        else:
            return []
    return found


def _is_event(value: Json) -> bool:
    return event_source_of_value(value) is not None


def _elements(text: str) -> Iterator[tuple[int, int]]:
    """Find where each element of the array *text*, which is valid JSON, begins and ends."""
    depth, start, at = 0, 0, 0
    places = ((token.start, token.end) for token in tokens(text))
    for token_start, token_end in chain(places, [(len(text), len(text))]):
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
