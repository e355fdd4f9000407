"""
JSON text as the truth: read by position, changed by splicing, never parsed and written back.

Python's parser merges duplicate keys, rounds long floats and forgets how a string was escaped, and each of these can be
the very thing that made a message poisonous. So a payload stays the text that it was; what needs a value reads it with
`parse`, and what needs a change finds the token with `tokens` and replaces just that token with `splice`.
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Literal, NamedTuple

from replay.errors import InvalidJson

Json = None | bool | int | float | str | list[Any] | dict[str, Any]
Step = str | int
Path = tuple["Path", Step] | None
"""A place, as a chain from its last step back to the root: one more step costs nothing, however deep the text."""

_SPACE = re.compile(r"[ \t\n\r]*+")
_STRING = r"""\"[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+)*+\""""
# A token with the white space behind it, and a key with its colon: one match each, as this is the hottest line we have.
_VALUE = re.compile(
    rf"(?:(?P<string>{_STRING})"
    r"|(?P<number>-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][+-]?[0-9]++)?+)"
    r"|(?P<literal>true|false|null|NaN|-?Infinity))[ \t\n\r]*+"
)
_KEY = re.compile(rf"(?P<key>{_STRING})[ \t\n\r]*+(?P<colon>:[ \t\n\r]*+)?+")
_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")
_CLOSER = {"{": "}", "[": "]"}


class Token(NamedTuple):
    """
    One scalar, or one object key, of a JSON text: `text[start:end]` is the token as written.

    `path` is its place; a key has the place of the value that it names.
    """

    path: Path
    start: int
    end: int
    kind: Literal["key", "string", "number", "literal"]


class Edit(NamedTuple):
    """Replace `text[start:end]` by *replacement*."""

    start: int
    end: int
    replacement: str


def parse(text: str | bytes) -> Json:
    """
    Read *text* as Python's own parser does: a view for looking, not for writing back.

    Integers beyond Python's digit limit become floats, as only their size can matter to who looks.

    Raises:
        InvalidJson: The text is not JSON, or is nested too deep to be looked at.
    """
    try:
        try:
            return json.loads(text)  # type: ignore[no-any-return]  # json.loads is typed Any
        except json.JSONDecodeError:
            raise
        except ValueError:
            return json.loads(text, parse_int=_long_int)  # type: ignore[no-any-return]  # the same
    except RecursionError:
        raise InvalidJson("the JSON is nested too deep to be read", expected="fewer than about 1,000 levels") from None
    except ValueError as error:
        raise InvalidJson(f"not JSON: {_short(error)}") from None


def _long_int(digits: str) -> int | float:
    try:
        return int(digits)
    except ValueError:
        return float(digits)


def _short(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at line {error.lineno}, column {error.colno}"
    return "not UTF-8 text" if isinstance(error, UnicodeDecodeError) else "not readable"


def is_json(text: str) -> bool:
    """Say whether *text* is one JSON value, at any depth."""
    try:
        for _ in tokens(text):
            pass
    except InvalidJson:
        return False
    return True


def tokens(text: str) -> Iterator[Token]:  # noqa: C901 - a grammar in one loop is easier to check than in six
    """
    Walk every key and scalar of *text* in order, at any depth and without recursion.

    Accepts what Lambda's runtime accepts: RFC 8259, and also NaN, Infinity, lone surrogates and duplicate keys.

    Raises:
        InvalidJson: At the first place that is not JSON; tokens before it have been given already.
    """
    position = _space(text, 0)
    path: Path = None
    closers: list[str] = []
    while True:
        # Here a value must begin.
        opener = text[position : position + 1]
        if opener in _CLOSER:
            closers.append(_CLOSER[opener])
            position = _space(text, position + 1)
            path = (path, 0)  # an object's place is the same until its first key is known
            if text[position : position + 1] != closers[-1]:
                if opener == "{":
                    token, position, path = _key(text, position, path)
                    yield token
                continue
        else:
            found = _VALUE.match(text, position)
            if found is None:
                raise _not_json(text, position, "a value")
            kind: Any = found.lastgroup
            yield Token(path, position, found.end(kind), kind)
            position = found.end()
        # Here a value has ended: close what closes, or go on to the next member.
        while closers and text[position : position + 1] == closers[-1]:
            closers.pop()
            path = path[0] if path else None
            position = _space(text, position + 1)
        if not closers:
            break
        if text[position : position + 1] != ",":
            raise _not_json(text, position, f"',' or '{closers[-1]}'")
        position = _space(text, position + 1)
        if closers[-1] == "}":
            token, position, path = _key(text, position, path)
            yield token
        elif path:
            path = (path[0], int(path[1]) + 1)
    if position != len(text):
        raise _not_json(text, position, "the end")


def _space(text: str, position: int) -> int:
    return _SPACE.match(text, position).end()  # type: ignore[union-attr]  # it matches the empty string


def _key(text: str, position: int, path: Path) -> tuple[Token, int, Path]:
    """Read a key and its colon; *path* is the place of the member before it."""
    found = _KEY.match(text, position)
    if found is None:
        raise _not_json(text, position, "a key in double quotes")
    if found["colon"] is None:
        raise _not_json(text, found.end(), "':'")
    inside = (path[0] if path else None, string_value(found["key"]))
    return Token(inside, position, found.end("key"), "key"), found.end(), inside


def _not_json(text: str, position: int, expected: str) -> InvalidJson:
    line = text.count("\n", 0, position) + 1
    column = position - text.rfind("\n", 0, position)
    return InvalidJson("not JSON", where=f"line {line}, column {column}", expected=expected)


def splice(text: str, edits: Iterable[Edit]) -> str:
    """Apply *edits* (which may not overlap) to *text*, and leave every other character as it is."""
    parts: list[str] = []
    at = 0
    for edit in sorted(edits):
        parts += (text[at : edit.start], edit.replacement)
        at = edit.end
    parts.append(text[at:])
    return "".join(parts)


def string_value(token: str) -> str:
    """Decode a JSON string token; a lone surrogate stays one."""
    return token[1:-1] if "\\" not in token else json.loads(token)


def string_token(value: str) -> str:
    """Encode *value* as a JSON string token: readable, with only what UTF-8 or JSON cannot hold escaped."""
    text = json.dumps(value, ensure_ascii=False)
    return _LONE_SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def write(value: Json) -> str:
    """Write a value of our own making; what must stay exact goes in through `string_token` or `splice`."""
    text = json.dumps(value, ensure_ascii=False)
    return _LONE_SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def steps(path: Path) -> tuple[Step, ...]:
    """List the steps of *path* from the root."""
    found: list[Step] = []
    while path is not None:
        path, step = path
        found.append(step)
    return tuple(reversed(found))


def pointer(path: Path) -> str:
    """Write *path* as a JSON Pointer (RFC 6901)."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps(path))
