"""What of a second delivery is a new write."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.outcomes.idempotence import new_writes, told
from replay.payloads.aws_calls import AwsCall
from tests.outcomes.aws_effects import call

ITEM = {"TableName": "orders", "Item": {"id": {"S": "1"}}}
FIFO = "https://sqs.eu-west-1.amazonaws.com/111122223333/orders.fifo"
STANDARD = FIFO.removesuffix(".fifo")


def update(expression: str, value: Any = None) -> AwsCall:
    values = {":v": value or {"N": "1"}}
    return call("dynamodb:UpdateItem", TableName="t", UpdateExpression=expression, ExpressionAttributeValues=values)


SAME_TWICE_IS_DONE = [
    call("dynamodb:PutItem", **ITEM),
    call("dynamodb:DeleteItem", TableName="orders", Key={"id": {"S": "1"}}),
    call("dynamodb:BatchWriteItem", RequestItems={"orders": []}),
    call("s3:PutObject", Bucket="b", Key="k", Body="x"),
    call("s3:CopyObject", Bucket="b", Key="k", CopySource="c"),
    call("ssm:PutParameter", Name="n", Value="v"),
    update("SET a = :v"),
    update("SET a = if_not_exists(a, :v)"),
    update("REMOVE a"),
    update("ADD tags :v", {"SS": ["a"]}),
    call("sqs:SendMessage", QueueUrl=FIFO, MessageBody="x", MessageDeduplicationId="1"),
    call("sqs:SendMessage", QueueUrl=FIFO, MessageBody="x"),
    call("sqs:SendMessageBatch", QueueUrl=FIFO, Entries=[{"Id": "a", "MessageDeduplicationId": "1"}]),
    call("sns:Publish", TopicArn="arn:aws:sns:eu-west-1:1:t.fifo", Message="x", MessageDeduplicationId="1"),
    call("stepfunctions:StartExecution", stateMachineArn="m", name="order-1", input="{}"),
    call(
        "dynamodb:TransactWriteItems",
        TransactItems=[{"Update": {"UpdateExpression": "ADD n :v"}}],
        ClientRequestToken="t",
    ),
    call("ecs:RunTask", taskDefinition="d", clientToken="order-1"),
    call("dynamodb:GetItem", **ITEM),
    call("dynamodb:Query", TableName="t"),
    call("kms:Decrypt", CiphertextBlob="x"),
    call("sqs:ReceiveMessage", QueueUrl=STANDARD),
    call("cloudwatch:PutMetricData", Namespace="n"),
    call("rds-data:ExecuteStatement", sql=" select 1"),
]
EACH_TIME_NEW = [
    call("sqs:SendMessage", QueueUrl=STANDARD, MessageBody="x", MessageDeduplicationId="1"),
    call("sqs:SendMessageBatch", QueueUrl=STANDARD, Entries=[{"Id": "a", "MessageBody": "x"}]),
    call("sns:Publish", TopicArn="arn:aws:sns:eu-west-1:1:t", Message="x"),
    call("sns:Publish", PhoneNumber="+4912345", Message="x"),
    call("events:PutEvents", Entries=[{"Source": "shop"}]),
    call("kinesis:PutRecord", StreamName="s", Data="x"),
    call("firehose:PutRecordBatch", DeliveryStreamName="s"),
    call("lambda:Invoke", FunctionName="f"),
    call("stepfunctions:StartExecution", stateMachineArn="m", input="{}"),
    call("ses:SendEmail", Source="a"),
    call("ecs:RunTask", taskDefinition="d"),
    call("rds-data:ExecuteStatement", sql="insert into t values (1)"),
    update("ADD n :v"),
    update("SET n = n + :v"),
    update("SET n = n - :v"),
    update("SET l = list_append(l, :v)"),
    update("SET a = :w ADD n :v"),
    call("dynamodb:UpdateItem", TableName="t", AttributeUpdates={"n": {"Action": "ADD", "Value": {"N": "1"}}}),
    call("dynamodb:TransactWriteItems", TransactItems=[{"Update": {"UpdateExpression": "SET n = n + :v"}}]),
]


@pytest.mark.parametrize("effect", SAME_TWICE_IS_DONE, ids=lambda effect: effect.name)
def test_what_leaves_the_same_state_is_no_new_write(effect: AwsCall) -> None:
    """Setting a state again, a message that is known to be the same one, and reads change nothing."""
    assert new_writes([effect], [effect]) == []


@pytest.mark.parametrize("effect", EACH_TIME_NEW, ids=lambda effect: effect.name)
def test_what_adds_is_a_new_write_each_time(effect: AwsCall) -> None:
    """One more message, event, record, execution or count is one more, however alike it is."""
    assert new_writes([effect], [effect]) == [effect]
    assert told([effect], [effect]) == f"not idempotent: the second delivery called {effect.name} again"


def test_another_content_is_a_new_write() -> None:
    """An item with a time or an id of its own is written over by the second delivery."""
    first, second = call("dynamodb:PutItem", Item={"at": "08:15"}), call("dynamodb:PutItem", Item={"at": "08:16"})
    writes = new_writes([first], [second])
    assert writes == [second]
    assert told([first], writes) == "not idempotent: the second delivery called dynamodb:PutItem with other content"


def test_a_write_that_failed_the_first_time_is_new_the_second_time() -> None:
    """What the first delivery could not do, it has not done."""
    failed, done = call("dynamodb:PutItem", error="ThrottlingException", **ITEM), call("dynamodb:PutItem", **ITEM)
    assert new_writes([failed], [done]) == [done]


def test_a_refused_write_is_none() -> None:
    """A condition that fails is how a handler finds out that it has been here."""
    first = call("dynamodb:PutItem", ConditionExpression="attribute_not_exists(id)", **ITEM)
    second = call("dynamodb:PutItem", error="ConditionalCheckFailedException", **ITEM)
    assert new_writes([first], [second]) == []


def test_another_message_of_a_fifo_batch_is_new() -> None:
    """One message of a batch that the queue does not know makes the call a new write."""
    first = call("sqs:SendMessageBatch", QueueUrl=FIFO, Entries=[{"MessageDeduplicationId": "1"}])
    second = call("sqs:SendMessageBatch", QueueUrl=FIFO, Entries=[{"MessageDeduplicationId": each} for each in "12"])
    assert new_writes([first], [second]) == [second]


def test_what_only_the_second_delivery_does_is_told_as_that() -> None:
    """The words tell a repetition from a thing that is done for the first time; many are cut short."""
    second = [
        call(f"sqs:{name}", QueueUrl=STANDARD) for name in ("SendMessage", "PurgeQueue", "CreateQueue", "AddPermission")
    ]
    assert told([], new_writes([], second)) == (
        "not idempotent: the second delivery called sqs:SendMessage, which the first did not; "
        "called sqs:PurgeQueue, which the first did not; called sqs:CreateQueue, which the first did not and 1 more"
    )


@given(st.lists(st.sampled_from([*SAME_TWICE_IS_DONE, *EACH_TIME_NEW])), st.lists(st.sampled_from(SAME_TWICE_IS_DONE)))
def test_only_what_adds_is_new(first: list[AwsCall], more: list[AwsCall]) -> None:
    """Whatever a handler calls: repeated in full, the new writes are exactly the calls that add, in order."""
    second = [*first, *(each for each in more if each in first)]
    assert new_writes(first, second) == [each for each in second if each in EACH_TIME_NEW]
    assert new_writes(first, []) == []
