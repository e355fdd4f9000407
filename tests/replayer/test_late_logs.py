"""Logs without signs that come late: an event is never given the error of another."""

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from unittest.mock import patch

from hypothesis import example, given, settings
from hypothesis import strategies as st

from replay.delivery.attempt import Reply
from replay.functions.function import Function
from replay.ledger.ledger import Ledger
from replay.payloads.failures import Failure
from replay.replayer import FixtureReplayed
from replay.replayer.carried_run import CarriedRun
from replay.replayer.pace import Pace
from replay.targets.carrier import Acknowledgement, Answer, Entry, Sighting, Sought, Watch
from replay.targets.guard_rails.destination import Destination
from tests.replayer.test_carried_run import Clock, FakeCarrier, Store, World

MOST_LATE_S = 30.0
ON_TIME_S = 9.0


@dataclass(frozen=True, kw_only=True)
class Fate:
    """
    What becomes of one event.

    Attributes:
        tries: Of each invocation: how long after the one before (or the sending) it begins, and how long its log takes.
        letter_after_s: How long after its last invocation has begun its dead letter is seen.
    """

    tries: Sequence[tuple[float, float]]
    letter_after_s: float

    @property
    def is_on_time(self) -> bool:
        """Whether a log of it is there while its end waits for one."""
        began = [sum(after for after, _ in self.tries[: number + 1]) for number in range(len(self.tries))]
        letter_s = began[-1] + self.letter_after_s
        return any(at_s + late_s <= letter_s + ON_TIME_S for at_s, (_, late_s) in zip(began, self.tries, strict=True))


@dataclass(kw_only=True)
class Service:
    """Runs what it is sent, by the fates, in their order; its clock is *ahead_s* of ours."""

    clock: Clock
    fates: Sequence[Fate]
    ahead_s: float = 0.0
    errors: dict[str, str] = field(default_factory=dict)
    to_come: list[tuple[float, Sighting]] = field(default_factory=list)

    def take(self, key: str) -> None:
        fate, error = self.fates[len(self.errors)], f"Error{len(self.errors)}"
        self.errors[key] = error
        began_s = self.clock.now + 0.001
        for number, (after_s, late_s) in enumerate(fate.tries):
            began_s += after_s
            reply = Reply(status="raised", failure=Failure(error_type=error, message=""))
            at_ms = round((began_s + self.ahead_s) * 1000)
            seen = Sighting(keys=(), identity=f"{key} {number}", reply=reply, at_ms=at_ms)
            self.to_come.append((began_s + late_s, seen))
        letter = Sighting(keys=(key,), identity=f"letter {key}", settled="dead_lettered")
        self.to_come.append((began_s + fate.letter_after_s, letter))

    def seen(self, sought: Sequence[Sought]) -> list[Sighting]:
        now_s, keys = self.clock.now, {each.key for each in sought}
        seen = [(at_s, each) for at_s, each in self.to_come if at_s <= now_s and keys.issuperset(each.keys)]
        self.to_come = [each for each in self.to_come if each not in seen]
        return [each for _, each in seen]


class ServiceWatch:
    """Sees the log and the dead letters of a service."""

    place = "everything"

    def __init__(self, service: Service) -> None:
        self._service = service

    def begin(self) -> None:
        """Begin."""

    def look(self, sought: Sequence[Sought]) -> Sequence[Sighting]:
        return self._service.seen(sought)

    def close(self) -> Sequence[str]:
        return ()

    def reason(self) -> str:
        return ""


class ServiceCarrier(FakeCarrier):
    """Leads to a service, on this machine or beyond it."""

    def __init__(self, service: Service, *, here: bool) -> None:
        super().__init__(World())
        self._service, self._here = service, here

    def __enter__(self) -> Self:
        return self  # guard rails have tests of their own

    def destination(self) -> Destination:
        return Destination(target="fake", arn="arn:aws:sqs:us-east-1:123456789012:orders", on_this_machine=self._here)

    def send(self, entries: Sequence[Entry]) -> Mapping[str, Answer]:
        for entry in entries:
            self._service.take(entry.key)
        return {entry.key: Acknowledgement(identity=f"id {entry.key}") for entry in entries}

    def watches(self, function: Function) -> Sequence[Watch]:
        return [ServiceWatch(self._service)]

    def patience_s(self, function: Function) -> float:
        return 120.0


