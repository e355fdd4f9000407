"""Items of DynamoDB: as a stream's event writes them, as boto3 takes them, and compared as DynamoDB would."""

import base64
import binascii
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from replay.errors import InvalidEvent
from replay.payloads.exact_json import Json

Item = Mapping[str, Mapping[str, Any]]
"""Attributes by name, each `{"S": …}`; binary ones are bytes."""

_MOST_LEVELS = 32
"""DynamoDB quotas: "nested attributes up to 32 levels deep"."""


def item_of(image: Json, *, where: str) -> Item:
    """
    Turn an image of a stream's record into an item: what is binary is base64 there.

    Raises:
        InvalidEvent: It is none.
    """
    if not isinstance(image, dict):
        raise _no_item(where)
    return {name: _value(each, where, _MOST_LEVELS) for name, each in image.items()}


def same_item(one: Item | None, other: Item | None) -> bool:
    """Say whether two items are the same for DynamoDB: numbers by their value, sets in any order."""
    if one is None or other is None:
        return one is other
    return bool(_comparable({"M": one}) == _comparable({"M": other}))


def _value(attribute: Json, where: str, levels: int) -> dict[str, Any]:
    if not isinstance(attribute, dict) or len(attribute) != 1 or not levels:
        raise _no_item(where)
    ((kind, value),) = attribute.items()
    match kind, value:
        case ("S" | "N", str()) | ("BOOL" | "NULL", bool()):
            return {kind: value}
        case "B", str():
            return {kind: _bytes(value, where)}
        case "SS" | "NS", list() if all(isinstance(each, str) for each in value):
            return {kind: list(value)}
        case "BS", list() if all(isinstance(each, str) for each in value):
            return {kind: [_bytes(str(each), where) for each in value]}
        case "L", list():
            return {kind: [_value(each, where, levels - 1) for each in value]}
        case "M", dict():
            return {kind: {name: _value(each, where, levels - 1) for name, each in value.items()}}
    raise _no_item(where)


def _bytes(text: str, where: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise _no_item(where) from None


def _no_item(where: str) -> InvalidEvent:
    return InvalidEvent(
        "an image in it is no item of DynamoDB",
        where=where,
        expected='attributes such as {"id": {"S": "…"}}, binary ones in base64, at most 32 levels deep',
        hint="invoke the function itself: --target lambda:FUNCTION",
    )


def _comparable(attribute: Mapping[str, Any]) -> Any:
    ((kind, value),) = attribute.items()
    if kind == "M":
        return kind, {name: _comparable(each) for name, each in value.items()}
    if kind == "L":
        return kind, [_comparable(each) for each in value]
    if kind in {"SS", "BS", "NS"}:
        return kind, frozenset(map(_number, value) if kind == "NS" else map(_plain, value))
    return kind, _number(value) if kind == "N" else _plain(value)


def _number(text: str) -> Decimal | str:
    try:
        return Decimal(text)
    except InvalidOperation:
        return text


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, bytes | bytearray | memoryview) else value
