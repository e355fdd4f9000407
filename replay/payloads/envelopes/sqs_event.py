"""The messages that Lambda's mapping of a queue hands over."""

from collections.abc import Mapping
from typing import Any, ClassVar

from replay.payloads.captures import Capture, MessageAttribute
from replay.payloads.envelopes.base import inner_capture
from replay.payloads.envelopes.documents import object_in, text_at
from replay.payloads.envelopes.event_shape import EventShape, first_record, is_fifo, source_of_record
from replay.payloads.envelopes.sns_signatures import withdraw_signatures
from replay.payloads.envelopes.sqs_digests import renew_digests
from replay.payloads.event_sources import EventSource


class SqsEvent(EventShape):
    """
    A batch of messages from one queue.

    Source: Lambda Developer Guide, "Using Lambda with Amazon SQS".
    """

    name: ClassVar[str] = "sqs-event"

    def recognise(self, event: Mapping[str, Any]) -> EventSource | None:
        """Know it by the records' source."""
        if source_of_record(event) != "aws:sqs":
            return None
        arn = text_at(first_record(event), "eventSourceARN")
        return EventSource(kind="sqs", arn=arn, fifo=is_fifo(arn))

    def inside(self, capture: Capture) -> Capture | None:
        """Give the first message's body, with its attributes."""
        record = first_record(object_in(capture.body))
        body = text_at(record, "body")
        named = record.get("messageAttributes")
        attributes = {
            name: MessageAttribute(
                data_type=text_at(value, "dataType") or "String", string_value=text_at(value, "stringValue")
            )
            for name, value in (named if isinstance(named, dict) else {}).items()
        }
        return None if body is None else inner_capture(capture, body, attributes)

    def reseal(self, before: str, after: str) -> str:
        """Withdraw the signatures inside changed bodies; renew the digests of changed bodies and message attributes."""
        return renew_digests(before, withdraw_signatures(before, after))
