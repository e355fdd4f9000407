"""A change in a CodeCommit repository."""

from collections.abc import Mapping
from typing import Any, ClassVar

from replay.payloads.envelopes.documents import text_at
from replay.payloads.envelopes.event_shape import EventShape, first_record, source_of_record
from replay.payloads.event_sources import EventSource


class CodeCommitEvent(EventShape):
    """
    A trigger of a repository, which invokes asynchronously.

    Source: Lambda Developer Guide, "Invoking Lambda with events from other AWS services".
    """

    name: ClassVar[str] = "codecommit-event"

    def recognise(self, event: Mapping[str, Any]) -> EventSource | None:
        """Know it by the records' source."""
        if source_of_record(event) != "aws:codecommit":
            return None
        return EventSource(kind="async", arn=text_at(first_record(event), "eventSourceARN"))
