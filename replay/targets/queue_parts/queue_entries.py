"""The messages that make SQS deliver an event again: exact bodies and attributes."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from replay.delivery.records import EventRecords
from replay.errors import InvalidEvent
from replay.payloads.captures import Capture, Event, MessageAttribute, Origin
from replay.payloads.exact_json import Json
from replay.sources.sqs_messages import outgoing_message, size_bytes
from replay.targets.carrier import MARKER_NAME, Entry, entry_keys

MOST_MESSAGE_BYTES = 1024 * 1024
"""SQS Developer Guide, "Amazon SQS message quotas": of a message, and of a batch together."""

MOST_ATTRIBUTES = 10
_EXPECTED = 'an event of SQS: {"Records": [{"eventSource": "aws:sqs", "body": "…"}]}'
_FUNCTION = "invoke the function itself: --target lambda:FUNCTION"

Fifo = Literal["renew", "keep"]


def queue_entries(
    event: Event,
    *,
    key: str,
    marker: str,
    to_fifo: bool,
    deduplication_ids: Fifo,
    group_ids: Fifo,
    marked: bool = True,
) -> Sequence[Entry]:
    """
    Give a message a record.

    The marker is one message attribute more, where there is room for it: SQS takes ten, and bounds the bytes. In a FIFO
    queue a message whose ids are renewed has its own marker for the deduplication id, so that SQS drops what is sent
    twice after a doubt.

    Args:
        marked: Whether the marker is an attribute; renewed ids are made of it in any case, and differ from run to run.

    Raises:
        InvalidEvent: It is no event of SQS, or a message is larger than SQS takes.
    """
    records = EventRecords(event.text)
    keys = entry_keys(key, len(records))
    entries = []
    for number, (record, name) in enumerate(zip(records.values, keys, strict=True)):
        where = f"{key} /Records/{number}"
        _check(record, where)
        own = f"{marker}-{number + 1}" if len(keys) > 1 and marker else marker
        capture = _fitting(record, identity=own or name, marker=own if marked else "", where=where)
        request = outgoing_message(capture, fifo=to_fifo)
        if to_fifo:
            _set_ids(request, capture, deduplication_ids=deduplication_ids, group_ids=group_ids, own=own or name)
        group = str(request["MessageGroupId"]) if to_fifo else ""
        sign = own if MARKER_NAME in capture.message_attributes else ""
        entries.append(Entry(key=name, request=request, size_bytes=size_bytes(capture), group=group, marker=sign))
    return entries


def _fitting(record: Mapping[str, Json], *, identity: str, marker: str, where: str) -> Capture:
    """Give the message of a record, without the marker where only that makes it too large."""
    capture = _capture(record, identity=identity, marker=marker)
    if size_bytes(capture) > MOST_MESSAGE_BYTES:
        capture = _capture(record, identity=identity, marker="")
    size = size_bytes(capture)
    if size > MOST_MESSAGE_BYTES:
        raise InvalidEvent(
            "the message is larger than SQS takes",
            where=where,
            expected=f"{MOST_MESSAGE_BYTES:,} bytes at most; it has {size:,}",
            hint=_FUNCTION,
        )
    return capture


def _check(record: Mapping[str, Json], where: str) -> None:
    if record.get("eventSource") != "aws:sqs" or not isinstance(record.get("body"), str):
        raise InvalidEvent("this is no message of SQS", where=where, expected=_EXPECTED, hint=_FUNCTION)
    if not record["body"]:
        raise InvalidEvent("SQS takes no empty message", where=where, expected="a body", hint=_FUNCTION)


def _capture(record: Mapping[str, Json], *, identity: str, marker: str) -> Capture:
    system = record.get("attributes")
    named = record.get("messageAttributes")
    attributes = {
        str(name): _attribute(value)
        for name, value in (named if isinstance(named, dict) else {}).items()
        if isinstance(value, dict) and name != MARKER_NAME
    }
    if marker and len(attributes) < MOST_ATTRIBUTES:
        attributes[MARKER_NAME] = MessageAttribute(data_type="String", string_value=marker)
    return Capture(
        origin=Origin(source="sqs", identity=identity),
        body=str(record["body"]),
        attributes={str(name): str(value) for name, value in (system if isinstance(system, dict) else {}).items()},
        message_attributes=attributes,
    )


def _attribute(value: Mapping[str, Any]) -> MessageAttribute:
    binary = None
    if isinstance(value.get("binaryValue"), str):
        try:
            binary = base64.b64decode(value["binaryValue"], validate=True)
        except (binascii.Error, ValueError):
            binary = str(value["binaryValue"]).encode("utf-8", "surrogatepass")
    text = value.get("stringValue")
    return MessageAttribute(
        data_type=str(value.get("dataType") or "String"),
        string_value=None if text is None else str(text),
        binary_value=binary,
    )


def _set_ids(request: dict[str, Any], capture: Capture, *, deduplication_ids: Fifo, group_ids: Fifo, own: str) -> None:
    recorded = capture.attributes.get("MessageDeduplicationId")
    request["MessageDeduplicationId"] = _id(recorded if deduplication_ids == "keep" and recorded else own)
    if group_ids == "renew" or not capture.attributes.get("MessageGroupId"):
        request["MessageGroupId"] = _id(own)


def _id(text: str) -> str:
    """Give *text* as SQS takes an id: letters, digits and punctuation, 128 at most; a marker always is one."""
    return "".join(letter if "!" <= letter <= "~" else "_" for letter in text)[-128:]
