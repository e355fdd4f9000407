"""Draining: deleting, or moving to another queue, what has a fixture of its own; nothing else, nothing too early."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from replay.payloads.captures import Capture
from replay.sources.base import Settlement
from replay.sources.sqs_batches import BATCH_SIZE, send_batch
from replay.sources.sqs_leases import Leases
from replay.sources.sqs_messages import outgoing_message, size_bytes
from replay.sources.sqs_queue import Queue

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

NOT_KEPT = "no fixture was kept"
CHANGED = "redaction made changes: add --drain-to QUEUE, or --accept-redacted"
SAYS_MORE = "around its event it says more than a fixture holds: add --drain-to QUEUE, or --accept-redacted"
MOST_BATCH_BYTES = 1_048_576
"""SQS counts the whole batch against the size limit of one message (aws-validated recordings of 2025-08)."""


class Drain:
    """
    Consumes what is settled, in batches, behind the recorder's back.

    A message is deleted only after its fixture is durably on disk, and where that does not hold all of it (redaction
    changed it, it said more), only after *move_to* has acknowledged a copy, or when the user accepts the fixture as
    enough. So at each moment every message is in its queue, or whole on disk, or in *move_to*; killed in between, it
    may be in both.
    """

    def __init__(
        self,
        client: "SQSClient",
        queue: Queue,
        leases: Leases,
        *,
        move_to: Queue | None,
        accept_redacted: bool,
        concurrency: int,
    ) -> None:
        self._client = client
        self._queue = queue
        self._leases = leases
        self._move_to = move_to
        self._accept_redacted = accept_redacted
        self._lock = threading.Lock()
        self._deletes: list[str] = []
        self._moves: list[Capture] = []
        self._moves_bytes = 0
        # The order of a FIFO queue's groups is kept by sending one batch after the other.
        self._pool = ThreadPoolExecutor(1 if move_to and move_to.fifo else concurrency, thread_name_prefix="sqs-drain")
        # Work that waits holds bodies: no more than a few batches of it may pile up.
        self._room = threading.BoundedSemaphore(4 * concurrency)
        self._pending = 0
        self.deleted = 0
        self.moved = 0
        self.left: Counter[str] = Counter()
        """How many messages stay in the queue, by reason."""
        self._error: BaseException | None = None

    def settle(self, settlement: Settlement) -> None:
        """Consume one message, or note why it stays."""
        if not settlement.kept:
            self._count_left([NOT_KEPT])
        elif self._accept_redacted or (settlement.whole and not settlement.changed):
            self._deletes.append(settlement.capture.origin.identity)
            if len(self._deletes) == BATCH_SIZE:
                self._flush_deletes()
        elif self._move_to is not None:
            self._put_off_move(settlement.capture)
        else:
            self._count_left([CHANGED if settlement.changed else SAYS_MORE])

    def _put_off_move(self, capture: Capture) -> None:
        size = size_bytes(capture)
        if self._moves_bytes + size > MOST_BATCH_BYTES:
            self._flush_moves()
        self._moves.append(capture)
        self._moves_bytes += size
        if len(self._moves) == BATCH_SIZE:
            self._flush_moves()

    def flush(self) -> None:
        """Begin what was put off until a batch is full."""
        self._flush_deletes()
        self._flush_moves()

    def busy(self) -> bool:
        """Say whether anything settled is not yet consumed."""
        return bool(self._deletes or self._moves or self._pending)

    def close(self) -> None:
        """Finish everything that was settled."""
        self.flush()
        self._pool.shutdown(wait=True)
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def _flush_deletes(self) -> None:
        identities, self._deletes = self._deletes, []
        if identities:
            self._submit(lambda: self._delete(identities, moved=False))

    def _flush_moves(self) -> None:
        captures, self._moves, self._moves_bytes = self._moves, [], 0
        if captures:
            self._submit(lambda: self._move(captures))

    def _submit(self, task: Callable[[], None]) -> None:
        self._room.acquire()
        with self._lock:
            self._pending += 1

        def run() -> None:
            try:
                task()
            except BaseException as error:  # noqa: BLE001 - it is raised again by close, in the recorder's thread
                self._error = self._error or error
            finally:
                with self._lock:
                    self._pending -= 1
                self._room.release()

        self._pool.submit(run)

    def _move(self, captures: Sequence[Capture]) -> None:
        target = self._move_to
        if target is None:
            return
        entries = [outgoing_message(capture, fifo=target.fifo) for capture in captures]
        sent, failed = send_batch(self._client.send_message_batch, target.url, entries)
        self._count_left(f"not sent to {target.name}: {failure.code}" for failure in failed)
        self._delete([captures[index].origin.identity for index in sorted(sent)], moved=True)

    def _delete(self, identities: Sequence[str], *, moved: bool) -> None:
        handles = [(identity, self._leases.handle(identity)) for identity in identities]
        held = [(identity, handle) for identity, handle in handles if handle is not None]
        self._count_left("the lease ran out" for _ in range(len(handles) - len(held)))
        if not held:
            return
        entries = [{"ReceiptHandle": handle} for _, handle in held]
        done, failed = send_batch(self._client.delete_message_batch, self._queue.url, entries)
        self._leases.forget(dict(held[index] for index in done))
        self._count_left(f"not deleted: {failure.code}" for failure in failed)
        with self._lock:
            if moved:
                self.moved += len(done)
            else:
                self.deleted += len(done)

    def _count_left(self, reasons: Iterable[str]) -> None:
        with self._lock:
            self.left.update(reasons)
