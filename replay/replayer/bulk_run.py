"""A run through a target that takes all events at once: handed over, waited for, and judged one by one at the end."""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from time import perf_counter
from types import TracebackType
from typing import Any

from replay.delivery.attempt import Attempt, Reply
from replay.errors import ReplayError
from replay.fixtures.fixture import FixtureReference
from replay.ledger.ledger import Ledger
from replay.payloads.aws_calls import Fault
from replay.replayer.judging import Judging
from replay.replayer.run_events import FixtureNotRun, FixtureReplayed, RunAdvanced, RunEvent, RunStarted
from replay.replayer.tally import Tally
from replay.replayer.warm_functions import OpenInvoker
from replay.targets.base import Invoker
from replay.targets.bulk import Bulk, BulkAnswer, BulkItem

_LINES = 1_000
"""So many keys are written to the ledger, and brought to the disk, at once."""

_ONCE = (
    "the function was invoked once: what its event source would deliver again is taken to fail in the same way again"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkRun:
    """
    What a run needs; it keeps a byte of each event, however many there are.

    Attributes:
        target: Not entered yet.
        event_text: Gives the event of a reference, or raises ReplayError.
        reference_of: Gives the reference that an answer belongs to, or that has a key; the answer is None for that.
        make_replayer: Makes a replayer whose invoker is the given one.
        observation: What the ledger keeps of what became of a fixture.
    """

    target: Bulk
    event_text: Callable[[FixtureReference], str]
    reference_of: Callable[[str, BulkAnswer | None], FixtureReference]
    make_replayer: Callable[[OpenInvoker], Judging]
    open_ledger: Callable[[], Ledger]
    observation: Callable[[FixtureReplayed], Mapping[str, Any]]

    def events(self, references: Iterable[FixtureReference], *, total: int) -> Generator[RunEvent, None, None]:
        """
        Hand over, wait, and judge; what the ledger has is not sent again.

        A run that was broken off is gone on with where it was: its answers are still there.

        Args:
            total: How many *references* there are, which are taken one by one.
        """
        began = perf_counter()
        tally = Tally(total=total)
        interrupted = False
        with self.open_ledger() as ledger:
            tally.count_before(ledger.standing.verdicts)
            yield RunStarted(total=tally.total)
            try:
                for told in _Course(self, ledger, references).events():
                    if not isinstance(told, RunAdvanced):
                        tally.count(told)
                    yield told
            except KeyboardInterrupt:
                interrupted = True
            finished = tally.finished(elapsed_s=perf_counter() - began, interrupted=interrupted)
            ledger.ended(verdicts=dict(finished.verdicts), interrupted=interrupted, stopped="")
        yield replace(finished, run=ledger.run)


@dataclass(slots=True)
class _Course:
    """One run under way."""

    run: BulkRun
    ledger: Ledger
    references: Iterable[FixtureReference]
    not_sent: list[FixtureNotRun] = field(default_factory=list)

    def events(self) -> Iterator[FixtureReplayed | FixtureNotRun | RunAdvanced]:
        standing = self.ledger.standing
        with self.run.target as target:
            known = list(standing.identities)
            started = target.handles_of(self.ledger.run)
            # What was sent without an acknowledgement belongs to the last that was started, unless the ledger knows it.
            lost = [started[-1]] if started and started[-1] not in known and any(standing.unacknowledged()) else []
            for each in lost:
                self._acknowledge(each)
            handle = target.start(self._items(target))
            yield from self.not_sent
            if handle:
                self._acknowledge(handle)
            handles = list(dict.fromkeys(filter(None, [*known, *lost, handle])))
            for each in handles:
                yield from self._answered(target, each)
            yield from self._without_answer(target, handles)

    def _items(self, target: Bulk) -> Iterator[BulkItem]:
        """Give what is still to be handed over, and note it before."""
        standing, waiting = self.ledger.standing, iter(self.references)
        while chunk := list(islice(waiting, _LINES)):
            items = [item for reference in chunk if (item := self._item(target, reference))]
            self.ledger.sent([item.key for item in items])
            for item in items:
                standing.mark("sent", item.key)
            yield from items

    def _item(self, target: Bulk, reference: FixtureReference) -> BulkItem | None:
        key, standing = str(reference), self.ledger.standing
        if standing.is_observed(key) or standing.is_acknowledged(key):
            return None
        try:
            item = BulkItem(key=key, event_text=self.run.event_text(reference))
            target.check(item)
        except ReplayError as error:
            self.not_sent.append(FixtureNotRun(reference=reference, error=error))
            return None
        return item

    def _acknowledge(self, handle: str) -> None:
        standing = self.ledger.standing
        keys = standing.unacknowledged()
        while chunk := list(islice(keys, _LINES)):
            self.ledger.acknowledged(chunk, identity=handle)
            for key in chunk:
                standing.mark("acknowledged", key)

    def _answered(self, target: Bulk, handle: str) -> Iterator[FixtureReplayed | FixtureNotRun | RunAdvanced]:
        for advance in target.advance(handle):
            yield RunAdvanced(done=advance.done, failed=advance.failed, total=advance.total)
        standing, known = self.ledger.standing, _KnownAnswers()
        with self.run.make_replayer(lambda _: known) as replayer:
            for number, answer in enumerate(target.answers_of(handle), start=1):
                if standing.is_observed(answer.key) or not standing.is_sent(answer.key):
                    continue  # another run's, or a second answer for one
                known.reply = answer.reply
                told = replayer.judge(self.run.reference_of(answer.key, answer))
                if isinstance(told, FixtureReplayed):
                    self.ledger.observed(answer.key, waits=number % _LINES == 0, **self.run.observation(told))
                standing.mark("observed", answer.key)
                yield told
        self.ledger.sync()

    def _without_answer(self, target: Bulk, handles: Sequence[str]) -> Iterator[FixtureNotRun]:
        why = ""
        for number, key in enumerate(self.ledger.standing.unobserved()):
            if not number and handles:
                why = target.why_missing(handles[-1])
            reference = self.run.reference_of(key, None)
            yield FixtureNotRun(reference=reference, error=_no_answer(reference, why))


class _KnownAnswers(Invoker):
    """Answers every invocation with the reply that is known already."""

    name = "known"

    def __init__(self) -> None:
        self.reply: Reply | None = None
        self._again = False

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave nothing."""

    def begin(self, *, at: datetime | None = None, faults: Sequence[Fault] = ()) -> None:
        """
        Start a fixture.

        Raises:
            ReplayError: It has faults, which a deployed function cannot meet.
        """
        del at
        self._again = False
        if faults:
            raise ReplayError(
                "the calls of a deployed function cannot be made to fail",
                where=", ".join(fault.call for fault in faults),
                hint="replay this fixture with --target local",
            )

    def invoke(self, attempt: Attempt) -> Reply:
        """Give the reply, for each attempt the same."""
        assert self.reply is not None
        self._again = self._again or attempt.number > 1
        return self.reply

    @property
    def notes(self) -> tuple[str, ...]:
        """Say where one answer stood for several."""
        return (_ONCE,) if self._again else ()


def _no_answer(reference: FixtureReference, why: str) -> ReplayError:
    return ReplayError(
        f"it was handed over, and there is no answer for it{f': {why}' if why else ''}",
        where=str(reference),
        hint=f"replay it by itself: replay run {reference.short} --target lambda:FUNCTION",
    )
