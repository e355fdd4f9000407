"""A custom widget of a CloudWatch dashboard."""

from collections.abc import Mapping
from typing import Any, ClassVar

from replay.payloads.envelopes.documents import text_at
from replay.payloads.envelopes.event_shape import EventShape
from replay.payloads.event_sources import EventSource


class CloudWatchDashboard(EventShape):
    """
    What a widget asks a function to draw; the answer is waited for.

    Source: Amazon CloudWatch User Guide, "Details about the widgetContext".
    """

    name: ClassVar[str] = "cloudwatch-dashboard"

    def recognise(self, event: Mapping[str, Any]) -> EventSource | None:
        """Know it by its context."""
        return EventSource(kind="direct") if text_at(event, "widgetContext", "dashboardName") is not None else None
