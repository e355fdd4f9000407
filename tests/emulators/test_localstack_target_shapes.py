"""Events of every shape through their own services on LocalStack, and what a killed run leaves there."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.emulators.localstack_shop import (
    PROJECT,
    TEMPLATE,
    event,
    here_and_there,
    lead_to,
    make_shop,
    outcomes,
    record,
    replay,
)
from tests.emulators.server import Server

pytestmark = [pytest.mark.emulator, pytest.mark.xdist_group("the target localstack")]

FUNCTIONS = {
    "topic": ["topic"], "bus": ["bus"], "stream": ["stream"], "table": ["table"], "bucket": ["bucket"], "url": ["url"],
    "both": ["queue", "topic", "api"],
}  # fmt: skip
"""The shapes of the events that each function gets."""

BATCHES = {"queue", "stream", "table"}
"""Shapes of several records, whose function reports those that failed."""


@pytest.fixture
def folder(lambda_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    lead_to(lambda_server, monkeypatch)
    return tmp_path


def there(name: str) -> list[str]:
    """List what of a shop is on LocalStack, of whatever kind."""
    client: Any = {service: boto3.client(service) for service in ("lambda", "sqs", "sns", "events", "s3", "kinesis", "dynamodb", "logs")}  # fmt: skip
    names = [
        *(each["FunctionName"] for each in client["lambda"].list_functions()["Functions"]),
        *client["sqs"].list_queues(QueueNamePrefix=name).get("QueueUrls", []),
        *(each["TopicArn"] for each in client["sns"].list_topics()["Topics"]),
        *(each["Name"] for each in client["events"].list_event_buses()["EventBuses"]),
        *(each["Name"] for each in client["s3"].list_buckets()["Buckets"]),
        *client["kinesis"].list_streams()["StreamNames"],
        *client["dynamodb"].list_tables()["TableNames"],
        *(each["logGroupName"] for each in client["logs"].describe_log_groups()["logGroups"]),
    ]
    return [each for each in names if name in each]


def left_of(name: str) -> list[str]:
    """List what stays there of a shop: a stream that was deleted is listed for a moment longer, as on AWS."""
    until = time.monotonic() + 30
    while (found := there(name)) and time.monotonic() < until:
        time.sleep(0.2)
    return found


@pytest.mark.takes_long
def test_every_shape_ends_as_here(folder: Path) -> None:
    """
    Through a queue, topic, bus, stream, table, bucket, REST API and function URL: success, error and timeout as here.

    And of a queue's, a stream's and a table's batch the part that failed. All of it is made from the template by one run,
    which takes it away behind itself. One function has three ways in, and each event takes its own. Eight at once are kept
    apart by batches of one. What the stream's mapping gives up is read in a bucket; into a topic, where the bus's failures
    go, nobody can look: there the log tells the end.
    """
    name = make_shop(folder)  # what fails goes to: queues, the bucket `failed` (of the stream), a topic (of the bus)
    for function, shapes in FUNCTIONS.items():
        events = [event(shape, name, word) for shape in shapes for word in ("ok", "raise", "late")]
        events += [event(shape, name, "fine", "report") for shape in shapes if shape in BATCHES]
        record(folder, f"{name}-{function}", *events)
    here, on_localstack = here_and_there("--target", "localstack", "--concurrency", "8")
    assert on_localstack == here
    statuses = Counter(each[1] for each in here.values())
    assert statuses == {"succeeded": 9, "failed": 9, "timed_out": 9, "partially_failed": len(BATCHES)}
    assert left_of(name) == []


def test_what_is_there_is_used_and_told(folder: Path) -> None:
    """
    Deployed by its user, a function is found by what leads to it, and the plan names who else gets the events.

    A rule of somebody else that would get the event is a refusal, until `other_rules` says that it may.
    """
    name = make_shop(folder, TEMPLATE[: TEMPLATE.index("  Clicks:")] + ROUTES)
    record(folder, f"{name}-both", event("queue", name, "ok"), event("topic", name, "ok"))
    record(folder, f"{name}-bus", event("bus", name, "ok"))
    missing = replay("run", f"{name}-both/*", "--target", "found", "--dry-run")
    assert f"the function {name}-both is not on LocalStack" in missing.stderr
    plain = deploy(folder, name)
    plan = " ".join(replay("run", f"{name}-both/*", "--target", "found", "--dry-run").stderr.split())
    assert f"seen by function {name}-both, through queue {name}-orders" in plan
    assert f"seen by sqs {name}-audit, through topic {name}-news" in plan
    assert f"travel through queue {name}-orders, topic {name}-news" in plan
    assert f"the log group /aws/lambda/{name}-both" in plan
    queue = replay("run", f"{name}-both/*", "--target", f"sqs:{name}-orders", "--dry-run").stderr
    assert f"seen by function {name}-both" in queue  # by the target `sqs` too, on this machine as anywhere
    refused = replay("run", f"{name}-bus/*", "--target", "found")
    assert refused.exit_code == 2
    assert f"1 other rule of bus {name}-bus would get it too" in refused.stderr
    with (folder / "pyproject.toml").open("a") as file:
        file.write("other_rules = true\n")
    assert {each[:2] for each in outcomes("--target", "found").values()} == {("fixed", "succeeded")}
    plain.delete_stack(StackName=name)


ROUTES = """\
  Both:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: NAME-both
      Events:
        Queue: {Type: SQS, Properties: {Queue: !GetAtt Orders.Arn}}
        Topic: {Type: SNS, Properties: {Topic: !Ref News}}
  Audit: {Type: AWS::SQS::Queue, Properties: {QueueName: NAME-audit}}
  Audited: {Type: AWS::SNS::Subscription, Properties: {TopicArn: !Ref News, Protocol: sqs, Endpoint: !GetAtt Audit.Arn}}
  OnBus:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: NAME-bus
      Events: {In: {Type: EventBridgeRule, Properties: {EventBusName: !Ref Bus, Pattern: {source: [shop.orders]}}}}
  Watcher:
    Type: AWS::Events::Rule
    Properties:
      EventBusName: !Ref Bus
      EventPattern: {source: [{prefix: shop}]}
      Targets: [{Id: audit, Arn: !GetAtt Audit.Arn}]
