"""The records of a Kinesis or DynamoDB event: their shards, sequence numbers and arrival, and the events they make."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from replay.delivery.record_ids import unlike
from replay.delivery.records import EventRecords, Span, member
from replay.payloads.event_sources import EventSourceKind
from replay.payloads.exact_json import Json

KINESIS_SHARD = "shardId-000000000000"
DYNAMODB_SHARD = "shardId-00000000000000000000-00000000"
_LATEST_S = 1e11  # what is later was written in milliseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamRecord:
    """
    A record in its shard.

    `id` names it in the report, and is unlike all others of the event; `sequence_number` is what the function sees and
    reports. `arrived_s` is epoch time, and None where the record does not tell it.
    """

    id: str
    sequence_number: str | None
    index: int
    record: Mapping[str, Json]
    shard_id: str
    arrived_s: float | None


def stream_records_of(
    records: EventRecords, kind: EventSourceKind, dynamodb_shard: str = DYNAMODB_SHARD
) -> list[StreamRecord]:
    """
    Make the stream records of an event.

    A Kinesis record's shard is the first part of its `eventID`; a DynamoDB record does not tell its shard, so those of
    one event are of one, *dynamodb_shard*. Source: recordings test_create_kinesis_event_source_mapping and
    test_dynamodb_event_source_mapping.
    """
    taken: set[str] = set()
    found = []
    for index, record in enumerate(records.values):
        inner = record.get(kind)
        inner = inner if isinstance(inner, dict) else {}
        number = inner.get("sequenceNumber" if kind == "kinesis" else "SequenceNumber")
        sequence_number = number if isinstance(number, str) and number else None
        arrived = inner.get("approximateArrivalTimestamp" if kind == "kinesis" else "ApproximateCreationDateTime")
        found.append(
            StreamRecord(
                id=unlike(taken, sequence_number or f"record-{index + 1}"),
                sequence_number=sequence_number,
                index=index,
                record=record,
                shard_id=_shard_id(record) if kind == "kinesis" else dynamodb_shard,
                arrived_s=_epoch(arrived),
            )
        )
    return found


def partition_key(records: EventRecords, record: StreamRecord, kind: EventSourceKind) -> str:
    """Give what records share that are processed in order: the partition key, or the text of the item's keys."""
    kinesis = record.record.get("kinesis") if kind == "kinesis" else None
    if isinstance(kinesis, dict):
        key_value = kinesis.get("partitionKey")
        return key_value if isinstance(key_value, str) else ""
    text = records.texts[record.index]
    inner = member(text, Span(0, len(text)), "dynamodb")
    if inner is None or text[inner.start] != "{":
        return ""
    key = member(text, inner, "Keys")
    return text[key.start : key.end] if key else ""


def event_of(records: EventRecords, batch: Sequence[StreamRecord]) -> str:
    """Write the event that delivers *batch*: the event's own text if it is all of it, else each record's own text."""
    if len(batch) == len(records):
        return records.text
    return records.event_of([records.texts[each.index] for each in batch])


def size_bytes(records: EventRecords, record: StreamRecord) -> int:
    """Measure a record in an event, in UTF-8."""
    text = records.texts[record.index]
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _shard_id(record: Mapping[str, Json]) -> str:
    event_id = record.get("eventID")
    shard_id = event_id.rpartition(":")[0] if isinstance(event_id, str) else ""
    return shard_id or KINESIS_SHARD


def _epoch(value: Json) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value) if 0 <= value <= _LATEST_S else None
