"""The events of a recording as they were before redaction: in memory, as few as can be replayed in a moment."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from replay.fixtures.fixture import FixtureReference

MOST_EVENTS = 200
MOST_BYTES = 32 * 1024 * 1024


@dataclass(slots=True, eq=False, repr=False)
class EventsBefore(Mapping[FixtureReference, str]):
    """Keeps events by their fixtures, up to a limit; `left_out` counts the others, which are not verified."""

    left_out: int = 0
    _events: dict[FixtureReference, str] = field(default_factory=dict)
    _bytes: int = 0

    def add(self, reference: FixtureReference, event_text: str) -> None:
        """Keep one, if there is room."""
        self._bytes += len(event_text)
        if len(self._events) < MOST_EVENTS and self._bytes <= MOST_BYTES:
            self._events[reference] = event_text
        else:
            self.left_out += 1

    def __getitem__(self, reference: FixtureReference) -> str:
        return self._events[reference]

    def __iter__(self) -> Iterator[FixtureReference]:
        return iter(self._events)

    def __len__(self) -> int:
        return len(self._events)
