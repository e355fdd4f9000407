"""The messages that a mapping of Amazon MQ hands over."""

from collections.abc import Mapping
from typing import Any, ClassVar

from replay.payloads.envelopes.documents import text_at
from replay.payloads.envelopes.event_shape import EventShape
from replay.payloads.event_sources import EventSource

_MESSAGES = {"aws:mq": "messages", "aws:amq": "messages", "aws:rmq": "rmqMessagesByQueue"}


class MqEvent(EventShape):
    """
    A batch of an ActiveMQ or a RabbitMQ broker.

    Source: Lambda Developer Guide, "Using Lambda with Amazon MQ"; older samples have `aws:amq`.
    """

    name: ClassVar[str] = "mq-event"

    def recognise(self, event: Mapping[str, Any]) -> EventSource | None:
        """Know it by its source and the list or the lists of messages."""
        name = _MESSAGES.get(str(event.get("eventSource")))
        if name is None or not isinstance(event.get(name), dict | list):
            return None
        return EventSource(kind="mq", arn=text_at(event, "eventSourceArn"))
