"""Kinesis and DynamoDB events as Lambda's pollers write them, for the tests of several stations."""

import base64
import json
from collections.abc import Sequence
from typing import Any

from replay.delivery.report import DeliveryReport
from replay.payloads.event_sources import EventSource

KINESIS_ARN = "arn:aws:kinesis:eu-central-1:123456789012:stream/orders"
DYNAMODB_ARN = "arn:aws:dynamodb:eu-central-1:123456789012:table/orders/stream/2026-01-01T00:00:00.000"
QUEUE = "arn:aws:sqs:eu-central-1:123456789012:failed-orders"
BUCKET = "arn:aws:s3:::failed-orders"
ARRIVED_S = 1767225600.25  # 2026-01-01T00:00:00.250Z


def kinesis_record(
    number: int, data: Any = None, *, shard: int = 0, key: str = "k", arrived_s: float = ARRIVED_S
) -> dict[str, Any]:
    """The record with the sequence number *number*, its keys in AWS's order."""
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": key,
            "sequenceNumber": str(number),
            "data": base64.b64encode(json.dumps(data).encode()).decode(),
            "approximateArrivalTimestamp": arrived_s,
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"shardId-{shard:012}:{number}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": "arn:aws:iam::123456789012:role/orders",
        "awsRegion": "eu-central-1",
        "eventSourceARN": KINESIS_ARN,
    }


def dynamodb_record(
    number: int, image: dict[str, Any] | None = None, *, name: str = "INSERT", arrived_s: float = 1767225600.0
) -> dict[str, Any]:
    """The change with the sequence number *number*, its keys in AWS's order."""
    return {
        "eventID": f"{number:032x}",
        "eventName": name,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-central-1",
        "dynamodb": {
            "ApproximateCreationDateTime": arrived_s,
            "Keys": {"id": {"S": str(number)}},
            "NewImage": image or {"id": {"S": str(number)}},
            "SequenceNumber": str(number),
            "SizeBytes": 54,
            "StreamViewType": "NEW_IMAGE",
        },
        "eventSourceARN": DYNAMODB_ARN,
    }


def kinesis(**settings: Any) -> EventSource:
    """The settings of a Kinesis mapping."""
    return EventSource(kind="kinesis", arn=KINESIS_ARN, **settings)


def dynamodb(**settings: Any) -> EventSource:
    """The settings of a DynamoDB mapping."""
    return EventSource(kind="dynamodb", arn=DYNAMODB_ARN, **settings)


def records(count: int, **options: Any) -> list[dict[str, Any]]:
    """Kinesis records with the sequence numbers 1 to *count*."""
    return [kinesis_record(number, **options) for number in range(1, count + 1)]


def numbers_of(event: Any) -> list[str]:
    """The sequence numbers of an event as a function sees it."""
    return [
        record["kinesis"]["sequenceNumber"] if "kinesis" in record else record["dynamodb"]["SequenceNumber"]
        for record in event["Records"]
    ]


def batches(report: DeliveryReport) -> list[list[str]]:
    """The sequence numbers of each invocation, as the function saw them."""
    return [numbers_of(invocation.event) for invocation in report.invocations]


def times(report: DeliveryReport) -> list[float]:
    """When each invocation was, in virtual time."""
    return [invocation.attempt.at_s for invocation in report.invocations]


def report_failed(*numbers: Any):
    """A handler that reports these sequence numbers, as far as they are in its batch."""

    def handler(event, context):
        seen = [number for number in numbers if number in numbers_of(event)]
        return {"batchItemFailures": [{"itemIdentifier": number} for number in seen]}

    return handler


def raise_on(*poison: str):
    """A handler that raises when one of these sequence numbers is in its batch."""

    def handler(event, context):
        found = set(poison).intersection(numbers_of(event))
        if found:
            raise KeyError(min(found))

    return handler


def fail(event: Any, context: Any) -> None:
    """A handler that always raises."""
    raise KeyError("customer_id")


def documents(report: DeliveryReport) -> Sequence[Any]:
    """The failure documents of a report."""
    return report.failure_records
