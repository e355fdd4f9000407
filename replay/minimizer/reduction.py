"""
Delta debugging on the tree of an event: leave out as much as possible, while it still fails in the same way.

Source: A. Zeller and R. Hildebrandt, "Simplifying and Isolating Failure-Inducing Input" (ddmin); G. Misherghi and
Z. Su, "HDD: Hierarchical Delta Debugging": level by level, so that a megabyte with one bad leaf needs few probes.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from time import monotonic

from replay.minimizer.payload_tree import Node, levels, written

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_CONSTANTS = frozenset({"true", "false", "null"})


class BudgetSpent(Exception):
    """No further probe is allowed."""


@dataclass(slots=True)
class Probes:
    """
    Asks whether an event still fails in the same way; never the same event twice.

    Args:
        fails: Replays an event and says so.
        most: How many replays are allowed.
        within_s: For how many seconds.
    """

    fails: Callable[[str], bool]
    most: int
    within_s: float
    made: int = 0
    _known: dict[bytes, bool] = field(default_factory=dict)
    _began: float = field(default_factory=monotonic)

    def still_fails(self, event_text: str) -> bool:
        """
        Say whether *event_text* fails as the event that we began with.

        Raises:
            BudgetSpent: It is not known, and must not be found out.
        """
        digest = sha256(event_text.encode("utf-8", "surrogatepass")).digest()
        if digest not in self._known:
            if self.made >= self.most or monotonic() - self._began > self.within_s:
                raise BudgetSpent
            self.made += 1
            self._known[digest] = self.fails(event_text)
        return self._known[digest]


def reduce(root: Node, probes: Probes) -> bool:
    """
    Take out of the tree whatever is not needed for the failure: records first, then members, then values.

    Returns:
        Whether nothing more can be left out or shortened; False where the probes were used up before.
    """
    try:
        while True:
            before = written(root)
            _leave_out(root, probes)
            _shorten(root, probes)
            if written(root) == before:
                return True
    except BudgetSpent:
        return False


def _leave_out(root: Node, probes: Probes) -> None:
    for level in levels(root):
        _needed(
            [child for node in level for child in node.living() if child.may_go],
            lambda: probes.still_fails(written(root)),
        )


def _needed(nodes: Sequence[Node], still_fails: Callable[[], bool]) -> None:
    """Leave out as many of *nodes* as possible: half of them at a time, then smaller and smaller parts."""
    left = list(nodes)
    size = len(left)
    while size:
        start, progress = 0, False
        while start < len(left):
            part = left[start : start + size]
            if _without(part, still_fails):
                del left[start : start + size]
                progress = True
            else:
                start += size
        if size > 1:
            size = (size + 1) // 2
        elif not progress:
            return
        size = min(size, len(left))


def _without(part: Sequence[Node], still_fails: Callable[[], bool]) -> bool:
    for node in part:
        node.is_there = False
    kept = False
    try:
        kept = still_fails()
    finally:  # the budget may end here: then they are there again
        for node in part:
            node.is_there = not kept
    return kept


def _shorten(root: Node, probes: Probes) -> None:
    scalars = [node for level in levels(root) for node in level if node.free and not _is_container(node)]
    for node in scalars:
        if node.kind in {"json", "base64"}:
            _empty(node, root, probes)
        elif node.kind == "text":
            _shorter(node, root, probes, lambda _: True)
        elif node.text not in _CONSTANTS:
            _shorter(node, root, probes, lambda text: _NUMBER.fullmatch(text) is not None, least="0")


def _is_container(node: Node) -> bool:
    return node.kind in {"object", "array"}


def _empty(node: Node, root: Node, probes: Probes) -> None:
    """Try whether a string that holds JSON can be the empty string just as well."""
    before = (node.kind, node.text, node.children)
    node.kind, node.text, node.children = "text", "", []
    kept = False
    try:
        kept = probes.still_fails(written(root))
    finally:
        if not kept:
            node.kind, node.text, node.children = before


def _shorter(node: Node, root: Node, probes: Probes, is_valid: Callable[[str], bool], least: str = "") -> None:
    """Take characters out of a scalar: all, then half of them at a time, then smaller and smaller parts."""
    if node.text == least or _takes(node, least, root, probes):
        return
    size = (len(node.text) + 1) // 2
    while size:
        start, progress = 0, False
        while start < len(node.text):
            shorter = node.text[:start] + node.text[start + size :]
            if shorter and is_valid(shorter) and _takes(node, shorter, root, probes):
                progress = True
            else:
                start += size
        if size > 1:
            size = (size + 1) // 2
        elif not progress:
            return


def _takes(node: Node, text: str, root: Node, probes: Probes) -> bool:
    before, node.text = node.text, text
    kept = False
    try:
        kept = probes.still_fails(written(root))
    finally:
        if not kept:
            node.text = before
    return kept
