"""
As much of an event pattern as SQL can decide, so that fewer rows come here.

What is made is a condition that every row holds whose event matches: rows that it lets through may still not match,
and the pattern itself is held against them here. So it must not miss an event that hides its values: in an escape, in
an encoded part, in a second member of the same name, in an envelope. Such rows are let through.

Source: Trino's functions `strpos`, `replace`, `starts_with`, `json_extract_scalar` (NULL for what is no scalar, is
missing, or is no JSON), which Athena's engine version 3 has; DuckDB has them too, or gets them in `local_engine`.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from replay.payloads.event_patterns import EventPattern
from replay.payloads.event_patterns.addresses import read_address
from replay.payloads.event_patterns.pattern_text import Raw, is_number, items, members
from replay.payloads.event_patterns.rules import Field, Rule
from replay.payloads.log_formats.json_path import JsonPath
from replay.sources.athena_parts.sql_text import literal

_ENCODED = ("\\u", "awslogs", "isBase64Encoded", "kinesis", "topic", "Notification")
"""Where one of these stands in an event, its values or names may not: escaped, packed, or put there by an envelope."""

_RESPELT = frozenset(
    {"body", "Body", "Sns", "kinesis", "data", "value", "MessageId", "Attributes", "MessageAttributes", "Records"}
)
"""Members whose values `--where` sees otherwise than they stand in the text (see `replay.payloads.event_views`)."""

_ADDED = frozenset({"StringValue", "BinaryValue", "DataType"}) | _RESPELT
_ENDS_OF_NAMES = ('"', "\\")
"""How the name of a member ends, also of one in JSON that a string holds."""

_UNSAFE = frozenset('"\\/*')
_MOST_RULES = 40
_MOST_SQL = 60_000
"""Source: Athena quotas: a query string has at most 262,144 bytes."""

_COMPARISONS = {"=": "=", ">": ">=", ">=": ">=", "<": "<=", "<=": "<="}
"""Wider by the bounds themselves: a DOUBLE may have rounded the number that was just above one."""


def condition_of(pattern: EventPattern, text: str, within: JsonPath = ()) -> str | None:
    """
    Give the condition that every row holds whose event matches *pattern*, or None where SQL can tell nothing.

    Args:
        text: The SQL expression of the JSON text that holds the event.
        within: Where in it the event is.
    """
    if len(pattern.rules) > _MOST_RULES or not all(_is_plain(str(step)) for step in within):
        return None
    rules = [_of_rule(rule, text, within) for rule in pattern.rules]
    if not rules or not all(rules):
        return None
    encoded = [f"strpos({text}, {literal(word)}) > 0" for word in _ENCODED]
    made = " OR ".join([*encoded, *(f"({rule})" for rule in rules if rule)])
    return f"({made})" if len(made) <= _MOST_SQL else None


def _of_rule(rule: Rule, text: str, within: JsonPath) -> str | None:
    return " AND ".join(part for field in rule for part in _of_field(field, text, within)) or None


def _of_field(field: Field, text: str, within: JsonPath) -> Iterator[str]:
    if field.alternatives.absent:
        return
    steps = field.path.split(".")
    name = steps[-1]
    if not name or not _is_plain(name):
        return
    if name not in _ADDED:
        yield f"({' OR '.join(_stands(text, name + end) for end in _ENDS_OF_NAMES)})"
    written = field.alternatives.written
    pieces = [_longest_piece(raw) for raw in written]
    if pieces and all(pieces):
        yield f"({' OR '.join(_stands(text, piece) for piece in pieces if piece)})"
    scalar = f"json_extract_scalar({text}, {literal(_path([*within, *steps]))})"
    tests = [_test(raw, scalar) for raw in written]
    if all(tests) and steps[0] not in _RESPELT and all(map(_is_plain, steps)):
        yield f"({_not_once(text, name)} OR {scalar} IS NULL OR {' OR '.join(each for each in tests if each)})"


def _stands(text: str, piece: str) -> str:
    return f"strpos({text}, {literal(piece)}) > 0"


def _not_once(text: str, name: str) -> str:
    """Say that a member *name* stands in the text more than once: who knows, then, which of them counts."""
    ends = [f"length(replace({text}, {literal(name + end)}, ''))" for end in _ENDS_OF_NAMES]
    return f"2 * length({text}) - {ends[0]} - {ends[1]} <> {len(name) + 1}"


def _path(steps: Sequence[str | int]) -> str:
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else f'["{step}"]' for step in steps)


def _is_plain(text: str) -> bool:
    """Say whether JSON writes *text* in one way only, but for escapes by number, which are let through."""
    return bool(text) and not _UNSAFE.intersection(text) and text.isprintable()


def _longest_piece(raw: Raw) -> str:
    """Give a piece of text that an event has which *raw* matches; empty where none is known."""
    text = _text_of(raw)
    if text is None or read_address(text) is not None:
        return ""
    pieces = "".join(letter if _is_plain(letter) else "\0" for letter in text).split("\0")
    return max(pieces, key=len)


def _text_of(raw: Raw) -> str | None:
    """Give the text that a value must be, begin with or end with."""
    if isinstance(raw, str):
        return raw
    name, operand = _operator(raw)
    return operand if name in {"prefix", "suffix", "exactly"} and isinstance(operand, str) else None


def _test(raw: Raw, scalar: str) -> str:
    """Give what the scalar must hold where *raw* matches it; empty where SQL cannot tell."""
    if raw is None:
        return "FALSE"  # a null is let through already, as NULL
    if isinstance(raw, bool):
        return f"{scalar} = '{str(raw).lower()}'"
    if is_number(raw):
        return _compared(scalar, "=", raw)
    name, operand = ("exactly", raw) if isinstance(raw, str) else _operator(raw)
    terms = items(operand) if name == "numeric" else None
    if terms:
        pairs = [_compared(scalar, terms[at], terms[at + 1]) for at in range(0, len(terms), 2)]
        return f"({' AND '.join(pairs)})" if all(pairs) else ""
    if not isinstance(operand, str) or not _comparable(operand):
        return ""
    by_operator = {"exactly": f"{scalar} = {literal(operand)}", "prefix": f"starts_with({scalar}, {literal(operand)})"}
    return by_operator.get(name, "")


def _comparable(text: str) -> bool:
    """Say whether *text* can stand in a query, and is compared as it is written (an address is not)."""
    return text.isprintable() and read_address(text) is None


def _compared(scalar: str, operator: str, operand: Any) -> str:
    try:
        number = repr(float(operand))
    except OverflowError:
        return ""
    if operator not in _COMPARISONS or "inf" in number or "nan" in number:
        return ""
    return f"COALESCE(TRY_CAST({scalar} AS DOUBLE) {_COMPARISONS[operator]} CAST('{number}' AS DOUBLE), FALSE)"


def _operator(raw: Raw) -> tuple[str, Any]:
    pairs = members(raw) or ()
    return (str(pairs[0][0]), pairs[0][1]) if len(pairs) == 1 else ("", None)
