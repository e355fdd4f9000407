"""What becomes of events that went through buses, streams and buckets: `replay run` judges them as the local target does."""

import base64
import io
import json
import os
import subprocess
import sys
import uuid
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest

from replay.fixtures.fixture import StoredObject
from replay.project import open_project
from tests.cli.command_line import make_project
from tests.emulators.archives import new_archive
from tests.emulators.carried import wait_for
from tests.emulators.environments import install
from tests.emulators.localstack import ENVIRONMENT
from tests.emulators.ministack import bootstrap
from tests.emulators.queues import Queue, new_queue
from tests.emulators.server import Server
from tests.emulators.test_eventbridge_targets import add_rule, new_bus
from tests.emulators.test_s3_target import new_bucket
from tests.emulators.test_stream_targets import new_stream, new_table

pytestmark = pytest.mark.emulator

HANDLER = """\
import base64
import os
import sys
import time


def told(record):
    if "kinesis" in record:
        return base64.b64decode(record["kinesis"]["data"]).decode()
    if "dynamodb" in record:
        return record["dynamodb"]["NewImage"]["do"]["S"]
    if "Sns" in record:
        return record["Sns"]["Message"]
    return record["s3"]["object"]["key"].rpartition("/")[2]


def handler(event, context):
    if os.environ.get("FAILS_ALWAYS"):
        raise TypeError("the other one")
    words = [event["detail"]["do"]] if "detail" in event else [told(record) for record in event["Records"]]
    for word in words:
        if word == "raise":
            return event["customer_id"]
        if word == "exit":
            sys.exit(3)
        if word == "late":
            time.sleep(60)
        if word == "slow":
            time.sleep(0.7)
    return {"batchItemFailures": [
        {"itemIdentifier": number(record)} for record, word in zip(event.get("Records", []), words) if word == "fail"
    ]}


def number(record):
    return record["dynamodb"]["SequenceNumber"] if "dynamodb" in record else record["kinesis"]["sequenceNumber"]
"""


@pytest.fixture(params=["lambda_server", "ministack_server"])
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Server:
    """A server with Lambda, that every AWS client, here and in child processes, now talks to."""
    found: Server = request.getfixturevalue(request.param)
    credentials(found, monkeypatch)
    return found


def credentials(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every client talk to *server*, also those of child processes."""
    for name, value in (("AWS_ENDPOINT_URL", server.url), ("AWS_DEFAULT_REGION", "us-east-1")):
        monkeypatch.setenv(name, value)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")


def deploy(server: Server, **settings: Any) -> str:
    """Deploy the handler; on MiniStack under AWS's own runtime client, which tells errors as Lambda does. Give its ARN."""
    client: Any = boto3.client("lambda")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as written:
        written.writestr("app.py", HANDLER)
        member = zipfile.ZipInfo("bootstrap")
        member.external_attr = 0o755 << 16
        written.writestr(member, bootstrap(install(ENVIRONMENT)))
    name = f"f-{uuid.uuid4().hex[:8]}"
    arn: str = client.create_function(
        FunctionName=name,
        Runtime="provided.al2023" if server.name == "ministack" else "python3.13",
        Handler="app.handler",
        Role="arn:aws:iam::000000000000:role/told",
        Timeout=2 if server.name == "localstack" else 10,
        Code={"ZipFile": archive.getvalue()},
        **settings,
    )["FunctionArn"]
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    return arn


def replayed(*words: str) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-m", "replay.cli.main", *words, "--json"],
        check=False, capture_output=True, text=True, env=os.environ, timeout=200,
    )  # fmt: skip
    assert done.stdout, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def judged(*words: str) -> dict[str, dict[str, Any]]:
    return {each["fixture"]: each for each in replayed("run", *words) if "fixture" in each}


def recorded(
    folder: Path, monkeypatch: pytest.MonkeyPatch, events: list[Any], target: Mapping[str, Any], settings: str = ""
) -> None:
    """Make a project of these events and this target, with fixtures whose failures the local target has pinned."""
    monkeypatch.chdir(make_project(folder, HANDLER, *events, settings=f"timeout_s = 2\n{settings}"))
    with (folder / "pyproject.toml").open("a") as file:
        file.write("\n[tool.replay.targets.there]\n")
        file.writelines(f"{key} = {json.dumps(value)}\n" for key, value in target.items())
    replayed("record", "files", "events.jsonl", "--function", "f")


