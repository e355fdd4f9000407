"""An event of an EventBridge bus, also of a schedule."""

from collections.abc import Mapping
from typing import Any, ClassVar

from replay.payloads.envelopes.documents import text_at
from replay.payloads.envelopes.event_shape import EventShape
from replay.payloads.event_sources import EventSource


class EventBridgeEvent(EventShape):
    """
    An event as a rule hands it on, also replayed from an archive (`replay-name`).

    A rule that changes its input leaves nothing to know it by.

    Source: recordings test_put_events_with_target_sqs, test_start_list_describe_canceled_replay.
    """

    name: ClassVar[str] = "eventbridge-event"

    def recognise(self, event: Mapping[str, Any]) -> EventSource | None:
        """Know it by the three members that every event has."""
        source, detail_type = text_at(event, "source"), text_at(event, "detail-type")
        if source is None or detail_type is None or "detail" not in event:
            return None
        scheduled = source == "aws.events" and detail_type == "Scheduled Event"
        return EventSource(kind="schedule" if scheduled else "eventbridge", arn=_rule(event))


def _rule(event: Mapping[str, Any]) -> str | None:
    """Find the rule of a scheduled event, which names it under resources; other events name what they are about."""
    resources = event.get("resources")
    if not isinstance(resources, list) or len(resources) != 1 or not isinstance(resources[0], str):
        return None
    return resources[0] if ":events:" in resources[0] and ":rule/" in resources[0] else None
