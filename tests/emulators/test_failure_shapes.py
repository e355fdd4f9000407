"""What real servers write about failed invocations and deliveries: each shape is recorded with its event and its error."""

import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.emulators.functions import LambdaFunction, new_function
from tests.emulators.queues import Queue, new_queue
from tests.emulators.recordings import events_recorded, recorded
from tests.emulators.server import Server

pytestmark = pytest.mark.emulator

EVENT = {"do": "raise", "order": {"id": "o-7", "total": 12.5}}
_ARRIVES_WITHIN_S = 60


def waited_for(arrived: Callable[[], Any], what: str) -> Any:
    """Wait until *arrived* gives something."""
    deadline = time.monotonic() + _ARRIVES_WITHIN_S
    while not (found := arrived()):
        assert time.monotonic() < deadline, f"{what} has not arrived"
        time.sleep(0.1)
    return found


def kept(out: Path) -> tuple[dict[str, Any], Any]:
    """The one fixture of a folder: its document, and its event."""
    (path,) = out.glob("orders/*--*/fixture.json")
    return json.loads(path.read_bytes()), json.loads(path.with_name("event.json").read_bytes())


# Invocations that failed


@dataclass(frozen=True, kw_only=True)
class Failed:
    """Functions that failed, each with another way to tell of it; and the queue that it ended in."""

    functions: Mapping[str, LambdaFunction]
    queues: Mapping[str, Queue]


WAYS = ("dead-letter queue", "queue", "topic", "bus")
"""Where Lambda tells of a failed asynchronous invocation; topic and bus are read through a queue."""


@pytest.fixture(scope="module")
def failed(lambda_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Failed]:
    """Every way on LocalStack, played side by side."""
    folder = tmp_path_factory.mktemp("functions")
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(max_workers=len(WAYS)) as pool:
        patch.setenv("AWS_ENDPOINT_URL", lambda_server.url)
        queues = {way: new_queue(lambda_server, way.replace(" ", "-")) for way in WAYS}
        functions = dict(zip(WAYS, pool.map(lambda way: failing(way, queues[way], folder), WAYS), strict=True))
        for way, queue in queues.items():
            waited_for(queue.bodies, f"what a {way} is told")
        yield Failed(functions=functions, queues=queues)


def failing(way: str, queue: Queue, folder: Path) -> LambdaFunction:
    """Make a function whose failures end in *queue*, and let it fail."""
    dead_letters = {"DeadLetterConfig": {"TargetArn": queue.arn}} if way == "dead-letter queue" else {}
    function = new_function(folder, "told", **dead_letters)
    settings: dict[str, Any] = {"MaximumRetryAttempts": 0}
    if not dead_letters:
        settings["DestinationConfig"] = {"OnFailure": {"Destination": destination(way, queue)}}
    function.client.put_function_event_invoke_config(FunctionName=function.name, **settings)
    function.client.invoke(FunctionName=function.name, InvocationType="Event", Payload=json.dumps(EVENT).encode())
    return function


def destination(way: str, queue: Queue) -> str:
    """Give the ARN of a destination whose records reach *queue*."""
    name = f"failures-{uuid.uuid4().hex[:8]}"
    if way == "topic":
        return new_topic(name, queue)
    if way == "bus":
        events: Any = boto3.client("events")
        arn = str(events.create_event_bus(Name=name)["EventBusArn"])
        events.put_rule(Name=name, EventBusName=name, EventPattern='{"source": ["lambda"]}')
        events.put_targets(Rule=name, EventBusName=name, Targets=[{"Id": "1", "Arn": queue.arn}])
        return arn
    return queue.arn


def new_topic(name: str, queue: Queue, **attributes: str) -> str:
    sns: Any = boto3.client("sns")
    arn = str(sns.create_topic(Name=name)["TopicArn"])
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue.arn, Attributes=attributes)
    return arn


