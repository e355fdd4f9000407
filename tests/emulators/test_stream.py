"""Records of real streams are read again: those that failure records name, and those of a range."""

import base64
import json
import shutil
import time
import uuid
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.emulators.functions import new_function
from tests.emulators.queues import new_queue
from tests.emulators.recordings import events_recorded
from tests.emulators.server import Server

pytestmark = [
    pytest.mark.emulator,
    pytest.mark.skipif(shutil.which("npm") is None, reason="LocalStack's Kinesis is a package of npm"),
]

WORDS = ["ok", "ünïcode", "raise", '{"n": 2.50}', "last"]


@pytest.fixture(params=["lambda_server", "ministack_server"], ids=["localstack", "ministack"])
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Server:
    """A running emulator; of LocalStack the one that is given its Kinesis."""
    found: Server = request.getfixturevalue(request.param)
    monkeypatch.setenv("AWS_ENDPOINT_URL", found.url)
    return found


def new_stream(words: list[str], shards: int = 1) -> tuple[str, list[dict[str, str]]]:
    """Create a Kinesis stream with a record of each word; give its ARN, and their shards and numbers."""
    client: Any = boto3.client("kinesis")
    name = f"clicks-{uuid.uuid4().hex[:8]}"
    client.create_stream(StreamName=name, ShardCount=shards)
    client.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    records = [{"Data": word.encode(), "PartitionKey": f"key-{number}"} for number, word in enumerate(words)]
    put = client.put_records(StreamName=name, Records=records)["Records"]
    return client.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"], put


