"""One redrive: dead letters are leased, judged, and those that succeed are moved; the rest is given back."""

from collections.abc import Callable, Generator
from contextlib import ExitStack
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from replay.functions.function import Function
from replay.ledger.ledger import Ledger
from replay.readers.sides import on_aws
from replay.redriver.dead_letters import DeadLetters
from replay.redriver.judges import FunctionJudges, Judges, Nobody
from replay.redriver.moving import Mover
from replay.redriver.redrive_events import RedriveEvent, RedriveStarted
from replay.redriver.routes import Routes
from replay.redriver.settling import Settling
from replay.replayer.pace import Pace, RateLimit
from replay.sources.sqs_batches import BATCH_SIZE
from replay.sources.sqs_leases import Leases, lease_timeout_s
from replay.sources.sqs_queue import Queue
from replay.targets.base import Invoker

WAIT_S = 1
"""How long an empty receive waits, so that all servers of a queue are asked; an emulator is but one."""

_MOST_RECEIVERS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """
    Who judges.

    Attributes:
        open_invoker: Opens what judges; called once for each that judges at once.
        at_once: How many judge at once.
    """

    function: Function
    open_invoker: Callable[[], Invoker]
    at_once: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Redrive:
    """
    What a redrive needs.

    Attributes:
        client: For receiving and giving back.
        deleting_client: One that makes a single attempt: see `Mover`.
        judging: None moves every message, unjudged.
        open_ledger: None for a dry run: then nothing is moved.
    """

    client: Any
    deleting_client: Any
    source: Queue
    routes: Routes
    judging: Judging | None
    open_ledger: Callable[[], Ledger] | None
    pace: Pace
    limit: int | None = None
    visibility_timeout_s: int | None = None

    def events(self) -> Generator[RedriveEvent, None, None]:
        """
        Judge and move, and tell it message by message; whatever happens, what is not moved is given back.

        Raises:
            ReplayError: The queue can no longer be read, or what judges cannot be opened.
        """
        began = perf_counter()
        visible = self.source.visible
        total = visible if self.limit is None else min(visible, self.limit)
        yield RedriveStarted(total=total)
        with ExitStack() as stack:
            ledger = stack.enter_context(self.open_ledger()) if self.open_ledger else None
            settling = self._settling(stack, ledger, total)
            letters = DeadLetters(self._leases(settling), self.source)
            stack.callback(letters.close)
            try:
                yield from settling.settle(letters)
            except KeyboardInterrupt:
                settling.interrupted = True
                yield from settling.rest()
            unseen = 0 if settling.interrupted or settling.stopped else letters.unseen(self.client)
            notes = (*([letters.why_unseen(unseen)] if unseen else []), *letters.close())
            finished = settling.finished(elapsed_s=perf_counter() - began, notes=notes, unseen=unseen)
            if ledger is not None:
                ledger.ended(
                    outcomes=dict(finished.outcomes), interrupted=finished.interrupted, stopped=finished.stopped
                )
            yield finished

    def _settling(self, stack: ExitStack, ledger: Ledger | None, total: int) -> Settling:
        return Settling(
            judges=stack.enter_context(self._judges(stack)),
            routes=self.routes,
            ledger=ledger,
            make_mover=self._mover,
            pace=self.pace,
            total=total,
            chunk_size=BATCH_SIZE * self.pace.concurrency,
        )

    def _judges(self, stack: ExitStack) -> Judges:
        limit = RateLimit(self.pace.rate_per_s, ramp_up_s=self.pace.ramp_up_s)
        if self.judging is None:
            return Nobody(limit)
        invokers = [stack.enter_context(self.judging.open_invoker()) for _ in range(self.judging.at_once)]
        return FunctionJudges(invokers, self.judging.function, limit)

    def _mover(self, leases: Leases, ledger: Ledger) -> Mover:
        return Mover(
            self.deleting_client, source=self.source, leases=leases, ledger=ledger, threads=self.pace.concurrency
        )

    def _leases(self, settling: Settling) -> Leases:
        return Leases(
            self.client,
            self.source,
            concurrency=min(self.pace.concurrency, _MOST_RECEIVERS),
            wait_s=WAIT_S if on_aws(self.client) else 0,
            visibility_timeout_s=self.visibility_timeout_s or lease_timeout_s(self.source.visible),
            limit=self.limit,
            settled=lambda: settling.is_idle,
        )
