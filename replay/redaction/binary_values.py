"""Where AWS writes bytes in base64: random there is no secret, what the bytes say may be one."""

import base64
import binascii

from replay.payloads.exact_json import Path, steps


def is_binary_value(path: Path, value: str) -> bool:
    """
    Say whether the string at *path* of an event is base64 by contract, and is.

    Source: Lambda Developer Guide, the example events of SQS (`binaryValue`), Kinesis (`data`), DynamoDB (`B`), Kafka
    (`key`, `value`) and MQ (`data`).
    """
    way = steps(path)
    if not way or not _is_place(way[0], way[-3:-1], way[-1], way):
        return False
    try:
        base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _is_place(first: object, before: tuple[object, ...], name: object, way: tuple[object, ...]) -> bool:
    if name == "binaryValue":
        return before[:1] == ("messageAttributes",)
    if name == "data":
        return before[-1:] == ("kinesis",) or first in {"messages", "rmqMessagesByQueue"}
    if name == "B":
        return "dynamodb" in way
    return name in {"key", "value"} and first == "records"
