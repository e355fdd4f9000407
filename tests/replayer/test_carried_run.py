"""Runs through a carrier: what is sent, observed, judged, noted in the ledger, and gone on with."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from replay.delivery.attempt import Reply
from replay.errors import AwsError
from replay.fixtures.fixture import FixtureReference
from replay.functions.function import Function
from replay.ledger.ledger import Ledger, read_run, run_paths
from replay.payloads.captures import Event
from replay.payloads.failures import Failure
from replay.replayer import FixtureNotRun, FixtureReplayed, RunFinished, carried_run
from replay.replayer.carried_run import CarriedRun, marker_of
from replay.replayer.pace import ErrorBudget, Pace
from replay.targets.carrier import (
    Acknowledgement,
    Answer,
    Carrier,
    CarrierOptions,
    Entry,
    Refusal,
    Sighting,
    Sought,
    Watch,
)
from replay.targets.guard_rails.destination import Destination
from tests.fixtures.samples import sample
from tests.rates import count_limit

BUG = Failure(error_type="KeyError", message="'customer_id'", observed="logs")
Ends = Callable[[Sought], Sequence[Sighting]]


def dead_lettered(sought: Sought) -> Sequence[Sighting]:
    failed = Sighting(
        keys=(sought.key,), identity=f"i {sought.key}", reply=Reply(status="raised", failure=BUG), at_ms=1
    )
    return [failed, Sighting(keys=(sought.key,), identity=f"l {sought.key}", settled="dead_lettered")]


def processed(sought: Sought) -> Sequence[Sighting]:
    reply = Reply(status="returned")
    return [Sighting(keys=(sought.key,), identity=f"i {sought.key}", reply=reply, settled="processed", at_ms=1)]


class Clock:
    """Time that passes only while somebody sleeps."""

    now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class FakeWatch:
    """Sees what it is told to; notes what was looked for."""

    place = "the log of the test"

    def __init__(self, world: "World") -> None:
        self._world = world

    def begin(self) -> None:
        if self._world.blind:
            raise AwsError("AWS denied logs:FilterLogEvents", where="the log")
        self._world.told.append("begin")

    def look(self, sought: Sequence[Sought]) -> Sequence[Sighting]:
        self._world.sought.append([each.key for each in sought])
        return [seen for each in sought for seen in self._world.ends(each)]

    def close(self) -> Sequence[str]:
        self._world.told.append("close")
        return ()

    def reason(self) -> str:
        return "the log shows nothing"


class World:
    """What a service answers, and what became of it."""

    def __init__(self, ends: Ends = dead_lettered) -> None:
        self.ends = ends
        self.answer: Callable[[Entry], Answer | None] = lambda entry: Acknowledgement(identity=f"id {entry.key}")
        self.sent: list[list[str]] = []
        self.sought: list[list[str]] = []
        self.told: list[str] = []
        self.blind = False
        self.is_here = True
        self.patience_s = 10.0


class FakeCarrier(Carrier):
    """A carrier into a world."""

    name = "fake"
    named_by = "nothing"

    def __init__(self, world: World) -> None:
        self._world = world

    @property
    def described(self) -> CarrierOptions:
        return CarrierOptions() if self._world.is_here else CarrierOptions(account_id="123456789012")

    @property
    def travels(self) -> str:
        return "queue orders"

    def destination(self) -> Destination:
        return Destination(
            target="fake",
            arn="arn:aws:sqs:us-east-1:123456789012:orders",
            region="us-east-1",
            on_this_machine=self._world.is_here,
            caller_account_id="123456789012",
        )

    def entries(self, event: Event, *, key: str, marker: str) -> Sequence[Entry]:
        return [Entry(key=key, request={}, size_bytes=1, marker=marker)]

    def send(self, entries: Sequence[Entry]) -> Mapping[str, Answer]:
        self._world.sent.append([entry.key for entry in entries])
        answers = {entry.key: self._world.answer(entry) for entry in entries}
        return {key: answer for key, answer in answers.items() if answer is not None}

    def watches(self, function: Function) -> Sequence[Watch]:
        return [FakeWatch(self._world)]

    def patience_s(self, function: Function) -> float:
        return self._world.patience_s


class Store:
    """Four fixtures in memory."""

    def __init__(self) -> None:
        made = [sample(f"m-{number}", title=f"t{number}") for number in range(4)]
        self.fixtures = {fixture.reference: fixture for fixture in made}

    def load(self, reference: FixtureReference) -> Any:
        return self.fixtures[reference]

    def update(self, fixture: Any) -> None:
        raise AssertionError("what is deployed is never pinned")


def run_of(
    world: World, root: Path, *, resume: str = "", pace: Pace | None = None, only: int | None = None
) -> tuple[list[Any], RunFinished]:
    store, clock = Store(), Clock()
    run = CarriedRun(
        store=store,
        functions=lambda name: Function(name=name, handler="app.handler", code=root),
        open_carrier=lambda _: FakeCarrier(world),
        open_ledger=lambda: Ledger.resume(root, resume) if resume else Ledger.begin(root, command="run"),
        pace=pace or Pace(),
        clock=clock,
        sleep=clock.sleep,
    )
    events = list(run.events(list(store.fixtures)[:only]))
    assert isinstance(events[-1], RunFinished)
    return [each for each in events if isinstance(each, FixtureReplayed | FixtureNotRun)], events[-1]


def test_one_after_the_other_is_sent_and_observed(tmp_path: Path) -> None:
    """By default one event is under way at a time; its end is judged, and stands in the ledger."""
    world = World()
    told, finished = run_of(world, tmp_path)
    assert [len(batch) for batch in world.sent] == [1] * 4
    assert {each.outcomes[-1].status for each in told} == {"failed"}
    assert [each.outcomes[-1].dispositions for each in told] == [["dead_lettered"]] * 4
    progress = read_run(run_paths(tmp_path)[0])
    assert progress.in_doubt == ()
    assert len(progress.acknowledged) == len(progress.observed) == finished.total == 4
    assert world.told == ["begin", "close"]


def test_as_many_are_under_way_as_were_asked_for(tmp_path: Path) -> None:
    """With --concurrency they go in batches, and each is found by its own signs."""
    world = World()
    run_of(world, tmp_path, pace=Pace(concurrency=3))
    assert [len(batch) for batch in world.sent] == [3, 1]
    assert max(map(len, world.sought)) == 3


def test_each_call_waits_for_the_rate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a rate nothing is sent that has not waited for as many ticks as the call has entries."""
    world = World()
    limit = count_limit(monkeypatch, carried_run, lambda: sum(map(len, world.sent)))
    run_of(world, tmp_path, pace=Pace(rate_per_s=5, ramp_up_s=2, concurrency=3))
    assert limit.rates == [(5, 2)]
    assert limit.waited == [(3, 0), (1, 3)]


