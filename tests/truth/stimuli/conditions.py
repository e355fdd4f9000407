"""
Conditions in words: `ApproximateReceiveCount <= fail_attempts`, `event has key 'raise_error'`, `body is not JSON`.

Alternatives are joined by `or`, and what must hold together by `and`. A name is looked up in the record at hand: in its
JSON data, its attributes, and its own keys; or in the event.
"""

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from tests.truth.stimuli.words import json_value
from tests.truth.verdicts import Unreadable

Condition = Callable[[Mapping[str, Any]], bool]

_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "=": operator.eq,
    "is not": operator.ne,
    "is": operator.eq,
    "equals": operator.eq,
    "in": lambda one, many: one in many,
    "contains": lambda many, one: one in many,
}
_COMPARISON = re.compile(r"(.+?)\s*(<=|>=|==|!=|<|>|=|\bis not\b|\bis\b|\bequals\b|\bin\b|\bcontains\b)\s*(.+)")
_SUBJECT = r"(?:the |its )?(?:event|payload|record|message|item|body|data|it)"
_HAS_KEY = re.compile(
    rf"(?:{_SUBJECT} )?(has|contains|lacks|has no)(?: (?:the|a))?(?: (?:key|field))? ['\"]?([\w.-]+)['\"]?"
)
_IS_JSON = re.compile(rf"{_SUBJECT} (is|is not|isn't) (?:valid |a )?JSON(?: document)?", re.IGNORECASE)
_OF_RECORDS = re.compile(
    r"(?:(?:any|every|all|each|some|a|the) )?(?:record|message|item|event)s? (?:with|where|whose)(?: its)? "
)
_NAME = re.compile(r"(?:(?:event|record|message|body|item|data|attributes?|payload)\.)*([A-Za-z_][\w-]*)")
_NEGATED = re.compile(r"not (.+)|(.+) is (?:not set|missing|absent)")


def read_condition(text: str, names: frozenset[str]) -> Condition:
    """
    Read a condition over the *names* that records and events have.

    Raises:
        Unreadable: It has other words, or a name that nothing has.
    """
    text = _OF_RECORDS.sub("", text.strip())
    alternatives = [_all([_atom(part, names) for part in re.split(r"\s+and\s+", each)]) for each in _parts(text)]
    return lambda scope: any(each(scope) for each in alternatives)


def _parts(text: str) -> list[str]:
    return re.split(r"\s+or\s+", text.strip().rstrip("."))


def _all(conditions: list[Condition]) -> Condition:
    return lambda scope: all(each(scope) for each in conditions)


def _atom(text: str, names: frozenset[str]) -> Condition:
    text = text.strip()
    if found := _IS_JSON.fullmatch(text):
        wanted = found[1] == "is"
        return lambda scope: bool(scope.get("is_json", True)) is wanted
    if (found := _HAS_KEY.fullmatch(text)) and found[2] not in {"key", "field"}:
        return _has_key(found[2], wanted=found[1] in {"has", "contains"})
    if found := _COMPARISON.fullmatch(text):
        left, right = _operand(found[1], names), _operand(found[3], names)
        compare = _OPERATORS[found[2]]
        return lambda scope: _compared(compare, left(scope), right(scope))
    if found := _NEGATED.fullmatch(text):
        value = _operand(found[1] or found[2], names)
        return lambda scope: not value(scope)
    value = _operand(text, names)
    return lambda scope: bool(value(scope))


def _has_key(key: str, *, wanted: bool) -> Condition:
    return lambda scope: (key in scope) is wanted


def _operand(text: str, names: frozenset[str]) -> Callable[[Mapping[str, Any]], Any]:
    text = text.strip()
    if (found := _NAME.fullmatch(text)) and found[1] in names:
        return lambda scope: scope.get(found[1])
    value = json_value(text)
    if value is None and text not in {"null", "None", "none"}:
        raise Unreadable(f"cannot read stimulus condition: {text!r} is neither a value nor a key of any record")
    return lambda scope: value


def _compared(compare: Callable[[Any, Any], bool], left: Any, right: Any) -> bool:
    left, right = _number(left), _number(right)
    try:
        return bool(compare(left, right))
    except TypeError:
        return False


def _number(value: Any) -> Any:
    """Receive counts are numbers written as text."""
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value
