"""The `sns` target: which topic it is, who gets its messages, and what is published."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from replay.errors import AwsError, ConfigurationError, InvalidEvent
from replay.functions.function import Function
from replay.payloads.captures import Event
from replay.targets.carrier import Acknowledgement, Entry, Refusal
from replay.targets.guard_rails import deployed
from replay.targets.sending import Sender, batch_id
from replay.targets.sns import SnsTarget
from replay.targets.topic_parts.subscribers import dead_letter_queues
from tests.targets.carried import Journal

ACCOUNT = "123456789012"
ARN = f"arn:aws:sns:us-east-1:{ACCOUNT}:shop"
FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:orders"


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(deployed, "is_on_this_machine", lambda _: False)
    with mock_aws():
        client: Any = boto3.client("sns")
        yield client.create_topic(Name="shop", Tags=[{"Key": "stage", "Value": "test"}])["TopicArn"]


def sns_event(*messages: str, **more: Any) -> Event:
    attributes = {"n": {"Type": "Number", "Value": "7"}, "bytes": {"Type": "Binary", "Value": "AP/+"}}
    own = {"Subject": None, "MessageAttributes": attributes, **more}
    records = [{"EventSource": "aws:sns", "Sns": {"Message": message, **own}} for message in messages]
    return Event(text=json.dumps({"Records": records}), kind="sns")


def test_batches_keep_within_what_a_topic_takes(topic: str) -> None:
    """Ten messages, and 256 KiB together, at most: SNS would refuse more of them with a call that is too long."""
    event = sns_event(*[60_000 * "x"] * 9, *["x"] * 12)
    target = SnsTarget(topic=topic, account_id=ACCOUNT)
    calls: list[Sequence[Entry]] = []
    published = target.send
    target.send = lambda entries: (calls.append(entries), published(entries))[1]  # type: ignore[method-assign]  # it is noted
    told = Sender(target, Journal()).send(target.entries(event, key="k", marker="m"))
    assert all(each.acknowledgement for each in told.values())
    assert max(map(len, calls)) == 10
    assert [len(each) for each in calls][:2] == [4, 4]
    assert all(sum(entry.size_bytes for entry in each) <= 256 * 1024 for each in calls)


@pytest.mark.parametrize(("room_bytes", "is_marked"), [(0, False), (10, False), (100, True)])
def test_the_marker_makes_no_message_too_large(room_bytes: int, is_marked: bool) -> None:
    """A message that fits by itself is published, without the marker where that has no room."""
    target = SnsTarget(topic=ARN, marked=False)
    spare = 256 * 1024 - target.entries(sns_event("x"), key="k", marker="m")[0].size_bytes
    event = sns_event("x" * (1 + spare - room_bytes))
    (entry,) = SnsTarget(topic=ARN).entries(event, key="k", marker="m-1")
    assert bool(entry.marker) is is_marked
    assert ("replay-marker" in entry.request["MessageAttributes"]) is is_marked
    assert entry.size_bytes <= 256 * 1024


@pytest.mark.parametrize("marked", [True, False])
def test_to_a_fifo_topic_every_message_has_ids_of_its_own(marked: bool) -> None:
    """Two messages of one id would be one to SNS, also of two runs, and whether a marker travels with them or not."""
    target = SnsTarget(topic=f"{ARN}.fifo", marked=marked)
    entries = [entry for run in ("m-1", "m-2") for entry in target.entries(sns_event("a", "b"), key="k", marker=run)]
    assert len({entry.request["MessageDeduplicationId"] for entry in entries}) == 4
    assert all(bool(entry.marker) is marked for entry in entries)


def test_is_described_with_its_tags_and_subscribers(topic: str) -> None:
    """By name and by ARN; functions and queues are named, people's addresses only counted."""
    client: Any = boto3.client("sns")
    for protocol, endpoint in (("sqs", f"arn:aws:sqs:us-east-1:{ACCOUNT}:audit"), ("email", "grace@example.com")):
        client.subscribe(TopicArn=topic, Protocol=protocol, Endpoint=endpoint)
    for name in ("shop", topic):
        destination = SnsTarget(topic=name, account_id=ACCOUNT).checked_destination()
        assert (destination.arn, destination.tags) == (ARN, {"stage": "test"})
        assert destination.seen_by == ("sqs audit", "1 subscriber by email")
    with pytest.raises(AwsError, match="no such topic"):
        SnsTarget(topic="another", account_id=ACCOUNT).destination()
    with pytest.raises(ConfigurationError, match="which topic"):
        SnsTarget()


