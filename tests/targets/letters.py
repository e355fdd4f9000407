"""Dead letters and invocation records as Lambda writes them to a queue, for tests of whoever looks into that."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from moto import mock_aws

from replay.targets.carrier import Sought

ACCOUNT = "123456789012"
FUNCTIONS = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:"
QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:dead"
OURS, OTHERS = (f"3f1e1a3e-0000-4000-8000-00000000000{number}" for number in (1, 2))
EVENT_ID = "e-4711"
STACK = (
    "[ERROR] KeyError: 'customer_id'\nTraceback (most recent call last):\n"
    '\u00a0\u00a0File "/var/task/app.py", line 3, in handler\n\u00a0\u00a0\u00a0\u00a0event["customer_id"]'
)


@contextmanager
def dead_letter_queue() -> Iterator[Any]:
    """Give the client of an SQS that has the queue."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        client: Any = boto3.client("sqs")
        client.create_queue(QueueName="dead")
        yield client


def send(sqs: Any, body: Mapping[str, Any] | None = None, /, **attributes: tuple[str, str]) -> None:
    sqs.send_message(
        QueueUrl=sqs.get_queue_url(QueueName="dead")["QueueUrl"],
        MessageBody=json.dumps(body or {"id": EVENT_ID, "source": "shop"}),
        MessageAttributes={name: {"DataType": kind, "StringValue": text} for name, (kind, text) in attributes.items()},
    )


def send_dead_letter(sqs: Any, request_id: str) -> None:
    """Send what Lambda writes to a function's dead-letter queue."""
    send(
        sqs,
        RequestID=("String", request_id),
        ErrorCode=("Number", "200"),
        ErrorMessage=("String", "'customer_id'"),
    )


def record(function: str, request_id: str, *, condition: str = "RetriesExhausted") -> dict[str, Any]:
    """Give what Lambda writes to a destination."""
    failed = {} if condition == "Success" else {"functionError": "Unhandled"}
    context = {
        "requestId": request_id,
        "functionArn": f"{FUNCTIONS}{function}:$LATEST",
        "condition": condition,
        "approximateInvokeCount": 1,
    }
    return {
        "version": "1.0",
        "timestamp": "2026-01-01T00:00:00.000Z",
        "requestContext": context,
        "requestPayload": {"id": EVENT_ID},
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", **failed},
        "responsePayload": {"errorMessage": "no", "errorType": "Boom", "stackTrace": []} if failed else None,
    }


def sought(*keys: str, sent_at_ms: int = 0, sign: str = EVENT_ID) -> list[Sought]:
    return [Sought(key=key, signs=(sign,), sent_at_ms=sent_at_ms) for key in keys]
