"""Whether an event matches: its leaves found by one walk, its arrays taken as AWS takes them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from replay.payloads.event_patterns.rules import Field, Rule
from replay.payloads.exact_json import Json

_Membership = tuple["_Membership", int, int] | None
"""The elements that a leaf is in, innermost first: (the elements around, the array, the index in it)."""
_Leaves = dict[str, list[tuple[Json, _Membership]]]
_Choice = frozenset[tuple[int, int]]
"""For some arrays, the element that a rule is being matched in: (array, index)."""


class _Node:
    """A step of the paths that a pattern asks for; `path` where one ends."""

    __slots__ = ("children", "path")

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.path: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPattern:
    """
    A compiled event pattern.

    `rules` is the pattern with `$or` multiplied out: an event matches if all fields of one rule hold.
    """

    rules: tuple[Rule, ...]
    _root: _Node = field(default_factory=_Node, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for path in self.paths:
            node = self._root
            for step in path.split("."):
                node = node.children.setdefault(step, _Node())
            node.path = path

    @property
    def paths(self) -> frozenset[str]:
        """The fields that the pattern asks for, keys joined with dots."""
        return frozenset(each.path for rule in self.rules for each in rule)

    def matches(self, event: Json) -> bool:
        """
        Say whether *event* matches; never raises, however deep the event is.

        Arrays: a field holds if one element does, and all fields must find theirs in the same elements.
        Source: EventBridge user guide (arrays in event patterns), event-ruler's README (JSON array matching).
        """
        if not isinstance(event, dict):
            return False
        leaves, in_arrays = _find_leaves(event, self._root)
        holds = _holds_in_arrays if in_arrays else _holds
        return any(holds(rule, leaves) for rule in self.rules)


def _find_leaves(event: dict[str, Json], root: _Node) -> tuple[_Leaves, bool]:
    """Find the leaves that the pattern asks for, and whether objects or arrays inside arrays hold any of them."""
    leaves: _Leaves = {}
    in_arrays = False
    arrays = 0
    waiting: list[tuple[Json, _Node, _Membership]] = [(event, root, None)]
    while waiting:
        value, node, membership = waiting.pop()
        if isinstance(value, dict):
            children = node.children
            for key, child in value.items():
                if key in children:
                    waiting.append((child, children[key], membership))
                elif "." in key and (below := _descend(node, key)):
                    waiting.append((child, below, membership))
        elif isinstance(value, list):
            arrays += 1
            for index, element in enumerate(value):
                # A scalar in an array is an element of its own: it may join what other fields found elsewhere in it.
                inner = (membership, arrays, index) if isinstance(element, dict | list) else membership
                waiting.append((element, node, inner))
        elif node.path is not None:
            leaves.setdefault(node.path, []).append((value, membership))
            in_arrays = in_arrays or membership is not None
    return leaves, in_arrays


def _descend(node: _Node, key: str) -> _Node | None:
    """Follow a key that has dots in it; for AWS the dots are steps."""
    at: _Node | None = node
    for step in key.split("."):
        at = at.children.get(step) if at else None
    return at


def _holds(rule: Rule, leaves: _Leaves) -> bool:
    """Match a rule where no array can mix two objects up."""
    for each in rule:
        found = leaves.get(each.path)
        if found is None:
            if not each.alternatives.absent:
                return False
            continue
        test = each.alternatives.test
        for value, _ in found:
            if test(value):
                break
        else:
            return False
    return True


def _holds_in_arrays(rule: Rule, leaves: _Leaves) -> bool:
    """Match a rule field by field, keeping every choice of array elements that the fields so far agree on."""
    if not all(_may_hold(each, leaves) for each in rule):
        return False
    choices: set[_Choice] = {frozenset()}
    for position, each in enumerate(rule):
        still_asked = _arrays(leaves.get(later.path, ()) for later in rule[position + 1 :])
        found = leaves.get(each.path, [])
        accepted = _Elements(membership for value, membership in found if each.alternatives.test(value))
        present = _Elements(membership for _, membership in found)
        choices = {
            # An array that no later field is in cannot be disagreed on, and would only multiply the choices.
            frozenset(element for element in after if element[0] in still_asked)
            for choice in choices
            for after in _after(choice, accepted, present, absent=each.alternatives.absent)
        }
        if not choices:
            return False
    return True


def _may_hold(each: Field, leaves: _Leaves) -> bool:
    return each.alternatives.absent or any(each.alternatives.test(value) for value, _ in leaves.get(each.path, ()))


def _after(choice: _Choice, accepted: "_Elements", present: "_Elements", *, absent: bool) -> Iterator[_Choice]:
    known = dict(choice)
    yield from (choice.union(added) for added in accepted.consistent_with(known))
    if absent and next(present.consistent_with(known), None) is None:
        yield choice


def _arrays(found: Iterable[Iterable[tuple[Json, _Membership]]]) -> set[int]:
    return {array for leaves in found for _, membership in leaves for array, _ in _elements(membership)}


def _elements(membership: _Membership) -> Iterator[tuple[int, int]]:
    while membership is not None:
        membership, array, index = membership
        yield array, index


class _Branch:
    """Leaves that agree so far: whether one ends here, and which further array elements the others are in."""

    __slots__ = ("arrays", "ends")

    def __init__(self) -> None:
        self.ends = False
        self.arrays: dict[int, dict[int, _Branch]] = {}


class _Elements:
    """The array elements of some leaves, outermost first, so that the leaves of one element are found at once."""

    def __init__(self, memberships: Iterable[_Membership]) -> None:
        self._root = _Branch()
        for membership in memberships:
            branch = self._root
            for array, index in reversed(list(_elements(membership))):
                branch = branch.arrays.setdefault(array, {}).setdefault(index, _Branch())
            branch.ends = True

    def consistent_with(self, known: dict[int, int]) -> Iterator[list[tuple[int, int]]]:
        """Give, for each leaf that is in no other element than those *known*, the elements that it adds."""
        waiting: list[tuple[_Branch, _Membership]] = [(self._root, None)]
        while waiting:
            branch, added = waiting.pop()
            if branch.ends:
                yield list(_elements(added))
            for array, elements in branch.arrays.items():
                if array not in known:
                    waiting += ((below, (added, array, index)) for index, below in elements.items())
                elif known[array] in elements:
                    waiting.append((elements[known[array]], added))
