"""A run through a target that gives no answer: sent, acknowledged, observed; each of it in the ledger."""

import hashlib
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from replay.errors import ReplayError
from replay.fixtures.fixture import Fixture, FixtureReference
from replay.functions.function import Function
from replay.ledger.ledger import Ledger
from replay.payloads.captures import Event
from replay.replayer.answered_events import AnsweredEvents
from replay.replayer.as_sent import report_as_told, text_as_sent, words_as_told
from replay.replayer.deployed_run import observation
from replay.replayer.judging import Told
from replay.replayer.lookout import Lookout
from replay.replayer.pace import Pace, RateLimit, Timeline
from replay.replayer.replayer import AsSent, FixtureStore, Replayer, as_it_is
from replay.replayer.run_events import FixtureNotRun, FixtureReplayed, RunEvent, RunStarted
from replay.replayer.tally import Tally
from replay.replayer.under_way import UnderWay, gone_unseen, mixed_up, overdue, record_ids_of, replayed
from replay.replayer.warm_functions import OpenInvoker
from replay.targets.aws.observed_effects import RedactorOf, standard_redactor
from replay.targets.carrier import Acknowledgement, Carrier, Entry, Sought, Watch
from replay.targets.observing.findings import COUNT_LAG_S, LOG_LAG_S, UNSIGNED_LAG_S, Findings, by_key
from replay.targets.sending import Sender, Sent

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 2.0
_LONGEST_PAUSE_HERE_S = 0.4
_COUNT_LAG_HERE_S = LOG_LAG_S
_CLOCKS_DIFFER_S = 1.0
"""What is left of the difference between AWS's clock and ours where it was measured."""

_UNOBSERVED = "unobserved"


@dataclass(frozen=True, slots=True, kw_only=True)
class CarriedRun:
    """
    What a run needs.

    Attributes:
        functions: Gives the function of a name.
        open_carrier: Makes the carrier for a function; not yet entered.
        open_ledger: Called when the first event is asked for.
        red: Make a reproduction unexpected too.
        options: What the commands need that accept what has happened.
        as_sent: Says what of a fixture is really sent.
        timeline: When each fixture is due; without one, as soon as the pace allows.
        observation: What the ledger keeps of what became of a fixture.
    """

    store: FixtureStore
    functions: Callable[[str], Function]
    open_carrier: Callable[[Function], Carrier]
    open_ledger: Callable[[], Ledger]
    pace: Pace
    redactor: RedactorOf = standard_redactor
    red: bool = False
    options: Sequence[str] = ()
    as_sent: AsSent = as_it_is
    timeline: Timeline | None = None
    observation: Callable[[FixtureReplayed], Mapping[str, Any]] = observation
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], object] = time.sleep

    def events(self, references: Sequence[FixtureReference]) -> Generator[RunEvent, None, None]:
        """
        Send *references*, observe and judge them, and tell it event by event.

        At most `concurrency` of them are under way at once; with an original spacing (`timeline`), all that are due.
        What has an acknowledgement in the ledger is not sent again, but looked for. What has a verdict there is counted
        and not told, unless nobody had seen its end.
        """
        began = time.perf_counter()
        tally = Tally(total=len(references))
        interrupted, stopped, stop = False, "", threading.Event()
        with self.open_ledger() as ledger:
            yield RunStarted(total=tally.total)
            todo = [each for each in references if not _is_known(each, ledger, tally)]
            try:
                for told in self._told(todo, ledger, stop.is_set):
                    tally.count(told)
                    if isinstance(told, FixtureReplayed):
                        # What is lost with the machine is looked for again, and not sent: that it was sent is not lost.
                        ledger.observed(str(told.fixture.reference), waits=False, **self.observation(told))
                    yield told
                    stopped = stopped or self.pace.why_stop(tally.unexpected, tally.total)
                    if stopped:
                        stop.set()
            except KeyboardInterrupt:
                interrupted = True
            finished = tally.finished(elapsed_s=time.perf_counter() - began, interrupted=interrupted)
            ledger.ended(verdicts=dict(finished.verdicts), interrupted=interrupted, stopped=stopped)
        yield replace(finished, stopped=stopped, run=ledger.run)

    def replayer(self, open_invoker: OpenInvoker) -> Replayer:
        """Make what replays the events that the target answers at once."""
        return Replayer(
            self.store,
            functions=self.functions,
            open_invoker=open_invoker,
            red=self.red,
            pin=False,  # what a deployed function does is no failure of this code
            redactor=self.redactor,
            expect_options=self.options,
            as_sent=self.as_sent,
        )

    def _told(
        self, references: Sequence[FixtureReference], ledger: Ledger, stops: Callable[[], bool]
    ) -> Iterator[Told]:
        groups: dict[str, list[FixtureReference]] = {}
        for reference in references:
            groups.setdefault(reference.function, []).append(reference)
        limit = RateLimit(self.pace.rate_per_s, ramp_up_s=self.pace.ramp_up_s)
        began_s: float | None = None
        with ExitStack() as stack:  # left at the end: what one carrier has made serves those of other functions
            for name, group in groups.items():
                try:
                    function = self.functions(name)
                    carrier = stack.enter_context(self.open_carrier(function))
                    began_s = self.clock() if began_s is None else began_s  # behind the look at where it leads
                    crossing = _Crossing(self, ledger, carrier, function, limit, began_s)
                except ReplayError as error:
                    yield from (FixtureNotRun(reference=reference, error=error) for reference in group)
                else:
                    yield from crossing.told(group, stops)
                if stops():
                    return


