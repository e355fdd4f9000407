"""Dead letters as Lambda writes them, in words of our own."""

import json
from typing import Any

from replay.payloads.captures import Capture, MessageAttribute, Origin

QUEUE_ARN = "arn:aws:sqs:us-east-1:123456789012:orders-dlq"
FUNCTION_ARN = "arn:aws:lambda:us-east-1:123456789012:function:orders"


def attributes(request_id: str = "r-1") -> dict[str, dict[str, str]]:
    """The attributes of a letter in a function's dead-letter queue, as SQS takes them."""
    return {
        "RequestID": {"DataType": "String", "StringValue": request_id},
        "ErrorCode": {"DataType": "Number", "StringValue": "200"},
        "ErrorMessage": {"DataType": "String", "StringValue": "'customer_id'"},
    }


def dead_letter(body: str, *, request_id: str = "r-1", identity: str = "m-1") -> Capture:
    """A letter of a function's dead-letter queue."""
    named = {
        name: MessageAttribute(data_type=each["DataType"], string_value=each["StringValue"])
        for name, each in attributes(request_id).items()
    }
    origin = Origin(source="sqs", arn=QUEUE_ARN, identity=identity)
    return Capture(origin=origin, body=body, carrier="sqs", message_attributes=named)


def record(payload: str | None, *, function: str = FUNCTION_ARN, request_id: str = "r-1") -> str:
    """The record of an on-failure destination; the payload stands in it as it is written."""
    document: dict[str, Any] = {
        "version": "1.0",
        "timestamp": "2026-05-04T10:00:00.000Z",
        "requestContext": {
            "requestId": request_id,
            "functionArn": f"{function}:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        },
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "responsePayload": {"errorMessage": "'customer_id'", "errorType": "KeyError"},
    }
    text = json.dumps(document)
    return text if payload is None else f'{text[:-1]}, "requestPayload": {payload}}}'


def message(body: str, identity: str = "m-1") -> Capture:
    """A message without attributes."""
    return Capture(origin=Origin(source="sqs", arn=QUEUE_ARN, identity=identity), body=body, carrier="sqs")
