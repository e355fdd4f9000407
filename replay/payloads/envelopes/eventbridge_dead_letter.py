"""An event that a rule could not deliver to its target."""

from typing import ClassVar

from replay.payloads.captures import Capture, Event
from replay.payloads.envelopes.base import Envelope, Unwrapped, inner_capture, known_or
from replay.payloads.envelopes.delivery_dead_letter import (
    DELIVERY_ATTRIBUTES,
    attribute,
    delivery_details,
    delivery_failure,
)
from replay.payloads.envelopes.function_event import event_text
from replay.payloads.envelopes.lambda_event import event_source_of
from replay.payloads.event_sources import EventSource


class EventBridgeDeadLetter(Envelope):
    """
    A message of a target's dead-letter queue: the body is the event as it was put, the attributes tell of the failure.

    Where the rule changes its input, the function would have received the changed one.

    Source: EventBridge User Guide, "Using dead-letter queues to process undelivered events" (documented, not recorded).
    """

    name: ClassVar[str] = "eventbridge-dead-letter"
    rank: ClassVar[int] = 84
    tells_of_failure: ClassVar[bool] = True
    told_attributes: ClassVar[frozenset[str]] = DELIVERY_ATTRIBUTES

    def detect(self, capture: Capture) -> bool:
        """Say whether the attributes name a rule, its target and an error."""
        return capture.message_attributes.keys() >= {"RULE_ARN", "TARGET_ARN", "ERROR_CODE"}

    def unwrap(self, capture: Capture) -> Unwrapped:
        """Give the body as the event."""
        shape = event_source_of(capture.body)
        scheduled = shape is not None and shape.kind == "schedule"
        source = EventSource(
            kind="schedule" if scheduled else "eventbridge", arn=attribute(capture, "RULE_ARN") or None
        )
        return Unwrapped(
            event=Event(text=event_text(capture.body), kind=source.kind),
            event_source=known_or(capture, source),
            failure=capture.failure or delivery_failure(capture),
            details=delivery_details(capture),
        )

    def inside(self, capture: Capture) -> Capture | None:
        """Give the event."""
        return inner_capture(capture, capture.body)
