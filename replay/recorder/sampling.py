"""Which captures of each failure become fixtures: the smallest, the first, the last, and more of the smallest."""

from bisect import insort
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from replay.fixtures.fixture import Fixture
from replay.fixtures.store import FixtureProblem, Store
from replay.outcomes.fingerprint import signature
from replay.payloads.failures import Signature
from replay.sources.base import Settlement

DEFAULT_SAMPLE = 5
MOST_HELD_BYTES = 64 * 1024 * 1024
"""Failures that are all different would otherwise fill the memory, each with its few."""

_OVERHEAD_BYTES = 4_000
_WITH_FIRST, _WITH_LAST = 2, 3

_Moment = tuple[float, int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A fixture that may be written; `number` counts the captures of the recording."""

    fixture: Fixture
    about: Settlement
    number: int

    @property
    def moment(self) -> _Moment:
        """When it was sent; by that, or as it came where no time is known, the first is told from the last."""
        sent_at, identity = self.about.capture.sent_at, self.fixture.provenance.identity
        return (0.0, self.number, identity) if sent_at is None else (sent_at.timestamp(), 0, identity)

    @property
    def size(self) -> tuple[int, _Moment]:
        """How large its event is; of equals the earlier one is the smaller, so that a second recording agrees."""
        return len(self.fixture.event_text), self.moment

    @property
    def held_bytes(self) -> int:
        """About how much memory it takes."""
        lines = self.fixture.failure.log_lines if self.fixture.failure else ()
        return len(self.fixture.event_text) + len(self.about.capture.body) + sum(map(len, lines)) + _OVERHEAD_BYTES


class Sorted(NamedTuple):
    """What is to be written now, and what never will be; `again` says that the new one is held already."""

    write: list[Candidate]
    left_out: list[Candidate]
    again: bool = False


@dataclass(slots=True)
class _Sample:
    """The candidates of one failure, never more than there is `room` for."""

    room: int
    first: Candidate | None = None
    last: Candidate | None = None
    smallest: list[Candidate] = field(default_factory=list)

    def add(self, new: Candidate) -> Candidate | None:
        """Take *new* in, and give the one that has to leave for it, which may be itself."""
        leaving: Candidate | None = new
        places = self.room
        if self.room >= _WITH_FIRST:
            places -= 1
            if self.first is None or new.moment < self.first.moment:
                self.first, leaving = new, self.first
        if leaving is not None and self.room >= _WITH_LAST and (self.last is None or leaving.moment > self.last.moment):
            self.last, leaving = leaving, self.last
        places -= self.room >= _WITH_LAST
        if leaving is None:
            return None
        insort(self.smallest, leaving, key=lambda each: each.size)
        return self.smallest.pop() if len(self.smallest) > places else None

    def take(self) -> Iterator[Candidate]:
        """Give all candidates away; they keep their room."""
        taken = [each for each in (self.first, self.last, *self.smallest) if each is not None]
        self.room -= len(taken)
        self.first, self.last, self.smallest = None, None, []
        yield from taken


class FailureSamples:
    """
    Sorts out at most *each* captures of one failure, told by its signature.

    With one place it is for the smallest event, with two also for the first, with three for the last; all further ones
    are for more of the smallest. Candidates are held, so that nothing is written that a later one would supersede.

    Fixtures that are there count: recording again, with what came since, does not make the corpus grow for ever. What
    has a fixture, or a failure that cannot be told from others, is to be written at once.
    """

    def __init__(self, each: int, *, store: Store, function: str) -> None:
        self.each = each
        self._store, self._function = store, function
        self._there: Counter[str] | None = None
        self._samples: dict[str, _Sample] = {}
        self._held: set[tuple[str, str]] = set()
        self._held_bytes = self._number = 0
        self.was_full = False
        """Whether memory was, so that some were written before the last ones were seen."""

    def add(self, fixture: Fixture, about: Settlement, *, is_told: bool) -> Sorted:
        """
        Take a fixture in.

        Args:
            is_told: Its failure is its own, and not perhaps that of another message.
        """
        self._number += 1
        new = Candidate(fixture=fixture, about=about, number=self._number)
        name = _name(fixture)
        if name in self._held:
            return Sorted([], [], again=True)
        failure = told_apart(fixture) if is_told else None
        if failure is None or self._store.find(fixture) is not None:
            return Sorted([new], [])
        leaving = self._sample(failure.digest).add(new)
        if leaving is not new:
            self._held.add(name)
            self._held_bytes += new.held_bytes
        if leaving is not None and leaving is not new:
            self._held.discard(_name(leaving.fixture))
            self._held_bytes -= leaving.held_bytes
        left_out = [leaving] if leaving is not None else []
        if self._held_bytes <= MOST_HELD_BYTES:
            return Sorted([], left_out)
        self.was_full = True
        return Sorted(self.take(), left_out)

    def take(self) -> list[Candidate]:
        """Give all that is held, in the order in which it came: it is to be written, whatever may still come."""
        taken = [candidate for sample in self._samples.values() for candidate in sample.take()]
        self._held.clear()
        self._held_bytes = 0
        return sorted(taken, key=lambda each: each.number)

    def _sample(self, digest: str) -> _Sample:
        if digest not in self._samples:
            if self._there is None:
                self._there = _there(self._store, self._function)
            self._samples[digest] = _Sample(max(0, self.each - self._there[digest]))
        return self._samples[digest]


def told_apart(fixture: Fixture) -> Signature | None:
    """Give the signature of a fixture's failure, or None where it fits any: `HTTP 502` alone is no failure's name."""
    failure = fixture.failure
    known = signature(failure) if failure is not None else fixture.expectation.signature
    return known if known is not None and (known.message or known.frames) else None


def _there(store: Store, function: str) -> Counter[str]:
    """Count the fixtures of each failure that there are."""
    there: Counter[str] = Counter()
    for fixture in store.load_all(store.references_of(function)):
        if isinstance(fixture, FixtureProblem) or _may_be_anothers(fixture):
            continue
        known = told_apart(fixture)
        if known is not None:
            there[known.digest] += 1
    return there


def _may_be_anothers(fixture: Fixture) -> bool:
    """Say whether a failure with its stack is not expected again: it was seen of several messages at once."""
    return fixture.failure is not None and bool(fixture.failure.frames) and fixture.expectation.wants == "fails"


def _name(fixture: Fixture) -> tuple[str, str]:
    return fixture.provenance.arn, fixture.provenance.identity
