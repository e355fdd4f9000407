"""What several threads have received and one thread has yet to take: as much as fits into a given memory."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

_Item = TypeVar("_Item")


class ReadAhead(Generic[_Item]):
    """
    Batches on their way from threads that receive to the one that takes them.

    Args:
        most_bytes: How much may wait here; a batch that is larger by itself goes through alone.
        size_bytes: About how much memory an item takes.
    """

    def __init__(self, most_bytes: int, size_bytes: Callable[[_Item], int]) -> None:
        self._most_bytes, self._size_bytes = most_bytes, size_bytes
        self._waiting: deque[tuple[Sequence[_Item], int]] = deque()
        self._bytes = 0
        self._ended = False
        self._changed = threading.Condition()

    @property
    def is_empty(self) -> bool:
        """Whether who takes now may have to wait."""
        return not self._waiting and not self._ended

    def put(self, batch: Sequence[_Item], *, within_s: float) -> bool:
        """Add a batch as soon as there is room for it; False when there was none in time."""
        size = sum(map(self._size_bytes, batch))
        with self._changed:
            if not self._changed.wait_for(lambda: not self._bytes or self._bytes + size <= self._most_bytes, within_s):
                return False
            self._waiting.append((batch, size))
            self._bytes += size
            self._changed.notify_all()
            return True

    def end(self) -> None:
        """Say that nothing more is put."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def take(self) -> Sequence[_Item]:
        """Wait for a batch and give it; an empty one is the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._ended)
            if not self._waiting:
                return ()
            batch, size = self._waiting.popleft()
            self._bytes -= size
            self._changed.notify_all()
            return batch

    def clear(self) -> None:
        """Throw away what waits."""
        with self._changed:
            self._waiting.clear()
            self._bytes = 0
            self._changed.notify_all()