@pytest.mark.parametrize("way", WAYS)
def test_a_failed_invocation_is_recorded_however_it_is_told_of(
    failed: Failed, lambda_server: Server, way: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its event exactly, its request id and its error; where Lambda's dead letter has no stack, the destination has one."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", lambda_server.url)
    assert recorded(failed.queues[way], tmp_path, "--no-enrich")["written"] == 1
    document, event = kept(tmp_path)
    assert event == EVENT
    assert document["event_source"]["kind"] == "async"
    failure = document["failure"]
    assert failure["message"] == "raise"
    assert failure["request_id"]
    if way == "dead-letter queue":
        return
    assert failure["error_type"] == "Told"
    assert [frame["function"] for frame in failure["frames"]][-1] == "_whole"
    assert document["expectation"]["wants"] == "reproduces"


def test_ministack_writes_a_dead_letter_of_another_shape(
    ministack_server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """MiniStack puts a destination's record there, without attributes, id or time: it is known, and gives event and error."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", ministack_server.url)
    queue = new_queue(ministack_server, "dead-letters")
    failing("dead-letter queue", queue, tmp_path)
    waited_for(queue.bodies, "a dead letter")
    assert recorded(queue, tmp_path / "out", "--no-enrich")["written"] == 1
    document, event = kept(tmp_path / "out")
    assert event == EVENT
    assert document["provenance"]["details"]["envelopes"] == ["sqs-message", "lambda-destination"]
    assert document["failure"]["message"] == "raise"


def test_records_of_a_destination_in_a_bucket_are_recorded(
    emulator: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Neither server writes them (to S3 go no failures of functions): objects as AWS documents them are put there."""
    s3: Any = boto3.client("s3")
    bucket = f"failures-{uuid.uuid4().hex[:8]}"
    s3.create_bucket(Bucket=bucket)
    request_id = str(uuid.uuid4())
    record = {
        "version": "1.0",
        "timestamp": "2026-11-20T09:30:05.123Z",
        "requestContext": {
            "requestId": request_id,
            "functionArn": "arn:aws:lambda:us-east-1:000000000000:function:orders:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        },
        "requestPayload": EVENT,
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "responsePayload": {
            "errorMessage": "raise",
            "errorType": "Told",
            "stackTrace": ['  File "/var/task/told_handler.py", line 30, in handler\n    _whole(event["do"])\n'],
        },
    }
    key = f"aws/lambda/async/orders/2026/11/20/2026-11-20T09.30.05-{uuid.uuid4()}"
    s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(record).encode())
    options = ["s3-logs", f"s3://{bucket}/aws/lambda/async/", "--function", "orders"]
    (event,), summary = events_recorded(
        tmp_path, *options, "--since", "2026-11-20T09:00:00Z", "--until", "2026-11-20T10:00:00Z"
    )
    assert (event, summary["written"]) == (EVENT, 1)
    document, _ = kept(tmp_path)
    assert (document["failure"]["error_type"], document["failure"]["request_id"]) == ("Told", request_id)


# Deliveries that failed


def test_a_dead_letter_of_a_subscription_is_recorded(
    localstack_server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its queue is gone, so SNS dead-letters the notification: for the queue's function, and for one that was subscribed."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", localstack_server.url)
    gone, dead = new_queue(localstack_server, "gone"), new_queue(localstack_server, "subscription-dlq")
    topic = new_topic(
        f"orders-{uuid.uuid4().hex[:8]}", gone, RedrivePolicy=json.dumps({"deadLetterTargetArn": dead.arn})
    )
    gone.client.delete_queue(QueueUrl=gone.url)
    sent = '{"order_id": "o-1", "price": 0.10}'
    message_id = boto3.client("sns").publish(TopicArn=topic, Message=sent, Subject="order")["MessageId"]
    waited_for(dead.bodies, "the dead letter of the subscription")

    assert recorded(dead, tmp_path / "queue")["written"] == 1
    document, event = kept(tmp_path / "queue")
    (record,) = event["Records"]
    notification = json.loads(record["body"])
    assert (notification["Message"], notification["MessageId"], notification["TopicArn"]) == (sent, message_id, topic)
    assert document["provenance"]["details"]["envelopes"] == ["sqs-message", "sns-notification"]

    (tmp_path / "topic").mkdir()
    function = '[tool.replay.functions.orders]\nhandler = "app.handler"\nevent_source = {kind = "sns"}\n'
    (tmp_path / "topic" / "pyproject.toml").write_text(function)
    assert recorded(dead, tmp_path / "topic")["written"] == 1
    _, event = kept(tmp_path / "topic")
    told = event["Records"][0]["Sns"]
    assert (told["Message"], told["MessageId"], told["Subject"]) == (sent, message_id, "order")


# Payloads that lie elsewhere


@pytest.mark.parametrize("through_topic", [False, True], ids=["queue", "topic"])
def test_a_payload_in_s3_is_fetched(emulator: Server, through_topic: bool, tmp_path: Path) -> None:
    """What the extended clients of SQS and SNS put aside: the pointer is the event, and the object lies beside it."""
    s3: Any = boto3.client("s3")
    bucket, key = f"payloads-{uuid.uuid4().hex[:8]}", str(uuid.uuid4())
    s3.create_bucket(Bucket=bucket)
    payload = json.dumps({"order_id": "o-1", "items": ["größe"] * 50_000}, ensure_ascii=False)
    s3.put_object(Bucket=bucket, Key=key, Body=payload.encode())
    pointer = json.dumps(["software.amazon.payloadoffloading.PayloadS3Pointer", {"s3BucketName": bucket, "s3Key": key}])
    size = {"ExtendedPayloadSize": {"DataType": "Number", "StringValue": str(len(payload.encode()))}}
    queue = new_queue(emulator, "extended")
    if through_topic:
        topic = new_topic(f"extended-{uuid.uuid4().hex[:8]}", queue, RawMessageDelivery="true")
        boto3.client("sns").publish(TopicArn=topic, Message=pointer, MessageAttributes=size)
        waited_for(queue.bodies, "the notification")
    else:
        queue.send([{"MessageBody": pointer, "MessageAttributes": size}])
    (tmp_path / "pyproject.toml").write_text(f'[tool.replay.claim_checks]\nbuckets = ["{bucket}"]\n')

    assert recorded(queue, tmp_path)["written"] == 1

    document, event = kept(tmp_path)
    assert event["Records"][0]["body"] == pointer
    (stored,) = document["objects"]
    assert (stored["bucket"], stored["key"]) == (bucket, key)
    (file,) = tmp_path.glob("orders/*--*/claim-check-1.txt")
    assert file.read_text(encoding="utf-8") == payload


def test_a_payload_of_a_bucket_that_is_not_allowed_stays_there(emulator: Server, tmp_path: Path) -> None:
    """The event is recorded all the same, and the note has the line that allows the bucket."""
    queue = new_queue(emulator, "extended")
    body = json.dumps(["software.amazon.payloadoffloading.PayloadS3Pointer", {"s3BucketName": "any", "s3Key": "k"}])
    queue.send([{"MessageBody": body}])
    summary = recorded(queue, tmp_path)
    assert summary["written"] == 1
    assert any('buckets = ["any"]' in note for note in summary["notes"])
