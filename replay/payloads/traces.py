"""
Traces of X-Ray: the segments of one request as a tree, and where its fault began.

Source: X-Ray Developer Guide, "AWS X-Ray segment documents".
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Literal

from replay.payloads.envelopes.documents import at, object_in, text_at
from replay.payloads.failures import Segment

_MOST_SEGMENTS = 200
_DEEPEST = 20
_LONGEST_TEXT = 500
_STATUSES: tuple[Literal["fault", "throttle", "error"], ...] = ("fault", "throttle", "error")
_Node = Mapping[str, Any]


def trace_segments(documents: Iterable[str]) -> tuple[Segment, ...]:
    """
    Put the segment documents of one trace together: parents before their children, in the order of time.

    One is marked where the fault `began`: a failed segment with no failed one below it, the first that ended.
    """
    nodes = _nodes(documents)
    children: dict[str | None, list[_Node]] = defaultdict(list)
    for identity, (parent, node) in nodes.items():
        children[parent if parent in nodes and parent != identity else None].append(node)
    ahead = [(node, 0) for node in _by_time(children[None])]
    found: list[tuple[Segment, float]] = []
    while ahead and len(found) < _MOST_SEGMENTS:
        node, depth = ahead.pop()
        found.append((_segment(node, depth), _moment(node, "end_time") or 0.0))
        if depth < _DEEPEST:
            ahead += [(child, depth + 1) for child in _by_time(children.pop(str(node["id"]), []))]
    return _marked(found)


def _nodes(documents: Iterable[str]) -> dict[str, tuple[str | None, _Node]]:
    """Collect segments and subsegments by id, each with its parent's, without recursion."""
    nodes: dict[str, tuple[str | None, _Node]] = {}
    ahead: list[tuple[str | None, Any]] = [(None, object_in(document)) for document in documents]
    while ahead and len(nodes) < _MOST_SEGMENTS:
        parent, node = ahead.pop()
        identity = text_at(node, "id")
        if identity is None or identity in nodes:
            continue
        nodes[identity] = (parent or text_at(node, "parent_id"), node)
        inner = node.get("subsegments")
        ahead += [(identity, each) for each in inner] if isinstance(inner, list) else []
    return nodes


def _by_time(nodes: Iterable[_Node]) -> list[_Node]:
    """Sort the latest first, as they are taken from the end."""
    return sorted(nodes, key=lambda node: _moment(node, "start_time") or 0.0, reverse=True)


def _segment(node: _Node, depth: int) -> Segment:
    start, end = _moment(node, "start_time"), _moment(node, "end_time")
    operation = text_at(node, "aws", "operation")
    name = " ".join(filter(None, (text_at(node, "name"), operation)))
    return Segment(
        name=name[:_LONGEST_TEXT],
        depth=depth,
        status=next((status for status in _STATUSES if node.get(status) is True), "ok"),
        duration_ms=round((end - start) * 1000, 3) if start is not None and end is not None else None,
        cause=_cause(node)[:_LONGEST_TEXT],
    )


def _cause(node: _Node) -> str:
    """Give the first exception of a segment; the cause may also be no more than a reference to another one's."""
    exceptions = at(node, "cause", "exceptions")
    first = exceptions[0] if isinstance(exceptions, list) and exceptions else None
    return ": ".join(filter(None, (text_at(first, "type"), text_at(first, "message"))))


def _moment(node: _Node, name: str) -> float | None:
    value = node.get(name)
    return float(value) if isinstance(value, int | float) and 0 <= value < 1e12 else None  # noqa: PLR2004 - seconds


def _marked(found: list[tuple[Segment, float]]) -> tuple[Segment, ...]:
    segments = [segment for segment, _ in found]
    began = [
        (end, number)
        for number, (segment, end) in enumerate(found)
        if segment.status != "ok" and not _fails_below(segments, number)
    ]
    if began:
        number = min(began)[1]
        segments[number] = replace(segments[number], began=True)
    return tuple(segments)


def _fails_below(segments: list[Segment], number: int) -> bool:
    for below in segments[number + 1 :]:
        if below.depth <= segments[number].depth:
            return False
        if below.status != "ok":
            return True
    return False
