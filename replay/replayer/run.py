"""A run: many fixtures, function by function."""

from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from time import perf_counter

from replay.expectations.judgement import Verdict
from replay.fixtures.fixture import FixtureReference
from replay.replayer.replayer import Replayer
from replay.replayer.run_events import FixtureNotRun, FixtureReplayed, RunEvent, RunFinished, RunStarted


def run(replayer: Replayer, references: Iterable[FixtureReference]) -> Generator[RunEvent, None, None]:
    """
    Replay and judge the fixtures *references*, function by function, tell it event by event, and close *replayer*.

    A fixture that cannot be replayed is told and does not stop the others; Ctrl-C ends the run early and properly.
    """
    began = perf_counter()
    groups = _by_function(references)
    total = sum(map(len, groups.values()))
    verdicts: Counter[Verdict] = Counter()
    unexpected = 0
    interrupted = False
    yield RunStarted(total=total)
    with replayer:
        try:
            for told in _judge_all(replayer, groups):
                judgement = told.judgement if isinstance(told, FixtureReplayed) else None
                verdicts[judgement.verdict if judgement else "error"] += 1
                unexpected += not (judgement and judgement.as_expected)
                yield told
        except KeyboardInterrupt:
            interrupted = True
    yield RunFinished(
        total=total,
        verdicts=dict(verdicts.most_common()),
        unexpected=unexpected,
        elapsed_s=perf_counter() - began,
        interrupted=interrupted,
    )


def _judge_all(
    replayer: Replayer, groups: Mapping[str, Sequence[FixtureReference]]
) -> Iterator[FixtureReplayed | FixtureNotRun]:
    for function, group in groups.items():
        for reference in group:
            yield replayer.judge(reference)
        replayer.forget(function)


def _by_function(references: Iterable[FixtureReference]) -> dict[str, list[FixtureReference]]:
    groups: dict[str, list[FixtureReference]] = {}
    for reference in references:
        groups.setdefault(reference.function, []).append(reference)
    return groups
