"""Leases on the messages of a queue: taken by several threads at once, kept for as long as needed, all given back."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

from replay.readers.aws_errors import aws_errors, error_code
from replay.sources.read_ahead import ReadAhead
from replay.sources.sqs_batches import BATCH_SIZE, Failed, send_batch
from replay.sources.sqs_held_messages import HeldMessages, Message
from replay.sources.sqs_queue import Queue, read_queue

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

NEARLY_ALL_IN_FLIGHT = 114_000
"""
SQS Developer Guide, "Amazon SQS message quotas": about 120,000 messages of a queue may be in flight. Its count of them
is approximate.
"""

AHEAD_BYTES = 256 * 1024

ENOUGH_EMPTY_POLLS = 3
MOST_EMPTY_POLLS = 10
_NOTHING_NEW_FOR_S = 2.0
"""For so long nothing new has come where short polls end a queue that counts messages yet: ten of them take no time."""

_KNOWN_AGAIN_FOR_S = 10.0
"""For so long messages whose leases have run out may come again and again, before those that nobody has seen."""

GIVE_BACK_CONCURRENCY = 16
RENEW_CONCURRENCY = 4
_OVERHEAD_BYTES = 4_000
_TICK_S = 0.1
_PAUSE_S, _LONGER_PAUSE_S = 0.03, 0.25
_PATIENCE_S = 35
_ALREADY_VISIBLE = {
    "ReceiptHandleIsInvalid", "MessageNotInflight", "AWS.SimpleQueueService.MessageNotInflight",
    "InvalidParameterValue",
}  # fmt: skip
"""
What SQS answers about a lease that has run out: the message is back in its queue already, or gone.

