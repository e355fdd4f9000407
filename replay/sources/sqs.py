"""The messages of an SQS queue, most often a dead-letter queue: leased, recorded, and given back or drained."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from replay.counted_nouns import counted
from replay.errors import ConfigurationError
from replay.payloads.captures import Capture, Origin
from replay.readers.sides import on_aws
from replay.sources.base import Consumed, Recording, Settlement, Source
from replay.sources.permissions import AwsPlace, Permission
from replay.sources.sqs_drain import Drain
from replay.sources.sqs_held_messages import Message
from replay.sources.sqs_leases import GIVE_BACK_CONCURRENCY, GivenBack, Leases, lease_timeout_s
from replay.sources.sqs_messages import message_capture, sent_at
from replay.sources.sqs_options import SqsOptions
from replay.sources.sqs_permissions import queue_permissions
from replay.sources.sqs_queue import (
    Address,
    Queue,
    RedriveSources,
    find_queue,
    live_consumers,
    queue_address,
    read_queue,
    refuse_circle,
    refuse_live_queue,
)

DEFAULT_CONCURRENCY = 2
"""Behind 15 ms of latency two receives bring what one process can redact and write; see benchmarks/."""

EMULATOR_CONCURRENCY = 4
"""Without latency two receives leave the server idle while they wait for the interpreter's lock; see benchmarks/."""

MOST_AHEAD_BYTES = 8 * 1024 * 1024
"""How much is received before it is recorded, so that asking the queue and writing fixtures go on side by side."""

_EXPIRY_NEAR = timedelta(days=1)


class SqsSource(Source):
    """
    An SQS queue.

    Never consumes unless told to drain. Source: SQS API `ReceiveMessage`, `ChangeMessageVisibilityBatch`.
    """

    name = "sqs"
    summary = "the messages of an SQS queue, such as a dead-letter queue"
    options = SqsOptions
    gives_clients = True

    def __init__(self, options: SqsOptions) -> None:
        self._options = options

    def permissions(self, at: AwsPlace) -> tuple[Permission, ...]:
        """Reading and giving back; and what draining and moving need, where they are asked for."""
        options = self._options
        return queue_permissions(options.queue, at, drains=options.drain, move_to=options.drain_to)

    def open(self) -> "SqsRecording":
        """
        Find the queue, and refuse what could harm production, before anything is received.

        Raises:
            SourceError: The option names no queue.
            SourceRefused: Receiving counts against the queue's redrive policy, or the drain would feed itself.
            ConfigurationError: The region option contradicts the queue's ARN or URL.
            AwsError: Credentials, region, permission, name.
        """
        options = self._options
        address = queue_address(options.queue)
        _refuse_other_region("--region", options.region, address)
        client = self._client("sqs", address)
        queue = find_queue(client, address)
        if not options.force:
            refuse_live_queue(queue)
        sources = RedriveSources(client, queue)
        move_to = self._move_to(client)
        if move_to is not None:
            refuse_circle(queue, move_to, sources, forced=options.force)
        recording = SqsRecording(client, queue, options, sources, move_to)
        functions = self._client("lambda", address)
        # With AWS_ENDPOINT_URL_SQS alone, an emulator's queue would be looked for in a real account.
        same_side = on_aws(client) or not on_aws(functions)
        recording.ask_consumers = partial(live_consumers, queue, functions if same_side else None)
        recording.client_of = partial(self._client, address=address) if same_side else None
        return recording

    def _move_to(self, client: Any) -> Queue | None:
        if not self._options.drain_to:
            return None
        address = queue_address(self._options.drain_to)
        _refuse_other_region("the queue's region", client.meta.region_name, address)
        return find_queue(client, address)

    def _client(self, service: str, address: Address) -> Any:
        pool = 2 * (self._options.concurrency or EMULATOR_CONCURRENCY) + GIVE_BACK_CONCURRENCY
        checks = service != "sqs"  # measured: to check each of its calls takes a twelfth of the time of a recording
        return self._options.client(service, region=address.region, max_pool_connections=pool, checks_parameters=checks)


def _refuse_other_region(name: str, region: str | None, address: Address) -> None:
    """A queue of the same name in the other region would be taken for the one that is meant."""
    if region and address.region not in {"", region}:
        raise ConfigurationError(
            f"queue {address.name} is in {address.region}, but {name} is {region}",
            where=f"queue {address.name}",
            expected=f"one region; between {region} and {address.region} nothing is read or moved",
            hint="leave out --region, or name a queue of that region",
        )


