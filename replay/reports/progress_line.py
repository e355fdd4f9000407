"""One line on stderr while a long run goes on, gone when it is over."""

import shutil
from collections.abc import Callable
from time import monotonic

from replay.replayer import FixtureNotRun, FixtureReplayed, RunAdvanced, RunEvent, RunFinished, RunStarted
from replay.reports.visible_text import one_line

_NOT_BEFORE_S = 0.7
_EVERY_S = 0.1
_CLEAR = "\r\x1b[2K"


class ProgressLine:
    """
    Listen to a run and keep one line with *write* up to date: how many of how many, and which fixture was last.

    Short runs show nothing. *write* is of a terminal, which understands "clear this line".
    """

    def __init__(self, write: Callable[[str], object], *, now: Callable[[], float] = monotonic) -> None:
        self._write = write
        self._now = now
        self._next = now() + _NOT_BEFORE_S
        self._total = self._done = self._unexpected = 0
        self._shown = False

    def notice(self, event: RunEvent) -> None:
        """Take note of *event*; clear the line when the run is over."""
        if isinstance(event, RunStarted):
            self._total = event.total
        elif isinstance(event, RunFinished):
            self.clear()
        elif isinstance(event, RunAdvanced):
            failed = f", {event.failed:,} failed" if event.failed else ""
            self._write_line(f"invoked {event.done:,} of {event.total:,}{failed}")
        else:
            self._done += 1
            self._unexpected += isinstance(event, FixtureNotRun) or not event.judgement.as_expected
            if self._now() >= self._next:
                self._show(event)

    def tell(self, how_far: str) -> None:
        """Show how far the target itself is, in its words."""
        self._write_line(how_far)

    def clear(self) -> None:
        """Leave nothing behind."""
        if self._shown:
            self._write(_CLEAR)
            self._shown = False

    def _show(self, event: FixtureReplayed | FixtureNotRun) -> None:
        reference = event.fixture.reference if isinstance(event, FixtureReplayed) else event.reference
        unexpected = f", {self._unexpected:,} not as expected" if self._unexpected else ""
        self._write_line(f"replaying {self._done:,} of {self._total:,}{unexpected}: {reference}")

    def _write_line(self, line: str) -> None:
        self._write(_CLEAR + one_line(line, limit=max(20, shutil.get_terminal_size().columns - 1)))
        self._shown = True
        self._next = self._now() + _EVERY_S
