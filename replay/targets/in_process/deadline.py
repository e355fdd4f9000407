"""The function's timeout, kept inside our own process."""

import signal
import threading
from math import inf
from time import perf_counter
from types import FrameType, TracebackType
from typing import Any, Self

from replay.targets.in_process.debugger import in_a_debugger

_AGAIN_AFTER_S = 0.1
_AT_ONCE_S = 1e-6


class TimedOut(BaseException):
    """The function is out of time. No `except Exception` of the function can hold it back."""


class Deadline:
    """
    Raises `TimedOut` in the code inside when its time is up, and again until that code has ended.

    It borrows SIGALRM, which only the main thread of a POSIX process can do, and gives it back with what was left of
    anybody else's timer (pytest-timeout's, say), whose alarm is passed on when it is due first. While a debugger holds
    the function, time does not count.
    """

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._armed = False
        self._due = 0.0
        self.has_rung = False
        self.spent_s = 0.0

    @staticmethod
    def can_be_kept() -> bool:
        """Say whether a timeout can be enforced from here."""
        return hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()

    def __enter__(self) -> Self:
        now = perf_counter()
        self._due = now + self._timeout_s
        if not self.can_be_kept():
            return self
        self._others_handler: Any = signal.signal(signal.SIGALRM, self._ring)
        left, self._others_interval = signal.setitimer(signal.ITIMER_REAL, self._timeout_s, _AGAIN_AFTER_S)
        self._others_due = now + left if left else None
        self._armed = True
        if left and left < self._timeout_s:
            signal.setitimer(signal.ITIMER_REAL, left, _AGAIN_AFTER_S)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._armed:
            return
        self._armed = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self._others_handler if self._others_handler is not None else signal.SIG_DFL)
        if self._others_due is not None:
            left = max(self._others_due - perf_counter(), _AT_ONCE_S)
            signal.setitimer(signal.ITIMER_REAL, left, self._others_interval)

    def spend(self, seconds: float) -> None:
        """
        Let so many seconds be over at once, at most all that are left.

        Raises:
            TimedOut: They are all over, and this is the thread that is to know; elsewhere the alarm rings.
        """
        left = max(self._due - perf_counter(), 0.0)
        self.spent_s += min(seconds, left)
        self._due -= min(seconds, left)
        if self._armed:
            until_others = inf if self._others_due is None else max(self._others_due - perf_counter(), 0.0)
            signal.setitimer(signal.ITIMER_REAL, max(min(left - seconds, until_others), _AT_ONCE_S), _AGAIN_AFTER_S)
        elsewhere = self._armed and threading.current_thread() is not threading.main_thread()
        if seconds >= left and not elsewhere and not in_a_debugger():
            self.has_rung = True
            raise TimedOut

    def _ring(self, number: int, frame: FrameType | None) -> None:
        now = perf_counter()
        if not self._armed:
            return
        if self._others_due is not None and now >= self._others_due and callable(self._others_handler):
            self._others_due = now + self._others_interval if self._others_interval else None
            self._others_handler(number, frame)
        if now < self._due:
            signal.setitimer(signal.ITIMER_REAL, self._due - now, _AGAIN_AFTER_S)
        elif not in_a_debugger():
            self.has_rung = True
            raise TimedOut
