"""Whole screens, as a user sees them: a change of any word shows up in a review of the snapshot beside this file."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest
from moto import mock_aws
from moto.moto_api._internal import mock_random
from syrupy.assertion import SnapshotAssertion

from tests.cli.command_line import CommandLine, Result, message
from tests.screens.pinned import pinned

RECORD = ("record", "files", "--path", "messages.json", "--function", "orders")
Screen = Callable[..., str]


@pytest.fixture
def screen(replay_: CommandLine, tmp_path: Path) -> Screen:
    """Give a function that shows a command, its output on both streams, and its exit code."""

    def show(*arguments: str) -> str:
        result = replay_(*arguments)
        assert "\x1b" not in result.stdout + result.stderr
        return pinned(_written(arguments, result), tmp_path)

    return show


def _written(arguments: tuple[str, ...], result: Result) -> str:
    parts = [f"$ replay {' '.join(arguments)}", result.stdout.rstrip("\n")]
    if result.stderr:
        parts += ["--- stderr", result.stderr.rstrip("\n")]
    return "\n".join([*parts, f"--- exit code {result.exit_code}", ""])


def test_help(screen: Screen, orders: Path, snapshot: SnapshotAssertion) -> None:
    """The help of `replay` and of each command."""
    commands = ("record", "list", "show", "run", "redrive", "runs", "expect", "migrate", "schema", "doctor", "demo")
    screens = [screen("--help"), *(screen(command, "--help") for command in commands)]
    screens += [screen("record", source, "--help") for source in ("files", "sqs")]
    assert "\n".join(screens) == snapshot


def test_the_loop(screen: Screen, orders: Path, snapshot: SnapshotAssertion) -> None:
    """Record, list, run, fix, run, expect, run: what a developer on call sees."""
    screens = [screen(*RECORD), screen(*RECORD), screen("list"), screen("run"), screen("list", "orders/*")]
    shutil.copytree("fixed", "src", dirs_exist_ok=True)
    screens += [screen("run"), screen("expect", "orders", "now"), screen("run")]
    assert "\n".join(screens) == snapshot


def test_the_loop_as_json(screen: Screen, orders: Path, snapshot: SnapshotAssertion) -> None:
    """The same with --json: one document per line, and a summary at last."""
    screens = [screen(*RECORD, "--limit", "3", "--json"), screen("run", "--json"), screen("list", "--json")]
    screens += [screen("expect", "orders", "succeeds", "--json"), screen("run", "--json")]
    for each in screens:
        lines = [json.loads(line) for line in each.splitlines() if line.startswith("{")]
        assert [line["type"] == "summary" for line in lines] == [False] * (len(lines) - 1) + [True]
    assert "\n".join(screens) == snapshot


def test_a_red_run(screen: Screen, orders: Path, snapshot: SnapshotAssertion) -> None:
    """What is not as expected is explained, once for each kind, with the payload and how to run it again."""
    assert "exit code 0" in screen(*RECORD)
    assert "exit code 0" in screen("run")
    assert screen("run", "--red") == snapshot


def test_one_fixture(screen: Screen, orders: Path, replay_: CommandLine, snapshot: SnapshotAssertion) -> None:
    """`show` before and after its failure is known, also as JSON and as the exact event."""
    replay_(*RECORD, "--limit", "1")
    (found,) = Path("fixtures/orders").glob("*--*")
    number = found.name.rpartition("--")[2]
    screens = [screen("show", number), screen("run"), screen("show", number)]
    screens += [screen("show", number, "--json"), screen("show", number, "--event")]
    assert "\n".join(screens) == snapshot


def test_a_first_in_first_out_message(
    screen: Screen, orders: Path, replay_: CommandLine, snapshot: SnapshotAssertion
) -> None:
    """`show` tells the group, the order and the deduplication of a FIFO message, and what was redacted."""
    body = json.dumps({"order_id": "o-1", "costumer_id": "c-9", "email": "ada@example.com"})
    fifo = message(
        0,
        body,
        MessageGroupId="shop-7",
        MessageDeduplicationId="o-1",
        SequenceNumber="18849496460467696128",
        DeadLetterQueueSourceArn="arn:aws:sqs:us-east-1:123456789012:orders.fifo",
    )
    Path("fifo.json").write_text(json.dumps({"Messages": [fifo]}))
    replay_("record", "files", "--path", "fifo.json", "--function", "orders")
    screens = [screen("run", "--red"), screen("show", "orders")]
    assert "\n".join(screens) == snapshot


def test_a_queue(screen: Screen, orders: Path, snapshot: SnapshotAssertion) -> None:
    """`record sqs` gives everything back, drains what it was told to, and says which it was."""
    with mock_aws():
        import boto3

        mock_random.seed(7)
        sqs = boto3.client("sqs")
        url = sqs.create_queue(QueueName="orders-dlq")["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody='{"order_id": "o-1", "email": "ada@example.com"}')
        command = ("record", "sqs", "--queue", "orders-dlq", "--function", "orders", "--wait-s", "0")
        screens = [screen(*command), screen(*command, "--drain", "--json")]
        screens += [screen(*command, "--drain", "--accept-redacted"), screen(*command)]
        screens += [screen("record", "sqs", "--queue", "order-dlq", "--function", "orders")]
    assert "\n".join(screens) == snapshot


def test_what_could_not_run(screen: Screen, orders: Path, snapshot: SnapshotAssertion) -> None:
    """A function that is not there, a fixture that is broken, and one that is fine, in one run."""
    screen(*RECORD, "--limit", "2")
    screen("record", "files", "--path", "messages.json", "--function", "elsewhere", "--limit", "6")
    broken = min(Path("fixtures/orders").glob("*--*"))
    (broken / "fixture.json").write_text("{")
    screens = [screen("run"), screen("run", "--json"), screen("list"), screen("list", "--json"), screen("doctor")]
    screens += [screen("expect", "*", "succeeds"), screen("migrate"), screen("migrate", "--json")]
    assert "\n".join(screens) == snapshot


def test_doctor(screen: Screen, orders: Path, snapshot: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is well, what might not be, and what is wrong, each with what to do."""
    screens = [screen("doctor")]
    screen(*RECORD, "--limit", "1")
    (found,) = Path("fixtures/orders").glob("*--*")
    screens += [screen("doctor", "--json"), screen("migrate")]
    (found / "event.json").write_text('{"Records": []}')
    Path("fixtures", f".tmp-00000000-{os.getpid()}-0").mkdir()
    os.utime(Path("fixtures", f".tmp-00000000-{os.getpid()}-0"), (0, 0))
    Path("pyproject.toml").write_text(
        '[tool.replay.functions.orders]\nhandler = "app.handle"\nsetup = "nosuch:prepare"\ntimeout_s = 20\n'
        'runtime = "python3.9"\n'
    )
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    screens += [screen("doctor"), screen("list"), screen("expect", "*", "reproduces")]
    assert "\n".join(screens) == snapshot


