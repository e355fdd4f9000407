"""What one field of a pattern may be: values, and match expressions such as `{"prefix": "a"}`."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from replay.payloads.event_patterns.addresses import Address, read_address, read_block
from replay.payloads.event_patterns.dialects import Dialect
from replay.payloads.event_patterns.numbers import read_numeric, within
from replay.payloads.event_patterns.pattern_text import Raw, is_number, items, members
from replay.payloads.event_patterns.refusals import inside, refuse
from replay.payloads.event_patterns.wildcards import Wildcard, matches_wildcard, read_wildcard
from replay.payloads.exact_json import Json

Test = Callable[[Json], bool]
"""Says whether one leaf value of an event (string, number, true, false or null) satisfies."""

OPERATORS = frozenset(
    {"exactly", "prefix", "suffix", "equals-ignore-case", "wildcard", "cidr", "numeric", "exists", "anything-but"}
)
_ONE_KEY = "Only one key allowed in match expression"
_TOO_MANY = "Too many elements in numeric expression"
_VALUE_TYPES = "Match value must be String, number, true, false, or null"


class Expression(NamedTuple):
    """One match expression: the test of a present value, whether absence satisfies too, and its wildcards."""

    test: Test
    absent: bool = False
    wildcards: tuple[Wildcard, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternatives:
    """
    The value list of one field: any of them satisfies.

    `absent` says that the field may be missing; `count` is the length of the list as written, which is `written`.
    """

    test: Test
    absent: bool
    count: int
    wildcards: tuple[tuple[Wildcard, ...], ...]
    written: tuple[Raw, ...] = field(default=(), compare=False)


def read_alternatives(values: Sequence[Raw], dialect: Dialect, where: str) -> Alternatives:
    """
    Read the value list of one field.

    Raises:
        PatternRefused: AWS refuses a member, or the list is empty.
    """
    literals: list[str | int | float | bool | None] = []
    expressions: list[Expression] = []
    for index, raw in enumerate(values):
        here = inside(where, index)
        if members(raw) is not None:
            expressions.append(_read_expression(raw, dialect, here))
        elif raw is None or isinstance(raw, str | int | float | bool):
            literals.append(raw)
        else:
            refuse(_VALUE_TYPES, here)
    if not values:
        refuse("Empty arrays are not allowed", where)
    tests = [expression.test for expression in expressions]
    if literals:
        tests.insert(0, _equals_any(literals))
    addresses = [address for text in literals if isinstance(text, str) and (address := read_address(text))]
    if addresses:
        tests.append(_is_address(frozenset(addresses)))
    return Alternatives(
        test=any_of(tests),
        absent=any(expression.absent for expression in expressions),
        count=len(values),
        wildcards=tuple(expression.wildcards for expression in expressions if expression.wildcards),
        written=tuple(values),
    )


def any_of(tests: Sequence[Test]) -> Test:
    """Join *tests*: one of them must hold."""
    if len(tests) == 1:
        return tests[0]

    def test(value: Json) -> bool:
        return any(each(value) for each in tests)

    return test


def _not(inner: Test) -> Test:
    def test(value: Json) -> bool:
        return not inner(value)

    return test


def _equals_any(literals: Sequence[str | int | float | bool | None]) -> Test:
    """Compare with values: a number by its size (300, 300.0 and 3.0e2 are one), anything else by type and value."""
    strings = frozenset(literal for literal in literals if isinstance(literal, str))
    words = frozenset(literal for literal in literals if literal is None or isinstance(literal, bool))
    numbers = frozenset(literal for literal in literals if is_number(literal))

    def test(value: Json) -> bool:
        if isinstance(value, str):
            return value in strings
        if value is None or isinstance(value, bool):
            return value in words
        return value in numbers

    return test


def _is_address(addresses: frozenset[Address]) -> Test:
    """Compare with address literals: AWS compares the address, not its spelling."""

    def test(value: Json) -> bool:
        return isinstance(value, str) and read_address(value) in addresses

    return test


def _read_expression(raw: Raw, dialect: Dialect, where: str) -> Expression:
    pairs = members(raw) or ()
    if not pairs:
        refuse("Match expression name not found", where)
    name, operand = pairs[0]
    if name not in OPERATORS:
        refuse(f"Unrecognized match type {name}", where)
    here = inside(where, name)
    # The operand is read before a second key is complained of: AWS reads from left to right.
    expression = _READERS[name](operand, dialect, here)
    if len(pairs) > 1:
        refuse(_TOO_MANY if name in {"numeric", "anything-but"} else _ONE_KEY, where)
    return expression


def _string(raw: Raw, name: str, where: str) -> str:
    if not isinstance(raw, str):
        refuse(f"{name} match pattern must be a string", where)
    return raw


def _read_exactly(raw: Raw, _: Dialect, where: str) -> Expression:
    return Expression(_equals_any([_string(raw, "exact", where)]))


def _read_prefix(raw: Raw, _: Dialect, where: str) -> Expression:
    if members(raw) is not None:
        return Expression(_any_case(_read_ignored_case(raw, "prefix", where), whole=False))
    return Expression(_starts_with(_string(raw, "prefix", where)))


def _read_suffix(raw: Raw, _: Dialect, where: str) -> Expression:
    if members(raw) is not None:
        return Expression(_any_case_suffix(_read_ignored_case(raw, "suffix", where)))
    return Expression(_ends_with(_string(raw, "suffix", where)))


def _read_ignored_case(raw: Raw, name: str, where: str) -> str:
    """Read the object that may stand at `prefix` or `suffix`: `{"equals-ignore-case": "a"}`."""
    pairs = members(raw) or ()
    if not pairs:
        refuse(f"{name.capitalize()} expression name not found", where)
    inner, operand = pairs[0]
    if inner != "equals-ignore-case":
        refuse(f"Unsupported {name} pattern: {inner}", where)
    text = _string(operand, "equals-ignore-case", inside(where, inner))
    if len(pairs) > 1:
        refuse(_ONE_KEY, where)
    return text


def _read_equals_ignore_case(raw: Raw, _: Dialect, where: str) -> Expression:
    return Expression(_any_case(_string(raw, "equals-ignore-case", where), whole=True))


def _read_wildcard(raw: Raw, _: Dialect, where: str) -> Expression:
    wildcard = read_wildcard(_string(raw, "wildcard", where), where)
    return Expression(_has_form(wildcard), wildcards=(wildcard,))


def _read_cidr(raw: Raw, _: Dialect, where: str) -> Expression:
    block = read_block(_string(raw, "prefix", where), where)  # "prefix" is AWS's own slip

    def test(value: Json) -> bool:
        address = read_address(value) if isinstance(value, str) else None
        return address is not None and block.holds(address)

    return Expression(test)


def _read_numeric(raw: Raw, dialect: Dialect, where: str) -> Expression:
    return Expression(read_numeric(raw, dialect.number_limit, where))


def _read_exists(raw: Raw, _: Dialect, where: str) -> Expression:
    if not isinstance(raw, bool):
        refuse("exists match pattern must be either true or false.", where)
    return Expression(lambda _: raw, absent=not raw)


def _read_anything_but(raw: Raw, dialect: Dialect, where: str) -> Expression:
    pairs = members(raw)
    if pairs is not None:
        return _read_negated(pairs, dialect, where)
    values = items(raw)
    if values is None:
        _check_negatable_value(raw, where)
        values = [raw]
    elif any(value is None or not isinstance(value, str | int | float) or isinstance(value, bool) for value in values):
        refuse("Inside anything but list, start|null|boolean is not supported.", where)
    if len({isinstance(value, str) for value in values}) != 1:
        refuse("Inside anything but list, either all values are number or string, mixed type is not supported", where)
    for number in values:
        if is_number(number):
            within(number, dialect.number_limit, where)
    return Expression(_not(_equals_any(values)))


def _check_negatable_value(raw: Raw, where: str) -> None:
    if not isinstance(raw, str | int | float) or isinstance(raw, bool):
        refuse("Value of anything-but must be an array or single string/number value.", where)


def _read_negated(pairs: Sequence[tuple[str, Raw]], dialect: Dialect, where: str) -> Expression:
    """Read an operator inside `anything-but`, with one operand or a list of them."""
    if not pairs:
        refuse("Anything-But expression name not found", where)
    name, operand = pairs[0]
    if name not in dialect.negatable:
        refuse(f"Unsupported anything-but pattern: {name}", where)
    here = inside(where, name)
    texts = items(operand) if name != "prefix" or dialect.affix_lists else None
    if texts is None:
        if dialect.affix_lists:
            _check_negatable_value(operand, here)
        texts = [operand]
    expression = _NEGATED[name](texts, dialect, here)
    if len(pairs) > 1:
        refuse(_TOO_MANY, where)
    if not texts:
        # event-ruler reads an empty list and then fails to build the rule.
        refuse("Empty arrays are not allowed", here)
    return expression._replace(test=_not(expression.test))


def _read_negated_affix(make: Callable[[str], Test]) -> Callable[[Sequence[Raw], Dialect, str], Expression]:
    def read(texts: Sequence[Raw], dialect: Dialect, where: str) -> Expression:
        name = "prefix/suffix" if dialect.affix_lists else "prefix"
        for text in texts:
            if not _string(text, name, where):
                refuse("Null prefix/suffix not allowed", where)
        return Expression(any_of([make(text) for text in texts]))

    return read


def _read_negated_case(texts: Sequence[Raw], _: Dialect, where: str) -> Expression:
    if not all(isinstance(text, str) for text in texts):
        refuse("Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported.", where)
    return Expression(any_of([_any_case(text, whole=True) for text in texts]))


def _read_negated_wildcards(texts: Sequence[Raw], _: Dialect, where: str) -> Expression:
    wildcards = tuple(read_wildcard(_string(text, "wildcard", where), where) for text in texts)
    return Expression(any_of([_has_form(wildcard) for wildcard in wildcards]), wildcards=wildcards)


def _starts_with(text: str) -> Test:
    return lambda value: isinstance(value, str) and value.startswith(text)


def _ends_with(text: str) -> Test:
    return lambda value: isinstance(value, str) and value.endswith(text)


def _has_form(wildcard: Wildcard) -> Test:
    return lambda value: isinstance(value, str) and matches_wildcard(wildcard, value)


def _any_case(text: str, *, whole: bool) -> Test:
    """
    Compare with *text* in any case, as event-ruler does: each character in its lower or its upper form.

    The two forms never begin alike, so the expression cannot backtrack.
    """
    expression = re.compile("".join(_cases(character) for character in text))
    found = expression.fullmatch if whole else expression.match
    return lambda value: isinstance(value, str) and found(value) is not None


def _any_case_suffix(text: str) -> Test:
    found = re.compile("".join(_cases(character, backwards=True) for character in reversed(text))).match
    return lambda value: isinstance(value, str) and found(value[::-1]) is not None


def _cases(character: str, *, backwards: bool = False) -> str:
    step = -1 if backwards else 1
    forms = dict.fromkeys(form[::step] for form in (character.lower(), character.upper()))
    return f"(?:{'|'.join(map(re.escape, forms))})"


_READERS: dict[str, Callable[[Raw, Dialect, str], Expression]] = {
    "exactly": _read_exactly,
    "prefix": _read_prefix,
    "suffix": _read_suffix,
    "equals-ignore-case": _read_equals_ignore_case,
    "wildcard": _read_wildcard,
    "cidr": _read_cidr,
    "numeric": _read_numeric,
    "exists": _read_exists,
    "anything-but": _read_anything_but,
}
_NEGATED: dict[str, Callable[[Sequence[Raw], Dialect, str], Expression]] = {
    "prefix": _read_negated_affix(_starts_with),
    "suffix": _read_negated_affix(_ends_with),
    "equals-ignore-case": _read_negated_case,
    "wildcard": _read_negated_wildcards,
}
