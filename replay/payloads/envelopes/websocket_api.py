"""A route of an API Gateway WebSocket API."""

from collections.abc import Mapping
from typing import Any, ClassVar

from replay.payloads.envelopes.documents import text_at
from replay.payloads.envelopes.event_shape import EventShape
from replay.payloads.event_sources import EventSource


class WebSocketApi(EventShape):
    """
    A connection, a disconnection or a message.

    Source: API Gateway Developer Guide, "Set up a WebSocket API integration request".
    """

    name: ClassVar[str] = "websocket-api"

    def recognise(self, event: Mapping[str, Any]) -> EventSource | None:
        """Know it by the connection in its context."""
        context = event.get("requestContext")
        connected = isinstance(context, dict) and text_at(context, "connectionId") is not None
        return EventSource(kind="apigateway") if connected and "methodArn" not in event else None
