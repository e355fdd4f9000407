"""Threads that do each piece of work when it is due: what must wait for its next try keeps no thread waiting."""

import heapq
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

Work = Callable[[], object]


class Workers:
    """
    So many threads, and the work that is waiting for them; work may add more.

    The first error ends it all: it is raised in the thread that adds work or waits for it.
    """

    def __init__(self, count: int, *, name: str) -> None:
        self._due: list[tuple[float, int, Work]] = []
        lock = threading.Lock()
        self._added_to, self._finished = threading.Condition(lock), threading.Condition(lock)
        self._added = self._unfinished = 0
        self._closed = False
        self._error: BaseException | None = None
        self._threads = [
            threading.Thread(target=self._do_all, daemon=True, name=f"{name}-{number}") for number in range(count)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish what is being done, and leave the rest undone."""
        with self._added_to:
            self._closed = True
            self._due.clear()
            self._added_to.notify_all()
        for thread in self._threads:
            thread.join()

    def add(self, work: Work, *, after_s: float = 0.0) -> None:
        """
        Do *work* as soon as a thread is free, but not before *after_s* seconds.

        Raises:
            BaseException: What other work has raised.
        """
        with self._added_to:
            self._raise_error()
            heapq.heappush(self._due, (time.monotonic() + after_s, self._added, work))
            self._added += 1
            self._unfinished += 1
            self._added_to.notify()

    def wait(self, *, most: int = 0) -> None:
        """
        Wait until no more than *most* pieces of work are waiting or being done.

        Raises:
            BaseException: What work has raised.
        """
        with self._finished:
            self._finished.wait_for(lambda: self._unfinished <= most or self._error is not None)
            self._raise_error()

    @property
    def is_idle(self) -> bool:
        """Whether all work is done."""
        with self._finished:
            return self._unfinished == 0

    def _raise_error(self) -> None:
        if self._error is not None:
            raise self._error

    def _do_all(self) -> None:
        while (work := self._next()) is not None:
            failed: BaseException | None = None
            try:
                work()
            except BaseException as error:  # noqa: BLE001 - it is raised again in the thread that waits
                failed = error
            with self._finished:
                self._error = self._error or failed
                self._unfinished -= 1
                self._finished.notify_all()
                if failed is not None:
                    self._added_to.notify_all()

    def _next(self) -> Work | None:
        with self._added_to:
            while not self._closed and self._error is None:
                pause_s = self._due[0][0] - time.monotonic() if self._due else None
                if pause_s is not None and pause_s <= 0:
                    work = heapq.heappop(self._due)[2]
                    if self._due:
                        self._added_to.notify()  # who was woken for that may have been the one that took this
                    return work
                self._added_to.wait(pause_s)
        return None