def test_an_end_that_nobody_sees_is_unobserved(tmp_path: Path) -> None:
    """It says so, and why; --resume looks for it again without sending it again."""
    world = World(ends=lambda _: ())
    told, finished = run_of(world, tmp_path)
    assert finished.verdicts == {"unobserved": 4}
    assert finished.unexpected == 4
    assert "not seen within 10 s: the log shows nothing" in told[0].judgement.reason
    assert told[0].outcomes[-1].status == "unobserved"
    later = World()
    told, finished = run_of(later, tmp_path, resume="last")
    assert later.sent == []
    assert {each.outcomes[-1].status for each in told} == {"failed"}


@pytest.mark.parametrize(("others", "verdict"), [(0, "fixed"), (1, "unobserved")])
def test_a_success_of_somebody_else_fixes_nothing(tmp_path: Path, others: int, verdict: str) -> None:
    """On AWS a success that names nobody is believed only where no other one comes within seconds."""
    looks = 0

    def ends(sought: Sought) -> Sequence[Sighting]:
        nonlocal looks
        looks += 1
        numbers = range(1 + (others if looks > 1 else 0))
        return [
            Sighting(
                keys=(),
                identity=f"{sought.key} {number}",
                reply=Reply(status="returned"),
                settled="processed",
                at_ms=sought.sent_at_ms + number,
            )
            for number in numbers
        ]

    world = World(ends=ends)
    world.is_here = False
    told, _ = run_of(world, tmp_path, only=1)
    assert isinstance(told[0], FixtureReplayed), told[0].error
    assert told[0].judgement.verdict == verdict
    assert verdict == "fixed" or "others invoke the function too" in told[0].judgement.reason


