"""A run against a deployed target: paced, concurrent, and with a ledger from which it can be gone on with."""

import queue
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import monotonic, perf_counter
from typing import Any

from replay.fixtures.fixture import FixtureReference
from replay.ledger.ledger import Ledger
from replay.replayer.answered_events import DOUBT, under_way_before
from replay.replayer.judging import Judging, Told
from replay.replayer.noted_invoker import CurrentKey, NotedInvoker
from replay.replayer.pace import ErrorBudget, Pace, RateLimit, Timeline
from replay.replayer.run_events import FixtureNotRun, FixtureReplayed, RunEvent, RunStarted
from replay.replayer.stride import Stride
from replay.replayer.tally import Tally
from replay.replayer.warm_functions import OpenInvoker

MakeReplayer = Callable[[Callable[[OpenInvoker], OpenInvoker]], Judging]
"""Makes a replayer; it is given what to make of the function that opens its invokers."""

_TICK_S = 0.1
_TOLD_EVERY_S = 0.05
_WAITING_EACH = 4
"""How many strides each thread may be ahead of who listens: a run of a million stays as small as one of a hundred."""


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
            tally.count_before(ledger.standing.verdicts)
            workers = _Workers(self, ledger, references, count=min(self.pace.concurrency, max(1, total)))
            try:
                for told in workers.told():
                    tally.count(told)
                    yield told
                    if tally.unexpected and not stopped and (stopped := self.pace.why_stop(tally.unexpected, total)):
                        workers.stop()
            except KeyboardInterrupt:
                interrupted = True
            finally:
                workers.close()
            finished = tally.finished(elapsed_s=perf_counter() - began, interrupted=interrupted)
            ledger.ended(verdicts=dict(finished.verdicts), interrupted=interrupted, stopped=stopped)
        yield replace(finished, stopped=stopped, run=ledger.run)


@dataclass(frozen=True, slots=True)
class _Heard:
    """What is told, and whether who listens has done with it."""

    told: Sequence[Told]
    by_all: threading.Event = field(default_factory=threading.Event)


class _Workers:
    """Threads that replay one fixture after the other, each a stride at a time."""

    def __init__(self, run: DeployedRun, ledger: Ledger, references: Iterable[FixtureReference], *, count: int) -> None:
        self._run, self._ledger = run, ledger
        self._before = None if ledger.standing.is_empty else ledger.standing
        self._stop = threading.Event()
        self._limit = RateLimit(run.pace.rate_per_s, ramp_up_s=run.pace.ramp_up_s)
        self._todo = iter(references)
        self._taking = threading.Lock()
        self._began = monotonic()
        self._done: queue.Queue[_Heard | BaseException | None] = queue.Queue(_WAITING_EACH * count)
        self._threads = [threading.Thread(target=self._work, name=f"replay-{n}", daemon=True) for n in range(count)]

    def told(self) -> Iterator[Told]:
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
                yield from each.told
                each.by_all.set()

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
            key, stride = CurrentKey(waits=False), Stride(most=1) if self._is_watched else Stride()
            with self._run.make_replayer(self._noted(key)) as replayer:
                while references := self._next(stride.count):
                    began = monotonic()
                    if len(references) > 1:
                        self._ledger.sent([str(each) for each in references], attempt=1)
                    noted = monotonic()
                    self._replay(replayer, key, references)
                    stride.took(monotonic() - noted, noting_s=noted - began)
                    if self._is_watched:
                        self._ledger.sync()  # before a wait; else the next that is sent brings this to the disk too
        except BaseException as error:  # noqa: BLE001 - it is raised again in the thread that waits
            self._done.put(error)
        finally:
            self._done.put(None)

    def _replay(self, replayer: Judging, key: CurrentKey, references: Sequence[FixtureReference]) -> None:
        """Replay what is begun together, and tell it; what was noted, and is not sent after all, is withdrawn."""
        done, told, told_at = 0, list[Told](), monotonic()
        try:
            for reference in references:
                if not self._is_due(reference):
                    break
                key.begin(str(reference), is_noted=len(references) > 1)
                told.append(self._judged(replayer, key, reference))
                done += 1
                if monotonic() - told_at > _TOLD_EVERY_S:
                    self._tell(told)
                    told, told_at = [], monotonic()
        except Stopped:
            pass  # it was not begun, so there is nothing to tell
        finally:
            left = [str(each) for each in references[done:]]
            if len(references) > 1:
                self._ledger.withdrawn(left[1:] if key.is_begun and left[:1] == [key.value] else left)
            if told:
                self._tell(told)

    def _tell(self, told: Sequence[Told]) -> None:
        """Tell what was replayed; where that may stop the run, go on only when it was heard."""
        heard = _Heard(told)
        self._done.put(heard)
        while self._is_watched and not (self._stop.is_set() or heard.by_all.wait(_TICK_S)):
            pass

    def _judged(self, replayer: Judging, key: CurrentKey, reference: FixtureReference) -> Told:
        try:
            told = replayer.judge(reference)
            if isinstance(told, FixtureNotRun):
                if key.is_noted and not key.is_begun:
                    self._ledger.withdrawn([key.value])
                return told
            held, key.held = key.held, None
            self._ledger.came_to(key.value, held, self._run.observation(told))
        finally:
            key.write_held(self._ledger)
        if self._before is None or not self._before.is_in_doubt(key.value):
            return told
        return replace(told, notes=(*told.notes, DOUBT))

    def _next(self, count: int) -> list[FixtureReference]:
        """Take the next that are to be sent; what was under way when a run was broken off is told on the way."""
        before, found = self._before, list[FixtureReference]()
        with self._taking:
            while not self._stop.is_set() and len(found) < count and (reference := next(self._todo, None)) is not None:
                if before is not None and before.is_observed(str(reference)):
                    continue
                if before is not None and before.is_acknowledged(str(reference)):
                    self._done.put(_Heard([FixtureNotRun(reference=reference, error=under_way_before(reference))]))
                else:
                    found.append(reference)
        return found

    @property
    def _is_watched(self) -> bool:
        """Whether each is begun at a moment of its own, or only if those before it have gone well."""
        pace = self._run.pace
        return bool(pace.rate_per_s or self._run.timeline or pace.stop_on_first or pace.budget != ErrorBudget())

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
