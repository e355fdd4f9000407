"""Filter policies and filter criteria against the recordings of SNS and of event source mappings."""

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest

from replay.errors import InvalidEventPattern
from replay.payloads.filter_criteria import compile_filter_criteria
from replay.payloads.filter_policies import compile_filter_policy
from tests.truth.recordings import recorded, truth_folder

_FOLDER = truth_folder()
_SNS = _FOLDER / "sns-filter"
_INDEX: list[dict[str, Any]] = json.loads((_FOLDER / "index.json").read_text(encoding="utf-8"))
_SOURCE = re.compile(r'\[Source: \(String\)"(.*)"; line: \d+, column: \d+\]', re.DOTALL)


def _recorded(category: str, name: str) -> dict[str, Any]:
    (path,) = (_FOLDER / category).glob(f"*--{name}.json")
    return recorded(path)


def _refused_policies() -> list[Any]:
    """List (policy, answer) where the answer quotes the policy."""
    return [
        pytest.param(_SOURCE.findall(answer["Error"]["Message"])[0], answer["Error"]["Message"], id=name)
        for path in sorted(_SNS.glob("*test_validate_policy*.json"))
        for name, answer in recorded(path).items()
    ]


@pytest.mark.parametrize(("policy", "message"), _refused_policies())
def test_refuses_policies_as_sns_does(policy: str, message: str) -> None:
    """A filter policy that SNS refused is refused with the first line of its answer, which names the reason."""
    with pytest.raises(InvalidEventPattern) as refused:
        compile_filter_policy(policy)
    assert refused.value.what == message.partition("\n")[0]


@pytest.mark.parametrize(
    ("name", "key", "policy", "scope"),
    [
        ("test_policy_complexity", "error-complexity-in-one-condition", {"k": [*range(151)]}, "MessageAttributes"),
        (
            "test_policy_complexity",
            "error-complexity-in-two-conditions",
            {"k": [*range(100)], "l": [*range(51)]},
            "MessageAttributes",
        ),
        ("test_policy_complexity", "error-complexity-too-many-fields", {k: [1] for k in "abcdef"}, "MessageAttributes"),
        (
            "test_sub_filter_policy_nested_property",
            "sub-filter-policy-nested-error",
            {"object": {"key": [{"prefix": "auto-"}]}},
            "MessageAttributes",
        ),
        ("test_set_subscription_filter_policy_scope", "sub-attrs-filter-scope-error", {"attr": ["x"]}, "RandomValue"),
    ],
)
def test_refuses_the_size_and_scope_that_sns_refuses(name: str, key: str, policy: Any, scope: str) -> None:
    """The limits of a policy and its scope are SNS's, word for word."""
    answer = _recorded("sns-filter", name)[key]["Error"]["Message"]
    with pytest.raises(InvalidEventPattern) as refused:
        compile_filter_policy(policy, scope)
    assert refused.value.what == answer


def _delivered(content: dict[str, Any], key: str) -> list[Any]:
    return [message["Body"] for message in content[key].get("Messages", [])]


def test_attribute_policies_accept_what_sns_delivered() -> None:
    """Messages that SNS delivered pass the attribute policy of their time, and those it kept back do not."""
    content = _recorded("sns-filter", "test_filter_policy")
    in_range = compile_filter_policy({"attr1": [{"numeric": [">", 0, "<=", 100]}]})
    (body,) = _delivered(content, "messages-1")
    assert in_range.accepts(message=body["Message"], message_attributes=body["MessageAttributes"])
    assert _delivered(content, "messages-2") == _delivered(content, "messages-1")  # 111 was published between
    assert not in_range.accepts(message="", message_attributes={"attr1": {"DataType": "Number", "StringValue": "111"}})
    null_or_other = compile_filter_policy({"attr1": [None, {"anything-but": "whatever"}]})
    assert _delivered(content, "messages-3") == []  # a message without attributes was published
    assert not null_or_other.accepts(message="", message_attributes={})


def test_exists_policies_accept_what_sns_delivered() -> None:
    """`exists` of attributes holds for the messages that SNS delivered."""
    content = _recorded("sns-filter", "test_exists_filter_policy")
    for exists, key in ((True, "messages-1"), (False, "messages-3")):
        (body,) = _delivered(content, key)
        accepts = {"message": body["Message"], "message_attributes": body["MessageAttributes"]}
        assert compile_filter_policy({"store": [{"exists": exists}]}).accepts(**accepts)
        assert not compile_filter_policy({"store": [{"exists": not exists}]}).accepts(**accepts)


@pytest.mark.parametrize(
    ("name", "policy", "kept_back"),
    [
        (
            "test_filter_policy_on_message_body_True",
            {
                "object": {"key": [{"prefix": "auto-"}, "hardcodedvalue"], "nested_key": [{"exists": False}]},
                "test": [{"exists": False}],
            },
            [
                {"object": {"key": "test-auto"}},
                {"object": {"key": "auto-test"}, "test": "present"},
                {"object": {"key": "auto-test", "nested_key": "present"}},
                {"test": "auto-test"},
                "a string",
            ],
        ),
        (
            "test_filter_policy_on_message_body_array_of_object_attributes",
            {
                "Records": {
                    "s3": {"object": {"key": [{"prefix": "auto-"}]}},
                    "eventName": [{"prefix": "ObjectCreated:"}],
                }
            },
            [
                {"Records": [{"eventName": "ObjectRemoved:Delete", "s3": {"object": {"key": "auto-1"}}}]},
                {"Records": [{"eventName": "ObjectCreated:Put", "s3": {"object": {"key": "home-1"}}}]},
            ],
        ),
    ],
)
def test_body_policies_accept_what_sns_delivered(name: str, policy: Any, kept_back: list[Any]) -> None:
    """Bodies that SNS delivered pass the body policy, and those it kept back do not."""
    accepts = compile_filter_policy(policy, "MessageBody").accepts
    content = _recorded("sns-filter", name)
    delivered = [body for key in content for body in _delivered(content, key)]
    assert len(delivered) == 2
    assert all(accepts(message=json.dumps(body), message_attributes={}) for body in delivered)
    assert not any(accepts(message=json.dumps(body), message_attributes={}) for body in kept_back)
    assert not accepts(message="not JSON", message_attributes={})


