"""An input that EventBridge Scheduler could not deliver to its target."""

from typing import ClassVar

from replay.payloads.captures import Capture, Event, Missing
from replay.payloads.envelopes.base import Envelope, Unwrapped, inner_capture, known_or
from replay.payloads.envelopes.delivery_dead_letter import (
    DELIVERY_ATTRIBUTES,
    attribute,
    delivery_details,
    delivery_failure,
)
from replay.payloads.envelopes.documents import at, object_in
from replay.payloads.envelopes.function_event import event_text, missing_event
from replay.payloads.envelopes.members import member
from replay.payloads.event_sources import EventSource

_UNIVERSAL_INVOKE = ":aws-sdk:lambda:invoke"


class SchedulerDeadLetter(Envelope):
    """
    A message of a schedule's dead-letter queue: the body is the target's input, the attributes tell of the failure.

    Of a universal target the input is the request of `Invoke`, and the event its `Payload`.

    Source: EventBridge Scheduler User Guide, "Configuring a dead-letter queue" (documented, not recorded).
    """

    name: ClassVar[str] = "scheduler-dead-letter"
    rank: ClassVar[int] = 84
    tells_of_failure: ClassVar[bool] = True
    told_attributes: ClassVar[frozenset[str]] = DELIVERY_ATTRIBUTES

    def detect(self, capture: Capture) -> bool:
        """Say whether the attributes name a schedule, its target and an error."""
        return capture.message_attributes.keys() >= {"SCHEDULE_ARN", "TARGET_ARN", "ERROR_CODE"}

    def unwrap(self, capture: Capture) -> Unwrapped:
        """Give the target's input as the event; Scheduler may have cut it."""
        source = EventSource(kind="schedule", arn=attribute(capture, "SCHEDULE_ARN") or None)
        if attribute(capture, "IS_PAYLOAD_TRUNCATED").lower() == "true":
            reason = "the dead letter holds only the beginning of the input (IS_PAYLOAD_TRUNCATED): read the schedule"
            event = missing_event(capture.body, "schedule", Missing(reason=reason))
        else:
            event = Event(text=event_text(_input(capture)), kind="schedule")
        return Unwrapped(
            event=event,
            event_source=known_or(capture, source),
            failure=capture.failure or delivery_failure(capture),
            details=delivery_details(capture),
        )

    def inside(self, capture: Capture) -> Capture | None:
        """Give the input."""
        return inner_capture(capture, _input(capture))


def _input(capture: Capture) -> str:
    if not attribute(capture, "TARGET_ARN").lower().endswith(_UNIVERSAL_INVOKE):
        return capture.body
    payload = at(object_in(capture.body), "Payload")
    if isinstance(payload, str):
        return payload
    return member(capture.body, "Payload") or capture.body
