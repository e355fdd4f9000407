"""The records that a stream's failure record names, read again from the stream while it still has them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from replay.counted_nouns import counted
from replay.enrichment.completion import Completer
from replay.enrichment.enrichment import ClientOf
from replay.errors import AwsError, InvalidEventPattern, SourceError
from replay.payloads.captures import Capture, Event, Missing, StreamRange, StreamRecords
from replay.payloads.envelopes.base import Unwrapped
from replay.payloads.event_sources import EventSource
from replay.payloads.exact_json import parse
from replay.payloads.filter_criteria import compile_filter_criteria
from replay.payloads.stream_events import stream_event
from replay.readers.stream_batches import SEQUENCE_NUMBER, execution_role, range_records, record_text
from replay.readers.streams import GONE, SERVICES, ShardRecord, Stream, dynamodb_stream, kind_of_arn, kinesis_stream

_REGION = 3


@dataclass(slots=True)
class _Counts:
    """What is told at the end, of all batches together."""

    lost: int = 0
    parts: int = 0
    more: int = 0
    without_role: bool = False


class StreamCompleter(Completer):
    """
    Reads batches of Kinesis and DynamoDB streams again; records of Kafka are left to their own tools.

    A batch of which some records have expired is completed with the rest. What a filter of the mapping held back is
    left out where the filters are known; with a parallelization factor, other records may have come in between.
    """

    def __init__(self, client_of: ClientOf, function: str, function_sources: Sequence[EventSource]) -> None:
        self._client_of = client_of
        self._function = function
        self._function_sources = function_sources
        self._streams: dict[str, Stream | AwsError] = {}
        self._roles: dict[str, str] = {}
        self._counts = _Counts()

    @property
    def notes(self) -> list[str]:
        """What was lost, what may be too much, and what could not be looked up."""
        counts, notes = self._counts, []
        if counts.parts:
            batches = counted(counts.parts, "batch is recorded in part", "batches are recorded in part")
            records = f"{counted(counts.lost, 'record')} had" if counts.lost else "some had"
            notes.append(f"{batches}: {records} expired; the provenance of each fixture says what is lost")
        if counts.more:
            batches = counted(counts.more, "batch has", "batches have")
            notes.append(
                f"{batches} more records from the first to the last than had failed (a filter of the mapping held the "
                "others back, or its parallelization factor parted them): all were recorded"
            )
        if counts.without_role:
            notes.append(
                "the role of the function could not be looked up (lambda:GetFunctionConfiguration): invokeIdentityArn "
                "ends in role/unknown"
            )
        return notes

    def complete(self, capture: Capture, unwrapped: Unwrapped) -> Unwrapped:
        """Read the records of a failed batch; all of them are one event, for that is what failed."""
        del capture
        missing = unwrapped.event.missing
        wanted = missing.stream if missing is not None else None
        if missing is None or wanted is None or wanted.kind == "kafka":
            return unwrapped
        part = _only_range(wanted)
        if part is None:
            return unwrapped
        try:
            return self._read(unwrapped, wanted, part)
        except (AwsError, SourceError) as error:
            if isinstance(error, AwsError) and (not error.code or "Denied" in error.code):
                self._streams[wanted.arn] = error
            why = "; ".join(filter(None, (error.what, error.where, error.hint)))
            return _still_missing(unwrapped, replace(missing, reason=f"its records could not be read again: {why}"))

    def _read(self, unwrapped: Unwrapped, wanted: StreamRecords, part: StreamRange) -> Unwrapped:
        client = self._client_of(SERVICES["dynamodb" if wanted.kind == "dynamodb" else "kinesis"])
        theirs, ours = wanted.arn.split(":")[_REGION], str(client.meta.region_name)
        if theirs != ours:
            reason = f"its records are in {theirs}, and this recording reads in {ours}"
            return _still_missing(unwrapped, Missing(reason=reason, stream=wanted))
        stream = self._stream(wanted.arn)
        try:
            found = range_records(client, stream, part, batch_size=wanted.batch_size)
        except AwsError as error:
            if error.code != GONE:
                raise
            found = []  # the stream is there, so the shard is gone, as it is when its last record has expired
        if not found:
            return _still_missing(unwrapped, Missing(reason=_expired(wanted, part, stream)))
        return self._completed(unwrapped, wanted, part, stream, found)

    def _completed(
        self, unwrapped: Unwrapped, wanted: StreamRecords, part: StreamRange, stream: Stream, found: list[ShardRecord]
    ) -> Unwrapped:
        role = self._role(unwrapped, stream)
        texts = [record_text(stream, part.partition, each, role) for each in found]
        texts = self._delivered(texts, stream, wanted.batch_size)
        details = dict(unwrapped.details)
        if found[0].sequence_number != part.first:
            lost = max(wanted.batch_size - len(texts), 0) if wanted.batch_size else 0
            self._counts.parts += 1
            self._counts.lost += lost
            details |= {"records_read": len(texts), "expired_before": found[0].sequence_number}
            details |= {"records_expired": lost} if lost else {}
        elif wanted.batch_size and len(texts) > wanted.batch_size:
            self._counts.more += 1
            details |= {"records_read": len(texts)}
        return replace(unwrapped, event=Event(text=stream_event(texts), kind=stream.kind), details=details)

    def _delivered(self, texts: list[str], stream: Stream, batch_size: int | None) -> list[str]:
        """Leave out what the filters of the mapping held back, where there is more than the batch had."""
        if batch_size is None or len(texts) <= batch_size:
            return texts
        of_stream = [each for each in self._function_sources if each.kind == stream.kind]
        exact = [each for each in of_stream if each.arn == stream.arn] or of_stream
        if len(exact) != 1 or not exact[0].filter_criteria:
            return texts
        try:
            criteria = compile_filter_criteria(exact[0].filter_criteria, stream.kind)
        except InvalidEventPattern:
            return texts
        passed = [text for text in texts if isinstance(record := parse(text), dict) and criteria.matches(record)]
        return passed or texts

    def _stream(self, arn: str) -> Stream:
        """Look a stream up once; one that may not be read is not asked again with every batch."""
        if arn not in self._streams:
            try:
                is_table = kind_of_arn(arn) == "dynamodb"
                self._streams[arn] = (
                    dynamodb_stream(arn) if is_table else kinesis_stream(self._client_of(SERVICES["kinesis"]), arn)
                )
            except AwsError as error:
                self._streams[arn] = error
        known = self._streams[arn]
        if isinstance(known, AwsError):
            raise known
        return known

    def _role(self, unwrapped: Unwrapped, stream: Stream) -> str:
        if stream.kind == "dynamodb":
            return ""
        told = unwrapped.details.get("function_arn")
        function = told if isinstance(told, str) else self._function
        if function not in self._roles:
            self._roles[function], known = execution_role(self._client_of("lambda"), function, stream.arn)
            self._counts.without_role |= not known
        return self._roles[function]


def _only_range(wanted: StreamRecords) -> StreamRange | None:
    """Give the range where it can be one that AWS wrote: a failure record may be anybody's message."""
    part = wanted.ranges[0] if len(wanted.ranges) == 1 else None
    if part is None or kind_of_arn(wanted.arn) != wanted.kind or not part.partition:
        return None
    numbers = (part.first, part.last)
    return part if all(SEQUENCE_NUMBER.fullmatch(each) for each in numbers) else None


def _still_missing(unwrapped: Unwrapped, missing: Missing) -> Unwrapped:
    return replace(unwrapped, event=replace(unwrapped.event, missing=missing))


def _expired(wanted: StreamRecords, part: StreamRange, stream: Stream) -> str:
    """Say what is lost: how many records, which, and since when."""
    records = counted(wanted.batch_size, "record") if wanted.batch_size else "the records"
    which = f"{records} of {stream.arn} {part.partition} from {part.first} to {part.last}"
    try:
        last = datetime.fromisoformat(part.last_at or part.first_at).astimezone(UTC)
    except ValueError:
        return f"{which}: the stream has them no longer"
    hours = stream.keeps.total_seconds() / 3600
    gone = last + stream.keeps
    if gone > datetime.now(UTC):
        return f"{which}: the stream has them no longer, though it keeps records for {hours:.0f} h"
    return f"{which}: they expired, the last at {gone:%Y-%m-%d %H:%M} UTC (the stream keeps records for {hours:.0f} h)"
