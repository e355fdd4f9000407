"""Captures and AWS shapes for the tests of envelopes, in the tests' own words."""

import json
from typing import Any

from replay.payloads.captures import Capture, MessageAttribute, Origin

QUEUE = "arn:aws:sqs:eu-west-1:111122223333:failed"
SOURCE_QUEUE = "arn:aws:sqs:eu-west-1:111122223333:orders"
TOPIC = "arn:aws:sns:eu-west-1:111122223333:orders"
SUBSCRIPTION = f"{TOPIC}:0c1d2e3f-0000-4000-8000-000000000001"
FUNCTION = "arn:aws:lambda:eu-west-1:111122223333:function:orders"
MESSAGE_ID = "5b1e9c0a-6d1f-4c57-9a2e-0f6f6f0f2f11"
REQUEST_ID = "7d0c6d9e-53f4-4f5a-8a52-2b51a6e6f001"
TRACE = "Root=1-65a1b2c3-0123456789abcdef01234567;Parent=53995c3f42cd8ad8;Sampled=1"


def text_of(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def saved(body: str) -> Capture:
    """A text found in a file."""
    return Capture(origin=Origin(source="files", identity="x"), body=body, carrier="file")


def received(body: str, attributes: dict[str, MessageAttribute] | None = None, **system: str) -> Capture:
    """A message received from the queue of failed ones."""
    return Capture(
        origin=Origin(source="sqs", arn=QUEUE, identity=MESSAGE_ID),
        body=body,
        carrier="sqs",
        attributes={"ApproximateReceiveCount": "1", "SentTimestamp": "1767225600000", **system},
        message_attributes=attributes or {},
    )


def text(value: str) -> MessageAttribute:
    return MessageAttribute(data_type="String", string_value=value)


def number(value: str) -> MessageAttribute:
    return MessageAttribute(data_type="Number", string_value=value)


def notification(message: str, **members: Any) -> str:
    """A notification as a queue gets it."""
    return text_of(
        {
            "Type": "Notification",
            "MessageId": "d2c3b4a5-0000-4000-8000-000000000002",
            "TopicArn": TOPIC,
            "Message": message,
            "Timestamp": "2026-01-01T00:00:00.000Z",
            "SignatureVersion": "1",
            "Signature": "c2lnbmVk",
            "SigningCertURL": "https://sns.eu-west-1.amazonaws.com/cert.pem",
            "UnsubscribeURL": f"https://sns.eu-west-1.amazonaws.com/?Action=Unsubscribe&SubscriptionArn={SUBSCRIPTION}",
            **members,
        }
    )


def destination_record(payload: str, *, condition: str = "RetriesExhausted", count: int = 3) -> str:
    """The record of an asynchronous invocation, *payload* written into it as it is."""
    failed = condition == "RetriesExhausted"
    head = text_of(
        {
            "version": "1.0",
            "timestamp": "2026-01-01T00:00:03.000Z",
            "requestContext": {
                "requestId": REQUEST_ID,
                "functionArn": f"{FUNCTION}:$LATEST",
                "condition": condition,
                "approximateInvokeCount": count,
            },
        }
    )
    tail = text_of(
        {
            "responseContext": {
                "statusCode": 200,
                "executedVersion": "$LATEST",
                **({"functionError": "Unhandled"} if failed else {}),
            },
            "responsePayload": {
                "errorMessage": "'customer_id'",
                "errorType": "KeyError",
                "requestId": REQUEST_ID,
                "stackTrace": [
                    '  File "/var/task/orders/app.py", line 12, in handler\n    return price(order)\n',
                    '  File "/var/task/orders/pricing.py", line 7, in price\n    order["customer_id"]\n',
                ],
            }
            if failed
            else {"ok": True},
        }
    )
    return f'{head[:-1]}, "requestPayload": {payload}, {tail[1:]}'


def on_a_bus(record: str, outcome: str = "Failure") -> str:
    """The event that has a record as its detail."""
    head = text_of(
        {
            "version": "0",
            "id": "0f0e0d0c-0000-4000-8000-000000000003",
            "detail-type": f"Lambda Function Invocation Result - {outcome}",
            "source": "lambda",
            "account": "111122223333",
            "time": "2026-01-01T00:00:03Z",
            "region": "eu-west-1",
            "resources": ["arn:aws:events:eu-west-1:111122223333:event-bus/failed", f"{FUNCTION}:$LATEST"],
        }
    )
    return f'{head[:-1]}, "detail": {record}}}'


def stream_record(name: str = "KinesisBatchInfo", **members: Any) -> str:
    """The record of a batch that was given up."""
    info: dict[str, Any] = {
        "shardId": "shardId-000000000001",
        "startSequenceNumber": "4961",
        "endSequenceNumber": "4969",
        "approximateArrivalOfFirstRecord": "2026-01-01T00:00:00.000Z",
        "approximateArrivalOfLastRecord": "2026-01-01T00:00:02.000Z",
        "batchSize": 9,
        "streamArn": "arn:aws:kinesis:eu-west-1:111122223333:stream/orders",
    }
    return text_of(
        {
            "requestContext": {
                "requestId": REQUEST_ID,
                "functionArn": FUNCTION,
                "condition": "RetryAttemptsExhausted",
                "approximateInvokeCount": 4,
            },
            "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
            "version": "1.0",
            "timestamp": "2026-01-01T00:00:03.000Z",
            name: info,
            **members,
        }
    )
