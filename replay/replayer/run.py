"""A run: many fixtures, function by function."""

from collections.abc import Generator, Iterable, Iterator
from dataclasses import replace
from itertools import groupby
from operator import attrgetter
from time import perf_counter

from replay.fixtures.fixture import FixtureReference
from replay.replayer.judging import Judging
from replay.replayer.pace import Pace
from replay.replayer.run_events import FixtureNotRun, FixtureReplayed, RunEvent, RunStarted
from replay.replayer.tally import Tally

_UNBOUNDED = Pace()


def run(
    replayer: Judging, references: Iterable[FixtureReference], *, pace: Pace = _UNBOUNDED, total: int | None = None
) -> Generator[RunEvent, None, None]:
    """
    Replay and judge the fixtures *references*, function by function, tell it event by event, and close *replayer*.

    Of *pace* counts what says when to stop. A fixture that cannot be replayed is told and does not stop the others;
    Ctrl-C ends the run early and properly.

    Args:
        total: How many there are, where *references* come function by function already: then they are taken one by one
            as they are needed, and none is kept.
    """
    began = perf_counter()
    groups: Iterable[tuple[str, Iterable[FixtureReference]]]
    if total is None:
        known = _by_function(references)
        groups, total = known.items(), sum(map(len, known.values()))
    else:
        groups = groupby(references, key=attrgetter("function"))
    tally = Tally(total=total)
    interrupted, stopped = False, ""
    yield RunStarted(total=tally.total)
    with replayer:
        try:
            for told in _judge_all(replayer, groups):
                tally.count(told)
                yield told
                stopped = pace.why_stop(tally.unexpected, tally.total)
                if stopped:
                    break
        except KeyboardInterrupt:
            interrupted = True
    yield replace(tally.finished(elapsed_s=perf_counter() - began, interrupted=interrupted), stopped=stopped)


def _judge_all(
    replayer: Judging, groups: Iterable[tuple[str, Iterable[FixtureReference]]]
) -> Iterator[FixtureReplayed | FixtureNotRun]:
    for function, group in groups:
        for reference in group:
            yield replayer.judge(reference)
        replayer.forget(function)


def _by_function(references: Iterable[FixtureReference]) -> dict[str, list[FixtureReference]]:
    groups: dict[str, list[FixtureReference]] = {}
    for reference in references:
        groups.setdefault(reference.function, []).append(reference)
    return groups
