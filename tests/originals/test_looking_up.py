"""Originals are found where their fixtures were recorded, of every source that can give one event again."""

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

import replay
from replay.fixtures.fixture import FixtureReference
from replay.originals.looking_up import look_up_originals
from replay.project import Project
from tests.cli.command_line import CommandLine, make_command_line, make_project
from tests.enrichment.lambda_log import LambdaLog
from tests.sources.log_samples import request_id

CUSTOMER = {"name": "Zebulon Quackenbush", "mail": "zebulon@quackenbush.example"}
RULES = '[tool.replay.redaction]\nredact = ["customer"]\n'


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return make_command_line(capsys)


@pytest.fixture
def aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in (
        ("AWS_ACCESS_KEY_ID", "a"),
        ("AWS_SECRET_ACCESS_KEY", "s"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
    ):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("REPLAY_REDACTION_KEY", "of the tests")
    monkeypatch.chdir(make_project(tmp_path, "def handler(event, context): pass\n", settings=RULES))
    with mock_aws():
        yield


def originals_of(expected: int) -> dict[FixtureReference, Any]:
    """Look all fixtures up, and give their events as they once were."""
    project: Project = replay.open_project()
    references = replay.select_fixtures(project)
    assert len(references) == expected
    found = look_up_originals(project, references)
    assert found.missing == {}
    events = {}
    for reference in references:
        text = project.store.load(reference).event_text
        assert "Quackenbush" not in text
        events[reference] = json.loads(found.found[reference].put_into(text))
    return events


@pytest.mark.usefixtures("aws")
def test_a_log_group(call: CommandLine) -> None:
    """By request id, in the minutes around it."""
    log = LambdaLog(boto3.client("logs"), at_ms=int((datetime.now(UTC) - timedelta(minutes=3)).timestamp() * 1000))
    for number in range(3):
        log.invoke(f"event: {json.dumps({'id': number, 'customer': CUSTOMER})}\n", error=f"KeyError: 'k{number}'")
    group = boto3.client("logs").describe_log_groups()["logGroups"][0]["logGroupName"]
    told = call("record", "cloudwatch-logs", "--log-group", group, "--function", "f", "--all")
    assert told.exit_code == 0, told
    events = originals_of(3).values()
    assert sorted(event["id"] for event in events) == [0, 1, 2]
    assert all(event["customer"] == CUSTOMER for event in events)


@pytest.mark.usefixtures("aws")
def test_a_stream(call: CommandLine) -> None:
    """By shard and sequence number, while the stream still has the record."""
    client = boto3.client("kinesis")
    client.create_stream(StreamName="clicks", ShardCount=1)
    for number in range(3):
        data = json.dumps({"id": number, "customer": CUSTOMER}).encode()
        client.put_record(StreamName="clicks", Data=data, PartitionKey="k")
    told = call("record", "stream", "--stream", "clicks", "--function", "f", "--all", "--batch-size", "2")
    assert told.exit_code == 0, told
    import base64

    for event in originals_of(2).values():
        for record in event["Records"]:
            assert json.loads(base64.b64decode(record["kinesis"]["data"]))["customer"] == CUSTOMER


@pytest.mark.usefixtures("aws")
def test_an_object(call: CommandLine) -> None:
    """In the object of the bucket that its line was read from."""
    client = boto3.client("s3")
    client.create_bucket(Bucket="app-logs")
    lines = [
        json.dumps({"level": "error", "requestId": request_id(7), "event": {"id": 7, "customer": CUSTOMER}}) + "\n",
        json.dumps({"level": "error", "requestId": request_id(8), "event": {"id": 8, "customer": CUSTOMER}}) + "\n",
    ]
    client.put_object(Bucket="app-logs", Key="2026/app.gz", Body=gzip.compress("".join(lines).encode()))
    Path("pyproject.toml").write_text(
        Path("pyproject.toml").read_text()
        + '[tool.replay.sources.logs]\nkind = "s3-logs"\npath = ["s3://app-logs/"]\nevent_at = "$.event"\n'
        'request_id_at = "$.requestId"\nlogged_errors = true\n'
    )
    told = call("record", "logs", "--function", "f", "--all")
    assert told.exit_code == 0, told
    assert sorted(event["id"] for event in originals_of(2).values()) == [7, 8]


@pytest.mark.usefixtures("aws")
def test_what_cannot_give_one_event_again_is_said(call: CommandLine) -> None:
    """A fixture of a source that gives no single event is missing, with the reason."""
    Path("events.jsonl").write_text(json.dumps({"id": 1, "customer": CUSTOMER}) + "\n")
    assert call("record", "files", "events.jsonl", "--function", "f").exit_code == 0
    (path,) = Path("fixtures").rglob("fixture.json")
    path.write_text(path.read_text().replace('"files"', '"xray"'))
    project = replay.open_project()
    found = look_up_originals(project, replay.select_fixtures(project))
    assert list(found.missing.values()) == ["the source xray cannot give one event again"]
