"""Names, ARNs, Ref and GetAtt are those that the embedded AWS really gives."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from replay.functions.deployment import Deployment
from replay.functions.physical_names import arn_of, attribute_of, local_name, ref_of

HERE = Deployment()
_STATES = '{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}'


def _bus(_: Any) -> str:
    return boto3.client("events").create_event_bus(Name="orders")["EventBusArn"]


def _table(_: Any) -> str:
    created = boto3.client("dynamodb").create_table(
        TableName="orders",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return created["TableDescription"]["TableArn"]


def _queue_arn(_: Any) -> str:
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName="orders")["QueueUrl"]
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def _stream(_: Any) -> str:
    kinesis = boto3.client("kinesis")
    kinesis.create_stream(StreamName="orders", ShardCount=1)
    return kinesis.describe_stream(StreamName="orders")["StreamDescription"]["StreamARN"]


def _parameter(_: Any) -> str:
    ssm = boto3.client("ssm")
    ssm.put_parameter(Name="/shop/orders", Value="x", Type="String")
    return ssm.get_parameter(Name="/shop/orders")["Parameter"]["ARN"]


@pytest.mark.parametrize(
    ("kind", "name", "create"),
    [
        ("AWS::DynamoDB::Table", "orders", _table),
        ("AWS::Events::EventBus", "orders", _bus),
        ("AWS::Events::Rule", "orders", lambda _: boto3.client("events").put_rule(Name="orders", ScheduleExpression="rate(1 day)")["RuleArn"]),
        ("AWS::Kinesis::Stream", "orders", _stream),
        ("AWS::SNS::Topic", "orders", lambda _: boto3.client("sns").create_topic(Name="orders")["TopicArn"]),
        ("AWS::SQS::Queue", "orders", _queue_arn),
        ("AWS::SSM::Parameter", "/shop/orders", _parameter),
        ("AWS::StepFunctions::StateMachine", "orders", lambda _: boto3.client("stepfunctions").create_state_machine(name="orders", definition=_STATES, roleArn="arn:aws:iam::123456789012:role/r")["stateMachineArn"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_arns_are_those_of_the_embedded_aws(kind: str, name: str, create: Callable[[Any], str]) -> None:
    """What GetAtt promises is what is there once the resource is created."""
    with mock_aws():
        assert arn_of(kind, name, HERE) == create(None)


def test_the_ref_of_a_queue_is_its_url() -> None:
    """An environment variable with a queue's Ref can be sent to."""
    with mock_aws():
        assert (
            ref_of("AWS::SQS::Queue", "orders", HERE)
            == boto3.client("sqs").create_queue(QueueName="orders")["QueueUrl"]
        )


def test_the_ref_of_a_secret_finds_it() -> None:
    """AWS adds random letters to a secret's ARN; the one without them is understood too."""
    with mock_aws():
        client = boto3.client("secretsmanager")
        client.create_secret(Name="shop-key", SecretString="x")
        assert (
            client.get_secret_value(SecretId=ref_of("AWS::SecretsManager::Secret", "shop-key", HERE))["Name"]
            == "shop-key"
        )


@pytest.mark.parametrize(
    ("kind", "attribute", "value"),
    [
        ("AWS::S3::Bucket", "RegionalDomainName", "x.s3.us-east-1.amazonaws.com"),
        ("AWS::DynamoDB::Table", "StreamArn", "arn:aws:dynamodb:us-east-1:123456789012:table/x/stream/2000-01-01T00:00:00.000"),
        ("AWS::SNS::Topic", "TopicName", "x"),
        ("AWS::Events::EventBus", "Name", "x"),
        ("AWS::Quantum::Computer", "Arn", "arn:aws:quantum:us-east-1:123456789012:x"),
        ("AWS::Quantum::Computer", "Qubits", None),
        ("Custom::Thing", "Arn", "arn:aws:unknown:us-east-1:123456789012:x"),
    ],
)  # fmt: skip
def test_attributes(kind: str, attribute: str, value: str | None) -> None:
    """Known attributes are written out, an ARN is always plausible, and what only AWS knows is None."""
    assert attribute_of(kind, "x", attribute, HERE) == value


@given(
    st.from_regex(r"[A-Za-z0-9]{1,255}", fullmatch=True), st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,127}", fullmatch=True)
)
def test_local_names_fit_their_services(logical_id: str, stack_name: str) -> None:
    """Whatever a resource is called, its local name is one that S3 and SQS accept, and always the same."""
    deployment = Deployment(stack_name=stack_name)
    bucket = local_name("AWS::S3::Bucket", logical_id, {}, deployment)
    assert 3 <= len(bucket) <= 63
    assert bucket == bucket.lower()
    queue = local_name("AWS::SQS::Queue", logical_id, {"FifoQueue": "true"}, deployment)
    assert queue.endswith(".fifo")
    assert len(queue) <= 80
    assert queue == local_name("AWS::SQS::Queue", logical_id, {"FifoQueue": True}, deployment)


def test_long_names_stay_apart() -> None:
    """Two names that differ only at their end differ when cut."""
    names = {local_name("AWS::SQS::Queue", "Q" * 90 + end, {}, HERE) for end in "ab"}
    assert len(names) == 2