@pytest.mark.parametrize(("count", "verdicts"), [(1, {"fixed": 1}), (2, {"unobserved": 2})])
def test_where_more_comes_than_was_sent_nothing_is_guessed(
    tmp_path: Path, count: int, verdicts: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of several events of a minute that is replayed as a whole, an invocation that names none is nobody's."""
    monkeypatch.setattr(FakeCarrier, "brings_more", True)

    def ends(sought: Sought) -> Sequence[Sighting]:
        reply, at_ms = Reply(status="returned"), sought.sent_at_ms
        return [Sighting(keys=(), identity=sought.key, reply=reply, settled="processed", at_ms=at_ms)]

    _, finished = run_of(World(ends=ends), tmp_path, only=count)
    assert finished.verdicts == verdicts


def test_a_failure_without_an_end_is_judged_with_a_note(tmp_path: Path) -> None:
    """It has failed: that its queue may deliver it again is said."""
    told, _ = run_of(World(ends=lambda sought: dead_lettered(sought)[:1]), tmp_path)
    assert told[0].outcomes[-1].dispositions == ["still_queued"]
    assert told[0].judgement.verdict != "unobserved"
    assert "may be delivered again" in told[0].notes[-1]


def test_without_anything_to_look_at_it_says_why(tmp_path: Path) -> None:
    """A log that may not be read is named; nothing is waited for."""
    world = World()
    world.blind = True
    told, _ = run_of(world, tmp_path)
    assert "AWS denied logs:FilterLogEvents" in told[0].judgement.reason


def test_sending_alone_looks_at_nothing(tmp_path: Path) -> None:
    """With observe_for_s = 0 everything is sent, and told as unobserved."""
    world = World()
    world.patience_s = 0.0
    told, finished = run_of(world, tmp_path, pace=Pace(concurrency=4))
    assert (len(world.sent), world.sought, finished.verdicts) == (1, [], {"unobserved": 4})
    assert "nobody looked" in told[0].judgement.reason


def test_what_cannot_be_sent_is_not_run(tmp_path: Path) -> None:
    """The service's word is the reason; --resume sends it again."""
    world = World()
    world.answer = lambda entry: Refusal(code="QueueDoesNotExist", retryable=False)
    told, finished = run_of(world, tmp_path)
    assert all(isinstance(each, FixtureNotRun) for each in told)
    assert "could not be sent: QueueDoesNotExist" in told[0].error.what
    assert finished.verdicts == {"error": 4}
    again = World(ends=processed)
    _, finished = run_of(again, tmp_path, resume="last")
    assert len(again.sent) == 4


def test_a_lost_answer_is_said(tmp_path: Path) -> None:
    """What was sent once more after a lost answer may have arrived twice: fixture and ledger say so."""
    world, lost = World(), iter([True])
    world.answer = lambda entry: None if next(lost, False) else Acknowledgement(identity="x")
    told, _ = run_of(world, tmp_path)
    assert "once more than told" in told[0].notes[0]
    assert read_run(run_paths(tmp_path)[0]).in_doubt == (str(told[0].fixture.reference),)


def test_what_has_a_verdict_is_neither_sent_nor_told_again(tmp_path: Path) -> None:
    """A run that stopped goes on with what is left; the whole is counted."""
    world = World(ends=processed)
    told, finished = run_of(world, tmp_path, pace=Pace(budget=ErrorBudget(count=1)))
    assert (len(told), "--max-errors" in finished.stopped) == (2, True)
    later = World(ends=processed)
    told, finished = run_of(later, tmp_path, resume="last")
    assert [key for batch in later.sent for key in batch] == [str(each.fixture.reference) for each in told]
    assert (len(told), sum(finished.verdicts.values())) == (2, 4)


def test_ctrl_c_gives_back_what_watches_took(tmp_path: Path) -> None:
    """The run ends properly: watches are closed, and the ledger says that it was interrupted."""

    def interrupted(_: Sought) -> Sequence[Sighting]:
        raise KeyboardInterrupt

    world = World(ends=interrupted)
    _, finished = run_of(world, tmp_path)
    assert finished.interrupted
    assert world.told == ["begin", "close"]
    assert read_run(run_paths(tmp_path)[0]).ended is not None


@pytest.mark.parametrize("key", ["orders/a", "ünï/\ud800"])
def test_a_marker_is_one_runs_own_and_plain(key: str) -> None:
    """It is the same whenever the run is gone on with, and made of letters, digits and dashes."""
    marker = marker_of("20261121T121500Z-abc123", key)
    assert marker == marker_of("20261121T121500Z-abc123", key) != marker_of("another", key)
    assert all(letter.isascii() and (letter.isalnum() or letter == "-") for letter in marker)
