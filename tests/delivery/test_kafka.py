"""Kafka event source mappings: documented by AWS, recorded nowhere."""

import json

import pytest

from replay.delivery.attempt import Reply
from replay.delivery.deliver import deliver
from replay.delivery.families import begin_delivery, drive
from replay.delivery.retry_delays import UNLIMITED_RETRIES
from replay.errors import InvalidEvent
from replay.payloads.captures import Event
from replay.payloads.event_sources import EventSource

QUEUE = "arn:aws:sqs:eu-central-1:123456789012:failed"
CLUSTER = "arn:aws:kafka:eu-central-1:123456789012:cluster/orders/1"


def record(partition: int, offset) -> dict:
    return {
        "topic": "orders",
        "partition": partition,
        "offset": offset,
        "timestamp": 1767225600250,
        "timestampType": "CREATE_TIME",
        "value": "e30=",
        "headers": [],
    }


EVENT = {
    "eventSource": "aws:kafka",
    "eventSourceArn": CLUSTER,
    "bootstrapServers": "b-1:9092",
    "records": {"orders-0": [record(0, 15), record(0, 16)], "orders-1": [record(1, 7)]},
}
IDS = ["orders-0/15", "orders-0/16", "orders-1/7"]


def kafka(**settings) -> EventSource:
    return EventSource(kind="kafka", **settings)


def fail(event, context):
    raise KeyError


def test_what_the_function_returns_on_is_done() -> None:
    """One invocation, byte for byte, every record processed."""
    text = json.dumps(EVENT, indent=1)
    report = deliver(text, lambda *_: "anything", kafka())
    assert [each.attempt.payload for each in report.invocations] == [text]
    assert report.dispositions == dict.fromkeys(IDS, "processed")
    assert "no recording" in report.notes[0]


def test_without_a_limit_the_batch_stays() -> None:
    """AWS tries for ever; here a few retries, and the records stay."""
    report = deliver(EVENT, fail, kafka())
    assert len(report.invocations) == UNLIMITED_RETRIES + 1
    assert report.dispositions == dict.fromkeys(IDS, "still_queued")


@pytest.mark.parametrize(("retries", "invocations"), [(0, 1), (2, 3), (None, 11), (-1, 11)])
def test_with_a_destination_there_are_at_most_ten_retries_by_default(retries, invocations) -> None:
    """Infinite retries with an on-failure destination are ten, and the document tells what was given up."""
    report = deliver(EVENT, fail, kafka(maximum_retry_attempts=retries, on_failure=QUEUE))
    assert len(report.invocations) == invocations
    assert report.dispositions == dict.fromkeys(IDS, "sent_to_destination")
    (document,) = report.failure_records
    assert document["requestContext"]["approximateInvokeCount"] == invocations
    info = document["KafkaBatchInfo"]
    assert (info["batchSize"], info["eventSourceArn"], info["bootstrapServers"]) == (3, CLUSTER, "b-1:9092")
    assert info["payloadSize"] == len(report.invocations[0].attempt.payload)
    assert info["recordsInfo"]["orders-0"] == {
        "firstRecordOffset": "15",
        "lastRecordOffset": "16",
        "firstRecordTimestamp": "2026-01-01T00:00:00.250Z",
        "lastRecordTimestamp": "2026-01-01T00:00:00.250Z",
    }
    assert "payload" not in document


def test_a_bucket_gets_the_event() -> None:
    """S3 holds the whole event as a JSON string."""
    report = deliver(EVENT, fail, kafka(maximum_retry_attempts=0, on_failure="arn:aws:s3:::failed"))
    assert report.failure_records[0]["payload"] == report.invocations[0].attempt.payload


def test_without_a_destination_a_limit_discards() -> None:
    """Retries used up and nowhere to send it."""
    report = deliver(EVENT, fail, kafka(maximum_retry_attempts=1))
    assert len(report.invocations) == 2
    assert report.dispositions == dict.fromkeys(IDS, "discarded")


def test_throttles_use_up_no_retries() -> None:
    """A throttled batch did not reach the function."""
    event = Event(text=json.dumps(EVENT), kind="kafka")
    replies = iter([Reply(status="throttled"), Reply(status="raised"), Reply(status="raised")])
    report = drive(begin_delivery(event, kafka(maximum_retry_attempts=1)), lambda _: next(replies))
    assert report.dispositions == dict.fromkeys(IDS, "discarded")


@pytest.mark.parametrize(
    "answer", [{"batchItemFailures": [{"itemIdentifier": {"partition": "orders-0", "offset": 16}}]}, b"{"]
)
def test_a_partial_batch_response_fails_the_whole_batch_and_is_noted(answer) -> None:
    """Which records would come again is not imitated: nothing is called processed that may not be."""
    report = deliver(EVENT, lambda *_: answer, kafka(report_batch_item_failures=True, maximum_retry_attempts=0))
    assert report.dispositions == dict.fromkeys(IDS, "discarded")
    assert "report_batch_item_failures is not imitated" in report.notes[1]
    done = deliver(EVENT, lambda *_: {"batchItemFailures": []}, kafka(report_batch_item_failures=True))
    assert done.dispositions == dict.fromkeys(IDS, "processed")


@pytest.mark.parametrize("event", [{}, [], {"records": []}, {"Records": []}])
def test_an_event_without_records_is_none_of_kafka(event) -> None:
    """Kafka's records are an object of lists."""
    with pytest.raises(InvalidEvent, match="no records"):
        deliver(json.dumps(event), fail, kafka())


def test_hand_made_records_are_told_apart() -> None:
    """Nothing of a record is needed, and no two have one id."""
    event = {"records": {"t-0": [{}, {"offset": {"a": []}, "timestamp": "x"}], "t-1": "?", "t-2": []}}
    report = deliver(event, fail, kafka(maximum_retry_attempts=0, on_failure=QUEUE))
    assert list(report.dispositions) == ["t-0/unknown", "t-0/unknown#2"]
    assert report.failure_records[0]["KafkaBatchInfo"]["batchSize"] == 2
