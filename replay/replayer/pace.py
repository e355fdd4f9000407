"""How fast a run goes, and how much may go wrong before it stops."""

import math
import re
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from replay.errors import ConfigurationError

MOST_CONCURRENCY = 256
_RATE = re.compile(r"(?P<number>\d{1,9}(?:\.\d{1,6})?)(?:/(?P<per>s|m|h))?")
_BUDGET = re.compile(r"(?P<number>\d{1,9}(?:\.\d{1,6})?)(?P<percent>%)?")
_SPEED = re.compile(r"(?P<times>\d{1,6}(?:\.\d{1,6})?)x?")
_DURATION = re.compile(r"(?P<number>\d{1,6}(?:\.\d{1,3})?)(?P<unit>s|m|h)?")
_SECONDS = {"s": 1, "m": 60, "h": 3600}
_ALL_PERCENT = 100
_MOST_OVERSLEPT_S = 1.0


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
        ramp_up_s: For how long the rate grows evenly from nothing to `rate_per_s`.
        speed: How many times as fast as they were once sent fixtures are begun; None: they need not keep their spacing.
    """

    rate_per_s: float | None = None
    concurrency: int = 1
    budget: ErrorBudget = ErrorBudget()
    stop_on_first: bool = False
    ramp_up_s: float = 0.0
    speed: float | None = None

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

    What comes late does not make up for it by a burst; what a sleep took longer than it should is made up for, so that
    the rate holds on a machine that is busy.

    Args:
        ramp_up_s: For how long, from the first tick on, the rate grows evenly from nothing.
    """

    def __init__(
        self,
        rate_per_s: float | None,
        *,
        ramp_up_s: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._rate, self._ramp_up_s = rate_per_s or 0.0, ramp_up_s
        self._clock, self._sleep = clock, sleep
        self._lock = threading.Lock()
        self._began: float | None = None
        self._next = self._overslept_s = 0.0

    def wait(self, count: int = 1, *, sleep: Callable[[float], object] | None = None) -> None:
        """Wait until *count* more may be sent, by *sleep* where it is given."""
        if not self._rate:
            return
        with self._lock:
            now = self._clock()
            if self._began is None:
                self._began = self._next = now
            at = max(now - self._overslept_s, self._next)
            self._next = self._began + seconds_until(
                sent_within(at - self._began, rate_per_s=self._rate, ramp_up_s=self._ramp_up_s) + count,
                rate_per_s=self._rate,
                ramp_up_s=self._ramp_up_s,
            )
        if at > now:
            (sleep or self._sleep)(at - now)
        late = self._clock() - at
        self._overslept_s = late if 0 < late <= _MOST_OVERSLEPT_S else 0.0


def sent_within(elapsed_s: float, *, rate_per_s: float, ramp_up_s: float) -> float:
    """Say how many are sent in the first *elapsed_s* seconds, where the rate grows evenly for *ramp_up_s* of them."""
    if elapsed_s < ramp_up_s:
        return rate_per_s * elapsed_s * elapsed_s / (2 * ramp_up_s)
    return rate_per_s * (elapsed_s - ramp_up_s / 2)


def seconds_until(count: float, *, rate_per_s: float, ramp_up_s: float) -> float:
    """Say when so many were sent: the inverse of `sent_within`."""
    in_ramp = rate_per_s * ramp_up_s / 2
    if count < in_ramp:
        return math.sqrt(2 * count * ramp_up_s / rate_per_s)
    return ramp_up_s + (count - in_ramp) / rate_per_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """
    When each is due, so that the spacing is the original one.

    Attributes:
        due_s: Seconds after the run begins, by key, the first at 0; in the order in which they are due.
        undated: The keys whose time nobody knows: they are due behind the last, without any spacing.
    """

    due_s: dict[str, float]
    undated: tuple[str, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """All keys in the order in which they are due."""
        return (*self.due_s, *self.undated)

    @property
    def duration_s(self) -> float:
        """When the last is due."""
        return next(reversed(self.due_s.values()), 0.0)

    def due(self, key: str) -> float:
        """Say when *key* is due, in seconds after the run begins."""
        return self.due_s.get(key, self.duration_s)


def timeline(sent_at: Iterable[tuple[str, datetime | None]], *, speed: float) -> Timeline:
    """Space what was once sent at these moments as it was then, *speed* times as fast; those of one moment stay so."""
    dated: list[tuple[datetime, str]] = []
    undated = []
    for key, moment in sent_at:
        if moment is None:
            undated.append(key)
        else:
            dated.append((moment, key))
    dated.sort(key=lambda each: each[0])
    due_s = {key: (moment - dated[0][0]).total_seconds() / speed for moment, key in dated}
    return Timeline(due_s=due_s, undated=tuple(undated))


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


def speed_of_text(text: str) -> float:
    """
    Read `10x`, `0.5x` or `10`: how many times as fast as once.

    Raises:
        ConfigurationError: It is none of these, or nothing at all.
    """
    found = _SPEED.fullmatch(text.strip())
    speed = float(found["times"]) if found else 0.0
    if not speed:
        raise ConfigurationError("that is no speed", where=f"--speed {text!r}", expected="such as 10x, 1x or 0.5x")
    return speed


def duration_of_text(text: str, *, flag: str = "--ramp-up") -> float:
    """
    Read `30s`, `5m`, `1h` or `30`, as seconds.

    Raises:
        ConfigurationError: It is none of these.
    """
    found = _DURATION.fullmatch(text.strip())
    if not found:
        raise ConfigurationError("that is no duration", where=f"{flag} {text!r}", expected="such as 30s, 5m or 1h")
    return float(found["number"]) * _SECONDS[found["unit"] or "s"]


def pace_of(
    *,
    rate: str | None,
    concurrency: int,
    max_errors: str | None,
    stop_on_first: bool,
    ramp_up: str | None = None,
    speed: str | None = None,
) -> Pace:
    """
    Read what the command line says of a run's pace.

    Raises:
        ConfigurationError: Something of it cannot be used.
    """
    if not 1 <= concurrency <= MOST_CONCURRENCY:
        expected = f"1 to {MOST_CONCURRENCY}"
        raise ConfigurationError("a number out of its range", where=f"--concurrency {concurrency}", expected=expected)
    if ramp_up and not rate:
        raise ConfigurationError(
            "a ramp-up ends at a rate, and there is none", where=f"--ramp-up {ramp_up}", hint="add --rate 5/s, say"
        )
    return Pace(
        rate_per_s=rate_of_text(rate) if rate else None,
        concurrency=concurrency,
        budget=budget_of_text(max_errors) if max_errors else ErrorBudget(),
        stop_on_first=stop_on_first,
        ramp_up_s=duration_of_text(ramp_up) if ramp_up else 0.0,
        speed=speed_of_text(speed) if speed else None,
    )


def refuse_pace_here(target: str, pace: Pace, resume: str) -> None:
    """
    Refuse what is for deployed targets, where *target* is none.

    Raises:
        ConfigurationError: Something of that was asked for.
    """
    given_for_deployed = {
        "--rate": pace.rate_per_s, "--speed": pace.speed, "--concurrency": pace.concurrency > 1, "--resume": resume
    }  # fmt: skip
    for flag, given in given_for_deployed.items():
        if given:
            raise ConfigurationError(
                f"{flag} is for deployed targets, and {target} is none",
                where=flag,
                hint="leave it out, or name a deployed target: --target lambda:FUNCTION",
            )