def test_dots_in_names_are_steps_for_sns_too() -> None:
    """A dotted key of a body policy finds nested objects and dotted names alike, as SNS delivered them."""
    content = _recorded("sns-filter", "test_filter_policy_on_message_body_dot_attribute")
    for field, prefix, count in (("object.nested", "recv-nested", 2), ("object.nested.test", "recv-deep", 4)):
        accepts = compile_filter_policy({field: ["string.value"]}, "MessageBody").accepts
        bodies = [body for key in content if key.startswith(prefix) for body in _delivered(content, key)]
        assert len(bodies) == count
        assert all(accepts(message=body["Message"], message_attributes={}) for body in bodies)


def _mappings(category: str, key: str) -> list[Any]:
    """List the cases whose stimulus has FilterCriteria and *key*."""
    return [
        pytest.param(case["stimulus"], case["expect"], id=Path(case["id"]).name)
        for case in _INDEX
        if case["category"] == category
        and key in case.get("stimulus", {})
        and "FilterCriteria" in str(case["stimulus"])
    ]


@pytest.mark.parametrize(("stimulus", "expect"), _mappings("esm-sqs", "messages"))
def test_sqs_filters_deliver_what_lambda_delivered(stimulus: Any, expect: Any) -> None:
    """Of the messages sent, those pass that Lambda handed to the function."""
    criteria = compile_filter_criteria([json.dumps(stimulus["esm"]["FilterCriteria"])], "sqs")
    passed = [body for body in stimulus["messages"] if criteria.matches({"body": json.dumps(body)})]
    assert passed == expect["delivered"]


@pytest.mark.parametrize(("stimulus", "expect"), _mappings("esm-dynamodb", "put_items_in_order"))
def test_dynamodb_filters_deliver_as_often_as_lambda_did(stimulus: Any, expect: Any) -> None:
    """Of the changes that the puts make, as many pass as Lambda made invocations (BatchSize 1)."""
    criteria = compile_filter_criteria([json.dumps(stimulus["esm"]["FilterCriteria"])], "dynamodb")
    assert stimulus["esm"]["BatchSize"] == 1
    passed = sum(criteria.matches(record) for record in _changes(stimulus["put_items_in_order"]))
    assert passed == expect["invocations"]


def _changes(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Make the stream records of these puts; putting what is there already changes nothing."""
    table: dict[str, dict[str, Any]] = {}
    records = []
    for item in items:
        old = table.get(item["id"]["S"])
        if old != item:
            dynamodb = {"ApproximateCreationDateTime": 1664559083.0, "Keys": {"id": item["id"]}, "NewImage": item}
            records.append({"eventName": "MODIFY" if old else "INSERT", "dynamodb": dynamodb})
        table[item["id"]["S"]] = item
    return records


def test_kinesis_filters_deliver_what_lambda_delivered() -> None:
    """The record that one mapping delivered passes its filter, and not that of the other mapping."""
    content = _recorded("esm-kinesis", "test_kinesis_event_filtering_json_pattern")
    (payload,) = json.loads(content["kinesis-record-lambda-payload"])
    data = base64.b64encode(json.dumps(payload).encode()).decode()
    passed = []
    for key in ("create_event_source_mapping_response", "create_event_source_mapping_2_response"):
        patterns = [each["Pattern"] for each in content[key]["FilterCriteria"]["Filters"]]
        passed.append(compile_filter_criteria(patterns, "kinesis").matches({"kinesis": {"data": data}}))
    assert passed == [True, False]


@pytest.mark.parametrize(
    ("category", "name", "key", "pattern"),
    [
        ("esm-sqs", "test_sqs_invalid_event_filter_None", "create_event_source_mapping_exception", "null"),
        (
            "esm-sqs",
            "test_sqs_invalid_event_filter_invalid_filter2",
            "create_event_source_mapping_exception",
            '{"eventSource": "aws:sqs"}',
        ),
        (
            "esm-dynamodb",
            "test_dynamodb_invalid_event_filter_single-string",
            "exception_event_source_creation",
            "single-string",
        ),
    ],
)
def test_refuses_filters_as_lambda_does(category: str, name: str, key: str, pattern: str) -> None:
    """A pattern that Lambda refused is refused with Lambda's own words."""
    with pytest.raises(InvalidEventPattern) as refused:
        compile_filter_criteria([pattern], "sqs" if category == "esm-sqs" else "dynamodb")
    assert refused.value.what == _recorded(category, name)[key]["Error"]["Message"]


def test_the_recordings_are_all_there() -> None:
    """Every kind of case is there, so that an empty folder cannot pass for agreement."""
    assert len(_refused_policies()) >= 20
    assert len(_mappings("esm-sqs", "messages")) >= 5
    assert len(_mappings("esm-dynamodb", "put_items_in_order")) >= 5
