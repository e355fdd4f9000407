"""Which captures of a source are asked for: by a pattern over their events, and by time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from replay.errors import ConfigurationError
from replay.payloads.captures import Event
from replay.payloads.event_patterns import EventPattern, compile_pattern
from replay.payloads.event_views import matches
from replay.sources.moments import moment

Moment = datetime | str | None
"""A moment, a time ago (`2h`), or ISO 8601; None leaves an end open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which captures are asked for: those whose event `pattern` matches, sent in this time; None asks for all."""

    pattern: EventPattern | None
    since: datetime | None
    until: datetime | None

    @property
    def takes_all(self) -> bool:
        """Whether nothing is left out."""
        return self.pattern is None and self.since is None and self.until is None

    def in_time(self, sent: datetime | None) -> bool:
        """Say whether a capture sent at this moment is asked for; one without a time is not, when time is asked for."""
        if self.since is None and self.until is None:
            return True
        return sent is not None and (
            (self.since is None or sent >= self.since) and (self.until is None or sent <= self.until)
        )

    def wants(self, event: Event) -> bool:
        """Say whether *event* is asked for."""
        return self.pattern is None or matches(self.pattern, event)


def selection_of(
    where: EventPattern | str | Mapping[str, Any] | None, since: Moment, until: Moment, now: datetime
) -> Selection:
    """
    Read what a user asks for.

    Raises:
        InvalidEventPattern, ConfigurationError: *where*, *since* or *until* cannot be read, or nothing lies between.
    """
    pattern = compile_pattern(where) if isinstance(where, str | Mapping) else where
    earliest = moment(since, now=now, option="--since") if isinstance(since, str) else since
    latest = moment(until, now=now, option="--until") if isinstance(until, str) else until
    if earliest is not None and latest is not None and earliest > latest:
        raise ConfigurationError(
            "no event can be asked for: --since is later than --until",
            where=f"--since {since} --until {until}",
            expected="--since at or before --until",
            hint="exchange them, if that is what you mean",
        )
    if earliest is not None and earliest > now:
        raise ConfigurationError(
            "no event can be asked for: --since lies in the future",
            where=f"--since {since}",
            expected=f"a moment before {now:%Y-%m-%d %H:%M} UTC",
            hint="write the zone, as in 2026-11-21T08:30+01:00: without one it is UTC",
        )
    return Selection(pattern=pattern, since=earliest, until=latest)
