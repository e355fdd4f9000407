"""What a function's destinations and dead-letter queue hold of an asynchronous invocation, as Lambda writes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import md5
from typing import Literal
from uuid import NAMESPACE_URL, uuid5

from replay.delivery.attempt import Attempt, Reply
from replay.delivery.error_payload import error_message, error_payload
from replay.delivery.moments import milliseconds, seconds
from replay.errors import InvalidJson
from replay.payloads.exact_json import Json, parse

Condition = Literal["Success", "RetriesExhausted", "EventAgeExceeded", "ZeroReservedConcurrency"]

_SNS_LIMIT_BYTES = 256 * 1024
_ERROR_MESSAGE_BYTES = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """
    An asynchronous invocation that is over.

    `last` is the last attempt that reached the function and its reply, and None when there was none. `invocations`
    counts those too; throttles do not count. `at_s` is epoch time. `function_arn` has no version.
    """

    condition: Condition
    event_text: str
    request_id: str
    function_arn: str
    invocations: int
    last: tuple[Attempt, Reply] | None
    at_s: float


def destination_document(ended: Ended, destination: str) -> Json:
    """
    Write the document that the destination with the ARN *destination* gets.

    A queue has it as the body of a message, a topic as its `Message`, a bucket as an object and a function as its
    event, each as JSON text; an event bus gets an event with the record as its detail.

    - Of a topic's record both payloads are dropped where together they have more than 256 KB (documented; what the
      record looks like then is not).
    - The name of a bucket's object is no part of the document.

    Source: recordings test_assess_lambda_destination_invocation, test_invoke_lambda_eventbridge; Lambda API reference,
    `OnFailure`; Lambda developer guide, "Capturing records of Lambda asynchronous invocations".
    """
    record = _record(ended)
    service = service_of(destination)
    if service == "sns" and _payload_bytes(ended) > _SNS_LIMIT_BYTES:
        return {name: part for name, part in record.items() if name not in {"requestPayload", "responsePayload"}}
    return _event(ended, record, destination) if service == "events" else record


def _record(ended: Ended) -> dict[str, Json]:
    """
    Write the invocation record, its keys in Lambda's order; the function's ARN is qualified.

    Source: recordings test_assess_lambda_destination_invocation, test_retries, test_maxeventage,
    test_reserved_concurrency.
    """
    record: dict[str, Json] = {
        "version": "1.0",
        "timestamp": milliseconds(ended.at_s),
        "requestContext": {
            "requestId": ended.request_id,
            "functionArn": _qualified(ended.function_arn),
            "condition": ended.condition,
            "approximateInvokeCount": ended.invocations,
        },
        "requestPayload": _value(ended.event_text),
    }
    if ended.last is not None:
        attempt, reply = ended.last
        context: dict[str, Json] = {"statusCode": 200, "executedVersion": "$LATEST"}
        if not reply.succeeded:
            context["functionError"] = "Unhandled"
        record["responseContext"] = context
        record["responsePayload"] = (
            _value(reply.payload or "null") if reply.succeeded else error_payload(attempt, reply)
        )
    return record


def _payload_bytes(ended: Ended) -> int:
    answer = ended.last[1].payload if ended.last else None
    return sum(len(text.encode("utf-8", "surrogatepass")) for text in (ended.event_text, answer or ""))


def _event(ended: Ended, record: Mapping[str, Json], bus: str) -> Json:
    """Source: recording test_invoke_lambda_eventbridge; the order of the keys is that of any event at a target."""
    result = "Success" if ended.condition == "Success" else "Failure"
    _, _, _, region, account, *_ = [*bus.split(":"), "", "", "", "", ""]
    return {
        "version": "0",
        "id": str(uuid5(NAMESPACE_URL, f"{ended.request_id}/{result}")),
        "detail-type": f"Lambda Function Invocation Result - {result}",
        "source": "lambda",
        "account": account,
        "time": seconds(ended.at_s),
        "region": region,
        "resources": [bus, _qualified(ended.function_arn)],
        "detail": record,
    }


def dead_letter(ended: Ended, queue: str) -> Json:
    """
    Write the message that the function's dead-letter queue (or topic) with the ARN *queue* holds of the event.

    The body is the event as it was; three attributes tell of the error: the request id, the status code of the last
    invocation as a number, and the first kilobyte of its message. There is neither stack nor function.

    - For a message as ReceiveMessage shows it the receipt handle is missing, as nobody has received it yet; the digest
      of the attributes is missing too.
    - Of an event that was never invoked the code is 429, by the wording of the guide; no recording has such a message.

    Source: recordings test_dead_letter_queue, test_sns_topic_as_lambda_dead_letter_queue; Lambda developer guide,
    "Adding a dead-letter queue".
    """
    if ended.last is None:
        code, message = "429", error_message(Reply(status="throttled"))
    else:
        code, message = "200", error_message(ended.last[1])
    attributes = {
        "RequestID": ("String", ended.request_id),
        "ErrorCode": ("Number", code),
        "ErrorMessage": ("String", _first_kilobyte(message)),
    }
    message_id = str(uuid5(NAMESPACE_URL, f"{ended.request_id}/dead letter"))
    if service_of(queue) == "sns":
        return {
            "Type": "Notification",
            "MessageId": message_id,
            "TopicArn": queue,
            "Message": ended.event_text,
            "Timestamp": milliseconds(ended.at_s),
            "MessageAttributes": {name: {"Type": kind, "Value": value} for name, (kind, value) in attributes.items()},
        }
    return {
        "MessageId": message_id,
        "MD5OfBody": md5(ended.event_text.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest(),
        "Body": ended.event_text,
        "MessageAttributes": {
            name: {"DataType": kind, "StringValue": value} for name, (kind, value) in attributes.items()
        },
    }


def service_of(arn: str) -> str:
    """Give the service of an ARN (`sqs`, `sns`, `events`, `s3`, `lambda`), and nothing for what is no ARN."""
    parts = arn.split(":")
    return parts[2] if len(parts) > 2 and parts[0] == "arn" else ""  # noqa: PLR2004 - arn:partition:service


def _qualified(function_arn: str) -> str:
    return f"{function_arn}:$LATEST"


def _value(text: str) -> Json:
    try:
        return parse(text)
    except InvalidJson:
        return text  # bytes that the handler returned, or an event nested too deep to be read


def _first_kilobyte(text: str) -> str:
    return text.encode("utf-8", "replace")[:_ERROR_MESSAGE_BYTES].decode("utf-8", "ignore")
