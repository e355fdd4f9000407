"""What no other envelope knows: the body itself is the event."""

from typing import ClassVar

from replay.payloads.captures import Capture, Event
from replay.payloads.envelopes.base import Envelope, Unwrapped
from replay.payloads.envelopes.function_event import event_text
from replay.payloads.event_sources import EventSource


class Unknown(Envelope):
    """
    Anything at all: JSON is the event as it is, other text becomes a JSON string, which is the event.

    Source: Lambda API `Invoke`: a payload is any JSON value.
    """

    name: ClassVar[str] = "unknown"
    rank: ClassVar[int] = 1000

    def detect(self, capture: Capture) -> bool:
        """Accept everything."""
        del capture
        return True

    def unwrap(self, capture: Capture) -> Unwrapped:
        """Give the body as the event of a direct invocation."""
        return Unwrapped(
            event=Event(text=event_text(capture.body), kind="unknown"),
            event_source=capture.event_source or EventSource(kind="direct"),
            failure=capture.failure,
        )
