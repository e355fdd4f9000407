"""What the on-failure destination of a stream gets."""

import json

import pytest

from replay.delivery.attempt import Reply
from replay.delivery.deliver import deliver
from replay.delivery.families import begin_delivery, drive
from replay.delivery.stream_failures import failure_object_key
from replay.payloads.captures import Event
from tests.delivery.stream_events import (
    BUCKET,
    DYNAMODB_ARN,
    KINESIS_ARN,
    QUEUE,
    documents,
    dynamodb,
    dynamodb_record,
    fail,
    kinesis,
    kinesis_record,
    raise_on,
    records,
)

ARN = "arn:aws:lambda:us-east-1:123456789012:function:fail"


def test_a_kinesis_document_is_as_aws_writes_it() -> None:
    """Keys, their order and the forms of times are those of recording …_with_on_failure_destination_config."""
    event = [kinesis_record(1), kinesis_record(2, arrived_s=1767225601.5)]
    report = deliver(event, fail, kinesis(maximum_retry_attempts=1, on_failure=QUEUE))
    request_id = report.invocations[-1].attempt.request_id
    assert json.dumps(documents(report)[0]) == json.dumps(
        {
            "requestContext": {
                "requestId": request_id,
                "functionArn": ARN,
                "condition": "RetryAttemptsExhausted",
                "approximateInvokeCount": 2,
            },
            "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
            "version": "1.0",
            "timestamp": "2026-01-01T00:00:01.750Z",
            "KinesisBatchInfo": {
                "shardId": "shardId-000000000000",
                "startSequenceNumber": "1",
                "endSequenceNumber": "2",
                "approximateArrivalOfFirstRecord": "2026-01-01T00:00:00.250Z",
                "approximateArrivalOfLastRecord": "2026-01-01T00:00:01.500Z",
                "batchSize": 2,
                "streamArn": KINESIS_ARN,
            },
        }
    )


def test_a_dynamodb_document_has_its_own_name_and_no_milliseconds() -> None:
    """DDBStreamBatchInfo, arrival in whole seconds (recording of the DynamoDB twin)."""
    report = deliver([dynamodb_record(7)], fail, dynamodb(maximum_retry_attempts=0, on_failure=QUEUE))
    (document,) = documents(report)
    assert list(document) == ["requestContext", "responseContext", "version", "timestamp", "DDBStreamBatchInfo"]
    assert document["DDBStreamBatchInfo"]["approximateArrivalOfFirstRecord"] == "2026-01-01T00:00:00Z"
    assert document["DDBStreamBatchInfo"]["streamArn"] == DYNAMODB_ARN
    assert document["timestamp"] == "2026-01-01T00:00:00.000Z"


def test_a_bucket_gets_the_event_as_a_json_string() -> None:
    """An S3 object has `payload`, the text of the event of these records, and no other destination has it."""
    settings = kinesis(batch_size=1, maximum_retry_attempts=0)
    event = json.dumps({"Records": records(2)})
    (document,) = documents(
        deliver(event, raise_on("2"), kinesis(batch_size=1, maximum_retry_attempts=0, on_failure=BUCKET))
    )
    assert document["payload"] == json.dumps({"Records": [kinesis_record(2)]})
    assert list(document)[-1] == "payload"
    assert deliver(event, raise_on("2"), settings).failure_records == ()


@pytest.mark.parametrize("destination", [QUEUE, "arn:aws:sns:eu-central-1:123456789012:failed", "FailedOrders"])
def test_queues_and_topics_get_no_payload(destination) -> None:
    """Only S3 holds the records; the others only say where they are."""
    report = deliver(records(1), fail, kinesis(maximum_retry_attempts=0, on_failure=destination))
    assert "payload" not in documents(report)[0]
    assert report.dispositions == {"1": "sent_to_destination"}


def test_the_key_of_an_object() -> None:
    """The key names mapping, shard, day and moment (recording …_with_s3_on_failure_destination)."""
    report = deliver(records(1), fail, kinesis(maximum_retry_attempts=0, on_failure=BUCKET))
    key = failure_object_key(documents(report)[0], mapping_id="6f6bbb7e", object_id="0d1f")
    assert key == "aws/lambda/6f6bbb7e/shardId-000000000000/2026/01/01/2026-01-01T00.00.00-0d1f"


@pytest.mark.parametrize(
    "status", ["raised", "timed_out", "out_of_memory", "exited", "unserialisable", "response_too_large"]
)
def test_whatever_ends_an_invocation_is_unhandled(status) -> None:
    """AWS's word for a function error of any kind."""
    event = Event(text=json.dumps({"Records": records(1)}), kind="kinesis")
    settings = kinesis(maximum_retry_attempts=0, on_failure=QUEUE)
    report = drive(
        begin_delivery(event, settings, "arn:aws:lambda:eu-central-1:1:function:orders"), lambda _: Reply(status=status)
    )
    (document,) = documents(report)
    assert document["responseContext"]["functionError"] == "Unhandled"
    assert document["requestContext"]["functionArn"] == "arn:aws:lambda:eu-central-1:1:function:orders"


def test_hand_made_records_have_documents_too() -> None:
    """Nothing of a record is needed for its document."""
    report = deliver([{}], fail, kinesis(maximum_retry_attempts=0, on_failure=QUEUE))
    info = documents(report)[0]["KinesisBatchInfo"]
    assert info["startSequenceNumber"] is None
    assert info["streamArn"] == KINESIS_ARN


def test_documents_are_the_same_in_every_run() -> None:
    """Ids and times are those of the event, not of the clock."""
    settings = kinesis(maximum_retry_attempts=2, on_failure=QUEUE)
    assert deliver(records(3), fail, settings).failure_records == deliver(records(3), fail, settings).failure_records
