"""Where failed invocations go: buckets are read, and what cannot be read is said."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from replay.errors import AwsError
from replay.targets.carrier import CarrierOptions, Sought
from replay.targets.guard_rails.clients import TargetClients
from replay.targets.observing.destination_objects import DestinationObjects
from replay.targets.observing.function_watches import asynchronous_watches, unread
from replay.targets.observing.stream_watches import keys_between, stream_watches

BUCKET = "arn:aws:s3:::failed"
PREFIX = "aws/lambda/async/orders/"
RECORD = {
    "version": "1.0",
    "timestamp": "2026-11-21T10:00:00.000Z",
    "requestContext": {
        "requestId": "id-1",
        "functionArn": "arn:aws:lambda:us-east-1:123456789012:function:orders:$LATEST",
        "condition": "RetriesExhausted",
        "approximateInvokeCount": 3,
    },
    "requestPayload": {"order": 1},
    "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
    "responsePayload": {"errorMessage": "'customer_id'", "errorType": "KeyError", "stackTrace": []},
}


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        client: Any = boto3.client("s3")
        client.create_bucket(Bucket="failed")
        yield client


def key_at(moment: datetime, name: str, folder: str = PREFIX) -> str:
    return f"{folder}{moment:%Y/%m/%d/%Y-%m-%dT%H.%M.%S}-{name}"


def seek(*signs: str) -> list[Sought]:
    now_ms = round(datetime.now(UTC).timestamp() * 1000)
    return [Sought(key=f"orders/{sign}", signs=(sign,), sent_at_ms=now_ms) for sign in signs]


def test_an_object_tells_the_failure_and_the_end(s3: Any) -> None:
    """Found by the request id in it, told once, with error and end; old ones are not even listed, and nothing changes."""
    now = datetime.now(UTC)
    s3.put_object(Bucket="failed", Key=key_at(datetime(2020, 1, 1, tzinfo=UTC), "old"), Body=json.dumps(RECORD))
    s3.put_object(Bucket="failed", Key=key_at(now, "x", "aws/lambda/async/orders-2/"), Body=json.dumps(RECORD))
    watch = DestinationObjects(s3, BUCKET, prefix=PREFIX)
    assert watch.may_have_come_since(0)  # nobody has looked yet
    watch.begin()
    assert list(watch.look(seek("id-1"))) == []
    s3.put_object(Bucket="failed", Key=key_at(now, "new"), Body=json.dumps(RECORD))
    s3.put_object(Bucket="failed", Key=key_at(now, "others"), Body="{not json")
    (seen,) = watch.look(seek("id-1", "id-2"))
    assert (seen.keys, seen.settled) == (("orders/id-1",), "sent_to_destination")
    assert seen.reply is not None
    assert seen.reply.failure is not None
    assert seen.reply.failure.error_type == "KeyError"
    assert seen.identity == f"failed {key_at(now, 'new')}"
    assert list(watch.look(seek("id-1"))) == []
    assert watch.may_have_come_since(0)  # that of somebody else may be the one that is looked for
    assert not watch.may_have_come_since(round(now.timestamp() * 1000) + 3_600_000)
    assert watch.place == "the bucket failed below aws/lambda/async/orders/"
    assert "nothing of it" in watch.reason()
    assert s3.list_objects_v2(Bucket="failed")["KeyCount"] == 4


def test_what_a_stream_gave_up_is_found_by_its_numbers(s3: Any) -> None:
    """A mapping writes into a folder for each shard; the document names the first and the last of its batch."""
    now = datetime.now(UTC)
    batch = {"KinesisBatchInfo": {"startSequenceNumber": "100", "endSequenceNumber": "200"}, "payload": {}}
    watch = DestinationObjects(s3, BUCKET, prefix="aws/lambda/uuid/", in_folders=True, keys_of=keys_between)
    watch.begin()
    for shard in ("shardId-000000000000/", "shardId-000000000001/"):
        s3.put_object(Bucket="failed", Key=key_at(now, "a", f"aws/lambda/uuid/{shard}"), Body=json.dumps(batch))
    assert [each.keys for each in watch.look(seek("150", "201"))] == [("orders/150",)] * 2


def test_a_bucket_that_may_not_be_listed_is_left_out(s3: Any) -> None:
    """The run goes on without it, and says why."""
    with pytest.raises(AwsError, match="does not exist"):
        DestinationObjects(s3, "arn:aws:s3:::not-there", prefix=PREFIX).begin()


def configured(destination: str = "") -> TargetClients:
    """Clients whose Lambda says that failures go to *destination*; proved on the answers of Lambda."""
    clients = TargetClients(CarrierOptions(region="us-east-1", endpoint_url="http://127.0.0.1:1"))
    stub = Stubber(clients("lambda"))
    if destination:
        told = {"DestinationConfig": {"OnFailure": {"Destination": destination}}}
        stub.add_response("get_function_event_invoke_config", told)
    stub.add_response("get_function_configuration", {"FunctionName": "orders", "Timeout": 3})
    stub.activate()
    return clients


@pytest.mark.parametrize(
    ("destination", "place"),
    [
        (BUCKET, "the bucket failed below aws/lambda/async/orders/"),
        ("arn:aws:sqs:us-east-1:123456789012:failed", "the queue failed"),
        ("arn:aws:sns:us-east-1:123456789012:failed", "but not in the topic failed (its log tells what goes there)"),
        ("arn:aws:events:us-east-1:123456789012:event-bus/shop", "but not in the bus shop (its log tells what goes there)"),
        ("arn:aws:lambda:us-east-1:123456789012:function:audit", "but not in the function audit (its log tells what goes there)"),
    ],
)  # fmt: skip
def test_the_plan_names_each_destination(s3: Any, destination: str, place: str) -> None:
    """Where it is looked, and which one is not looked into, with what tells instead: nothing is made to see it."""
    watches = asynchronous_watches(configured(destination), "orders", code=Path(), patience_s=60)
    assert place in [watch.place for watch in watches]
    streams = stream_watches(
        configured(),
        "orders",
        {"UUID": "u", "DestinationConfig": {"OnFailure": {"Destination": destination}}},
        code=Path(),
        patience_s=60,
    )
    assert place.replace("async/orders", "u") in [watch.place for watch in streams]


def test_an_unread_destination_says_so_when_nothing_is_seen() -> None:
    """It sees nothing, changes nothing, and is a reason; each is named once."""
    topic = "arn:aws:sns:us-east-1:123456789012:failed"
    (watch,) = unread(topic, "", topic, BUCKET, "arn:aws:sqs:us-east-1:123456789012:dead")
    watch.begin()
    assert list(watch.look(seek("a"))) == list(watch.close()) == []
    assert watch.reason() == (
        "the topic failed, where its outcomes go, keeps nothing that could be read: only the function's log tells"
    )
