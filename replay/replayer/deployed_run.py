"""A run against a deployed target: paced, concurrent, and with a ledger from which it can be gone on with."""

import queue
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from time import monotonic, perf_counter
from typing import Any

from replay.errors import ReplayError
from replay.fixtures.fixture import FixtureReference
from replay.ledger.ledger import Ledger
from replay.replayer.noted_invoker import CurrentKey, NotedInvoker
from replay.replayer.pace import Pace, RateLimit, Timeline
from replay.replayer.replayer import Replayer
from replay.replayer.run_events import FixtureNotRun, FixtureReplayed, RunEvent, RunStarted
from replay.replayer.tally import Tally
from replay.replayer.warm_functions import OpenInvoker

Told = FixtureReplayed | FixtureNotRun
MakeReplayer = Callable[[Callable[[OpenInvoker], OpenInvoker]], Replayer]
"""Makes a replayer; it is given what to make of the function that opens its invokers."""

_TICK_S = 0.1
_WAITING_EACH = 4
"""How many results each thread may be ahead of who listens: a run of a million stays as small as one of a hundred."""


def observation(told: FixtureReplayed) -> Mapping[str, Any]:
    """Say what the ledger keeps of what became of a fixture: no word of what was sent or answered."""
    return {
        "verdict": told.judgement.verdict,
        "as_expected": told.judgement.as_expected,
        "status": told.outcomes[-1].status,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployedRun:
    """
    What a run needs.

    Attributes:
        make_replayer: Called once in each thread: a replayer is one thread's own.
        open_ledger: Called when the first event is asked for.
        timeline: When each fixture is due; without one, as soon as the pace allows.
        observation: What the ledger keeps of what became of a fixture.
    """

    make_replayer: MakeReplayer
    open_ledger: Callable[[], Ledger]
    pace: Pace
    timeline: Timeline | None = None
    observation: Callable[[FixtureReplayed], Mapping[str, Any]] = observation

    def events(self, references: Iterable[FixtureReference], *, total: int) -> Generator[RunEvent, None, None]:
        """
        Replay and judge *references*, and tell it event by event; what the ledger has is not sent again.

        They are taken one by one, as they are needed. A fixture of which the ledger knows the verdict is counted and
        not told. One that was under way when the run was broken off, with an invocation acknowledged, is told as not
        run: it is not sent twice.

        Args:
            total: How many there are, for who listens and for the share of errors.
        """
        began = perf_counter()
        tally = Tally(total=total)
        interrupted, stopped = False, ""
        with self.open_ledger() as ledger:
            yield RunStarted(total=tally.total)
            workers = _Workers(self, ledger, references, count=min(self.pace.concurrency, max(1, total)))
            try:
                for told in workers.told():
                    if isinstance(told, Mapping):
                        tally.count_observed(told)
                        continue
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


class _Workers:
    """Threads that replay one fixture after the other; what is told of one is its replay, or what the ledger has."""

    def __init__(self, run: DeployedRun, ledger: Ledger, references: Iterable[FixtureReference], *, count: int) -> None:
        self._run, self._ledger = run, ledger
        self._doubled = set(ledger.progress.in_doubt)
        self._stop = threading.Event()
        self._limit = RateLimit(run.pace.rate_per_s, ramp_up_s=run.pace.ramp_up_s)
        self._todo = iter(references)
        self._taking = threading.Lock()
        self._began = monotonic()
        self._done: queue.Queue[Told | Mapping[str, Any] | BaseException | None] = queue.Queue(_WAITING_EACH * count)
        self._threads = [threading.Thread(target=self._work, name=f"replay-{n}", daemon=True) for n in range(count)]

    def told(self) -> Iterator[Told | Mapping[str, Any]]:
        """Give what each fixture came to, as it comes."""
        self._began = monotonic()
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
                while not self._done.empty():  # nobody listens any more, and nobody may wait for that
                    self._done.get_nowait()
                thread.join(_TICK_S)

    def _work(self) -> None:
        try:
            key = CurrentKey()
            with self._run.make_replayer(self._noted(key)) as replayer:
                while (reference := self._next()) is not None and self._is_due(reference):
                    key.begin(str(reference))
                    self._done.put(self._judged(replayer, reference))
        except Stopped:
            pass  # it was not begun, so there is nothing to tell
        except BaseException as error:  # noqa: BLE001 - it is raised again in the thread that waits
            self._done.put(error)
        finally:
            self._done.put(None)

    def _judged(self, replayer: Replayer, reference: FixtureReference) -> Told:
        told = replayer.judge(reference)
        if isinstance(told, FixtureNotRun):
            return told
        self._ledger.observed(str(reference), **self._run.observation(told))
        if str(reference) not in self._doubled:
            return told
        doubt = "a former invocation of this run was not acknowledged: it may have been invoked once more than told"
        return replace(told, notes=(*told.notes, doubt))

    def _next(self) -> FixtureReference | None:
        """Take the next that is to be sent; what the ledger knows is told on the way."""
        progress = self._ledger.progress
        with self._taking:
            for reference in self._todo:
                if self._stop.is_set():
                    break
                key = str(reference)
                if key in progress.observed:
                    self._done.put(progress.observed[key])
                elif key in progress.acknowledged:
                    self._done.put(FixtureNotRun(reference=reference, error=_under_way(reference)))
                else:
                    return reference
        return None

    def _is_due(self, reference: FixtureReference) -> bool:
        """Wait until *reference* is due; False where the run stops before."""
        if self._run.timeline is None:
            return not self._stop.is_set()
        left = self._began + self._run.timeline.due(str(reference)) - monotonic()
        return not self._stop.wait(max(0.0, left))

    def _pause(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise Stopped

    def _noted(self, key: CurrentKey) -> Callable[[OpenInvoker], OpenInvoker]:
        def noting(opens: OpenInvoker) -> OpenInvoker:
            return lambda function: NotedInvoker(opens(function), self._ledger, self._limit, key, self._pause)

        return noting


class Stopped(Exception):
    """The run stops while a fixture waits for its first tick: it was not begun."""


def _under_way(reference: FixtureReference) -> ReplayError:
    return ReplayError(
        "it was under way when the run was broken off, and an invocation of it was acknowledged: it is not sent twice",
        where=str(reference),
        hint=f"replay it by itself: replay run {reference.short} --target NAME",
    )
