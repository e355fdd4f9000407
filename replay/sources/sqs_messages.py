"""SQS messages as captures, and captures as messages to send again."""

import base64
import binascii
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from replay.payloads.captures import Capture, MessageAttribute, Origin
from replay.payloads.event_sources import EventSource

Message = Mapping[str, Any]
"""A message in the spelling of `ReceiveMessage`."""


def message_capture(message: Message, origin: Origin, event_source: EventSource | None = None) -> Capture:
    """
    Make a capture of a received message, exactly.

    Args:
        message: As `ReceiveMessage` gives it; a `BinaryValue` may be base64 text, as the AWS CLI prints it.

    Source: SQS API `Message`, `MessageAttributeValue`.
    """
    attributes = {str(name): str(value) for name, value in _mapping(message.get("Attributes")).items()}
    named = _mapping(message.get("MessageAttributes"))
    return Capture(
        origin=origin,
        body=str(message.get("Body", "")),
        carrier="sqs",
        attributes=attributes,
        message_attributes={str(name): _attribute(_mapping(value)) for name, value in named.items()},
        sent_at=sent_at(attributes),
        event_source=event_source,
    )


def sent_at(attributes: Mapping[str, str]) -> datetime | None:
    """Say when a message was first enqueued, by its `SentTimestamp` (epoch milliseconds)."""
    try:
        return datetime.fromtimestamp(int(attributes["SentTimestamp"]) / 1000, UTC)
    except (KeyError, ValueError, OverflowError, OSError):
        return None


def outgoing_message(capture: Capture, *, fifo: bool) -> dict[str, Any]:
    """
    Make the entry of `SendMessageBatch` that sends this capture again, body and attributes exact.

    To a FIFO queue it goes with its own group (or alone in one) and with its message id as deduplication id: that is
    what SQS itself does on the way to a dead-letter queue, and the only id of which no two messages share one. With
    the sender's own id SQS would silently drop the second of two messages that share it.

    Source: SQS API `SendMessageBatchRequestEntry`; SQS Developer Guide, "Using the message deduplication ID".
    """
    entry: dict[str, Any] = {"MessageBody": capture.body}
    if capture.message_attributes:
        entry["MessageAttributes"] = {name: _typed(value) for name, value in capture.message_attributes.items()}
    trace = capture.attributes.get("AWSTraceHeader")
    if trace:
        entry["MessageSystemAttributes"] = {"AWSTraceHeader": {"DataType": "String", "StringValue": trace}}
    group = capture.attributes.get("MessageGroupId")
    if fifo:
        entry["MessageGroupId"] = group or capture.origin.identity
        entry["MessageDeduplicationId"] = capture.origin.identity
    elif group:
        entry["MessageGroupId"] = group
    return entry


def size_bytes(capture: Capture) -> int:
    """
    Measure what SQS counts of a message: its body and the names, types and values of its attributes.

    Source: SQS Developer Guide, "Amazon SQS message quotas".
    """
    size = len(capture.body.encode("utf-8", "surrogatepass"))
    for name, value in capture.message_attributes.items():
        text = (value.string_value or "") + value.data_type + name
        size += len(text.encode("utf-8", "surrogatepass")) + len(value.binary_value or b"")
    return size


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _attribute(value: Mapping[str, Any]) -> MessageAttribute:
    text, binary = value.get("StringValue"), value.get("BinaryValue")
    if isinstance(binary, str):
        try:
            binary = base64.b64decode(binary, validate=True)
        except (binascii.Error, ValueError):
            binary = str(binary).encode("utf-8", "surrogatepass")
    return MessageAttribute(
        data_type=str(value.get("DataType", "String")),
        string_value=None if text is None else str(text),
        binary_value=None if binary is None else bytes(binary),
    )


def _typed(value: MessageAttribute) -> dict[str, Any]:
    if value.binary_value is not None:
        return {"DataType": value.data_type, "BinaryValue": value.binary_value}
    return {"DataType": value.data_type, "StringValue": value.string_value or ""}
