"""What an on-failure destination of a Kinesis or DynamoDB event source mapping gets when records are given up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from replay.delivery.destinations import service_of
from replay.delivery.moments import milliseconds, seconds
from replay.delivery.stream_records import StreamRecord
from replay.payloads.event_sources import EventSourceKind
from replay.payloads.exact_json import Json

GivenUpBecause = Literal["RetryAttemptsExhausted", "RecordAgeExceeded"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenUp:
    """
    That records of a stream or topic are given up together.

    `at_s` is epoch time; `function_error` is AWS's word for the last answer (`Unhandled`), and None when the function
    returned something that could not be used or that reported records; `payload` is the event of these records.
    """

    condition: GivenUpBecause
    function_arn: str
    invocations: int
    request_id: str
    at_s: float
    function_error: str | None
    payload: str


def failure_document(
    given_up: GivenUp,
    records: Sequence[StreamRecord],
    *,
    kind: EventSourceKind,
    stream_arn: str | None,
    destination: str,
) -> dict[str, Json]:
    """
    Write the document that *destination* gets of *records*, which are of one shard.

    - `functionArn` is unqualified; `approximateInvokeCount` counts the invocations with this batch, and is never 0.
    - Records that are too old have no `responseContext`.
    - An S3 bucket gets the event too, as a JSON string; a queue or topic must read the stream again.
    - DynamoDB arrival times have no milliseconds.

    Source: recordings test_kinesis_event_source_mapping_with_on_failure_destination_config and its DynamoDB twin,
    test_kinesis_maximum_record_age_exceeded, test_dynamodb_event_source_mapping_with_s3_on_failure_destination; the
    order of `payload` is that of Lambda developer guide, "Retain discarded batch records for a Kinesis Data Streams
    event source". The shard id of DynamoDB records is not known, and made of zeros.
    """
    info = "KinesisBatchInfo" if kind == "kinesis" else "DDBStreamBatchInfo"
    return written_document(given_up, {info: _batch_info(given_up, records, kind, stream_arn)}, destination)


def written_document(given_up: GivenUp, batch_info: Mapping[str, Json], destination: str) -> dict[str, Json]:
    """Write what the documents of all pollers have in common around their *batch_info*, in Lambda's order."""
    document: dict[str, Json] = {
        "requestContext": {
            "requestId": given_up.request_id,
            "functionArn": given_up.function_arn,
            "condition": given_up.condition,
            "approximateInvokeCount": max(1, given_up.invocations),
        }
    }
    if given_up.condition == "RetryAttemptsExhausted":
        document["responseContext"] = {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": given_up.function_error,
        }
    document |= {"version": "1.0", "timestamp": milliseconds(given_up.at_s), **batch_info}
    if service_of(destination) == "s3":
        document["payload"] = given_up.payload
    return document


def _batch_info(
    given_up: GivenUp, records: Sequence[StreamRecord], kind: EventSourceKind, stream_arn: str | None
) -> Json:
    first, last = records[0], records[-1]
    moment = milliseconds if kind == "kinesis" else seconds
    return {
        "shardId": first.shard_id,
        "startSequenceNumber": first.sequence_number,
        "endSequenceNumber": last.sequence_number,
        "approximateArrivalOfFirstRecord": moment(given_up.at_s if first.arrived_s is None else first.arrived_s),
        "approximateArrivalOfLastRecord": moment(given_up.at_s if last.arrived_s is None else last.arrived_s),
        "batchSize": len(records),
        "streamArn": stream_arn,
    }


def failure_object_key(document: Mapping[str, Json], *, mapping_id: str, object_id: str) -> str:
    """
    Give the key of *document* in an S3 bucket, for an event source mapping and an object with these UUIDs.

    Source: recording test_dynamodb_event_source_mapping_with_s3_on_failure_destination and its Kinesis twin.
    """
    info: Any = document.get("KinesisBatchInfo") or document["DDBStreamBatchInfo"]
    moment = str(document["timestamp"])[: len("2026-01-01T00:00:00")]
    day = moment[: len("2026-01-01")].replace("-", "/")
    return f"aws/lambda/{mapping_id}/{info['shardId']}/{day}/{moment.replace(':', '.')}-{object_id}"