def told_of(fates: Sequence[Fate], *, here: bool = True, ahead_s: float = 0.0) -> list[tuple[str, str, Any]]:
    """Send one event after the other; give of each its own error, the error that it was given, and its verdict."""
    store, clock = Store(), Clock()
    clock.now = 1_000.0
    service = Service(clock=clock, fates=fates, ahead_s=ahead_s)
    with tempfile.TemporaryDirectory() as folder, patch.object(time, "time", clock):
        run = CarriedRun(
            store=store,
            functions=lambda name: Function(name=name, handler="app.handler", code=Path(folder)),
            open_carrier=lambda _: ServiceCarrier(service, here=here),
            open_ledger=lambda: Ledger.begin(Path(folder), command="run"),
            pace=Pace(),
            clock=clock,
            sleep=clock.sleep,
        )
        told = [each for each in run.events(list(store.fixtures)[: len(fates)]) if isinstance(each, FixtureReplayed)]
    errors = [each.outcomes[-1].failure for each in told]
    return [
        (service.errors[str(each.fixture.reference)], error.error_type if error else "", each.judgement.verdict)
        for each, error in zip(told, errors, strict=True)
    ]


def test_a_log_that_comes_behind_the_next_event_is_the_earlier_ones() -> None:
    """
    The first is a dead letter before its function has ended; its log comes when the second is under way.

    Each of the others is told by its own log, and of the first nobody can say how it failed.
    """
    slow = Fate(tries=[(0.1, 13.0)], letter_after_s=1.0)
    quick = Fate(tries=[(0.1, 4.0)], letter_after_s=1.0)
    told = told_of([slow, quick, quick])
    assert [given_error for _, given_error, _ in told] == ["", "Error1", "Error2"]
    assert told[0][2] == "unobserved"


def test_the_log_of_an_earlier_try_that_comes_late_is_not_the_next_events() -> None:
    """The log of the last try explains the end; that of the first comes behind it."""
    fates = [Fate(tries=[(0.1, 5.0), (0.5, 0.1)], letter_after_s=0.2), Fate(tries=[(0.1, 6.0)], letter_after_s=0.5)]
    assert [(own, error) for own, error, _ in told_of(fates)] == [("Error0", "Error0"), ("Error1", "Error1")]


seconds = st.floats(min_value=0.0, max_value=5.0)
fates_of_events = st.lists(
    st.builds(
        Fate,
        tries=st.lists(st.tuples(seconds, st.floats(min_value=0.0, max_value=MOST_LATE_S)), min_size=1, max_size=3),
        letter_after_s=seconds,
    ),
    min_size=2,
    max_size=4,
)


@settings(max_examples=60)
@given(fates=fates_of_events, here=st.booleans(), ahead_s=st.floats(min_value=-0.95, max_value=0.95))
@example(fates=[Fate(tries=[(0.0, 0.0)], letter_after_s=0.0)] * 4, here=False, ahead_s=-0.95)
@example(
    fates=[Fate(tries=[(0.0, 0.0), (0.0, 1.0)], letter_after_s=0.0), Fate(tries=[(0.1, 3.0)], letter_after_s=1.0)],
    here=False,
    ahead_s=0.95,
)
def test_no_event_is_given_the_error_of_another(fates: Sequence[Fate], here: bool, ahead_s: float) -> None:
    """However late logs and ends come, and whatever is left of the clocks' difference; what comes in time is told."""
    told = told_of(fates, here=here, ahead_s=0.0 if here else ahead_s)
    for fate, (own, error, verdict) in zip(fates, told, strict=True):
        assert error in {own, ""}
        assert error == own or verdict == "unobserved"
        assert error == own or not fate.is_on_time
