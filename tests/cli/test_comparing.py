"""`replay run` with two targets: what differs as a table, in JSON and JUnit; never equal where nothing was seen."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from time import perf_counter
from typing import Any
from xml.etree import ElementTree as ET

import boto3
import pytest

from replay.demonstration.embedded_aws import embedded_aws
from replay.ledger.ledger import read_run, run_paths
from tests.cli.command_line import CommandLine
from tests.cli.test_deployed_targets import POISON, _beyond, aws, recorded
from tests.targets.deployed_aws import ACCOUNT, ARN, Answer, DeployedAws

__all__ = ["_beyond", "aws", "recorded"]

OTHER = "def handler(event, context):\n    return event['customer_id']\n"
TWO = (
    f'[tool.replay.targets.staging]\nkind = "lambda"\nfunction = "orders"\naccount_id = "{ACCOUNT}"\n'
    f'[tool.replay.targets.old]\nkind = "lambda"\nfunction = "orders:old"\naccount_id = "{ACCOUNT}"\n'
)
ANSWERS = """\
import boto3, os

def handler(event, context):
    boto3.client("sqs", region_name="eu-west-1").list_queues(QueueNamePrefix=os.environ.get("PREFIX", "a"))
    return {"id": event["id"], "total": 12, "body": "{\\"at\\": 1, \\"who\\": \\"ada@example.com\\"}"}
"""


def compare(replay_: CommandLine, *options: str) -> Any:
    return replay_("run", "--target", "local", "--target", "staging", *options)


def test_nothing_differs(aws: DeployedAws, recorded: Any, replay_: CommandLine) -> None:
    """The same failure from the same line on both: exit code 0, whatever a verdict would say."""
    recorded(3)
    told = compare(replay_)
    assert told.exit_code == 0, told
    assert "3 fixtures through local and staging" in told.stdout
    assert "3 same" in told.stdout
    assert "staging does not tell them" in told.stdout  # effects
    red = replay_("run", "--target", "staging", "--baseline", "local", "--json")
    assert red.exit_code == 0
    assert red.documents[-1]["same"] == 3
    assert red.documents[0]["not_compared"] == {"effects": "staging does not tell them"}


def test_what_differs_is_a_table(aws: DeployedAws, recorded: Any, replay_: CommandLine) -> None:
    """Status, error and response side by side under the targets' names, and the fixtures; exit code 1."""
    recorded(3)
    aws.answer = lambda event: Answer(payload={"ok": True}) if event["id"] == 1 else POISON
    told = compare(replay_)
    assert told.exit_code == 1
    rows = [line.split() for line in told.stdout.splitlines()]
    assert ["local", "staging"] in rows
    assert ["status", "failed", "[discarded]", "succeeded", "[processed]"] in rows
    assert ["error", "KeyError:", "'customer_id'", "none"] in rows
    assert ["response", "none", '{"ok":', "true}"] in rows
    assert "2 same" in told.stdout
    assert "1 differ" in told.stdout
    assert "replay run f/" in told.stdout
    assert "--target local --target staging" in told.stdout


