"""The `s3` target: which object is put, whom its bucket tells, and whose bucket it must be."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from botocore.stub import Stubber
from moto import mock_aws

from replay.errors import AwsError, ConfigurationError, InvalidEvent, TargetRefused
from replay.fixtures.fixture import StoredObject
from replay.payloads.captures import Event
from replay.targets import s3
from replay.targets.bucket_parts.object_changes import object_changes
from replay.targets.bucket_parts.receivers import Receiver, receivers_of
from replay.targets.carrier import MARKER_NAME, Acknowledgement, Refusal
from replay.targets.guard_rails import deployed
from replay.targets.s3 import S3Target
from replay.targets.sending import Sender
from tests.targets.carried import Journal, no_pause

ACCOUNT = "123456789012"
QUEUE_ARN = f"arn:aws:sqs:us-east-1:{ACCOUNT}:uploads"
TOPIC_ARN = f"arn:aws:sns:us-east-1:{ACCOUNT}:uploads"
FUNCTION_ARN = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:thumbnails"
OBJECT = StoredObject(bucket="live-uploads", key="in/a b+é.json", file="x", text='{"total": 1.10}')


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A bucket on AWS, as moto has it, that tells a queue of what is created under `in/`."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    for module in (deployed, s3):
        monkeypatch.setattr(module, "is_on_this_machine", lambda _: False)
    with mock_aws():
        client: Any = boto3.client("s3")
        client.create_bucket(Bucket="uploads-staging")
        client.put_bucket_tagging(Bucket="uploads-staging", Tagging={"TagSet": [{"Key": "stage", "Value": "test"}]})
        queues: Any = boto3.client("sqs")
        queues.create_queue(QueueName="uploads", tags={"stage": "test"})
        tell(client, QueueConfigurations=[of(QueueArn=QUEUE_ARN)])
        yield client


def of(**receiver: str) -> dict[str, Any]:
    rules = [{"Name": "prefix", "Value": "in/"}]
    return {**receiver, "Events": ["s3:ObjectCreated:*"], "Filter": {"Key": {"FilterRules": rules}}}


def tell(client: Any, **configuration: Any) -> None:
    client.put_bucket_notification_configuration(
        Bucket="uploads-staging", NotificationConfiguration=configuration, SkipDestinationValidation=True
    )


def notification(kind: str = "ObjectCreated:Put", key: str = "in/a+b%2B%C3%A9.json") -> Event:
    record = {
        "eventSource": "aws:s3",
        "eventName": kind,
        "s3": {"bucket": {"name": "live-uploads", "arn": "arn:aws:s3:::live-uploads"}, "object": {"key": key}},
    }
    return Event(text=json.dumps({"Records": [record]}, indent=1), kind="s3")


def on_a_bus(detail_type: str = "Object Created", reason: str = "PutObject") -> Event:
    detail = {"bucket": {"name": "live-uploads"}, "object": {"key": OBJECT.key}, "reason": reason}
    document = {"source": "aws.s3", "detail-type": detail_type, "detail": detail}
    return Event(text=json.dumps(document), kind="eventbridge")


def target(**options: Any) -> S3Target:
    return S3Target(**{"bucket": "uploads-staging", "account_id": ACCOUNT, **options})


@pytest.mark.parametrize("event", [notification(), on_a_bus()], ids=["notification", "event of a bus"])
def test_the_object_is_put_under_its_key(bucket: Any, event: Event) -> None:
    """What the fixture has of the object is put, under the decoded key, into the target's bucket and no other."""
    with target() as one:
        one.place_objects([OBJECT])
        (entry,) = one.entries(event, key="thumbnails/a", marker="m")
        (answer,) = one.send([entry]).values()
    assert (entry.key, entry.group) == ("thumbnails/a", OBJECT.key)
    held = bucket.get_object(Bucket="uploads-staging", Key=OBJECT.key)
    assert held["Body"].read().decode() == OBJECT.text
    assert isinstance(answer, Acknowledgement)
    assert answer.known["etag"] == held["ETag"]
    assert answer.identity, "the id of the request, which S3 writes into the event"


