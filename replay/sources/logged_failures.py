"""Failed invocations as captures: the event that the invocation logged, or the count of those that logged none."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

from replay.counted_nouns import counted
from replay.payloads.captures import Capture, Origin
from replay.payloads.lambda_logs import Invocation
from replay.payloads.log_formats.logged_event import ANYWHERE, EventPlace, announces_event, logged_event, printed_value
from replay.readers.failure_evidence import logged_failure, request_id_of
from replay.readers.invocations import LoggedInvocation

_OWN_LINES = frozenset({"application", "text"})
_PLAIN = re.compile(r"[\w.:<>$+`]{1,80}", re.ASCII)
_MOST_KINDS = 5


def event_of(invocation: Invocation, place: EventPlace = ANYWHERE) -> str | None:
    """Find the event among the lines that the function itself wrote: in one, or below its heading; exactly, or None."""
    announced = False
    for entry in invocation.entries:
        if entry.kind not in _OWN_LINES:
            continue
        found = logged_event(entry.text, entry.message, place)
        if found is None and announced:
            found = printed_value(entry.message.strip())
        if found is not None:
            return found
        announced = place == ANYWHERE and announces_event(entry.message)
    return None


def capture_of(logged: LoggedInvocation, event: str) -> Capture:
    """Make a capture of an invocation; a request's id is its own for ever."""
    origin = Origin(
        source="cloudwatch-logs",
        identity=logged.invocation.request_id,
        place=f"{logged.log_group} {logged.stream}",
    )
    sent_at = datetime.fromtimestamp(logged.at_ms / 1000, UTC)
    return Capture(origin=origin, body=event, sent_at=sent_at, failure=logged_failure(logged))


class MissingEvents:
    """Counts the invocations that logged no event, by what is known of their failures."""

    def __init__(self) -> None:
        self._kinds: Counter[str] = Counter()
        self._last: LoggedInvocation | None = None

    def add(self, logged: LoggedInvocation) -> None:
        """Count one more."""
        failure = logged.invocation.failure
        told = failure.error_type if failure is not None else ""
        self._kinds[told if _PLAIN.fullmatch(told) else "other"] += 1
        if self._last is None or logged.at_ms >= self._last.at_ms:
            self._last = logged

    def notes(self, log_group: str) -> Iterator[str]:
        """Tell how many there are, and which was the last; no word of a message, which nobody has redacted."""
        if self._last is None:
            return
        kinds = ", ".join(f"{count} {kind}" for kind, count in self._kinds.most_common(_MOST_KINDS))
        at = datetime.fromtimestamp(self._last.at_ms / 1000, UTC)
        which = counted(self._kinds.total(), "invocation")
        yield f"{which} in {log_group} logged no event, so there is nothing to replay: {kinds}"
        name = request_id_of(self._last) or "one without an id"
        yield f"the last of them is {name} at {at:%Y-%m-%d %H:%M:%S} UTC, in {self._last.stream}"