def test_responses_are_compared_place_by_place(
    aws: DeployedAws, project: Any, replay_: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Places that differ are named, also inside JSON strings; ignored ones do not count; values are shown redacted."""
    project(ANSWERS, {"id": 7}, settings=TWO)
    replay_("record", "files", "events.jsonl", "--function", "f")
    body = json.dumps({"at": 2, "who": "grace@example.com"})
    aws.answer = lambda event: Answer(payload={"body": body, "total": 13.0, "id": event["id"]})
    told = compare(replay_, "--json")
    assert told.exit_code == 1
    assert "grace@example.com" not in told.stdout
    assert "ada@example.com" not in told.stdout
    places = {each["where"]: (each["baseline"], each["other"]) for each in told.documents[0]["differences"]}
    assert places["$.total"] == ("12", "13")
    assert places["$.body.at"] == ("1", "2")
    assert places["$.body.who"][0] != places["$.body.who"][1]
    assert set(places) == {"$.total", "$.body.at", "$.body.who"}
    assert compare(replay_, "--ignore", "$.total", "--ignore", "$.body.at", "--ignore", "$.body.who").exit_code == 0
    settings = Path("pyproject.toml").read_text() + '[tool.replay.compare]\nignore = ["$.total", "$.body"]\n'
    Path("pyproject.toml").write_text(settings)
    assert compare(replay_).exit_code == 0
    refused = compare(replay_, "--ignore", "$[")
    assert refused.exit_code == 2
    assert "no JSONPath" in refused.stderr


def test_effects_are_compared_where_both_tell_them(
    project: Any, replay_: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two local targets tell the calls that the function makes of AWS, and these are compared."""
    project(ANSWERS, {"id": 7}, settings='[tool.replay.targets.child]\nkind = "process"\n')
    replay_("record", "files", "events.jsonl", "--function", "f")
    told = replay_("run", "--target", "local", "--target", "child", "--json")
    assert told.exit_code == 0, told
    assert told.documents[0]["not_compared"] == {}


def test_not_run_is_not_equal(aws: DeployedAws, recorded: Any, replay_: CommandLine) -> None:
    """A fixture that could not run on one side is not compared: exit code 2, and how to go on with it."""
    recorded(2)
    aws.answer = lambda event: Answer(hang_up=True) if event["id"] == 1 else POISON
    told = compare(replay_)
    assert told.exit_code == 2
    assert "1 same" in told.stdout
    assert "1 not compared" in told.stdout
    assert "replay run --resume" in told.stderr


def test_two_deployed_targets_have_two_plans_and_two_ledgers(
    aws: DeployedAws, recorded: Any, replay_: CommandLine
) -> None:
    """Each is planned before anything is sent, and each has a ledger that knows the other."""
    root = recorded(2, settings=TWO)
    told = replay_("run", "--target", "staging", "--baseline", "old", "--rate", "100/s")
    assert told.exit_code == 0, told
    assert told.stderr.count("2 events") == 2
    assert len(aws.invocations) == 4
    headers = [read_run(path).header for path in run_paths(root)]
    assert {header["comparison"]["side"] for header in headers} == {"baseline", "other"}
    assert len({header["comparison"]["id"] for header in headers}) == 1
    assert {header["target"] for header in headers} == {"old", "staging"}
    assert all(header["rate_per_s"] == 100 for header in headers)


@pytest.mark.usefixtures("_beyond")
def test_both_are_agreed_to_before_anything_is_sent(aws: DeployedAws, recorded: Any, replay_: CommandLine) -> None:
    """Beyond this machine nothing is sent to either before both plans are agreed to."""
    root = recorded(1, settings=TWO)
    refused = replay_("run", "--target", "staging", "--baseline", "old")
    assert refused.exit_code == 2
    assert "--yes" in refused.stderr
    assert replay_("run", "--target", "staging", "--baseline", "old", "--dry-run").exit_code == 0
    plans = replay_("run", "--target", "staging", "--baseline", "old", "--dry-run", "--json").documents
    assert [plan["type"] for plan in plans] == ["plan", "plan"]
    assert aws.invocations == []
    assert run_paths(root) == []
    assert replay_("run", "--target", "staging", "--baseline", "old", "--yes").exit_code == 0
    assert len(aws.invocations) == 2


def test_a_comparison_goes_on_where_it_was_broken_off(aws: DeployedAws, recorded: Any, replay_: CommandLine) -> None:
    """What a ledger has seen is not sent again, and is still compared: by digests, for a ledger holds no answer."""
    root = recorded(3, settings=TWO)
    aws.answer = lambda event: Answer(hang_up=True) if event["id"] == 1 else Answer(payload={"secret": "hunter2"})
    assert replay_("run", "--target", "staging", "--baseline", "old").exit_code == 2
    assert all("hunter2" not in path.read_text() for path in run_paths(root))
    aws.invocations.clear()
    aws.answer = lambda event: Answer(payload={"secret": "hunter2"})
    told = replay_("run", "--resume", "last", "--json")
    assert [event["id"] for event in aws.invocations] == [1, 1]
    assert told.exit_code == 0, told
    assert told.documents[-1]["same"] == 3
    assert len(run_paths(root)) == 2


def test_a_resumed_comparison_still_sees_what_differs(aws: DeployedAws, recorded: Any, replay_: CommandLine) -> None:
    """An answer of which the ledger has a digest only differs all the same; where is no longer known, and said."""
    recorded(2, settings=TWO)
    lost = {1}
    asked: list[int] = []

    def answer(event: Any) -> Answer:
        if event["id"] in lost:
            return Answer(hang_up=True)
        asked.append(event["id"])
        return Answer(payload={"number": len(asked)})

    aws.answer = answer
    assert replay_("run", "--target", "staging", "--baseline", "old").exit_code == 2
    lost.clear()
    told = replay_("run", "--resume", "last")
    assert told.exit_code == 1
    assert "2 differ" in told.stdout
    assert "digests only" in told.stdout
    assert "--target old --target staging" in told.stdout


def test_junit(aws: DeployedAws, recorded: Any, replay_: CommandLine, tmp_path: Path) -> None:
    """One case a fixture: what differs fails, what was not compared is an error."""
    recorded(3)
    answers = {0: POISON, 1: Answer(payload=1), 2: Answer(hang_up=True)}
    aws.answer = lambda event: answers[event["id"]]
    told = compare(replay_, "--junit", "out.xml")
    assert told.exit_code == 2
    suite = ET.parse("out.xml").getroot()[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("3", "1", "1")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--target", "local", "--target", "local"), "itself"),
        (("--target", "local", "--target", "process", "--target", "staging"), "3 targets"),
        (("--target", "local", "--target", "staging", "--red"), "--red"),
        (("--target", "local", "--target", "process", "--rate", "5/s"), "neither"),
        (("--target", "local", "--target", "staging", "--fault", "s3:*=timeout"), "made to fail"),
        (("--target", "local", "--target", "process", "--dry-run"), "neither"),
        (("--target", "staging", "--ignore", "$.id"), "a second target"),
        (("--target", "staging", "--allow-pseudonyms"), "needs --originals"),
    ],
)
def test_what_cannot_be_meant(
    aws: DeployedAws, recorded: Any, replay_: CommandLine, options: tuple[str, ...], words: str
) -> None:
    """One message and exit code 2, before anything is sent."""
    recorded(1)
    told = replay_("run", *options)
    assert told.exit_code == 2
    assert words in told.stderr
    assert aws.invocations == []


