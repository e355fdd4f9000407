"""Records as AWS makes them, of what a stimulus says was sent."""

import base64
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from replay.payloads.captures import Capture, MessageAttribute, Origin
from replay.payloads.envelopes.sqs_message import SqsMessage
from replay.payloads.event_sources import EventSource
from tests.truth.stimuli.settings import ACCOUNT, REGION, source_arn
from tests.truth.verdicts import Unreadable

SENT_S = 1_767_225_600  # 2026-01-01
_PROSE_MESSAGE = re.compile(r"(?:a )?body(?:,? (?:\+|and|with) (?:message ?)?attributes)?", re.IGNORECASE)
_OLD = frozenset({"old", "expired", "too_old", "stale"})
_FRESH = frozenset({"fresh", "new", "young", "current"})
_VERY_OLD_S = 7 * 24 * 60 * 60
_PUT, _DELETED = (
    frozenset({"put", "Put", "PutRequest", "put_item", "insert"}),
    frozenset({"delete", "Delete", "DeleteRequest", "delete_item", "remove", "deleted"}),
)
_OF_FIFO = ("MessageGroupId", "MessageDeduplicationId")


def count_or_list(told: Any, what: str) -> list[Any]:
    """Read `15`, or a list of what was sent; `{"old": 1, "fresh": 5}` says how old it is."""
    if isinstance(told, dict) and told and told.keys() <= _OLD | _FRESH:
        return [
            {"number": n, "age_s": _VERY_OLD_S if key in _OLD else 0} for key in told for n in range(int(told[key]))
        ]
    if isinstance(told, bool) or not isinstance(told, int | list):
        raise Unreadable(f"cannot read stimulus: {what} is {told!r}, neither a count nor a list")
    return [{"number": number} for number in range(told)] if isinstance(told, int) else told


def sqs_records(messages: list[Any], source: EventSource, recorded: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """
    Make the records of *messages*, by the project's own envelope of received messages.

    A message is its body (text, or JSON that becomes text); an object with `Body` or `MessageBody` is a message whole.
    Where only words tell it (`body + messageAttributes`) it is the message of the same place in *recorded*.
    """
    return [_sqs_record(message, index, source, recorded) for index, message in enumerate(messages)]


def _sqs_record(message: Any, index: int, source: EventSource, recorded: list[Mapping[str, Any]]) -> dict[str, Any]:
    attributes: Mapping[str, Any] = {}
    fifo: dict[str, Any] = {}
    if isinstance(message, str) and _PROSE_MESSAGE.fullmatch(message) and recorded:
        same = recorded[min(index, len(recorded) - 1)]
        message, attributes = same["body"], same.get("messageAttributes") or {}
    elif isinstance(message, dict):
        message = dict(message)
        fifo = {name: str(message.pop(name)) for name in _OF_FIFO if name in message}
        attributes = next((message.pop(n) for n in ("MessageAttributes", "messageAttributes") if n in message), {})
        message = next((message[name] for name in ("Body", "MessageBody") if name in message), message)
    if source.fifo:
        fifo = {"MessageGroupId": "1", "MessageDeduplicationId": f"dedup-{index + 1}"} | fifo
        fifo["SequenceNumber"] = f"{18_870_000_000_000_000_000 + index}"
    identity = str(uuid5(NAMESPACE_URL, f"message-{index}"))
    sent = f"{SENT_S}{index % 1000:03}"
    capture = Capture(
        origin=Origin(source="sqs", arn=source.arn or "", identity=identity),
        body=message if isinstance(message, str) else json.dumps(message),
        carrier="sqs",
        attributes={
            "ApproximateReceiveCount": "1",
            "SentTimestamp": sent,
            "SenderId": "AROAEXAMPLE:sender",
            "ApproximateFirstReceiveTimestamp": sent,
            **fifo,
        },
        message_attributes={name: _message_attribute(value) for name, value in attributes.items()},
        event_source=source,
    )
    (record,) = json.loads(SqsMessage().unwrap(capture).event.text)["Records"]
    return dict(record)


def _message_attribute(told: Any) -> MessageAttribute:
    if not isinstance(told, Mapping):
        return MessageAttribute(data_type="String", string_value=str(told))
    held = {key.lower(): value for key, value in told.items()}
    binary = held.get("binaryvalue")
    return MessageAttribute(
        data_type=str(held.get("datatype", held.get("type", "String"))),
        string_value=held.get("stringvalue", held.get("value")),
        binary_value=None if binary is None else base64.b64decode(binary),
    )


def make_older(records: list[dict[str, Any]], ages_s: list[float]) -> None:
    """Let each record have arrived so many seconds before the youngest."""
    for record, age_s in zip(records, ages_s, strict=False):
        for inner, moment in (("kinesis", "approximateArrivalTimestamp"), ("dynamodb", "ApproximateCreationDateTime")):
            if inner in record:
                record[inner][moment] -= age_s


def kinesis_records(told: list[Any]) -> list[dict[str, Any]]:
    """Make the records of one shard; each of *told* is its data, text or JSON, or has `Data` and `PartitionKey`."""
    return [_kinesis_record(data, index) for index, data in enumerate(told)]


def _kinesis_record(data: Any, index: int) -> dict[str, Any]:
    key = f"test_{index}"
    if isinstance(data, dict) and ("Data" in data or "PartitionKey" in data):
        key, data = str(data.get("PartitionKey", key)), data.get("Data", "")
    text = data if isinstance(data, str) else json.dumps(data)
    number = f"{49_590_000_000_000_000_000_000_000_000_000_000_000 + index}"
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": key,
            "sequenceNumber": number,
            "data": base64.b64encode(text.encode()).decode(),
            "approximateArrivalTimestamp": SENT_S + 0.25,
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"shardId-000000000000:{number}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": f"arn:aws:iam::{ACCOUNT}:role/function",
        "awsRegion": REGION,
        "eventSourceARN": source_arn("kinesis"),
    }


