"""A contact flow of Amazon Connect."""

from collections.abc import Mapping
from typing import Any, ClassVar

from replay.payloads.envelopes.documents import at
from replay.payloads.envelopes.event_shape import EventShape
from replay.payloads.event_sources import EventSource


class ConnectFlow(EventShape):
    """
    A contact and its parameters; the answer is waited for.

    Source: Amazon Connect Administrator Guide, "Invoke AWS Lambda functions".
    """

    name: ClassVar[str] = "connect-flow"

    def recognise(self, event: Mapping[str, Any]) -> EventSource | None:
        """Know it by its name and its contact."""
        named = str(event.get("Name", "")).startswith("ContactFlow")
        return EventSource(kind="direct") if named and isinstance(at(event, "Details", "ContactData"), dict) else None
