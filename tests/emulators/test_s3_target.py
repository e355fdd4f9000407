"""The `s3` target on real servers: the object that is put, and whom the bucket tells."""

import json
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import boto3
import pytest

from replay.fixtures.fixture import StoredObject
from replay.payloads.captures import Event
from replay.targets.carrier import Refusal
from replay.targets.s3 import S3Target
from tests.emulators.carried import send, wait_for
from tests.emulators.functions import new_function
from tests.emulators.queues import new_queue
from tests.emulators.server import Server

pytestmark = pytest.mark.emulator

KEY = "in/a b+é.json"


@pytest.fixture(params=["lambda_server", "ministack_server"])
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Server:
    """A server with S3, Lambda and queues, that every AWS client now talks to."""
    found: Server = request.getfixturevalue(request.param)
    monkeypatch.setenv("AWS_ENDPOINT_URL", found.url)
    return found


def new_bucket(**receivers: str) -> str:
    """Make a bucket that tells those *receivers*, by the member of its configuration, of what is created under `in/`."""
    client: Any = boto3.client("s3")
    name = f"uploads-{uuid.uuid4().hex[:8]}"
    client.create_bucket(Bucket=name)
    rules = {"Key": {"FilterRules": [{"Name": "prefix", "Value": "in/"}]}}
    members = {"QueueArn": "QueueConfigurations", "LambdaFunctionArn": "LambdaFunctionConfigurations"}
    configuration = {
        members[member]: [{member: arn, "Events": ["s3:ObjectCreated:*"], "Filter": rules}]
        for member, arn in receivers.items()
    }
    client.put_bucket_notification_configuration(
        Bucket=name, NotificationConfiguration=configuration, SkipDestinationValidation=True
    )
    return name


def notification() -> str:
    detail = {
        "bucket": {"name": "live-uploads", "arn": "arn:aws:s3:::live-uploads"},
        "object": {"key": "in/a+b%2B%C3%A9.json"},
    }
    return json.dumps(
        {"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": detail}], "do": "ok"}, indent=1
    )


OBJECTS = [StoredObject(bucket="live-uploads", key=KEY, file="x", text='{"total": 1.10}')]


def test_the_object_is_put_and_the_bucket_tells_of_it(server: Server) -> None:
    """The bucket has the object of the fixture under its key, and has told its queue of it."""
    queue = new_queue(server, "uploads")
    name = new_bucket(QueueArn=queue.arn)
    with S3Target(bucket=name) as target:
        target.place_objects(OBJECTS)
        assert target.also_seen_by(Event(text=notification())) == (f"queue {queue.name}",)
        send(target, notification())
    client: Any = boto3.client("s3")
    assert client.get_object(Bucket=name, Key=KEY)["Body"].read().decode() == OBJECTS[0].text
    told = wait_for(lambda: [body for body in queue.bodies().values() if "Records" in json.loads(body)], 1)
    (record,) = json.loads(told[0])["Records"]
    assert record["s3"]["bucket"]["name"] == name
    assert unquote_plus(record["s3"]["object"]["key"]) == KEY


def test_an_object_of_somebody_else_is_not_replaced(server: Server) -> None:
    """An object that is there stays, and its key is refused, until the section says that it may be replaced."""
    client: Any = boto3.client("s3")
    name = new_bucket()
    client.put_object(Bucket=name, Key=KEY, Body=b"theirs")
    with S3Target(bucket=name) as target:
        target.place_objects(OBJECTS)
        (answer,) = target.send(target.entries(Event(text=notification()), key="k", marker="")).values()
    assert isinstance(answer, Refusal)
    assert client.get_object(Bucket=name, Key=KEY)["Body"].read() == b"theirs"
    with S3Target(bucket=name, overwrite=True) as target:
        target.place_objects(OBJECTS)
        send(target, notification())
    assert client.get_object(Bucket=name, Key=KEY)["Body"].read().decode() == OBJECTS[0].text


def test_a_notification_goes_where_the_bucket_sends_it(server: Server, tmp_path: Path) -> None:
    """Queue and function get the event as it is, and the bucket has no object of it."""
    queue, function = new_queue(server, "uploads"), new_function(tmp_path, "told")
    name = new_bucket(QueueArn=queue.arn, LambdaFunctionArn=function.arn)
    with S3Target(bucket=name, how="notification") as target:
        assert len(send(target, notification())) == 2
    got, *_ = wait_for(function.events, 1)
    assert got == json.loads(notification())
    bodies = wait_for(lambda: [body for body in queue.bodies().values() if "Records" in json.loads(body)], 1)
    assert bodies == [notification()]
    client: Any = boto3.client("s3")
    assert not client.list_objects_v2(Bucket=name).get("Contents")
