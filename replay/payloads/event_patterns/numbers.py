"""The `numeric` operator: one comparison, or a lower bound followed by an upper one."""

import operator
from collections.abc import Callable, Iterator
from typing import NamedTuple

from replay.payloads.event_patterns.pattern_text import Raw, is_number, items, token
from replay.payloads.event_patterns.refusals import refuse
from replay.payloads.exact_json import Json

Number = int | float

_COMPARISONS: dict[str, Callable[[Number, Number], bool]] = {
    "=": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_LOWER = {">", ">="}
_UPPER = {"<", "<="}
_END = object()


class Comparison(NamedTuple):
    """Compare a number with `operand`."""

    holds: Callable[[Number, Number], bool]
    operand: Number


def read_numeric(raw: Raw, limit: float, where: str) -> Callable[[Json], bool]:
    """
    Read what stands at `numeric`, and give its test; numbers beyond *limit* match nothing.

    Raises:
        PatternRefused: It is no such expression. Source: recordings content_numeric_*_EXC and
            test_validate_policy_numeric_operator.
    """
    terms = items(raw)
    if terms is None:
        refuse("Value of numeric must be an array.", where)
    comparisons = _read_terms(iter(terms), limit, where)

    def test(value: Json) -> bool:
        if not isinstance(value, int | float) or isinstance(value, bool) or not -limit <= value <= limit:
            return False
        return all(comparison.holds(value, comparison.operand) for comparison in comparisons)

    return test


def _read_terms(terms: Iterator[Raw], limit: float, where: str) -> list[Comparison]:
    first = next(terms, _END)
    if not isinstance(first, str):
        refuse(f"Invalid member in numeric match: {_text(first)}", where)
    if first not in _COMPARISONS:
        refuse(f"Unrecognized numeric range operator: {first}", where)
    bottom = _read_operand(next(terms, _END), "equals" if first == "=" else first, where)
    second = next(terms, _END)
    comparisons = [Comparison(_COMPARISONS[first], bottom)]
    if second is not _END:
        if first not in _LOWER:
            refuse("Too many elements in numeric expression", where)
        comparisons.append(_read_upper_bound(second, terms, where))
    for comparison in comparisons:
        within(comparison.operand, limit, where)
    if len(comparisons) > 1 and not bottom < comparisons[1].operand:
        refuse("Bottom must be less than top", where)
    return comparisons


def _read_upper_bound(second: Raw, terms: Iterator[Raw], where: str) -> Comparison:
    if not isinstance(second, str):
        refuse(f"Bad value in numeric range: {_text(second)}", where)
    if second not in _UPPER:
        refuse(f"Bad numeric range operator: {second}", where)
    top = _read_operand(next(terms, _END), second, where)
    if next(terms, _END) is not _END:
        refuse("Too many terms in numeric range expression", where)
    return Comparison(_COMPARISONS[second], top)


def _read_operand(raw: Raw, name: str, where: str) -> Number:
    if not is_number(raw):
        refuse(f"Value of {name} must be numeric", where)
    number: Number = raw
    return number


def _text(raw: Raw) -> str:
    return "]" if raw is _END else token(raw)


def within(number: Number, limit: float, where: str) -> None:
    """
    Refuse a number that is not between -*limit* and *limit*.

    Raises:
        PatternRefused: It is beyond. Source: EventBridge user guide (numeric matching) and the text of event-ruler.
    """
    if not -limit <= number <= limit:
        bound = f"{limit:.1E}".replace("E+0", "E").replace("E+", "E")
        refuse(f"Value must be between -{bound} and {bound}, inclusive", where)
