"""Records that an application of Kinesis Data Analytics hands over."""

from collections.abc import Mapping
from typing import Any, ClassVar

from replay.payloads.envelopes.documents import text_at
from replay.payloads.envelopes.event_shape import EventShape
from replay.payloads.event_sources import EventSource


class KinesisAnalytics(EventShape):
    """
    Records to be prepared or delivered; the answer is waited for.

    Source: Kinesis Data Analytics for SQL Developer Guide, "Preprocessing data using a Lambda function".
    """

    name: ClassVar[str] = "kinesis-analytics"

    def recognise(self, event: Mapping[str, Any]) -> EventSource | None:
        """Know it by its invocation id and its application."""
        application = text_at(event, "applicationArn")
        told = text_at(event, "invocationId") and isinstance(event.get("records"), list)
        return EventSource(kind="direct", arn=application) if application and told else None
