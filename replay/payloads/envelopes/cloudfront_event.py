"""A request or a response at CloudFront's edge."""

from collections.abc import Mapping
from typing import Any, ClassVar

from replay.payloads.envelopes.event_shape import EventShape, first_record
from replay.payloads.event_sources import EventSource


class CloudFrontEvent(EventShape):
    """
    What Lambda@Edge is given; the answer is waited for.

    Source: Amazon CloudFront Developer Guide, "Lambda@Edge event structure".
    """

    name: ClassVar[str] = "cloudfront-event"

    def recognise(self, event: Mapping[str, Any]) -> EventSource | None:
        """Know it by the record's only member."""
        edge = first_record(event).get("cf")
        return EventSource(kind="direct") if isinstance(edge, dict) and {"request", "response"} & edge.keys() else None
