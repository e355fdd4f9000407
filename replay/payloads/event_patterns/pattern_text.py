"""A pattern as its author wrote it: JSON text with duplicate keys kept, or a mapping."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from replay.payloads.event_patterns.pattern_syntax import syntax_error
from replay.payloads.event_patterns.refusals import PatternRefused, refuse

Raw = Any
"""A JSON value of a pattern: a scalar, a list, a mapping, or `Members`."""


class Members(tuple[tuple[str, Raw], ...]):
    """An object of a pattern's text: its members in order, duplicate keys and all."""

    __slots__ = ()


def read_pattern(text: str) -> Raw:
    """
    Read a pattern's text.

    Raises:
        PatternRefused: The text is not JSON, in the words of Jackson, which AWS's services parse with.
    """
    if not text.strip():
        refuse("Filter is not an object", "line 1, column 1")
    try:
        return json.loads(text, object_pairs_hook=Members, parse_int=_integer, parse_constant=_refuse_constant)
    except RecursionError:
        refuse("The pattern is nested too deep to be read", "/")
    except json.JSONDecodeError as error:
        raise PatternRefused(syntax_error(error), f"line {error.lineno}, column {error.colno}") from None


def _integer(digits: str) -> int | float:
    try:
        return int(digits)
    except ValueError:  # beyond Python's limit of digits, where only the size can matter
        return float(digits)


def _refuse_constant(name: str) -> NoReturn:
    refuse(f"Non-standard token '{name}': enable JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS to allow", "/")


def members(raw: Raw) -> Sequence[tuple[str, Raw]] | None:
    """List the members of an object in order; None when *raw* is no object."""
    if isinstance(raw, Members):
        return raw
    if isinstance(raw, Mapping):
        return tuple(raw.items())
    return None


def items(raw: Raw) -> Sequence[Raw] | None:
    """List the items of an array; None when *raw* is no array."""
    return raw if isinstance(raw, list | tuple) and not isinstance(raw, Members) else None


def is_number(raw: Raw) -> bool:
    """Say whether *raw* is a JSON number (in Python a bool is an int; in JSON it is not)."""
    return isinstance(raw, int | float) and not isinstance(raw, bool)


def token(raw: Raw) -> str:
    """Name *raw* as a streaming parser does: a scalar by its text, an object or array by its bracket."""
    if members(raw) is not None:
        return "{"
    if items(raw) is not None:
        return "["
    return raw if isinstance(raw, str) else json.dumps(raw, default=str)
