"""How fast a run goes, and how much may go wrong before it stops."""

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from replay.errors import ConfigurationError

MOST_CONCURRENCY = 256
_RATE = re.compile(r"(?P<number>\d{1,9}(?:\.\d{1,6})?)(?:/(?P<per>s|m|h))?")
_BUDGET = re.compile(r"(?P<number>\d{1,9}(?:\.\d{1,6})?)(?P<percent>%)?")
_SECONDS = {"s": 1, "m": 60, "h": 3600}
_ALL_PERCENT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorBudget:
    """
    How many errors are too many: more than `share` of all events (0.05), or more than `count`; None is no bound.

    The share is of all that the run is to do, not of what is done already: one early error does not stop a large run.
    """

    share: float | None = None
    count: int | None = None

    def is_spent(self, errors: int, total: int) -> bool:
        """Say whether *errors* are too many for a run of *total* events."""
        if self.count is not None and errors > self.count:
            return True
        return self.share is not None and errors > self.share * total


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """
    What bounds a run.

    Attributes:
        rate_per_s: How many events are sent in a second at most.
        concurrency: How many are under way at once.
        stop_on_first: Stop at the first error.
    """

    rate_per_s: float | None = None
    concurrency: int = 1
    budget: ErrorBudget = ErrorBudget()
    stop_on_first: bool = False

    def why_stop(self, errors: int, total: int) -> str:
        """Say why a run with so many *errors* stops here; empty where it goes on."""
        if errors and self.stop_on_first:
            return "at the first error (--stop-on-first)"
        if self.budget.is_spent(errors, total):
            bound = f"{self.budget.count}" if self.budget.count is not None else f"{100 * (self.budget.share or 0):g}%"
            return f"after {errors} errors of {total} events: more than --max-errors {bound}"
        return ""


class RateLimit:
    """
    Lets one through at each tick; threads wait for their tick one after the other.

    What comes late does not make up for it by a burst.
    """

    def __init__(
        self,
        rate_per_s: float | None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._interval_s = 1 / rate_per_s if rate_per_s else 0.0
        self._clock, self._sleep = clock, sleep
        self._lock = threading.Lock()
        self._next = 0.0

    def wait(self, count: int = 1) -> None:
        """Wait until *count* more may be sent."""
        if not self._interval_s:
            return
        with self._lock:
            now = self._clock()
            at = max(now, self._next)
            self._next = at + count * self._interval_s
        if at > now:
            self._sleep(at - now)


def rate_of_text(text: str) -> float:
    """
    Read `5/s`, `300/m`, `100/h` or `5`, as events in a second.

    Raises:
        ConfigurationError: It is none of these, or nothing at all.
    """
    found = _RATE.fullmatch(text.strip())
    rate = float(found["number"]) / _SECONDS[found["per"] or "s"] if found else 0.0
    if not rate:
        raise ConfigurationError("that is no rate", where=f"--rate {text!r}", expected="such as 5/s, 300/m or 100/h")
    return rate


def budget_of_text(text: str) -> ErrorBudget:
    """
    Read `5%` or `10`.

    Raises:
        ConfigurationError: It is neither.
    """
    found = _BUDGET.fullmatch(text.strip())
    if found and found["percent"] and float(found["number"]) <= _ALL_PERCENT:
        return ErrorBudget(share=float(found["number"]) / 100)
    if found and not found["percent"] and found["number"].isdecimal():
        return ErrorBudget(count=int(found["number"]))
    raise ConfigurationError(
        "that is no bound for errors",
        where=f"--max-errors {text!r}",
        expected="a share such as 5%, or a count such as 10",
    )


def pace_of(*, rate: str | None, concurrency: int, max_errors: str | None, stop_on_first: bool) -> Pace:
    """
    Read what the command line says of a run's pace.

    Raises:
        ConfigurationError: Something of it cannot be used.
    """
    if not 1 <= concurrency <= MOST_CONCURRENCY:
        expected = f"1 to {MOST_CONCURRENCY}"
        raise ConfigurationError("a number out of its range", where=f"--concurrency {concurrency}", expected=expected)
    return Pace(
        rate_per_s=rate_of_text(rate) if rate else None,
        concurrency=concurrency,
        budget=budget_of_text(max_errors) if max_errors else ErrorBudget(),
        stop_on_first=stop_on_first,
    )
