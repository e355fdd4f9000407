"""
What is wrong with a pattern's text that is no JSON, in the words of Jackson, which AWS's services parse with.

Source: recordings test_invalid_json_event_pattern; jackson-core's `ReaderBasedJsonParser` and `ParserMinimalBase`.
"""

import re
from collections.abc import Callable
from json import JSONDecodeError
from string import hexdigits
from unicodedata import category

_VALUES = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
_WORD = re.compile(r"[^\W\d][\w$]*")
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]')
_KINDS = {"{": ("Object", "}"), "[": ("Array", "]")}
_MOST_SOURCE = 500
_BEYOND_LATIN_1 = 256


def syntax_error(error: JSONDecodeError) -> str:
    """Say what a parser of AWS's says where Python's found *error*."""
    text = error.doc
    at = error.pos + 1 if error.msg.startswith("Illegal trailing comma") else error.pos
    if not error.msg.startswith("Invalid"):
        at = len(text) - len(text[at:].lstrip(" \t\r\n"))
    if at >= len(text):
        return _cut_off(text)
    return next((say for begins, say in _BY_MESSAGE if error.msg.startswith(begins)), _no_value)(text, at)


def _unterminated(text: str, at: int) -> str:
    told = " in field name" if _expects_name(text, at) else ": was expecting closing quote for a string value"
    return f"Unexpected end-of-input{told}"


def _control_character(text: str, at: int) -> str:
    told = "has to be escaped using backslash to be included in string value"
    return f"Illegal unquoted character ({_described(text[at])}): {told}"


def _no_hex_digit(text: str, at: int) -> str:
    wrong = next((letter for letter in text[at + 1 : at + 5] if letter not in hexdigits), "")
    return _unexpected(wrong, "expected a hex-digit for character escape sequence")


def _no_escape(text: str, at: int) -> str:
    return f"Unrecognized character escape {_described(text[at + 1 : at + 2])}"


def _no_name(text: str, at: int) -> str:
    return _unexpected(text[at], "was expecting double-quote to start field name")


def _no_colon(text: str, at: int) -> str:
    return _unexpected(text[at], "was expecting a colon to separate field name and value")


def _no_value(text: str, at: int) -> str:
    word = _WORD.match(text, at)
    if word:
        return f"Unrecognized token '{word[0]}': was expecting {_VALUES}"
    if text[at] in "]}":
        return _unexpected(text[at], "expected a value")
    if text[at] == "-" and at + 1 < len(text):
        told = "expected digit (0-9) to follow minus sign, for valid numeric value"
        return f"Unexpected character ({_described(text[at + 1])}) in numeric value: {told}"
    return _unexpected(text[at], f"expected a valid value {_VALUES}")


def _no_comma(text: str, at: int) -> str:
    if text[at].isdecimal() and text[at - 1] == "0":
        return "Invalid numeric value: Leading zeroes not allowed"
    if text[at] == "." and text[at - 1].isdecimal() and at + 1 < len(text):
        return (
            f"Unexpected character ({_described(text[at + 1])}) in numeric value: Decimal point not followed by a digit"
        )
    opener = _open_at(text, at)
    kind, closer = _KINDS[text[opener]] if opener is not None else ("root", "")
    if opener is not None and text[at] in "]}":
        where = _place(text, opener)
        return f"Unexpected close marker '{text[at]}': expected '{closer}' (for {kind} starting at {where})"
    return _unexpected(text[at], f"was expecting comma to separate {kind} entries")


def _cut_off(text: str) -> str:
    opener = _open_at(text, len(text))
    if opener is None:
        return "Unexpected end-of-input"
    kind, _ = _KINDS[text[opener]]
    if text.rstrip().endswith((",", ":")):
        return f"Unexpected end-of-input within/between {kind} entries"
    return f"Unexpected end-of-input: expected close marker for {kind} (start marker at {_place(text, opener)})"


def _open_at(text: str, end: int) -> int | None:
    """Find the bracket that is still open before *end*, the innermost."""
    open_: list[int] = []
    for found in _STRING_OR_BRACKET.finditer(text, 0, end):
        if found[0] in _KINDS:
            open_.append(found.start())
        elif found[0] in {"]", "}"} and open_:
            open_.pop()
    return open_[-1] if open_ else None


def _expects_name(text: str, at: int) -> bool:
    before = text[:at].rstrip()
    opener = _open_at(text, at)
    return opener is not None and text[opener] == "{" and before.endswith(("{", ","))


def _unexpected(character: str, told: str) -> str:
    return f"Unexpected character ({_described(character)}): {told}"


def _described(character: str) -> str:
    code = ord(character) if character else 0
    if character and category(character) == "Cc":
        return f"(CTRL-CHAR, code {code})"
    return f"'{character}' (code {code}{f' / {code:#x}' if code >= _BEYOND_LATIN_1 else ''})"


def _place(text: str, at: int) -> str:
    line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
    source = text if len(text) <= _MOST_SOURCE else f"{text[:_MOST_SOURCE]}[truncated {len(text) - _MOST_SOURCE} chars]"
    return f'[Source: (String)"{source}"; line: {line}, column: {column}]'


_BY_MESSAGE: tuple[tuple[str, Callable[[str, int], str]], ...] = (
    ("Unterminated string", _unterminated),
    ("Invalid control character", _control_character),
    ("Invalid \\uXXXX escape", _no_hex_digit),
    ("Invalid \\escape", _no_escape),
    ("Expecting property name", _no_name),
    ("Illegal trailing comma before end of object", _no_name),
    ("Expecting ':'", _no_colon),
    ("Expecting ','", _no_comma),
)
"""By the beginning of Python's message; all others miss a value."""
