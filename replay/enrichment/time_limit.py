"""Looking things up for no longer than a limit says."""

from collections import deque
from collections.abc import Callable, Iterable
from threading import Thread
from time import monotonic
from typing import TypeVar

CONCURRENCY = 4
"""FilterLogEvents takes 5 calls a second in the smallest regions. Source: CloudWatch Logs quotas."""

_Item = TypeVar("_Item")
_Made = TypeVar("_Made")


class TimeLimit:
    """A moment after which nothing new is begun."""

    def __init__(self, seconds: float) -> None:
        self._end = monotonic() + seconds

    @property
    def left_s(self) -> float:
        return max(0.0, self._end - monotonic())

    def passed(self) -> bool:
        """Say whether it is time to stop."""
        return self.left_s == 0.0


def each_in_time(task: Callable[[_Item], _Made], items: Iterable[_Item], limit: TimeLimit) -> list[_Made]:
    """
    Do *task* for each of *items*, a few at a time; what is not done in time is left out.

    The threads do not keep the process alive: a call that hangs must not hold up who is done with everything else.
    """
    waiting = deque(enumerate(items))
    done: dict[int, _Made] = {}
    errors: list[Exception] = []

    def work() -> None:
        while not (errors or limit.passed()):
            try:
                number, item = waiting.popleft()
            except IndexError:
                return
            try:
                done[number] = task(item)
            except Exception as error:  # noqa: BLE001 - it is raised where it is waited for
                errors.append(error)

    threads = [Thread(target=work, daemon=True, name="enrichment") for _ in range(min(CONCURRENCY, len(waiting)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(limit.left_s)
    if errors:
        raise errors[0]
    return [done[number] for number in sorted(list(done))]  # noqa: C414 - a thread may still add to it
