"""A run whose target answers some of its events at once, and has the others observed."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from replay.delivery.attempt import Attempt, Reply
from replay.errors import AwsError
from replay.functions.function import Function
from replay.ledger.ledger import Ledger, read_run, run_paths
from replay.payloads.captures import Event
from replay.payloads.failures import Failure
from replay.replayer import FixtureNotRun, FixtureReplayed
from replay.replayer.carried_run import CarriedRun
from replay.replayer.pace import Pace
from tests.replayer.test_carried_run import Clock, FakeCarrier, Store, World

ANSWER = Reply(status="raised", failure=Failure(error_type="KeyError", message="'customer_id'", observed="logs"))


class HalfAnswered(FakeCarrier):
    """Answers the fixtures whose event is in *answered*, and sends the others."""

    def __init__(self, world: World, answered: set[str], reply: Any = ANSWER) -> None:
        super().__init__(world)
        self._answered, self._reply = answered, reply
        self.entered = self.invoked = 0

    def __enter__(self) -> Any:
        self.entered += 1
        return super().__enter__()

    def is_answered(self, event: Event) -> bool:
        return event.text in self._answered

    def invoke(self, attempt: Attempt) -> Reply:
        self.invoked += 1
        if isinstance(self._reply, Exception):
            raise self._reply
        reply: Reply = self._reply
        return reply


def run_of(carrier: HalfAnswered, root: Path, store: Store, *, resume: str = "") -> list[Any]:
    clock = Clock()
    run = CarriedRun(
        store=store,
        functions=lambda name: Function(name=name, handler="app.handler", code=root),
        open_carrier=lambda _: carrier,
        open_ledger=lambda: Ledger.resume(root, resume) if resume else Ledger.begin(root, command="run"),
        pace=Pace(),
        clock=clock,
        sleep=clock.sleep,
    )
    return [each for each in run.events(list(store.fixtures)) if isinstance(each, FixtureReplayed | FixtureNotRun)]


def made_store() -> Store:
    """Four fixtures whose texts differ."""
    store = Store()
    numbered = enumerate(store.fixtures.items())
    store.fixtures = {key: replace(each, event_text=each.event_text + " " * number) for number, (key, each) in numbered}
    return store


def two_of(store: Store) -> set[str]:
    return {each.event_text for each in list(store.fixtures.values())[:2]}


def test_each_event_is_answered_or_observed(tmp_path: Path) -> None:
    """Through one open target: what it answers is invoked and judged at once, the rest is sent and looked for."""
    world, store = World(), made_store()
    carrier = HalfAnswered(world, two_of(store))
    told = run_of(carrier, tmp_path, store)
    assert {each.outcomes[-1].status for each in told} == {"failed"}
    assert carrier.entered == 1
    assert carrier.invoked >= 2
    assert sum(map(len, world.sent)) == 2
    progress = read_run(run_paths(tmp_path)[0])
    assert len(progress.acknowledged) == len(progress.observed) == 4


def test_an_answer_that_did_not_come_is_asked_for_again(tmp_path: Path) -> None:
    """It could not run; --resume asks again, and says that it may have been invoked once more than told."""
    world, store = World(), made_store()
    broken = HalfAnswered(world, two_of(store), AwsError("no answer came"))
    told = run_of(broken, tmp_path, store)
    assert [type(each) for each in told].count(FixtureNotRun) == 2
    again = HalfAnswered(world, two_of(store))
    told = run_of(again, tmp_path, store, resume="last")
    assert [each.outcomes[-1].status for each in told] == ["failed"] * 2
    assert all("once more than told" in each.notes[-1] for each in told)


def test_what_was_answered_without_a_verdict_is_not_asked_again(tmp_path: Path) -> None:
    """Broken off between the answer and the verdict: nothing is invoked twice by itself."""
    world, store = World(), made_store()
    key = str(next(iter(store.fixtures)))
    with Ledger.begin(tmp_path, command="run") as ledger:
        ledger.sent([key], attempt=1)
        ledger.acknowledged([key], attempt=1, status="raised", duration_s=0.1)
    carrier = HalfAnswered(world, two_of(store))
    told = run_of(carrier, tmp_path, store, resume="last")
    (not_run,) = (each for each in told if isinstance(each, FixtureNotRun))
    assert str(not_run.reference) == key
    assert "not sent twice" in not_run.error.what