def test_an_object_that_is_there_is_not_replaced(bucket: Any) -> None:
    """An object of the same key stays as it is, and it is said how it may be replaced; with `overwrite` it is."""
    bucket.put_object(Bucket="uploads-staging", Key=OBJECT.key, Body=b"of somebody else")
    for overwrite in (False, True):
        with target(overwrite=overwrite) as one:
            one.place_objects([OBJECT])
            (answer,) = one.send(one.entries(notification(), key="k", marker="")).values()
        held = bucket.get_object(Bucket="uploads-staging", Key=OBJECT.key)["Body"].read().decode()
        assert held == (OBJECT.text if overwrite else "of somebody else")
        if not overwrite:
            assert isinstance(answer, Refusal)
            assert not answer.retryable
            assert "overwrite = true" in answer.message


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (notification("ObjectRemoved:Delete"), "made by no PutObject"),
        (notification("ObjectCreated:CompleteMultipartUpload"), "made by no PutObject"),
        (on_a_bus(reason="CopyObject"), "made by no PutObject"),
        (on_a_bus("Object Deleted"), "made by no PutObject"),
        (notification(key="in/other.json"), "does not have the object"),
        (Event(text='{"Records": [{"eventSource": "aws:sqs"}]}'), "no event of S3"),
        (Event(text='{"Records": []}'), "no event of S3"),
        (Event(text="[" * 100_000), "no event of S3"),
    ],
)
def test_what_putting_an_object_does_not_make_is_said(event: Event, why: str) -> None:
    """A delete, another way of creating, an object that the fixture does not have, another shape: each with a way out."""
    one = target()
    one.place_objects([OBJECT])
    with pytest.raises(InvalidEvent, match=why) as caught:
        one.entries(event, key="k", marker="")
    assert caught.value.hint


def test_objects_are_those_of_the_fixture_at_hand() -> None:
    """What the fixture before had is forgotten: an object of the same name may hold something else."""
    one = target()
    one.place_objects([OBJECT])
    one.place_objects([])
    with pytest.raises(InvalidEvent, match="does not have the object"):
        one.entries(notification(), key="k", marker="")


def test_keys_are_read_as_s3_writes_them() -> None:
    """A notification's key is URL-encoded, a bus event's is not (recordings test_key_encoding, test_object_created_put)."""
    assert object_changes(notification(), key="k")[0].key == "in/a b+é.json"
    on_bus = object_changes(on_a_bus(), key="k")[0]
    assert (on_bus.key, on_bus.kind) == ("in/a b+é.json", "ObjectCreated:Put")


@pytest.mark.parametrize(
    ("events", "kind", "key", "is_told"),
    [
        (("s3:ObjectCreated:*",), "ObjectCreated:Put", "in/a.json", True),
        (("s3:ObjectCreated:Put",), "ObjectCreated:Post", "in/a.json", False),
        (("s3:ObjectRemoved:*",), "ObjectCreated:Put", "in/a.json", False),
        (("s3:ObjectCreated:*",), "ObjectCreated:Put", "out/a.json", False),
        (("s3:ObjectCreated:*",), "ObjectCreated:Put", "in/a.txt", False),
    ],
)
def test_whom_a_bucket_tells(events: tuple[str, ...], kind: str, key: str, is_told: bool) -> None:
    """By kind, prefix and suffix, as the configuration says."""
    receiver = Receiver(kind="queue", arn=QUEUE_ARN, events=events, prefix="in/", suffix=".json")
    assert receiver.is_told(kind, key) is is_told


def test_filters_are_read_whatever_their_case() -> None:
    """S3 gives back `Prefix` where `prefix` was written."""
    rules = [{"Name": "Prefix", "Value": "in/"}, {"Name": "Suffix", "Value": ".json"}]
    configured = {"TopicArn": TOPIC_ARN, "Events": ["s3:ObjectCreated:*"], "Filter": {"Key": {"FilterRules": rules}}}
    (receiver,) = receivers_of({"TopicConfigurations": [configured]})
    assert (receiver.kind, receiver.prefix, receiver.suffix) == ("topic", "in/", ".json")


def test_a_notification_goes_to_the_queue_as_it_is(bucket: Any) -> None:
    """The queue of the configuration gets the text of the event, byte for byte, with the marker as an attribute."""
    queues: Any = boto3.client("sqs")
    with target(how="notification") as one:
        (entry,) = one.entries(notification(), key="thumbnails/a", marker="m-1")
        (answer,) = one.send([entry]).values()
    url = queues.get_queue_url(QueueName="uploads")["QueueUrl"]
    received = queues.receive_message(QueueUrl=url, MessageAttributeNames=["All"], MaxNumberOfMessages=10)["Messages"]
    (message,) = [each for each in received if "s3:TestEvent" not in each["Body"]]
    assert message["Body"] == notification().text
    assert message["MessageAttributes"][MARKER_NAME]["StringValue"] == entry.marker == "m-1"
    assert isinstance(answer, Acknowledgement)
    assert answer.identity == message["MessageId"]


