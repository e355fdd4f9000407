"""The records of a Kafka event: their partitions, offsets and moments, and the events they make."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from replay.delivery.record_ids import unlike
from replay.delivery.records import Span, elements, member, members
from replay.errors import InvalidEvent
from replay.payloads.envelopes.kafka_event import has_lists
from replay.payloads.exact_json import Edit, Json, parse, splice, string_token

_LATEST_MS = 10**15


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaRecord:
    """
    A record of a topic's partition, which `partition` names as the event does: `topic-0`.

    `id` names it in the report, and is unlike all others of the event. `offset` is None where the record does not tell
    it; `text` is the record as it is written in the event, `produced_s` epoch time or None.
    """

    id: str
    partition: str
    offset: int | None
    record: Mapping[str, Json]
    text: str
    produced_s: float | None


def kafka_records_of(text: str) -> list[KafkaRecord]:
    """
    List the records of an event, partition by partition; what is no object is none.

    Raises:
        InvalidJson: The event is not JSON.
        InvalidEvent: It has no object of lists at its key `records`.
    """
    event = parse(text)
    by_partition = event.get("records") if isinstance(event, dict) else None
    if not isinstance(by_partition, Mapping) or not has_lists(by_partition):
        raise InvalidEvent(
            "the event has no records",
            where="/records",
            expected="an object with a list of records for each topic and partition",
            hint='deliver it with an event source of kind "direct" if this is how the function is called',
        )
    places = _places(text)
    taken: set[str] = set()
    found = []
    for partition, held in by_partition.items():
        for index, record in enumerate(held if isinstance(held, list) else []):
            if not isinstance(record, dict):
                continue
            told, span = record.get("offset"), places[partition][index]
            offset = told if isinstance(told, int) and not isinstance(told, bool) else None
            found.append(
                KafkaRecord(
                    id=unlike(taken, f"{partition}/{'unknown' if offset is None else offset}"),
                    partition=partition,
                    offset=offset,
                    record=record,
                    text=text[span.start : span.end],
                    produced_s=_epoch_s(record.get("timestamp")),
                )
            )
    return found


def event_of(text: str, batch: Sequence[KafkaRecord]) -> str:
    """Write the event *text* with the records of *batch* in place of its own, partition by partition."""
    place = member(text, Span(0, len(text)), "records")
    if place is None:
        return text
    written = [
        f"{string_token(partition)}: [{', '.join(record.text for record in held)}]"
        for partition, held in groupby(batch, key=lambda record: record.partition)
    ]
    return splice(text, [Edit(place.start, place.end, f"{{{', '.join(written)}}}")])


def _places(text: str) -> dict[str, list[Span]]:
    place = member(text, Span(0, len(text)), "records")
    if place is None:
        return {}
    return {
        name: list(elements(text, span.start)) if text[span.start] == "[" else [] for name, span in members(text, place)
    }


def _epoch_s(told: Json) -> float | None:
    if isinstance(told, bool) or not isinstance(told, int) or told < 0:
        return None
    return min(told, _LATEST_MS) / 1000