An extension beyond 12 hours is refused with `InvalidParameterValue` too, while the lease still runs.
"""


class GivenBack(NamedTuple):
    """How a recording left its queue: `kept_for_s` is the time after which the last of the *unreleased* return."""

    released: int
    unreleased: int
    kept_for_s: float


class Leases:
    """
    Every message of one queue, received once and held invisible until it is deleted or given back.

    Only ids and receipt handles are kept in memory; of bodies no more than *ahead_bytes*. A message that is
    received twice (standard queues deliver at least once) is given once, and its newer handle replaces the older one.
    One that comes once more although its deletion was acknowledged is deleted again at the end.

    Args:
        limit: How many messages to receive at most; may grow while they are taken.
        ahead_bytes: About how much is received before it is taken.
        gives_back_early: Give everything back as soon as the queue has no more, while what came is still taken: for who
            needs no handle. Otherwise all is held until `give_back`.
        settled: Asked whether all that was given is done with. Where it is not, an empty poll of a FIFO queue, or of
            one with too many messages in flight, is no sign of the end: being drained, it gives more later.

    Source: SQS Developer Guide, "Amazon SQS visibility timeout", "Amazon SQS short and long polling" (a long poll asks
    all servers of a queue), "Amazon SQS message quotas" (in flight: `OverLimit` from a short poll of a standard queue,
    otherwise just no messages); API `DeleteMessage` (by an old handle "the request succeeds, but the message might not
    be deleted"; a server that was unavailable may deliver its copy again).
    """

    def __init__(
        self,
        client: "SQSClient",
        queue_: Queue,
        *,
        concurrency: int,
        visibility_timeout_s: int,
        wait_s: int = 1,
        limit: int | None = None,
        ahead_bytes: int = AHEAD_BYTES,
        gives_back_early: bool = False,
        settled: Callable[[], bool] = lambda: True,
    ) -> None:
        self._client = client
        self._queue = queue_
        self._concurrency = concurrency
        self._visibility_timeout_s = visibility_timeout_s
        self._wait_s = wait_s
        self.limit = limit
        self._gives_back_early = gives_back_early
        self._settled = settled
        self._ready = ReadAhead[Message](ahead_bytes, _about_bytes)
        self._lock = threading.Lock()
        self._held = HeldMessages()
        self._asked_for = 0
        self._empty_polls = 0
        self._last_arrival = 0.0
        self._running = 0
        self._stop = threading.Event()
        self._renewed_enough = threading.Event()
        self._giving_back = threading.Lock()
        self._released = 0
        self._error: BaseException | None = None
        self._threads: list[threading.Thread] = []
        self._unreachable = False
        self.over_limit = False

    # Taking

    def messages(self, before_waiting: Callable[[], None] = lambda: None) -> Iterator[Message]:
        """
        Give every message of the queue once, until it has no more.

        Args:
            before_waiting: Called whenever no message is ready, so that the caller can finish what it put off.

        Raises:
            AwsError: A receive failed for good; what was given until then is still held.
        """
        self._start()
        given = 0
        while True:
            if self._ready.is_empty:
                before_waiting()
                if given == self.limit:
                    break
            batch = self._ready.take()
            if not batch:
                break
            given += len(batch)
            yield from batch
        if self._error is not None:
            raise self._error

    def _start(self) -> None:
        self._running, self._last_arrival = self._concurrency, time.monotonic()
        work = [self._renew_all] + [self._receive_all] * self._concurrency
        self._threads = [threading.Thread(target=task, daemon=True, name=f"sqs-{task.__name__}") for task in work]
        for thread in self._threads:
            thread.start()

    def _receive_all(self) -> None:
        try:
            while not self._stop.is_set() and not self._ended():
                size = self._reserve()
                while size == 0 and not self._stop.wait(_PAUSE_S):  # the limit may grow yet
                    size = self._reserve()
                if size == 0:
                    break
                seen, settled = self.seen, self._settled()
                found = self._receive(size)
                fresh = self._hold(found, size)
                if fresh:
                    self._hand_over(fresh)
                    continue
                # What another thread received meanwhile may be all that kept this poll empty.
                waits = (self._queue.fifo or self.over_limit) and not (settled and seen == self.seen)
                if not waits and self._nothing_new_for_s() >= (_KNOWN_AGAIN_FOR_S if found else self._wait_s / 2):
                    with self._lock:
                        self._empty_polls += 1
                # The other threads' polls end now too, and together they may end it all.
                self._stop.wait(_PAUSE_S if self._empty_polls < MOST_EMPTY_POLLS else _LONGER_PAUSE_S)
        except BaseException as error:  # noqa: BLE001 - it is raised again in the thread that waits for messages
            self._error = self._error or error
            self._stop.set()
        finally:
            with self._lock:
                self._running -= 1
                last = self._running == 0
            if last:
                self._ready.end()
        if last and self._gives_back_early and not self._stop.is_set():
            self._give_back_early()

    def _receive(self, size: int) -> Sequence[Any]:
        with aws_errors(where=f"queue {self._queue.name}", service="sqs"):
            try:
                answer = self._client.receive_message(
                    QueueUrl=self._queue.url,
                    MaxNumberOfMessages=size,
                    WaitTimeSeconds=self._wait_s,
                    VisibilityTimeout=self._visibility_timeout_s,
                    MessageSystemAttributeNames=["All"],
                    MessageAttributeNames=["All"],
                )
            except self._client.exceptions.ClientError as error:
                if not error_code(error).endswith("OverLimit"):
                    raise
                self.over_limit = True
                return ()
        return answer.get("Messages", ())

    def _reserve(self) -> int:
        """Say how many messages this thread may ask for now, so that a limit is never exceeded."""
        with self._lock:
            room = BATCH_SIZE if self.limit is None else self.limit - self.seen - self._asked_for
            size = max(0, min(BATCH_SIZE, room))
            self._asked_for += size
            return size

    def _hold(self, messages: Sequence[Message], size: int) -> list[Message]:
        fresh = self._held.hold(messages, time.monotonic() + self._visibility_timeout_s)
        with self._lock:
            self._asked_for -= size
            if fresh:
                self._last_arrival = time.monotonic()
                self._empty_polls = 0
                self.over_limit = False
        return fresh

    def _hand_over(self, batch: list[Message]) -> None:
        is_waiting = True
        while is_waiting and not self._stop.is_set():
            is_waiting = not self._ready.put(batch, within_s=_TICK_S)

    def _ended(self) -> bool:
        """
        Say whether the queue has given all that it will.

        One empty long poll is not the end of a standard queue, and AWS's counts are approximations. So one ends it
        where its count is zero and we have seen as many as it promised; a few do where its count is zero, since others
        may have taken the rest, or polls are short; and ten do in any case, short ones when time has passed.
        """
        empty = self._empty_polls
        if empty == 0 or self.over_limit:
            return empty > 0  # of one with too many in flight, only those polls count that no deletion made room for
        if self._queue.fifo and empty < ENOUGH_EMPTY_POLLS:
            return False
        with aws_errors(where=f"queue {self._queue.name}", service="sqs"):
            now = read_queue(self._client, self._queue.url)
        if now.visible and now.in_flight >= NEARLY_ALL_IN_FLIGHT:
            with self._lock:
                self.over_limit, self._empty_polls = True, 0
            return False
        if self._queue.fifo:
            return True  # its count includes the messages behind those that we hold
        if empty >= MOST_EMPTY_POLLS and (self._wait_s or self._nothing_new_for_s() >= _NOTHING_NEW_FOR_S):
            return True
        is_told = self._wait_s > 0 and self.seen >= self._queue.visible
        return now.visible == 0 and (empty >= ENOUGH_EMPTY_POLLS or is_told)

    def _nothing_new_for_s(self) -> float:
        return time.monotonic() - self._last_arrival

    # Keeping

    def _renew_all(self) -> None:
        try:
            with ThreadPoolExecutor(RENEW_CONCURRENCY, thread_name_prefix="sqs-renew") as pool:
                while not self._renewed_enough.wait(max(_TICK_S, self._visibility_timeout_s / 8)):
                    soon = time.monotonic() + self._visibility_timeout_s / 2
                    list(pool.map(self._renew, _batches(self._held.expiring(soon))))
        except BaseException as error:  # noqa: BLE001 - it is raised again in the thread that waits for messages
            self._error = self._error or error
            self._stop.set()

    def _renew(self, identities: Sequence[str]) -> None:
        if self._renewed_enough.is_set():
            return
        expires = time.monotonic() + self._visibility_timeout_s
        sent, failures = self._change_visibility(identities, self._visibility_timeout_s)
        self._held.renewed({name: handle for name, handle in sent.items() if name not in failures}, expires)
        refused = {name for name, failure in failures.items() if failure.code in _ALREADY_VISIBLE}
        self._held.lose({name: handle for name, handle in sent.items() if name in refused})

    def _change_visibility(
        self, identities: Sequence[str], timeout_s: int
    ) -> tuple[Mapping[str, str], Mapping[str, Failed]]:
        """Give the handles that were sent, and what failed, both by message id."""
        held = self._held.handles(identities)
        if not held:
            return {}, {}
        entries = [{"ReceiptHandle": handle, "VisibilityTimeout": timeout_s} for handle in held.values()]
        _, failures = send_batch(self._client.change_message_visibility_batch, self._queue.url, entries)
        names = list(held)
        return held, {names[failure.place]: failure for failure in failures}

    # Giving up

    def handle(self, identity: str) -> str | None:
        """Give the newest receipt handle of a message, or None when we no longer hold it for certain."""
        return self._held.handle(identity)

    def forget(self, deleted: Mapping[str, str]) -> None:
        """Note that SQS acknowledged the deletion of these messages, each by this handle: none is given back."""
        self._held.deleted(deleted)

    def still_held(self) -> GivenBack:
        """Say what would be left if giving back were broken off now."""
        return GivenBack(0, len(self._held), max(0.0, self._held.last_expiry() - time.monotonic()))

    @property
    def seen(self) -> int:
        """How many different messages were received."""
        return self._held.seen

    @property
    def lost(self) -> int:
        """How many leases could not be kept."""
        return self._held.lost

    def stop(self) -> None:
        """
        Receive no more; messages that are on their way are held too, so that they can be given back.

        A thread that hangs in the network is left behind after a while: what it still receives returns by itself.
        """
        self._stop.set()
        self._renewed_enough.set()
        patience = time.monotonic() + self._wait_s + _PATIENCE_S
        for thread in self._threads:
            while thread.is_alive() and time.monotonic() < patience:
                self._ready.clear()
                thread.join(_TICK_S)

    def _give_back_early(self) -> None:
        """Give back while what came is still taken; a renewal that came behind would hide a message once more."""
        self._renewed_enough.set()
        self._threads[0].join()
        self.give_back()

    def give_back(self) -> GivenBack:
        """Make every message that is still held visible again, at once; call `stop` first."""
        with self._giving_back, ThreadPoolExecutor(max(GIVE_BACK_CONCURRENCY, self._concurrency)) as pool:
            list(pool.map(self._delete_again, _batches(self._held.to_delete_again())))
            self._released += sum(pool.map(self._release, _batches(self._held.to_release())))
            return self.still_held()._replace(released=self._released)

    def _delete_again(self, identities: Sequence[str]) -> None:
        held = list(self._held.handles(identities).items())
        entries = [{"ReceiptHandle": handle} for _, handle in held]
        done, _ = send_batch(self._client.delete_message_batch, self._queue.url, entries)
        self._held.deleted(dict(held[place] for place in done))

    def _release(self, identities: Sequence[str]) -> int:
        """Give back; say how many messages."""
        if self._unreachable:
            return 0
        _, failures = self._change_visibility(identities, 0)
        # Each call tries for half a minute: with the network gone, thousands of them would never end.
        if not all(failure.answered for failure in failures.values()):
            self._unreachable = True
        unreleased = {identity for identity, failure in failures.items() if failure.code not in _ALREADY_VISIBLE}
        released = [identity for identity in identities if identity not in unreleased]
        self._held.released(released)
        return len(released)


def _batches(identities: Sequence[str]) -> list[Sequence[str]]:
    return [identities[start : start + BATCH_SIZE] for start in range(0, len(identities), BATCH_SIZE)]


def _about_bytes(message: Message) -> int:
    attributes = message.get("MessageAttributes", {}).values()
    values = sum(len(each.get("StringValue") or each.get("BinaryValue") or "") for each in attributes)
    return len(message.get("Body", "")) + values + _OVERHEAD_BYTES


def lease_timeout_s(about: int) -> int:
    """
    Choose for how long messages are leased at first: two minutes, and longer for a queue with very many.

    Long enough that renewing is rare, short enough that after a crash the messages are soon back by themselves.
    """
    return max(120, min(1800, about // 50))
