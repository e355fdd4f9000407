"""A mail that passes Amazon WorkMail."""

from collections.abc import Mapping
from typing import Any, ClassVar

from replay.payloads.envelopes.documents import at, text_at
from replay.payloads.envelopes.event_shape import EventShape
from replay.payloads.event_sources import EventSource


class WorkMailMessage(EventShape):
    """
    The summary of a mail that an email flow rule runs a function on; whether the answer is waited for is the rule's.

    Source: Amazon WorkMail Administrator Guide, "Configuring AWS Lambda for Amazon WorkMail".
    """

    name: ClassVar[str] = "workmail-message"

    def recognise(self, event: Mapping[str, Any]) -> EventSource | None:
        """Know it by its version, its envelope and its direction."""
        told = text_at(event, "summaryVersion") and text_at(event, "flowDirection")
        return EventSource(kind="direct") if told and isinstance(at(event, "envelope"), dict) else None
