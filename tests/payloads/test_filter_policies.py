"""SNS filter policies, in cases of our own."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.errors import InvalidEventPattern
from replay.payloads.filter_policies import compile_filter_policy


def accepts(policy: Any, attributes: dict[str, Any]) -> bool:
    return compile_filter_policy(policy).accepts(message="{}", message_attributes=attributes)


def refusal(policy: Any, scope: str = "MessageAttributes") -> InvalidEventPattern:
    with pytest.raises(InvalidEventPattern) as refused:
        compile_filter_policy(policy, scope)
    return refused.value


@pytest.mark.parametrize(
    ("policy", "attribute", "expected"),
    [
        (["rugby"], {"Type": "String", "Value": "rugby"}, True),
        (["rugby"], {"DataType": "String", "StringValue": "rugby"}, True),
        (["rugby"], {"dataType": "String.custom", "stringValue": "rugby"}, True),
        ([{"wildcard": "r*y"}], {"Type": "String", "Value": "rugby"}, True),
        ([5], {"Type": "String", "Value": "5"}, False),
        ([5], {"Type": "Number", "Value": "5.0"}, True),
        ([{"numeric": [">", 1]}], {"Type": "Number.float", "Value": "3.015e2"}, True),
        (["five"], {"Type": "Number", "Value": "five"}, True),
        (["rugby"], {"Type": "String.Array", "Value": '["golf", "rugby"]'}, True),
        ([None], {"Type": "String.Array", "Value": '["golf", null]'}, True),
        ([True], {"Type": "String.Array", "Value": "[true, 1]"}, True),
        ([{"exists": True}], {"Type": "String.Array", "Value": "no array"}, False),
        ([{"exists": True}], {"Type": "Binary", "Value": "AAE="}, False),
        ([{"exists": False}], {"Type": "Binary", "Value": "AAE="}, True),
        ([{"exists": True}], {}, False),
        ([{"anything-but": {"prefix": "a"}}], {"Type": "String", "Value": "b"}, True),
        ([{"cidr": "10.0.0.0/8"}], {"Type": "String", "Value": "10.1.1.1"}, True),
    ],
)
def test_attributes_are_compared_by_their_type(policy: Any, attribute: Any, expected: bool) -> None:
    """Strings, numbers and the elements of arrays are compared; binary attributes are as good as absent."""
    assert accepts({"a": policy}, {"a": attribute}) is expected


def test_an_empty_policy_accepts_everything() -> None:
    """No text, an empty object, and its text all remove the filter."""
    for policy in ("", " ", "{}", {}):
        assert accepts(policy, {})
        assert compile_filter_policy(policy, "MessageBody").accepts(message="no JSON", message_attributes={})


def test_a_body_policy_reads_the_body_only() -> None:
    """In scope MessageBody attributes do not count, and a body that is no JSON object is not accepted."""
    policy = compile_filter_policy('{"a": {"b": [1]}, "c": [{"exists": false}]}', "MessageBody")
    attributes = {"c": {"Type": "String", "Value": "x"}}
    assert policy.accepts(message='{"a": [{"b": 1}]}', message_attributes=attributes)
    assert not policy.accepts(message='{"a": {"b": 1}, "c": null}', message_attributes={})
    for message in ("", "text", '"text"', "[]", "[" * 100_000):
        assert not policy.accepts(message=message, message_attributes={})


@pytest.mark.parametrize(
    ("policy", "scope", "reason"),
    [
        ('{"a": 1}', "MessageBody", 'Attributes Reason: FilterPolicy: "a" must be an object or an array'),
        ("[1]", "MessageBody", "Attributes Reason: FilterPolicy: Filter is not an object"),
        ({"a": [{"numeric": [">", 2e9]}]}, "MessageBody", "Value must be between -1.0E9 and 1.0E9, inclusive"),
        ({"a": [{"anything-but": {"prefix": ["b"]}}]}, "MessageBody", "prefix match pattern must be a string"),
        ({"a": [{"anything-but": {"suffix": "b"}}]}, "MessageBody", "Unsupported anything-but pattern: suffix"),
        ({"$or": [{"a": [1]}, {"b": {"c": [1]}}]}, "MessageAttributes", "does not support nested filter policy"),
        ({"$or": [{k: [1]} for k in "abc"], **{k: [1] for k in "def"}}, "MessageBody", "more than 5 keys"),
        ({"a": {"b": {"c": [*range(51)]}}}, "MessageBody", "Filter policy is too complex"),
        ({"a": [*range(50)], "$or": [{"b": [1]}, {"c": [1]}, {"d": [1, 2]}]}, "MessageBody", "is too complex"),
        ({k: {"$or": [{"x": [1]}, {"y": [1]}]} for k in "abcdefghij"}, "MessageBody", "is too complex"),
        ({"a": [1]}, "Body", "FilterPolicyScope: Invalid value [Body]"),
    ],
)
def test_what_sns_refuses_is_refused(policy: Any, scope: str, reason: str) -> None:
    """A policy's grammar, its limits and its scope are SNS's, and each error has a place and a way out."""
    error = refusal(policy, scope)
    assert error.what.startswith("Invalid parameter: ")
    assert reason in error.what
    assert error.where
    assert error.hint


def test_policies_at_the_limit_are_accepted() -> None:
    """150 combinations in five keys are allowed, counted level by level and summed over `$or`."""
    compile_filter_policy({"a": [*range(150)]})
    compile_filter_policy({"a": [*range(5)], "b": [*range(5)], "c": [*range(6)], "d": [1], "e": [1]})
    compile_filter_policy({"a": {"b": {"c": [*range(50)]}}}, "MessageBody")
    compile_filter_policy({"a": [*range(50)], "$or": [{"b": [1]}, {"c": [1, 2]}]})


@given(st.dictionaries(st.text(max_size=3), st.text(max_size=5), max_size=3), st.text(max_size=5))
def test_attributes_and_bodies_of_strings_are_judged_alike(fields: dict[str, str], value: str) -> None:
    """For flat strings both scopes are the same language, as long as names hold no dots."""
    policy = {"a": [value, {"prefix": "x"}]}
    attributes = {name: {"Type": "String", "Value": text} for name, text in fields.items()}
    body = compile_filter_policy(policy, "MessageBody").accepts(message=json.dumps(fields), message_attributes={})
    assert accepts(policy, attributes) is body
