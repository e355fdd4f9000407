"""Which event source hands an event over, told by the event's shape alone."""

from functools import lru_cache

from replay.payloads.envelopes.base import Envelope
from replay.payloads.envelopes.documents import document
from replay.payloads.envelopes.event_shape import EventShape
from replay.payloads.envelopes.registry import worth_asking
from replay.payloads.event_sources import EventSource
from replay.payloads.exact_json import Json


def event_source_of(text: str) -> EventSource | None:
    """Tell from an event's shape which event source hands it over, or None when the shape is not known."""
    value = document(text)
    return None if value is None else event_source_of_value(value)


def event_source_of_value(event: Json) -> EventSource | None:
    """Tell from a parsed event which event source hands it over; see `event_source_of`."""
    shape = event_shape_of_value(event)
    return None if shape is None else shape.source_of(event)


def event_shape_of_value(event: Json) -> EventShape | None:
    """Find the shape of a parsed event, or None when it is not known."""
    for shape in _shapes(worth_asking(event)):
        if shape.source_of(event) is not None:
            return shape
    return None


@lru_cache(maxsize=256)
def _shapes(asked: tuple[Envelope, ...]) -> tuple[EventShape, ...]:
    return tuple(each for each in asked if isinstance(each, EventShape))
