"""Filter criteria of event source mappings, in cases of our own."""

import json
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.errors import InvalidEventPattern
from replay.payloads.filter_criteria import compile_filter_criteria


def passes(pattern: Any, kind: Any, record: dict[str, Any]) -> bool:
    return compile_filter_criteria([pattern], kind).matches(record)


def base64(data: Any) -> str:
    raw = data if isinstance(data, bytes) else data.encode()
    return b64encode(raw).decode()


@pytest.mark.parametrize(
    ("pattern", "body", "expected"),
    [
        ({"body": {"a": [1]}}, '{"a": 1}', True),
        ({"body": {"a": [1]}}, '[{"a": 1}]', True),
        ({"body": {"a": [1]}}, '{"a": 2}', False),
        ({"body": {"a": [{"exists": False}]}}, '{"b": 2}', True),
        ({"body": {"a": [{"exists": False}]}}, "plain text", False),
        ({"body": {"a": [{"exists": False}]}}, "42", False),
        ({"body": [{"prefix": "pl"}]}, "plain text", True),
        ({"body": ["42"]}, "42", True),
        ({"body": ["a"]}, '["a"]', False),
        ({"body": [{"anything-but": "x"}]}, '{"a": 1}', False),
        ({"eventSource": ["aws:sqs"]}, "plain text", True),
        ({"eventSource": ["aws:sqs"]}, '{"a": 1}', True),
        ({"body": {"a": [1]}, "eventSource": ["other"]}, '{"a": 1}', False),
        ({"body": {"a": [1]}}, "[" * 100_000, False),
    ],
)
def test_sqs_bodies_must_be_of_the_form_the_filter_expects(pattern: Any, body: str, expected: bool) -> None:
    """JSON meets JSON and text meets text; a mismatch drops the message, a filter without body ignores it."""
    assert passes(pattern, "sqs", {"body": body, "eventSource": "aws:sqs"}) is expected


@pytest.mark.parametrize(
    ("pattern", "data", "expected"),
    [
        ({"data": {"a": [1]}}, base64('{"a": 1}'), True),
        ({"data": {"a": [{"exists": False}]}}, base64("no JSON"), False),
        ({"data": {"a": [{"exists": False}]}}, base64(b"\xff\xfe"), False),
        ({"data": {"a": [{"exists": False}]}}, "not base64!", False),
        ({"partitionKey": ["p"]}, base64(b"\xff\xfe"), True),
        ({"eventName": ["aws:kinesis:record"], "data": {"a": [1]}}, base64('{"a": 1}'), True),
        ({"kinesis": {"partitionKey": ["p"]}}, base64("{}"), False),
    ],
)
def test_kinesis_filters_see_one_flat_record_with_its_data_read(pattern: Any, data: str, expected: bool) -> None:
    """Filters see `data` decoded and beside the metadata; data that is not JSON is dropped where JSON is asked for."""
    record = {"eventName": "aws:kinesis:record", "kinesis": {"partitionKey": "p", "data": data}}
    assert passes(pattern, "kinesis", record) is expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"NewImage": {"n": {"N": ["42"]}}}, True),
        ({"NewImage": {"n": {"N": [{"numeric": ["=", 42]}]}}}, False),
        ({"NewImage": {"n": [{"exists": False}]}}, True),
        ({"NewImage": {"n": {"N": [{"exists": False}]}}}, False),
        ({"NewImage": {"n": {"S": [{"exists": False}, {"anything-but": ["x"]}]}}}, True),
        ({"ApproximateCreationDateTime": [{"numeric": [">", 0]}]}, True),
    ],
)
def test_dynamodb_filters_see_typed_attributes(fields: Any, expected: bool) -> None:
    """Numbers of an item are strings below N, and an attribute is no leaf, so `exists` does not see it."""
    record = {"dynamodb": {"ApproximateCreationDateTime": 1.5e9, "NewImage": {"n": {"N": "42"}}}}
    assert passes({"dynamodb": fields}, "dynamodb", record) is expected


def test_kafka_and_mq_data_is_decoded() -> None:
    """Key and value of a Kafka record and the data of an MQ message are read as JSON or text, as the filter asks."""
    record = {"topic": "t", "key": base64("k"), "value": base64('{"a": 1}')}
    assert passes({"key": ["k"], "value": {"a": [1]}}, "kafka", record)
    assert not passes({"key": {"a": [{"exists": False}]}}, "kafka", record)
    assert not passes({"value": [{"prefix": "{"}]}, "kafka", record)
    assert not passes({"key": {"a": [{"exists": False}]}}, "kafka", {"value": base64("{}"), "key": None})
    assert passes({"data": [{"suffix": "text"}]}, "mq", {"data": base64("some text")})


def test_one_filter_of_several_is_enough_and_none_lets_everything_pass() -> None:
    """Filters are alternatives; a mapping without filters delivers every record."""
    two = compile_filter_criteria(['{"body": {"a": [1]}}', {"body": ["text"]}], "sqs")
    assert [two.matches({"body": body}) for body in ('{"a": 1}', "text", "other")] == [True, True, False]
    assert compile_filter_criteria([], "sqs").matches({"body": "anything"})


@pytest.mark.parametrize(
    ("pattern", "kind", "where"),
    [
        ("", "sqs", "filter 2, line 1, column 1"),
        ("{}", "sqs", "filter 2, /"),
        ('{"body": {"a": []}}', "sqs", "filter 2, /body/a"),
        ({"data": ["text"]}, "kinesis", "filter 2, /data"),
        ({"dynamodb": [{"exists": True}]}, "dynamodb", "filter 2, /dynamodb"),
    ],
)
def test_what_lambda_refuses_is_refused(pattern: Any, kind: Any, where: str) -> None:
    """Lambda has one text for every invalid pattern; which filter, where in it and why are told beside it."""
    with pytest.raises(InvalidEventPattern) as refused:
        compile_filter_criteria(['{"ok": [1]}', pattern], kind)
    assert refused.value.what == "Invalid filter pattern definition."
    assert refused.value.where == where
    assert refused.value.expected


@given(st.sampled_from(["sqs", "kinesis", "dynamodb", "kafka", "mq", "sns"]), st.text() | st.none() | st.binary())
def test_no_record_is_too_strange_to_be_judged(kind: Any, data: Any) -> None:
    """Whatever the data of a record is, it passes or does not; nothing is raised."""
    value = base64(data) if isinstance(data, bytes) else data
    record = {"body": value, "data": value, "key": value, "value": value, "kinesis": value, "dynamodb": value}
    for key in ("body", "data", "key", "value", "dynamodb"):
        for known in (record, {}):
            assert passes({key: {"a": ["never"]}}, kind, known) is False


@given(st.dictionaries(st.sampled_from("ab"), st.integers(0, 3)), st.integers(0, 3))
def test_the_same_filter_judges_every_source_alike(data: dict[str, int], value: int) -> None:
    """JSON data is filtered the same, whatever source carries it."""
    text = json.dumps(data)
    expected = data.get("a") == value
    assert passes({"body": {"a": [value]}}, "sqs", {"body": text}) is expected
    assert passes({"data": {"a": [value]}}, "kinesis", {"kinesis": {"data": base64(text)}}) is expected
    assert passes({"value": {"a": [value]}}, "kafka", {"value": base64(text)}) is expected
    assert passes({"dynamodb": {"a": [value]}}, "dynamodb", {"dynamodb": data}) is expected
