"""SQS events as Lambda's pollers write them, for the tests of several stations."""

import json
from collections.abc import Iterable
from typing import Any

ARN = "arn:aws:sqs:eu-central-1:123456789012:orders"


def sqs_record(
    message_id: str, body: str = "{}", *, receive_count: int | None = 1, **attributes: str
) -> dict[str, Any]:
    """One record, its keys in AWS's order."""
    counted = {} if receive_count is None else {"ApproximateReceiveCount": str(receive_count)}
    return {
        "messageId": message_id,
        "receiptHandle": f"handle-of-{message_id}",
        "body": body,
        "attributes": {
            **counted,
            "SentTimestamp": "1767225600000",
            "SenderId": "AIDAEXAMPLE",
            "ApproximateFirstReceiveTimestamp": "1767225600001",
            **attributes,
        },
        "messageAttributes": {},
        "md5OfBody": "99914b932bd37a50b983c5e7c90ae93b",
        "eventSource": "aws:sqs",
        "eventSourceARN": ARN,
        "awsRegion": "eu-central-1",
    }


def sqs_event(message_ids: Iterable[str], **options: Any) -> dict[str, Any]:
    """An event with one record for each id."""
    return {"Records": [sqs_record(message_id, **options) for message_id in message_ids]}


def ids_of(event: Any) -> list[str]:
    """The message ids of an event as a function sees it."""
    return [record["messageId"] for record in event["Records"]]


def counts_of(event: Any) -> list[str]:
    """The receive counts of an event as a function sees it."""
    return [record["attributes"]["ApproximateReceiveCount"] for record in event["Records"]]


def reported(message_ids: Iterable[str]) -> dict[str, Any]:
    """The answer that reports these records as failed."""
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in message_ids]}


def as_text(event: Any) -> str:
    """The event as compact JSON text."""
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"))
