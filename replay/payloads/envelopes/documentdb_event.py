"""The changes that a mapping of Amazon DocumentDB hands over."""

from collections.abc import Mapping
from typing import Any, ClassVar

from replay.payloads.envelopes.documents import text_at
from replay.payloads.envelopes.event_shape import EventShape
from replay.payloads.event_sources import EventSource


class DocumentDbEvent(EventShape):
    """
    A batch of a change stream. How its mapping retries is not imitated: the event is delivered once.

    Source: Lambda Developer Guide, "Using Lambda with Amazon DocumentDB".
    """

    name: ClassVar[str] = "documentdb-event"

    def recognise(self, event: Mapping[str, Any]) -> EventSource | None:
        """Know it by its source and its list of events."""
        if event.get("eventSource") != "aws:docdb" or not isinstance(event.get("events"), list):
            return None
        return EventSource(kind="direct", arn=text_at(event, "eventSourceArn"))
