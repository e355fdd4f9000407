"""The action of a CloudWatch alarm."""

from collections.abc import Mapping
from typing import Any, ClassVar

from replay.payloads.envelopes.documents import text_at
from replay.payloads.envelopes.event_shape import EventShape
from replay.payloads.event_sources import EventSource


class CloudWatchAlarm(EventShape):
    """
    A change of an alarm's state; CloudWatch invokes asynchronously.

    Source: Amazon CloudWatch User Guide, "Event object sent from CloudWatch to Lambda".
    """

    name: ClassVar[str] = "cloudwatch-alarm"

    def recognise(self, event: Mapping[str, Any]) -> EventSource | None:
        """Know it by the alarm's data and ARN, which one in the frame of an EventBridge event has not."""
        alarm, is_alarms = text_at(event, "alarmArn"), text_at(event, "source") == "aws.cloudwatch"
        if not isinstance(event.get("alarmData"), dict) or not (alarm or is_alarms):
            return None
        return EventSource(kind="async", arn=alarm)
