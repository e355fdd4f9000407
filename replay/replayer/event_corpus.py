"""Captured events that are no fixtures: JSON Lines in S3 or in files, counted first, then taken one by one."""

import hashlib
import io
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from replay.counted_nouns import counted
from replay.errors import InvalidEvent, SourceError
from replay.fixtures.fixture import FixtureReference
from replay.payloads.exact_json import string_value
from replay.sources.file_parts.contents import MOST_LINE_BYTES, Content, buffered, lines
from replay.sources.s3_log_parts.bucket_listing import bucket_lister
from replay.sources.s3_log_parts.log_objects import Listed, LogObject, Window, files_lister
from replay.sources.s3_log_parts.object_streams import opened

_URL = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(?P<prefix>.*))?", re.DOTALL)
_LINES = re.compile(r".*\.(?:jsonl|ndjson)(?:\.gz|\.zst)?", re.DOTALL)
_OWN_RUNS = re.compile(r"(?:.*/)?event-replay-[0-9a-f]{12}/.*", re.DOTALL)
_EXPORTED = re.compile(rb"""\{"fixture":("(?:[^"\\]|\\.)*"),"event":(.*)\}\s*""", re.DOTALL)
_ONE_LINE = re.compile(r"(?P<place>.+):(?P<line>[1-9][0-9]{0,8})", re.DOTALL)
_BOM = b"\xef\xbb\xbf"
_EVERYTHING = Window()


@dataclass(frozen=True, slots=True, kw_only=True)
class EventReference(FixtureReference):
    """
    A captured event, named by its place: `s3://BUCKET/KEY:LINE` or `PATH:LINE`, which is its key in the ledger.

    Attributes:
        text: The event, exactly; empty for one that is known by its place only.
        problem: Why it cannot be sent; empty for a good one.
    """

    text: str = ""
    problem: str = ""

    @property
    def id(self) -> str:
        """Its place."""
        return self.name

    @property
    def short(self) -> str:
        """Its place."""
        return self.name

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusPlan:
    """
    What a corpus holds.

    Attributes:
        left_out: How many objects below the prefix are no JSON Lines, or of a run of ours.
        digest: Of which objects they are, and as of when: what a run that is gone on with must find again.
    """

    place: str
    events: int
    objects: int
    size_bytes: int
    left_out: int = 0
    digest: str = ""

    def __str__(self) -> str:
        objects = counted(self.objects, "object" if self.place.startswith("s3://") else "file")
        others = counted(self.left_out, "other below it is", "others below it are")
        left_out = f"; {others} no JSON Lines of events" if self.left_out else ""
        return f"{self.place}: {objects} of {self.size_bytes / 1e6:,.1f} MB{left_out}"


