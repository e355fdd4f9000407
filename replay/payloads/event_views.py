"""An event as `--where` sees it: one document per record, with the JSON inside strings opened."""

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any

from replay.errors import InvalidJson
from replay.payloads.captures import Event
from replay.payloads.event_patterns import EventPattern
from replay.payloads.exact_json import Json, parse


def matches(pattern: EventPattern, event: Event) -> bool:
    """Say whether *pattern* matches any view of *event*."""
    return any(pattern.matches(view) for view in views(event))


def views(event: Event) -> Iterator[Json]:
    """
    Give the documents that a pattern is held against.

    One per record: the event with the record's keys merged over it and the record's JSON opened (`body`, `Sns.Message`,
    Kinesis and Kafka data). An SQS record also has the keys of `ReceiveMessage` (`MessageId`, `Body`, `Attributes`,
    `MessageAttributes`), so that a pattern may be written in either spelling. An event without records is one view,
    with its `body` opened. Text that is not JSON, or is nested too deep to be looked at, has no view.
    """
    try:
        seen = parse(event.text)
    except InvalidJson:
        return
    records = list(_records(seen))
    if not isinstance(seen, dict) or not records:
        yield _opened_record(seen) if isinstance(seen, dict) else seen
        return
    for record in records:
        opened = _opened_record(record)
        yield {**seen, "Records": [opened], **_received(opened), **opened}


def _records(event: Json) -> Iterator[dict[str, Any]]:
    """Find the records of an event; Kafka's lie in one list per topic and partition."""
    if not isinstance(event, dict):
        return
    found = event.get("Records", event.get("records"))
    lists = found.values() if isinstance(found, dict) else [found]
    for records in lists:
        for record in records if isinstance(records, list) else ():
            if isinstance(record, dict):
                yield record


def _opened_record(record: Mapping[str, Any]) -> dict[str, Any]:
    opened = dict(record)
    if "body" in opened:
        opened["body"] = _opened(opened["body"], is_base64=opened.get("isBase64Encoded") is True)
    sns = opened.get("Sns")
    if isinstance(sns, dict):
        opened["Sns"] = {**sns, "Message": _opened(sns.get("Message"))}
    kinesis = opened.get("kinesis")
    if isinstance(kinesis, dict):
        opened["kinesis"] = {**kinesis, "data": _opened(kinesis.get("data"), is_base64=True)}
        opened["data"] = opened["kinesis"]["data"]
    if "topic" in opened and "value" in opened:
        opened["value"] = _opened(opened["value"], is_base64=True)
    return opened


def _opened(value: Any, *, is_base64: bool = False) -> Any:
    """Read the object or array inside a string; anything else stays as it is."""
    if not isinstance(value, str):
        return value
    text = value
    if is_base64:
        try:
            text = base64.b64decode(value, validate=True).decode("utf-8")
        except (binascii.Error, ValueError):
            return value
    if not text.lstrip().startswith(("{", "[")):
        return text
    try:
        return parse(text)
    except InvalidJson:
        return text


def _received(record: Mapping[str, Any]) -> dict[str, Any]:
    """Spell an SQS record as `ReceiveMessage` does."""
    if record.get("eventSource") != "aws:sqs":
        return {}
    attributes = record.get("messageAttributes")
    named = attributes if isinstance(attributes, dict) else {}
    return {
        "MessageId": record.get("messageId"),
        "Body": record.get("body"),
        "Attributes": record.get("attributes"),
        "MessageAttributes": {name: _received_attribute(value) for name, value in named.items()},
    }


def _received_attribute(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    spelling = {"stringValue": "StringValue", "binaryValue": "BinaryValue", "dataType": "DataType"}
    return {spelled: value[name] for name, spelled in spelling.items() if name in value}
