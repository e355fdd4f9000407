"""One redrive: dead letters are leased, judged, and those that succeed are moved; the rest is given back."""

from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from replay.functions.function import Function
from replay.ledger.ledger import Ledger
from replay.redriver.dead_letters import DeadLetters
from replay.redriver.judges import Judges
from replay.redriver.moving import DeduplicationIds, Mover
from replay.redriver.redrive_events import RedriveEvent, RedriveStarted
from replay.redriver.settling import Settling
from replay.replayer.pace import Pace, RateLimit
from replay.sources.sqs_batches import BATCH_SIZE
from replay.sources.sqs_leases import Leases, lease_timeout_s
from replay.sources.sqs_queue import Queue
from replay.targets.base import Invoker

WAIT_S = 1
"""How long an empty receive waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Redrive:
    """
    What a redrive needs.

    Attributes:
        client: For receiving and giving back.
        sending_client: One that makes a single attempt: see `Mover`.
        to: Where messages go, by the ARN of the queue that they failed in; under an empty ARN those of any queue.
        open_invoker: Opens what judges; called once for each that judges at once.
        open_ledger: None for a dry run: then nothing is moved.
    """

    client: Any
    sending_client: Any
    source: Queue
    to: Mapping[str, Queue]
    function: Function
    open_invoker: Callable[[], Invoker]
    open_ledger: Callable[[], Ledger] | None
    pace: Pace
    limit: int | None = None
    visibility_timeout_s: int | None = None
    deduplication_ids: DeduplicationIds = "renew"
    judges: int = 1

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
            notes = letters.close()
            finished = settling.finished(elapsed_s=perf_counter() - began, notes=notes)
            if ledger is not None:
                ledger.ended(
                    outcomes=dict(finished.outcomes), interrupted=finished.interrupted, stopped=finished.stopped
                )
            yield finished

    def _settling(self, stack: ExitStack, ledger: Ledger | None, total: int) -> Settling:
        limit = RateLimit(self.pace.rate_per_s)
        invokers = [stack.enter_context(self.open_invoker()) for _ in range(self.judges)]
        judges = stack.enter_context(Judges(invokers, self.function, limit))
        return Settling(
            judges=judges,
            to=self.to,
            ledger=ledger,
            make_mover=self._mover,
            pace=self.pace,
            total=total,
            chunk_size=BATCH_SIZE * self.pace.concurrency,
        )

    def _mover(self, to: Queue, leases: Leases, ledger: Ledger) -> Mover:
        return Mover(
            self.sending_client,
            source=self.source,
            to=to,
            leases=leases,
            ledger=ledger,
            deduplication_ids=self.deduplication_ids,
        )

    def _leases(self, settling: Settling) -> Leases:
        return Leases(
            self.client,
            self.source,
            concurrency=min(self.pace.concurrency, 16),
            wait_s=WAIT_S,
            visibility_timeout_s=self.visibility_timeout_s or lease_timeout_s(self.source.visible),
            limit=self.limit,
            settled=lambda: settling.is_idle,
        )
