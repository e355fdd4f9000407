"""
SQS messages as tools save them: in the spelling of the API, of Lambda's event, or of a programming language.

Every SDK writes a received message with the same members, spelled in its own way (`MessageId`, `messageId`,
`message_id`), and bytes as its language's JSON does.
"""

import base64
from collections.abc import Mapping
from typing import Any

Message = Mapping[str, Any]
"""A message in the spelling of `ReceiveMessage`."""

_WITNESSES = ("receipthandle", "md5ofbody")
"""What only a received message has: an application's own event may well have an id and a body."""

_MEMBERS = frozenset({*_WITNESSES, "messageid", "body", "attributes", "messageattributes", "md5ofmessageattributes"})
_QUEUE = "queueurl"
"""boto3's resources know the queue of a message, which is no part of it."""

_BESIDE_MESSAGES = frozenset(
    {"Messages", "ResponseMetadata", "$metadata", "ResultMetadata", "HttpStatusCode", "ContentLength"}
)
"""What boto3 and the SDKs for JavaScript, Go and .NET tell of the answer itself."""


def received_messages(value: object) -> list[Message]:
    """
    List the messages of an answer of `ReceiveMessage`, in the API's spelling; none where *value* is no such answer.

    An event that holds messages beside something else is none: what stands beside them would be lost.
    """
    held = value.get("Messages") if isinstance(value, dict) and value.keys() <= _BESIDE_MESSAGES else None
    found = [saved_message(each) for each in held] if isinstance(held, list) else []
    return [each for each in found if each is not None] if all(found) else []


def saved_message(value: object) -> Message | None:
    """
    Give the message that *value* is, in the API's spelling, or None where it is none.

    What has any other member than a message is an event: a function's event may hold the parts of a message.

    Source: SQS API `Message`; its members as boto3, the SDKs for Go, Java and JavaScript, and `jq` leave them.
    """
    if not isinstance(value, dict):
        return None
    told = _spelled(value)
    witnessed = any(isinstance(told.get(name), str) for name in _WITNESSES)
    as_the_api = isinstance(value.get("MessageId"), str) and isinstance(value.get("Body"), str)
    members = _MEMBERS | {_QUEUE} if witnessed else _MEMBERS
    if not (witnessed or as_the_api) or not told.keys() <= members or not _keeps_all(told, value):
        return None
    return _exact_bytes(
        {
            "MessageId": told.get("messageid") or "",
            "Body": told["body"],
            "Attributes": told.get("attributes"),
            "MessageAttributes": told.get("messageattributes"),
        }
    )


def _keeps_all(told: Mapping[str, Any], value: Mapping[str, Any]) -> bool:
    """Say whether each member is of a kind that a message keeps; PHP writes attributes that are not there as `[]`."""
    attributes, named = told.get("attributes") or {}, told.get("messageattributes") or {}
    return (
        isinstance(told.get("body"), str)
        and isinstance(told.get("messageid") or "", str)
        and isinstance(attributes, dict)
        and isinstance(named, dict)
        and all(isinstance(each, dict) for each in named.values())
        and all(told[_letters(name)] == each for name, each in value.items())
    )


def is_sqs_record(value: object) -> bool:
    """Say whether *value* is one record of an event from SQS, by itself. Source: Lambda Developer Guide, SQS events."""
    return (
        isinstance(value, dict)
        and value.get("eventSource") == "aws:sqs"
        and isinstance(value.get("messageId"), str)
        and isinstance(value.get("body"), str)
    )


def _exact_bytes(message: Message) -> Message:
    """Give *message* with its attributes in the API's spelling, and their bytes as base64."""
    attributes = message.get("MessageAttributes")
    if not isinstance(attributes, dict) or not attributes:
        return message
    return {**message, "MessageAttributes": {name: _attribute(value) for name, value in attributes.items()}}


def _attribute(value: object) -> Message:
    told = _spelled(value) if isinstance(value, dict) else {}
    named = {"DataType": "datatype", "StringValue": "stringvalue", "BinaryValue": "binaryvalue"}
    found = {name: told.get(spelled) for name, spelled in named.items()}
    return {name: _base64(each) if name == "BinaryValue" else each for name, each in found.items() if each is not None}


def _base64(value: object) -> str:
    """Write bytes as the AWS CLI does: a Buffer or a byte array of JavaScript becomes base64, which others have."""
    if isinstance(value, dict):
        value = value["data"] if isinstance(value.get("data"), list) else list(value.values())
    if not isinstance(value, list):
        return str(value)
    try:
        return base64.b64encode(bytes(value)).decode()
    except (TypeError, ValueError):
        return str(value)


def _spelled(value: Mapping[str, Any]) -> dict[str, Any]:
    return {_letters(name): each for name, each in value.items()}


def _letters(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()
