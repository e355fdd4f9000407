"""A mail that SES received."""

from collections.abc import Mapping
from typing import Any, ClassVar

from replay.payloads.envelopes.documents import text_at
from replay.payloads.envelopes.event_shape import EventShape, first_record, source_of_record
from replay.payloads.event_sources import EventSource


class SesEvent(EventShape):
    """
    A receipt rule's action; SES invokes asynchronously unless told otherwise.

    Source: Amazon SES Developer Guide, "Invoke Lambda function action".
    """

    name: ClassVar[str] = "ses-event"

    def recognise(self, event: Mapping[str, Any]) -> EventSource | None:
        """Know it by the records' source."""
        if source_of_record(event) != "aws:ses":
            return None
        return EventSource(kind="async", arn=text_at(first_record(event), "eventSourceARN"))