def assert_judged_alike(*, dispositions: Mapping[str, list[str]]) -> None:
    """Judge all fixtures by the local target and by the deployed one: the same status, error and verdict for each."""
    local, there = judged("--target", "process"), judged("--target", "there")
    assert len(there) == len(local) == len(dispositions)
    for fixture, outcome in there.items():
        here = local[fixture]
        assert (outcome["status"], outcome["verdict"]) == (here["status"], here["verdict"]), outcome
        assert (outcome["error"] or {}).get("type") == (here["error"] or {}).get("type")
        assert outcome["signature"] == here["signature"]
        assert outcome["dispositions"] == dispositions[outcome["status"]]


def test_through_a_bus(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Success, error, timeout and exit behind a rule, the failures dead letters, with the verdicts of the local target.

    On MiniStack an error alone: its log does not tell a timeout or an exit, and so none of its returns is a success.
    """
    dead: Queue = new_queue(server, "dead")
    arn = deploy(server, DeadLetterConfig={"TargetArn": dead.arn})
    once_only(arn)
    bus = new_bus()
    add_rule(bus, arn)
    words = ["ok", "raise", "exit", "late"] if server.name == "localstack" else ["raise"]
    events = [{"source": "shop.orders", "detail-type": "T", "detail": {"do": word}} for word in words]
    recorded(tmp_path, monkeypatch, events, {"kind": "eventbridge", "bus": bus, "function": name_of(arn)})
    ends = {
        "succeeded": ["processed"],
        "failed": ["dead_lettered"],
        "exited": ["dead_lettered"],
        "timed_out": ["dead_lettered"],
    }
    if server.name == "ministack":
        ends = {"failed": ["dead_lettered"]}
    assert_judged_alike(dispositions=ends)


def test_two_functions_of_a_topic_with_one_dead_letter_queue(
    lambda_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    One succeeds where the other fails, and both fail in different ways: each is judged by what it has done itself.

    LocalStack makes up the request ids of dead letters, so that its log alone tells; that they lead to the log is
    proved in tests/targets. MiniStack's topics write no dead letters.
    """
    credentials(lambda_server, monkeypatch)
    dead: Queue = new_queue(lambda_server, "dead")
    shared = {"DeadLetterConfig": {"TargetArn": dead.arn}}
    ours, other = (
        deploy(lambda_server, **shared),
        deploy(lambda_server, Environment={"Variables": {"FAILS_ALWAYS": "1"}}, **shared),
    )
    client: Any = boto3.client("sns")
    topic = client.create_topic(Name=f"shop-{uuid.uuid4().hex[:8]}")["TopicArn"]
    for arn in (ours, other):
        once_only(arn)
        client.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn)
    events = [{"Records": [{"EventSource": "aws:sns", "Sns": {"Message": word}}]} for word in ("slow", "raise")]
    recorded(tmp_path, monkeypatch, events, {"kind": "sns", "topic": topic, "function": name_of(ours)})
    told = {each["status"]: each for each in judged("--target", "there").values()}
    assert {status: each["dispositions"] for status, each in told.items()} == {
        "succeeded": ["processed"],
        "failed": ["dead_lettered"],
    }
    assert told["failed"]["error"]["type"] == "KeyError"
    settings = Path("pyproject.toml")
    settings.write_text(settings.read_text().replace(name_of(ours), name_of(other)))
    assert [each["error"]["type"] for each in judged("--target", "there").values()] == ["TypeError"] * 2
    wait_for(lambda: list(dead.bodies()), 6)  # one of ours, and two of the other, for each run


def once_only(arn: str) -> None:
    client: Any = boto3.client("lambda")
    client.put_function_event_invoke_config(FunctionName=arn, MaximumRetryAttempts=0)


