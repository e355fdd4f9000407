"""Batches of SQS: filled to its limits, and believed entry by entry."""

from itertools import pairwise
from typing import Any

from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st

from replay.redriver.batches import call_batch
from replay.targets.sending import packed

MIB = 1_048_576
ENTRIES = {"m-1": {"MessageBody": "a"}, "m-2": {"MessageBody": "b"}}


def answering(**answer: Any) -> Any:
    return lambda **_: answer


def raising(error: Exception) -> Any:
    def operation(**_: Any) -> Any:
        raise error

    return operation


@given(st.lists(st.integers(min_value=1, max_value=MIB), max_size=60))
def test_batches_are_within_the_limits_and_hold_all_in_order(sizes):
    """Ten entries and 1 MiB at most, nothing left out, order kept; and no two neighbours would have fitted into one."""
    named = {f"m-{number}": size for number, size in enumerate(sizes)}
    batches = list(packed(named.items(), most_entries=10, most_bytes=MIB))
    assert [name for batch in batches for name in batch] == list(named)
    totals = [sum(named[name] for name in batch) for batch in batches]
    assert all(0 < len(batch) <= 10 for batch in batches)
    assert all(total <= MIB for total in totals)
    for index, (one, other) in enumerate(pairwise(batches)):
        assert len(one) == 10 or totals[index] + named[other[0]] > MIB


def test_each_entry_has_its_own_answer():
    """What was acknowledged, refused and not spoken of are three different things."""
    entries = {**ENTRIES, "m-3": {"MessageBody": "c"}}
    answer = answering(Successful=[{"Id": "m-1", "MessageId": "x"}], Failed=[{"Id": "m-2", "Code": "InternalError"}])
    answered = call_batch(answer, "url", entries)
    assert answered.done == {"m-1": {"Id": "m-1", "MessageId": "x"}}
    assert answered.refused == {"m-2": "InternalError"}
    assert answered.unknown == {"m-3": "NoAnswer"}


def test_the_answer_to_another_request_acknowledges_nothing():
    """An answer that a proxy gave twice names other entries: ours are unknown, and not taken for sent."""
    answered = call_batch(answering(Successful=[{"Id": "m-8"}, {"Id": "m-9"}]), "url", ENTRIES)
    assert answered.done == {}
    assert set(answered.unknown) == {"m-1", "m-2"}


def test_a_throttle_is_no_answer_in_doubt():
    """A throttled call did nothing: all of it may be sent again as it was."""
    error = ClientError({"Error": {"Code": "RequestThrottled"}, "ResponseMetadata": {"HTTPStatusCode": 400}}, "Send")
    assert set(call_batch(raising(error), "url", ENTRIES).throttled) == {"m-1", "m-2"}


def test_a_refused_call_did_nothing():
    """A call that SQS refuses is refused for each of its entries."""
    error = ClientError({"Error": {"Code": "AccessDenied"}, "ResponseMetadata": {"HTTPStatusCode": 403}}, "Send")
    assert call_batch(raising(error), "url", ENTRIES).refused == dict.fromkeys(ENTRIES, "AccessDenied")


def test_a_broken_line_leaves_doubt():
    """After an error of the server, or of the line, nobody knows whether the entries arrived."""
    error = ClientError({"Error": {"Code": "InternalFailure"}, "ResponseMetadata": {"HTTPStatusCode": 500}}, "Send")
    assert set(call_batch(raising(error), "url", ENTRIES).unknown) == {"m-1", "m-2"}
    broken = EndpointConnectionError(endpoint_url="http://x")
    assert call_batch(raising(broken), "url", ENTRIES).unknown == dict.fromkeys(ENTRIES, "EndpointConnectionError")
