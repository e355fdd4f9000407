"""What S3 sends once to a new destination of notifications."""

from collections.abc import Mapping
from typing import Any, ClassVar

from replay.payloads.envelopes.documents import text_at
from replay.payloads.envelopes.event_shape import EventShape
from replay.payloads.event_sources import EventSource


class S3TestEvent(EventShape):
    """
    The test message of a notification configuration: it has no records, and tells of no object.

    Source: Amazon S3 User Guide, "Amazon S3 Event Notifications".
    """

    name: ClassVar[str] = "s3-test-event"

    def recognise(self, event: Mapping[str, Any]) -> EventSource | None:
        """Know it by its own name."""
        bucket = text_at(event, "Bucket")
        if event.get("Event") != "s3:TestEvent" or bucket is None:
            return None
        return EventSource(kind="s3", arn=f"arn:aws:s3:::{bucket}")
