"""What is told of failed requests whose event was never logged."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime

from replay.counted_nouns import counted
from replay.payloads.log_formats.log_record import known_id
from replay.sources.s3_log_parts.joined import MOST_WAITING, Joined, shown_type
from replay.sources.s3_log_parts.sightings import Sighting

_MOST_NOTES = 20
_MOST_NAMED = 3


def missing_notes(joined: Joined, in_time: Callable[[datetime | None], bool]) -> Iterator[str]:
    """Tell of the failures without an event: all of them by their type, the first by their id."""
    lost = [each for each in joined.without_event() if in_time(each.at)]
    by_type = Counter(map(shown_type, lost))
    for error_type, count in by_type.most_common(_MOST_NOTES):
        what = counted(count, "failed request has", "failed requests have")
        yield printable(f"{what} no event, which was never logged: {error_type}")
    named = [f"{_shown_id(each)}{_at(each)}" for each in lost[:_MOST_NAMED]]
    if named:
        yield f"without an event: {', '.join(named)}{', …' if len(lost) > _MOST_NAMED else ''}"
    for error_type, count in joined.nameless.most_common(_MOST_NOTES):
        yield printable(f"{counted(count, 'failure')} without a request id or an event: {error_type}")
    if beyond := joined.beyond.total():
        what = counted(beyond, "more failed request")
        yield f"{what} had no event nearby, beyond the {MOST_WAITING:,} that were sought"


def printable(text: str) -> str:
    """Show what a log says as one line that a terminal can take."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _shown_id(found: Sighting) -> str:
    """Show an id that looks like one: a line may hold anything."""
    return known_id(found.request_id) or "a request"


def _at(found: Sighting) -> str:
    return f" at {found.at:%Y-%m-%d %H:%M:%S}Z" if found.at else ""
