"""Intrinsic functions: each resolved to its local value, placeholders for the rest, and no ring followed."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.errors import TemplateError
from replay.functions.deployment import Deployment
from replay.functions.documents import Document
from replay.functions.intrinsics import Scope

TEMPLATE: dict[str, Any] = {
    "Parameters": {
        "Stage": {"Type": "String", "Default": "test"},
        "Size": {"Type": "Number", "Default": 3},
        "NoDefault": {"Type": "String"},
        "NoNumber": {"Type": "Number"},
        "Zones": {"Type": "CommaDelimitedList", "Default": "a, b,c"},
        "Secret": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/path/of/secret"},
    },
    "Mappings": {"Sizes": {"test": {"memory": 128, "zones": ["a", "b"]}}},
    "Conditions": {
        "IsTest": {"Fn::Equals": [{"Ref": "Stage"}, "test"]},
        "IsProd": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]},
        "IsBig": {"Fn::Equals": [{"Ref": "Size"}, "3"]},
        "Both": {"Fn::And": [{"Condition": "IsTest"}, {"Condition": "IsBig"}]},
        "Either": {"Fn::Or": [{"Condition": "IsProd"}, {"Condition": "IsBig"}]},
        "Neither": {"Fn::Not": [{"Condition": "Either"}]},
    },
    "Resources": {
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Fn::Sub": "orders-${Stage}"}}},
        "Fifo": {"Type": "AWS::SQS::Queue", "Properties": {"FifoQueue": True}},
        "Table": {"Type": "AWS::DynamoDB::Table"},
        "Bucket": {"Type": "AWS::S3::Bucket"},
        "Setting": {"Type": "AWS::SSM::Parameter", "Properties": {"Name": "/a/b", "Value": {"Ref": "Stage"}}},
        "F": {"Type": "AWS::Lambda::Function"},
        "Alias": {"Type": "AWS::Lambda::Alias", "Properties": {"FunctionName": {"Ref": "F"}, "Name": "live"}},
        "Version": {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Fn::GetAtt": ["F", "Arn"]}}},
        "Unknown": {"Type": "AWS::Quantum::Computer"},
    },
}
QUEUE_URL = "https://sqs.us-east-1.amazonaws.com/123456789012/orders-test"


def scope(template: dict[str, Any] = TEMPLATE, **deployment: Any) -> Scope:
    return Scope(Document(path=Path("template.yaml"), text="", data=template), Deployment(**deployment))


@pytest.mark.parametrize(
    ("value", "resolved"),
    [
        ({"Ref": "Stage"}, "test"),
        ({"Ref": "Size"}, 3),
        ({"Ref": "NoDefault"}, "local-NoDefault"),
        ({"Ref": "NoNumber"}, "0"),
        ({"Ref": "Zones"}, ["a", "b", "c"]),
        ({"Ref": "Secret"}, "local-Secret"),
        ({"Ref": "AWS::Region"}, "us-east-1"),
        ({"Ref": "AWS::AccountId"}, "123456789012"),
        ({"Ref": "AWS::Partition"}, "aws"),
        ({"Ref": "AWS::StackName"}, "local"),
        ({"Ref": "AWS::URLSuffix"}, "amazonaws.com"),
        ({"Ref": "Queue"}, QUEUE_URL),
        ({"Ref": "Fifo"}, "https://sqs.us-east-1.amazonaws.com/123456789012/local-Fifo.fifo"),
        ({"Ref": "Table"}, "local-Table"),
        ({"Ref": "Bucket"}, "local-bucket"),
        ({"Ref": "Setting"}, "/a/b"),
        ({"Ref": "F"}, "F"),
        ({"Ref": "Alias"}, "arn:aws:lambda:us-east-1:123456789012:function:F:live"),
        ({"Ref": "Version"}, "arn:aws:lambda:us-east-1:123456789012:function:F:1"),
        ({"Ref": "Unknown"}, "local-Unknown"),
        ({"Ref": "NotThere"}, "local-NotThere"),
        ({"Ref": ["no", "name"]}, "local-Ref"),
        ({"Fn::GetAtt": ["Queue", "Arn"]}, "arn:aws:sqs:us-east-1:123456789012:orders-test"),
        ({"Fn::GetAtt": "Queue.QueueName"}, "orders-test"),
        ({"Fn::GetAtt": ["Setting", "Value"]}, "test"),
        ({"Fn::GetAtt": ["Unknown", "Qubits"]}, "local-Unknown-Qubits"),
        ({"Fn::GetAtt": ["Nested", "Outputs.Url"]}, "local-Nested-Outputs-Url"),
        ({"Fn::GetAtt": 5}, "local-GetAtt"),
        ({"Fn::Sub": "${Stage}-${Queue.Arn}-${!Kept}-${AWS::Region}"}, "test-arn:aws:sqs:us-east-1:123456789012:orders-test-${Kept}-us-east-1"),
        ({"Fn::Sub": ["${a}-${Stage}", {"a": {"Ref": "Zones"}}]}, "a,b,c-test"),
        ({"Fn::Sub": "x${AWS::NoValue}y"}, "xy"),
        ({"Fn::Join": ["-", ["a", {"Ref": "Size"}, True, {"Ref": "AWS::NoValue"}]]}, "a-3-true"),
        ({"Fn::Join": [",", {"Ref": "Zones"}]}, "a,b,c"),
        ({"Fn::Select": ["1", {"Ref": "Zones"}]}, "b"),
        ({"Fn::Select": [9, ["a"]]}, "local-Select"),
        ({"Fn::Select": [-1, ["a"]]}, "local-Select"),
        ({"Fn::Split": ["-", {"Fn::Sub": "${Stage}-b"}]}, ["test", "b"]),
        ({"Fn::FindInMap": ["Sizes", {"Ref": "Stage"}, "memory"]}, 128),
        ({"Fn::FindInMap": ["Sizes", "prod", "memory"]}, "local-Sizes-prod-memory"),
        ({"Fn::FindInMap": ["Sizes", "prod", "memory", {"DefaultValue": 7}]}, 7),
        ({"Fn::If": ["IsTest", "yes", "no"]}, "yes"),
        ({"Fn::If": ["IsProd", "yes", "no"]}, "no"),
        ({"Fn::If": ["Both", 1, 2]}, 1),
        ({"Fn::If": ["Either", 1, 2]}, 1),
        ({"Fn::If": ["Neither", 1, 2]}, 2),
        ({"Fn::If": ["NotThere", 1, 2]}, 2),
        ({"Fn::If": ["IsTest", "too", "many", "parts"]}, "local-If"),
        ({"Fn::ImportValue": {"Fn::Sub": "${Stage}-VpcId"}}, "local-test-VpcId"),
        ({"Fn::Base64": "hi"}, "aGk="),
        ({"Fn::Cidr": ["10.0.0.0/16", 2, 8]}, ["10.0.0.0/24", "10.0.1.0/24"]),
        ({"Fn::Cidr": ["nonsense", 2]}, "local-Cidr"),
        ({"Fn::GetAZs": ""}, ["us-east-1a", "us-east-1b", "us-east-1c"]),
        ({"Fn::Length": {"Ref": "Zones"}}, 3),
        ({"Fn::ToJsonString": {"a": {"Ref": "Size"}}}, '{"a":3}'),
        ({"Fn::Transform": {"Name": "AWS::Include"}}, "local-Transform"),
        ({"Fn::Wonder": []}, "local-Wonder"),
        ({"a": {"Ref": "AWS::NoValue"}, "b": [{"Ref": "AWS::NoValue"}, 1]}, {"b": [1]}),
        ({"Ref": "AWS::NoValue"}, None),
        ({"Ref": "Stage", "and": "more"}, {"Ref": "Stage", "and": "more"}),
    ],
)  # fmt: skip
def test_each_function_gives_its_local_value(value: Any, resolved: Any) -> None:
    """What can be known is resolved, what cannot is a readable placeholder, and `AWS::NoValue` leaves nothing."""
    assert scope().resolve(value) == resolved


def test_parameters_and_the_deployment_decide() -> None:
    """Given parameters win over defaults, pseudo parameters can be given too, and the region reaches every ARN."""
    given = scope(region="cn-north-1", account_id="1" * 12, parameters={"Stage": "prod", "AWS::StackName": "shop"})
    assert given.resolve({"Fn::GetAtt": ["Queue", "Arn"]}) == "arn:aws-cn:sqs:cn-north-1:111111111111:orders-prod"
    assert given.resolve({"Ref": "Queue"}) == "https://sqs.cn-north-1.amazonaws.com.cn/111111111111/orders-prod"
    assert given.resolve({"Ref": "AWS::StackName"}) == "shop"
    assert given.holds("IsProd")


def test_a_name_in_a_ring_is_refused() -> None:
    """Two queues named after each other are an error that shows the ring."""
    ring = {
        "Resources": {
            "A": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Fn::GetAtt": ["B", "QueueName"]}}},
            "B": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Fn::Sub": "${A.QueueName}-dlq"}}},
        }
    }
    with pytest.raises(TemplateError, match="A depends on itself: A -> B -> A"):
        scope(ring).name_of("A")


def test_a_condition_in_a_ring_is_refused() -> None:
    """A condition that asks for itself is an error, not an endless search."""
    ring = {"Conditions": {"A": {"Fn::Not": [{"Condition": "B"}]}, "B": {"Fn::And": [{"Condition": "A"}]}}}
    with pytest.raises(TemplateError, match="depends on itself"):
        scope(ring).resolve({"Fn::If": ["A", 1, 2]})


def test_two_functions_that_name_each_other_in_their_environment_are_no_ring() -> None:
    """Only names must not depend on each other; values may."""
    template = {
        "Resources": {
            "A": {"Type": "AWS::Lambda::Function", "Properties": {"X": {"Ref": "B"}}},
            "B": {"Type": "AWS::Lambda::Function", "Properties": {"X": {"Ref": "A"}}},
        }
    }
    assert scope(template).resolve(template["Resources"]["A"]["Properties"]) == {"X": "B"}


_FUNCTIONS = [
    "Ref", "Condition", *(f"Fn::{name}" for name in (
        "And", "Base64", "Cidr", "Equals", "FindInMap", "GetAZs", "GetAtt", "If", "ImportValue", "Join", "Length", "Not",
        "Or", "Select", "Split", "Sub", "ToJsonString", "Wonder",
    )),
]  # fmt: skip
_ATOMS = st.sampled_from(["Stage", "Queue", "Zones", "IsTest", "Queue.Arn", "${Stage}", "${Queue.Arn}", "AWS::NoValue", "10.0.0.0/8", "", 0, -1, 9, None, True, 1.5])  # fmt: skip
_VALUES = st.recursive(
    _ATOMS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([*_FUNCTIONS, "key"]), inner, max_size=2)
    ),
    max_leaves=12,
)


@given(_VALUES)
def test_no_value_crashes_and_none_stays_unresolved(value: Any) -> None:
    """However functions are nested and whatever they are given, a plain value comes out."""
    waiting = [scope().resolve(value)]
    while waiting:
        item = waiting.pop()
        assert item is None or isinstance(item, str | int | float | bool | list | dict)
        if isinstance(item, dict):
            assert not (len(item) == 1 and next(iter(item)).startswith("Fn::"))
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item
