"""A function deployed on a real Lambda is judged as the same function here: same words, same signature."""

import io
import json
import os
import subprocess
import sys
import uuid
import zipfile
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.cli.command_line import make_project
from tests.emulators.environments import install
from tests.emulators.localstack import ENVIRONMENT
from tests.emulators.ministack import bootstrap
from tests.emulators.server import Server

pytestmark = pytest.mark.emulator

HANDLER = """\
import sys
import time


def handler(event, context):
    if "Records" in event:
        failed = [record["messageId"] for record in event["Records"] if record["body"] == "report"]
        return {"batchItemFailures": [{"itemIdentifier": each} for each in failed]}
    if event["do"] == "raise":
        return event["customer_id"]
    if event["do"] == "time out":
        time.sleep(60)
    if event["do"] == "exit":
        sys.exit(3)
    if event["do"] == "answer a set":
        return {1}
    return {"done": True}
"""
BATCH = {
    "Records": [
        {
            "messageId": str(uuid.UUID(int=number)),
            "body": body,
            "attributes": {"ApproximateReceiveCount": "1"},
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:orders",
        }
        for number, body in enumerate(["ok", "report"])
    ]
}
SETTINGS = """\
timeout_s = 2
event_source = { kind = "sqs", max_receive_count = 1, report_batch_item_failures = true }
"""
EVENTS: list[Any] = [
    {"do": "raise"},
    {"do": "time out"},
    {"do": "exit"},
    {"do": "answer a set"},
    {"do": "raise", "customer_id": 1},
    BATCH,
]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(make_project(tmp_path, HANDLER, *EVENTS, settings=SETTINGS))
    for name, value in (("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test"), ("AWS_DEFAULT_REGION", "us-east-1")):  # fmt: skip
        monkeypatch.setenv(name, value)
    return tmp_path


def replayed(*words: str) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-m", "replay.cli.main", *words], check=False, capture_output=True, text=True, env=os.environ
    )
    assert done.stdout, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(params=["lambda_server", "ministack_server"], ids=["localstack", "ministack"])
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(request.param)
    return found


def deployed(server: Server) -> str:
    client: Any = boto3.client("lambda")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as written:
        written.writestr("app.py", HANDLER)
        member = zipfile.ZipInfo("bootstrap")
        member.external_attr = 0o755 << 16
        written.writestr(member, bootstrap(install(ENVIRONMENT)))
    name = f"f-{uuid.uuid4().hex[:8]}"
    client.create_function(
        FunctionName=name,
        Runtime="provided.al2023" if server.name == "ministack" else "python3.13",
        Handler="app.handler",
        Role="arn:aws:iam::000000000000:role/told",
        Timeout=2,
        Code={"ZipFile": archive.getvalue()},
    )
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    return name


@pytest.mark.takes_long
def test_verdicts_are_those_of_the_local_target(server: Server, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Error, timeout, exit, unserialisable answer, success and a batch that failed in part: as the local target has them.

    On MiniStack under AWS's own runtime client; it does not say with which status a process has ended, so that an exit is
    another one there. On LocalStack through the target `localstack` too.
    """
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    name = deployed(server)
    replayed("record", "files", "events.jsonl", "--function", "f", "--json")
    local = {each["fixture"]: each for each in replayed("run", "--target", "process", "--json") if "fixture" in each}
    there = {
        each["fixture"]: each for each in replayed("run", "--target", f"lambda:{name}", "--json") if "fixture" in each
    }
    assert len(there) == len(EVENTS)
    for fixture, outcome in there.items():
        told = (outcome["status"], outcome["error"] and outcome["error"]["type"], outcome["dispositions"])
        here = local[fixture]
        assert told == (here["status"], here["error"] and here["error"]["type"], here["dispositions"])
        if (server.name, here["status"]) == ("ministack", "exited"):
            assert outcome["verdict"] == "changed"
            continue
        assert (outcome["signature"], outcome["verdict"]) == (here["signature"], here["verdict"])
    assert {each["status"] for each in there.values()} == {
        "failed",
        "timed_out",
        "exited",
        "unserialisable",
        "succeeded",
        "partially_failed",
    }
    if server.name == "ministack":
        return
    through_localstack = {**os.environ, "LOCALSTACK_HOST": server.url.removeprefix("http://")}
    monkeypatch.setattr(os, "environ", through_localstack)
    with (project / "pyproject.toml").open("a") as file:
        file.write(f'\n[tool.replay.targets.there]\nkind = "localstack"\nthrough = "function"\nfunction = "{name}"\n')
    again = replayed("run", "--target", "there", "--json")
    assert again[-1]["verdicts"] == {"reproduced": 5, "fixed": 1}
    ends = {each["fixture"]: each["dispositions"] for each in again if "fixture" in each}
    assert ends == {fixture: each["dispositions"] for fixture, each in local.items()}
    compared = replayed("run", "--target", "process", "--target", "there", "--json")
    assert compared[-1]["same"] == len(EVENTS), compared
    assert {tuple(each["not_compared"]) for each in compared[:-1]} == {("effects",)}
