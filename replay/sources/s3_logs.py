"""Logs in a bucket, or downloaded from one: failed requests are found, and joined with the events that were logged."""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from replay.counted_nouns import counted
from replay.errors import AwsError, ConfigurationError, SourceError
from replay.payloads.captures import Capture, Origin
from replay.payloads.log_formats.json_path import json_path
from replay.payloads.log_formats.log_record import known_id
from replay.payloads.log_formats.logged_event import EventPlace
from replay.payloads.log_formats.reading import Forms
from replay.sources.advance import Advance
from replay.sources.aws_options import AwsOptions
from replay.sources.base import Recording, Source, content_identity
from replay.sources.permissions import ANY, AwsPlace, Permission
from replay.sources.s3_log_parts.bucket_listing import bucket_lister
from replay.sources.s3_log_parts.joined import Joined
from replay.sources.s3_log_parts.lanes import Lane, Lanes
from replay.sources.s3_log_parts.log_objects import Listed, Lister, LogObject, Window, files_lister
from replay.sources.s3_log_parts.lookup import FoundEvent
from replay.sources.s3_log_parts.missing_events import missing_notes, printable
from replay.sources.s3_log_parts.scan import DOUBTFUL
from replay.sources.s3_log_parts.sightings import Sighting
from replay.sources.s3_log_parts.tasks import Access, Ended, Task
from replay.sources.s3_log_parts.unreadable import UnreadableParts

MOST_PROCESSES = 64
_DEFAULT_MOST_PROCESSES = 2
"""Two stay below 200 MB of memory, also with a client of AWS in each."""

_WORTH_PROCESSES_BYTES = 32 * 1024 * 1024
"""Below that, starting them costs more than they bring."""

_S3_THREADS = 4
_MOST_NOTES = 20
_S3_URL = re.compile(r"s3a?://(?P<bucket>arn:[^/]+/[^/]+|[^/]*)(?:/(?P<prefix>.*))?")
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]|arn:aws[a-z-]*:s3:\S+")


@dataclass(frozen=True, slots=True, kw_only=True)
class S3LogsOptions(AwsOptions):
    """Which logs to read, and where their lines hold the events."""

    path: tuple[str, ...] = field(
        default=(),
        metadata={
            "help": "the logs: s3://BUCKET/PREFIX, or a folder or file of downloaded ones",
            "metavar": "S3-URL|PATH",
            "positional": True,
            "urls_or_paths": True,
        },
    )
    bucket: str | None = field(default=None, metadata={"help": "the bucket; the same as s3://BUCKET/PREFIX"})
    prefix: tuple[str, ...] = field(default=(), metadata={"help": "the prefix of the objects in --bucket"})
    event_at: str | None = field(
        default=None,
        metadata={"help": "where a JSON line holds the event, such as $.request.body", "metavar": "JSONPATH"},
    )
    event_prefix: str | None = field(
        default=None, metadata={"help": "the text before the event, such as 'Request: '", "metavar": "TEXT"}
    )
    request_id_at: str | None = field(
        default=None, metadata={"help": "where a JSON line holds the request's id", "metavar": "JSONPATH"}
    )
    logged_errors: bool = field(
        default=False,
        metadata={
            "help": "take every logged error for a failed request; for JSON implied by --event-at and --event-prefix",
            "flag": True,
        },
    )
    slack_minutes: int = field(
        default=60,
        metadata={"help": "how far keys and clocks may be off --since and --until", "metavar": "MINUTES"},
    )
    max_unpacked_mb: int = field(
        default=2_000,
        metadata={"help": "what unpacks to more, and to a hundred times its size, is not read on", "metavar": "MB"},
    )
    processes: int | None = field(
        default=None,
        metadata={"help": "how many processes read; by default one for each core, at most 2", "metavar": "N"},
    )

    def __post_init__(self) -> None:
        """
        Refuse what cannot be meant.

        Raises:
            ConfigurationError: A number out of its range, a path that is none, or a prefix without a bucket.
        """
        _in_range("slack_minutes", self.slack_minutes, 0, 60 * 24 * 366)
        _in_range("max_unpacked_mb", self.max_unpacked_mb, 1, 1_000_000_000)
        if self.processes is not None:
            _in_range("processes", self.processes, 1, MOST_PROCESSES)
        if self.prefix and self.bucket is None:
            raise ConfigurationError("--prefix needs --bucket", where="--prefix", hint="or give s3://BUCKET/PREFIX")
        self.forms()

    def forms(self) -> Forms:
        """Say of the lines what the options say of them."""
        path = json_path(self.event_at, option="--event-at") if self.event_at else None
        return Forms(
            event=EventPlace(path=path, prefix=self.event_prefix or ""),
            request_id_at=json_path(self.request_id_at, option="--request-id-at") if self.request_id_at else None,
            application=bool(self.logged_errors or self.event_at or self.event_prefix),
            text_errors=self.logged_errors,
        )

    def buckets(self) -> list[tuple[str, str]]:
        """List the buckets that are named, each with a prefix of keys."""
        urls = [url for path in self.path if (url := _S3_URL.fullmatch(path))]
        named = [(url["bucket"], url["prefix"] or "") for url in urls]
        if self.bucket is not None:
            named += [(self.bucket, prefix) for prefix in self.prefix or ("",)]
        return named

    def access(self) -> Access:
        """Say how objects are read."""
        return Access(
            forms=self.forms(),
            most_bytes=self.max_unpacked_mb * 1_000_000,
            region=self.region,
            profile=self.profile,
            endpoint_url=self.endpoint_url,
        )


