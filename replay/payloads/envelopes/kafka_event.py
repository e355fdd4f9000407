"""The records that a mapping of Kafka topics hands over."""

from collections.abc import Mapping
from typing import Any, ClassVar

from replay.payloads.envelopes.documents import text_at
from replay.payloads.envelopes.event_shape import EventShape
from replay.payloads.event_sources import EventSource

_SOURCES = ("aws:kafka", "SelfManagedKafka", "aws:SelfManagedKafka")


class KafkaEvent(EventShape):
    """
    Records by topic and partition, from MSK or from a cluster of one's own.

    AWS writes a list of records for each partition; what some tool has written otherwise goes to the function whole.

    Source: Lambda Developer Guide, "Example event" of both; some tools spell the second source with `aws:`.
    """

    name: ClassVar[str] = "kafka-event"

    def recognise(self, event: Mapping[str, Any]) -> EventSource | None:
        """Know it by its source, which is the event's and not the records'."""
        records = event.get("records")
        if event.get("eventSource") not in _SOURCES or not isinstance(records, dict):
            return None
        if not has_lists(records):
            return EventSource(kind="direct")
        return EventSource(kind="kafka", arn=text_at(event, "eventSourceArn"))


def has_lists(by_partition: Mapping[str, Any]) -> bool:
    """Say whether the records are in lists, as Lambda writes them; an event without any has none to tell apart."""
    return not by_partition or any(isinstance(held, list) for held in by_partition.values())
