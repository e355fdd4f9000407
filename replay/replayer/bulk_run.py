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
from replay.replayer.replayer import FixtureStore, Replayer
from replay.replayer.run_events import FixtureNotRun, FixtureReplayed, RunAdvanced, RunEvent, RunStarted
from replay.replayer.tally import Tally
from replay.replayer.warm_functions import OpenInvoker
from replay.targets.base import Invoker
from replay.targets.bulk import Bulk, BulkItem

MakeReplayer = Callable[[OpenInvoker], Replayer]

_LINES = 1_000
"""So many lines of the ledger are written, and brought to the disk, at once."""

_ONCE = (
    "the function was invoked once: what its event source would deliver again is taken to fail in the same way again"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkRun:
    """
    What a run needs.

    Attributes:
        target: Not entered yet.
        make_replayer: Makes a replayer whose invoker is the given one.
        observation: What the ledger keeps of what became of a fixture.
    """

    target: Bulk
    store: FixtureStore
    make_replayer: MakeReplayer
    open_ledger: Callable[[], Ledger]
    observation: Callable[[FixtureReplayed], Mapping[str, Any]]

    def events(self, references: Sequence[FixtureReference]) -> Generator[RunEvent, None, None]:
        """
        Hand over, wait, and judge; what the ledger has is not sent again.

        A run that was broken off is gone on with where it was: its answers are still there.
        """
        began = perf_counter()
        tally = Tally(total=len(references))
        interrupted = False
        with self.open_ledger() as ledger:
            yield RunStarted(total=tally.total)
            try:
                for told in _Course(self, ledger, references, tally).events():
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
    references: Sequence[FixtureReference]
    tally: Tally
    not_sent: list[FixtureNotRun] = field(default_factory=list)

    def events(self) -> Iterator[FixtureReplayed | FixtureNotRun | RunAdvanced]:
        with self.run.target as target:
            todo, under_way = self._left(target.handles_of(self.ledger.run))
            if todo:
                handle, sent = self._start(target, todo)
                yield from self.not_sent
                if sent:
                    under_way.setdefault(handle, {}).update(sent)
            for handle, references in under_way.items():
                if handle:
                    yield from self._answered(target, handle, references)
                else:
                    yield from (
                        FixtureNotRun(reference=each, error=_no_answer(each, "")) for each in references.values()
                    )

    def _left(self, handles: Sequence[str]) -> tuple[list[FixtureReference], dict[str, dict[str, FixtureReference]]]:
        """
        Give what is still to be sent, and what is under way, by the handle of what it was handed over with.

        What was sent without an acknowledgement belongs to the last of *handles*, unless the ledger knows that one.
        """
        progress = self.ledger.progress
        known = {str(each.get("identity", "")) for each in progress.acknowledged.values()}
        unknown = handles[-1] if handles and handles[-1] not in known else ""
        todo: list[FixtureReference] = []
        under_way: dict[str, dict[str, FixtureReference]] = {}
        for reference in self.references:
            key = str(reference)
            if key in progress.observed:
                self.tally.count_observed(progress.observed[key])
            elif key in progress.acknowledged:
                handle = str(progress.acknowledged[key].get("identity", ""))
                under_way.setdefault(handle, {})[key] = reference
            elif unknown and key in progress.sent:
                under_way.setdefault(unknown, {})[key] = reference
            else:
                todo.append(reference)
        return todo, under_way

    def _start(self, target: Bulk, todo: Sequence[FixtureReference]) -> tuple[str, dict[str, FixtureReference]]:
        """Hand over what can be, and note it: before, and when it was acknowledged; no handle where nothing can be."""
        sent: dict[str, FixtureReference] = {}
        handle = target.start(self._items(target, todo, sent))
        for keys in _chunks(sent):
            self.ledger.acknowledged(keys, identity=handle)
        return handle, sent

    def _items(
        self, target: Bulk, todo: Iterable[FixtureReference], sent: dict[str, FixtureReference]
    ) -> Iterator[BulkItem]:
        waiting = iter(todo)
        while chunk := list(islice(waiting, _LINES)):
            items = [item for reference in chunk if (item := self._item(target, reference)) is not None]
            self.ledger.sent([item.key for item in items])
            sent.update((str(each), each) for each in chunk)
            for refused in {str(each) for each in chunk} - {item.key for item in items}:
                del sent[refused]
            yield from items

    def _item(self, target: Bulk, reference: FixtureReference) -> BulkItem | None:
        try:
            item = BulkItem(key=str(reference), event_text=self.run.store.load(reference).event_text)
            target.check(item)
        except ReplayError as error:
            self.not_sent.append(FixtureNotRun(reference=reference, error=error))
            return None
        return item

    def _answered(
        self, target: Bulk, handle: str, references: dict[str, FixtureReference]
    ) -> Iterator[FixtureReplayed | FixtureNotRun | RunAdvanced]:
        for advance in target.advance(handle):
            yield RunAdvanced(done=advance.done, failed=advance.failed, total=advance.total)
        waiting = dict(references)
        answers = _KnownAnswers()
        with self.run.make_replayer(lambda _: answers) as replayer:
            for answer in target.answers_of(handle):
                reference = waiting.pop(answer.key, None)
                if reference is None:
                    continue  # another run's, or a second answer for one
                answers.reply = answer.reply
                told = replayer.judge(reference)
                if isinstance(told, FixtureReplayed):
                    self.ledger.observed(answer.key, **self.run.observation(told))
                yield told
        why = target.why_missing(handle) if waiting else ""
        yield from (FixtureNotRun(reference=each, error=_no_answer(each, why)) for each in waiting.values())


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


def _chunks(keys: Iterable[str]) -> Iterator[list[str]]:
    waiting = iter(keys)
    while chunk := list(islice(waiting, _LINES)):
        yield chunk


def _no_answer(reference: FixtureReference, why: str) -> ReplayError:
    return ReplayError(
        f"it was handed over, and there is no answer for it{f': {why}' if why else ''}",
        where=str(reference),
        hint=f"replay it by itself: replay run {reference.short} --target lambda:FUNCTION",
    )
