"""A notification as SNS hands it to a function."""

from collections.abc import Mapping
from typing import Any, ClassVar

from replay.payloads.captures import Capture
from replay.payloads.envelopes.documents import object_in, text_at
from replay.payloads.envelopes.event_shape import EventShape, first_record, is_fifo, source_of_record
from replay.payloads.envelopes.sns_notification import notified
from replay.payloads.envelopes.sns_signatures import withdraw_signatures
from replay.payloads.event_sources import EventSource


class SnsEvent(EventShape):
    """
    One notification; SNS never hands over more.

    Source: recording test_python_lambda_subscribe_sns_topic.
    """

    name: ClassVar[str] = "sns-event"

    def recognise(self, event: Mapping[str, Any]) -> EventSource | None:
        """Know it by the record's source, which SNS writes with a capital, or in a saved one by the notification."""
        sns, source = first_record(event).get("Sns"), source_of_record(event)
        if source not in {"aws:sns", None} or not isinstance(sns, dict):
            return None
        topic = text_at(sns, "TopicArn")
        if source is None and (topic is None or text_at(sns, "Message") is None):
            return None
        return EventSource(kind="sns", arn=topic, fifo=is_fifo(topic))

    def inside(self, capture: Capture) -> Capture | None:
        """Give the message with its attributes."""
        return notified(capture, first_record(object_in(capture.body))["Sns"])

    def reseal(self, before: str, after: str) -> str:
        """Withdraw the signature of a changed notification."""
        return withdraw_signatures(before, after)
