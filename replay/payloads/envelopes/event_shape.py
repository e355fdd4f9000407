"""The seam of every event that Lambda hands over as it is: known by its shape, taken byte for byte."""

from abc import abstractmethod
from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar, NoReturn

from replay.payloads.captures import Capture, Event
from replay.payloads.envelopes.base import Envelope, Unwrapped, known_or
from replay.payloads.envelopes.documents import document, text_at
from replay.payloads.event_sources import EventSource
from replay.payloads.exact_json import Json


class EventShape(Envelope):
    """
    The event of one AWS service, found in a file, a log or an archive. A new one declares `name` and `recognise`.

    Source: Lambda Developer Guide, the "Example event" of each event source.
    """

    rank: ClassVar[int] = 90

    @abstractmethod
    def recognise(self, event: Mapping[str, Any]) -> EventSource | None:
        """Say how such an event reaches its function, or None when *event* is none of this service's."""

    def source_of(self, value: Json) -> EventSource | None:
        """Say the same of any parsed JSON."""
        return self.recognise(value) if isinstance(value, dict) else None

    def detect(self, capture: Capture) -> bool:
        """Say whether the body is an event of this service."""
        return self.source_of(document(capture.body)) is not None

    @cached_property
    def known_by(self) -> frozenset[str] | None:
        """
        The members that this shape asks an event for first: an event with none of them is not of this shape.

        None where nothing can be said: it looks at events as a whole, or has its own way to detect them.
        """
        empty = _Empty()
        try:
            is_shape = self.source_of(empty) is not None
        except Exception:  # noqa: BLE001 - a shape of another package may do anything with such an event
            return None
        is_own_way = is_shape or type(self).detect is not EventShape.detect
        return None if is_own_way or not empty.asked_for else frozenset(empty.asked_for)

    def unwrap(self, capture: Capture) -> Unwrapped:
        """Give the body as it is."""
        source = self.source_of(document(capture.body)) or EventSource(kind="direct")
        return Unwrapped(
            event=Event(text=capture.body, kind=source.kind),
            event_source=known_or(capture, source),
            failure=capture.failure,
            details=self.told(document(capture.body)),
        )

    def told(self, event: Json) -> dict[str, Json]:
        """Tell what the event says under another name, or inside of what it carries; nothing by default."""
        del event
        return {}


class _Asked(dict[str, Any]):
    """An event without members, which notes what it is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked_for: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        self.asked_for.add(key)
        return default

    def __getitem__(self, key: str) -> Any:
        self.asked_for.add(key)
        raise KeyError(key)

    def __contains__(self, key: object) -> bool:
        self.asked_for.add(str(key))
        return False


def _refuse(*_: object) -> NoReturn:
    raise LookupError("all members at once")


_WHOLE = ("__iter__", "__reversed__", "__len__", "__eq__", "__or__", "__ror__", "__repr__", "keys", "values", "items")
_Empty: type[_Asked] = type("_Empty", (_Asked,), dict.fromkeys(_WHOLE, _refuse))


def first_record(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give the first of an event's `Records`, empty where there is none."""
    records = event.get("Records")
    return records[0] if isinstance(records, list) and records and isinstance(records[0], dict) else {}


def source_of_record(event: Mapping[str, Any]) -> str | None:
    """Give the `eventSource` of an event's first record; SNS alone writes it with a capital."""
    record = first_record(event)
    return text_at(record, "eventSource") or text_at(record, "EventSource")


def stream_of_closed_window(event: Mapping[str, Any], service: str) -> str | None:
    """
    Give the ARN of the stream of *service* whose tumbling window *event* closes without a record, or None.

    Source: Lambda Developer Guide, "Tumbling windows": beside the records, and beside none, an event names its stream.
    """
    arn = text_at(event, "eventSourceARN") or ""
    closes = event.get("Records") == [] and isinstance(event.get("window"), dict)
    return arn if closes and arn.split(":")[2:3] == [service] else None


def is_fifo(arn: str | None) -> bool:
    """Say whether an ARN is a FIFO queue's or topic's."""
    return bool(arn and arn.endswith(".fifo"))
