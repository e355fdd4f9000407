"""The record of a batch that a mapping of a stream or a topic gave up: what failed, seldom the records themselves."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Literal

from replay.payloads.captures import Capture, Event, Missing, StreamRange, StreamRecords
from replay.payloads.envelopes.base import Envelope, Unwrapped, inner_capture, known_or
from replay.payloads.envelopes.documents import at, count_at, object_in, text_at
from replay.payloads.envelopes.function_event import event_text, missing_event
from replay.payloads.envelopes.lambda_destination import is_invocation_record, record_failure
from replay.payloads.envelopes.members import member
from replay.payloads.event_sources import EventSource
from replay.payloads.exact_json import Json

_StreamKind = Literal["kinesis", "dynamodb", "kafka"]
_KINDS: Mapping[str, _StreamKind] = {
    "KinesisBatchInfo": "kinesis",
    "DDBStreamBatchInfo": "dynamodb",
    "KafkaBatchInfo": "kafka",
}


class StreamFailure(Envelope):
    """
    An on-failure record of a Kinesis, DynamoDB or Kafka event source mapping, or of a pipe.

    A queue or a topic gets the place of the records only: the event is missing, and `Missing.stream` says where to read
    it again. An object in S3 has the event in `payload` as JSON text, a Kafka topic has it there as an object.

    Source: recordings test_kinesis_event_source_mapping_with_on_failure_destination_config,
    test_dynamodb_event_source_mapping_with_s3_on_failure_destination; Lambda Developer Guide, "Capturing discarded
    batches for Amazon MSK and self-managed Apache Kafka event sources" and "Using a Kafka topic as an on-failure
    destination" (documented, not recorded).
    """

    name: ClassVar[str] = "stream-failure"
    rank: ClassVar[int] = 85
    tells_of_failure: ClassVar[bool] = True

    def detect(self, capture: Capture) -> bool:
        """Say whether the body tells of a batch that was given up."""
        record = object_in(capture.body)
        return _batch(record) is not None and (is_invocation_record(record) or _is_of_a_pipe(record))

    def unwrap(self, capture: Capture) -> Unwrapped:
        """Give the records as the function got them where they are there, else say where they can be read again."""
        record = object_in(capture.body)
        kind, info = _batch(record) or ("kinesis", {})
        stream = _stream(kind, info)
        payload = _payload(capture)
        reason = "a failure record names the records of its batch, and does not hold them"
        return Unwrapped(
            event=missing_event(capture.body, kind, Missing(reason=reason, stream=stream))
            if payload is None
            else Event(text=event_text(payload), kind=kind),
            event_source=_event_source(capture, record, kind, stream),
            failure=capture.failure or record_failure(capture, _with_context(record), None),
            details=_details(record, stream),
        )

    def inside(self, capture: Capture) -> Capture | None:
        """Give the records, where they are there."""
        payload = _payload(capture)
        return None if payload is None else inner_capture(capture, payload)


def _batch(record: Mapping[str, Any]) -> tuple[_StreamKind, Mapping[str, Any]] | None:
    for name, kind in _KINDS.items():
        info = record.get(name)
        if isinstance(info, dict):
            return kind, info
    return None


def _is_of_a_pipe(record: Mapping[str, Any]) -> bool:
    """A pipe has a `context` of its own in the place of the request's. Source: EventBridge Pipes, "Error handling"."""
    return text_at(record, "context", "condition") is not None and isinstance(record.get("timestamp"), str)


def _with_context(record: Mapping[str, Any]) -> dict[str, Any]:
    return {**record, "requestContext": record.get("requestContext") or record.get("context")}


def _payload(capture: Capture) -> str | None:
    held = at(object_in(capture.body), "payload")
    if isinstance(held, str):
        return held
    return member(capture.body, "payload") if isinstance(held, dict) else None


def _stream(kind: _StreamKind, info: Mapping[str, Any]) -> StreamRecords:
    arn = text_at(info, "eventSourceArn" if kind == "kafka" else "streamArn") or ""
    size = count_at(info, "batchSize")
    if kind == "kafka":
        servers = text_at(info, "bootstrapServers") or ""
        return StreamRecords(kind=kind, arn=arn, ranges=_offsets(info), batch_size=size, bootstrap_servers=servers)
    only = StreamRange(
        partition=text_at(info, "shardId") or "",
        first=text_at(info, "startSequenceNumber") or "",
        last=text_at(info, "endSequenceNumber") or "",
        first_at=text_at(info, "approximateArrivalOfFirstRecord") or "",
        last_at=text_at(info, "approximateArrivalOfLastRecord") or "",
    )
    return StreamRecords(kind=kind, arn=arn, ranges=(only,), batch_size=size)


def _offsets(info: Mapping[str, Any]) -> tuple[StreamRange, ...]:
    """List the offsets by topic and partition; a Kafka topic gets one record at a time, in `recordInfo`."""
    by_partition = info.get("recordsInfo")
    if isinstance(by_partition, dict):
        return tuple(
            StreamRange(
                partition=partition,
                first=_offset(each, "firstRecordOffset"),
                last=_offset(each, "lastRecordOffset"),
                first_at=text_at(each, "firstRecordTimestamp") or "",
                last_at=text_at(each, "lastRecordTimestamp") or "",
            )
            for partition, each in by_partition.items()
        )
    one = info.get("recordInfo")
    if not isinstance(one, dict):
        return ()
    offset, when = _offset(one, "offset"), text_at(one, "timestamp") or ""
    return (StreamRange(partition="", first=offset, last=offset, first_at=when, last_at=when),)


def _offset(info: object, name: str) -> str:
    found = at(info, name)
    return str(found) if isinstance(found, int | str) else ""


def _event_source(capture: Capture, record: Mapping[str, Any], kind: _StreamKind, stream: StreamRecords) -> EventSource:
    source = known_or(capture, EventSource(kind=kind, arn=stream.arn or None))
    context = _with_context(record)["requestContext"]
    count = count_at(context, "approximateInvokeCount")
    if text_at(context, "condition") == "RetryAttemptsExhausted" and count:
        source = replace(source, maximum_retry_attempts=count - 1)
    return replace(source, on_failure=source.on_failure or capture.origin.arn or None)


def _details(record: Mapping[str, Any], stream: StreamRecords) -> dict[str, Json]:
    told: dict[str, Json] = {
        "function_arn": text_at(record, "requestContext", "functionArn"),
        "pipe_arn": text_at(record, "context", "partnerResourceArn"),
        "ended_at": text_at(record, "timestamp"),
        "condition": text_at(_with_context(record), "requestContext", "condition"),
        "stream_arn": stream.arn or None,
        "batch_size": stream.batch_size,
        "ranges": [
            {"partition": each.partition, "first": each.first, "last": each.last, "first_at": each.first_at}
            for each in stream.ranges
        ],
    }
    return {name: value for name, value in told.items() if value is not None}
