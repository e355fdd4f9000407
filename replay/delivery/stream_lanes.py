"""The shards of an event as they are processed: in lanes, batch by batch, each batch when it is due."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from zlib import crc32

from replay.delivery.records import EventRecords, Span, member
from replay.delivery.report import Disposition, Invocation
from replay.delivery.request_ids import RequestIds
from replay.delivery.retry_delays import retry_delay_s
from replay.delivery.stream_records import DYNAMODB_SHARD, StreamRecord, partition_key, size_bytes, stream_records_of
from replay.delivery.tumbling_windows import window_start_s
from replay.payloads.captures import Event
from replay.payloads.event_sources import EventSource
from replay.payloads.exact_json import Json, string_value
from replay.payloads.filter_criteria import compile_filter_criteria

BATCH_SIZE = 100
BATCH_LIMIT_BYTES = 6 * 1024 * 1024
NO_STATE = "{}"
_UTF8_AT_MOST = 4  # bytes a character


@dataclass(slots=True, kw_only=True)
class Batch:
    """
    Records that are invoked with together, in shard order.

    `invocations` are those that count against `maximum_retry_attempts`, `throttles` the attempts that did not reach
    the function. `closes_window` is the last invocation of a tumbling window, which has no records.
    `problem` says why its last answer could not be used.
    """

    records: Sequence[StreamRecord]
    due_s: float
    invocations: int = 0
    throttles: int = 0
    closes_window: bool = False
    problem: str = ""


@dataclass(slots=True, kw_only=True)
class Lane:
    """
    What of a shard is processed in order: all of it, or the partition keys that one concurrent batch takes.

    `pending` are batches that come before what is `waiting`, the next one last. `window_start_s` is the tumbling window
    that is open, and `state` the JSON text that it has come to.
    """

    shard_id: str
    waiting: deque[StreamRecord] = field(default_factory=deque)
    pending: list[Batch] = field(default_factory=list)
    now_s: float = 0.0
    blocked: bool = False
    window_start_s: float | None = None
    window_overflowed: bool = False
    state: str = NO_STATE


@dataclass(slots=True, kw_only=True)
class Stream:
    """The shards of an event and what has happened to their records; `began_s` is epoch time."""

    records: EventRecords
    source: EventSource
    function_arn: str
    request_ids: RequestIds
    began_s: float
    lanes: list[Lane]
    dispositions: dict[str, Disposition]
    failure_documents: list[Json] = field(default_factory=list)
    invocations: list[Invocation] = field(default_factory=list)
    elapsed_s: float = 0.0
    problem: str = ""

    @property
    def stream_arn(self) -> str | None:
        arn = self.records.values[0].get("eventSourceARN") if len(self.records) else None
        return arn if isinstance(arn, str) else self.source.arn

    @property
    def retries(self) -> int | None:
        return _limit(self.source.maximum_retry_attempts)

    @property
    def age_s(self) -> int | None:
        return _limit(self.source.maximum_record_age_s)


def _limit(setting: int | None) -> int | None:
    """Read a limit of which -1 and nothing both mean that there is none."""
    return None if setting is None or setting < 0 else setting


def open_stream(event: Event, source: EventSource, function_arn: str) -> Stream:
    """
    Put the event's records into their lanes, but for those that the filter rejects.

    An event that was captured within a tumbling window tells its shard, and goes on from its state.
    """
    records = EventRecords(event.text)
    captured = _captured_window(event.text) if source.tumbling_window_s else None
    shard_id, state = captured or (DYNAMODB_SHARD, NO_STATE)
    found = stream_records_of(records, source.kind, shard_id)
    dispositions: dict[str, Disposition] = {record.id: "still_queued" for record in found}
    if source.filter_criteria:
        criteria = compile_filter_criteria(source.filter_criteria, source.kind)
        passing = [record for record in found if criteria.matches(record.record)]
        dispositions.update(dict.fromkeys({record.id for record in found} - {each.id for each in passing}, "filtered"))
        found = passing
    return Stream(
        records=records,
        source=source,
        function_arn=function_arn,
        request_ids=RequestIds(event.text),
        began_s=max((record.arrived_s for record in found if record.arrived_s is not None), default=0.0),
        lanes=_lanes(records, found, source, state),
        dispositions=dispositions,
    )


def _captured_window(text: str) -> tuple[str, str] | None:
    whole = Span(0, len(text))
    shard_id, state = member(text, whole, "shardId"), member(text, whole, "state")
    if shard_id is None or state is None or text[shard_id.start] != '"':
        return None
    return string_value(text[shard_id.start : shard_id.end]), text[state.start : state.end]


def _lanes(records: EventRecords, found: Sequence[StreamRecord], source: EventSource, state: str) -> list[Lane]:
    factor = source.parallelization_factor or 1
    if len(found) <= (source.batch_size or BATCH_SIZE) or source.tumbling_window_s:
        factor = 1
    lanes: dict[tuple[str, int], Lane] = {}
    for record in found:
        number = _number(partition_key(records, record, source.kind), factor) if factor > 1 else 0
        key = record.shard_id, number
        if key not in lanes:
            lanes[key] = Lane(shard_id=record.shard_id, state=state)
        lanes[key].waiting.append(record)
    return list(lanes.values())


def _number(key: str, factor: int) -> int:
    return crc32(key.encode("utf-8", "surrogatepass")) % factor


def prepare(stream: Stream, lane: Lane) -> float | None:
    """Make the next batch of *lane* the last of its pending ones, and say when it is due; None ends the lane."""
    if lane.blocked:
        return None
    if not lane.pending:
        batch = _closing(stream, lane) or _next_batch(stream, lane)
        if batch is None:
            return None
        lane.pending.append(batch)
    batch = lane.pending[-1]
    batch.due_s = max(batch.due_s, lane.now_s)
    return batch.due_s


def _next_batch(stream: Stream, lane: Lane) -> Batch | None:
    records = stream.records
    limited = len(records.text) * _UTF8_AT_MOST > BATCH_LIMIT_BYTES
    room = BATCH_LIMIT_BYTES - len('{"Records": []}')
    size = stream.source.batch_size or BATCH_SIZE
    taken: list[StreamRecord] = []
    while lane.waiting and len(taken) < size:
        record = lane.waiting[0]
        if taken and _window(stream, record) != lane.window_start_s:
            break
        if limited:
            room -= size_bytes(records, record) + len(", ")
            if taken and room < 0:
                break
        lane.window_start_s = _window(stream, record)
        taken.append(lane.waiting.popleft())
    if not taken:
        return None
    gathered = bool(lane.waiting) or len(taken) == size
    wait_s = 0 if gathered else stream.source.maximum_batching_window_s or 0
    return Batch(records=taken, due_s=lane.now_s + wait_s)


def _window(stream: Stream, record: StreamRecord) -> float | None:
    length_s = stream.source.tumbling_window_s
    if not length_s:
        return None
    return window_start_s(stream.began_s if record.arrived_s is None else record.arrived_s, length_s)


def _closing(stream: Stream, lane: Lane) -> Batch | None:
    """Give the last invocation of the open window when all its records are done, or its state is too large."""
    start_s = lane.window_start_s
    if start_s is None:
        return None
    if lane.window_overflowed:
        return Batch(records=(), due_s=lane.now_s, closes_window=True)
    if lane.waiting and _window(stream, lane.waiting[0]) == start_s:
        return None
    end_s = start_s + (stream.source.tumbling_window_s or 0) - stream.began_s
    return Batch(records=(), due_s=max(lane.now_s, end_s), closes_window=True)


def expires_s(stream: Stream, record: StreamRecord) -> float:
    """Say when *record* is too old, in virtual time."""
    if stream.age_s is None:
        return float("inf")
    return stream.age_s - (0.0 if record.arrived_s is None else stream.began_s - record.arrived_s)


def retry_s(
    stream: Stream, records: Sequence[StreamRecord], at_s: float, *, failures: int, limited: bool = True
) -> float:
    """Say when *records* are tried again: after a delay, but no later than when the last of them has expired."""
    delay_s = retry_delay_s(failures, limited=limited)
    last_s = max((expires_s(stream, record) for record in records), default=float("inf"))
    return max(at_s, min(at_s + delay_s, last_s))


def close_window(lane: Lane) -> None:
    """Drop the state of the open window."""
    lane.window_start_s, lane.window_overflowed, lane.state = None, False, NO_STATE
