"""The targets `stepfunctions` and `stepfunctions-map` on real servers: executions end as their function does."""

import gzip
import io
import json
import os
import signal
import subprocess
import sys
import time
import uuid
import zipfile
from pathlib import Path
from typing import Any

import boto3
import pytest

from replay.functions.function import Function
from replay.targets.carrier import Sighting, Sought
from replay.targets.stepfunctions import StepFunctionsTarget
from tests.cli.command_line import make_project
from tests.emulators.archives import doctor
from tests.emulators.carried import send
from tests.emulators.environments import install
from tests.emulators.functions import new_function
from tests.emulators.localstack import ENVIRONMENT
from tests.emulators.ministack import bootstrap
from tests.emulators.server import Server

pytestmark = pytest.mark.emulator

WITHIN_S = 60
ROLE = "arn:aws:iam::000000000000:role/told"
HANDLER = """\
import time


def handler(event, context):
    if event["do"] == "raise":
        raise KeyError("customer_id")
    if event["do"] == "late":
        time.sleep(60)
    return {"done": event["id"]}
"""


@pytest.fixture(params=["lambda_server", "ministack_server"])
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Server:
    """A server with Lambda and Step Functions, that every AWS client now talks to."""
    found: Server = request.getfixturevalue(request.param)
    monkeypatch.setenv("AWS_ENDPOINT_URL", found.url)
    return found


def new_machine(function_arn: str) -> str:
    invoke = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": function_arn, "Payload.$": "$"},
        "OutputPath": "$.Payload",
        "End": True,
    }
    client: Any = boto3.client("stepfunctions")
    name = f"orders-{uuid.uuid4().hex[:8]}"
    definition = json.dumps({"StartAt": "Invoke", "States": {"Invoke": invoke}})
    return str(client.create_state_machine(name=name, definition=definition, roleArn=ROLE)["stateMachineArn"])


def seen(target: StepFunctionsTarget, function: Function, *arns: str) -> dict[str, Sighting]:
    """Look until each execution was seen to end."""
    (watch,) = target.watches(function)
    found: dict[str, Sighting] = {}
    deadline = time.monotonic() + WITHIN_S
    while len(found) < len(arns):
        assert time.monotonic() < deadline, watch.reason()
        sought = [Sought(key=arn, signs=("marker", arn), sent_at_ms=0) for arn in arns]
        found.update((each.keys[0], each) for each in watch.look(sought))
        time.sleep(0.1)
    return found


def test_each_end_is_observed(server: Server, tmp_path: Path) -> None:
    """Success with its output, and a handler's error: with its own type on LocalStack, and as far as MiniStack tells it."""
    told = new_function(tmp_path, "told")
    function = Function(name="told", handler="told_handler.handler", code=tmp_path)
    with StepFunctionsTarget(function, state_machine=new_machine(told.arn)) as target:
        good, bad = (
            each.identity for each in send(target, '{"do": "ok", "order": 1.50}', '{"do": "raise", "order": 2}')
        )
        found = seen(target, function, good, bad)
    assert found[good].reply is not None
    assert (found[good].reply.status, found[good].settled) == ("returned", "processed")
    failed = found[bad].reply
    assert failed is not None
    assert failed.failure is not None
    assert (failed.status, found[bad].settled) == ("raised", "discarded")
    if server.name == "localstack":
        assert failed.failure.frames
    assert sorted(each["order"] for each in told.events()) == [1.5, 2]


