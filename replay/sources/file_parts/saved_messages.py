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


def saved_message(value: object) -> Message | None:
    """
    Give the message that *value* is, in the API's spelling, or None where it is none.

    Source: SQS API `Message`; its members as boto3, the SDKs for Go, Java and JavaScript, and `jq` leave them.
    """
    if not isinstance(value, dict):
        return None
    if isinstance(value.get("MessageId"), str) and isinstance(value.get("Body"), str):
        return _exact_bytes(value)
    told = _spelled(value)
    if not isinstance(told.get("body"), str) or not any(isinstance(told.get(name), str) for name in _WITNESSES):
        return None
    identity = told.get("messageid")
    return _exact_bytes(
        {
            "MessageId": identity if isinstance(identity, str) else "",
            "Body": told["body"],
            "Attributes": told.get("attributes"),
            "MessageAttributes": told.get("messageattributes"),
        }
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
    return {str(name).replace("_", "").replace("-", "").lower(): each for name, each in value.items()}