def failure_record(info: str, arn: str, shard: str, numbers: list[str]) -> str:
    """Write what the mapping of a stream sends to its on-failure destination."""
    now = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
    batch = {
        "shardId": shard,
        "startSequenceNumber": numbers[0],
        "endSequenceNumber": numbers[-1],
        "approximateArrivalOfFirstRecord": now,
        "approximateArrivalOfLastRecord": now,
        "batchSize": len(numbers),
        "streamArn": arn,
    }
    context = {"requestId": str(uuid.uuid4()), "functionArn": "arn:aws:lambda:us-east-1:000000000000:function:clicks",
               "condition": "RetryAttemptsExhausted", "approximateInvokeCount": 2}  # fmt: skip
    answer = {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"}
    told = {"requestContext": context, "responseContext": answer, "version": "1.0", "timestamp": now}
    return json.dumps({**told, info: batch})


def data_of(event: dict[str, Any]) -> list[str]:
    return [base64.b64decode(record["kinesis"]["data"]).decode() for record in event["Records"]]


def test_a_failed_batch_in_a_queue_is_recorded_with_its_records(server: Server, tmp_path: Path) -> None:
    """The queue holds places only; the fixture holds the records, in one event, and none before or behind them."""
    arn, put = new_stream(WORDS)
    queue = new_queue(server, "stream-failures")
    numbers = [each["SequenceNumber"] for each in put[1:4]]
    queue.send([{"MessageBody": failure_record("KinesisBatchInfo", arn, put[0]["ShardId"], numbers)}])
    (event,), _ = events_recorded(tmp_path, "sqs", "--queue", queue.arn, "--function", "clicks")
    assert data_of(event) == WORDS[1:4]
    assert [record["eventID"] for record in event["Records"]] == [f"{put[0]['ShardId']}:{each}" for each in numbers]


def test_a_failure_record_in_a_file_is_recorded_with_its_records(server: Server, tmp_path: Path) -> None:
    """The same, from a file; and the same batch named by its place in the stream makes no second fixture."""
    arn, put = new_stream(WORDS)
    shard, numbers = put[0]["ShardId"], [each["SequenceNumber"] for each in put]
    path = tmp_path / "failure.json"
    path.write_text(failure_record("KinesisBatchInfo", arn, shard, numbers))
    (event,), _ = events_recorded(tmp_path / "out", "stream", str(path), "--function", "clicks")
    assert data_of(event) == WORDS
    place = ["--stream", arn, "--shard", shard, "--from", numbers[0], "--to", numbers[-1], "--batch-size", "5"]
    _, summary = events_recorded(tmp_path / "out", "stream", *place, "--function", "clicks")
    assert (summary["written"], summary["known"]) == (0, 1)


def test_a_time_of_a_stream_with_several_shards_is_recorded(server: Server, tmp_path: Path) -> None:
    """Each record is an event, whatever its shard."""
    arn, _ = new_stream(WORDS, shards=2)
    events, _ = events_recorded(
        tmp_path, "stream", "--stream", arn.rpartition("/")[2], "--from", "1h", "--function", "clicks"
    )
    assert sorted(word for event in events for word in data_of(event)) == sorted(WORDS)


def test_a_range_goes_on_in_the_children_of_a_shard(
    lambda_server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The shard was split in the middle of the range: what came after is in its children (MiniStack drops the parent)."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", lambda_server.url)
    arn, put = new_stream(WORDS[:2])
    client: Any = boto3.client("kinesis")
    client.split_shard(StreamARN=arn, ShardToSplit=put[0]["ShardId"], NewStartingHashKey=str(2**127))
    client.get_waiter("stream_exists").wait(StreamARN=arn, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    records = [{"Data": word.encode(), "PartitionKey": f"key-{number}"} for number, word in enumerate(WORDS[2:])]
    after = client.put_records(StreamARN=arn, Records=records)["Records"]
    assert {each["ShardId"] for each in after}.isdisjoint({put[0]["ShardId"]})
    place = ["--stream", arn, "--shard", put[0]["ShardId"], "--from", put[1]["SequenceNumber"]]
    events, _ = events_recorded(tmp_path, "stream", *place, "--function", "clicks")
    assert sorted(word for event in events for word in data_of(event)) == sorted(WORDS[1:])


def test_changes_of_a_table_are_recorded(
    ministack_server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Of a table (LocalStack has none without Amazon's DynamoDB Local): every change, exact numbers, binary in base64."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", ministack_server.url)
    arn, name = new_table()
    events, _ = events_recorded(tmp_path / "all", "stream", "--table", name, "--from", "1h", "--function", "orders")
    records = sorted(
        (event["Records"][0] for event in events), key=lambda each: int(each["dynamodb"]["SequenceNumber"])
    )
    assert [record["eventName"] for record in records] == ["INSERT", "MODIFY", "REMOVE"]
    image = records[0]["dynamodb"]["NewImage"]
    assert (image["total"], image["raw"]) == ({"N": "12345678901234567890.12345"}, {"B": "AP8="})
    assert {record["eventSourceARN"] for record in records} == {arn}
    client: Any = boto3.client("dynamodbstreams")
    shard = client.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    numbers = [record["dynamodb"]["SequenceNumber"] for record in records[:2]]
    queue = new_queue(ministack_server, "table-failures")
    queue.send([{"MessageBody": failure_record("DDBStreamBatchInfo", arn, shard, numbers)}])
    (event,), _ = events_recorded(tmp_path / "failed", "sqs", "--queue", queue.arn, "--function", "orders")
    assert event["Records"] == records[:2]


def new_table() -> tuple[str, str]:
    """Create a table with a stream, and insert, modify and remove an item; give the stream's ARN and the table's name."""
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
    item = {"id": {"S": "o-1"}, "total": {"N": "12345678901234567890.12345"}, "raw": {"B": b"\x00\xff"}}
    client.put_item(TableName=name, Item=item)
    client.put_item(TableName=name, Item={**item, "total": {"N": "2"}})
    client.delete_item(TableName=name, Key={"id": {"S": "o-1"}})
    return made["TableDescription"]["LatestStreamArn"], name


def test_what_a_real_mapping_gives_up_is_recorded(
    lambda_server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """LocalStack's own failure record leads to the very event that its function got, role and all."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", lambda_server.url)
    arn, _ = new_stream(["ok", "raise", "ok"])
    failures = new_queue(lambda_server, "given-up")
    function = new_function(tmp_path, "told")
    destination = {"OnFailure": {"Destination": failures.arn}}
    function.map(arn, StartingPosition="TRIM_HORIZON", MaximumRetryAttempts=0, DestinationConfig=destination)
    deadline = time.monotonic() + 60
    while not failures.bodies():
        assert time.monotonic() < deadline, "nothing was given up"
        time.sleep(0.5)
    (event,), _ = events_recorded(tmp_path / "out", "sqs", "--queue", failures.arn, "--function", "told")
    assert [without_time(each) for each in event["Records"]] == [
        without_time(each) for each in function.events()[0]["Records"]
    ]


def without_time(record: dict[str, Any]) -> dict[str, Any]:
    """Leave out the arrival, of which LocalStack's mapping keeps less than its stream."""
    kinesis = {name: value for name, value in record["kinesis"].items() if name != "approximateArrivalTimestamp"}
    return {**record, "kinesis": kinesis}
