"""A range of a stream: its shards one after the other, their records in batches."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from replay.counted_nouns import counted
from replay.errors import AwsError, SourceError
from replay.payloads.captures import Capture, Origin
from replay.payloads.stream_events import stream_event
from replay.readers.stream_batches import is_at_or_before, record_text
from replay.readers.streams import GONE, Shard, ShardReader, ShardRecord, Stream, stream_shards
from replay.sources.advance import Advance
from replay.sources.base import Recording
from replay.sources.moments import moment
from replay.sources.stream_failures import batch_identity

_SEQUENCE_NUMBER = re.compile(r"\d{1,256}", re.ASCII)
_DEFAULT_TIME = timedelta(hours=1)
_MOST_NAMED = 5
_OUT_OF_ORDER = timedelta(minutes=1)
"""
How much earlier a record may have arrived than one in front of it, as far as reading on to find it goes.

AWS says that these times are neither exact nor always increasing (Kinesis API `Record`), and names no bound. A minute
is chosen, not measured: far more than the clocks of servers differ by, and little to read for nothing.
"""

Position = str | datetime | None
"""A sequence number or a moment; None is an open end."""


def position(text: str | None, *, option: str) -> Position:
    """
    Read a place in a stream: digits are a sequence number.

    Raises:
        ConfigurationError: It is no moment either.
    """
    if text is None or _SEQUENCE_NUMBER.fullmatch(text):
        return text
    return moment(text, now=datetime.now(UTC), option=option)


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """
    From `begin` to `end`, both included, of a `shard` and those that came of it, or of all shards.

    `out_of_order`: how much earlier than one in front of it a record may have arrived.
    """

    shard: str | None = None
    begin: Position = None
    end: Position = None
    batch_size: int = 1
    out_of_order: timedelta = _OUT_OF_ORDER

    @property
    def is_backwards(self) -> bool:
        """Whether the end comes before the beginning, as far as the two can be compared."""
        if isinstance(self.begin, str) and isinstance(self.end, str):
            return not is_at_or_before(self.begin, self.end)
        return isinstance(self.begin, datetime) and isinstance(self.end, datetime) and self.begin > self.end

    def is_far_behind(self, record: ShardRecord) -> bool:
        """Say whether *record* comes so far after the end that none after it can come before."""
        if isinstance(self.end, datetime):
            return record.arrived_at is not None and record.arrived_at > self.end + self.out_of_order
        return self.is_behind(record)

    def is_behind(self, record: ShardRecord) -> bool:
        """Say whether *record* comes after the end."""
        return _compare(record, self.end) > 0

    def is_ahead(self, record: ShardRecord) -> bool:
        """Say whether *record* comes before the beginning."""
        return _compare(record, self.begin) < 0


def _compare(record: ShardRecord, place: Position) -> int:
    """Say on which side of *place* a record is; one that tells no time is at any."""
    if isinstance(place, str):
        number = record.sequence_number
        return 0 if _is_same(number, place) else -1 if is_at_or_before(number, place) else 1
    if place is None or record.arrived_at is None:
        return 0
    # The time of a record has less precision than a time of ours may have.
    return (record.arrived_at > place) - (record.arrived_at < place.replace(microsecond=0))


def _is_same(one: str, other: str) -> bool:
    return one.lstrip("0") == other.lstrip("0")


class StreamRecording(Recording):
    """
    One pass over a range of a stream; nothing is changed.

    Args:
        role_arn: The role of the function, for Kinesis.
    """

    def __init__(self, client: object, stream: Stream, asked: Range, role_arn: str) -> None:
        self._client = client
        self._stream = stream
        self._asked = asked
        self._role_arn = role_arn
        self._limit: int | None = None
        self._given = 0
        self._trimmed: list[str] = []
        self._given_up: list[str] = []
        self._silent: list[str] = []
        self._told = False
        self.notes = []

    def within(self, since: datetime | None, until: datetime | None) -> None:
        """Read this time only, where the range says nothing else; with neither, the last hour."""
        asked, now = self._asked, datetime.now(UTC)
        begin, end = asked.begin if asked.begin is not None else since, asked.end if asked.end is not None else until
        if begin is None and end is None:
            begin = now - _DEFAULT_TIME
            self.notes.append(
                f"only the hour before {now:%Y-%m-%d %H:%M} UTC was read; --from looks back further, "
                f"up to {self._stream.keeps.total_seconds() / 3600:.0f} h"
            )
        if end is None:
            # A stream that is written to all the time has no end: what comes from now on is for the next time.
            self._asked = replace(asked, begin=begin, end=now, out_of_order=timedelta())
        else:
            self._asked = replace(asked, begin=begin, end=end)

    def at_most(self, limit: int) -> None:
        """Read no more once so many captures were given."""
        self._limit = limit

    def captures(self) -> Iterator[Capture]:
        """
        Give each batch as the event that the function gets, shard by shard, parents before their children.

        Raises:
            SourceError: There is no such shard.
            AwsError: The stream can no longer be read.
        """
        for shard_id, records in self._batches():
            self._given += 1
            yield self._capture(shard_id, records)
            if self._limit is not None and self._given >= self._limit:
                return

    def _batches(self) -> Iterator[tuple[str, list[ShardRecord]]]:
        ended: set[str] = set()
        shards = self._shards()
        for number, shard in enumerate(shards):
            self.advanced(self._advance(number, len(shards), None))
            if ended & set(shard.parents):
                ended.add(shard.id)  # its parent went beyond the end, and so does everything after it
                continue
            batch: list[ShardRecord] = []
            for record in self._records(shard):
                if self._asked.is_far_behind(record):
                    ended.add(shard.id)
                    break
                if self._asked.is_behind(record):
                    continue
                self.advanced(self._advance(number, len(shards), record))
                batch.append(record)
                if len(batch) >= self._asked.batch_size:
                    yield shard.id, batch
                    batch = []
                if isinstance(self._asked.end, str) and _is_same(record.sequence_number, self._asked.end):
                    ended.add(shard.id)
                    break
            if batch:
                yield shard.id, batch

    def _advance(self, shards_read: int, shards: int, record: ShardRecord | None) -> Advance:
        """Say how far the shards are read, each for the time that is asked for of it."""
        begin, end, now = self._asked.begin, self._asked.end, datetime.now(UTC)
        since = begin if isinstance(begin, datetime) else now - self._stream.keeps
        seconds = max(((end if isinstance(end, datetime) else now) - since).total_seconds(), 1.0)
        arrived = record.arrived_at if record is not None else None
        reached = min(max((arrived - since).total_seconds(), 0.0), seconds) if arrived else 0.0
        doing = f"reading {counted(shards, 'shard')}"
        return Advance(doing=doing, done=shards_read * seconds + reached, total=shards * seconds, unit="seconds")

    def _shards(self) -> list[Shard]:
        """List the shards to read: all, or the one that is asked for with those that came of it."""
        shards = stream_shards(self._client, self._stream)
        wanted = self._asked.shard
        if wanted is None:
            return shards
        if wanted not in {shard.id for shard in shards}:
            raise SourceError(
                "the stream has no such shard, or no longer: one whose records have all expired is gone",
                where=f"{self._stream.arn} {wanted}",
                expected=f"such as {', '.join(shard.id for shard in shards[:_MOST_NAMED])}" if shards else "",
                hint=f"records are kept for {self._stream.keeps.total_seconds() / 3600:.0f} h",
            )
        family = {wanted}
        for shard in shards:
            family |= {shard.id} if family & set(shard.parents) else set()
        return [shard for shard in shards if shard.id in family]

    def _records(self, shard: Shard) -> Iterator[ShardRecord]:
        begin, first = self._asked.begin, True
        in_first = self._asked.shard in {None, shard.id}
        reader = ShardReader(self._client, self._stream, shard.id, is_closed=shard.is_closed)
        try:
            for record in reader.records(begin if in_first or not isinstance(begin, str) else None):
                if first and in_first and isinstance(begin, str) and not _is_same(record.sequence_number, begin):
                    self._note_trimmed(shard, begin, record)
                first = False
                if not self._asked.is_ahead(record):
                    yield record
        except AwsError as error:
            if error.code != GONE:
                raise
            self._trimmed.append(f"{shard.id} has expired as a whole")
        if reader.gave_up_after:
            self._note_given_up(shard, reader.gave_up_after, is_silent=first)
        if first and in_first and isinstance(begin, str):
            self._trimmed.append(f"nothing from {begin} on is in {shard.id}")

    def _note_given_up(self, shard: Shard, empty_pages: int, *, is_silent: bool) -> None:
        """Note where reading ended without a word of AWS; an open shard of a table has no other end once it is read."""
        if shard.is_closed or isinstance(self._asked.end, str):
            self._given_up.append(
                f"reading {shard.id} was given up after {empty_pages:,} empty answers in a row, though it had not come "
                "to its end: there may be more records; record it again"
            )
        elif is_silent:
            self._silent.append(shard.id)

    def _note_trimmed(self, shard: Shard, begin: str, record: ShardRecord) -> None:
        arrived = f", which came at {record.arrived_at:%Y-%m-%d %H:%M:%S} UTC" if record.arrived_at else ""
        self._trimmed.append(
            f"the records of {shard.id} from {begin} to before {record.sequence_number}{arrived} are no longer there"
        )

    def _capture(self, shard_id: str, records: list[ShardRecord]) -> Capture:
        texts = [record_text(self._stream, shard_id, record, self._role_arn) for record in records]
        first, last = records[0].sequence_number, records[-1].sequence_number
        origin = Origin(
            source="stream",
            arn=self._stream.arn,
            identity=batch_identity(shard_id, first, last),
            place=f"{self._stream.name} {shard_id}",
        )
        return Capture(origin=origin, body=stream_event(texts), sent_at=records[-1].arrived_at)

    def close(self) -> None:
        """Tell what had expired, and which shards may have more records."""
        if self._told:
            return
        self._told = True
        hours = self._stream.keeps.total_seconds() / 3600
        begin = self._asked.begin
        oldest = datetime.now(UTC) - self._stream.keeps
        if isinstance(begin, datetime) and begin < oldest:
            self.notes.append(
                f"what came before {oldest:%Y-%m-%d %H:%M} UTC has expired: this stream keeps records for {hours:.0f} h"
            )
        self.notes += [f"{each} (this stream keeps records for {hours:.0f} h)" for each in self._trimmed[:_MOST_NAMED]]
        if len(self._trimmed) > _MOST_NAMED:
            more = counted(len(self._trimmed) - _MOST_NAMED, "more shard")
            self.notes.append(f"{more} had lost records too")
        self._tell_what_may_be_left()

    def _tell_what_may_be_left(self) -> None:
        self.notes += self._given_up[:_MOST_NAMED]
        if len(self._given_up) > _MOST_NAMED:
            more = counted(len(self._given_up) - _MOST_NAMED, "more shard")
            self.notes.append(f"reading {more} was given up too")
        if self._silent and not self._given:
            silent = counted(len(self._silent), "open shard")
            self.notes.append(
                f"{silent} ({', '.join(self._silent[:_MOST_NAMED])}{', …' if len(self._silent) > _MOST_NAMED else ''}) "
                "gave nothing but empty answers, which a table's stream does before records too: "
                "if the table was written to, record it again"
            )
