"""From a pattern to rules: what each field must be, `$or` multiplied out as AWS does it."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass

from replay.payloads.event_patterns.dialects import Dialect
from replay.payloads.event_patterns.operators import OPERATORS, Alternatives, read_alternatives
from replay.payloads.event_patterns.pattern_text import Raw, items, members
from replay.payloads.event_patterns.refusals import PatternRefused, TooManyCombinations, inside, refuse
from replay.payloads.event_patterns.wildcards import Wildcard, too_complex

_OR = "$or"
_RESERVED_IN_OR = OPERATORS | {
    "=", "<", "<=", ">", ">=", "regex", "not-wildcard", "not-equals-ignore-case", "date-after", "date-on-or-after",
    "date-before", "date-on-or-before", "in-date-range", "ip-address-in-range", "ip-address-not-in-range",
}  # fmt: skip
_MOST_COMBINATIONS = 1000
"""The lengths of all `$or` arrays, multiplied; beyond it EventBridge answers `LimitExceededException`."""
_DEEPEST = 1000
"""Levels; a pattern of the 4,096 characters that EventBridge takes has no more than about 800."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """
    One field of a rule.

    `path` joins its keys with dots, so that `{"a": {"b": ...}}` and `{"a.b": ...}` are one, as they are for AWS; `keys`
    are the keys as written.
    """

    path: str
    keys: tuple[str, ...]
    alternatives: Alternatives


Rule = tuple[Field, ...]
"""Fields that must all hold, sorted by path: AWS decides them in this order."""

_Steps = Generator["_Steps", None, None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    keys: tuple[str, ...] = ()
    where: str = ""
    inside_or: bool = False


def compile_rules(raw: Raw, dialect: Dialect) -> tuple[Rule, ...]:
    """
    Compile a pattern into rules, of which one must hold.

    `$or` that is no list of two or more objects, or that holds operators, is an ordinary field name.

    Raises:
        PatternRefused: AWS would refuse it. Source: EventBridge user guide and event-ruler's README ("$or").
    """
    compiler = _Compiler(dialect, or_is_operator=True)
    try:
        rules = compiler.compile(raw)
    except TooManyCombinations:
        raise
    except PatternRefused as refused:
        if not compiler.met_or:
            raise
        try:
            rules = _Compiler(dialect, or_is_operator=False).compile(raw)
        except PatternRefused:
            raise refused from None
    _check_complexity(rules, dialect)
    return rules


class _Compiler:
    """Walks one pattern in the order it is written in: of a field named twice in one rule the last one counts."""

    def __init__(self, dialect: Dialect, *, or_is_operator: bool) -> None:
        self.met_or = False
        self._dialect = dialect
        self._or_is_operator = or_is_operator
        self._rules: list[dict[str, Field]] = []
        self._combinations = 1

    def compile(self, raw: Raw) -> tuple[Rule, ...]:
        if members(raw) is None:
            refuse("Filter is not an object", "")
        # Nested objects are steps on this list, not calls: a deep pattern cannot exhaust Python's stack.
        open_steps = [self._object(raw, _Place())]
        while open_steps:
            deeper = next(open_steps[-1], None)
            if deeper is None:
                open_steps.pop()
            else:
                open_steps.append(deeper)
        return tuple(tuple(rule[path] for path in sorted(rule)) for rule in self._rules)

    def _object(self, raw: Raw, place: _Place) -> _Steps:
        pairs = members(raw) or ()
        if not pairs:
            refuse("Empty objects are not allowed", place.where)
        if len(place.keys) > _DEEPEST:
            refuse("The pattern is nested too deep", "/")
        for key, value in pairs:
            where = inside(place.where, key)
            if not isinstance(key, str):
                refuse("A field name must be a string", where)
            if key == _OR and self._or_is_operator:
                self.met_or = True
                yield self._or(value, _Place(keys=place.keys, where=where, inside_or=True))
                continue
            if place.inside_or and key in _RESERVED_IN_OR:
                refuse(f"{key} is Ruler reserved fieldName which cannot be used inside $or.", where)
            keys = (*place.keys, key)
            values = items(value)
            if members(value) is not None:
                yield self._object(value, _Place(keys=keys, where=where, inside_or=place.inside_or))
            elif values is not None:
                self._add(keys, read_alternatives(values, self._dialect, where))
            else:
                refuse(f'"{key}" must be an object or an array', where)

    def _or(self, raw: Raw, place: _Place) -> _Steps:
        branches = items(raw)
        if branches is None:
            refuse("It must be an Array followed with $or.", place.where)
        self._multiply(len(branches), place.where)
        before, after = self._rules, list[dict[str, Field]]()
        for index, branch in enumerate(branches):
            where = inside(place.where, index)
            if members(branch) is None:
                refuse("Only JSON object is allowed in array of $or relationship.", where)
            self._rules = [dict(rule) for rule in before]
            yield self._object(branch, _Place(keys=place.keys, where=where, inside_or=True))
            after += self._rules
        if len(branches) < 2:  # noqa: PLR2004 - one of one is no choice
            refuse("There must have at least 2 Objects in $or relationship.", place.where)
        self._rules = after

    def _multiply(self, branches: int, where: str) -> None:
        self._combinations *= max(branches, 1)
        if self._combinations > _MOST_COMBINATIONS:
            raise TooManyCombinations(f"$or makes more than {_MOST_COMBINATIONS} rule combinations", where)

    def _add(self, keys: tuple[str, ...], alternatives: Alternatives) -> None:
        field = Field(path=".".join(keys), keys=keys, alternatives=alternatives)
        self._rules = self._rules or [{}]
        for rule in self._rules:
            rule[field.path] = field


def _check_complexity(rules: Sequence[Rule], dialect: Dialect) -> None:
    """Refuse wildcards of one field that cost too much together; rules that begin alike share a field's machine."""
    limit = dialect.wildcard_complexity
    if limit is None:
        return
    machines: dict[tuple[tuple[int, ...], str], set[tuple[Wildcard, ...]]] = {}
    for rule in rules:
        before: tuple[int, ...] = ()
        for field in rule:
            if field.alternatives.wildcards:
                machines.setdefault((before, field.path), set()).update(field.alternatives.wildcards)
            before = (*before, id(field))
    if any(too_complex(wildcards, limit) for wildcards in machines.values()):
        refuse(
            "Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences after a"
            " wildcard character",
            "",
        )
