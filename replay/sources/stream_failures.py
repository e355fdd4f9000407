"""Failure records of streams that lie in files: captures whose records are read again while they are recorded."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from replay.errors import SourceError
from replay.payloads.captures import Capture, Origin, StreamRecords
from replay.payloads.envelopes.registry import unwrap
from replay.readers.streams import kind_of_arn
from replay.sources.base import Recording
from replay.sources.files import FilesRecording

_REGION = 3
_MOST_PROBLEMS = 1_000

ClientIn = Callable[[str, str], Any]
"""Makes the client of a service in a region."""


class StreamFailures(Recording):
    """
    One pass over files with failure records, bare or in whatever carried them (messages, notifications).

    The clients that it gives are of the region of the last capture's stream.
    """

    def __init__(self, files: FilesRecording, client_in: ClientIn) -> None:
        self._files = files
        self._region = ""
        self._regions: dict[str, None] = {}
        self._other: list[str] = []
        self._others = 0
        self.notes = []
        self.client_of = lambda service: client_in(service, self._region)

    def captures(self) -> Iterator[Capture]:
        """
        Give each failure record once.

        Raises:
            SourceError: There is none.
        """
        given = 0
        self._files.advanced = self.advanced
        for capture in self._files.captures():
            unwrapped = unwrap(capture)[1]
            event = unwrapped.event
            stream = event.missing.stream if event.missing is not None else None
            if stream is None and event.kind not in {"kinesis", "dynamodb"}:
                self._others += 1
                if len(self._other) < _MOST_PROBLEMS:
                    self._other.append(f"{capture.origin.place}: not recorded: this is no failure record of a stream")
                continue
            given += 1
            if stream is not None and kind_of_arn(stream.arn) is not None:
                self._region = stream.arn.split(":")[_REGION]
                self._regions[self._region] = None
            sent_at = capture.sent_at or _moment(unwrapped.details.get("ended_at"))
            yield replace(capture, origin=_origin(capture, stream), sent_at=sent_at)
        if not given:
            raise SourceError(
                "no failure record of a stream was found",
                where=self._other[0].split(": ")[0] if self._other else "",
                expected="what the mapping of a stream sends to its on-failure destination",
                hint="for events of other kinds: replay record files PATH",
            )

    @property
    def unreadable(self) -> int:  # type: ignore[override]  # it grows while files are read
        """How many items were no failure records, or no JSON."""
        return self._files.unreadable + self._others

    @property
    def problems(self) -> Sequence[str]:  # type: ignore[override]  # the same
        """Why each of them could not be recorded."""
        return [*self._files.problems, *self._other]

    def close(self) -> None:
        """Take over what was said of the files."""
        self._files.close()
        self.notes = list(self._files.notes)
        if len(self._regions) > 1:
            self.notes.append(
                f"these are failure records of {', '.join(self._regions)}, and logs are looked up in one region at a "
                "time: for the errors of all, record those of each region by themselves"
            )


def _origin(capture: Capture, stream: StreamRecords | None) -> Origin:
    """
    Name a batch by its place in its stream, which is the same wherever its failure record was found.

    A record with its event in it, or of several ranges, keeps the name that its file gave it.
    """
    if stream is None or len(stream.ranges) != 1:
        return replace(capture.origin, source="stream")
    part = stream.ranges[0]
    return replace(
        capture.origin, source="stream", arn=stream.arn, identity=batch_identity(part.partition, part.first, part.last)
    )


def _moment(told: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(told) if isinstance(told, str) else None
    except ValueError:
        return None
    return found if found is None or found.tzinfo else found.replace(tzinfo=UTC)


def batch_identity(shard: str, first: str, last: str) -> str:
    """Name the records of a shard from *first* to *last*; one record as its `eventID` does."""
    return f"{shard}:{first}" if first == last else f"{shard}:{first}-{last}"
