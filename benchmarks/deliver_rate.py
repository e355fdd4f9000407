"""How many records `replay.deliver` delivers in a second to a trivial function, in batches of 10."""

import json
import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any

import replay
from replay.payloads.event_sources import EventSource, EventSourceKind

BOUND = 30_000
RECORDS = 20_000
RUNS = 5
_REGION = "eu-central-1"


def measure(records: int = RECORDS, runs: int = RUNS) -> dict[str, float]:
    """Deliver many records, told as a list and as an event's text, and give the best rate of each: noise only slows."""
    rates = {}
    for kind, record in _KINDS.items():
        source = EventSource(kind=kind, batch_size=10)
        listed = [record(number) for number in range(records)]
        for form, given in (("list", listed), ("event", json.dumps({"Records": listed}))):
            rates[f"{kind} {form}"] = records / min(_seconds(given, source, records) for _ in range(runs))
    return rates


def _seconds(given: Any, source: EventSource, records: int) -> float:
    began = perf_counter()
    report = replay.deliver(given, lambda *_: None, source)
    taken = perf_counter() - began
    assert len(report.invocations) == records / 10
    assert set(report.dispositions.values()) == {"processed"}
    return taken


def _sqs(number: int) -> dict[str, Any]:
    return {
        "messageId": f"{number:08x}-0000-4000-8000-000000000000",
        "receiptHandle": f"AQEB{number:060}",
        "body": json.dumps({"order": number, "customer_id": f"c-{number}"}),
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": "1767225600000",
            "SenderId": "AROAEXAMPLE:sender",
            "ApproximateFirstReceiveTimestamp": "1767225600001",
        },
        "messageAttributes": {},
        "md5OfBody": "0" * 32,
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:{_REGION}:123456789012:orders",
        "awsRegion": _REGION,
    }


def _kinesis(number: int) -> dict[str, Any]:
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": f"key-{number}",
            "sequenceNumber": f"{number:056}",
            "data": "eyJvcmRlciI6IDF9",
            "approximateArrivalTimestamp": 1767225600.25,
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"shardId-000000000000:{number:056}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": "arn:aws:iam::123456789012:role/orders",
        "awsRegion": _REGION,
        "eventSourceARN": f"arn:aws:kinesis:{_REGION}:123456789012:stream/orders",
    }


def _dynamodb(number: int) -> dict[str, Any]:
    return {
        "eventID": f"{number:032x}",
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": _REGION,
        "dynamodb": {
            "ApproximateCreationDateTime": 1767225600,
            "Keys": {"id": {"S": f"o-{number}"}},
            "NewImage": {"id": {"S": f"o-{number}"}, "quantity": {"N": "1"}},
            "SequenceNumber": f"{number:021}",
            "SizeBytes": 40,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
        "eventSourceARN": f"arn:aws:dynamodb:{_REGION}:123456789012:table/orders/stream/2026-01-01T00:00:00.000",
    }


_KINDS: dict[EventSourceKind, Callable[[int], dict[str, Any]]] = {
    "sqs": _sqs, "kinesis": _kinesis, "dynamodb": _dynamodb,
}  # fmt: skip


if __name__ == "__main__":
    result = measure()
    told = ", ".join(f"{name} {rate:,.0f}" for name, rate in result.items())
    slowest = min(result.values())
    print(f"replay.deliver, records per second: {told}; the slowest is {slowest / BOUND:.2f} x the bound of {BOUND:,}")
    sys.exit(slowest < BOUND)
