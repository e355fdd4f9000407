"""The messages of a dead-letter queue, leased, and given back unless they were moved."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from replay.counted_nouns import counted
from replay.payloads.captures import Capture, Origin
from replay.sources.sqs_leases import Leases, lease_timeout_s
from replay.sources.sqs_messages import message_capture
from replay.sources.sqs_queue import Queue, read_queue


class DeadLetters:
    """One pass over the messages of *queue*."""

    def __init__(self, leases: Leases, queue: Queue) -> None:
        self.leases, self._queue = leases, queue
        self._notes: tuple[str, ...] | None = None

    def captures(self, before_waiting: Callable[[], None]) -> Iterator[Capture]:
        """
        Give each message once; *before_waiting* is called whenever none is ready.

        Raises:
            AwsError: The queue can no longer be read; what was given is still held, until `close`.
        """
        queue = self._queue
        for message in self.leases.messages(before_waiting):
            origin = Origin(source="sqs", arn=queue.arn, identity=message["MessageId"], place=queue.name)
            yield message_capture(message, origin)

    def unseen(self, client: Any) -> int:
        """
        Count what the queue has and has not given, before anything is given back; about, as all counts of SQS are.

        The lower of two counts: that from before the first was received, and that of now. None where a limit was met.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        seen, held = self.leases.seen, self.leases.still_held().unreleased
        if self.leases.limit is not None and seen >= self.leases.limit:
            return 0
        left = self._queue.visible + self._queue.in_flight - seen
        if left > 0:
            with suppress(BotoCoreError, ClientError, KeyError):  # then the count from the beginning must do
                now = read_queue(client, self._queue.url)
                left = min(left, now.visible + now.in_flight - held)
        return max(0, left)

    def why_unseen(self, unseen: int) -> str:
        """Say why so many messages were not seen, and when they can be."""
        queue = self._queue
        name = queue.name
        about = f"about {counted(unseen, f'message of {name} was', f'messages of {name} were')} not seen"
        if queue.fifo and not queue.in_flight:
            return f"{about}: of a FIFO group none is given behind those that stay"
        if queue.in_flight:
            lease_s = lease_timeout_s(queue.visible + queue.in_flight)
            return (
                f"{about}: {queue.in_flight:,} were in flight when this began, held by a consumer or by a run that was "
                f"killed; what such a run held is back within {lease_s} s"
            )
        return f"{about}: the queue no longer gave any"

    def close(self) -> tuple[str, ...]:
        """Give back what is still held, once; also when Ctrl-C comes meanwhile. Says how the queue was left."""
        if self._notes is None:
            try:
                self._notes = self._closed()
            except KeyboardInterrupt:
                self._notes = self._closed()
                raise
        return self._notes

    def _closed(self) -> tuple[str, ...]:
        self.leases.stop()
        left = self.leases.give_back()
        if not left.unreleased:
            return ()
        about = counted(left.unreleased, "message")
        return (
            f"{about} of {self._queue.name} could not be given back, and will return within {left.kept_for_s:.0f} s",
        )
