"""
An event's records as exact texts, so that AWS's regrouping of records never rewrites one of them.

A record that goes into another batch keeps every character, duplicate keys and number spellings included; only what
AWS itself changes between two deliveries (a receive count) is spliced. The text is walked bracket by bracket, at any
depth and without recursion.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from json import JSONDecoder
from typing import Any, NamedTuple

from replay.errors import InvalidEvent
from replay.payloads.exact_json import Json, parse, string_value

_SPACE = re.compile(r"[ \t\n\r]*+")
_SEPARATOR = re.compile(r"[ \t\n\r]*+(?:,[ \t\n\r]*+)?+")
_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_SCALAR = re.compile(rf"{_STRING}|[^,\]}}\s]++", re.DOTALL)
_S = r"[ \t\n\r]*+"
_NEXT_OBJECT = re.compile(rf"{_S},{_S}(?=\{{)")
_ONLY_MEMBER = re.compile(rf"{_S}\]{_S}\}}{_S}\Z")
_SCAN: Callable[[str, int], tuple[Any, int]] = JSONDecoder().scan_once  # type: ignore[attr-defined]  # not in typeshed
_TO_BRACKET = re.compile(rf'(?:[^"{{}}\[\]]++|{_STRING})*+([{{}}\[\]])', re.DOTALL)
_SHALLOW_DEPTH = 4  # a record whose message attributes have lists


def _nested(depth: int) -> str:
    inner = f"|{_nested(depth - 1)}" if depth > 1 else ""
    return rf'[\[{{](?:[^"{{}}\[\]]++|{_STRING}{inner})*+[\]}}]'


_SHALLOW = re.compile(_nested(_SHALLOW_DEPTH), re.DOTALL)


class Span(NamedTuple):
    """A value in a JSON text: `text[start:end]`."""

    start: int
    end: int


class EventRecords:
    """
    The records of an event: `values` for looking, `texts` for delivering; both in record order.

    Raises:
        InvalidJson: The event is not JSON.
        InvalidEvent: It has no list of objects at its key *key*.
    """

    def __init__(self, text: str, key: str = "Records") -> None:
        self.text = text
        self.key = key
        self._plain_spans: tuple[Span, ...] | None = None
        plain = _read_plain(text, key)
        if plain is None:
            self.values = _records_of(parse(text), key)
        else:
            self.values, self._plain_spans = plain

    def __len__(self) -> int:
        return len(self.values)

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """Each record exactly as it is written in the event."""
        return tuple(self.text[span.start : span.end] for span in self._spans)

    def event_of(self, texts: Sequence[str]) -> str:
        """Write the event with the records *texts* in place of its own, everything around them as it was."""
        spans = self._spans
        separator = self.text[spans[0].end : spans[1].start] if len(spans) > 1 else ", "
        return self.text[: spans[0].start] + separator.join(texts) + self.text[spans[-1].end :]

    @cached_property
    def _spans(self) -> tuple[Span, ...]:
        if self._plain_spans is not None:
            return self._plain_spans
        array = member(self.text, Span(0, len(self.text)), self.key)
        return tuple(elements(self.text, array.start)) if array else ()


def _read_plain(text: str, key: str) -> tuple[list[dict[str, Json]], tuple[Span, ...]] | None:
    """
    Read an event that has nothing but its records, as always on AWS: values and places in one walk.

    None is for any other event, and for one that is not JSON.
    """
    opening = rf'{_S}\{{{_S}"{re.escape(key)}"{_S}:{_S}\[{_S}(?=\{{)'
    found = re.match(opening, text)
    values, spans = [], []
    try:
        while found is not None:
            start = found.end()
            value, end = _SCAN(text, start)
            values.append(value)
            spans.append(Span(start, end))
            found = _NEXT_OBJECT.match(text, end)
    except (StopIteration, ValueError, RecursionError):
        return None
    return (values, tuple(spans)) if spans and _ONLY_MEMBER.match(text, spans[-1].end) else None


def _records_of(event: Json, key: str) -> list[dict[str, Json]]:
    records = event.get(key) if isinstance(event, dict) else None
    if not isinstance(records, list):
        raise InvalidEvent(
            "the event has no records",
            where=f"/{key}",
            expected=f"an object with a list of records at its key {key!r}",
            hint='deliver it with an event source of kind "direct" if this is how the function is called',
        )
    for index, record in enumerate(records):
        if not isinstance(record, dict):
            raise InvalidEvent("a record is not an object", where=f"/{key}/{index}", expected="an object")
    return records


def member(text: str, span: Span, key: str) -> Span | None:
    """
    Find the value of *key* in the object at *span* of *text*, which must be JSON.

    The last one counts where a key stands twice, as for Python's parser.
    """
    found = None
    for name, value in members(text, span):
        if name == key:
            found = value
    return found


def members(text: str, span: Span) -> Iterator[tuple[str, Span]]:
    """Walk the members of the object at *span* of *text*, which must be JSON, in order."""
    position = _space(text, _space(text, span.start) + 1)
    while text[position] != "}":
        key_end = _end_of_value(text, position)
        value_start = _space(text, _space(text, key_end) + 1)
        value_end = _end_of_value(text, value_start)
        yield string_value(text[position:key_end]), Span(value_start, value_end)
        position = _next(text, value_end)


def elements(text: str, start: int) -> Iterator[Span]:
    """Walk the elements of the array that begins at *start* of *text*, which must be JSON, in order."""
    position = _space(text, start + 1)
    while text[position] != "]":
        end = _end_of_value(text, position)
        yield Span(position, end)
        position = _next(text, end)


def _next(text: str, end: int) -> int:
    """Find where the member after the one that ends at *end* begins, or the closing bracket."""
    return _SEPARATOR.match(text, end).end()  # type: ignore[union-attr]  # it matches the empty string


def _space(text: str, position: int) -> int:
    return _SPACE.match(text, position).end()  # type: ignore[union-attr]  # it matches the empty string


def _end_of_value(text: str, start: int) -> int:
    if text[start] not in "{[":
        return _SCALAR.match(text, start).end()  # type: ignore[union-attr]  # the text is JSON
    shallow = _SHALLOW.match(text, start)
    if shallow:
        return shallow.end()
    depth, position = 1, start + 1
    while depth:
        found = _TO_BRACKET.match(text, position)
        position = found.end()  # type: ignore[union-attr]  # the same
        depth += 1 if text[position - 1] in "{[" else -1
    return position