def replayed(*words: str) -> tuple[int, list[dict[str, Any]], str]:
    done = subprocess.run(
        [sys.executable, "-m", "replay.cli.main", *words], check=False, capture_output=True, text=True, env=os.environ
    )
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def test_verdicts_are_those_of_the_local_target(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through the command line: success, error and timeout as here, with the same error from the same line."""
    archive = tmp_path / "project"
    archive.mkdir()
    events = [{"do": "raise", "id": 1}, {"do": "ok", "id": 2}, {"do": "late", "id": 3}]
    monkeypatch.chdir(make_project(archive, HANDLER, *events, settings="timeout_s = 2\n"))
    machine = new_machine(deployed(server, f"orders-{uuid.uuid4().hex[:8]}"))
    assert replayed("record", "files", "events.jsonl", "--function", "f", "--json")[0] == 0
    here = {each["fixture"]: each for each in replayed("run", "--json")[1] if each["type"] == "outcome"}
    code, told, stderr = replayed("run", "--target", f"stepfunctions:{machine}", "--json")
    there = {each["fixture"]: each for each in told if each["type"] == "outcome"}
    assert there.keys() == here.keys(), stderr
    words = ("verdict", "status", "signature")
    for fixture, outcome in there.items():
        assert [outcome[word] for word in words] == [here[fixture][word] for word in words], (outcome, stderr)
    assert code == 1


def deployed(server: Server, name: str) -> str:
    """Deploy the handler of the project, on MiniStack under AWS's own runtime client, and give its ARN."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as written:
        written.writestr("app.py", HANDLER)
        member = zipfile.ZipInfo("bootstrap")
        member.external_attr = 0o755 << 16
        written.writestr(member, bootstrap(install(ENVIRONMENT)))
    client: Any = boto3.client("lambda")
    made = client.create_function(
        FunctionName=name, Runtime="provided.al2023" if server.name == "ministack" else "python3.13",
        Handler="app.handler", Role=ROLE, Timeout=2, Code={"ZipFile": archive.getvalue()},
    )  # fmt: skip
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    return str(made["FunctionArn"])


def test_a_distributed_map_invokes_each_event_once(
    ministack_server: Server, own_account: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    On MiniStack, which takes the whole definition and runs it: every event of the corpus comes to the function, once.

    It writes no results to S3 and tells of failed items nothing (LocalStack takes no JSON Lines): those have no answer
    here, and results are proved in tests/targets. The state machine is gone afterwards.
    """
    monkeypatch.setenv("AWS_ENDPOINT_URL", ministack_server.url)
    function = new_function(tmp_path, "told")
    bucket = f"corpus-{uuid.uuid4().hex[:8]}"
    s3: Any = boto3.client("s3")
    s3.create_bucket(Bucket=bucket)
    section = (
        f'[tool.replay.targets.big]\nkind = "stepfunctions-map"\nfunction = "{function.name}"\n'
        f'place = "s3://{bucket}/replays"\nrole = "{ROLE}"\nmax_concurrency = 5\n'
    )
    events = [{"do": "ok", "id": number} for number in range(20)] + [{"do": "raise", "id": 20}]
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(make_project(project, HANDLER, *events, settings=section))
    assert replayed("record", "files", "events.jsonl", "--function", "f", "--json")[0] == 0
    code, told, stderr = replayed("run", "--target", "big", "--json")
    assert code == 2, stderr
    assert told[-1]["total"] == 21
    assert sorted(each["id"] for each in function.events()) == list(range(21))
    assert told[-1]["verdicts"] == {"fixed": 20, "error": 1}, stderr
    client: Any = boto3.client("stepfunctions")
    names = [each["name"] for each in client.list_state_machines()["stateMachines"]]
    assert not [name for name in names if name.startswith("event-replay-")]
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert len([key for key in keys if key.endswith("/items.jsonl")]) == 1


def test_a_map_that_localstack_does_not_take_leaves_nothing(
    lambda_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LocalStack takes no JSON Lines, and says so: that is told, nothing is invoked, and no state machine stays."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", lambda_server.url)
    function = new_function(tmp_path, "told")
    bucket = f"corpus-{uuid.uuid4().hex[:8]}"
    boto3.client("s3").create_bucket(Bucket=bucket)
    section = (
        f'[tool.replay.targets.big]\nkind = "stepfunctions-map"\nfunction = "{function.name}"\n'
        f'place = "s3://{bucket}/replays"\nrole = "{ROLE}"\n'
    )
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(make_project(project, HANDLER, {"do": "raise", "id": 1}, settings=section))
    assert replayed("record", "files", "events.jsonl", "--function", "f", "--json")[0] == 0
    code, _, stderr = replayed("run", "--target", "big", "--json")
    assert code == 2
    assert "AWS refused CreateStateMachine" in stderr
    assert "'JSONL' is not a valid" in stderr
    assert function.events() == []
    assert our_machines() == []


def test_captured_events_of_a_bucket_are_invoked_once(
    ministack_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Events that are no fixtures, out of S3 on MiniStack, packed and not: counted, invoked once each, and judged.

    As it tells nothing of failed items, those have no answer here: how they are judged is proved in tests/targets.
    """
    monkeypatch.setenv("AWS_ENDPOINT_URL", ministack_server.url)
    function = new_function(tmp_path, "told")
    bucket = f"corpus-{uuid.uuid4().hex[:8]}"
    s3: Any = boto3.client("s3")
    s3.create_bucket(Bucket=bucket)
    lines = [json.dumps({"do": "ok", "id": number}) + "\n" for number in range(12)]
    s3.put_object(Bucket=bucket, Key="captured/a.jsonl", Body="".join(lines[:7]).encode())
    s3.put_object(Bucket=bucket, Key="captured/b.jsonl.gz", Body=gzip.compress("".join(lines[7:]).encode()))
    section = (
        f'[tool.replay.targets.big]\nkind = "stepfunctions-map"\nfunction = "{function.name}"\n'
        f'place = "s3://{bucket}/replays"\nrole = "{ROLE}"\nmax_concurrency = 5\n'
    )
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(make_project(project, HANDLER, settings=section))
    place = f"s3://{bucket}/captured"
    code, plan, stderr = replayed("run", "--target", "big", "--events", place, "--dry-run", "--json")
    assert (code, plan[0]["events"]) == (0, 12), stderr
    assert function.events() == []
    code, told, stderr = replayed("run", "--target", "big", "--events", place, "--json")
    assert (code, told[-1]["verdicts"]) == (0, {"succeeded": 12}), stderr
    assert sorted(each["id"] for each in function.events()) == list(range(12))
    assert {each["event"] for each in told[:-1]} >= {f"{place}/a.jsonl:7", f"{place}/b.jsonl.gz:1"}
    assert our_machines() == []


def our_machines() -> list[str]:
    client: Any = boto3.client("stepfunctions")
    names = [each["name"] for each in client.list_state_machines()["stateMachines"]]
    return [name for name in names if name.startswith("event-replay-")]


@pytest.mark.parametrize(
    ("with_signal", "after_an_event"), [(signal.SIGINT, False), (signal.SIGKILL, False), (signal.SIGKILL, True)]
)
def test_a_run_that_is_broken_off_leaves_nothing_for_long(
    ministack_server: Server,
    own_account: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    with_signal: signal.Signals,
    after_an_event: bool,
) -> None:
    """Ctrl-C removes the state machine itself; what SIGKILL leaves `replay doctor` names and removes; --resume invokes nothing."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", ministack_server.url)
    function = new_function(tmp_path, "told")
    bucket = f"corpus-{uuid.uuid4().hex[:8]}"
    boto3.client("s3").create_bucket(Bucket=bucket)
    section = (
        f'[tool.replay.targets.big]\nkind = "stepfunctions-map"\nfunction = "{function.name}"\n'
        f'place = "s3://{bucket}"\nrole = "{ROLE}"\nmax_concurrency = 1\n'
    )
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(
        make_project(project, HANDLER, *({"do": "ok", "id": number} for number in range(80)), settings=section)
    )
    assert replayed("record", "files", "events.jsonl", "--function", "f", "--json")[0] == 0
    command = [sys.executable, "-m", "replay.cli.main", "run", "--target", "big", "--json"]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + WITHIN_S
    try:
        while not (function.events() if after_an_event else our_machines()) and running.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        running.send_signal(with_signal)
        code = running.wait(30)
    finally:
        running.kill()
        running.wait()
    left = our_machines()
    if with_signal == signal.SIGINT:
        assert (code, left) == (130, [])
    else:
        assert len(left) == 1, "it was killed too late, and has shown nothing"
        assert doctor(project)[0] == 1
        assert our_machines() == left
        code, findings = doctor(project, "--remove")
        assert (code, our_machines()) == (0, [])
        assert left[0] in str(findings)
    replayed("run", "--resume", "last", "--json")
    numbers = [each["id"] for each in function.events()]
    assert len(numbers) == len(set(numbers)), "nothing is invoked twice"
    assert our_machines() == []
