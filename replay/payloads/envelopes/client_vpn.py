"""A connection to an AWS Client VPN endpoint."""

from collections.abc import Mapping
from typing import Any, ClassVar

from replay.payloads.envelopes.documents import text_at
from replay.payloads.envelopes.event_shape import EventShape
from replay.payloads.event_sources import EventSource


class ClientVpn(EventShape):
    """
    What a client connect handler decides on; the answer is waited for.

    Source: AWS Client VPN Administrator Guide, "Connection authorization".
    """

    name: ClassVar[str] = "client-vpn"

    def recognise(self, event: Mapping[str, Any]) -> EventSource | None:
        """Know it by its connection and its endpoint."""
        told = text_at(event, "connection-id") and text_at(event, "endpoint-id")
        return EventSource(kind="direct") if told else None
