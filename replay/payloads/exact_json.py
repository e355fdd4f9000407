"""
JSON text as the truth: read by position, changed by splicing, never parsed and written back.

Python's parser merges duplicate keys, rounds long floats and forgets how a string was escaped, and each of these can be
the very thing that made a message poisonous. So a payload stays the text that it was; what needs a value reads it with
`parse`, and what needs a change finds the token with `tokens` and replaces just that token with `splice`.
"""

import json
import re
from collections.abc import Iterable, Iterator
from json.encoder import encode_basestring
from typing import Any, Literal, NamedTuple, NoReturn

from replay.errors import InvalidJson

Json = None | bool | int | float | str | list[Any] | dict[str, Any]
Step = str | int
Path = tuple["Path", Step] | None
"""A place, as a chain from its last step back to the root: one more step costs nothing, however deep the text."""

_SPACE = re.compile(r"[ \t\n\r]*+")
_STRING = r"""\"[^"\\\x00-\x1f]*+(?:(?>\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+))*+\""""
# As this is the hottest line we have, one match takes a token with the white space behind it; in an object a key, its
# colon, a scalar and, where another key follows, the comma. So a match that ends before a quote has taken a comma.
# The name of the group that was matched last says how far it came.
# Atomic groups stand where `(?:…)?+` would be shorter: before 3.11.5, Python let that take a point without digits.
_SCALAR = (
    rf"(?:(?P<string>{_STRING})"
    r"|(?P<number>-?(?:0|[1-9][0-9]*+)(?>(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?))"
    r"|(?P<literal>true|false|null|NaN|-?Infinity))[ \t\n\r]*+"
)
_VALUE = re.compile(_SCALAR)
_MEMBER = re.compile(
    rf"(?P<key>{_STRING})[ \t\n\r]*+(?:(?P<colon>:)[ \t\n\r]*+(?:{_SCALAR}(?:,[ \t\n\r]*+(?=\")|(?!\")))?)?"
)
_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")
_CLOSER = {"{": "}", "[": "]"}
_SPACES = frozenset(" \t\n\r")


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
        raise InvalidJson(
            "the JSON is nested too deep to be read",
            expected="fewer than about 1,000 levels",
            hint="Python's runtime of Lambda cannot read it either: leave it out, or take levels out of it",
        ) from None
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
    new = tuple.__new__  # Token(...) takes twice the time
    position = _space(text, 0)
    path: Path = None
    closers: list[str] = []
    is_member = False
    while True:
        # Here a value must begin, or a key and its value.
        kind: Any = "colon"
        if is_member:
            found = _member(text, position)
            path = (path[0] if path else None, string_value(found[1]))
            yield new(Token, (path, position, found.end(1), "key"))
            kind, position = found.lastgroup, found.end()
            if kind != "colon":
                yield new(Token, (path, *found.span(kind), kind))
                if text[position : position + 1] == '"':
                    continue
        if kind == "colon":
            opener = text[position : position + 1]
            if opener in _CLOSER:
                closers.append(_CLOSER[opener])
                position = _space(text, position + 1)
                path = (path, 0)  # an object's place is the same until its first key is known
                is_member = opener == "{"
                if text[position : position + 1] != closers[-1]:
                    continue
            else:
                found = _VALUE.match(text, position) or _refuse(text, position, "a value")
                kind = found.lastgroup
                yield new(Token, (path, position, found.end(kind), kind))
                position = found.end()
        # Here a value has ended: close what closes, or go on to the next member.
        while closers and text[position : position + 1] == closers[-1]:
            closers.pop()
            path = path[0] if path else None
            position = _space(text, position + 1)
        if not closers:
            break
        position = _comma(text, position, closers[-1])
        is_member = closers[-1] == "}"
        if path and not is_member:
            path = (path[0], int(path[1]) + 1)
    if position != len(text):
        _refuse(text, position, "the end")


def _space(text: str, position: int) -> int:
    """Go over white space, of which there mostly is none."""
    if text[position : position + 1] not in _SPACES:
        return position
    return _SPACE.match(text, position).end()  # type: ignore[union-attr]  # it matches the empty string


def _member(text: str, position: int) -> re.Match[str]:
    found = _MEMBER.match(text, position) or _refuse(text, position, "a key in double quotes")
    return found if found.lastgroup != "key" else _refuse(text, found.end(), "':'")


def _comma(text: str, position: int, closer: str) -> int:
    if text[position : position + 1] != ",":
        _refuse(text, position, f"',' or '{closer}'")
    return _space(text, position + 1)


def _refuse(text: str, position: int, expected: str) -> NoReturn:
    line = text.count("\n", 0, position) + 1
    column = position - text.rfind("\n", 0, position)
    raise InvalidJson("not JSON", where=f"line {line}, column {column}", expected=expected)


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
    text = encode_basestring(value)  # what json.dumps does after it has made an encoder
    return text if text.isascii() else _LONE_SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def write(value: Json) -> str:
    """Write a value of our own making; what must stay exact goes in through `string_token` or `splice`."""
    text = json.dumps(value, ensure_ascii=False)
    return text if text.isascii() else _LONE_SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


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
