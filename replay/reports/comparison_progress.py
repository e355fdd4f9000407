"""One line on stderr while a comparison goes on."""

import shutil
from collections.abc import Callable
from time import monotonic

from replay.comparison.compare_events import CompareEvent, ComparisonFinished, ComparisonStarted, FixtureLookedAt
from replay.reports.visible_text import one_line

_NOT_BEFORE_S = 0.7
_EVERY_S = 0.1
_CLEAR = "\r\x1b[2K"


class ComparisonProgress:
    """Listen to a comparison and keep one line with *write* up to date: which target, and how many of how many."""

    def __init__(self, write: Callable[[str], object], *, now: Callable[[], float] = monotonic) -> None:
        self._write, self._now = write, now
        self._next = now() + _NOT_BEFORE_S
        self._total = 0
        self._done: dict[str, int] = {}
        self._shown = False

    def notice(self, event: CompareEvent) -> None:
        """Take note of *event*; clear the line when the comparison is over."""
        if isinstance(event, ComparisonStarted):
            self._total = event.total
        elif isinstance(event, ComparisonFinished):
            self.clear()
        elif isinstance(event, FixtureLookedAt):
            self._done[event.target] = self._done.get(event.target, 0) + 1
            if self._now() >= self._next:
                self._show(event)

    def clear(self) -> None:
        """Leave nothing behind."""
        if self._shown:
            self._write(_CLEAR)
            self._shown = False

    def _show(self, event: FixtureLookedAt) -> None:
        line = f"through {event.target}: {self._done[event.target]:,} of {self._total:,}: {event.reference}"
        self._write(_CLEAR + one_line(line, limit=max(20, shutil.get_terminal_size().columns - 1)))
        self._shown = True
        self._next = self._now() + _EVERY_S
