"""The queue that messages were sent to: once it is empty, none of them can come again."""

from collections.abc import Sequence
from typing import Any

from replay.readers.aws_errors import aws_errors
from replay.sources.sqs_queue import Queue, read_queue
from replay.targets.carrier import Sighting, Sought
from replay.targets.observing.dead_letters import DeadLetters


class SourceQueue:
    """
    Sees that *queue* holds nothing any more: neither visible, nor in flight, nor delayed.

    Args:
        beside: Where its dead letters are seen: while nobody may look there, being gone is no proof of anything.
    """

    def __init__(self, client: Any, queue: Queue, *, beside: Sequence[DeadLetters] = ()) -> None:
        self._client, self._queue, self._beside = client, queue, beside
        self._looks = 0
        self._last = queue

    @property
    def place(self) -> str:
        """Where it looks, for eyes."""
        return f"the queue {self._queue.name} itself"

    def begin(self) -> None:
        """See that its counts may be read."""
        self._read()

    def look(self, sought: Sequence[Sought]) -> Sequence[Sighting]:
        """
        Say of all that is sought that it is gone, where the queue is empty.

        AWS's counts are approximations: who listens believes them when they say so again.
        """
        self._read()
        last = self._last
        if last.visible or last.in_flight or last.delayed or not all(each.is_open for each in self._beside):
            return ()
        self._looks += 1
        keys = tuple(each.key for each in sought)
        return (Sighting(keys=keys, identity=f"empty {self._looks}", settled="gone"),)

    def close(self) -> Sequence[str]:
        """Give nothing back."""
        return ()

    def reason(self) -> str:
        """Say what it still holds."""
        last = self._last
        held = last.visible + last.in_flight + last.delayed
        if not all(each.is_open for each in self._beside):
            return f"what is gone from {self.place} may be a dead letter, and nobody may look there"
        return f"{self.place} still holds about {held:,}, {last.in_flight:,} of them in flight" if held else ""

    def _read(self) -> None:
        with aws_errors(where=f"queue {self._queue.name}", service="sqs"):
            self._last = read_queue(self._client, self._queue.url)
