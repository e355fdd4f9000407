"""Members of a JSON object as they are written: taken out by position, never parsed and written back."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from json import JSONDecoder

from replay.errors import InvalidJson
from replay.payloads.exact_json import string_value, tokens

_COLON = re.compile(r"[ \t\n\r]*:[ \t\n\r]*")
_FIRST = re.compile(r"[ \t\n\r]*\{[ \t\n\r]*(?:(?=\")|(?P<closes>\}))")
_NEXT = re.compile(r"[ \t\n\r]*(?:,[ \t\n\r]*(?=\")|(?P<closes>\}))")
_SPACE = " \t\n\r"
_value_at = JSONDecoder(parse_int=str, parse_float=str).raw_decode


def member(text: str, *names: str) -> str | None:
    """Give the text of the member of members by its *names*, exactly, or None where there is none."""
    found: str | None = text
    for name in names:
        found = None if found is None else members(found).get(name)
    return found


@lru_cache(maxsize=4)
def members(text: str) -> Mapping[str, str]:
    """
    Give the members of the object *text*, each value exactly as it is written; of duplicate keys the last counts.

    What is no JSON object has no members. Depth does no harm.
    """
    if text.lstrip(_SPACE)[:1] != "{":
        return {}
    try:
        return dict(_parsed(text))
    except (ValueError, RecursionError):  # what Python's parser does not take is walked: that takes ten times as long
        return _walked(text)


def _parsed(text: str) -> Iterator[tuple[str, str]]:
    """
    Let Python's parser say where each value ends.

    Raises:
        ValueError: It does not take it, or it is no object of members and nothing else.
        RecursionError: It is nested too deep.
    """
    mark = _FIRST.match(text)
    while mark and not mark["closes"]:
        name, end = _value_at(text, mark.end())
        colon = _COLON.match(text, end)
        if colon is None:
            raise ValueError("no colon")
        start = colon.end()
        _, end = _value_at(text, start)
        yield name, text[start:end]
        mark = _NEXT.match(text, end)
    if not mark or text[mark.end() :].strip(_SPACE):
        raise ValueError("no end")


def _walked(text: str) -> Mapping[str, str]:
    try:
        return dict(_between_keys(text))
    except InvalidJson:
        return {}


def _between_keys(text: str) -> Iterator[tuple[str, str]]:
    """Go by the keys of the first level: a value ends before the comma in front of the next, or with the object."""
    name, start = "", -1
    for token in tokens(text):
        if token.kind == "key" and token.path is not None and token.path[0] is None:
            if start >= 0:
                yield name, _without_end(text[start : token.start])
            colon = _COLON.match(text, token.end)
            name, start = string_value(text[token.start : token.end]), colon.end() if colon else token.end
    if start >= 0:
        yield name, _without_end(text[start:])


def _without_end(value: str) -> str:
    """Take the comma or bracket behind *value* away, with the space around it."""
    return value.rstrip(_SPACE)[:-1].rstrip(_SPACE)
