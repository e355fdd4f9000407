"""Threads that a function leaves behind in our own process: nobody waits for them."""

import threading
from collections.abc import Iterator
from concurrent.futures import thread as pools
from contextlib import contextmanager
from typing import Any


@contextmanager
def nobody_waits_for_threads() -> Iterator[None]:
    """
    Let this process end, when its time has come, without the threads that are started inside.

    Lambda freezes a function's process with them and does not wait. Python does as it ends: for every thread that is no
    daemon, and for the workers of every pool.
    """
    start_for_real = threading.Thread.start
    started: list[threading.Thread] = []

    def start(thread: threading.Thread) -> None:
        if thread.ident is None:
            thread.daemon = True
        started.append(thread)
        start_for_real(thread)

    workers: Any = pools._threads_queues  # noqa: SLF001 - nothing public keeps Python from waiting for a pool
    threading.Thread.start = start  # type: ignore[method-assign, assignment]  # for as long as the function runs
    try:
        yield
    finally:
        threading.Thread.start = start_for_real  # type: ignore[method-assign]  # back
        for thread in started:
            workers.pop(thread, None)
