"""Reads of X-Ray: five ids a call, every page, nothing that is not there."""

import boto3
from botocore.stub import Stubber

from replay.readers.traces import segment_documents

IDS = [f"1-65a1b2c3-{number:024x}" for number in range(7)]


def test_ids_are_asked_for_five_at_a_time_and_pages_followed() -> None:
    """The calls are those that X-Ray takes (moto does not page, so botocore's Stubber answers)."""
    client = boto3.client("xray", region_name="us-east-1")
    with Stubber(client) as stubber:
        first = {"Traces": [{"Id": IDS[0], "Segments": [{"Id": "a", "Document": "{}"}]}], "NextToken": "t"}
        second = {"Traces": [{"Id": IDS[0], "Segments": [{"Id": "b", "Document": "[]"}]}]}
        stubber.add_response("batch_get_traces", first, {"TraceIds": IDS[:5]})
        stubber.add_response("batch_get_traces", second, {"TraceIds": IDS[:5], "NextToken": "t"})
        stubber.add_response("batch_get_traces", {"Traces": [], "UnprocessedTraceIds": IDS[5:]}, {"TraceIds": IDS[5:]})
        assert segment_documents(client, IDS) == {IDS[0]: ["{}", "[]"]}
        stubber.assert_no_pending_responses()


def test_it_stops_when_told() -> None:
    """Out of time, no further call is made."""
    client = boto3.client("xray", region_name="us-east-1")
    with Stubber(client):
        assert segment_documents(client, IDS, stop=lambda: True) == {}


def test_ids_that_stay_unprocessed_are_told() -> None:
    """What X-Ray still has not come to at the last try is told once (moto processes all, so botocore's Stubber answers)."""
    client = boto3.client("xray", region_name="us-east-1")
    unread: list[str] = []
    with Stubber(client) as stubber:
        for asked in (IDS[:2], IDS[1:2]):
            found = {"Traces": [{"Id": IDS[0], "Segments": []}], "UnprocessedTraceIds": IDS[1:2]}
            stubber.add_response("batch_get_traces", found, {"TraceIds": asked})
        segment_documents(client, IDS[:2], tries=2, wait=lambda _: None, unread=unread.extend)
        stubber.assert_no_pending_responses()
    assert unread == IDS[1:2]
