"""How a function failed that answered over HTTP: read from its log, right after the answer."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from replay.delivery.attempt import Reply
from replay.targets.carrier import Sighting, Sought
from replay.targets.observing.function_log import FunctionLog, LoggedEnds

_TICK_S = 0.5
_KEY = "the request"


class _UnderWay:
    """Counts the requests of this process to one log group: two at once cannot be told from each other there."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now: dict[str, set[int]] = {}
        self._met: set[int] = set()
        self._number = 0

    def begin(self, group: str) -> int:
        with self._lock:
            self._number += 1
            others = self._now.setdefault(group, set())
            if others:
                self._met |= {*others, self._number}
            others.add(self._number)
            return self._number

    def met_others(self, number: int) -> bool:
        with self._lock:
            return number in self._met

    def end(self, group: str, number: int) -> None:
        with self._lock:
            self._now[group].discard(number)
            self._met.discard(number)


_UNDER_WAY = _UnderWay()


class FailureLog:
    """
    The log group of the function behind a URL; used by one thread.

    Args:
        code: The function's code here, to name the files of a trace as Lambda does.
        wait_s: How long a failure is waited for: CloudWatch Logs shows lines some seconds late.
        here: Whether it is on this machine.
    """

    def __init__(
        self, client: Callable[[], Any], log_group: str, *, code: Path, wait_s: float, here: bool = True
    ) -> None:
        self._group, self._wait_s = log_group, wait_s
        self._log = FunctionLog(client(), log_group, code=code, ends=LoggedEnds(returned="processed"), here=here)
        self._clocks_differ_ms = self._log.clocks_differ_ms
        self._unseen = False

    @property
    def notes(self) -> tuple[str, ...]:
        """Say why a failure was not seen, where one was not."""
        return (f"how the function failed was not seen: {self._log.reason()}",) if self._unseen else ()

    def begin(self) -> None:
        """
        See whether others use the function.

        Raises:
            AwsError: The log group may not be read.
        """
        self._log.begin()

    @contextmanager
    def watching(self) -> Iterator["WatchedRequest"]:
        """Say that a request is under way."""
        number = _UNDER_WAY.begin(self._group)
        try:
            yield WatchedRequest(log=self, number=number, sent_at_ms=round(time.time() * 1000))
        finally:
            _UNDER_WAY.end(self._group, number)

    def failure_of(self, sought: Sought, number: int) -> Reply | None:
        """Wait for the invocation that failed; None where it is not seen, or cannot be told from others."""
        until = time.monotonic() + self._wait_s
        failures: list[Sighting] = []
        while True:
            seen = [each for each in self._log.look([sought]) if each.reply is not None and not each.reply.succeeded]
            failures += [each for each in seen if each.keys or self._is_of(each, sought)]
            signed = next((each for each in failures if each.keys), None)
            alone = failures[0] if len(failures) == 1 and not _UNDER_WAY.met_others(number) else None
            found = signed or (alone if not sought.signs else None)
            if found is not None:
                return found.reply
            if time.monotonic() >= until:
                self._unseen = True
                return None
            time.sleep(_TICK_S)

    def _is_of(self, seen: Sighting, sought: Sought) -> bool:
        """
        Say whether an invocation without a sign can be the request's: not one that began before it was sent.

        Behind a failure that was not seen, the only error in a log that an emulator has put together may be that one's.
        """
        return seen.at_ms >= sought.sent_at_ms - self._clocks_differ_ms and not (self._unseen and seen.may_be_earlier)


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedRequest:
    """A request under way; `number` tells it from others of this process."""

    log: FailureLog
    number: int
    sent_at_ms: int

    def reply_behind(self, reply: Reply, *, request_id: str) -> Reply:
        """
        Give *reply* with the failure that the log tells of, or as it is where the log tells of none.

        Args:
            request_id: Lambda's own id of the request, where the answer told it.

        Raises:
            AwsError: The log group may not be read.
        """
        signs = (request_id,) if request_id else ()
        logged = self.log.failure_of(Sought(key=_KEY, signs=signs, sent_at_ms=self.sent_at_ms), self.number)
        if logged is None or logged.failure is None:
            return reply
        return replace(
            reply,
            status=logged.status,
            failure=replace(logged.failure, observed="logs"),
            memory_mb=logged.memory_mb,
            log=logged.log,
        )
