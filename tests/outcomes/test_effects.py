"""Asking an outcome for what the function did to AWS."""

import pytest

from replay.delivery.attempt import Attempt, Reply
from replay.delivery.report import DeliveryReport, Invocation
from replay.outcomes.classify import classify
from replay.payloads.aws_calls import AwsCall

PUT = AwsCall(service="dynamodb", operation="PutItem", parameters={"TableName": "orders", "Item": {"id": {"S": "a"}}})
SEND = AwsCall(service="sqs", operation="SendMessage", parameters={"MessageBody": "x"})


@pytest.fixture
def outcome():
    """Two invocations, of which the second makes one call more."""
    invocations = tuple(
        Invocation(attempt=Attempt(payload="{}"), reply=Reply(status="returned", payload="null", effects=effects))
        for effects in ((PUT,), (PUT, SEND))
    )
    return classify(DeliveryReport(invocations=invocations, dispositions={"event": "processed"}))


def test_effects_go_over_all_invocations(outcome):
    """In the order in which they were made."""
    assert [call.name for call in outcome.effects] == ["dynamodb:PutItem", "dynamodb:PutItem", "sqs:SendMessage"]


def test_called_finds_calls_by_name_and_parameters(outcome):
    """A glob without regard to case, and the parameters that are given; those that are not may be anything."""
    assert outcome.called("dynamodb:PutItem") == [PUT, PUT]
    assert outcome.called("SQS:send*", MessageBody="x") == [SEND]
    assert outcome.called("*:*") == outcome.effects
    assert outcome.called("dynamodb:PutItem", TableName="orders", Item={"id": {"S": "a"}})
    assert not outcome.called("dynamodb:PutItem", TableName="other")
    assert not outcome.called("dynamodb:PutItem", IndexName=None)
    assert not outcome.called("dynamodb:GetItem")
