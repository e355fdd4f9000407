"""The `sqs` target: which queue it is, who consumes it, and what is sent to it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from replay.delivery.attempt import Attempt
from replay.errors import ConfigurationError, InvalidEvent, TargetError, TargetRefused
from replay.functions.function import Function
from replay.payloads.captures import Event
from replay.targets.carrier import Refusal
from replay.targets.guard_rails import deployed
from replay.targets.sending import batch_id
from replay.targets.sqs import SqsTarget

ACCOUNT = "123456789012"


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(deployed, "is_on_this_machine", lambda _: False)
    with mock_aws():
        client: Any = boto3.client("sqs")
        yield client.create_queue(QueueName="orders", tags={"stage": "test"})["QueueUrl"]


def test_is_described_with_its_tags(queue: str) -> None:
    """ARN, account, caller and tags are AWS's own; name, URL and ARN all name it."""
    arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:orders"
    for name in ("orders", queue, arn):
        destination = SqsTarget(queue=name, account_id=ACCOUNT).checked_destination()
        assert (destination.arn, destination.caller_account_id) == (arn, ACCOUNT)
        assert destination.tags == {"stage": "test"}


def test_its_consumers_stand_in_the_plan(queue: str) -> None:
    """Who else will see what is sent: the functions that are mapped to the queue, over all pages; proved on the request."""
    target = SqsTarget(queue="orders", account_id=ACCOUNT)
    arn = target.queue.arn
    mapping = {"FunctionArn": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:billing:live"}
    with Stubber(target.client("lambda")) as stub:
        stub.add_response(
            "list_event_source_mappings", {"EventSourceMappings": [], "NextMarker": "m"}, {"EventSourceArn": arn}
        )
        stub.add_response(
            "list_event_source_mappings", {"EventSourceMappings": [mapping]}, {"EventSourceArn": arn, "Marker": "m"}
        )
        assert target.destination().seen_by == ("function billing:live",)
    with Stubber(target.client("lambda")) as stub:
        stub.add_client_error("list_event_source_mappings", "AccessDeniedException", http_status_code=403)
        assert "not allowed" in target.destination().seen_by[0]


def test_another_queue_keeps_the_guards(queue: str) -> None:
    """The queue that messages go back to is checked under the same account."""
    other = SqsTarget(queue="orders", account_id="999988887777").at("orders")
    with pytest.raises(TargetRefused, match="credentials are those of account"):
        other.checked_destination()


def test_answers_nothing(queue: str) -> None:
    """A queue cannot be invoked, and must be named."""
    target = SqsTarget(queue="orders")
    assert not target.answers
    with pytest.raises(TargetError, match="no answer"):
        target.invoke(Attempt(payload="{}"))
    with pytest.raises(ConfigurationError, match="which queue"):
        SqsTarget()


BODIES = ["{}", "not json {{{", '{"a": 1.10,  "a": 2}', "ünï ✓ \U0001f600"]


def sqs_event(*bodies: str, **attributes: str) -> Event:
    own = {"bytes": {"binaryValue": "AP/+", "dataType": "Binary"}, "n": {"stringValue": "7", "dataType": "Number.int"}}
    records = [
        {"eventSource": "aws:sqs", "messageId": "m", "body": body, "attributes": attributes, "messageAttributes": own}
        for body in bodies
    ]
    return Event(text=json.dumps({"Records": records}), kind="sqs")


def test_every_record_is_sent_exactly(queue: str) -> None:
    """Bodies and attributes of every type arrive as they were, with one attribute more: the marker of each."""
    target = SqsTarget(queue="orders")
    entries = target.entries(sqs_event(*BODIES), key="orders/a", marker="replay-run-1")
    assert [entry.key for entry in entries] == [f"orders/a#{number}" for number in (1, 2, 3, 4)]
    answers = target.send(entries)
    client: Any = boto3.client("sqs")
    arrived = client.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, MessageAttributeNames=["All"])["Messages"]
    assert sorted(each["Body"] for each in arrived) == sorted(BODIES)
    assert {answer.identity for answer in answers.values()} == {each["MessageId"] for each in arrived}
    for each in arrived:
        marker = each["MessageAttributes"].pop("replay-marker")["StringValue"]
        assert marker == f"replay-run-1-{BODIES.index(each['Body']) + 1}"
        assert each["MessageAttributes"] == {
            "bytes": {"DataType": "Binary", "BinaryValue": b"\x00\xff\xfe"},
            "n": {"DataType": "Number.int", "StringValue": "7"},
        }