class EventCorpus:
    """
    The events at *place*, all of them for one function: `s3://BUCKET/PREFIX`, an object, a file, a folder, or one event
    by its own place (`s3://BUCKET/KEY:LINE`).

    A line is an event, or what `replay export` writes of a fixture. gzip and Zstandard are unpacked. It is read as a
    stream each time; what was planned is the same then, or it is refused.

    Args:
        client: Gives the client of S3, where it is asked for.
    """

    def __init__(self, place: str, *, function: str, client: Callable[[], Any]) -> None:
        self.place, self.function, self._client_of = place, function, client
        self._found: list[LogObject] = []
        self._left_out = 0
        self._only: int | None = None

    def planned(self) -> CorpusPlan:
        """
        List the objects, and count the events in them.

        Raises:
            SourceError: There are none, or something there cannot be read.
            AwsError: S3 does not give them.
        """
        self._found, self._left_out = self._listed()
        events = sum(map(self._count, self._found))
        if not events:
            raise SourceError(
                "there are no events",
                where=self.place,
                expected="JSON Lines: objects whose names end in .jsonl or .ndjson, perhaps with .gz or .zst behind it",
                hint="name the object itself, or see what is there: aws s3 ls" if self._is_in_s3 else "check the path",
            )
        return CorpusPlan(
            place=self.place,
            events=events,
            objects=len(self._found),
            size_bytes=sum(each.size_bytes for each in self._found),
            left_out=self._left_out,
            digest=hashlib.sha256(repr(self._found).encode()).hexdigest()[:16],
        )

    def references(self) -> Iterator[EventReference]:
        """
        Give the events, each with its text, in the order of keys and lines; none is kept.

        Raises:
            SourceError: An object has changed since it was planned, or cannot be read any more.
        """
        if not self._found:
            self.planned()
        self._refuse_changed()
        for found in self._found:
            place = found.place
            with self._content(found) as file:
                for number, data in lines(file):
                    if self._only not in {None, number}:
                        continue
                    if data is None:
                        problem = f"a line of more than {MOST_LINE_BYTES:,} bytes"
                        yield EventReference(function=self.function, name=f"{place}:{number}", problem=problem)
                    elif not data.isspace():
                        yield self._reference(f"{place}:{number}", data)

    def reference(self, name: str, text: str = "") -> EventReference:
        """Name an event of the corpus, of which only the place is known, and perhaps the text."""
        return EventReference(function=self.function, name=name, text=text)

    def _reference(self, name: str, data: bytes) -> EventReference:
        problem, data = "", data.removeprefix(_BOM)
        if data.startswith(b'{"fixture":') and (exported := _EXPORTED.fullmatch(data)):
            of, _, _ = string_value(exported[1].decode("utf-8", "replace")).partition("/")
            data = exported[2]
            if of != self.function:
                problem = f"it was exported from a fixture of {of!r}, and this run is of {self.function!r}"
        try:
            text = data.decode("utf-8").strip()
        except UnicodeDecodeError:
            text, problem = "", "it is not UTF-8"
        return EventReference(function=self.function, name=name, text=text, problem=problem)

    def _count(self, found: LogObject) -> int:
        """Count the lines that are not blank."""
        count, goes_on = 0, False
        with self._content(found) as file:
            for number, data in enumerate(iter(partial(file.readline, MOST_LINE_BYTES), b""), start=1):
                count += not goes_on and not data.isspace() and self._only in {None, number}
                goes_on = not data.endswith(b"\n")
        return count

    @contextmanager
    def _content(self, found: LogObject) -> Iterator[io.BufferedReader]:
        with opened(found, self._client) as raw:
            content = Content(raw)
            yield buffered(content)
            if content.problem:
                raise SourceError(
                    f"the rest of it cannot be read: {content.problem}",
                    where=found.place,
                    expected="JSON Lines, perhaps packed by gzip or Zstandard",
                    hint="mend it, or take it away from there",
                )

    def _listed(self) -> tuple[list[LogObject], int]:
        one = _ONE_LINE.fullmatch(self.place)
        if one is not None and not self._is_there(self.place):
            self._only = int(one["line"])
            place = one["place"]
        else:
            place = self.place
        found = self._below(place)
        named = [each for each in found if place in {each.place, each.key}]
        taken = named or [each for each in found if _LINES.fullmatch(each.key) and not _OWN_RUNS.fullmatch(each.key)]
        return taken, len(found) - len(taken)

    def _is_there(self, place: str) -> bool:
        return bool(self._below(place)) if self._is_in_s3 else os.path.lexists(place)

    def _below(self, place: str) -> list[LogObject]:
        listed, url = Listed(), _URL.fullmatch(place)
        if self._is_in_s3 and url is None:
            raise SourceError("that is no place in S3", where=place, expected="s3://BUCKET/PREFIX")
        lister = bucket_lister(self._client, url["bucket"], url["prefix"] or "") if url else files_lister(place)
        found = list(lister(_EVERYTHING, listed))
        for where, why in listed.problems:
            raise SourceError(f"it may not be looked at: {why}", where=where, hint="allow it, or name another place")
        return found

    def _refuse_changed(self) -> None:
        """Refuse to send what nobody has seen the plan of."""
        now, _ = self._listed()
        if now != self._found:
            raise SourceError(
                "it has changed since it was planned", where=self.place, hint="run again, and look at the plan"
            )

    @property
    def _is_in_s3(self) -> bool:
        return self.place.startswith("s3:")

    @cached_property
    def _client(self) -> Any:
        return self._client_of() if self._is_in_s3 else None


def checked_text(reference: FixtureReference) -> str:
    """
    Give the text of a captured event.

    Raises:
        InvalidEvent: It is none that can be sent.
    """
    assert isinstance(reference, EventReference)
    if reference.problem:
        raise unusable(reference, reference.problem)
    return reference.text


def unusable(reference: FixtureReference, why: str) -> InvalidEvent:
    """Say why the line that *reference* names cannot be sent."""
    return InvalidEvent(
        f"that line is no event that can be sent: {why}",
        where=str(reference),
        expected="JSON, one event a line, or what `replay export` writes",
        hint="mend that line, and run again",
    )
