"""What redaction has replaced in an event: each value by itself, so that any of them can be put back."""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import zip_longest

from replay.errors import InvalidJson
from replay.payloads.exact_json import Edit, Token, is_json, pointer, splice, string_token, string_value, tokens

_DEEPEST = 8
_JSON_STARTS = frozenset("{[")


@dataclass(frozen=True, slots=True, eq=False)
class ReplacedValue:
    """
    A JSON token that redaction has changed: `before` and `after` as written, `start` and `end` in the redacted text.

    `at` is its JSON Pointer, where `#` steps into a string. Where the string holds JSON, `inside` are the values in it.
    """

    at: str
    before: str
    after: str
    start: int
    end: int
    inside: tuple["ReplacedValue", ...] = field(default=())

    def leaves(self) -> Iterator["ReplacedValue"]:
        """Give the values that were replaced, in the order of the text."""
        if not self.inside:
            yield self
        for each in self.inside:
            yield from each.leaves()


def replaced_values(before: str, after: str, at: str = "", level: int = 0) -> tuple[ReplacedValue, ...] | None:
    """
    Compare an event before and after redaction; None where something was taken out, so that places do not agree.

    Raises:
        InvalidJson: One of the two is none.
    """
    found: list[ReplacedValue] = []
    for old, new in zip_longest(tokens(before), tokens(after)):
        if old is None or new is None or old.kind != new.kind:
            return None
        was, now = before[old.start : old.end], after[new.start : new.end]
        if was != now:
            place = f"{at}{pointer(new.path)}"
            found.append(ReplacedValue(place, was, now, new.start, new.end, _inside(old, was, now, place, level)))
    return tuple(found)


def _inside(token: Token, was: str, now: str, at: str, level: int) -> tuple[ReplacedValue, ...]:
    if token.kind != "string" or level >= _DEEPEST:
        return ()
    before, after = string_value(was), string_value(now)
    if before.lstrip()[:1] not in _JSON_STARTS or not (is_json(before) and is_json(after)):
        return ()
    return replaced_values(before, after, f"{at}#", level + 1) or ()


def put_back(text: str, values: Collection[ReplacedValue], tokens_by_value: Mapping[ReplacedValue, str]) -> str:
    """
    Write in the redacted *text*, of which *values* are the replaced ones, other tokens in the places of some leaves.

    A string that holds JSON is written as it was before where all in it is.
    """
    edits = []
    for value in values:
        if value in tokens_by_value:
            edits.append(Edit(value.start, value.end, tokens_by_value[value]))
        elif value.inside and any(leaf in tokens_by_value for leaf in value.leaves()):
            made = put_back(string_value(value.after), value.inside, tokens_by_value)
            edits.append(Edit(value.start, value.end, _token(made, value)))
    return splice(text, edits)


def _token(made: str, value: ReplacedValue) -> str:
    if made == string_value(value.before):
        return value.before
    return json.dumps(made) if value.before.isascii() else string_token(made)


def told_alike(text: str, values: Collection[ReplacedValue]) -> str:
    """Give a *text* of the event before redaction, such as an error's message, as it reads after it."""
    pairs = {_plain(leaf.before): _plain(leaf.after) for value in values for leaf in value.leaves()}
    for before in sorted(pairs, key=len, reverse=True):
        if before:
            text = text.replace(before, pairs[before])
    return text


def _plain(token: str) -> str:
    try:
        return string_value(token) if token.startswith('"') else token
    except (InvalidJson, ValueError):
        return token
