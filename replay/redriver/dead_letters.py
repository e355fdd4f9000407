"""The messages of a dead-letter queue, leased, and given back unless they were moved."""

from collections.abc import Callable, Iterator

from replay.counted_nouns import counted
from replay.payloads.captures import Capture, Origin
from replay.sources.sqs_leases import Leases
from replay.sources.sqs_messages import message_capture
from replay.sources.sqs_queue import Queue


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
