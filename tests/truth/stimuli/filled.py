"""Recorded records with values in the place of the recorder's placeholders, so that they can be delivered again."""

import json
import re
from collections.abc import Mapping
from hashlib import md5
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from tests.truth.stimuli.records import SENT_S
from tests.truth.stimuli.settings import ACCOUNT, REGION

_PLACEHOLDER = re.compile(r"<+([^<>:]*)>?(?::([^<>]*))?>")
_MASKED_MOMENTS = frozenset({"SentTimestamp", "ApproximateFirstReceiveTimestamp"})
_NUMBERS = frozenset({"approximate-arrival-timestamp", "approximate-creation-datetime"})


def filled_records(records: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Fill each record; equal placeholders become equal values."""
    return [_record(record) for record in records]


def _record(record: Mapping[str, Any]) -> dict[str, Any]:
    filled: dict[str, Any] = _value("", dict(record))
    if "body" in filled:
        body = filled["body"]
        filled["body"] = text = body if isinstance(body, str) else json.dumps(body)
        filled["md5OfBody"] = md5(text.encode(), usedforsecurity=False).hexdigest()
    return filled


def _value(key: str, value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _value(name, each) for name, each in value.items()}
    if isinstance(value, list):
        return [_value(key, each) for each in value]
    if not isinstance(value, str):
        return value
    if key in _MASKED_MOMENTS:
        return f"{SENT_S}000"
    found = _PLACEHOLDER.fullmatch(value)
    if found and found[1] in _NUMBERS:
        return SENT_S + 0.0
    return _PLACEHOLDER.sub(_word, value).replace("1" * 12, ACCOUNT)


def _word(found: re.Match[str]) -> str:
    kind, number = found[1], found[2] or "0"
    if kind == "uuid":
        return str(uuid5(NAMESPACE_URL, number))
    if kind == "sequence-number":
        return f"{int(number):021}" if number.isdigit() else number
    return {"region": REGION, "partition": "aws"}.get(kind, f"{kind}-{number}")
