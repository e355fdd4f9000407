"""One look at one object, wherever it is done: in this process, or in another."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from replay.errors import ConfigurationError
from replay.payloads.log_formats.log_record import Kind
from replay.payloads.log_formats.reading import Forms
from replay.readers.clients import aws_client
from replay.sources.s3_log_parts.console_tables import without_tables
from replay.sources.s3_log_parts.large_answers import without_large_answers
from replay.sources.s3_log_parts.log_objects import LogObject
from replay.sources.s3_log_parts.lookup import FoundEvent, look_up
from replay.sources.s3_log_parts.object_streams import Counted, Unreadable, opened, unpacked
from replay.sources.s3_log_parts.scan import scan
from replay.sources.s3_log_parts.sightings import Sighting

_MOST_CONNECTIONS = 32
_TOLD_EVERY_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How to read objects: the account and region, the form of the lines, and how large they may be."""

    forms: Forms = field(default_factory=Forms)
    most_bytes: int = 2_000_000_000
    region: str | None = None
    profile: str | None = None
    endpoint_url: str | None = None

    def client(self) -> Any:
        """Make a client of S3."""
        return aws_client(
            "s3",
            region=self.region,
            profile=self.profile,
            endpoint_url=self.endpoint_url,
            max_pool_connections=_MOST_CONNECTIONS,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Look at an object: for failed requests, or for the events of those with these ids."""

    number: int
    found: LogObject
    ids: Mapping[str, Kind] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The end of a task: what could not be read of the object, and how much was unpacked."""

    problems: Mapping[str, int]
    unpacked_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """How much of a task's object is read, as it lies there."""

    packed_bytes: int


Finding = Sighting | FoundEvent | Ended | ConfigurationError


def perform(
    task: Task, access: Access, client: Any, *, reached: Callable[[Reached], object] = lambda _: None
) -> Iterator[Finding]:
    """
    Do *task*; what goes wrong with its object is counted, and told at the end.

    Args:
        reached: Told from time to time how far it is, also while nothing is found.
    """
    problems: Counter[str] = Counter()
    size = 0

    def pieces() -> Iterator[bytes]:
        nonlocal size
        try:
            with opened(task.found, client) as raw:
                counted, told = Counted(raw), 0
                content = unpacked(counted, most_bytes=access.most_bytes)
                for piece in without_large_answers(without_tables(content)):
                    size += len(piece)
                    if counted.given - told >= _TOLD_EVERY_BYTES:
                        told = counted.given
                        reached(Reached(packed_bytes=told))
                    yield piece
        except Unreadable as error:
            problems[str(error)] += 1
        except OSError as error:
            problems[f"cannot be read: {error.strerror or type(error).__name__}"] += 1

    try:
        if task.ids is None:
            yield from scan(pieces(), access.forms, problems)
        else:
            yield from look_up(pieces(), task.ids, access.forms, problems)
    except ConfigurationError as error:
        yield error
        return
    yield Ended(problems=dict(problems), unpacked_bytes=size)
