"""The function's clock, where it is to show the time of the captured failure."""

from datetime import UTC, datetime, timedelta
from time import perf_counter
from types import TracebackType
from typing import Any


class CapturedClock:
    """
    Inside of it the process's time is the one that was set, and goes on from there; timers are not touched.

    Only the function's own code and what prepares it run inside: everybody else keeps the real time.
    """

    def __init__(self) -> None:
        self._at: datetime | None = None
        self._set_at = 0.0
        self._travel: Any = None

    def set(self, at: datetime | None) -> bool:
        """Set the time to *at* (UTC where it names no zone), or back to now, and say whether that is a change."""
        at = at.astimezone(UTC) if at is not None and at.tzinfo else at and at.replace(tzinfo=UTC)
        changed = at != self._at
        self._at = at
        self._set_at = perf_counter()
        return changed

    def __enter__(self) -> None:
        if self._at is not None:
            import time_machine

            now = self._at + timedelta(seconds=perf_counter() - self._set_at)
            # A fixed zone: with a ZoneInfo, time-machine would also change the process's time zone.
            self._travel = time_machine.travel(now, tick=True)
            self._travel.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._travel is not None:
            self._travel.stop()
            self._travel = None