def _in_range(name: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        flag = "--" + name.replace("_", "-")
        raise ConfigurationError("a number out of its range", where=f"{flag} {value}", expected=f"{least} to {most}")


class S3LogsSource(Source):
    """
    Logs that lie in a bucket, or in a folder of this machine.

    Source: S3 API `ListObjectsV2` and `GetObject`; what is in the objects, see `replay.payloads.log_formats`.
    """

    name = "s3-logs"
    summary = "failed requests and their events, found in logs in S3 or in downloaded ones"
    options = S3LogsOptions

    def __init__(self, options: S3LogsOptions) -> None:
        self._options = options

    def permissions(self, at: AwsPlace) -> tuple[Permission, ...]:
        """Listing and reading the buckets that are named; none where the logs lie on this machine."""
        places = self._options.buckets()
        if not places and not self._options.path:
            places = [(ANY, "")]
        if not places:
            return ()
        buckets = tuple(dict.fromkeys(at.bucket_arn(bucket) for bucket, _ in places))
        objects = tuple(dict.fromkeys(at.bucket_arn(bucket, f"{prefix}*") for bucket, prefix in places))
        return (
            Permission(actions=("s3:ListBucket",), resources=buckets, why="list the objects"),
            Permission(actions=("s3:GetObject",), resources=objects, why="read them"),
        )

    def open(self) -> "S3LogsRecording":
        """
        See that the places are there.

        Raises:
            SourceError: No place was given, or a path is missing.
            AwsError: Credentials, region, profile.
        """
        options = self._options
        access = options.access()
        places = [(path, _S3_URL.fullmatch(path)) for path in options.path]
        buckets = options.buckets()
        if not places and not buckets:
            raise SourceError(
                "it is not said where the logs are",
                expected="s3://BUCKET/PREFIX, --bucket BUCKET --prefix PREFIX, or a folder or file",
                hint="replay record s3-logs --help",
            )
        for bucket, _ in buckets:
            if not _BUCKET.fullmatch(bucket):
                raise ConfigurationError("that is no bucket", where=bucket, expected="s3://BUCKET/PREFIX")
        client = access.client() if buckets else None
        listers = [files_lister(path) for path, url in places if not url]
        listers += [bucket_lister(client, bucket, prefix) for bucket, prefix in buckets]
        slack = timedelta(minutes=options.slack_minutes)
        return S3LogsRecording(listers, access, client, slack=slack, processes=options.processes)


class S3LogsRecording(Recording):
    """One pass, or two, over the objects of a log; nothing is changed."""

    def __init__(
        self, listers: Sequence[Lister], access: Access, client: Any, *, slack: timedelta, processes: int | None
    ) -> None:
        self._listers, self._access, self._client = listers, access, client
        self._processes = processes
        self._window = Window(slack=slack)
        self._lanes: Lanes | None = None
        self._listed = Listed()
        self._joined = Joined()
        self._unreadable = UnreadableParts()
        self._objects: list[LogObject] = []
        self._read_all = self._seen = self._closed = False
        self.unpacked_bytes = 0
        self.notes = []

    def within(self, since: datetime | None, until: datetime | None) -> None:
        """Leave out what cannot be of this time."""
        self._window = Window(since=since, until=until, slack=self._window.slack)

    def captures(self) -> Iterator[Capture]:
        """
        Give each failed request whose event was logged, once.

        Raises:
            SourceError: There is nothing to read.
            AwsError: The bucket cannot be listed.
            ConfigurationError: A package for reading these objects is not installed.
        """
        self._objects = [each for lister in self._listers for each in lister(self._window, self._listed)]
        if not self._objects:
            self._refuse_nothing()
        with self._opened_lanes() as self._lanes:
            tasks = (Task(number=number, found=found) for number, found in enumerate(self._objects))
            for task, found in self._results(tasks):
                if isinstance(found, Sighting):
                    self._seen = True
                    if complete := self._joined.see(found, task.number):
                        yield self._capture(complete, task.found)
            yield from self._further()
            self._read_all = True

    def _further(self) -> Iterator[Capture]:
        """Seek the events that are still missing in all objects, those that lie next to the failures first."""
        yield from (self._capture(each, self._objects[number]) for number, each in self._joined.complete())
        seen = self._joined.places()
        if not seen:
            return
        for task, found in self._results(self._second_looks(seen), again=True):
            if isinstance(found, FoundEvent) and (complete := self._joined.meet(found)):
                yield self._capture(complete, task.found)

    def _second_looks(self, seen: set[int]) -> Iterator[Task]:
        """Give a task for each object, with what is still sought when its turn comes; none once nothing is."""
        for number in _nearest_first(seen, len(self._objects)):
            sought = self._joined.sought()
            if not sought:
                return
            yield Task(number=number, found=self._objects[number], ids=sought)

    def _opened_lanes(self) -> Lanes:
        size = sum(each.size_bytes for each in self._objects)
        count = self._processes or min(os.cpu_count() or 1, _DEFAULT_MOST_PROCESSES)
        kind: Lane = "process" if count > 1 and (self._processes or size > _WORTH_PROCESSES_BYTES) else "thread"
        if kind == "thread":
            count = _S3_THREADS if self._client is not None else 1
        return Lanes(self._access, count=min(count, len(self._objects)), kind=kind, client=self._client)

    def _results(self, tasks: Iterable[Task], *, again: bool = False) -> Iterator[tuple[Task, Sighting | FoundEvent]]:
        assert self._lanes is not None
        way = _Way(self._objects, "seeking events" if again else "reading logs")
        self._lanes.reached = lambda task, to: self.advanced(way.reached(task, to.packed_bytes))
        for task, found in self._lanes.run(tasks):
            if isinstance(found, ConfigurationError):
                raise found
            if not isinstance(found, Ended):
                yield task, found
                continue
            self.advanced(way.reached(task, task.found.size_bytes))
            self.unpacked_bytes += found.unpacked_bytes
            if not again:
                self._unreadable.add(task.found.place, found.problems)

    def _refuse_nothing(self) -> None:
        if self._listed.problems:
            place, reason = self._listed.problems[0]
            raise AwsError(
                reason, code="AccessDenied", where=place, hint="ask for s3:ListBucket, or use another --profile"
            )
        if self._window.is_open:
            raise SourceError("there is no log to read", expected="objects below the prefix", hint="check the place")
        raise SourceError(
            "there is no log to read",
            expected="objects of the time of --since and --until",
            hint=f"another time, or more --slack-minutes; {counted(self._listed.left_out, 'object')} seen and left out",
        )

    @staticmethod
    def _capture(found: Sighting, place: LogObject) -> Capture:
        assert found.event is not None
        return Capture(
            origin=Origin(
                source="s3-logs",
                arn=f"arn:aws:s3:::{place.bucket}" if place.bucket else "",
                identity=known_id(found.request_id) or content_identity(found.request_id or found.event),
                place=place.place,
            ),
            body=found.event,
            carrier="log",
            sent_at=found.at or place.modified_at,
            failure=found.failure,
        )

    def close(self) -> None:
        """Stop reading, and say what was not found and what could not be read."""
        if self._closed:
            return
        self._closed = True
        if self._lanes is not None:
            self._lanes.close()
        self.notes = [*self.notes, *self._remarks()]

    def _remarks(self) -> Iterator[str]:
        if self._read_all:
            if not self._seen:
                read = f"{counted(len(self._objects), 'object')} read, {self.unpacked_bytes / 1e6:,.1f} MB unpacked"
                yield f"{read}: no failed request is told"
            yield from missing_notes(self._joined, self._window.holds)
        yield from self._unreadable.notes(without={DOUBTFUL} if self._seen else ())
        for place, reason in self._listed.problems[:_MOST_NOTES]:
            yield f"{printable(place)} was left out: {printable(reason)}"
        if len(self._listed.problems) > _MOST_NOTES:
            yield f"{counted(len(self._listed.problems) - _MOST_NOTES, 'more place')} could not be listed"


class _Way:
    """How many bytes of the objects are read, of all."""

    def __init__(self, objects: Sequence[LogObject], doing: str) -> None:
        self._total = sum(each.size_bytes for each in objects)
        self._doing = doing
        self._read: dict[int, int] = {}
        self._done = 0

    def reached(self, task: Task, packed_bytes: int) -> Advance:
        """Say how far it is when so much of the object of *task* is read."""
        self._done += packed_bytes - self._read.get(task.number, 0)
        self._read[task.number] = packed_bytes
        return Advance(doing=self._doing, done=self._done, total=self._total, unit="bytes")


def _nearest_first(places: set[int], count: int) -> list[int]:
    """Order the objects by how far they are from one of *places*."""
    distance = [count] * count
    for numbers in (range(count), range(count - 1, -1, -1)):
        steps = count
        for number in numbers:
            steps = 0 if number in places else steps + 1
            distance[number] = min(distance[number], steps)
    return sorted(range(count), key=lambda number: distance[number])
