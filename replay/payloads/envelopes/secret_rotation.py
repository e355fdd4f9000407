"""A step of the rotation of a secret."""

from collections.abc import Mapping
from typing import Any, ClassVar

from replay.payloads.envelopes.documents import text_at
from replay.payloads.envelopes.event_shape import EventShape
from replay.payloads.event_sources import EventSource


class SecretRotation(EventShape):
    """
    One of four steps, each of which Secrets Manager waits for.

    Source: AWS Secrets Manager User Guide, "Lambda rotation functions".
    """

    name: ClassVar[str] = "secret-rotation"

    def recognise(self, event: Mapping[str, Any]) -> EventSource | None:
        """Know it by its step, its secret and its token."""
        told = text_at(event, "Step") and text_at(event, "SecretId") and text_at(event, "ClientRequestToken")
        return EventSource(kind="direct") if told else None
