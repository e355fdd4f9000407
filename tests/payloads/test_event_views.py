"""A pattern sees an event as its handler would, with the JSON inside strings opened."""

import base64
import json
from typing import Any

import pytest

from replay.payloads.captures import Event
from replay.payloads.event_patterns import compile_pattern
from replay.payloads.event_views import matches, views

ORDER = {"customer": {"tier": "gold"}, "total": 12}


def _event(value: Any) -> Event:
    return Event(text=json.dumps(value))


def _sqs(*bodies: str) -> Event:
    return _event(
        {
            "Records": [
                {
                    "messageId": str(number),
                    "eventSource": "aws:sqs",
                    "body": body,
                    "attributes": {"ApproximateReceiveCount": "1"},
                    "messageAttributes": {"kind": {"stringValue": "retry", "dataType": "String"}},
                }
                for number, body in enumerate(bodies)
            ]
        }
    )


@pytest.mark.parametrize(
    "pattern",
    [
        {"body": {"customer": {"tier": ["gold"]}}},
        {"Body": {"total": [{"numeric": [">", 10]}]}},
        {"MessageAttributes": {"kind": {"StringValue": ["retry"]}}},
        {"messageAttributes": {"kind": {"stringValue": ["retry"]}}},
        {"Attributes": {"ApproximateReceiveCount": ["1"]}},
        {"MessageId": ["1"]},
        {"Records": {"body": {"total": [12]}}},
    ],
)
def test_an_sqs_record_is_seen_in_both_spellings(pattern: dict[str, Any]) -> None:
    """A pattern may be written against Lambda's record or against the received message, and reads the parsed body."""
    assert matches(compile_pattern(pattern), _sqs("not json", json.dumps(ORDER)))


def test_a_pattern_must_match_within_one_record() -> None:
    """Two conditions that hold in two different records do not hold in the event."""
    pattern = compile_pattern({"body": {"a": [1], "b": [2]}})
    assert not matches(pattern, _sqs('{"a": 1}', '{"b": 2}'))
    assert matches(pattern, _sqs('{"a": 1}', '{"a": 1, "b": 2}'))


def test_a_body_that_is_not_json_is_a_string() -> None:
    """Plain text is matched as text, and so is a bare number."""
    assert matches(compile_pattern({"body": [{"prefix": "poison"}]}), _sqs("poison pill"))
    assert matches(compile_pattern({"body": ["12"]}), _sqs("12"))


@pytest.mark.parametrize(
    ("event", "pattern"),
    [
        (
            {"Records": [{"EventSource": "aws:sns", "Sns": {"Message": json.dumps(ORDER)}}]},
            {"Sns": {"Message": {"total": [12]}}},
        ),
        (
            {"Records": [{"kinesis": {"data": base64.b64encode(json.dumps(ORDER).encode()).decode()}}]},
            {"kinesis": {"data": {"total": [12]}}},
        ),
        (
            {"Records": [{"kinesis": {"data": base64.b64encode(json.dumps(ORDER).encode()).decode()}}]},
            {"data": {"total": [12]}},
        ),
        (
            {
                "records": {
                    "orders-0": [{"topic": "orders", "value": base64.b64encode(json.dumps(ORDER).encode()).decode()}]
                }
            },
            {"value": {"total": [12]}},
        ),
        ({"httpMethod": "POST", "body": json.dumps(ORDER)}, {"body": {"total": [12]}}),
        (
            {"body": base64.b64encode(json.dumps(ORDER).encode()).decode(), "isBase64Encoded": True},
            {"body": {"total": [12]}},
        ),
        ({"source": "shop", "detail": ORDER}, {"detail": {"customer": {"tier": ["gold"]}}}),
    ],
)
def test_json_in_strings_is_opened(event: dict[str, Any], pattern: dict[str, Any]) -> None:
    """Bodies, notifications and stream data are seen as the values that they hold."""
    assert matches(compile_pattern(pattern), _event(event))


@pytest.mark.parametrize("data", ["%%%", "/w==", "bm90IGpzb24="])
def test_data_that_cannot_be_opened_is_no_error(data: str) -> None:
    """Base64 that is none, is not text or not JSON stays a string."""
    (view,) = views(_event({"Records": [{"kinesis": {"data": data}}]}))
    assert isinstance(view["kinesis"]["data"], str)  # type: ignore[index,call-overload]  # the view of a record


@pytest.mark.parametrize(
    "text", ["[" * 100_000 + "]" * 100_000, '{"body": "' + "[" * 100_000 + '"}', "not json", '"text"', "[1]", "null"]
)
def test_hostile_events_match_nothing_and_harm_nobody(text: str) -> None:
    """An event that is deep, not JSON or no object is simply not matched."""
    assert not matches(compile_pattern({"body": {"a": [1]}}), Event(text=text))


def test_odd_records_are_passed_over() -> None:
    """Records that are no objects do not hide those that are."""
    event = _event(
        {"Records": [1, None, {"eventSource": "aws:sqs", "body": '{"a": 1}', "messageAttributes": {"x": 3}}]}
    )
    assert matches(compile_pattern({"body": {"a": [1]}}), event)
