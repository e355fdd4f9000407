"""What to look for in the logs for one capture, and when."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from replay.payloads.captures import Capture
from replay.payloads.envelopes.base import Unwrapped

_REQUEST_ID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_LONGEST_INVOCATION = timedelta(minutes=15)
_CLOCKS = timedelta(minutes=2)
"""How far the clocks of two services may be apart, and how late a line may come."""

_LONGEST_WAY = timedelta(hours=12)
"""How long after it was sent a message without known settings is looked for: a visibility timeout is no longer."""

_NAMED_BY_THEIR_ID = {("sqs", "sqs"), ("text", "eventbridge")}
"""Messages, and events of a bus as an archive gives them: who logs one logs its id."""

_MOST_TOGETHER = timedelta(hours=6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """
    Terms to look for in one log, between two moments.

    `key` says for whom. `exact`: the term is the request's own id, so that what is found is the invocation that failed;
    else the lines of an invocation only mention it.
    """

    key: int
    terms: tuple[str, ...]
    start: datetime
    end: datetime
    exact: bool


def search_for(key: int, capture: Capture, unwrapped: Unwrapped, *, now: datetime) -> Search | None:
    """
    Say what to look for to learn how *capture* failed; None where nothing names it, or nobody knows when it was.

    A record of a failure is sent when the last attempt has ended. A message is received from when it was sent on, as
    often as its queue allows; an event of a bus is delivered soon, or tried again for hours.
    """
    request_id = unwrapped.failure.request_id if unwrapped.failure is not None else None
    known = unwrapped.failure is not None and bool(unwrapped.failure.log_lines)
    if capture.sent_at is None or known:
        return None
    if request_id is not None and _REQUEST_ID.fullmatch(request_id):
        start = capture.sent_at - _LONGEST_INVOCATION - 2 * _CLOCKS
        return Search(key=key, terms=(request_id,), start=start, end=capture.sent_at + _CLOCKS, exact=True)
    own_id = capture.origin.identity
    if (capture.carrier, unwrapped.event.kind) not in _NAMED_BY_THEIR_ID or not _REQUEST_ID.fullmatch(own_id):
        return None
    end = min(now, capture.sent_at + _way(capture, unwrapped))
    return Search(key=key, terms=(own_id,), start=capture.sent_at - _CLOCKS, end=end + _CLOCKS, exact=False)


def _way(capture: Capture, unwrapped: Unwrapped) -> timedelta:
    """Estimate how long a message may go on being received before it is a dead letter."""
    source = unwrapped.event_source
    if source.max_receive_count is None or source.visibility_timeout_s is None:
        return _LONGEST_WAY
    received = capture.attributes.get("ApproximateFirstReceiveTimestamp", "")
    waited = timedelta()
    if received.isdecimal() and received.isascii() and capture.sent_at is not None:
        first = datetime.fromtimestamp(int(received[:13]) / 1000, UTC)
        waited = min(max(first - capture.sent_at, timedelta()), _LONGEST_WAY)
    return waited + source.max_receive_count * timedelta(seconds=source.visibility_timeout_s) + _LONGEST_INVOCATION


def together(searches: Sequence[Search], most: int) -> Iterator[list[Search]]:
    """Put searches that are near in time together, *most* at a time, so that one call looks for all of them."""
    held: list[Search] = []
    for search in sorted(searches, key=lambda each: each.start):
        if held and (len(held) >= most or search.end - held[0].start > _MOST_TOGETHER + (held[0].end - held[0].start)):
            yield held
            held = []
        held.append(search)
    if held:
        yield held


def milliseconds(moment: datetime) -> int:
    """Give a moment as CloudWatch Logs has it: epoch milliseconds."""
    return max(0, int(moment.timestamp() * 1000))
