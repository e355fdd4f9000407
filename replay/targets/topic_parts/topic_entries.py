"""The messages that make SNS deliver an event again: exact text, subject and attributes."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

from replay.delivery.records import EventRecords
from replay.errors import InvalidEvent
from replay.payloads.captures import Event
from replay.payloads.exact_json import Json
from replay.targets.carrier import MARKER_NAME, Entry, entry_keys

MOST_BYTES = 256 * 1024
"""SNS API `PublishBatch`: of all messages of a call together, and of one message of a topic that says nothing else."""

MOST_ATTRIBUTES = 10
"""Of a message with more of them SNS delivers none raw to a queue: SNS Developer Guide, "message attributes"."""

_EXPECTED = 'an event of SNS: {"Records": [{"EventSource": "aws:sns", "Sns": {"Message": "…"}}]}'
_FUNCTION = "invoke the function itself: --target lambda:FUNCTION"


def topic_entries(event: Event, *, key: str, marker: str, to_fifo: bool, marked: bool = True) -> Sequence[Entry]:
    """
    Give a message a record; the marker is one message attribute more, where there is room for it.

    To a FIFO topic each goes as a group of its own: the event does not say which it was. Its ids are made of the marker
    also where that is no attribute (*marked*), and differ from run to run.

    Raises:
        InvalidEvent: It is no event of SNS.
    """
    records = EventRecords(event.text)
    keys = entry_keys(key, len(records))
    entries = []
    for number, (record, name) in enumerate(zip(records.values, keys, strict=True)):
        message = record.get("Sns")
        if not isinstance(message, dict) or not isinstance(message.get("Message"), str) or not message["Message"]:
            where = f"{key} /Records/{number}"
            raise InvalidEvent("this is no message of SNS", where=where, expected=_EXPECTED, hint=_FUNCTION)
        own = f"{marker}-{number + 1}" if len(keys) > 1 and marker else marker
        attributes = _attributes(message, own if marked else "")
        request: dict[str, Any] = {"Message": message["Message"], "MessageAttributes": attributes}
        if _size_bytes(request) > MOST_BYTES:
            request["MessageAttributes"] = _attributes(message, "")  # without it, it may be small enough
        if message.get("Subject"):
            request["Subject"] = str(message["Subject"])
        if to_fifo:
            request |= {"MessageGroupId": own or "replay", "MessageDeduplicationId": own or "replay"}
        sign = own if MARKER_NAME in request["MessageAttributes"] else ""
        entries.append(Entry(key=name, request=request, size_bytes=_size_bytes(request), marker=sign))
    return entries


def _attributes(message: Mapping[str, Json], marker: str) -> dict[str, dict[str, Any]]:
    named = message.get("MessageAttributes")
    attributes = {
        str(name): _attribute(value)
        for name, value in (named if isinstance(named, dict) else {}).items()
        if isinstance(value, dict) and name != MARKER_NAME
    }
    if marker and len(attributes) < MOST_ATTRIBUTES:
        attributes[MARKER_NAME] = {"DataType": "String", "StringValue": marker}
    return attributes


def _attribute(value: Mapping[str, Json]) -> dict[str, Any]:
    kind, text = str(value.get("Type") or "String"), str(value.get("Value", ""))
    if not kind.startswith("Binary"):
        return {"DataType": kind, "StringValue": text}
    try:
        return {"DataType": kind, "BinaryValue": base64.b64decode(text, validate=True)}
    except (binascii.Error, ValueError):
        return {"DataType": kind, "BinaryValue": text.encode("utf-8", "surrogatepass")}


def _size_bytes(request: Mapping[str, Any]) -> int:
    size = len(request["Message"].encode("utf-8", "surrogatepass"))
    for name, value in request["MessageAttributes"].items():
        text = name + value["DataType"] + value.get("StringValue", "")
        size += len(text.encode("utf-8", "surrogatepass")) + len(value.get("BinaryValue", b""))
    return size
