"""Payloads as documents to look at: parsed once for all envelopes that ask, and at any depth."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from replay.errors import InvalidJson
from replay.payloads.exact_json import Json, Path, Step, parse, steps, tokens

_SEEN_LEVELS = 8
"""No envelope looks deeper; what lies deeper in a text that Python cannot parse is left out of the view."""

_MOST = 10**18

_DEEP = 900
"""So many brackets may be nested deeper than Python's parser goes."""


@lru_cache(maxsize=8)
def document(text: str) -> Json:
    """
    Read *text*, or give None where it is no JSON object or array. What is given is shared: look, and change nothing.

    A text that is nested too deep for Python's parser is read as far as an envelope looks.
    """
    if text.lstrip(" \t\n\r")[:1] not in {"{", "["}:
        return None
    try:
        return parse(text)
    except InvalidJson:
        deep = text.count("{") + text.count("[") > _DEEP
        return _outer_levels(text) if deep else None


def object_in(text: str) -> Mapping[str, Any]:
    """Read *text* as an object; what is no object is an empty one."""
    value = document(text)
    return value if isinstance(value, dict) else {}


def at(value: object, *names: str) -> Any:
    """Give the member of members by its *names*, or None where one is missing."""
    for name in names:
        if not isinstance(value, dict):  # a parsed document has no other mappings, and this is asked very often
            return None
        value = value.get(name)
    return value


def text_at(value: object, *names: str) -> str | None:
    """Give the text at *names*, or None where there is no text."""
    found = at(value, *names)
    return found if isinstance(found, str) else None


def count_at(value: object, *names: str) -> int | None:
    """Give the whole number at *names*, which may be written as text, or None."""
    found = at(value, *names)
    if isinstance(found, str) and found.isdecimal() and found.isascii():
        return int(found[:18])
    is_count = isinstance(found, int) and not isinstance(found, bool) and abs(found) < _MOST
    return found if is_count else None


@lru_cache(maxsize=2)
def _outer_levels(text: str) -> Json:
    holder: dict[str, Json] = {"": None}
    try:
        for token in tokens(text):
            place = shallow_steps(token.path, _SEEN_LEVELS)
            if place is not None:
                _put(holder, place, None if token.kind == "key" else parse(text[token.start : token.end]))
    except InvalidJson:
        return None
    return holder[""]


def shallow_steps(path: Path, levels: int) -> tuple[Step, ...] | None:
    """List the steps of *path* where it has at most so many *levels*, else give None, however deep it is."""
    outer = path
    for _ in range(levels):
        if outer is None:
            return steps(path)
        outer = outer[0]
    return steps(path) if outer is None else None


def _put(holder: dict[str, Json], place: tuple[Step, ...], value: Json) -> None:
    container: Any = holder
    key: Step = ""
    for step in place:
        wanted = list if isinstance(step, int) else dict
        if not isinstance(container[key], wanted):
            container[key] = wanted()
        container, key = container[key], step
        if isinstance(container, list):
            container += [None] * (int(key) + 1 - len(container))
        else:
            container.setdefault(key, None)
    container[key] = value
