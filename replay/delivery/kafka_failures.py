"""What an on-failure destination of a Kafka event source mapping gets when records are given up."""

from collections.abc import Mapping, Sequence
from itertools import groupby

from replay.delivery.kafka_records import KafkaRecord
from replay.delivery.moments import milliseconds
from replay.delivery.stream_failures import GivenUp, written_document
from replay.payloads.exact_json import Json, parse


def kafka_failure_document(given_up: GivenUp, records: Sequence[KafkaRecord], destination: str) -> dict[str, Json]:
    """
    Write the document that *destination* gets of *records*.

    Source: Lambda developer guide, "Capturing discarded batches for Amazon MSK and self-managed Apache Kafka event
    sources". Nothing is recorded; that records which are too old have no `responseContext` is by the
    likeness of streams.
    """
    event = parse(given_up.payload)
    view = event if isinstance(event, Mapping) else {}
    info: dict[str, Json] = {
        "batchSize": len(records),
        "eventSourceArn": view.get("eventSourceArn"),
        "bootstrapServers": view.get("bootstrapServers"),
        "payloadSize": len(given_up.payload.encode("utf-8", "surrogatepass")),
        "recordsInfo": {
            partition: _records_info(list(held))
            for partition, held in groupby(records, key=lambda record: record.partition)
        },
    }
    return written_document(given_up, {"KafkaBatchInfo": info}, destination)


def _records_info(records: Sequence[KafkaRecord]) -> Json:
    first, last = records[0], records[-1]
    return {
        "firstRecordOffset": _offset(first),
        "lastRecordOffset": _offset(last),
        "firstRecordTimestamp": milliseconds(first.produced_s or 0.0),
        "lastRecordTimestamp": milliseconds(last.produced_s or 0.0),
    }


def _offset(record: KafkaRecord) -> str:
    return "unknown" if record.offset is None else str(record.offset)