def test_every_record_is_published_exactly(topic: str) -> None:
    """Text, subject and attributes arrive as they were, with the marker beside them."""
    sqs: Any = boto3.client("sqs")
    url = sqs.create_queue(QueueName="audit")["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:audit"
    boto3.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    target = SnsTarget(topic="shop")
    (entry,) = target.entries(sns_event("ünï ✓", Subject="an order"), key="orders/a", marker="replay-run-1")
    answers = target.send([entry])
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    told = json.loads(message["Body"])
    assert (told["Message"], told["Subject"]) == ("ünï ✓", "an order")
    assert told["MessageAttributes"]["replay-marker"] == {"Type": "String", "Value": "replay-run-1"}
    assert told["MessageAttributes"]["n"] == {"Type": "Number", "Value": "7"}
    assert answers == {"orders/a": Acknowledgement(identity=told["MessageId"])}


def test_a_partly_refused_batch_is_told_entry_by_entry(topic: str) -> None:
    """What is answered for another request counts for none of them; proved on the request."""
    target = SnsTarget(topic=topic)
    entries = target.entries(sns_event("a", "b"), key="k", marker="m")
    ids = [batch_id(entry.key) for entry in entries]
    answer = {
        "Successful": [{"Id": ids[0], "MessageId": "1"}, {"Id": "another", "MessageId": "2"}],
        "Failed": [{"Id": ids[1], "Code": "InternalError", "SenderFault": False}],
    }
    wanted = [{"Id": name, **entry.request} for name, entry in zip(ids, entries, strict=True)]
    with Stubber(target._clients.sending("sns")) as stub:
        stub.add_response("publish_batch", answer, {"TopicArn": topic, "PublishBatchRequestEntries": wanted})
        told = target.send(entries)
    assert told == {"k#1": Acknowledgement(identity="1"), "k#2": Refusal(code="InternalError")}
    assert [entry.marker for entry in entries] == ["m-1", "m-2"]


def test_what_is_no_message_of_sns_is_refused() -> None:
    """An event of another source says so before anything is published."""
    for text in ('{"Records": [{"eventSource": "aws:sqs", "body": "x"}]}', sns_event("").text):
        with pytest.raises(InvalidEvent):
            SnsTarget(topic="shop").entries(Event(text=text), key="orders/a", marker="m")


def test_the_dead_letters_of_its_subscriptions_are_watched(topic: str) -> None:
    """Where SNS could not invoke the function, its message goes to the queue of the subscription's redrive policy."""
    client: Any = boto3.client("sns")
    queue = f"arn:aws:sqs:us-east-1:{ACCOUNT}:undelivered"
    found = [{"Protocol": "lambda", "Endpoint": FUNCTION, "SubscriptionArn": f"{ARN}:1"}, {"Protocol": "sqs"}]
    with Stubber(client) as stub:
        attributes = {"RedrivePolicy": json.dumps({"deadLetterTargetArn": queue})}
        stub.add_response("get_subscription_attributes", {"Attributes": attributes}, {"SubscriptionArn": f"{ARN}:1"})
        assert dead_letter_queues(client, found, FUNCTION) == {queue: "presumed"}


@pytest.mark.parametrize(
    ("others_queue", "whose"),
    [("undelivered", "unknown"), ("another", "presumed"), ("", "presumed"), (None, "unknown")],
)
def test_a_queue_of_several_subscriptions_does_not_say_whose_a_message_is(
    topic: str, others_queue: str | None, whose: str
) -> None:
    """Only the own subscription's queue is looked into, and what others send there too, or may, is not taken for ours."""
    client: Any = boto3.client("sns")
    queue = f"arn:aws:sqs:us-east-1:{ACCOUNT}:"
    found = [
        {"Protocol": "lambda", "Endpoint": f"{FUNCTION}:live", "SubscriptionArn": f"{ARN}:1"},
        {"Protocol": "lambda", "Endpoint": FUNCTION.replace("orders", "billing"), "SubscriptionArn": f"{ARN}:2"},
        {"Protocol": "email", "Endpoint": "grace@example.com", "SubscriptionArn": "PendingConfirmation"},
    ]
    with Stubber(client) as stub:
        for number, name in (("1", "undelivered"), ("2", others_queue)):
            asked = {"SubscriptionArn": f"{ARN}:{number}"}
            policy = {"RedrivePolicy": json.dumps({"deadLetterTargetArn": f"{queue}{name}"})} if name else {}
            if name is None:
                stub.add_client_error("get_subscription_attributes", "AuthorizationError", expected_params=asked)
            else:
                stub.add_response("get_subscription_attributes", {"Attributes": policy}, asked)
        assert dead_letter_queues(client, found, FUNCTION) == {f"{queue}undelivered": whose}
        stub.assert_no_pending_responses()


def test_which_of_several_functions_is_meant_must_be_said(topic: str) -> None:
    """The one that is called like the fixture's function is; else the target's `function` says it."""
    client: Any = boto3.client("sns")
    for name in ("billing", "audit"):
        client.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=FUNCTION.replace("orders", name))
    with pytest.raises(ConfigurationError, match="which one is orders"):
        SnsTarget(topic="shop").watches(Function(name="orders", handler="app.handler", code=Path()))