def test_it_stops_at_the_first_difference(aws: DeployedAws, recorded: Any, replay_: CommandLine) -> None:
    """--stop-on-first counts what differs, not verdicts."""
    recorded(6)
    aws.answer = lambda event: Answer(payload=1)
    told = compare(replay_, "--stop-on-first", "--json")
    assert told.exit_code == 1
    assert told.documents[-1]["differs"] == 1
    assert "stopped" in told.stderr
    assert len(aws.invocations) < 6
    assert ARN in told.stderr


@pytest.fixture
def queue(project: Any, replay_: CommandLine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Give the client of an embedded SQS with two recorded messages, and a target `queue` that nobody looks behind."""
    settings = '[tool.replay.targets.queue]\nkind = "sqs"\nqueue = "orders"\nobserve_for_s = 0\n'
    root = project(OTHER, settings=settings)
    with embedded_aws() as environment:
        for name, value in environment.items():
            if name.startswith("AWS_"):
                monkeypatch.setenv(name, value)
        client = boto3.client("sqs")
        for name in ("orders", "orders-dlq"):
            client.create_queue(QueueName=name)
        url = client.get_queue_url(QueueName="orders-dlq")["QueueUrl"]
        for number in range(2):
            client.send_message(QueueUrl=url, MessageBody=json.dumps({"id": number}))
        recorded = replay_("record", "sqs", "--queue", "orders-dlq", "--function", "f", "--all", "--wait-s", "0")
        assert recorded.exit_code == 0, recorded
        yield client
    assert root.exists()


def test_what_nobody_has_seen_is_never_equal(queue: Any, replay_: CommandLine) -> None:
    """Behind a queue at which nobody looks nothing is known: not compared, and exit code 2, on whichever side."""
    for pair in (("process", "queue"), ("queue", "process")):
        told = replay_("run", "--target", pair[0], "--target", pair[1], "--json")
        assert told.exit_code == 2, told
        assert told.documents[-1]["not_compared"] == 2
        assert told.documents[-1]["same"] == 0
        assert all("its end was not seen" in each["not_compared"]["all"] for each in told.documents[:-1])
    url = queue.get_queue_url(QueueName="orders")["QueueUrl"]
    sent = queue.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]["ApproximateNumberOfMessages"]
    assert sent == "4"


def test_the_original_spacing(queue: Any, replay_: CommandLine) -> None:
    """--speed sends in the order and with the spacing of the sent times; the plan says how long that takes."""
    at = {"0": "2026-11-21T08:00:04.000Z", "1": "2026-11-21T08:00:00.000Z"}
    for path in Path("fixtures").rglob("fixture.json"):
        number = json.loads(json.loads(path.with_name("event.json").read_text())["Records"][0]["body"])["id"]
        document = json.loads(path.read_text())
        document["provenance"]["sent_at"] = at[str(number)]
        path.write_text(json.dumps(document))
    began = perf_counter()
    told = replay_("run", "--target", "queue", "--speed", "4x", "--json")
    assert perf_counter() - began >= 1
    assert "at 4 x the original spacing" in told.stderr
    (path,) = run_paths(Path())
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    sent = [(line["key"], datetime.fromisoformat(line["at"])) for line in lines if line["type"] == "sent"]
    assert (sent[1][1] - sent[0][1]).total_seconds() > 0.3  # as near to 1 as the machine allows
    assert lines[0]["speed"] == 4
    first = json.loads(Path("fixtures", sent[0][0], "event.json").read_text())["Records"][0]["body"]
    assert json.loads(first)["id"] == 1
    assert replay_("run", "--target", "local", "--speed", "2x").exit_code == 2


def test_what_has_no_time_is_said(aws: DeployedAws, recorded: Any, replay_: CommandLine) -> None:
    """Events without a time have no spacing: they come last, and the plan counts them; a ramp-up stands in it too."""
    recorded(2)
    told = replay_("run", "--target", "staging", "--speed", "10x", "--rate", "200/s", "--ramp-up", "0.1s")
    assert told.exit_code == 0, told
    assert "(2 events without a time at the end)" in told.stderr
    assert "at most 200/s, growing to that in 0.1 s" in told.stderr
    assert replay_("run", "--target", "staging", "--ramp-up", "30s").exit_code == 2
    assert replay_("run", "--target", "staging", "--speed", "fast").exit_code == 2
