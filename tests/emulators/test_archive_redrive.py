"""`replay redrive` of an archive on real servers: EventBridge replays it, to the chosen rule only, and says how far it is."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from replay.ledger.ledger import read_run, run_paths
from tests.emulators.archives import REPLAY, Archive, new_archive
from tests.emulators.carried import wait_for
from tests.emulators.queues import Queue, new_queue
from tests.emulators.server import Server

pytestmark = pytest.mark.emulator

Redrive = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(params=["archives_server", "ministack_server"])
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Server:
    """A server whose archives can be replayed."""
    found: Server = request.getfixturevalue(request.param)
    monkeypatch.setenv("AWS_ENDPOINT_URL", found.url)
    return found


@pytest.fixture
def archive(server: Server) -> Archive:
    """An archive of three events, which nobody has received."""
    made = new_archive()
    made.put([{"order": number} for number in range(3)])
    return made


@pytest.fixture
def orders(server: Server, archive: Archive) -> Queue:
    """The queue behind the rule `to-orders`, which the events are meant for."""
    queue = new_queue(server, "orders")
    archive.client.put_rule(
        Name="to-orders", EventBusName=archive.bus, EventPattern=json.dumps({"source": ["shop.orders"]})
    )
    archive.client.put_targets(Rule="to-orders", EventBusName=archive.bus, Targets=[{"Id": "1", "Arn": queue.arn}])
    return queue


@pytest.fixture
def redrive(archive: Archive, tmp_path: Path) -> Redrive:
    def run(*words: str, rule: str = "to-orders") -> subprocess.CompletedProcess[str]:
        command = [*REPLAY, "redrive", f"archive:{archive.name}", "--all", "--rule", rule, "--json", *words]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)

    return run


def documents(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def order_numbers(queue: Queue) -> list[int]:
    return sorted(json.loads(body)["detail"]["order"] for body in queue.bodies().values())


def test_the_chosen_rule_gets_the_events_and_no_other(
    archive: Archive, orders: Queue, redrive: Redrive, tmp_path: Path
) -> None:
    """
    A rule for what is no replay gets none of them; the ledger knows the replay and its end: exit code 0.

    One that is switched off gets none on MiniStack either; LocalStack 4.14 delivers to it all the same.
    """
    billing, url = archive.other_rule()
    first_time_only = json.dumps({"source": ["shop.orders"], "replay-name": [{"exists": False}]})
    archive.client.put_rule(Name=billing, EventBusName=archive.bus, EventPattern=first_time_only)
    done = redrive("--since", "1h", "--execute")
    assert done.returncode == 0, done.stderr
    plan, *told = documents(done)
    assert plan["type"] == "plan"
    assert any("rule to-orders" in each for each in plan["destinations"][0]["seen_by"])
    assert told[-1]["status"] == "COMPLETED"
    bodies = [json.loads(body) for body in wait_for(lambda: list(orders.bodies().values()), 3)]
    assert sorted(body["detail"]["order"] for body in bodies) == [0, 1, 2]
    assert {body["replay-name"] for body in bodies} == {told[-1]["replay"]}
    sqs: Any = boto3.client("sqs")
    assert "Messages" not in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1)
    progress = read_run(run_paths(tmp_path)[0])
    assert list(progress.acknowledged) == [told[-1]["replay"]]
    assert progress.observed[told[-1]["replay"]]["outcome"] == "COMPLETED"
    assert progress.in_doubt == ()


def test_without_execute_nothing_is_replayed(archive: Archive, orders: Queue, redrive: Redrive, tmp_path: Path) -> None:
    """The plan says how much there is and who gets it; no replay is started, no ledger written: exit code 0."""
    done = redrive()
    assert done.returncode == 0, done.stderr
    (plan,) = documents(done)
    assert plan["events"] == 3
    assert "add --execute" in done.stderr
    assert archive.client.list_replays(EventSourceArn=_arn(archive))["Replays"] == []
    assert run_paths(tmp_path) == []
    assert order_numbers(orders) == []


def test_other_rules_are_refused_and_get_nothing(archive: Archive, orders: Queue, redrive: Redrive) -> None:
    """These servers ignore FilterArns (AWS heeds them: proved on the request): exit code 2, until the user's word is given."""
    billing, url = archive.other_rule()
    refused = redrive("--execute")
    assert refused.returncode == 2
    assert billing in refused.stderr
    assert archive.client.list_replays(EventSourceArn=_arn(archive))["Replays"] == []
    assert order_numbers(orders) == []
    agreed = redrive("--execute", "--other-rules")
    assert agreed.returncode == 0, agreed.stderr
    assert len(wait_for(lambda: list(orders.bodies().values()), 3)) == 3
    sqs: Any = boto3.client("sqs")
    assert sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1)["Messages"]


def test_another_rule_brings_nothing(orders: Queue, redrive: Redrive) -> None:
    """A rule that is not there is refused, and nothing is replayed: exit code 2."""
    nowhere = redrive("--execute", rule="nowhere")
    assert nowhere.returncode == 2
    assert "no rule nowhere" in nowhere.stderr
    assert order_numbers(orders) == []


def _arn(archive: Archive) -> str:
    return str(archive.client.describe_archive(ArchiveName=archive.name)["ArchiveArn"])
