"""The log group of a function: its invocations, by the marker or an id of what was sent, or by their request id."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from replay.errors import AwsError
from replay.readers.invocations import invocations_of
from replay.readers.logs import LogLine, filtered_lines, is_missing
from replay.targets.carrier import Settled, Sighting, Sought
from replay.targets.observing.logged_replies import LoggedReply, attempts_of
from replay.targets.observing.signs import keys_in

_LATE_MS = 15_000
"""CloudWatch Logs shows lines some seconds after they were written, and not in the order of their times."""

_CLOCKS_DIFFER_MS = 1_000
_TICK_S = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedEnds:
    """
    What an invocation says by itself of the end of what was sent.

    Attributes:
        returned: What has become of it once the function has returned; None where the answer may name records that
            failed, which no log tells.
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
    alone, it is that one's. Before anything is sent the log must therefore be quiet: where others invoke the function,
    invocations without a sign are given to nobody.

    Args:
        code: The function's code here, to name the files of a trace as Lambda does.
        quiet_s: For how long nobody may have invoked it; it is waited for once as long.
    """

    def __init__(
        self,
        client: Any,
        log_group: str,
        *,
        code: Path,
        ends: LoggedEnds,
        quiet_s: float = 10.0,
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
        self._is_busy = False
        self._unsigned = 0

    @property
    def place(self) -> str:
        """Where it looks, for eyes."""
        return f"the log group {self._log_group}"

    def begin(self) -> None:
        """
        See whether others invoke the function.

        Raises:
            AwsError: The log group may not be read.
        """
        patient_until = self._clock() + self._quiet_s
        while True:
            now_ms = self._now_ms()
            self._from_ms = now_ms - _CLOCKS_DIFFER_MS
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
        found = self._read(self._beginning_ms(sought), now_ms + _LATE_MS)
        unfinished_ms = [each.at_ms for each in found if not self._is_over(each)]
        self._from_ms = max(self._from_ms, min([now_ms - _LATE_MS, *unfinished_ms]))
        over = [each for each in found if each.identity not in self._told and self._is_over(each)]
        return [seen for each in over if (seen := self._sighting(each, sought)) is not None]

    def _beginning_ms(self, sought: Sequence[Sought]) -> int:
        """Say from when on to read: also what was sent before a run was broken off is sought once."""
        earliest_ms = min((each.sent_at_ms for each in sought if each.key not in self._sought), default=self._from_ms)
        self._sought |= {each.key for each in sought}
        return min(self._from_ms, earliest_ms - _CLOCKS_DIFFER_MS)

    def close(self) -> Sequence[str]:
        """Give nothing back: reading takes nothing."""
        return ()

    def reason(self) -> str:
        """Say why an invocation may not be seen here, or not whose it was."""
        if self._is_busy:
            return f"others invoke the function too, and {self.place} does not say whose an invocation is"
        if self._unsigned:
            return f"{self.place} does not say whose an invocation is: log the ids, or send one at a time"
        return "" if self._failures else f"{self.place} shows no failure"

    def _sighting(self, found: LoggedReply, sought: Sequence[Sought]) -> Sighting | None:
        keys = keys_in([found.invocation.request_id, *found.texts], sought)
        if not keys and (self._is_busy or found.identity in self._before):
            return None
        self._told.add(found.identity)
        self._unsigned += not keys
        reply = found.reply(self._code)
        settled = self._ends.returned
        if not reply.succeeded:
            self._failures[found.invocation.request_id] += 1
            is_last = self._failures[found.invocation.request_id] == self._ends.attempts
            settled = self._ends.given_up if is_last else None
        return Sighting(keys=keys, identity=found.identity, reply=reply, settled=settled, at_ms=found.at_ms)

    def _is_over(self, found: LoggedReply) -> bool:
        """Say whether nothing more of it is to come: a timeout may be told behind its report."""
        invocation = found.invocation
        if not found.is_whole:
            return False
        report = invocation.report
        known = invocation.failure is not None or (
            report is not None and (report.status or (report.duration_ms or 0.0) < self._ends.timeout_s * 1000)
        )
        return (
            bool(report is not None and known) or self._now_ms() - found.at_ms > _LATE_MS + self._ends.timeout_s * 1000
        )

    def _read(self, start_ms: int, end_ms: int) -> list[LoggedReply]:
        streams: dict[str, list[LogLine]] = {}
        try:
            for line in filtered_lines(self._client, self._log_group, start_ms=max(0, start_ms), end_ms=end_ms):
                text = line.message.replace("\r", "\n")  # so AWS's client for Python ends lines where it is not on AWS
                streams.setdefault(line.stream, []).append(line._replace(message=text))
        except AwsError as error:
            if is_missing(error):
                return []  # the first invocation makes it
            raise
        found = [
            attempt
            for stream, lines in streams.items()
            for logged in invocations_of(self._log_group, stream, sorted(lines, key=lambda line: line.at_ms))
            for attempt in attempts_of(logged)
        ]
        return sorted(found, key=lambda each: each.at_ms)

    def _now_ms(self) -> int:
        return round(self._clock() * 1000)
