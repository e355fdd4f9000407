"""A message to an Amazon Chime bot."""

from collections.abc import Mapping
from typing import Any, ClassVar

from replay.payloads.envelopes.documents import text_at
from replay.payloads.envelopes.event_shape import EventShape
from replay.payloads.event_sources import EventSource


class ChimeBot(EventShape):
    """
    What a room's bot is told; the answer is waited for.

    Source: Amazon Chime Developer Guide, "Integrate a chatbot with Amazon Chime".
    """

    name: ClassVar[str] = "chime-bot"

    def recognise(self, event: Mapping[str, Any]) -> EventSource | None:
        """Know it by its sender and its discussion."""
        told = text_at(event, "Sender", "SenderId") and text_at(event, "Discussion", "DiscussionId")
        return EventSource(kind="direct") if told else None
