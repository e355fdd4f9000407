"""The targets `kinesis` and `dynamodb` on real servers: what their streams hand to the function."""

import base64
import json
import shutil
import uuid
from pathlib import Path
from typing import Any

import boto3
import pytest

from replay.payloads.captures import Event
from replay.targets.carrier import Refusal
from replay.targets.dynamodb import DynamoDbTarget
from replay.targets.kinesis import KinesisTarget
from tests.emulators.carried import send, wait_for
from tests.emulators.functions import new_function
from tests.emulators.server import Server

pytestmark = pytest.mark.emulator

WORDS = ["ok", "ok again", "é", "ok", "last"]


@pytest.fixture(
    params=[
        pytest.param(
            "lambda_server",
            marks=pytest.mark.skipif(shutil.which("npm") is None, reason="LocalStack's streams are a package of npm"),
        ),
        "ministack_server",
    ]
)
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Server:
    """A server with Lambda, streams and tables (those of LocalStack are MiniStack's), that every client now talks to."""
    found: Server = request.getfixturevalue(request.param)
    monkeypatch.setenv("AWS_ENDPOINT_URL", found.url)
    return found


def new_stream(shards: int = 1) -> tuple[str, str]:
    client: Any = boto3.client("kinesis")
    name = f"clicks-{uuid.uuid4().hex[:8]}"
    client.create_stream(StreamName=name, ShardCount=shards)
    client.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    return name, client.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"]


def clicks(*words: str, shard: str = "shardId-000000000000") -> str:
    return json.dumps(
        {
            "Records": [
                {
                    "eventSource": "aws:kinesis",
                    "eventID": f"{shard}:{number}",
                    "kinesis": {
                        "partitionKey": "customer-1",
                        "sequenceNumber": str(number),
                        "data": base64.b64encode(word.encode()).decode(),
                    },
                }
                for number, word in enumerate(words)
            ]
        }
    )


def test_records_reach_the_function_in_their_order(server: Server, tmp_path: Path) -> None:
    """Every record of the event is in the stream, in its order; the function gets data, key and the acknowledged number."""
    name, arn = new_stream()
    function = new_function(tmp_path, "told")
    function.map(arn, StartingPosition="TRIM_HORIZON", BatchSize=10)
    with KinesisTarget(stream=name) as target:
        told = send(target, clicks(*WORDS))
    records = wait_for(lambda: [each for event in function.events() for each in event["Records"]], len(WORDS))
    assert [base64.b64decode(each["kinesis"]["data"]).decode() for each in records] == WORDS
    assert {each["kinesis"]["partitionKey"] for each in records} == {"customer-1"}
    assert [each["kinesis"]["sequenceNumber"] for each in records] == [each.identity for each in told]


def test_a_record_goes_into_the_shard_of_its_event(server: Server) -> None:
    """With `same_shards` the explicit hash key wins over the partition key."""
    name, _ = new_stream(shards=2)
    with KinesisTarget(stream=name, same_shards=True) as target:
        shards = [f"shardId-{number:012d}" for number in range(2)]
        told = send(target, *(clicks("ok", shard=shard) for shard in shards))
    assert [each.known["shard_id"] for each in told] == shards


def new_table() -> tuple[str, str]:
    client: Any = boto3.client("dynamodb")
    name = f"orders-{uuid.uuid4().hex[:8]}"
    made = client.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    client.get_waiter("table_exists").wait(TableName=name)
    return name, made["TableDescription"]["LatestStreamArn"]


ITEM = {"id": {"S": "o-1"}, "total": {"N": "12345678901234567890.12345"}, "raw": {"B": "AP8="}}
CHANGED = {**ITEM, "total": {"N": "2"}}
IMAGES: dict[str, dict[str, Any]] = {
    "INSERT": {"NewImage": ITEM},
    "MODIFY": {"NewImage": CHANGED, "OldImage": ITEM},
    "REMOVE": {"OldImage": CHANGED},
}


def change(name: str) -> str:
    body = {"Keys": {"id": ITEM["id"]}, "StreamViewType": "NEW_AND_OLD_IMAGES", **IMAGES[name]}
    return json.dumps({"Records": [{"eventSource": "aws:dynamodb", "eventName": name, "dynamodb": body}]})


def test_changes_reach_the_function_as_they_were(server: Server, tmp_path: Path) -> None:
    """An INSERT, a MODIFY and a REMOVE: the function gets the same names, keys and images, and the acknowledged numbers."""
    name, arn = new_table()
    function = new_function(tmp_path, "told")
    with DynamoDbTarget(table=name) as target:
        told = send(target, *(change(each) for each in IMAGES))
    function.map(arn, StartingPosition="TRIM_HORIZON", BatchSize=10, MaximumRetryAttempts=0)
    records = wait_for(lambda: [each for event in function.events() for each in event["Records"]], len(IMAGES))
    assert [each["eventName"] for each in records[: len(IMAGES)]] == list(IMAGES)
    for record, images in zip(records, IMAGES.values(), strict=False):
        assert record["dynamodb"]["Keys"] == {"id": ITEM["id"]}
        assert {key: record["dynamodb"][key] for key in ("NewImage", "OldImage") if key in record["dynamodb"]} == images
    assert [each["dynamodb"]["SequenceNumber"] for each in records[: len(IMAGES)]] == [each.identity for each in told]


def test_what_others_have_written_is_left_alone(server: Server) -> None:
    """A MODIFY whose item is another one now is refused, and the item stays; asked to, the old one is put first."""
    name, _ = new_table()
    client: Any = boto3.client("dynamodb")
    client.put_item(TableName=name, Item={"id": ITEM["id"], "total": {"N": "7"}})
    with DynamoDbTarget(table=name) as target:
        (answer,) = target.send(target.entries(Event(text=change("MODIFY")), key="k", marker="")).values()
    assert isinstance(answer, Refusal)
    assert client.get_item(TableName=name, Key={"id": ITEM["id"]})["Item"]["total"] == {"N": "7"}
    with DynamoDbTarget(table=name, put_old_items=True) as target:
        send(target, change("MODIFY"))
    assert client.get_item(TableName=name, Key={"id": ITEM["id"]})["Item"]["total"] == {"N": "2"}
