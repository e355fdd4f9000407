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
