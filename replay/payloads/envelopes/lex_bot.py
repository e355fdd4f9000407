"""A turn of an Amazon Lex conversation."""

from collections.abc import Mapping
from typing import Any, ClassVar

from replay.payloads.envelopes.documents import text_at
from replay.payloads.envelopes.event_shape import EventShape
from replay.payloads.event_sources import EventSource


class LexBot(EventShape):
    """
    An intent of the first or the second version; the answer is waited for.

    Source: Amazon Lex V1 and V2 Developer Guides, "Lambda input event".
    """

    name: ClassVar[str] = "lex-bot"

    def recognise(self, event: Mapping[str, Any]) -> EventSource | None:
        """Know it by its bot, its source, and the intent or the state of the session."""
        told = isinstance(event.get("bot"), dict) and text_at(event, "invocationSource") is not None
        held = isinstance(event.get("currentIntent"), dict) or isinstance(event.get("sessionState"), dict)
        return EventSource(kind="direct") if told and held else None
