"""Where the original of a fixture may still be: the source that would give it again."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from replay.errors import SourceError
from replay.fixtures.fixture import Fixture
from replay.payloads.exact_json import parse
from replay.replayer.event_delivery import captured_at
from replay.sources.base import Source
from replay.sources.registry import source_class

_AROUND = timedelta(minutes=16)
"""An invocation may last 15 minutes, and its log may come a little later."""

_CONNECTION = ("region", "profile", "endpoint_url", "event_at", "event_prefix", "request_id_at")
"""What a source of the project's configuration knows of how to reach, and to read, a place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """
    One source with the options by which it gives something again; equal places are looked at once.

    Attributes:
        since: From when on, where the source has time; so `until`.
    """

    source: str
    options: tuple[tuple[str, Any], ...]
    since: datetime | None = field(default=None, compare=False)
    until: datetime | None = field(default=None, compare=False)

    def open(self, configured: Mapping[str, Mapping[str, Any]]) -> Source:
        """
        Give the source.

        Args:
            configured: The sources of the project: one of the same kind says how it is reached.

        Raises:
            ReplayError: There is no such source any more.
        """
        kind = source_class(self.source)
        known = {item.name for item in fields(kind.options)}
        alike = (each for name, each in configured.items() if each.get("kind", name) == self.source)
        reached = {name: value for name, value in next(alike, {}).items() if name in _CONNECTION and name in known}
        return kind(kind.options(**{**reached, **dict(self.options)}))


def place_of(fixture: Fixture) -> Place:
    """
    Say where the original of *fixture* may still be.

    Raises:
        ReplayError: Its source cannot give one event again.
    """
    told = fixture.provenance
    if told.source == "sqs" and told.arn:
        return Place(source="sqs", options=(("queue", told.arn),))
    if told.source == "cloudwatch-logs" and told.place:
        group, identity = told.place.partition(" ")[0], f'"{told.identity}"'
        return Place(
            source="cloudwatch-logs", options=(("log_group", group), ("pattern", identity)), **_time_of(fixture)
        )
    if told.source == "s3-logs" and told.place:
        return Place(source="s3-logs", options=(("path", (told.place,)),))
    if told.source == "stream" and told.arn:
        return _stream(fixture)
    if told.source == "files" and told.place:
        return Place(source="files", options=(("path", (Path(told.place.rpartition(":")[0] or told.place),)),))
    raise SourceError(
        f"the source {told.source} cannot give one event again",
        where=str(fixture.reference),
        hint="record it again, or send stand-ins: --allow-pseudonyms",
    )


def _stream(fixture: Fixture) -> Place:
    told = fixture.provenance
    shard, _, numbers = told.identity.partition(":")
    first, _, last = numbers.partition("-")
    if not first:
        raise SourceError("its place in the stream is not known", where=str(fixture.reference))
    seen = parse(fixture.event_text)
    records = seen.get("Records") if isinstance(seen, dict) else None
    size = max(1, len(records)) if isinstance(records, list) else 1
    options = {"stream": told.arn, "shard": shard, "from_": first, "to": last or first, "batch_size": size}
    return Place(source="stream", options=tuple(options.items()))


def _time_of(fixture: Fixture) -> Mapping[str, datetime]:
    moment = captured_at(fixture)
    return {"since": moment - _AROUND, "until": moment + _AROUND} if moment else {}
