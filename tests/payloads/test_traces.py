"""The segments of a trace become a tree in the order of time, with the place where its fault began."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from replay.payloads.failures import Segment
from replay.payloads.traces import trace_segments, traced_requests


def node(identity: str, start: float, end: float, **more: Any) -> dict[str, Any]:
    return {"id": identity, "name": f"n{identity}", "start_time": start, "end_time": end, **more}


def test_the_fault_began_in_the_deepest_failed_call() -> None:
    """A function failed because a call failed: the call is marked, and its exception shown."""
    broken = {"cause": {"exceptions": [{"type": "ConditionalCheckFailedException", "message": "no"}]}}
    put = node("3", 2.0, 2.5, name="DynamoDB", error=True, aws={"operation": "PutItem"}, **broken)
    documents = [
        json.dumps(node("1", 1.0, 4.0, name="orders", fault=True)),
        json.dumps(
            node("2", 1.5, 3.0, name="orders", fault=True, parent_id="1", subsegments=[node("4", 1.6, 1.7), put])
        ),
    ]
    assert trace_segments(documents) == (
        Segment(name="orders", status="fault", duration_ms=3000),
        Segment(name="orders", depth=1, status="fault", duration_ms=1500),
        Segment(name="n4", depth=2, duration_ms=100),
        Segment(name="DynamoDB PutItem", depth=2, status="error", duration_ms=500,
                cause="ConditionalCheckFailedException: no", began=True),
    )  # fmt: skip


def test_of_two_failed_calls_the_first_to_end_is_where_it_began() -> None:
    """A retry that fails as well is no beginning."""
    calls = [node("2", 2.0, 3.0, fault=True), node("3", 3.0, 4.0, throttle=True)]
    found = trace_segments([json.dumps(node("1", 1.0, 5.0, fault=True, subsegments=calls))])
    assert [(each.name, each.began) for each in found] == [("n1", False), ("n2", True), ("n3", False)]


def test_nothing_is_marked_where_nothing_failed() -> None:
    """A trace of a success, and no trace at all."""
    assert [each.began for each in trace_segments([json.dumps(node("1", 1.0, 5.0))])] == [False]
    assert trace_segments([]) == ()


@given(st.lists(st.integers(min_value=0, max_value=40), max_size=40), st.booleans())
def test_each_segment_comes_once_below_its_parent(parents: list[int], inside: bool) -> None:
    """Whether children lie inside their parents or name them, and also where parents form a ring."""
    nodes = [
        node(str(number), float(number), number + 1.0, parent_id=str(parent)) for number, parent in enumerate(parents)
    ]
    documents = [json.dumps({**each, "subsegments": []} if inside else each) for each in nodes]
    found = trace_segments(documents)
    names = [each.name for each in found]
    assert len(set(names)) == len(names)
    rooted = {number for number, parent in enumerate(parents) if parent >= len(parents) or parent == number}
    grown = True
    while grown:
        more = {number for number, parent in enumerate(parents) if parent in rooted} | rooted
        grown, rooted = more != rooted, more
    assert {int(name[1:]) for name in names} <= rooted
    above: list[Segment] = []
    for each in found:
        del above[each.depth :]
        assert len(above) == each.depth
        if above:
            assert above[-1].name == f"n{parents[int(each.name[1:])]}"
        above.append(each)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["id", "name", "subsegments", "cause", "exceptions", "start_time", "end_time", "aws", "fault"]
                ),
                inner,
                max_size=6,
            )
        ),
    )
)
def test_what_is_no_trace_does_no_harm(value: Any) -> None:
    """Segments of any JSON at all give some tree, or none."""
    for each in trace_segments([json.dumps(value)]):
        assert each.status in {"ok", "error", "fault", "throttle"}


def test_a_deep_or_wide_trace_is_cut() -> None:
    """What is kept of a trace fits a fixture."""
    wide = node("1", 0.0, 1.0, subsegments=[node(str(number), 0.0, 1.0) for number in range(2, 1000)])
    assert len(trace_segments([json.dumps(wide)])) == 200
    deep = node("0", 0.0, 1.0)
    for number in range(1, 100):
        deep = node(str(number), 0.0, 1.0, subsegments=[deep])
    assert max(each.depth for each in trace_segments([json.dumps(deep)])) == 20


def test_a_request_lasts_until_the_last_segment_of_it_ends() -> None:
    """One that was queued ends with its attempts, which lie inside its segment, and with the segments below them."""
    told = {"origin": "AWS::Lambda", "aws": {"request_id": "r"}}
    attempt = node("2", 601.0, 602.0)
    own = node("1", 1.0, 1.015, subsegments=[node("3", 1.0, 601.0), attempt], **told)
    below = node("4", 601.0, 603.0, origin="AWS::Lambda::Function", parent_id="2", fault=True)
    (alone,) = traced_requests([json.dumps(own)])
    (request,) = traced_requests([json.dumps(own), json.dumps(below)])
    assert (alone.start_s, alone.end_s, alone.failed) == (1.0, 602.0, False)
    assert (request.start_s, request.end_s, request.failed) == (1.0, 603.0, True)