def test_a_notification_goes_to_each_whom_the_bucket_tells(bucket: Any) -> None:
    """Topic and function too, each an entry of its own: `Publish` with S3's subject, `Invoke` as an event; on the request."""
    tell(
        bucket,
        QueueConfigurations=[of(QueueArn=QUEUE_ARN)],
        TopicConfigurations=[of(TopicArn=TOPIC_ARN)],
        LambdaFunctionConfigurations=[of(LambdaFunctionArn=FUNCTION_ARN)],
    )
    one = target(how="notification", endpoint_url=None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deployed, "is_on_this_machine", lambda _: True)
        one.destination()
    entries = one.entries(notification(), key="k", marker="m")
    assert [entry.key for entry in entries] == ["k#1", "k#2", "k#3"]
    by_kind = {entry.request["Receiver"].kind: entry for entry in entries}
    text = notification().text
    with Stubber(one.clients.sending("sns")) as sns, Stubber(one.clients.sending("lambda")) as functions:
        marked = {MARKER_NAME: {"DataType": "String", "StringValue": "m"}}
        asked = {
            "TopicArn": TOPIC_ARN,
            "Subject": "Amazon S3 Notification",
            "Message": text,
            "MessageAttributes": marked,
        }
        sns.add_response("publish", {"MessageId": "t-1"}, asked)
        invoked = {"FunctionName": FUNCTION_ARN, "InvocationType": "Event", "Payload": text.encode()}
        functions.add_response("invoke", {"StatusCode": 202}, invoked)
        (topic,) = one.send([by_kind["topic"]]).values()
        (function,) = one.send([by_kind["function"]]).values()
    assert isinstance(topic, Acknowledgement)
    assert topic.identity == "t-1"
    assert isinstance(function, Acknowledgement)
    assert one.also_seen_by(notification()) == ("queue uploads", "topic uploads", "function thumbnails")


def test_a_notification_of_nobody_is_refused(bucket: Any) -> None:
    """A key that no configuration matches, and S3's events on a bus, go nowhere: said before anything is sent."""
    with target(how="notification") as one:
        with pytest.raises(InvalidEvent, match="tells nobody"):
            one.entries(notification(key="out/a.json"), key="k", marker="")
        with pytest.raises(InvalidEvent, match="only S3 itself"):
            one.entries(on_a_bus(), key="k", marker="")
        assert "nobody" in one.also_seen_by(notification(key="out/a.json"))[0]


def test_a_bucket_that_tells_the_bus_says_so(bucket: Any) -> None:
    """Who puts the object reaches the default bus too, which stands in the plan; a notification cannot, which is noted; on the request."""
    told = {"QueueConfigurations": [of(QueueArn=QUEUE_ARN)], "EventBridgeConfiguration": {}}
    for how in ("object", "notification"):
        one = target(how=how)
        with Stubber(one.clients("s3")) as stub:
            stub.add_response("head_bucket", {})
            stub.add_response("get_bucket_tagging", {"TagSet": []})
            stub.add_response("get_bucket_notification_configuration", told)
            one.destination()
        bus = ("the default bus, and its rules",) if how == "object" else ()
        assert one.also_seen_by(notification()) == ("queue uploads", *bus)
        assert len(one.notes) == (how == "notification")


def test_is_described_with_its_tags(bucket: Any) -> None:
    """A bucket's ARN names no account: its owner is asked for with the request, and is the account that counts."""
    destination = target().checked_destination()
    assert destination.arn == "arn:aws:s3:::uploads-staging"
    assert (destination.account_id, destination.name) == (ACCOUNT, "uploads-staging")
    assert destination.tags == {"stage": "test"}
    bucket.delete_bucket_tagging(Bucket="uploads-staging")
    assert target().checked_destination().tags == {}
    with pytest.raises(AwsError):
        target(bucket="gone").destination()
    with pytest.raises(ConfigurationError, match="which bucket"):
        S3Target()


