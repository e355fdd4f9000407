"""Kafka event source mappings: documented by AWS, recorded nowhere."""

import base64
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


def failing(*items: object):
    return lambda *_: {"batchItemFailures": [{"itemIdentifier": item} for item in items]}


def test_the_lowest_offset_of_each_partition_is_its_checkpoint() -> None:
    """What comes before it is done, all from there on comes again with a fresh counter, other partitions are done."""
    event = {**EVENT, "records": {"orders-0": [record(0, n) for n in (5, 6, 7)], "orders-1": [record(1, 5)]}}
    answer = failing({"partition": "orders-0", "offset": 7}, {"partition": "orders-0", "offset": 6})
    settings = kafka(report_batch_item_failures=True, maximum_retry_attempts=1, on_failure=QUEUE)
    report = deliver(event, answer, settings)
    again = ("orders-0/6", "orders-0/7")
    assert [each.attempt.record_ids for each in report.invocations[1:]] == [again, again]
    assert list(report.invocations[1].event["records"]) == ["orders-0"]
    assert report.invocations[1].event["records"]["orders-0"] == event["records"]["orders-0"][1:]
    assert report.invocations[1].event["bootstrapServers"] == "b-1:9092"
    ends = ["processed", "sent_to_destination", "sent_to_destination", "processed"]
    assert list(report.dispositions.values()) == ends
    (document,) = report.failure_records
    assert document["requestContext"]["approximateInvokeCount"] == 2
    assert document["responseContext"]["functionError"] is None
    assert document["KafkaBatchInfo"]["batchSize"] == 2


@pytest.mark.parametrize(
    "answer",
    [
        b"{",
        "text",
        {"batchItemFailures": "orders-0"},
        {"batchItemFailures": ["orders-0"]},
        {"batchItemFailures": [{"itemIdentifier": "15"}]},
        {"batchItemFailures": [{"itemIdentifier": {"partition": "orders-0", "offset": 99}}]},
        {"batchItemFailures": [{"itemIdentifier": {"partition": "orders-0", "offset": "15"}}]},
    ],
)
def test_an_answer_that_cannot_be_used_fails_the_whole_batch(answer) -> None:
    """Nothing is called processed that may not be."""
    report = deliver(EVENT, lambda *_: answer, kafka(report_batch_item_failures=True, maximum_retry_attempts=0))
    assert report.dispositions == dict.fromkeys(IDS, "discarded")
    assert report.problem


@pytest.mark.parametrize("answer", [None, "", [], {}, {"batchItemFailures": []}, {"batchItemFailures": None}])
def test_an_answer_without_failures_is_done(answer) -> None:
    """As of the streams."""
    report = deliver(EVENT, lambda *_: answer, kafka(report_batch_item_failures=True))
    assert report.dispositions == dict.fromkeys(IDS, "processed")


def test_a_function_error_splits_the_batch() -> None:
    """Bisecting gives up the poison record, and only that."""

    def handler(event, context):
        if any(each["offset"] == 16 for held in event["records"].values() for each in held):
            raise KeyError

    settings = kafka(bisect_batch_on_function_error=True, maximum_retry_attempts=0)
    report = deliver(EVENT, handler, settings)
    assert list(report.dispositions.values()) == ["processed", "discarded", "processed"]
    assert [each.attempt.record_ids for each in report.invocations] == [
        tuple(IDS), ("orders-0/15",), ("orders-0/16", "orders-1/7"), ("orders-0/16",), ("orders-1/7",),
    ]  # fmt: skip


def test_records_that_are_too_old_are_given_up() -> None:
    """Age ends what retries do not; such a document has no responseContext."""
    report = deliver(EVENT, fail, kafka(maximum_record_age_s=60, on_failure=QUEUE, maximum_retry_attempts=10_000))
    assert report.dispositions == dict.fromkeys(IDS, "sent_to_destination")
    (document,) = report.failure_records
    assert document["requestContext"]["condition"] == "RecordAgeExceeded"
    assert "responseContext" not in document
    assert report.elapsed_s == 60


def test_filters_and_batch_sizes_are_applied() -> None:
    """Rejected records are stepped over; the others come in batches, in order, each in an event of its own."""
    held = [record(0, n) | {"value": base64.b64encode(json.dumps({"n": n}).encode()).decode()} for n in range(5)]
    source = kafka(filter_criteria=('{"value": {"n": [{"numeric": [">", 0]}]}}',), batch_size=3)
    report = deliver({"records": {"t-0": held}}, lambda *_: None, source)
    assert [each.attempt.record_ids for each in report.invocations] == [("t-0/1", "t-0/2", "t-0/3"), ("t-0/4",)]
    assert report.dispositions["t-0/0"] == "filtered"


@pytest.mark.parametrize(
    "event", [{}, [], {"records": []}, {"Records": []}, {"records": {"t-0": {"0": {"offset": 1}}}}]
)
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
