"""A run that hands everything over at once keeps a byte of each event, however many there are."""

import tracemalloc
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from replay.delivery.attempt import Reply
from replay.functions.function import Function
from replay.ledger.ledger import Ledger, read_run, run_paths
from replay.replayer import FixtureNotRun, FixtureReplayed, RunFinished
from replay.replayer.bulk_run import BulkRun
from replay.replayer.deployed_run import observation
from replay.replayer.event_corpus import EventCorpus, checked_text
from replay.replayer.event_replayer import EventReplayer
from replay.targets.bulk import Bulk, BulkAdvance, BulkAnswer, BulkItem
from replay.targets.guard_rails.destination import Destination
from replay.targets.guard_rails.options import DeployedOptions


class Spooled(Bulk):
    """Keeps what it is given in a file, and answers line by line; but for those in `silent`."""

    name = "spooled"
    described = DeployedOptions()

    def __init__(self, path: Path, *, silent: frozenset[str] = frozenset()) -> None:
        self._path, self._silent = path, silent

    def destination(self) -> Destination:
        return Destination(target="spooled", arn="arn:aws:spooled:::it", on_this_machine=True)

    def check(self, item: BulkItem) -> None:
        pass

    def handles_of(self, run: str) -> list[str]:
        return []

    def start(self, items: Iterable[BulkItem]) -> str:
        with self._path.open("w") as file:
            file.writelines(f"{item.key}\t{item.event_text}\n" for item in items)
        return "handle"

    def advance(self, handle: str) -> Iterator[BulkAdvance]:
        yield BulkAdvance(done=1, failed=0, total=1)

    def answers_of(self, handle: str) -> Iterator[BulkAnswer]:
        with self._path.open() as file:
            for line in file:
                key, _, text = line.rstrip("\n").partition("\t")
                if key not in self._silent:
                    yield BulkAnswer(key=key, reply=Reply(status="returned", payload="null"), event_text=text)
                    yield BulkAnswer(key=key, reply=Reply(status="timed_out"), event_text=text)  # told twice

    def why_missing(self, handle: str) -> str:
        return "it is silent"


def run_of(root: Path, count: int, *, silent: frozenset[str] = frozenset()) -> tuple[BulkRun, EventCorpus]:
    path = root / f"{count}.jsonl"
    path.write_text("".join(f'{{"n": {number}}}\n' for number in range(count)))
    corpus = EventCorpus(str(path), function="orders", client=lambda: None)
    corpus.planned()
    function = Function(name="orders", handler="app.handler", code=root)
    run = BulkRun(
        target=Spooled(root / "spool", silent=silent),
        event_text=checked_text,
        reference_of=lambda key, answer: corpus.reference(key, answer.event_text if answer else ""),
        make_replayer=lambda opens: EventReplayer(lambda: function, open_invoker=opens),
        open_ledger=partial(Ledger.begin, root, command="run"),
        observation=observation,
    )
    return run, corpus


def test_the_first_answer_counts_and_the_silent_are_told(tmp_path: Path) -> None:
    """A second answer for one event changes nothing; what has none could not run, and says why."""
    silent = frozenset({str(tmp_path / "9.jsonl:4")})
    run, corpus = run_of(tmp_path, 9, silent=silent)
    events = list(run.events(corpus.references(), total=9))
    replayed = [each for each in events if isinstance(each, FixtureReplayed)]
    assert {each.judgement.verdict for each in replayed} == {"succeeded"}
    (missing,) = [each for each in events if isinstance(each, FixtureNotRun)]
    assert str(missing.reference) in silent
    assert "it is silent" in missing.error.what
    (finished,) = [each for each in events if isinstance(each, RunFinished)]
    assert finished.verdicts == {"succeeded": 8, "error": 1}
    progress = read_run(run_paths(tmp_path)[0])
    assert (len(progress.acknowledged), len(progress.observed), progress.in_doubt) == (9, 8, ())


def test_memory_does_not_grow_with_the_events(tmp_path: Path) -> None:
    """Three times as many events take hardly more memory: far less than their names would."""
    peaks = []
    for count in (100, 1_500, 4_500):  # the first one imports and caches
        run, corpus = run_of(tmp_path, count)
        tracemalloc.start()
        told = sum(isinstance(event, FixtureReplayed) for event in run.events(corpus.references(), total=count))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert told == count
    assert peaks[2] - peaks[1] < 3_000 * 40