class SqsRecording(Recording):
    """One pass over one queue."""

    def __init__(
        self, client: Any, queue: Queue, options: SqsOptions, sources: RedriveSources, move_to: Queue | None
    ) -> None:
        self._client = client
        self._queue = queue
        self._options = options
        self._sources = sources
        self._move_to = move_to
        self._limit: int | None = None
        self._leases: Leases | None = None
        self._drain: Drain | None = None
        self._given = 0
        self._finished = 0
        self._all_given = False
        self._closed = False
        self._near_expiry = 0
        self._first_expiry: datetime | None = None
        self.notes = []
        self.consumes = options.drain
        self.ask_consumers: Callable[[], list[str]] = list
        """Says, as notes, who else takes messages; asked once, while further messages are on their way."""

    def total(self) -> int | None:
        """AWS's approximate count of visible messages when the recording began."""
        about = self._queue.visible
        return about if self._limit is None else min(about, self._limit)

    def at_most(self, limit: int) -> None:
        """Receive no more than *limit* messages."""
        self._limit = limit
        if self._leases is not None:
            self._leases.limit = limit

    def captures(self) -> Iterator[Capture]:
        """
        Give each message of the queue once.

        Raises:
            AwsError: The queue can no longer be read; what was given until then is still held, until `close`.
        """
        options = self._options
        concurrency = options.concurrency or (DEFAULT_CONCURRENCY if on_aws(self._client) else EMULATOR_CONCURRENCY)
        self._leases = leases = Leases(
            self._client,
            self._queue,
            concurrency=concurrency,
            visibility_timeout_s=options.visibility_timeout_s or lease_timeout_s(self._queue.visible),
            wait_s=self._wait_s(),
            limit=self._limit,
            ahead_bytes=MOST_AHEAD_BYTES,
            gives_back_early=not (options.drain or self._queue.fifo),  # what a FIFO queue has beside is counted first
            settled=self._settled,
        )
        if options.drain:
            self._drain = Drain(
                self._client,
                self._queue,
                leases,
                move_to=self._move_to,
                accept_redacted=options.accept_redacted,
                concurrency=concurrency,
            )
        for message in leases.messages(before_waiting=self._finish):
            self._note_consumers()
            self._given += 1
            yield self._capture(message)
        self._note_consumers()
        self._all_given = True

    def _wait_s(self) -> int:
        """A long poll asks all servers of a queue, and takes its time where it is empty; an emulator is one server."""
        if self._options.wait_s is not None:
            return self._options.wait_s
        return 1 if on_aws(self._client) else 0

    def _note_consumers(self) -> None:
        ask, self.ask_consumers = self.ask_consumers, list
        self.notes += ask()

    def _settled(self) -> bool:
        """Say whether nothing that was given is still to be deleted: what that makes room for may come then."""
        if self._drain is None or self._leases is None:
            return True
        return self._finished == self._leases.seen and not self._drain.busy()

    def _finish(self) -> None:
        """Let go of everything that was given, before waiting for what may depend on it."""
        self.before_waiting()
        if self._drain is not None:
            self._drain.flush()
        self._finished = self._given

    def _capture(self, message: Message) -> Capture:
        queue = self._queue
        origin = Origin(source="sqs", arn=queue.arn, identity=message["MessageId"], place=queue.url)
        attributes: dict[str, str] = message.get("Attributes", {})
        self._note_expiry(attributes)
        return message_capture(message, origin, self._sources.event_source(attributes))

    def _note_expiry(self, attributes: dict[str, str]) -> None:
        """
        Count messages that the queue will soon drop.

        The clock of a standard queue runs from the original enqueue, that of a FIFO queue from the move to the
        dead-letter queue, which nobody tells us. Source: SQS Developer Guide, "Using dead-letter queues".
        """
        sent = sent_at(attributes)
        if sent is None or (self._queue.fifo and "DeadLetterQueueSourceArn" in attributes):
            return
        retention = timedelta(seconds=self._queue.retention_s)
        expires = sent + retention
        if expires - datetime.now(UTC) < min(_EXPIRY_NEAR, retention / 4):
            self._near_expiry += 1
            self._first_expiry = min(self._first_expiry or expires, expires)

    def settle(self, settlements: Sequence[Settlement]) -> None:
        """With `drain`, delete or move what is kept; otherwise every message goes back at the end."""
        if self._drain is not None:
            for settlement in settlements:
                self._drain.settle(settlement)

    def consumed(self) -> Consumed:
        """Count what draining did; all zeros without it."""
        drain = self._drain
        if drain is None:
            return Consumed()
        return Consumed(deleted=drain.deleted, moved=drain.moved, left=drain.left.total())

    def remains(self) -> str:
        """Count what is leased."""
        left = self._leases.still_held() if self._leases is not None and not self._closed else None
        return self._unreleased("may not have been given back", left) if left is not None and left.unreleased else ""

    def close(self) -> None:
        """Finish the drain, and give every other message back; also when Ctrl-C comes meanwhile."""
        leases = self._leases
        if self._closed or leases is None:
            return
        with ExitStack() as last_to_first:
            last_to_first.callback(self._give_back_or_say, leases)
            if self._drain is not None:
                last_to_first.callback(_despite_ctrl_c, self._drain.close)
            last_to_first.callback(_despite_ctrl_c, leases.stop)

    def _give_back_or_say(self, leases: Leases) -> None:
        try:
            _despite_ctrl_c(lambda: self._give_back(leases))
        except KeyboardInterrupt:
            left = leases.still_held()
            if not self._closed and left.unreleased:
                self.notes = [*self.notes, self._unreleased("may not have been given back", left)]
            raise

    def _unreleased(self, why: str, left: GivenBack) -> str:
        returns = "it returns by itself" if left.unreleased == 1 else "they return by themselves"
        about = f"{counted(left.unreleased, 'message')} of {self._queue.name}"
        return f"{about} {why}; {returns} within {left.kept_for_s:.0f} s"

    def _give_back(self, leases: Leases) -> None:
        if self._closed:
            return
        unseen = self._unseen(leases)
        released = leases.give_back()
        notes = [*self._sources.notes, *self._what_was_not_seen(leases, unseen)]
        if released.unreleased:
            notes.append(self._unreleased("could not be given back", released))
        if self._drain is not None:
            left = sorted(self._drain.left.items())
            notes += [
                f"{counted(count, 'message stays', 'messages stay')} in {self._queue.name}: {reason}"
                for reason, count in left
            ]
        self.notes = [*self.notes, *notes]
        self._closed = True

    def _unseen(self, leases: Leases) -> int:
        """
        Count what the queue still has and we have not seen, before anything is given back.

        Of a FIFO queue that is what is left now: others, or our own draining, may have taken much since the beginning.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        if self._queue.fifo:
            with suppress(BotoCoreError, ClientError, KeyError):  # then the count from the beginning must do
                return read_queue(self._client, self._queue.url).visible
        return self._queue.visible - leases.seen

    def _what_was_not_seen(self, leases: Leases, unseen: int) -> Iterator[str]:
        queue = self._queue
        # Who broke it off, by Ctrl-C or at a limit, knows that there is more.
        limited = not self._all_given or (self._limit is not None and leases.seen >= self._limit)
        was, were = f"of {queue.name} was not seen", f"of {queue.name} were not seen"
        if leases.over_limit:
            yield (
                f"SQS gave no more than {counted(leases.seen, 'message')} (OverLimit: too many are in flight at once); "
                + ("the rest is for the next time" if self._drain is not None else "drain these, then record again")
            )
        elif unseen > 0 and queue.fifo and not limited:
            yield (
                f"about {counted(unseen, f'message {was}', f'messages {were}')}: of a FIFO group only the first batch "
                "can be seen without consuming it"
            )
        elif unseen > 0 and not limited:
            yield f"about {counted(unseen, f'message {was}', f'messages {were}')}: the queue no longer gave any"
        if leases.lost:
            yield f"{counted(leases.lost, 'lease')} could not be kept: other consumers may have seen what was under it"
        if self._first_expiry is not None:
            expires, expire = f"of {queue.name} expires soon", f"of {queue.name} expire soon"
            yield (
                f"{counted(self._near_expiry, f'message {expires}', f'messages {expire}')}, the first at "
                f"{self._first_expiry:%Y-%m-%d %H:%M} UTC: age counts from the original enqueue"
            )


def _despite_ctrl_c(task: Callable[[], None]) -> None:
    """Do *task*, and once more from its beginning when Ctrl-C broke it off; then let the Ctrl-C go on."""
    try:
        task()
    except KeyboardInterrupt:
        task()
        raise