class _Crossing:
    """The events of one function on their way through one carrier."""

    def __init__(
        self,
        run: CarriedRun,
        ledger: Ledger,
        carrier: Carrier,
        function: Function,
        limit: RateLimit,
        began_s: float,
    ) -> None:
        self._run, self._ledger, self._carrier, self._function = run, ledger, carrier, function
        self._patience_s = carrier.patience_s(function)
        self._answered = AnsweredEvents(run.replayer, carrier, ledger, limit)
        self._began_s = began_s
        self._doubled = set(ledger.progress.in_doubt)
        self._sender = Sender(
            carrier, ledger, wait=limit.wait, concurrency=min(run.pace.concurrency, 32), sleep=run.sleep
        )
        self._under_way: dict[str, UnderWay] = {}
        here = carrier.destination().on_this_machine
        self._count_lag_s = _COUNT_LAG_HERE_S if here else COUNT_LAG_S
        self._unsigned_lag_s = 0.0 if here else UNSIGNED_LAG_S
        self._longest_pause_s = _LONGEST_PAUSE_HERE_S if here else _LONGEST_PAUSE_S
        self._clocks_differ_s = 0.0 if here else _CLOCKS_DIFFER_S
        self._not_before_s = -math.inf
        self._doubts = False

    def told(self, references: Sequence[FixtureReference], stops: Callable[[], bool]) -> Iterator[Told]:
        """Send *references*, and tell of each what became of it."""
        waiting = deque(references)
        is_only = len(references) == 1
        alone = is_only or (self._run.pace.concurrency == 1 and not self._carrier.brings_more)
        alone = alone and self._run.timeline is None
        with self._answered, Lookout(self._watches) as lookout:
            pause_s = _FIRST_PAUSE_S
            while (waiting and not stops()) or self._under_way:
                begun = [] if stops() else self._due(waiting, alone=alone)
                told: list[Told] = [*self._sent(begun, alone=alone), *self._ended(lookout)]
                yield from told
                pause_s = _FIRST_PAUSE_S if begun or told else min(self._longest_pause_s, pause_s * 1.5)
                if not told and (waiting or self._under_way):
                    self._run.sleep(min(pause_s, self._until_due_s(waiting)))

    def _until_due_s(self, waiting: Sequence[FixtureReference]) -> float:
        """Say how long it is until the next of *waiting* is due by its original spacing."""
        spaced = self._run.timeline
        if spaced is None or not waiting:
            return math.inf if self._under_way or not waiting else max(0.0, self._not_before_s - self._run.clock())
        return max(0.0, self._began_s + spaced.due(str(waiting[0])) - self._run.clock())

    def _watches(self) -> Sequence[Watch]:
        return self._carrier.watches(self._function) if self._patience_s else ()

    def _due(self, waiting: deque[FixtureReference], *, alone: bool) -> list[FixtureReference]:
        """Take from *waiting* what may be sent now; alone so late that the log's times tell it from the one before."""
        due: list[FixtureReference] = []
        if alone and self._run.clock() < self._not_before_s:
            return due
        spaced, now_s = self._run.timeline, self._run.clock() - self._began_s
        while waiting and (
            len(self._under_way) + len(due) < self._run.pace.concurrency
            if spaced is None
            else spaced.due(str(waiting[0])) <= now_s
        ):
            due.append(waiting.popleft())
        return due

    def _sent(self, references: Sequence[FixtureReference], *, alone: bool) -> Iterator[Told]:
        """Send what is due; tell of what could not be sent, and of what was answered at once."""
        prepared: list[UnderWay] = []
        for reference in references:
            try:
                fixture = self._run.store.load(reference)
                if self._carrier.is_answered(Event(text=fixture.event_text, kind=fixture.kind)):
                    yield self._answered.told(reference)
                else:
                    prepared.append(self._prepared(fixture, alone=alone))
            except ReplayError as error:
                yield FixtureNotRun(reference=reference, error=error)
        acknowledged = self._ledger.progress.acknowledged
        entries = [entry for each in prepared for entry in each.entries if entry.key not in acknowledged]
        sent = self._sender.send(entries) if entries else {}
        for each in prepared:
            problem = self._note_sent(each, sent)
            if problem is None:
                self._under_way[each.key] = each
            else:
                yield FixtureNotRun(reference=each.fixture.reference, error=problem)

    def _prepared(self, fixture: Fixture, *, alone: bool) -> UnderWay:
        text = text_as_sent(fixture, self._carrier, self._run.as_sent)
        key = str(fixture.reference)
        event = Event(text=text, kind=fixture.kind)
        self._carrier.place_objects(fixture.objects)
        entries = self._carrier.entries(event, key=key, marker=marker_of(self._ledger.run, key))
        ids = record_ids_of(fixture)
        findings = Findings(
            [entry.key for entry in entries],
            alone=alone,
            doubts=self._doubts,
            record_ids=ids if len(ids) == len(entries) else (),
            count_lag_s=self._count_lag_s,
            unsigned_lag_s=self._unsigned_lag_s,
        )
        edited = f"{fixture.reference.short}: event.json was edited by hand since it was recorded"
        notes = [*self._carrier.notes, *([edited] if fixture.edited else [])]
        safe = None if self._run.as_sent is as_it_is else partial(report_as_told, fixture, as_sent=self._run.as_sent)
        return UnderWay(fixture=fixture, entries=entries, findings=findings, notes=notes, safe=safe)

    def _note_sent(self, under_way: UnderWay, sent: Mapping[str, Sent]) -> ReplayError | None:
        """Note what is to be looked for; or give why the event cannot be judged: something of it did not arrive."""
        problems = []
        for entry in under_way.entries:
            known = sent.get(entry.key) or self._sent_before(entry)
            if known.acknowledgement is None:
                problems.append(words_as_told(under_way.fixture, known.problem, as_sent=self._run.as_sent))
                continue
            signs = tuple(filter(None, (entry.marker, known.acknowledgement.identity)))
            under_way.sought.append(Sought(key=entry.key, signs=signs, sent_at_ms=known.at_ms))
            if known.doubtful or entry.key in self._doubled:
                under_way.notes.append(_doubt(under_way))
        under_way.notes[:] = dict.fromkeys(under_way.notes)
        sent_at_ms = min((each.sent_at_ms for each in under_way.sought), default=0)
        under_way.findings.sent_at_ms = sent_at_ms - round(self._clocks_differ_s * 1000)
        under_way.deadline_s = self._run.clock() + self._patience_s
        return _not_sent(under_way, problems, self._carrier.travels) if problems else None

    def _sent_before(self, entry: Entry) -> Sent:
        known = self._ledger.progress.acknowledged[entry.key]
        at = datetime.fromisoformat(str(known.get("at"))).timestamp()
        return Sent(acknowledgement=Acknowledgement(identity=str(known.get("identity", ""))), at_ms=round(at * 1000))

    def _ended(self, lookout: Lookout) -> list[FixtureReplayed]:
        """Look, and give what has come to its end, or is waited for no longer."""
        if not self._under_way:
            return []
        sought = [each for one in self._under_way.values() for each in one.sought]
        by_key(lookout.look(sought), {key: one.findings for key, one in self._under_way.items()})
        now_s, told = self._run.clock(), []
        for one in list(self._under_way.values()):
            ended = self._told_of(one, now_s, lookout)
            if ended is not None:
                told.append(ended)
                self._note_end(one.findings, now_s)
                del self._under_way[one.key]
        return told

    def _told_of(self, one: UnderWay, now_s: float, lookout: Lookout) -> FixtureReplayed | None:
        """Judge what has come to its end, or is waited for no longer."""
        run, findings = self._run, one.findings
        if findings.has_ended(now_s):
            if findings.is_only_gone:
                return gone_unseen(one, lookout.reasons())
            if findings.is_mixed:
                return mixed_up(one)
            return replayed(one, redactor=run.redactor, red=run.red, options=run.options)
        if now_s < one.deadline_s and lookout.sees:
            return None
        return overdue(
            one,
            lookout.reasons(),
            after_s=self._patience_s,
            redactor=run.redactor,
            red=run.red,
            options=run.options,
        )

    def _note_end(self, findings: Findings, now_s: float) -> None:
        """Note what of an event that has ended may yet come, and be taken for another's."""
        if not findings.is_signed:
            self._not_before_s = now_s + 2 * self._clocks_differ_s
        if findings.lacks_lines:
            self._doubts = True
        elif findings.shows_its_own:
            self._doubts = False


def marker_of(run: str, key: str) -> str:
    """Give the marker of what the ledger of *run* calls *key*: the same whenever the run is gone on with."""
    return f"replay-{run}-{hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


def _is_known(reference: FixtureReference, ledger: Ledger, tally: Tally) -> bool:
    """Say whether the ledger has the verdict, and count it."""
    observed = ledger.progress.observed.get(str(reference))
    if observed is None or observed.get("verdict") == _UNOBSERVED:
        return False
    tally.count_observed(observed)
    return True


def _doubt(under_way: UnderWay) -> str:
    what = "it" if len(under_way.entries) == 1 else "a part of it"
    return f"{what} was sent once without an answer: it may have arrived once more than told"


def _not_sent(under_way: UnderWay, problems: Sequence[str], travels: str) -> ReplayError:
    total = len(under_way.entries)
    part = f"{len(problems)} of its {total} parts" if total > 1 else "it"
    others = "; the others were sent, and are delivered" if len(problems) < total else ""
    return ReplayError(
        f"{part} could not be sent: {problems[0]}{others}",
        where=travels,
        hint="see what is wrong there, and go on: replay run --resume last",
    )
