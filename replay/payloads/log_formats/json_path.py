"""A place in a JSON document as users write it: `$.detail.request['body'][0]`."""

import re
from collections.abc import Sequence
from typing import Any

from replay.errors import ConfigurationError
from replay.payloads.envelopes.documents import document
from replay.payloads.envelopes.members import member
from replay.payloads.exact_json import Json, string_value, write

_STEP = re.compile(r"""\.(?P<name>[^.\[\]'"\s]+)|\[(?P<index>\d{1,6})\]|\[(?P<quoted>'[^']*'|"[^"]*")\]""")

JsonPath = tuple[str | int, ...]


def json_path(text: str, *, option: str) -> JsonPath:
    """
    Read a JSONPath of names and indices.

    Raises:
        ConfigurationError: It is another thing, or names several places (wildcards, filters).
    """
    stripped = text.strip()
    rest = stripped.removeprefix("$")
    if rest and rest[0] not in ".[":
        rest = f".{rest}"
    steps: list[str | int] = []
    at = 0
    while found := _STEP.match(rest, at):
        name, index, quoted = found["name"], found["index"], found["quoted"]
        steps.append(int(index) if index is not None else name if name is not None else quoted[1:-1])
        at = found.end()
    if at != len(rest) or "*" in steps:
        raise ConfigurationError(
            "that is no JSONPath to one place",
            where=f"{option} {text!r}",
            expected="such as $.request.body or $.items[0]",
        )
    return tuple(steps)


def text_of_place(text: str, path: JsonPath) -> str | None:
    """
    Give what stands at *path* of the document *text*, exactly where only names lead there; None where there is nothing.

    A string is looked into: what it holds may be JSON again.
    """
    if all(isinstance(step, str) for step in path):
        found = member(text, *(str(step) for step in path)) if path else text
        return None if found is None else string_value(found) if found.startswith('"') else found
    value = value_at(document(text), path)
    return None if value is None else value if isinstance(value, str) else write(value)


def value_at(value: Json, path: Sequence[str | int]) -> Any:
    """Give the value at *path*, or None."""
    for step in path:
        if isinstance(step, str) and isinstance(value, dict):
            value = value.get(step)
        elif isinstance(step, int) and isinstance(value, list) and step < len(value):
            value = value[step]
        else:
            return None
    return value