def test_colours(
    orders: Path, replay_: CommandLine, monkeypatch: pytest.MonkeyPatch, snapshot: SnapshotAssertion
) -> None:
    """In a terminal that is forced to be one, what is known is yellow, what is unexpected red."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    results = [replay_(*RECORD, "--limit", "2"), replay_("run"), replay_("list"), replay_("run", "--red")]
    results += [replay_("run", "nosuch"), replay_("doctor")]
    shown = "\n".join(result.stdout + result.stderr for result in results)
    assert "\x1b[33m" in shown
    assert "\x1b[31m" in shown
    assert pinned(shown, orders).replace("\x1b", "␛") == snapshot


def test_no_color(orders: Path, replay_: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_COLOR wins over everything."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    result = replay_("run", "nosuch")
    assert "\x1b" not in result.stdout + result.stderr


def test_a_sample_and_a_policy(screen: Screen, orders: Path, snapshot: SnapshotAssertion) -> None:
    """Of each failure a few are kept, and all are counted; the policy is JSON on stdout."""
    errors = ["'customer_id'"] * 7 + ["2026-11-21T08:00:00Z Task timed out after 3.00 seconds"] * 2
    told = [{"RequestID": str(number), "ErrorCode": "200", "ErrorMessage": each} for number, each in enumerate(errors)]
    attributes = [{name: {"DataType": "String", "StringValue": value} for name, value in each.items()} for each in told]
    messages = [message(number, json.dumps({"n": number}), each) for number, each in enumerate(attributes)]
    for each in messages:
        del each["Attributes"]["DeadLetterQueueSourceArn"]  # it is the dead letter of an asynchronous invocation
    Path("messages.json").write_text(json.dumps({"Messages": messages}))
    screens = [screen(*RECORD, "--sample", "2"), screen(*RECORD), screen(*RECORD, "--json"), screen(*RECORD, "--all")]
    screens += [screen("doctor", "--source", "files"), screen("doctor", "--source", "sq")]
    assert "\n".join(screens) == snapshot


def test_a_comparison(screen: Screen, project: Callable[..., Path], snapshot: SnapshotAssertion) -> None:
    """Two targets side by side: what differs as a table, then the same with what differs left out, and as JSON."""
    handler = """
        import sys

        def handler(event, context):
            here = "pytest" in sys.modules
            if event["id"] == 2 and not here:
                raise KeyError("customer_id")
            return {"id": event["id"], "body": {"here": here, "total": 12}} if event["id"] else None
        """
    project(dedent(handler), *({"id": number} for number in range(4)), settings="timeout_s = 30\n")
    screen("record", "files", "events.jsonl", "--function", "f")
    compare = ("run", "--target", "local", "--target", "process")
    screens = [screen(*compare), screen(*compare, "--ignore", "$.body.here"), screen(*compare, "--json")]
    screens += [screen(*compare, "--red"), screen("run", "--target", "local", "--baseline", "local")]
    assert "\n".join(screens) == snapshot


def test_an_export(screen: Screen, orders: Path, snapshot: SnapshotAssertion) -> None:
    """Events as JSON Lines: its help, a file, the same as JSON, and what is asked for in vain."""
    assert "exit code 0" in screen(*RECORD)
    screens = [screen("export", "--help"), screen("export", "--out", "corpus.jsonl")]
    screens += [
        screen("export", "--out", "corpus.jsonl", "--json"),
        screen("export"),
        screen("export", "--s3", "orders"),
    ]
    assert "\n".join(screens) == snapshot
