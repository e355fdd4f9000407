"""The records that a mapping of a Kinesis stream hands over."""

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


class KinesisEvent(EventShape):
    """
    Records of one shard, with or without a tumbling window.

    Source: recording test_create_kinesis_event_source_mapping.
    """

    name: ClassVar[str] = "kinesis-event"

    def recognise(self, event: Mapping[str, Any]) -> EventSource | None:
        """Know it by the records' source, or where a window is closed without records by the stream."""
        closed = stream_of_closed_window(event, "kinesis")
        if closed is not None:
            return EventSource(kind="kinesis", arn=closed)
        if source_of_record(event) != "aws:kinesis":
            return None
        return EventSource(kind="kinesis", arn=text_at(first_record(event), "eventSourceARN"))
