"""A task of S3 Batch Operations."""

from collections.abc import Mapping
from typing import Any, ClassVar

from replay.payloads.envelopes.documents import text_at
from replay.payloads.envelopes.event_shape import EventShape
from replay.payloads.event_sources import EventSource


class S3Batch(EventShape):
    """
    Objects to be worked on, in the first or the second schema; the answer is waited for.

    Source: Amazon S3 User Guide, "Invoke AWS Lambda function".
    """

    name: ClassVar[str] = "s3-batch"

    def recognise(self, event: Mapping[str, Any]) -> EventSource | None:
        """Know it by its schema version and its tasks."""
        told = text_at(event, "invocationSchemaVersion") and text_at(event, "job", "id")
        return EventSource(kind="direct") if told and isinstance(event.get("tasks"), list) else None
