"""
Delta debugging on the tree of an event: leave out as much as possible, while it still fails in the same way.

Source: A. Zeller and R. Hildebrandt, "Simplifying and Isolating Failure-Inducing Input" (ddmin); G. Misherghi and
Z. Su, "HDD: Hierarchical Delta Debugging": level by level, so that a megabyte with one bad leaf needs few probes.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from hashlib import sha256
from time import monotonic

from replay.minimizer.payload_tree import Node, levels, written

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_CONSTANTS = frozenset({"true", "false", "null"})


AHEAD = 8
"""How many parts are looked at ahead, where there are processes for it."""


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
        is_safe: Says whether an event may be kept at all: what is left of a stand-in must not be somebody's own.
        ahead: Begins to replay an event that may be asked for soon, in another process, and gives its answer to come,
            which is None where that process could not say. It costs no probe before it is asked for, so that what is
            found does not depend on how many processes there are.
    """

    fails: Callable[[str], bool]
    most: int
    within_s: float
    ahead: Callable[[str], Future[bool | None]] | None = None
    is_safe: Callable[[str], bool] = lambda _: True
    made: int = 0
    _known: dict[bytes, bool] = field(default_factory=dict)
    _under_way: dict[bytes, Future[bool | None]] = field(default_factory=dict)
    _began: float = field(default_factory=monotonic)

    def still_fails(self, event_text: str) -> bool:
        """
        Say whether *event_text* fails as the event that we began with.

        Raises:
            BudgetSpent: It is not known, and must not be found out.
        """
        digest = _digest(event_text)
        if digest not in self._known:
            if self.made >= self.most or monotonic() - self._began > self.within_s:
                raise BudgetSpent
            self.made += 1
            begun = self._under_way.pop(digest, None)
            answer = begun.result() if begun is not None else None
            self._known[digest] = self.fails(event_text) if answer is None else answer
        return self._known[digest]

    def begin(self, event_texts: Iterable[str]) -> None:
        """Begin to find out what may be asked for next; what was begun before, and not asked for, is given up."""
        if self.ahead is None:
            return
        wanted = {_digest(text): text for text in event_texts}
        for digest in [digest for digest in self._under_way if digest not in wanted]:
            self._under_way.pop(digest).cancel()
        for digest, text in wanted.items():
            if digest not in self._known and digest not in self._under_way:
                self._under_way[digest] = self.ahead(text)


def _digest(event_text: str) -> bytes:
    return sha256(event_text.encode("utf-8", "surrogatepass")).digest()


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
        _needed([child for node in level for child in node.living() if child.may_go], root, probes)


def _needed(nodes: Sequence[Node], root: Node, probes: Probes) -> None:
    """Leave out as many of *nodes* as possible: half of them at a time, then smaller and smaller parts."""
    left = list(nodes)
    size = len(left)
    while size:
        start, progress = 0, False
        while start < len(left):
            part = left[start : start + size]
            if probes.ahead is not None:
                probes.begin([_text_without(left[at : at + size], root) for at in _next(start, size, len(left))])
            if _without(part, lambda: probes.still_fails(written(root))):
                del left[start : start + size]
                progress = True
            else:
                start += size
        if size > 1:
            size = (size + 1) // 2
        elif not progress:
            return
        size = min(size, len(left))


def _next(start: int, size: int, end: int) -> range:
    """Give where the next parts begin, as long as none of them can go, which most cannot."""
    return range(start, min(end, start + size * AHEAD), size)


def _text_without(part: Sequence[Node], root: Node) -> str:
    for node in part:
        node.is_there = False
    text = written(root)
    for node in part:
        node.is_there = True
    return text


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
            shorter = _without_characters(node.text, start, size)
            if probes.ahead is not None:
                others = [_without_characters(node.text, at, size) for at in _next(start, size, len(node.text))]
                probes.begin([_text_with(node, text, root) for text in others if text and is_valid(text)])
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
        made = written(root)
        kept = probes.is_safe(made) and probes.still_fails(made)
    finally:
        if not kept:
            node.text = before
    return kept


def _without_characters(text: str, start: int, size: int) -> str:
    return text[:start] + text[start + size :]


def _text_with(node: Node, text: str, root: Node) -> str:
    before, node.text = node.text, text
    made = written(root)
    node.text = before
    return made
