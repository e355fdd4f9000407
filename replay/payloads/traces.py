"""
Traces of X-Ray: the segments of one request as a tree, and where its fault began.

Source: X-Ray Developer Guide, "AWS X-Ray segment documents".
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from replay.payloads.envelopes.documents import at, object_in, text_at
from replay.payloads.failures import Segment

_MOST_SEGMENTS = 200
_DEEPEST = 20
_STATUSES: tuple[Literal["fault", "throttle", "error"], ...] = ("fault", "throttle", "error")
_LAMBDA = ("AWS::Lambda", "AWS::Lambda::Function")
_FUNCTION = re.compile(r"[\w-]{1,140}", re.ASCII)
_LOG_GROUP = re.compile(r"[\w./#-]{1,512}", re.ASCII)
_Node = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedRequest:
    """
    An invocation of a function in a trace; epoch seconds.

    `function` is its physical name, `log_group` where its segment says that it logs.
    """

    request_id: str
    function: str
    failed: bool
    start_s: float
    end_s: float
    log_group: str | None = None


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


def traced_requests(documents: Iterable[str]) -> list[TracedRequest]:
    """
    List the invocations of functions that a trace knows, in the order of time.

    Source: Lambda Developer Guide, "Visualize Lambda function invocations using AWS X-Ray": Lambda writes a segment for
    itself, which has the request's id, and one for the function below it, which has its faults and its log group.
    Of an asynchronous invocation the first ends as soon as it is queued; "Dwell Time" and each "Attempt #1" lie inside.
    """
    nodes = [object_in(document) for document in documents]
    lambdas = [node for node in nodes if text_at(node, "origin") in _LAMBDA]
    found: dict[str, TracedRequest] = {}
    for node in lambdas:
        request_id = text_at(node, "aws", "request_id")
        if request_id is None:
            continue
        inside = {text_at(each, "id") for each in _with_subsegments(node)} - {None}
        below = [each for each in lambdas if text_at(each, "parent_id") in inside]
        request = _request(request_id, node, below)
        found[request_id] = _together(found.get(request_id), request)
    return sorted(found.values(), key=lambda each: each.start_s)


def _request(request_id: str, node: _Node, below: list[_Node]) -> TracedRequest:
    own = [node, *below]
    start = _moment(node, "start_time") or 0.0
    named = text_at(node, "name") or ""
    return TracedRequest(
        request_id=request_id,
        function=next(filter(None, map(_function_name, own)), named if _FUNCTION.fullmatch(named) else ""),
        failed=any(each.get(status) is True for each in own for status in _STATUSES),
        start_s=start,
        end_s=max([start, *(_moment(each, "end_time") or start for top in own for each in _with_subsegments(top))]),
        log_group=next(filter(None, map(_log_group, own)), None),
    )


def _with_subsegments(node: _Node) -> Iterator[_Node]:
    """Give a segment and all that lies inside: one that waited in the queue ends long before its attempts do."""
    ahead: list[Any] = [node]
    while ahead:
        each = ahead.pop()
        if isinstance(each, Mapping):
            yield each
            inner = each.get("subsegments")
            ahead += inner if isinstance(inner, list) else []


def _together(before: TracedRequest | None, again: TracedRequest) -> TracedRequest:
    """Put two tries of a request together."""
    if before is None:
        return again
    return replace(
        again,
        failed=before.failed or again.failed,
        start_s=min(before.start_s, again.start_s),
        end_s=max(before.end_s, again.end_s),
        log_group=again.log_group or before.log_group,
    )


def _function_name(node: _Node) -> str | None:
    arn = text_at(node, "resource_arn") or text_at(node, "aws", "function_arn") or ""
    parts = arn.split(":")
    is_function = len(parts) > 6 and parts[2] == "lambda" and _FUNCTION.fullmatch(parts[6])  # noqa: PLR2004 - its ARN
    return parts[6] if is_function else None


def _log_group(node: _Node) -> str | None:
    groups = at(node, "aws", "cloudwatch_logs")
    named = text_at(groups[0], "log_group") if isinstance(groups, list) and groups else None
    return named if named is not None and _LOG_GROUP.fullmatch(named) else None


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
        name=name,
        depth=depth,
        status=next((status for status in _STATUSES if node.get(status) is True), "ok"),
        duration_ms=round((end - start) * 1000, 3) if start is not None and end is not None else None,
        cause=_cause(node),
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
