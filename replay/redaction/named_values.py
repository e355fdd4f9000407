"""
Values whose name does not stand at their key but beside them: `{"Name": "password", "Value": …}`, `["Cookie", …]`.

Headers of CloudFront, attributes of Cognito, environments of containers and lists of tags come so.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from replay.payloads.exact_json import Path, string_value, tokens
from replay.redaction.personal_keys import is_a_name, is_private_key

NAMES = frozenset(
    {"name", "Name", "NAME", "key", "Key", "KEY", "header", "Header", "field", "Field", "attribute", "attributeName",
     "AttributeName", "k", "K"}
)  # fmt: skip
VALUES = frozenset({"value", "Value", "VALUE", "values", "Values", "stringValue", "StringValue", "val", "v", "V"})
_A_NAME = re.compile(rf'"(?:{"|".join(sorted(NAMES))})"\s*:\s*"')
_A_VALUE = re.compile(rf'"(?:{"|".join(sorted(VALUES))})"\s*:')
_A_PAIR = re.compile(r'[\[,]\s*\[\s*"[^"]{1,256}+"\s*,\s*"')
_PAIR = 2


@dataclass(slots=True)
class _Holder:
    """An object or array that is being read; `path` is kept, since it is known again by its identity."""

    path: Path
    name: str = ""
    values: list[int] = field(default_factory=list)


def named_values(text: str) -> Mapping[int, str]:
    """Give the names of the values in *text*, which is JSON, that are private by one: by where they begin."""
    if not (_A_PAIR.search(text) or (_A_VALUE.search(text) and _A_NAME.search(text))):
        return {}
    holders: dict[int, _Holder] = {}
    for path, start, end, kind in tokens(text):
        if path is not None and kind != "key":
            _note(holders, path, start, text[start:end] if kind == "string" else "")
    return {start: each.name for each in holders.values() if is_private_key(each.name) for start in each.values}


def _note(holders: dict[int, _Holder], path: tuple[Path, str | int], start: int, token: str) -> None:
    parent, step = path
    if step.__class__ is int and parent is not None and parent[1].__class__ is int:
        holder = holders.setdefault(id(parent), _Holder(parent))
        _note_of_pair(holder, int(step), start, token)
        return
    if step.__class__ is int and parent is not None:  # "Values": ["…"]
        parent, step = parent
    if step in VALUES:
        holders.setdefault(id(parent), _Holder(parent)).values.append(start)
    elif step in NAMES and token:
        holders.setdefault(id(parent), _Holder(parent)).name = string_value(token)


def _note_of_pair(holder: _Holder, step: int, start: int, token: str) -> None:
    """Take in an element of an array in an array: two strings are a name and a value."""
    if step == 0 and token:
        holder.name = string_value(token)
    elif step == 1 and token and holder.name and not is_a_name(string_value(token)):
        holder.values.append(start)
    elif step >= _PAIR:
        holder.name = ""


def has_named_values(text: str, objects: list[list[tuple[str, Any]]]) -> bool:
    """Say whether one of the *objects* in *text*, given as their members, names a private value beside it."""
    return _A_VALUE.search(text) is not None and any(
        key in NAMES and value.__class__ is str and is_private_key(value)
        for members in objects
        for key, value in members
    )


def is_named_pair(value: list[Any]) -> bool:
    """Say whether an array is the name of something private, and its value."""
    return len(value) == _PAIR and value[0].__class__ is str and value[1].__class__ is str and is_private_key(value[0])
