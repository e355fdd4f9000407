"""Redriving on real servers: what now succeeds goes back exactly, the rest stays, and nothing is lost on the way."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from replay.ledger.ledger import read_run, run_paths
from tests.cli.command_line import make_project
from tests.emulators.fault_proxy import Faults, fault_proxy
from tests.emulators.queues import Queue, new_queue, send_concurrently
from tests.emulators.server import Server

pytestmark = pytest.mark.emulator

HANDLER = """\
def handler(event, context):
    for record in event["Records"]:
        if "poison" in record["body"]:
            raise KeyError("customer_id")
"""
LEASE_S = 2
KILLS = 10


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(make_project(tmp_path, HANDLER))
    for name, value in (("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test"), ("AWS_DEFAULT_REGION", "us-east-1")):  # fmt: skip
        monkeypatch.setenv(name, value)
    return tmp_path


def command(dead: Queue, to: Queue, *options: str) -> list[str]:
    words = ["redrive", dead.url.rpartition("/")[2], "--function", "f", "--judge", "local", "--to", to.name, "--json"]
    return [sys.executable, "-m", "replay.cli.main", *words, "--visibility-timeout-s", str(LEASE_S), *options]


def redriven(dead: Queue, to: Queue, *options: str, endpoint: str = "") -> tuple[int, list[dict[str, Any]]]:
    environment = {**os.environ, **({"AWS_ENDPOINT_URL": endpoint} if endpoint else {})}
    done = subprocess.run(
        command(dead, to, *options), check=False, capture_output=True, text=True, env=environment, timeout=300
    )
    assert done.returncode in {0, 1, 2}, done.stderr
    assert done.stdout, done.stderr
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def test_only_what_succeeds_goes_back_exactly(emulator: Server, project: Path) -> None:
    """Body and attributes of every type arrive as they were; what still fails stays; a dry run moves nothing."""
    dead, to = new_queue(emulator, "dead"), new_queue(emulator, "source")
    attributes = {
        "kind": {"DataType": "String", "StringValue": "order"},
        "count": {"DataType": "Number.int", "StringValue": "7"},
        "bytes": {"DataType": "Binary", "BinaryValue": b"\x00\xff\xfe"},
    }
    bodies = ["{}", "not json {{{", '{"a": 1.10,  "a": 2}', "ünï ✓ \U0001f600", "x" * 70_000]
    poison = [json.dumps({"poison": number}) for number in range(3)]
    dead.send([{"MessageBody": body, "MessageAttributes": attributes} for body in [*bodies, *poison]])

    code, documents = redriven(dead, to)
    assert code == 1
    assert documents[-1]["outcomes"] == {"would_move": 5, "still_fails": 3}
    assert to.counts() == (0, 0)
    assert run_paths(project) == []

    code, documents = redriven(dead, to, "--execute")
    assert code == 1
    assert documents[-1]["outcomes"] == {"moved": 5, "still_fails": 3}
    assert documents[-1]["reasons"] == {"KeyError": 3}
    arrived = to.take_all().values()
    assert sorted(message["Body"] for message in arrived) == sorted(bodies)
    assert all(message["MessageAttributes"] == attributes for message in arrived)
    assert sorted(message["Body"] for message in dead.take_all().values()) == sorted(poison)
    progress = read_run(run_paths(project)[0])
    assert (len(progress.acknowledged), progress.in_doubt) == (5, ())


def test_groups_keep_their_order(emulator: Server, project: Path) -> None:
    """Of a FIFO queue each group arrives in its order, under its own name."""
    dead = new_queue(emulator, "dead", FifoQueue="true")
    to = new_queue(emulator, "source", FifoQueue="true")
    for number in range(30):
        group = f"g{number % 3}"
        body = {"MessageBody": f"{group} {number:02}", "MessageGroupId": group, "MessageDeduplicationId": str(number)}
        dead.send([body])
    code, documents = redriven(dead, to, "--execute")
    assert (code, documents[-1]["outcomes"]) == (0, {"moved": 30})
    arrived = list(to.take_all().values())
    for group in ("g0", "g1", "g2"):
        mine = [message for message in arrived if message["Attributes"]["MessageGroupId"] == group]
        assert [message["Body"] for message in mine] == sorted(message["Body"] for message in mine)
        assert len(mine) == 10


@pytest.mark.takes_long
@pytest.mark.parametrize(("name", "count"), [("ministack", 5000), ("localstack", 500)])
def test_on_a_bad_line_nothing_is_lost_and_every_double_is_named(
    request: pytest.FixtureRequest, project: Path, monkeypatch: pytest.MonkeyPatch, name: str, count: int
) -> None:
    """
    Entries that fail, throttles, dropped connections, lost and doubled answers: all arrive, and what arrives twice is
    what the ledger has in doubt.
    """
    server = _asked(request, monkeypatch, name)
    dead, to = new_queue(server, "dead"), new_queue(server, "source")
    by_body = _filled(dead, count)
    faults = Faults()
    options = ("--execute", "--concurrency", "8")
    with fault_proxy(server.url, faults) as url:
        code, told = redriven(dead, to, *options, endpoint=url)
        documents = told
        while code == 2 and dead.bodies():  # what could not be deleted, or not be sent, is for --resume
            assert documents[-1]["outcomes"].keys() & {"not_deleted", "not_sent"}
            time.sleep(LEASE_S)
            code, documents = redriven(dead, to, "--resume", "last", *options[1:], endpoint=url)
            told += documents
    assert all(faults.met[fault] for fault in ("entry", "throttled", "dropped", "lost", "twice"))
    doubled = _arrived_once_or_named(project, dead, to, by_body)
    progress = read_run(run_paths(project)[0])
    assert doubled <= sum(progress.sent[key] - progress.answers.get(key, 0) for key in progress.in_doubt)
    named = {each["message_id"] for each in told if each["type"] == "message" and each["doubtful"]}
    assert named
    assert named <= set(progress.in_doubt)


@pytest.mark.takes_long
def test_killed_ten_times_it_is_gone_on_with(
    request: pytest.FixtureRequest, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGKILL at ten random moments, then --resume: every message arrives, twice only what the ledger has in doubt."""
    chance = random.Random(7)
    server = _asked(request, monkeypatch, "ministack")
    dead, to = new_queue(server, "dead"), new_queue(server, "source")
    count, pace = 5000, ("--concurrency", "8")
    by_body = _filled(dead, count)
    options: tuple[str, ...] = ("--execute",)
    in_the_middle = 0
    for _ in range(KILLS):
        before = len(read_run(run_paths(project)[0]).acknowledged) if run_paths(project) else 0
        _kill_after(command(dead, to, *options, *pace), project, before + chance.randrange(1, count // KILLS))
        options = ("--resume", "last") if run_paths(project) else options
        in_the_middle += 0 < len(read_run(run_paths(project)[0]).acknowledged) < count
        _wait_for_leases(dead)
    assert in_the_middle >= KILLS // 2  # else the kills have shown nothing
    code, documents = redriven(dead, to, *options, *pace)
    while code == 2:  # on a busy machine a lease may run out between send and delete: that is for --resume too
        assert documents[-1]["outcomes"].keys() <= {"moved", "not_deleted"}
        _wait_for_leases(dead)
        code, documents = redriven(dead, to, *options, *pace)
    assert code == 0
    _arrived_once_or_named(project, dead, to, by_body)
    assert len(run_paths(project)) == 1


def _asked(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, name: str) -> Server:
    server: Server = request.getfixturevalue(f"{name}_server")
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    return server


def _filled(dead: Queue, count: int) -> dict[str, str]:
    """Fill a queue; give the message ids by body."""
    sent = send_concurrently(dead, [{"MessageBody": json.dumps({"id": number})} for number in range(count)])
    return {entry["MessageBody"]: identity for identity, entry in sent.items()}


def _arrived_once_or_named(project: Path, dead: Queue, to: Queue, by_body: dict[str, str]) -> int:
    """Every message is where it should be, and those that are there twice are in doubt; give how many are too many."""
    arrived = Counter(to.bodies().values())
    assert arrived.keys() == by_body.keys()
    assert dead.bodies() == {}
    progress = read_run(run_paths(project)[0])
    assert {by_body[body] for body, count in arrived.items() if count > 1} <= set(progress.in_doubt)
    return sum(arrived.values()) - len(by_body)


def _wait_for_leases(dead: Queue) -> None:
    """Wait until what a killed redrive held is back in its queue."""
    until = time.monotonic() + LEASE_S + 1
    while dead.counts()[1] and time.monotonic() < until:
        time.sleep(0.1)


def _kill_after(words: list[str], project: Path, acknowledged: int) -> None:
    """Start a redrive, and kill it as soon as its ledger has so many acknowledgements."""
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while process.poll() is None:
            paths = run_paths(project)
            if paths and paths[0].read_bytes().count(b'"acknowledged"') >= acknowledged:
                break
            time.sleep(0.002)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def test_all_are_moved_by_sqs_itself(localstack_server: Server, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--all starts a message move task, tells its progress, and every message is where it came from."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", localstack_server.url)
    dead = new_queue(localstack_server, "dead")
    source = new_queue(
        localstack_server,
        "source",
        RedrivePolicy={"deadLetterTargetArn": dead.arn, "maxReceiveCount": 1},
        VisibilityTimeout="0",
    )
    source.send([{"MessageBody": str(number)} for number in range(20)])
    while sum(source.counts()):  # each is received once, and then moved by the redrive policy
        source.receive(visibility_timeout_s=0)
    words = [sys.executable, "-m", "replay.cli.main", "redrive", dead.name, "--all", "--json"]
    planned = subprocess.run(words, check=False, capture_output=True, text=True)
    assert planned.returncode == 0, planned.stderr
    assert dead.counts()[0] == 20
    done = subprocess.run([*words, "--execute"], check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    last = json.loads(done.stdout.splitlines()[-1])
    assert (last["status"], last["moved"]) == ("COMPLETED", 20)
    assert len(source.bodies()) == 20
