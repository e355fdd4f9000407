"""A Kafka event source mapping, of Amazon MSK or a cluster of one's own: the batch comes again until it is done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from replay.delivery.destinations import service_of
from replay.delivery.moments import milliseconds
from replay.delivery.record_ids import unlike
from replay.delivery.report import Delivery, DeliveryReport, Disposition
from replay.delivery.whole_batch import deliver_whole_batch
from replay.errors import InvalidEvent, InvalidJson
from replay.payloads.captures import Event
from replay.payloads.event_sources import EventSource
from replay.payloads.exact_json import Json, parse

RETRIES_BEFORE_DESTINATION = 10
_UNPROVEN = "Kafka is imitated from AWS's documentation: no recording proves it"
_NOT_IMITATED = (
    "report_batch_item_failures",
    "bisect_batch_on_function_error",
    "maximum_record_age_s",
    "filter_criteria",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Partition:
    """The records that an event has of one topic and partition, `name` being `topic-0`."""

    name: str
    records: Sequence[Mapping[str, Json]]


def deliver_kafka(event: Event, event_source: EventSource, function_arn: str) -> Delivery:
    """
    Deliver the records of *event* as a Kafka event source mapping does.

    - The batch, which may have records of several partitions, is tried again as it is until the function returns. After
      `maximum_retry_attempts` retries it is `sent_to_destination` if `on_failure` is set, and `discarded` otherwise.
    - Without a limit it is tried for ever, and stays `still_queued` here; with an `on_failure` there are 10 retries.
    - Partial batch responses, bisecting, record age and filters are not imitated: with
      `report_batch_item_failures` an answer that reports anything fails the whole batch.

    Source: Lambda developer guide, "Configuring error handling controls for Kafka event sources" and "Capturing
    discarded batches for Amazon MSK and self-managed Apache Kafka event sources". Nothing is recorded.

    Raises:
        InvalidJson: The event is not JSON.
        InvalidEvent: It has no object of lists at its key `records`.
    """
    view = parse(event.text)
    partitions = _partitions_of(view)
    taken: set[str] = set()
    ids = [unlike(taken, f"{part.name}/{_offset(record)}") for part in partitions for record in part.records]
    retries = event_source.maximum_retry_attempts
    if retries is None or retries < 0:
        retries = RETRIES_BEFORE_DESTINATION if event_source.on_failure else None
    reports = event_source.report_batch_item_failures
    report = yield from deliver_whole_batch(
        event.text,
        ids,
        retries=retries,
        is_done=lambda reply: reply.succeeded and not (reports and _reports_failures(reply.payload)),
    )
    if event_source.on_failure and "discarded" in report.dispositions.values():
        document = _document(event.text, view, partitions, report, event_source.on_failure, function_arn)
        sent: Disposition = "sent_to_destination"
        report = replace(report, dispositions=dict.fromkeys(ids, sent), failure_records=(document,))
    return replace(report, notes=(*report.notes, *_notes(event_source)))


def _partitions_of(event: Json) -> list[_Partition]:
    records = event.get("records") if isinstance(event, dict) else None
    if not isinstance(records, Mapping):
        raise InvalidEvent(
            "the event has no records",
            where="/records",
            expected="an object with a list of records for each topic and partition",
            hint='deliver it with an event source of kind "direct" if this is how the function is called',
        )
    return [
        _Partition(name=name, records=[record for record in held if isinstance(record, Mapping)])
        for name, held in records.items()
        if isinstance(held, list)
    ]


def _reports_failures(payload: str | None) -> bool:
    try:
        answer = parse(payload) if payload else None
    except InvalidJson:
        return True
    return isinstance(answer, Mapping) and bool(answer.get("batchItemFailures"))


def _document(
    text: str,
    event: Json,
    partitions: Sequence[_Partition],
    report: DeliveryReport,
    destination: str,
    function_arn: str,
) -> Json:
    """Source: Lambda developer guide, "Capturing discarded batches for Amazon MSK and self-managed Apache Kafka …"."""
    view = event if isinstance(event, Mapping) else {}
    last = report.invocations[-1]
    counted = sum(invocation.reply.status != "throttled" for invocation in report.invocations)
    document: dict[str, Json] = {
        "requestContext": {
            "requestId": last.attempt.request_id,
            "functionArn": function_arn,
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": counted,
        },
        "responseContext": {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": None if last.reply.succeeded else "Unhandled",
        },
        "version": "1.0",
        "timestamp": milliseconds(_latest_s(partitions) + last.attempt.at_s),
        "KafkaBatchInfo": {
            "batchSize": sum(len(part.records) for part in partitions),
            "eventSourceArn": view.get("eventSourceArn"),
            "bootstrapServers": view.get("bootstrapServers"),
            "payloadSize": len(text.encode("utf-8", "surrogatepass")),
            "recordsInfo": {part.name: _records_info(part) for part in partitions if part.records},
        },
    }
    if service_of(destination) == "s3":
        document["payload"] = text
    return document


def _records_info(partition: _Partition) -> Json:
    first, last = partition.records[0], partition.records[-1]
    return {
        "firstRecordOffset": _offset(first),
        "lastRecordOffset": _offset(last),
        "firstRecordTimestamp": milliseconds(_epoch_s(first)),
        "lastRecordTimestamp": milliseconds(_epoch_s(last)),
    }


def _offset(record: Mapping[str, Json]) -> str:
    offset = record.get("offset")
    return str(offset) if isinstance(offset, int) else "unknown"


def _latest_s(partitions: Sequence[_Partition]) -> float:
    return max((_epoch_s(record) for part in partitions for record in part.records), default=0.0)


def _epoch_s(record: Mapping[str, Json]) -> float:
    told = record.get("timestamp")
    if isinstance(told, bool) or not isinstance(told, int) or told < 0:
        return 0.0
    return min(told, 10**15) / 1000


def _notes(source: EventSource) -> Sequence[str]:
    ignored = [name for name in _NOT_IMITATED if getattr(source, name) not in {None, False, (), -1}]
    notes = [_UNPROVEN]
    if ignored:
        notes.append(f"of a Kafka mapping {', '.join(ignored)} is not imitated")
    return notes
