"""A run against a deployed target: paced, concurrent, and with a ledger from which it can be gone on with."""

import queue
import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

from replay.errors import ReplayError
from replay.fixtures.fixture import FixtureReference
from replay.ledger.ledger import Ledger
from replay.ledger.lines import Progress
from replay.replayer.noted_invoker import CurrentKey, NotedInvoker
from replay.replayer.pace import Pace, RateLimit
from replay.replayer.replayer import Replayer
from replay.replayer.run_events import FixtureNotRun, FixtureReplayed, RunEvent, RunStarted
from replay.replayer.tally import Tally
from replay.replayer.warm_functions import OpenInvoker

Told = FixtureReplayed | FixtureNotRun
MakeReplayer = Callable[[Callable[[OpenInvoker], OpenInvoker]], Replayer]
"""Makes a replayer; it is given what to make of the function that opens its invokers."""

_TICK_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployedRun:
    """
    What a run needs.

    Attributes:
        make_replayer: Called once in each thread: a replayer is one thread's own.
        open_ledger: Called when the first event is asked for.
    """

    make_replayer: MakeReplayer
    open_ledger: Callable[[], Ledger]
    pace: Pace

    def events(self, references: Sequence[FixtureReference]) -> Generator[RunEvent, None, None]:
        """
        Replay and judge *references*, and tell it event by event; what the ledger has is not sent again.

        A fixture of which the ledger knows the verdict is counted and not told. One that was under way when the run was
        broken off, with an invocation acknowledged, is told as not run: it is not sent twice.
        """
        began = perf_counter()
        tally = Tally(total=len(references))
        interrupted, stopped = False, ""
        with self.open_ledger() as ledger:
            yield RunStarted(total=tally.total)
            todo, broken_off = _left_to_do(references, ledger.progress, tally)
            yield from broken_off
            workers = _Workers(self, ledger, todo)
            try:
                for told in workers.told():
                    tally.count(told)
                    yield told
                    stopped = stopped or self.pace.why_stop(tally.unexpected, tally.total)
                    if stopped:
                        workers.stop()
            except KeyboardInterrupt:
                interrupted = True
            finally:
                workers.close()
            finished = tally.finished(elapsed_s=perf_counter() - began, interrupted=interrupted)
            ledger.ended(verdicts=dict(finished.verdicts), interrupted=interrupted, stopped=stopped)
        yield replace(finished, stopped=stopped, run=ledger.run)


def _left_to_do(
    references: Sequence[FixtureReference], progress: Progress, tally: Tally
) -> tuple[list[FixtureReference], list[FixtureNotRun]]:
    """Count what the ledger knows; give what is still to be sent, and what may not be."""
    todo, broken_off = [], []
    for reference in references:
        key = str(reference)
        if key in progress.observed:
            tally.count_observed(progress.observed[key])
        elif key in progress.acknowledged:
            broken_off.append(FixtureNotRun(reference=reference, error=_under_way(reference)))
            tally.count(broken_off[-1])
        else:
            todo.append(reference)
    return todo, broken_off


class _Workers:
    """Threads that replay one fixture after the other."""

    def __init__(self, run: DeployedRun, ledger: Ledger, references: Sequence[FixtureReference]) -> None:
        self._run, self._ledger = run, ledger
        self._doubled = set(ledger.progress.in_doubt)
        self._limit = RateLimit(run.pace.rate_per_s)
        self._todo = iter(references)
        self._taking = threading.Lock()
        self._stop = threading.Event()
        self._done: queue.Queue[Told | BaseException | None] = queue.Queue()
        count = min(run.pace.concurrency, max(1, len(references)))
        self._threads = [threading.Thread(target=self._work, name=f"replay-{n}", daemon=True) for n in range(count)]

    def told(self) -> Iterator[Told]:
        """Give what each fixture came to, as it comes."""
        for thread in self._threads:
            thread.start()
        left = len(self._threads)
        while left:
            each = self._done.get()
            if each is None:
                left -= 1
            elif isinstance(each, BaseException):
                raise each
            else:
                yield each

    def stop(self) -> None:
        """Begin nothing more; what is under way is told yet."""
        self._stop.set()

    def close(self) -> None:
        """Wait for what is under way: its acknowledgement belongs into the ledger."""
        self._stop.set()
        for thread in self._threads:
            while thread.ident is not None and thread.is_alive():
                thread.join(_TICK_S)

    def _work(self) -> None:
        try:
            key = CurrentKey()
            with self._run.make_replayer(self._noted(key)) as replayer:
                while not self._stop.is_set() and (reference := self._next()) is not None:
                    key.value = str(reference)
                    self._done.put(self._judged(replayer, reference))
        except BaseException as error:  # noqa: BLE001 - it is raised again in the thread that waits
            self._done.put(error)
        finally:
            self._done.put(None)

    def _judged(self, replayer: Replayer, reference: FixtureReference) -> Told:
        told = replayer.judge(reference)
        if isinstance(told, FixtureNotRun):
            return told
        self._ledger.observed(str(reference), **_observation(told))
        if str(reference) not in self._doubled:
            return told
        doubt = "a former invocation of this run was not acknowledged: it may have been invoked once more than told"
        return replace(told, notes=(*told.notes, doubt))

    def _next(self) -> FixtureReference | None:
        with self._taking:
            return next(self._todo, None)

    def _noted(self, key: CurrentKey) -> Callable[[OpenInvoker], OpenInvoker]:
        def noting(opens: OpenInvoker) -> OpenInvoker:
            return lambda function: NotedInvoker(opens(function), self._ledger, self._limit, key)

        return noting


def _observation(told: FixtureReplayed) -> Mapping[str, Any]:
    return {
        "verdict": told.judgement.verdict,
        "as_expected": told.judgement.as_expected,
        "status": told.outcomes[-1].status,
    }


def _under_way(reference: FixtureReference) -> ReplayError:
    return ReplayError(
        "it was under way when the run was broken off, and an invocation of it was acknowledged: it is not sent twice",
        where=str(reference),
        hint=f"replay it by itself: replay run {reference.short} --target NAME",
    )