def map_once(arn: str, stream_arn: str, **settings: Any) -> None:
    """Let Lambda hand the records of a stream over, each batch once."""
    client: Any = boto3.client("lambda")
    client.create_event_source_mapping(
        EventSourceArn=stream_arn,
        FunctionName=arn,
        StartingPosition="TRIM_HORIZON",
        MaximumRetryAttempts=0,
        **settings,
    )


def reports_to(given_up: Queue) -> dict[str, Any]:
    """Give the settings of a mapping whose function reports records, and whose lost ones go to a queue."""
    destination = {"OnFailure": {"Destination": given_up.arn}}
    return {"FunctionResponseTypes": ["ReportBatchItemFailures"], "DestinationConfig": destination}


def name_of(arn: str) -> str:
    return arn.rpartition(":")[2]


def kinesis_event(*words: str) -> dict[str, Any]:
    records = []
    for number, word in enumerate(words):
        data = base64.b64encode(word.encode()).decode()
        inner = {"partitionKey": "k", "sequenceNumber": str(number), "data": data}
        records.append({"eventSource": "aws:kinesis", "eventID": f"shardId-000000000000:{number}", "kinesis": inner})
    return {"Records": records}


def test_through_a_stream(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A batch that is done, a partial one, an error and a timeout behind a mapping, with the verdicts of the local target.

    MiniStack knows neither reports of records nor an end of retries, so that there only success ends.
    """
    given_up: Queue = new_queue(server, "given-up")
    arn = deploy(server)
    stream, stream_arn = new_stream()
    map_once(arn, stream_arn, **reports_to(given_up), BatchSize=10)
    on_localstack = [("ok", "ok"), ("ok", "fail"), ("raise",), ("late",)]
    batches = on_localstack if server.name == "localstack" else [("ok", "ok")]
    settings = (
        'event_source = { kind = "kinesis", batch_size = 10, maximum_retry_attempts = 0, '
        f'report_batch_item_failures = true, on_failure = "{given_up.arn}" }}\n'
    )
    events = [kinesis_event(*words) for words in batches]
    recorded(tmp_path, monkeypatch, events, {"kind": "kinesis", "stream": stream}, settings)
    ends = {
        "succeeded": ["processed", "processed"],
        "partially_failed": ["processed", "sent_to_destination"],
        "failed": ["sent_to_destination"],
        "timed_out": ["sent_to_destination"],
    }
    assert_judged_alike(dispositions=dict(list(ends.items())[: len(batches)]))


@pytest.mark.parametrize(
    ("word", "ends"),
    [
        ("ok", {"succeeded": ["processed"]}),
        ("raise", {"failed": ["discarded"]}),
        ("late", {"timed_out": ["discarded"]}),
    ],
)
def test_through_a_table(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str, ends: dict[str, list[str]]
) -> None:
    """
    A change that is done, one that fails, and one that takes too long, behind the stream of a table.

    Each on a table of its own: MiniStack tries what fails for ever. Its log does not tell a timeout.
    """
    if word == "late" and server.name == "ministack":
        pytest.skip("MiniStack has no line of a timeout in a function's log")
    arn = deploy(server)
    table, stream_arn = new_table()
    map_once(arn, stream_arn)
    settings = 'event_source = { kind = "dynamodb", maximum_retry_attempts = 0 }\n'
    recorded(tmp_path, monkeypatch, [table_event(word)], {"kind": "dynamodb", "table": table}, settings)
    assert_judged_alike(dispositions=ends)


def table_event(*words: str) -> dict[str, Any]:
    records = []
    for number, word in enumerate(words, start=1):
        keys = {"id": {"S": f"{number}-{word}"}}
        change = {"Keys": keys, "NewImage": {**keys, "do": {"S": word}}, "StreamViewType": "NEW_AND_OLD_IMAGES"}
        change["SequenceNumber"] = f"{100 + number}"
        records.append({"eventSource": "aws:dynamodb", "eventName": "INSERT", "dynamodb": change})
    return {"Records": records}


def test_a_part_of_a_batch_through_a_table(
    lambda_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two changes one is done and one reported: that one goes to the destination, as the local target says."""
    credentials(lambda_server, monkeypatch)
    given_up: Queue = new_queue(lambda_server, "given-up")
    arn = deploy(lambda_server)
    table, stream_arn = new_table()
    map_once(arn, stream_arn, **reports_to(given_up), MaximumBatchingWindowInSeconds=1)
    settings = (
        'event_source = { kind = "dynamodb", maximum_retry_attempts = 0, '
        f'report_batch_item_failures = true, on_failure = "{given_up.arn}" }}\n'
    )
    recorded(tmp_path, monkeypatch, [table_event("ok", "fail")], {"kind": "dynamodb", "table": table}, settings)
    assert_judged_alike(dispositions={"partially_failed": ["processed", "sent_to_destination"]})


def test_a_report_that_nobody_keeps_is_no_success(
    lambda_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A record that the last try reports as failed, without a destination, is gone like one that is done: unobserved."""
    credentials(lambda_server, monkeypatch)
    arn = deploy(lambda_server)
    stream, stream_arn = new_stream()
    map_once(arn, stream_arn, FunctionResponseTypes=["ReportBatchItemFailures"])
    settings = 'event_source = { kind = "kinesis", maximum_retry_attempts = 0, report_batch_item_failures = true }\n'
    target = {"kind": "kinesis", "stream": stream, "observe_for_s": 8}
    recorded(tmp_path, monkeypatch, [kinesis_event("fail")], target, settings)
    (told,) = judged("--target", "there").values()
    assert told["verdict"] == "unobserved"
    assert "the mapping has no destination" in json.dumps(told)


@pytest.mark.parametrize("how", ["notification", "object"])
def test_through_a_bucket(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """
    To the function that the bucket names, by a notification and by S3 that tells of the object which was put.

    Success, error and timeout have the verdicts of the local target.

    MiniStack's log does not tell a timeout.
    """
    dead: Queue = new_queue(server, "dead")
    arn = deploy(server, DeadLetterConfig={"TargetArn": dead.arn})
    once_only(arn)
    bucket = new_bucket(LambdaFunctionArn=arn)
    events = [
        {
            "Records": [
                {
                    "eventSource": "aws:s3",
                    "eventName": "ObjectCreated:Put",
                    "s3": {"bucket": {"name": "live-uploads"}, "object": {"key": f"in/{word}"}},
                }
            ]
        }
        for word in ("ok", "raise", "late")[: 3 if server.name == "localstack" else 2]
    ]
    recorded(tmp_path, monkeypatch, events, {"kind": "s3", "bucket": bucket, "how": how})
    store = open_project(tmp_path).store
    for fixture in [store.load(each) for each in store.references()]:
        key = json.loads(fixture.event_text)["Records"][0]["s3"]["object"]["key"]
        kept = StoredObject(bucket="live-uploads", key=key, file="claim-check-1.txt", text="{}")
        store.update(replace(fixture, objects=(kept,)))
    ends = {"succeeded": ["processed"], "failed": ["dead_lettered"], "timed_out": ["dead_lettered"]}
    assert_judged_alike(dispositions=dict(list(ends.items())[: len(events)]))


@pytest.mark.parametrize(("word", "status"), [("raise", "failed"), ("late", "timed_out")])
def test_through_a_replay(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str, status: str
) -> None:
    """An archive's event comes again to the function, and fails, or takes too long, as it does here."""
    if word == "late" and server.name == "ministack":
        pytest.skip("MiniStack has no line of a timeout in a function's log")
    dead: Queue = new_queue(server, "dead")
    arn = deploy(server, DeadLetterConfig={"TargetArn": dead.arn})
    once_only(arn)
    archive, seen = new_archive(), new_queue(server, "seen")
    add_rule(archive.bus, seen.arn)
    archive.put([{"do": word}])
    event = json.loads(wait_for(lambda: list(seen.bodies().values()), 1)[0])
    archive.client.disable_rule(Name="to-orders", EventBusName=archive.bus)
    add_rule(archive.bus, arn, name="to-function")
    recorded(
        tmp_path,
        monkeypatch,
        [event],
        {"kind": "eventbridge-replay", "archive": archive.name, "function": name_of(arn)},
    )
    assert_judged_alike(dispositions={status: ["dead_lettered"]})
