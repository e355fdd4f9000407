"""What stands in a JSON text, and in the JSON that its strings hold, read as quickly as Python's own parser goes."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from replay.redaction.byte_arrays import may_hold_bytes
from replay.redaction.card_numbers import card_of_number
from replay.redaction.named_values import NAMES, has_named_values, is_named_pair
from replay.redaction.pseudonyms import is_made_receipt_handle
from replay.redaction.secret_keys import is_secret_key

SHORTEST: Final = 6
"""Nothing private without a key name that says so is shorter: `a@b.co`."""
SHORTEST_CARD: Final = 13
MOST_LEVELS: Final = 5
JSON_STARTS: Final = frozenset('{["')


@dataclass(slots=True, eq=False)
class JsonPart:
    """
    One JSON text, or a text that is none.

    `holder` is the part in which it is a string; `texts` are the strings in it that are no JSON themselves; `keys` are
    its keys, but those of receipt handles that we made. `is_private`: a number in it may be private, or a value whose
    name stands beside it.
    """

    text: str
    holder: "JsonPart | None" = None
    texts: list[str] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    is_private: bool = False


def json_parts(text: str, *, must_be_json: bool = False) -> list[JsonPart] | None:
    """
    Give *text* and all JSON in its strings, the outer before the inner.

    None where that is nested too deep, or *text* is not JSON and must be.
    """
    parts: list[JsonPart] = []
    level = [JsonPart(text)]
    for _ in range(MOST_LEVELS):
        inside: list[JsonPart] = []
        for part in level:
            try:
                strings = _read(part)
            except RecursionError:
                return None
            if strings is not None:
                parts.append(part)
                inside += _sorted_out(part, strings)
            elif part.holder is not None:
                part.holder.texts.append(part.text)
            elif must_be_json:
                return None
            else:
                parts.append(part)
                part.texts.append(part.text)
        if not inside:
            return parts
        level = inside
    return None


def _read(part: JsonPart) -> list[str] | None:
    """Take keys, numbers and strings out of a part, and give the strings; None where it is no JSON."""
    if part.text.lstrip()[:1] not in JSON_STARTS:
        return None
    objects: list[list[tuple[str, Any]]] = []
    numbers: list[str] = []
    try:
        # The hooks are those of C's lists, so that Python runs only for what is there in the end.
        root = json.loads(
            part.text, object_pairs_hook=objects.append, parse_int=numbers.append, parse_float=numbers.append
        )
    except ValueError:
        return None
    strings = _strings(root, objects, part)
    long = [number for number in numbers if len(number) >= SHORTEST_CARD]
    part.is_private = (
        part.is_private
        or any(card_of_number(number) is not None for number in long)
        or (not NAMES.isdisjoint(part.keys) and has_named_values(part.text, objects))
        or may_hold_bytes(part.text)
    )
    return strings


def _strings(root: Any, objects: list[list[tuple[str, Any]]], part: JsonPart) -> list[str]:
    """Give all strings, and put all keys into *part*."""
    strings, keys = [], part.keys
    arrays: list[list[Any]] = [[root]]
    for members in objects:
        for key, value in members:
            if value.__class__ is str:
                if value.startswith("AQEB") and is_secret_key(key) and is_made_receipt_handle(value):
                    continue
                strings.append(value)
            elif value.__class__ is list:
                arrays.append(value)
            keys.add(key)
    while arrays:
        array = arrays.pop()
        part.is_private = part.is_private or is_named_pair(array)
        for value in array:
            if value.__class__ is str:
                strings.append(value)
            elif value.__class__ is list:
                arrays.append(value)
    return strings


def _sorted_out(part: JsonPart, strings: list[str]) -> Iterator[JsonPart]:
    """Give the strings that look like JSON as parts, and leave the others in *part*."""
    for string in strings:
        if len(string) >= SHORTEST:
            if string.lstrip()[:1] in JSON_STARTS:
                yield JsonPart(string, part)
            else:
                part.texts.append(string)
