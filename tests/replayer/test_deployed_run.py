"""A run of many events against a target that answers: noted together, lost or doubled never."""

import json
import os
from collections import Counter
from collections.abc import Callable, Generator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from replay.delivery.attempt import Attempt, Reply
from replay.functions.function import Function
from replay.ledger import ledger as ledger_module
from replay.ledger.ledger import Ledger, read_run, run_paths
from replay.replayer import FixtureNotRun, FixtureReplayed, Pace, RunEvent, RunFinished
from replay.replayer.answered_events import DOUBT
from replay.replayer.deployed_run import DeployedRun
from replay.replayer.event_corpus import EventCorpus
from replay.replayer.event_replayer import EventReplayer
from replay.replayer.stride import MOMENT_S, Stride
from replay.targets.guard_rails.deployed import Deployed
from replay.targets.guard_rails.destination import Destination
from replay.targets.guard_rails.options import DeployedOptions

MANY = 1_500


class Told(Deployed):
    """Answers at once; tells which events it got."""

    name = "told"

    def __init__(self, invoked: Callable[[int], object]) -> None:
        self._invoked = invoked

    @property
    def described(self) -> DeployedOptions:
        return DeployedOptions()

    def destination(self) -> Destination:
        return Destination(target="told", arn="arn:aws:told:::told", on_this_machine=True)

    def invoke(self, attempt: Attempt) -> Reply:
        self._invoked(json.loads(attempt.payload)["n"])
        return Reply(status="returned", payload="null")


@pytest.fixture
def corpus(tmp_path: Path) -> EventCorpus:
    path = tmp_path / "events.jsonl"
    path.write_text("".join(f'{{"n": {number}}}\n' for number in range(1, MANY + 1)))
    return EventCorpus(str(path), function="orders", client=lambda: None)


def begin(
    root: Path,
    corpus: EventCorpus,
    invoked: Callable[[int], object],
    *,
    resume: str = "",
    total: int = MANY,
    **pace: Any,
) -> Generator[RunEvent, None, None]:
    function = Function(name="orders", handler="app.handler", code=root)
    opens = (
        partial(Ledger.resume, root, resume, standing_only=True)
        if resume
        else partial(Ledger.begin, root, command="run")
    )
    run = DeployedRun(
        make_replayer=lambda noting: EventReplayer(lambda: function, open_invoker=noting(lambda _: Told(invoked))),
        open_ledger=opens,
        pace=Pace(**pace),
    )
    return run.events(corpus.references(), total=total)


@pytest.mark.parametrize("concurrency", [1, 3])
def test_nothing_is_sent_before_it_stands_on_the_disk(
    tmp_path: Path, corpus: EventCorpus, monkeypatch: pytest.MonkeyPatch, concurrency: int
) -> None:
    """Each event was noted as sent, and that was brought to the disk, before it was invoked; but not one by one."""
    on_disk, syncs = bytearray(), 0
    real = os.fsync

    def fsync(descriptor: int) -> None:
        nonlocal syncs
        real(descriptor)
        if paths := run_paths(tmp_path):
            syncs += 1
            on_disk[:] = paths[0].read_bytes()

    def invoked(number: int) -> None:
        assert f'events.jsonl:{number}"'.encode() in on_disk

    monkeypatch.setattr(ledger_module.os, "fsync", fsync)
    events = list(begin(tmp_path, corpus, invoked, concurrency=concurrency))
    assert Counter(type(each) for each in events)[FixtureReplayed] == MANY
    assert syncs < MANY / 5
    progress = read_run(run_paths(tmp_path)[0])
    assert len(progress.sent) == len(progress.acknowledged) == len(progress.observed) == MANY
    assert progress.in_doubt == ()
    assert progress.ended == {**(progress.ended or {}), "verdicts": {"succeeded": MANY}}