@pytest.mark.parametrize(
    ("options", "group", "deduplication"),
    [
        ({}, "g1", "replay-run-1"),
        ({"fifo": "keep"}, "g1", "d1"),
        ({"group_ids": "renew"}, "replay-run-1", "replay-run-1"),
    ],
)
def test_fifo_ids_are_kept_or_renewed(options: dict[str, Any], group: str, deduplication: str) -> None:
    """By default a message keeps its group, and gets a deduplication id that is the same whenever the run is resumed."""
    target = SqsTarget(queue="orders.fifo", **options)
    event = sqs_event("{}", MessageGroupId="g1", MessageDeduplicationId="d1")
    (entry,) = target.entries(event, key="orders/a", marker="replay-run-1")
    assert (entry.request["MessageGroupId"], entry.request["MessageDeduplicationId"]) == (group, deduplication)
    assert entry.group == group


def test_renewed_ids_differ_from_run_to_run_without_a_marker_too() -> None:
    """Else SQS would take a run that follows within five minutes for the one before, and deliver nothing of it."""
    target = SqsTarget(queue="orders.fifo", marked=False, group_ids="renew")
    event = sqs_event("a", "b", MessageGroupId="g1", MessageDeduplicationId="d1")
    entries = [entry for run in ("m-1", "m-2") for entry in target.entries(event, key="orders/a", marker=run)]
    assert len({entry.request["MessageDeduplicationId"] for entry in entries}) == 4
    assert len({entry.request["MessageGroupId"] for entry in entries}) == 4
    assert not any(entry.marker or "replay-marker" in entry.request["MessageAttributes"] for entry in entries)


def test_what_is_no_message_is_refused() -> None:
    """An event of another source, an empty body and one that is too large say so before anything is sent."""
    target = SqsTarget(queue="orders")
    for text in ('{"Records": [{"eventSource": "aws:s3"}]}', sqs_event("").text, sqs_event("x" * (1 << 20)).text):
        with pytest.raises(InvalidEvent):
            target.entries(Event(text=text), key="orders/a", marker="m")


@pytest.mark.parametrize(("room_bytes", "is_marked"), [(0, False), (10, False), (100, True)])
def test_the_marker_makes_no_message_too_large(room_bytes: int, is_marked: bool) -> None:
    """A message that fits by itself is sent, without the marker where that has no room."""
    event = sqs_event("x")
    spare = (1 << 20) - SqsTarget(queue="orders", marked=False).entries(event, key="k", marker="m")[0].size_bytes
    (entry,) = SqsTarget(queue="orders").entries(sqs_event("x" * (1 + spare - room_bytes)), key="k", marker="m-1")
    assert bool(entry.marker) is is_marked
    assert ("replay-marker" in entry.request["MessageAttributes"]) is is_marked
    assert entry.size_bytes <= 1 << 20


def test_without_room_or_wish_there_is_no_marker() -> None:
    """SQS takes ten attributes: an eleventh is not added, and nobody need have one."""
    record = {
        "eventSource": "aws:sqs",
        "body": "{}",
        "messageAttributes": {f"a{number}": {"stringValue": "1", "dataType": "String"} for number in range(10)},
    }
    full = Event(text=json.dumps({"Records": [record]}), kind="sqs")
    for target, event in ((SqsTarget(queue="q"), full), (SqsTarget(queue="q", marked=False), sqs_event("{}"))):
        (entry,) = target.entries(event, key="orders/a", marker="replay-run-1")
        assert entry.marker == ""
        assert "replay-marker" not in entry.request["MessageAttributes"]


def test_only_what_is_answered_for_this_entry_counts(queue: str) -> None:
    """Other bytes, and answers to other requests, leave an entry in doubt; a refusal is one entry's own."""
    target = SqsTarget(queue="orders")
    entries = target.entries(sqs_event("a", "b", "c"), key="k", marker="m")
    ids = [batch_id(entry.key) for entry in entries]
    answer = {
        "Successful": [
            {"Id": ids[0], "MessageId": "1", "MD5OfMessageBody": "0" * 32},
            {"Id": "another", "MessageId": "2", "MD5OfMessageBody": "0" * 32},
        ],
        "Failed": [{"Id": ids[1], "Code": "InternalError", "SenderFault": False}],
    }
    with Stubber(target.client(max_attempts=1)) as stub:
        stub.add_response("send_message_batch", answer)
        assert target.send(entries) == {"k#2": Refusal(code="InternalError")}


def test_its_patience_is_that_of_all_deliveries(queue: str) -> None:
    """It waits for as many visibility timeouts as there are deliveries, and a little longer; the option wins."""
    client: Any = boto3.client("sqs")
    dead = client.create_queue(QueueName="dead")["QueueUrl"]
    arn = client.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 4})
    client.set_queue_attributes(QueueUrl=queue, Attributes={"RedrivePolicy": policy, "VisibilityTimeout": "20"})
    function = Function(name="orders", handler="app.handler", code=Path())
    assert SqsTarget(queue="orders").patience_s(function) == 4 * 20 + 30
    assert SqsTarget(queue="orders", observe_for_s=5).patience_s(function) == 5
    places = [watch.place for watch in SqsTarget(queue="orders").watches(function)]
    assert places == ["the queue dead", "the queue orders itself"]
