"""A handler that sends to where its events come from."""

import json
from pathlib import Path
from typing import Any

import pytest

from replay.functions.function import Function
from replay.outcomes.loops import loops
from tests.outcomes.aws_effects import call

REGION, ACCOUNT, OTHER = "eu-west-1", "111122223333", "999988887777"
FUNCTION = Function(name="orders", handler="app.handler", code=Path(), account_id=ACCOUNT)
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:orders"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:orders"
TABLE = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/orders/stream/2026-01-31T00:00:00.000"
STREAM = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/orders"


def url(name: str = "orders", account: str = ACCOUNT) -> str:
    return f"https://sqs.{REGION}.amazonaws.com/{account}/{name}"


def from_queue(body: str = "{}") -> Any:
    return {"Records": [{"eventSource": "aws:sqs", "eventSourceARN": QUEUE, "body": body}]}


FROM_TOPIC = {"Records": [{"EventSource": "aws:sns", "Sns": {"TopicArn": TOPIC}}]}
FROM_TABLE = {"Records": [{"eventSource": "aws:dynamodb", "eventSourceARN": TABLE}]}
FROM_STREAM = {"Records": [{"eventSource": "aws:kinesis", "eventSourceARN": STREAM}]}
FROM_BUS = {"source": "shop", "detail-type": "OrderPlaced", "detail": {}}


def from_bucket(name: str = "ObjectCreated:Put") -> Any:
    return {"Records": [{"eventSource": "aws:s3", "eventName": name, "s3": {"bucket": {"name": "orders"}}}]}


LOOPS = [
    (from_queue(), call("sqs:SendMessage", QueueUrl=url())),
    (from_queue(), call("sqs:SendMessageBatch", QueueUrl=url(), Entries=[])),
    (from_queue(), call("sqs:SendMessage", QueueUrl=f"http://127.0.0.1:5000/{ACCOUNT}/orders")),
    (from_queue(), call("sqs:SendMessage", QueueUrl=url(), error="ThrottlingException")),
    (FROM_TOPIC, call("sns:Publish", TopicArn=TOPIC)),
    (FROM_TOPIC, call("sns:PublishBatch", TopicArn=TOPIC)),
    (from_queue(json.dumps({"Type": "Notification", "TopicArn": TOPIC})), call("sns:Publish", TopicArn=TOPIC)),
    (from_bucket(), call("s3:PutObject", Bucket="orders", Key="other")),
    (from_bucket("ObjectRemoved:Delete"), call("s3:DeleteObject", Bucket="orders")),
    (
        {"source": "aws.s3", "detail-type": "Object Created", "detail": {"bucket": {"name": "orders"}}},
        call("s3:CopyObject", Bucket="orders"),
    ),
    (FROM_TABLE, call("dynamodb:UpdateItem", TableName="orders")),
    (FROM_TABLE, call("dynamodb:PutItem", TableName=f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/orders")),
    (FROM_TABLE, call("dynamodb:BatchWriteItem", RequestItems={"audit": [], "orders": []})),
    (FROM_TABLE, call("dynamodb:TransactWriteItems", TransactItems=[{"Put": {"TableName": "orders"}}])),
    (FROM_STREAM, call("kinesis:PutRecord", StreamName="orders")),
    (FROM_STREAM, call("kinesis:PutRecords", StreamARN=STREAM)),
    (FROM_BUS, call("events:PutEvents", Entries=[{"Source": "shop", "DetailType": "OrderPlaced"}])),
    (
        from_queue(json.dumps(FROM_BUS)),
        call("events:PutEvents", Entries=[{"Source": "shop", "DetailType": "OrderPlaced"}]),
    ),
    ({}, call("lambda:Invoke", FunctionName="orders")),
    ({}, call("lambda:Invoke", FunctionName="orders:live")),
    ({}, call("lambda:Invoke", FunctionName=f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:orders:1")),
    ({}, call("lambda:Invoke", FunctionName=f"{ACCOUNT}:function:orders")),
]
NO_LOOPS = [
    (from_queue(), call("sqs:SendMessage", QueueUrl=url("billing"))),
    (from_queue(), call("sqs:SendMessage", QueueUrl=url(account=OTHER))),
    (from_queue(), call("sqs:DeleteMessage", QueueUrl=url())),
    (from_queue(), call("sns:Publish", TopicArn=TOPIC)),
    (from_queue("not JSON {"), call("sns:Publish", TopicArn=TOPIC)),
    (FROM_TOPIC, call("sns:Publish", TopicArn=f"arn:aws:sns:{REGION}:{OTHER}:orders")),
    (FROM_TOPIC, call("sns:Publish", PhoneNumber="+4912345")),
    (from_bucket(), call("s3:GetObject", Bucket="orders")),
    (from_bucket(), call("s3:DeleteObject", Bucket="orders")),
    (from_bucket("ObjectRemoved:Delete"), call("s3:PutObject", Bucket="orders")),
    (FROM_TABLE, call("dynamodb:GetItem", TableName="orders")),
    (FROM_TABLE, call("dynamodb:PutItem", TableName="audit")),
    (FROM_BUS, call("events:PutEvents", Entries=[{"Source": "shop", "DetailType": "OrderBilled"}])),
    ({}, call("lambda:Invoke", FunctionName="billing")),
    ({"Records": "none"}, call("sqs:SendMessage", QueueUrl=url())),
    ([1], call("sqs:SendMessage", QueueUrl=7)),
    ({"Records": [None, {"s3": 1, "Sns": [], "body": 3}]}, call("events:PutEvents", Entries=[None])),
]


@pytest.mark.parametrize(("event", "effect"), LOOPS)
def test_a_call_to_where_the_event_came_from_is_a_loop(event: Any, effect: Any) -> None:
    """Each way of AWS to bring an event back to its own function is told."""
    (note,) = loops([effect, effect], [event], FUNCTION)
    assert note.startswith("infinite loop: orders ")
    assert effect.name in note


@pytest.mark.parametrize(("event", "effect"), NO_LOOPS)
def test_a_call_to_elsewhere_is_none(event: Any, effect: Any) -> None:
    """Another name, another account, a read, or an event of another type calls somebody else; odd values do no harm."""
    assert loops([effect], [event], FUNCTION) == []


def test_the_account_of_the_mock_is_the_one_of_the_event() -> None:
    """A queue of the function's own account is the source, although the event was captured in another one."""
    at_home = Function(name="orders", handler="app.handler", code=Path(), account_id=OTHER)
    assert loops([call("sqs:SendMessage", QueueUrl=url(account=OTHER))], [from_queue()], at_home)