@pytest.mark.parametrize("at", [1, 2, 333, 1_000, MANY])
def test_what_a_kill_leaves_is_gone_on_with(tmp_path: Path, corpus: EventCorpus, at: int) -> None:
    """
    Killed in the middle of any invocation, whatever was on the disk by then counts: nothing that has an acknowledgement
    is sent again, nothing is lost, and what may have been invoked twice says so.
    """
    left = b""
    first: list[int] = []

    def invoked(number: int) -> None:
        nonlocal left
        first.append(number)
        if number == at:
            left = run_paths(tmp_path)[0].read_bytes()

    list(begin(tmp_path, corpus, invoked))
    path = run_paths(tmp_path)[0]
    path.write_bytes(left + b'{"type":"acknow')
    before = read_run(path)
    assert f"{corpus.place}:{at}" in before.in_doubt
    again: list[int] = []
    events = list(begin(tmp_path, corpus, again.append, resume=path.stem))
    acknowledged = {int(key.rpartition(":")[2]) for key in before.acknowledged}
    assert acknowledged.isdisjoint(again)
    assert sorted([*acknowledged, *again]) == list(range(1, MANY + 1))
    doubted = {
        str(each.fixture.reference) for each in events if isinstance(each, FixtureReplayed) and DOUBT in each.notes
    }
    assert doubted == set(before.in_doubt)
    (finished,) = [each for each in events if isinstance(each, RunFinished)]
    assert (finished.verdicts, finished.unexpected) == ({"succeeded": MANY}, 0)


def test_what_is_not_sent_after_all_is_withdrawn(tmp_path: Path, corpus: EventCorpus) -> None:
    """Ctrl-C leaves nothing in doubt: what was noted with others and was not begun is taken back."""
    events = begin(tmp_path, corpus, lambda _: None)
    for number, _ in enumerate(events):
        if number == 200:
            break
    last = list(_interrupted(events))[-1]
    assert isinstance(last, RunFinished)
    assert last.interrupted
    progress = read_run(run_paths(tmp_path)[0])
    assert progress.in_doubt == ()
    assert len(progress.sent) == len(progress.acknowledged) < MANY
    again: list[int] = []
    list(begin(tmp_path, corpus, again.append, resume="last"))
    assert len(again) == MANY - len(progress.acknowledged)


def _interrupted(events: Generator[RunEvent, None, None]) -> Generator[RunEvent, None, None]:
    yield events.throw(KeyboardInterrupt)
    yield from events


def test_what_cannot_be_sent_is_told_and_not_in_doubt(tmp_path: Path) -> None:
    """A line that is no event could not run, wherever it stands among others, and was not sent."""
    path = tmp_path / "events.jsonl"
    path.write_text("".join("nothing\n" if number % 5 == 4 else f'{{"n": {number}}}\n' for number in range(100)))
    corpus = EventCorpus(str(path), function="orders", client=lambda: None)
    events = list(begin(tmp_path, corpus, lambda _: None, total=100))
    assert sum(isinstance(each, FixtureNotRun) for each in events) == 20
    progress = read_run(run_paths(tmp_path)[0])
    assert progress.in_doubt == ()
    assert len(progress.sent) == 80


def test_what_is_watched_is_noted_one_by_one(tmp_path: Path, corpus: EventCorpus) -> None:
    """With a rate, or a bound of errors, nothing is noted as sent before its own moment has come."""
    list(begin(tmp_path, corpus, lambda _: None, stop_on_first=True))
    lines = [json.loads(line) for line in run_paths(tmp_path)[0].read_bytes().splitlines()]
    assert sum(line["type"] == "sent" for line in lines) == MANY
    assert not [line for line in lines if "keys" in line]


def test_a_stride_follows_its_target_and_its_disk() -> None:
    """Quick answers let it grow, slow ones bring it back to one by one; a slow disk is waited for less often."""
    stride = Stride()
    for _ in range(20):
        stride.took(MOMENT_S / 10, noting_s=0.0)
    assert stride.count == 4_096
    for _ in range(20):
        stride.took(MOMENT_S * 5, noting_s=0.0)
    assert stride.count == 1
    for _ in range(3):
        stride.took(MOMENT_S * 2, noting_s=1.0)
    assert stride.count == 8
    watched = Stride(most=1)
    watched.took(0.0, noting_s=1.0)
    assert watched.count == 1
