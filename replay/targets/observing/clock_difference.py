"""How far AWS's clock is ahead of ours: the times in a log are AWS's, and what was sent was sent by ours."""

import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any

_SECOND_MS = 1_000


class ClockDifference:
    """
    Measures, by the first answer that *client* gets, how far the other clock is ahead; *here* there is but one clock.

    An answer's `Date` has whole seconds, and was written between request and answer: where no difference explains it as
    well, there is none; else it is known to half a second and half of what the call took.
    """

    def __init__(self, client: Any, *, here: bool, clock: Callable[[], float] = time.time) -> None:
        self.ahead_ms, self.is_ours = 0, here
        self._clock, self._asked_ms = clock, 0.0
        self._events = None if here else client.meta.events
        if self._events is not None:
            self._events.register("before-call", self._note_request)
            self._events.register("after-call", self._note_answer)

    @property
    def is_known(self) -> bool:
        """Whether there is nothing to measure any more."""
        return self._events is None

    def _note_request(self, **_: Any) -> None:
        self._asked_ms = self._clock() * 1000

    def _note_answer(self, parsed: Any, **_: Any) -> None:
        told = str(parsed.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date", ""))
        try:
            date_ms = parsedate_to_datetime(told).timestamp() * 1000
        except ValueError:
            return  # an answer without a date, or of a proxy
        least, most = date_ms - self._clock() * 1000, date_ms + _SECOND_MS - self._asked_ms
        self.ahead_ms = 0 if least <= 0 <= most else round((least + most) / 2)
        if self._events is not None:
            self._events.unregister("before-call", self._note_request)
            self._events.unregister("after-call", self._note_answer)
            self._events = None
