"""`replay run --observe-for`: how long the ends of events are waited for where no answer comes."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from replay.demonstration.embedded_aws import embedded_aws
from tests.cli.command_line import CommandLine

HANDLER = "def handler(event, context):\n    return event['customer_id']\n"
TARGET = ("--target", "sqs:orders")


@pytest.fixture
def queue(project: Any, replay_: CommandLine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Give the client of an embedded SQS with the queue `orders`, and a fixture that was a message of it."""
    root = project(HANDLER)
    record = {"messageId": "m-1", "body": "{}", "eventSource": "aws:sqs", "attributes": {}, "messageAttributes": {}}
    (root / "events.jsonl").write_text(json.dumps({"Records": [record]}) + "\n")
    with embedded_aws() as environment:
        for name, value in environment.items():
            if name.startswith("AWS_"):
                monkeypatch.setenv(name, value)
        client = boto3.client("sqs")
        client.create_queue(QueueName="orders")
        assert replay_("record", "files", "events.jsonl", "--function", "f", "--all").exit_code == 0
        yield client


def test_nobody_looks_where_it_is_zero(queue: Any, replay_: CommandLine) -> None:
    """It is sent, and nothing is known of it; without the option the queue's own settings say how long is looked."""
    told = replay_("run", *TARGET, "--observe-for", "0", "--json")
    assert [each["verdict"] for each in told.documents if "verdict" in each] == ["unobserved"]
    assert "nobody looked" in told.stdout
    url = queue.get_queue_url(QueueName="orders")["QueueUrl"]
    assert len(queue.receive_message(QueueUrl=url)["Messages"]) == 1


@pytest.mark.parametrize(("given", "planned"), [("90s", "1 min 30 s"), ("5m", "5 min")])
@pytest.mark.usefixtures("queue")
def test_the_plan_says_how_long(replay_: CommandLine, given: str, planned: str) -> None:
    """What was asked for is in the plan."""
    told = replay_("run", *TARGET, "--observe-for", given, "--dry-run")
    assert f"for {planned} at most" in told.stderr


@pytest.mark.usefixtures("queue")
def test_what_cannot_be_meant(replay_: CommandLine) -> None:
    """A target that answers is not waited for, and what is no time is refused, before anything is sent."""
    for options, words in (
        ((), "for targets that give no answer"),
        (("--target", "process"), "for targets that give no answer"),
        ((*TARGET, "--observe-for", "soon"), "--observe-for 'soon'"),
    ):
        told = replay_("run", "--observe-for", "5s", *options)
        assert told.exit_code == 2
        assert words in told.stderr
