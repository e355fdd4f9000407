"""Filter criteria of event source mappings: which records Lambda hands to the function at all."""

import binascii
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from replay.errors import InvalidEventPattern, InvalidJson
from replay.payloads.event_patterns import EVENTBRIDGE, EventPattern, PatternRefused, compile_rules
from replay.payloads.event_patterns.pattern_text import read_pattern
from replay.payloads.event_sources import EventSourceKind
from replay.payloads.exact_json import Json, parse

_DATA_KEYS: Mapping[EventSourceKind, tuple[str, ...]] = {
    "sqs": ("body",),
    "kinesis": ("data",),
    "dynamodb": ("dynamodb",),
    "mq": ("data",),
    "kafka": ("key", "value"),
}
"""The parts of a record that hold what the producer wrote, which a pattern may treat as JSON or as a string."""
_BASE64: frozenset[EventSourceKind] = frozenset({"kinesis", "mq", "kafka"})
_JSON_ONLY: frozenset[EventSourceKind] = frozenset({"kinesis", "dynamodb"})


class _Data(NamedTuple):
    """What a producer wrote: a JSON object or array, or else its text."""

    value: Json
    is_json: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """One pattern, and which data keys it treats as JSON (`body.status`) and which as a plain string (`body`)."""

    pattern: EventPattern
    as_json: frozenset[str]
    as_text: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterCriteria:
    """
    Compiled filter criteria; without filters every record passes.

    A record passes if one filter matches. A filter that treats the data as JSON drops records whose data is not, and
    the other way round. Lambda deletes SQS messages that do not pass, and steps over stream records.
    Source: Lambda developer guide, "Control which events Lambda sends to your function" and its pages per source.
    """

    kind: EventSourceKind
    filters: tuple[Filter, ...]

    def matches(self, record: Mapping[str, Json]) -> bool:
        """Say whether *record*, as it would stand in the event, passes."""
        if not self.filters:
            return True
        view = _view(record, self.kind)
        data = {key: _read_data(view.get(key), self.kind) for key in _DATA_KEYS.get(self.kind, ())}
        view |= {key: each.value for key, each in data.items() if key in view}
        return any(
            all(data[key].is_json for key in each.as_json)
            and not any(data[key].is_json for key in each.as_text)
            and each.pattern.matches(view)
            for each in self.filters
        )


def compile_filter_criteria(patterns: Sequence[str | Mapping[str, Any]], kind: EventSourceKind) -> FilterCriteria:
    """
    Compile the patterns of the filters of an event source mapping, each JSON text or a mapping.

    Raises:
        InvalidEventPattern: Lambda would refuse it (`InvalidParameterValueException`). Source: recordings
            test_sqs_invalid_event_filter and test_dynamodb_invalid_event_filter; of Kinesis and DynamoDB the data may
            only be treated as JSON.
    """
    return FilterCriteria(
        kind=kind, filters=tuple(_compile(pattern, kind, index) for index, pattern in enumerate(patterns))
    )


def _compile(source: str | Mapping[str, Any], kind: EventSourceKind, index: int) -> Filter:
    try:
        pattern = EventPattern(
            rules=compile_rules(read_pattern(source) if isinstance(source, str) else source, EVENTBRIDGE)
        )
    except PatternRefused as refused:
        raise _invalid(index, refused.where, refused.reason) from None
    keys = _DATA_KEYS.get(kind, ())
    as_text = frozenset(key for key in keys if key in pattern.paths)
    if as_text and kind in _JSON_ONLY:
        key = next(iter(as_text))
        raise _invalid(index, f"/{key}", f"{key} must be an object of fields, since Lambda reads it as JSON")
    as_json = frozenset(key for key in keys if any(path.startswith(f"{key}.") for path in pattern.paths))
    return Filter(pattern=pattern, as_json=as_json, as_text=as_text)


def _invalid(index: int, where: str, reason: str) -> InvalidEventPattern:
    return InvalidEventPattern(
        "Invalid filter pattern definition.",
        where=f"filter {index + 1}, {where}",
        expected=reason,
        hint="mend this Pattern in FilterCriteria; its syntax is that of EventBridge event patterns",
    )


def _view(record: Mapping[str, Json], kind: EventSourceKind) -> dict[str, Json]:
    """Give the record as filters see it: of a Kinesis record they see one flat object, `data` beside `eventName`."""
    view = dict(record)
    inner = view.pop("kinesis", None) if kind == "kinesis" else None
    return {**view, **inner} if isinstance(inner, dict) else view


def _read_data(value: Json, kind: EventSourceKind) -> _Data:
    if isinstance(value, dict | list):
        return _Data(value, is_json=True)
    if not isinstance(value, str):
        return _Data(value, is_json=False)
    text = _decode(value) if kind in _BASE64 else value
    try:
        parsed = parse(text) if text is not None else None
    except InvalidJson:
        parsed = None
    return _Data(parsed, is_json=True) if isinstance(parsed, dict | list) else _Data(text, is_json=False)


def _decode(value: str) -> str | None:
    try:
        return b64decode(value, validate=True).decode()
    except (binascii.Error, ValueError):
        return None
