"""The log of a function that is tried again: what does not come again is done, what failed too often is given up."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from replay.targets.carrier import Settled, Sighting, Sought, Watch

UNSURE_AGAIN_WITHIN_S = 10.0
"""An emulator tries after a second or two again what failed without a line, and may start a new process for it."""

_Whose = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Returned:
    """The last invocation of something has returned: when that was seen, and what was seen."""

    since_s: float
    sighting: Sighting


class CountedLog:
    """
    Adds to what the *log* of a function tells the ends that its tries make of it.

    What the last invocation returned from, and what has not come again, is done: what is reported as failed, or failed
    without a line in the log, comes again, while there are tries left. What has failed as often as it is tried is given
    up. An invocation without a sign is one of everything that is sought then, and its end is that one's who takes the
    invocation.

    Args:
        attempts: How often it is tried; None where that is not known.
        again_within_s: What has not come again for so long does not; infinite where that is no proof.
        left_behind: Whether something was given up since a moment (epoch milliseconds), that may be what returned last
            in a log that does not tell every failure; None where that could not be seen.
        untold_from: From which try on records that are reported as failed may be given up without a trace: then that
            nothing comes again proves nothing. None where they come again for ever, or what is given up is seen.
    """

    def __init__(
        self,
        log: Watch,
        *,
        attempts: int | None,
        given_up: Settled,
        again_within_s: float,
        left_behind: Callable[[int], bool] | None = None,
        untold_from: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log, self._attempts, self._given_up = log, attempts, given_up
        self._again_within_s, self._left_behind, self._clock = again_within_s, left_behind, clock
        self._untold_from, self._lacks_reports = untold_from, False
        self._tries: Counter[_Whose] = Counter()
        self._failures: Counter[_Whose] = Counter()
        self._returned: dict[_Whose, _Returned] = {}
        self._counted_as: dict[str, _Whose] = {}
        self._quiet = 0

    @property
    def place(self) -> str:
        """Where it looks, for eyes."""
        return self._log.place

    def begin(self) -> None:
        """
        Begin to read the log.

        Raises:
            AwsError: It may not be read.
        """
        self._log.begin()

    def look(self, sought: Sequence[Sought]) -> Sequence[Sighting]:
        """
        Give what the log shows, and what has not come again.

        Raises:
            AwsError: The log may not be read.
        """
        everything = tuple(each.key for each in sought)
        since_ms = min((each.sent_at_ms for each in sought), default=0)
        seen = []
        for each in self._log.look(sought):
            whose = each.keys or everything
            is_ours = each.keys or (each.at_ms >= since_ms and each.whose == "ours")
            # It may be told once more, when it is known whose it is.
            is_new = self._counted_as.get(each.identity) != whose
            seen.append(self._counted(each, whose) if is_ours and is_new else each)
        return seen + self._not_again(everything)

    def close(self) -> Sequence[str]:
        """Give nothing back."""
        return self._log.close()

    def reason(self) -> str:
        """Say what the log does not tell."""
        if self._lacks_reports:
            return "whether its last try has reported records as failed is told nowhere: the mapping has no destination"
        return self._log.reason()

    def _counted(self, sighting: Sighting, whose: _Whose) -> Sighting:
        self._returned.pop(whose, None)
        self._counted_as[sighting.identity] = whose
        reply = sighting.reply
        if reply is None or sighting.settled is not None:
            return sighting
        if sighting.request_id and not reply.succeeded:
            return sighting  # the log has counted the attempts of each request
        self._tries[whose] += 1
        if reply.succeeded:
            self._returned[whose] = _Returned(since_s=self._clock(), sighting=sighting)
            return sighting
        self._failures[whose] += 1
        return replace(sighting, settled=self._given_up) if self._failures[whose] == self._attempts else sighting

    def _not_again(self, everything: _Whose) -> list[Sighting]:
        now_s = self._clock()
        gone = []
        for whose, returned in list(self._returned.items()):
            if now_s - returned.since_s < self._within_s(whose, returned.sighting):
                continue
            if not returned.sighting.keys and whose != everything:
                del self._returned[whose]  # it was sought then, and others are now
            elif not self._may_have_failed(whose, returned.sighting):
                self._quiet += 1
                gone.append(replace(returned.sighting, reply=None, identity=f"quiet {self._quiet}", settled="gone"))
        return gone

    def _within_s(self, whose: _Whose, last: Sighting) -> float:
        may_come = not last.is_sure and not self._was_the_last(whose)
        return max(self._again_within_s, UNSURE_AGAIN_WITHIN_S) if may_come else self._again_within_s

    def _may_have_failed(self, whose: _Whose, last: Sighting) -> bool:
        """Say whether it may have failed for the last time, without a line that says so."""
        if self._untold_from is not None and self._tries[whose] >= self._untold_from:
            self._lacks_reports = True
            return True
        if last.is_sure or not self._was_the_last(whose):
            return False
        return self._left_behind is None or self._left_behind(last.at_ms)

    def _was_the_last(self, whose: _Whose) -> bool:
        return self._attempts is not None and self._tries[whose] >= self._attempts
