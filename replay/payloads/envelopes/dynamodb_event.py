"""The records that a mapping of a DynamoDB stream hands over."""

from collections.abc import Mapping
from typing import Any, ClassVar

from replay.payloads.envelopes.documents import text_at
from replay.payloads.envelopes.event_shape import (
    EventShape,
    first_record,
    source_of_record,
    stream_of_closed_window,
)
from replay.payloads.event_sources import EventSource


class DynamoDbEvent(EventShape):
    """
    Changes of a table, with or without a tumbling window.

    Source: recording test_dynamodb_event_source_mapping.
    """

    name: ClassVar[str] = "dynamodb-event"

    def recognise(self, event: Mapping[str, Any]) -> EventSource | None:
        """Know it by the records' source, or where a window is closed without records by the stream."""
        closed = stream_of_closed_window(event, "dynamodb")
        if closed is not None:
            return EventSource(kind="dynamodb", arn=closed)
        if source_of_record(event) != "aws:dynamodb":
            return None
        return EventSource(kind="dynamodb", arn=text_at(first_record(event), "eventSourceARN"))
