"""The log group of a function: its invocations, by the marker or an id of what was sent, or by their request id."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from replay.errors import AwsError
from replay.payloads.log_formats.log_answers import LogLine
from replay.readers.invocations import invocations_of
from replay.readers.logs import filtered_lines, is_missing
from replay.targets.carrier import Settled, Sighting, Sought
from replay.targets.observing.clock_difference import ClockDifference
from replay.targets.observing.letter_owners import LetterRequests
from replay.targets.observing.logged_replies import LoggedReply, attempts_of
from replay.targets.observing.signs import keys_in
from replay.targets.observing.unclaimed import Unclaimed

_LATE_MS = 15_000
"""CloudWatch Logs shows lines some seconds after they were written, and not in the order of their times."""

CLOCKS_DIFFER_MS = 1_000
_TICK_S = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedEnds:
    """
    What an invocation says by itself of the end of what was sent.

    Attributes:
        returned: What has become of it once the function has returned; None where the answer may name records that
            failed, which no log tells. In a log that an emulator has put together it is no proof, and never an end.
        given_up: What becomes of it when `attempts` invocations have failed; None where that is not known.
        attempts: How often Lambda invokes for one event by itself; None where it goes on.
        timeout_s: The function's: what took less has not timed out, though no line says so yet.
    """

    returned: Settled | None = None
    given_up: Settled | None = None
    attempts: int | None = None
    timeout_s: float = 900.0


class FunctionLog:
    """
    Sees invocations in *log_group*, and the ends that an invocation by itself is.

    An invocation whose lines hold no sign of anything that was sent is given without keys: where one event is under way
    alone, it is that one's, if it began after that was sent. Before anything is sent the log must therefore be quiet:
    where others invoke the function, invocations without a sign are given to nobody. All times are by our clock.

    Args:
        code: The function's code here, to name the files of a trace as Lambda does.
        quiet_s: For how long nobody may have invoked it; it is waited for once as long.
        here: Whether it is on this machine, and its times are by our clock; else the difference is measured.
        requests: What else tells whose a request is, where one request is one asynchronous event with all its attempts.
    """

    def __init__(
        self,
        client: Any,
        log_group: str,
        *,
        code: Path,
        ends: LoggedEnds,
        quiet_s: float = 10.0,
        here: bool = True,
        requests: LetterRequests | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._client, self._log_group, self._code, self._ends = client, log_group, code, ends
        self._quiet_s, self._clock, self._sleep = quiet_s, clock, sleep
        self._from_ms = 0
        self._told: set[str] = set()
        self._before: set[str] = set()
        self._sought: set[str] = set()
        self._failures: Counter[str] = Counter()
        self._is_busy = self._is_missing = False
        self._unsigned = 0
        self._requests, self._unclaimed = requests, Unclaimed()
        self._clocks = ClockDifference(client, here=here)

    @property
    def place(self) -> str:
        """Where it looks, for eyes."""
        return f"the log group {self._log_group}"

    @property
    def clocks_differ_ms(self) -> int:
        """By how much its times may be wrong, by our clock."""
        return 0 if self._clocks.is_ours else CLOCKS_DIFFER_MS

    def begin(self) -> None:
        """
        See whether others invoke the function.

        Raises:
            AwsError: The log group may not be read.
        """
        patient_until = self._clock() + self._quiet_s
        if not self._clocks.is_known:
            self._read(0, 1)  # whose answer tells what time it is there
        while True:
            now_ms = self._now_ms()
            self._from_ms = now_ms - CLOCKS_DIFFER_MS
            before = self._read(now_ms - round(self._quiet_s * 1000), now_ms + _LATE_MS)
            self._before |= {each.identity for each in before}
            self._is_busy = bool(before)
            if not before or self._clock() >= patient_until:
                return
            self._sleep(_TICK_S)

    def look(self, sought: Sequence[Sought]) -> Sequence[Sighting]:
        """
        Give the invocations that have ended since the last look.

        Raises:
            AwsError: The log group may not be read.
        """
        now_ms = self._now_ms()
        new = [each for each in sought if each.key not in self._sought]
        found = self._read(self._beginning_ms(sought), now_ms + _LATE_MS)
        unfinished_ms = [each.at_ms for each in found if not self._is_over(each)]
        self._from_ms = max(self._from_ms, min([now_ms - _LATE_MS, *unfinished_ms]))
        over = [each for each in found if each.identity not in self._told and self._is_over(each)]
        told = [seen for each in over if (seen := self._sighting(each, sought)) is not None]
        return [*told, *self._unclaimed.claimed(lambda request_id: self._keys_of(request_id, sought), new)]

    def _keys_of(self, request_id: str, sought: Sequence[Sought]) -> tuple[str, ...]:
        return self._requests.keys_of(request_id, sought) if self._requests is not None else ()

    def _beginning_ms(self, sought: Sequence[Sought]) -> int:
        """Say from when on to read: also what was sent before a run was broken off is sought once."""
        earliest_ms = min((each.sent_at_ms for each in sought if each.key not in self._sought), default=self._from_ms)
        self._sought |= {each.key for each in sought}
        return min(self._from_ms, earliest_ms - CLOCKS_DIFFER_MS)

    def close(self) -> Sequence[str]:
        """Give nothing back: reading takes nothing."""
        return ()

    def reason(self) -> str:
        """Say why an invocation may not be seen here, or not whose it was."""
        if self._is_missing:
            return (
                f"{self.place} is not there: the function was never invoked, or may not write a log, or logs elsewhere"
            )
        if self._is_busy:
            return f"others invoke the function too, and {self.place} does not say whose an invocation is"
        if self._unsigned:
            return f"{self.place} does not say whose an invocation is: log the ids, or send one at a time"
        return "" if self._failures else f"{self.place} shows no failure"

    def _sighting(self, found: LoggedReply, sought: Sequence[Sought]) -> Sighting | None:
        request_id = found.invocation.request_id
        keys = keys_in([request_id, *found.texts], sought)
        if not keys and found.identity in self._before:
            return None
        keys = keys or self._keys_of(request_id, sought)
        self._told.add(found.identity)
        seen = self._seen(found, keys)
        if keys:
            return seen
        self._unclaimed.keep(seen, request_id, found.texts)
        self._unsigned += not self._is_busy
        if not self._is_busy:
            return seen
        return replace(seen, settled=None, whose="unknown") if self._requests is not None else None

    def _seen(self, found: LoggedReply, keys: tuple[str, ...]) -> Sighting:
        reply = found.reply(self._code)
        if reply.succeeded:
            settled, is_sure = self._ends.returned, found.is_lambdas_own and self._is_told(found)
        else:
            settled, is_sure = self._settled_by_failure(found.invocation.request_id), True
        return Sighting(
            keys=keys,
            identity=found.identity,
            reply=reply,
            settled=settled if is_sure else None,
            at_ms=found.began_ms,
            is_sure=is_sure,
            unless_undone=reply.succeeded and (self._ends.returned is not None or not self._is_told(found)),
            may_be_earlier=found.uncaught == 1 and not found.is_lambdas_own,
            request_id=found.invocation.request_id if self._requests is not None and found.is_lambdas_own else "",
        )

    def _settled_by_failure(self, request_id: str) -> Settled | None:
        self._failures[request_id] += 1
        return self._ends.given_up if self._failures[request_id] == self._ends.attempts else None

    def _is_told(self, found: LoggedReply) -> bool:
        """Say whether how it ended is told: by a failure, or by a report of less than the time that it has."""
        report = found.invocation.report
        if report is None:
            return False
        took_less = (report.duration_ms or 0.0) < self._ends.timeout_s * 1000
        return bool(found.invocation.failure is not None or report.status or took_less)

    def _is_over(self, found: LoggedReply) -> bool:
        """Say whether nothing more of it is to come: a timeout may be told behind its report."""
        late_ms = _LATE_MS + self._ends.timeout_s * 1000
        return found.is_whole and (self._is_told(found) or self._now_ms() - found.at_ms > late_ms)

    def _read(self, start_ms: int, end_ms: int) -> list[LoggedReply]:
        streams: dict[str, list[LogLine]] = {}
        try:
            ahead_ms = self._clocks.ahead_ms
            start_ms, end_ms = max(0, start_ms + ahead_ms), end_ms + ahead_ms
            for line in filtered_lines(self._client, self._log_group, start_ms=start_ms, end_ms=end_ms):
                text = line.message.replace("\r", "\n")  # so AWS's client for Python ends lines where it is not on AWS
                ours = line._replace(message=text, at_ms=line.at_ms - self._clocks.ahead_ms)
                streams.setdefault(line.stream, []).append(ours)
        except AwsError as error:
            self._is_missing = is_missing(error)
            if self._is_missing:
                return []  # the first invocation makes it
            raise
        self._is_missing = False
        found = [
            attempt
            for stream, lines in streams.items()
            for logged in invocations_of(self._log_group, stream, sorted(lines, key=lambda line: line.at_ms))
            for attempt in attempts_of(logged)
        ]
        return sorted(found, key=lambda each: each.at_ms)

    def _now_ms(self) -> int:
        return round(self._clock() * 1000)
