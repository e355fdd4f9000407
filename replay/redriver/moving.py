"""Moving messages: sent, acknowledged, noted, and only then deleted where they were."""

import queue
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import TracebackType
from typing import Any, Self

from replay.ledger.ledger import Ledger
from replay.payloads.captures import Capture
from replay.redriver.batches import Operation, call_batch, problems_of
from replay.redriver.outlet import Outlet, new_ids
from replay.redriver.workers import Workers
from replay.sources.sqs_batches import BATCH_SIZE
from replay.sources.sqs_leases import Leases
from replay.sources.sqs_queue import Queue
from replay.targets.sending import TRIES

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0
_WAITING_EACH = 4
"""How many batches may wait for each thread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """
    What came of moving one message.

    `sent` and not `deleted`: it is in both places; the ledger knows it, and `--resume` deletes it. `doubtful`: it may
    have arrived once more than it should.
    """

    capture: Capture
    to: str
    sent: bool = False
    deleted: bool = False
    doubtful: bool = False
    problem: str = ""


@dataclass(slots=True, kw_only=True)
class _Move:
    """One message on its way."""

    capture: Capture
    outlet: Outlet
    tries: int = 0
    sent: bool = False
    doubtful: bool = False

    @property
    def identity(self) -> str:
        return self.capture.origin.identity


def pause_s(tries: int) -> float:
    """Say how long what has failed *tries* times waits before it is tried again."""
    return min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * (1 << (tries - 1)))


class Mover:
    """
    Moves messages from *leases* to their outlets, by so many threads; what waits for its next try keeps none waiting.

    Nothing is deleted whose send is not acknowledged, and the acknowledgement in the ledger, on the disk.
    """

    def __init__(
        self,
        client: Any,
        *,
        source: Queue,
        leases: Leases,
        ledger: Ledger,
        threads: int = 1,
        back_off: Callable[[int], float] = pause_s,
    ) -> None:
        self._client, self._source = client, source
        self._leases, self._ledger = leases, ledger
        self._back_off = back_off
        self._most_waiting = _WAITING_EACH * threads
        self._workers = Workers(threads, name="redrive-move")
        self._told: queue.SimpleQueue[Moved] = queue.SimpleQueue()
        self._in_doubt = frozenset(ledger.progress.in_doubt)
        self.new_ids = new_ids(ledger.progress.acknowledged)
        """The ids that AWS gave what was sent, also before this run was gone on with: one of them has come back."""

    def __enter__(self) -> Self:
        self._workers.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._workers.__exit__(kind, error, trace)

    def move(self, outlet: Outlet, captures: Sequence[Capture]) -> None:
        """
        Begin to move messages; what cannot be sent stays where it is. What came of each is told by `settled`.

        Raises:
            ReplayError: The ledger could not be written: nothing more is sent.
        """
        known = self._ledger.progress.acknowledged
        moves = [
            _Move(capture=capture, outlet=outlet, doubtful=capture.origin.identity in self._in_doubt)
            for capture in captures
        ]
        arrived = [replace(move, sent=True) for move in moves if move.identity in known]
        for start in range(0, len(arrived), BATCH_SIZE):
            self._add(partial(self._delete, arrived[start : start + BATCH_SIZE]))
        fresh = {move.identity: move for move in moves if move.identity not in known}
        for batch in outlet.batches([move.capture for move in fresh.values()]):
            self._add(partial(self._send, [fresh[capture.origin.identity] for capture in batch]))

    def wait(self) -> None:
        """
        Wait until nothing is under way.

        Raises:
            ReplayError: The ledger could not be written.
        """
        self._workers.wait()

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way."""
        return self._workers.is_idle

    def settled(self) -> list[Moved]:
        """Give what has come to its end since this was asked last."""
        found = []
        while not self._told.empty():
            found.append(self._told.get_nowait())
        return found

    def _add(self, work: Callable[[], object]) -> None:
        self._workers.wait(most=self._most_waiting)
        self._workers.add(work)

    def _send(self, moves: Sequence[_Move]) -> None:
        by_id = {move.identity: move for move in moves}
        self._ledger.sent(list(by_id))
        answered = moves[0].outlet.send([move.capture for move in moves])
        self.new_ids |= new_ids(answered.done)
        refused = {name: {"code": code} for name, code in {**answered.refused, **answered.throttled}.items()}
        self._ledger.note_each({"acknowledged": answered.done, "refused": refused})
        for name in answered.unknown:
            by_id[name].doubtful = True
        problems = problems_of(answered)
        for name in (*answered.refused, *answered.unknown):
            by_id[name].tries += TRIES if name in answered.final else 0
            self._again(self._send, [by_id[name]], problems)
        if answered.throttled:
            self._again(self._send, [by_id[name] for name in answered.throttled], problems)
        for name in answered.done:
            by_id[name].sent, by_id[name].tries = True, 0
        if answered.done:
            self._delete([by_id[name] for name in answered.done])

    def _again(
        self, work: Callable[[Sequence[_Move]], None], moves: Sequence[_Move], problems: Mapping[str, str]
    ) -> None:
        """Put moves off that failed alike, or give them up."""
        for move in moves:
            move.tries += 1
        tries = moves[0].tries
        if tries < TRIES:
            self._workers.add(partial(work, moves), after_s=self._back_off(tries))
            return
        for move in moves:
            self._tell(move, problem=problems[move.identity])

    def _delete(self, moves: Sequence[_Move]) -> None:
        """Delete what arrived; deleting again harms nothing, so what failed or was not answered is tried again."""
        found = {move.identity: self._leases.handle(move.identity) for move in moves}
        handles = {name: handle for name, handle in found.items() if handle is not None}
        held: dict[str, _Move] = {}
        for move in moves:
            if move.identity in handles:
                held[move.identity] = move
            else:
                self._tell(move, problem="the lease ran out")
        if not held:
            return
        entries = {name: {"ReceiptHandle": handle} for name, handle in handles.items()}
        answered = call_batch(_deletes(self._client), self._source.url, entries)
        self._leases.forget({name: handles[name] for name in answered.done})
        for name in answered.done:
            self._tell(held[name], deleted=True)
        problems = problems_of(answered)
        for name in problems:
            self._again(self._delete, [held[name]], problems)

    def _tell(self, move: _Move, *, deleted: bool = False, problem: str = "") -> None:
        self._told.put(
            Moved(
                capture=move.capture,
                to=move.outlet.arn,
                sent=move.sent,
                deleted=deleted,
                doubtful=move.doubtful,
                problem=problem,
            )
        )


def _deletes(client: Any) -> Operation:
    operation: Operation = client.delete_message_batch
    return operation
