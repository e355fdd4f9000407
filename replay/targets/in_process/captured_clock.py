"""The function's clock, where it is to show the time of the captured failure."""

from datetime import UTC, datetime
from typing import Any


class CapturedClock:
    """Sets the process's time and lets it go on from there; `time.perf_counter` and timers are not touched."""

    def __init__(self) -> None:
        self._at: datetime | None = None
        self._travel: Any = None

    def set(self, at: datetime | None) -> bool:
        """Set the time to *at* (UTC where it names no zone), or back to now, and say whether that is a change."""
        if at is not None and at.tzinfo is None:
            at = at.replace(tzinfo=UTC)
        changed = at != self._at
        self.suspend()
        self._at = at
        self.resume()
        return changed

    def resume(self) -> None:
        """Set the time that the function has."""
        if self._at is not None:
            import time_machine

            # A fixed zone: with a ZoneInfo, time-machine would also change the process's time zone.
            self._travel = time_machine.travel(self._at.astimezone(UTC), tick=True)
            self._travel.start()

    def suspend(self) -> None:
        """Show the real time again."""
        if self._travel is not None:
            self._travel.stop()
            self._travel = None
