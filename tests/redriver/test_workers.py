"""Threads that do work when it is due: none is lost or left lying, whatever waits beside it."""

import threading
from collections import Counter

import pytest

from replay.redriver.workers import Workers

PATIENCE_S = 20


def test_all_work_is_done_once() -> None:
    """Also what other work adds, at once or later, by many threads."""
    done: Counter[int] = Counter()
    lock = threading.Lock()
    with Workers(4, name="test") as workers:

        def work(number: int) -> None:
            with lock:
                done[number] += 1
            if number < 300:
                workers.add(lambda: work(number + 300), after_s=0.0005 * (number % 3))

        for number in range(300):
            workers.add(lambda number=number: work(number))  # type: ignore[misc]  # mypy knows no default of a lambda
        workers.wait()
        assert workers.is_idle
    assert done == Counter(range(600))


def test_what_is_put_off_keeps_nothing_waiting() -> None:
    """Work that is due later leaves every thread free for what is due now, also where all of them slept."""
    arrived, both = threading.Event(), threading.Barrier(2, timeout=PATIENCE_S)
    with Workers(2, name="test") as workers:
        workers.add(arrived.set, after_s=3600)
        workers.add(both.wait)
        workers.add(both.wait)  # two threads at once, or the barrier breaks
        workers.wait(most=1)
        assert not arrived.is_set()


def test_the_first_error_ends_it_all() -> None:
    """It is raised where work is waited for, and no more is done, also by threads that slept."""

    def fail() -> None:
        raise OSError("the disk is full")

    with Workers(3, name="test") as workers:
        workers.add(fail)
        with pytest.raises(OSError, match="disk"):
            workers.wait()
        with pytest.raises(OSError, match="disk"):
            workers.add(fail)
    assert not any(thread.name.startswith("test-") for thread in threading.enumerate())
