"""A login to AWS Transfer Family."""

from collections.abc import Mapping
from typing import Any, ClassVar

from replay.payloads.envelopes.documents import text_at
from replay.payloads.envelopes.event_shape import EventShape
from replay.payloads.event_sources import EventSource


class TransferLogin(EventShape):
    """
    What a custom identity provider decides on; the answer is waited for.

    Source: AWS Transfer Family User Guide, "Using AWS Lambda to integrate your identity provider".
    """

    name: ClassVar[str] = "transfer-login"

    def recognise(self, event: Mapping[str, Any]) -> EventSource | None:
        """Know it by its server, its protocol and its user."""
        told = text_at(event, "serverId") and text_at(event, "protocol") and text_at(event, "username")
        return EventSource(kind="direct") if told else None
