"""
Records of a Kinesis or DynamoDB stream as an event source mapping hands them to a function.

Source: recordings test_create_kinesis_event_source_mapping and test_dynamodb_event_source_mapping; the order of the
members is that of Lambda Developer Guide, "Using Lambda to process records from Amazon Kinesis Data Streams" and
"Using AWS Lambda with Amazon DynamoDB".
"""

import base64
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

_IMAGES = ("Keys", "NewImage", "OldImage", "SequenceNumber", "SizeBytes", "StreamViewType")


def stream_event(records: Iterable[str]) -> str:
    """Write the event of a batch, from the texts of its records."""
    return f'{{"Records":[{",".join(records)}]}}'


def unknown_role(stream_arn: str) -> str:
    """Write what stands for the function's role, in the stream's account, where nobody knows its name."""
    _, partition, _, _, account, _ = stream_arn.split(":", 5)
    return f"arn:{partition}:iam::{account}:role/unknown"


def kinesis_record(record: Mapping[str, Any], *, shard_id: str, stream_arn: str, role_arn: str) -> str:
    """
    Write a record of `GetRecords` (Kinesis) as a function gets it; what a producer aggregated stays aggregated.

    Args:
        role_arn: The role of the function, `invokeIdentityArn`.
    """
    number = record["SequenceNumber"]
    return _written(
        {
            "kinesis": {
                "kinesisSchemaVersion": "1.0",
                "partitionKey": record["PartitionKey"],
                "sequenceNumber": number,
                "data": record["Data"],
                "approximateArrivalTimestamp": _seconds(record.get("ApproximateArrivalTimestamp")),
            },
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": f"{shard_id}:{number}",
            "eventName": "aws:kinesis:record",
            "invokeIdentityArn": role_arn,
            "awsRegion": stream_arn.split(":")[3],
            "eventSourceARN": stream_arn,
        }
    )


def dynamodb_record(record: Mapping[str, Any], *, stream_arn: str) -> str:
    """
    Write a record of `GetRecords` (DynamoDB Streams) as a function gets it: numbers as their text, binary in base64.

    `userIdentity` is there where DynamoDB itself deleted an item that had expired. Source: DynamoDB Developer Guide,
    "DynamoDB Streams and Time to Live".
    """
    change, identity = record["dynamodb"], record.get("userIdentity")
    created = _seconds(change.get("ApproximateCreationDateTime"))
    event = {
        "eventID": record.get("eventID"),
        "eventName": record.get("eventName"),
        "eventVersion": record.get("eventVersion", "1.1"),
        "eventSource": "aws:dynamodb",
        "awsRegion": record.get("awsRegion") or stream_arn.split(":")[3],
        "dynamodb": {
            "ApproximateCreationDateTime": int(created) if created is not None and created.is_integer() else created,
            **{name: change[name] for name in _IMAGES if change.get(name) is not None},
        },
        "eventSourceARN": stream_arn,
    }
    if identity:
        event["userIdentity"] = {"principalId": identity.get("PrincipalId"), "type": identity.get("Type")}
    return _written(event)


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else round(moment.timestamp(), 3)


def _written(value: Mapping[str, Any]) -> str:
    """Write compactly, as AWS does; a lone surrogate, which is no UTF-8, as its escape."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_base64)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"), default=_base64)
    return text


def _base64(value: object) -> str:
    if not isinstance(value, bytes):
        raise TypeError(type(value).__name__)
    return base64.b64encode(value).decode()