def dynamodb_records(items: Iterable[Any], key: str | None = None) -> list[dict[str, Any]]:
    """
    Make the stream records (NEW_AND_OLD_IMAGES) of putting *items* one after the other.

    What is there already is modified; putting the same again changes nothing and makes no record; `{"delete": KEYS}`
    removes an item. The hash key is *key*, or else `id` where the first item has one, or else its first attribute.
    """
    table: dict[str, Any] = {}
    records: list[dict[str, Any]] = []
    for item in items:
        if not isinstance(item, dict) or not item:
            raise Unreadable(f"cannot read stimulus: the item {item!r}")
        is_deletion, attributes = _change(item)
        typed = {name: _typed(value) for name, value in attributes.items()}
        key = key or ("id" if "id" in typed else next(iter(typed)))
        if key not in typed:
            raise Unreadable(f"cannot read stimulus: an item without its key {key!r}")
        identity = json.dumps(typed[key])
        old = table.get(identity)
        new = None if is_deletion else typed
        if old != new:
            records.append(_dynamodb_record(new, old, key, len(records)))
        table[identity] = new
    return records


def _change(told: dict[str, Any]) -> tuple[bool, dict[str, Any]]:
    """Read `{"delete": KEYS}`, `{"put": ITEM}`, or an item that is put; say whether it is deleted."""
    (verb, held), *others = told.items()
    if others or verb not in _PUT | _DELETED or not isinstance(held, dict):
        return False, told
    return verb in _DELETED, next((held[name] for name in ("Item", "Key") if name in held), held)


def _typed(value: Any) -> dict[str, Any]:
    """Give an attribute value with its type."""
    if isinstance(value, dict) and len(value) == 1 and next(iter(value)) in {
        "S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS",
    }:  # fmt: skip
        return value
    if isinstance(value, bool):
        return {"BOOL": value}
    return {"N": str(value)} if isinstance(value, int | float) else {"S": str(value)}


def _dynamodb_record(item: Any, old: Any, key: str, index: int) -> dict[str, Any]:
    """Make the record of a change from *old* to *item*; None is no item."""
    change: dict[str, Any] = {
        "ApproximateCreationDateTime": SENT_S + 0.0,
        "Keys": {key: (item or old)[key]},
        **({"NewImage": item} if item else {}),
        "SequenceNumber": f"{100_000_000_000_000_000_000 + index}",
        "SizeBytes": len(json.dumps([item, old])),
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    }
    if old is not None:
        change["OldImage"] = old
    return {
        "eventID": f"{index:032x}",
        "eventName": "REMOVE" if item is None else "MODIFY" if old else "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": REGION,
        "dynamodb": change,
        "eventSourceARN": source_arn("dynamodb"),
    }
