"""An event of an EventBridge bus, also of a schedule."""

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from replay.payloads.envelopes.documents import text_at
from replay.payloads.envelopes.event_shape import EventShape
from replay.payloads.event_sources import EventSource

_SCHEDULERS = ("aws.events", "aws.scheduler")
_RULE_OR_SCHEDULE = re.compile("[^:]+:[^:]+:(?:events:[^:]*:[^:]*:rule|scheduler:[^:]*:[^:]*:schedule)/")


class EventBridgeEvent(EventShape):
    """
    An event as a rule hands it on, also replayed from an archive (`replay-name`); or EventBridge Scheduler's own.

    A rule that changes its input, and a schedule that has one, leave nothing to know it by.

    Source: recordings test_put_events_with_target_sqs, test_start_list_describe_canceled_replay; Scheduler API,
    "Target": without an input, "EventBridge Scheduler delivers a default notification to the target".
    """

    name: ClassVar[str] = "eventbridge-event"

    def recognise(self, event: Mapping[str, Any]) -> EventSource | None:
        """Know it by the three members that every event has."""
        source, detail_type = text_at(event, "source"), text_at(event, "detail-type")
        if source is None or detail_type is None or "detail" not in event:
            return None
        scheduled = source in _SCHEDULERS and detail_type == "Scheduled Event"
        return EventSource(kind="schedule" if scheduled else "eventbridge", arn=_scheduled_by(event))


def _scheduled_by(event: Mapping[str, Any]) -> str | None:
    """Find what a scheduled event comes of, which it names under resources; others name what they are about."""
    resources = event.get("resources")
    if not isinstance(resources, list) or len(resources) != 1 or not isinstance(resources[0], str):
        return None
    return resources[0] if _RULE_OR_SCHEDULE.match(resources[0]) else None
