"""A message received from SQS: rebuilt as the event that Lambda's event source mapping would hand over."""

import base64
import hashlib
from collections.abc import Mapping
from functools import lru_cache
from typing import ClassVar

from replay.payloads.captures import Capture, Event, MessageAttribute
from replay.payloads.envelopes.base import Envelope, Unwrapped, inner_capture, known_or
from replay.payloads.envelopes.sns_signatures import withdraw_signatures
from replay.payloads.envelopes.sqs_digests import md5_of_body, md5_of_message_attributes, renew_digests
from replay.payloads.event_sources import EventSource
from replay.payloads.exact_json import Json, string_token

_ATTRIBUTES_IN_ORDER = (
    "ApproximateReceiveCount", "AWSTraceHeader", "SentTimestamp", "SequenceNumber", "MessageGroupId", "SenderId",
    "MessageDeduplicationId", "ApproximateFirstReceiveTimestamp",
)  # fmt: skip
_NOT_DELIVERED = {"DeadLetterQueueSourceArn"}
_name_token = lru_cache(maxsize=1024)(string_token)
"""The names in the messages of a queue are always the same, and often what stands in attributes is."""

_LETTERS = str.maketrans("0123456789abcdef", "ABCDEFGHJKLMNPQR")


class SqsMessage(Envelope):
    """
    One received SQS message.

    The record has the keys, their order and their casing as Lambda hands them over; the body is exact. What a
    dead-letter queue adds is taken off again, and the record names the queue that the message failed in.

    Source: Lambda Developer Guide, "Using Lambda with Amazon SQS"; recordings
    test_message_body_and_attributes_passed_correctly, test_sqs_event_source_mapping (md5OfMessageAttributes null),
    test_dead_letter_queue_message_attributes.
    """

    name: ClassVar[str] = "sqs-message"
    rank: ClassVar[int] = 80
    carries: ClassVar[bool] = True

    def detect(self, capture: Capture) -> bool:
        """Say whether the capture was received from SQS."""
        return capture.carrier == "sqs"

    def unwrap(self, capture: Capture) -> Unwrapped:
        """Give an event of one record."""
        source = known_or(capture, _event_source(capture))
        record = {
            "messageId": string_token(capture.origin.identity),
            "receiptHandle": string_token(fake_receipt_handle(capture.origin.identity)),
            "body": string_token(capture.body),
            "attributes": _object({name: string_token(value) for name, value in _delivered(capture.attributes)}),
            "messageAttributes": _object(
                {name: _attribute_text(value) for name, value in capture.message_attributes.items()}
            ),
            "md5OfMessageAttributes": _or_null(md5_of_message_attributes(capture.message_attributes)),
            "md5OfBody": string_token(md5_of_body(capture.body)),
            "eventSource": string_token("aws:sqs"),
            "eventSourceARN": string_token(source.arn or ""),
            "awsRegion": string_token(_region(source.arn or "")),
        }
        event = Event(text='{"Records":[' + _object(record) + "]}", kind="sqs")
        return Unwrapped(
            event=event, event_source=source, failure=capture.failure, details=_observed(capture, fifo=source.fifo)
        )

    def inside(self, capture: Capture) -> Capture | None:
        """Give the body, with the message attributes that came with it."""
        return inner_capture(capture, capture.body, capture.message_attributes)

    def reseal(self, before: str, after: str) -> str:
        """Withdraw the signatures inside changed bodies; renew the digests of changed bodies and message attributes."""
        return renew_digests(before, withdraw_signatures(before, after))


def fake_receipt_handle(message_id: str) -> str:
    """
    Make up a receipt handle: always the same for one message, and of no use to anyone.

    A real one is a capability to delete the message. The word in it tells redaction, which replaces receipt handles,
    that this has been done; letters alone look like nothing else that is private.
    """
    digest = hashlib.sha256(message_id.encode("utf-8", "surrogatepass")).hexdigest()
    return "AQEBREDACTED" + digest.translate(_LETTERS)


def _delivered(attributes: Mapping[str, str]) -> list[tuple[str, str]]:
    """List the system attributes of the first delivery: receive counts begin at 1 again."""
    first = {**attributes, "ApproximateReceiveCount": "1"}
    known = [name for name in _ATTRIBUTES_IN_ORDER if name in first]
    others = [name for name in first if name not in _ATTRIBUTES_IN_ORDER and name not in _NOT_DELIVERED]
    return [(name, first[name]) for name in known + others]


def _observed(capture: Capture, *, fifo: bool) -> dict[str, Json]:
    """Keep what the rebuilt event no longer says."""
    details: dict[str, Json] = {}
    count = capture.attributes.get("ApproximateReceiveCount", "")
    if count.isdecimal() and count.isascii():
        details["receive_count"] = int(count[:18])
    source = capture.attributes.get("DeadLetterQueueSourceArn")
    if source:
        details["dead_letter_queue_source_arn"] = source
    deduplication_id = capture.attributes.get("MessageDeduplicationId")
    if fifo and source and deduplication_id == capture.origin.identity:
        # SQS Developer Guide, "Using the message deduplication ID": the dead-letter queue's is the message id.
        details["message_deduplication_id_replaced"] = True
    return details


@lru_cache(maxsize=32)
def _attribute_text(attribute: MessageAttribute) -> str:
    value = {}
    if attribute.string_value is not None:
        value["stringValue"] = string_token(attribute.string_value)
    if attribute.binary_value is not None:
        value["binaryValue"] = string_token(base64.b64encode(attribute.binary_value).decode("ascii"))
    value |= {"stringListValues": "[]", "binaryListValues": "[]", "dataType": string_token(attribute.data_type)}
    return _object(value)


def _object(members: Mapping[str, str]) -> str:
    return "{" + ",".join(f"{_name_token(name)}:{text}" for name, text in members.items()) + "}"


def _or_null(text: str | None) -> str:
    return "null" if text is None else string_token(text)


def _event_source(capture: Capture) -> EventSource:
    return _source_of(capture.attributes.get("DeadLetterQueueSourceArn") or capture.origin.arn)


@lru_cache(maxsize=64)
def _source_of(arn: str) -> EventSource:
    return EventSource(kind="sqs", arn=arn or None, fifo=arn.endswith(".fifo"))


def _region(arn: str) -> str:
    parts = arn.split(":")
    return parts[3] if len(parts) > 5 else ""  # noqa: PLR2004 - arn:partition:service:region:account:resource
