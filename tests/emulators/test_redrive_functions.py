"""Dead letters of asynchronous invocations on a real Lambda: invoked again with what they failed on, once."""

import io
import json
import subprocess
import sys
import time
import uuid
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from replay.ledger.ledger import read_run, run_paths
from tests.cli.command_line import make_project
from tests.emulators.queues import Queue, new_queue
from tests.emulators.server import Server

pytestmark = pytest.mark.emulator

HERE = """\
def handler(event, context):
    return len(event["Records"])
"""
DEPLOYED = """\
import json, os
def handler(event, context):
    with open(os.environ["NOTES"], "a") as file:
        file.write(json.dumps(event) + "\\n")
    if not os.path.exists(os.environ["MENDED"]):
        raise KeyError("customer_id")
"""


@dataclass(frozen=True, slots=True)
class Deployed:
    """A function whose asynchronous invocations fail until it is mended, and its dead-letter queue."""

    client: Any
    name: str
    dead: Queue
    notes: Path
    mended: Path

    def mend(self) -> None:
        self.mended.touch()

    def invoke(self, text: str) -> None:
        self.client.invoke(FunctionName=self.name, InvocationType="Event", Payload=text.encode())

    def given(self) -> list[Any]:
        """The events that it was given, in order."""
        return [json.loads(line) for line in self.notes.read_text().splitlines()]


@pytest.fixture
def deployed(lambda_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deployed:
    monkeypatch.chdir(make_project(tmp_path, HERE))
    for name, value in (("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test"), ("AWS_DEFAULT_REGION", "us-east-1"), ("AWS_ENDPOINT_URL", lambda_server.url)):  # fmt: skip
        monkeypatch.setenv(name, value)
    dead = new_queue(lambda_server, "dead")
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as written:
        written.writestr("app.py", DEPLOYED)
    client: Any = boto3.client("lambda")
    name = f"orders-{uuid.uuid4().hex[:8]}"
    made = Deployed(client, name, dead, tmp_path / "notes.jsonl", tmp_path / "mended")
    client.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="app.handler",
        Role="arn:aws:iam::000000000000:role/orders",
        Code={"ZipFile": code.getvalue()},
        DeadLetterConfig={"TargetArn": dead.arn},
        Environment={"Variables": {"NOTES": str(made.notes), "MENDED": str(made.mended)}},
    )
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    client.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)
    return made


def wait_until(holds: Any, *, within_s: float = 30) -> None:
    until = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_what_succeeds_now_is_invoked_again_and_the_rest_stays(deployed: Deployed, tmp_path: Path) -> None:
    """Its function is found by its DeadLetterConfig; each event is given to it once more, byte for byte."""
    good = [f'{{"Records": [], "total": {number}.10}}' for number in range(4)]
    for text in [*good, '{"no": "records"}']:
        deployed.invoke(text)
    wait_until(lambda: deployed.dead.counts()[0] == 5)
    deployed.mend()
    before = len(deployed.given())
    words = ["redrive", deployed.dead.name, "--function", "f", "--judge", "local", "--execute", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "replay.cli.main", *words], check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1, done.stderr
    plan, *_, summary = map(json.loads, done.stdout.splitlines())
    assert any(each["arn"].endswith(f":function:{deployed.name}") for each in plan["destinations"])
    assert summary["outcomes"] == {"moved": 4, "still_fails": 1}
    wait_until(lambda: len(deployed.given()) >= before + 4)
    again = deployed.given()[before:]
    assert sorted(each["total"] for each in again) == [float(f"{number}.10") for number in range(4)]
    assert list(deployed.dead.bodies().values()) == ['{"no": "records"}']
    progress = read_run(run_paths(tmp_path)[0])
    assert (len(progress.acknowledged), progress.in_doubt) == (4, ())