"""


def deploy(folder: Path, name: str) -> Any:
    """Deploy the template as its user would."""
    from replay.project import open_project
    from replay.targets.localstack_parts.deployable import deployable
    from replay.targets.localstack_parts.made_stack import zipped

    what = deployable(open_project(folder).catalog.get(f"{name}-both"))
    boto3.client("s3").create_bucket(Bucket=name)
    boto3.client("s3").put_object(Bucket=name, Key="code.zip", Body=zipped(folder / "src"))
    client: Any = boto3.client("cloudformation")
    template = what.with_code(name, dict.fromkeys(what.code, "code.zip"))
    client.create_stack(StackName=name, TemplateBody=template, Capabilities=["CAPABILITY_IAM"])
    client.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    return client


def test_http_apis_are_refused(folder: Path) -> None:
    """LocalStack's community release has none: it says so, and that the function itself can be invoked."""
    template = TEMPLATE[: TEMPLATE.index("  Dead:")] + (
        "  Web:\n    Type: AWS::Serverless::Function\n    Properties:\n      FunctionName: NAME-web\n"
        "      Events: {In: {Type: HttpApi, Properties: {Path: /orders, Method: post}}}\n"
    )
    name = make_shop(folder, template)
    request = event("url", name, "raise")
    request["requestContext"]["domainName"] = "abc.execute-api.us-east-1.amazonaws.com"
    record(folder, f"{name}-web", request)
    assert [each[1] for each in outcomes().values()] == ["failed"]
    done = replay("run", "--target", "localstack")
    assert done.exit_code == 2
    assert "LocalStack's community release has no HTTP APIs (API Gateway v2)" in done.stdout
    assert 'through = "function"' in done.stdout
    settings = (folder / "pyproject.toml").read_text().replace("make = false", 'through = "function"')
    (folder / "pyproject.toml").write_text(settings)
    assert outcomes("--target", "found") == outcomes()


def test_a_killed_run_leaves_nothing_for_good(folder: Path) -> None:
    """
    SIGKILL in the middle leaves the stack: `replay doctor` tells of it and removes it, and so does the next run.

    What a run has made that still goes on is neither taken away nor used by another run.
    """
    name = make_shop(folder, TEMPLATE[: TEMPLATE.index("  Bus:")] + ROUTES[: ROUTES.index("  Audit:")])
    record(folder, f"{name}-both", event("queue", name, "raise"))
    running = killed_when_sent(folder, kill=False)
    other = replay("run", "--target", "localstack")
    assert "another run has made the function" in other.stderr
    running.kill()
    running.wait()
    stack = left(name)
    told = replay("doctor", "--leftovers", "--endpoint-url", "localstack")
    assert f"has left: stack {stack}, bucket {stack}" in " ".join(told.stdout.split())
    assert "replay doctor --leftovers --remove --endpoint-url localstack removes it" in " ".join(told.stdout.split())
    removed = replay("doctor", "--leftovers", "--remove", "--endpoint-url", "localstack")
    assert f"removed stack {stack}, bucket {stack}" in " ".join(removed.stdout.split())
    assert [each for each in there(name) if "/aws/lambda/" not in each] == []
    killed_when_sent(folder)
    again = left(name)
    plan = replay("run", "--target", "localstack", "--dry-run")
    assert f"first the stack {again} is removed" in " ".join(plan.stderr.split())
    ((verdict, status, *told_of_it),) = outcomes("--target", "localstack").values()
    assert (verdict, status) == ("reproduced", "failed")
    assert f"the stack {again}, which a killed run had left on LocalStack, was removed first" in told_of_it
    assert [each for each in there(name) if "/aws/lambda/" not in each] == []


def killed_when_sent(folder: Path, *, kill: bool = True) -> subprocess.Popen[bytes]:
    """Begin a run, wait until it has sent something, and kill it."""
    before = set((folder / ".replay" / "runs").glob("*.jsonl"))
    run = subprocess.Popen(
        [sys.executable, "-m", "replay.cli.main", "run", "--target", "localstack"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )  # fmt: skip
    deadline = time.monotonic() + 90
    while not any('"sent"' in each.read_text() for each in set((folder / ".replay" / "runs").glob("*.jsonl")) - before):
        assert run.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    if kill:
        run.send_signal(signal.SIGKILL)
        run.wait()
    return run


def left(name: str) -> str:
    """Give the name of the stack that holds the function."""
    client: Any = boto3.client("cloudformation")
    stacks = [each["StackName"] for each in client.describe_stacks()["Stacks"] if each["StackStatus"] == "CREATE_COMPLETE"]  # fmt: skip
    held = {each: json.dumps(client.describe_stack_resources(StackName=each)["StackResources"], default=str) for each in stacks}  # fmt: skip
    (found,) = (each for each, text in held.items() if f"{name}-both" in text)
    return str(found)