@pytest.mark.parametrize(
    ("options", "why"),
    [({"account_id": ""}, "nothing says in which account"), ({"account_id": "999988887777"}, "credentials")],
)
def test_the_account_is_guarded(bucket: Any, options: dict[str, str], why: str) -> None:
    """Beyond this machine a bucket needs its account named, and the caller must be of it; entering checks it."""
    with pytest.raises(TargetRefused, match=why), target(**options):
        pass


def test_a_bucket_of_another_account_is_refused(bucket: Any) -> None:
    """S3 is asked for a bucket of the named account only, in every look at it; proved on the request."""
    one = target()
    with Stubber(one.clients("s3")) as stub:
        stub.add_client_error(
            "head_bucket", "403", http_status_code=403,
            expected_params={"Bucket": "uploads-staging", "ExpectedBucketOwner": ACCOUNT},
        )  # fmt: skip
        with pytest.raises(AwsError, match="denied"):
            one.checked_destination()


def test_a_bucket_of_another_region_is_refused(bucket: Any) -> None:
    """Where the bucket lies elsewhere than the target says, it is not the one that is meant; proved on the request."""
    one = target()
    with Stubber(one.clients("s3")) as stub:
        stub.add_response("head_bucket", {"BucketRegion": "eu-west-1"})
        with pytest.raises(TargetRefused, match="eu-west-1"):
            one.checked_destination()


def test_what_looks_like_production_is_refused(bucket: Any) -> None:
    """A bucket whose tag says production is not put into, until its section says that it may be."""
    bucket.put_bucket_tagging(Bucket="uploads-staging", Tagging={"TagSet": [{"Key": "env", "Value": "prod"}]})
    with pytest.raises(TargetRefused, match="looks like production"):
        target().checked_destination()
    assert target(production=True).checked_destination()


def test_tags_that_may_not_be_read_are_a_refusal(bucket: Any) -> None:
    """Without s3:GetBucketTagging nobody knows whether it is production; proved on the request."""
    one = target()
    with Stubber(one.clients("s3")) as stub:
        stub.add_response("head_bucket", {})
        stub.add_client_error("get_bucket_tagging", "AccessDenied", http_status_code=403)
        stub.add_response("get_bucket_notification_configuration", {})
        with pytest.raises(TargetRefused, match="tags may not be read"):
            one.checked_destination()


@pytest.mark.parametrize(
    ("arn", "why"),
    [
        (QUEUE_ARN.replace(ACCOUNT, "999988887777"), "in account 999988887777"),
        (QUEUE_ARN.replace("us-east-1", "eu-west-1"), "eu-west-1"),
        (QUEUE_ARN + "-prod", "looks like production"),
    ],
)
def test_those_whom_it_tells_are_guarded_too(bucket: Any, arn: str, why: str) -> None:
    """A notification is sent by us: a queue of another account or region, or that looks like production, is refused."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(s3, "receiver_tags", lambda *_: {})
        receiver = Receiver(kind="queue", arn=arn, events=("s3:ObjectCreated:*",))
        patch.setattr(s3, "receivers_of", lambda _: [receiver])
        with pytest.raises(TargetRefused, match=why):
            target(how="notification").checked_destination()
        assert target().checked_destination(), "S3 itself tells them, where the object is put"


def test_an_object_whose_answer_was_lost_is_not_refused(bucket: Any) -> None:
    """The object was put and the answer lost: the next try finds it there, its own, and acknowledges it."""
    with target() as one:
        one.place_objects([OBJECT])
        entries = one.entries(notification(), key="k", marker="")
        lost = [True]

        def lose(**_: Any) -> None:
            if lost.pop() if lost else False:
                raise ReadTimeoutError(endpoint_url="http://x")

        one.clients.sending("s3").meta.events.register("after-call.s3.PutObject", lose)
        sent = Sender(one, Journal(), sleep=no_pause).send(entries)
    assert not lost
    assert sent["k"].acknowledgement is not None
    assert sent["k"].doubtful


def test_errors_of_s3_come_through(bucket: Any) -> None:
    """What S3 says against the object comes to the sender, which knows what may be tried again."""
    with target() as one:
        one.place_objects([OBJECT])
        entries = one.entries(notification(), key="k", marker="")
        bucket.delete_bucket(Bucket="uploads-staging")
        with pytest.raises(ClientError, match="NoSuchBucket"):
            one.send(entries)
