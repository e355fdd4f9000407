"""Faults and effects on the command line."""

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.command_line import CommandLine

HANDLER = """\
import boto3
from botocore.config import Config
quick = Config(retries={"mode": "standard", "total_max_attempts": 1})
table = boto3.resource("dynamodb", config=quick).Table("orders")
def handler(event, context):
    boto3.client("dynamodb").create_table(TableName="orders", BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}], AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}])
    table.put_item(Item={"id": "a", "password": "correct horse battery"})
"""
THROTTLE = "dynamodb:PutItem=ProvisionedThroughputExceededException"


@pytest.fixture
def recorded(replay_: CommandLine, project: Callable[..., Path]) -> Path:
    folder = project(HANDLER, {"order": 1})
    replay_("record", "files", "--path", "events.jsonl", "--function", "f")
    replay_("expect", "f", "succeeds")
    return folder


def outcome(replay_: CommandLine, *arguments: str) -> dict:
    return replay_("run", "--json", "--no-pin", *arguments).documents[0]


def test_the_outcome_has_its_effects(replay_: CommandLine, recorded: Path) -> None:
    """Each call with its parameters and its end, and nothing private in them."""
    effects = outcome(replay_)["effects"]
    assert [effect["call"] for effect in effects] == ["dynamodb:CreateTable", "dynamodb:PutItem"]
    assert effects[1]["parameters"]["Item"]["id"] == {"S": "a"}
    assert effects[1]["parameters"]["Item"]["password"]["S"].startswith("REDACTED")
    assert effects[1]["error"] is None
    assert not effects[1]["injected"]


def test_a_fault_fails_the_call(replay_: CommandLine, recorded: Path) -> None:
    """The handler fails with AWS's error, the report shows the call, and how to run it again."""
    told = outcome(replay_, "--fault", THROTTLE)
    assert told["error"]["type"] == "ProvisionedThroughputExceededException"
    assert told["effects"][1]["error"]["code"] == "ProvisionedThroughputExceededException"
    assert told["effects"][1]["injected"]
    shown = replay_("run", "--fault", THROTTLE, "--fault", "sqs:*=timeout")
    assert shown.exit_code == 1
    assert "  dynamodb:PutItem orders ProvisionedThroughputExceededException (fault)" in shown.stdout
    assert "note: fault sqs:* was not met: the function did not call it" in shown.stdout
    assert f"--fault {THROTTLE} --fault 'sqs:*=timeout'" in shown.stdout


def test_a_fault_of_the_moment_is_not_pinned(replay_: CommandLine, project: Callable[..., Path]) -> None:
    """A fixture that knows no failure yet does not learn that of a fault."""
    folder = project(HANDLER, {"order": 1})
    replay_("record", "files", "--path", "events.jsonl", "--function", "f")
    replay_("run", "--fault", THROTTLE)
    document = json.loads(next(folder.glob("fixtures/f/*/fixture.json")).read_text())
    assert document["expectation"]["wants"] == "fails"


def test_a_fixture_keeps_its_fault(replay_: CommandLine, recorded: Path) -> None:
    """`expect … reproduces --fault` writes the fault beside the failure, and both come back in every run."""
    assert outcome(replay_)["verdict"] == "fixed"
    assert replay_("expect", "f", "reproduces", "--fault", THROTTLE).exit_code == 0
    document = json.loads(next(recorded.glob("fixtures/f/*/fixture.json")).read_text())
    assert document["faults"] == [{"call": "dynamodb:PutItem", "error": "ProvisionedThroughputExceededException"}]
    assert document["revisions"][-1]["why"].endswith("; dynamodb:PutItem meets ProvisionedThroughputExceededException")
    assert "fault      dynamodb:PutItem meets ProvisionedThroughputExceededException" in replay_("show", "f").stdout
    told = outcome(replay_)
    assert (told["verdict"], told["as_expected"], told["known_bug"]) == ("reproduced", True, True)


def test_a_function_can_have_faults(replay_: CommandLine, recorded: Path) -> None:
    """The configuration gives faults to every replay of a function."""
    file = recorded / "pyproject.toml"
    line = 'faults = [{ call = "dynamodb:Put*", error = "AccessDeniedException", times = 1 }]\n'
    file.write_text(f"{file.read_text().rstrip()}\n{line}")
    assert "AccessDeniedException" in outcome(replay_)["error"]["message"]


@pytest.mark.parametrize(
    ("fault", "hint"),
    [
        ("dynamodb:PutItm=ThrottlingException", "did you mean 'dynamodb:PutItem'?"),
        ("dynamo:PutItem=ThrottlingException", "did you mean 'dynamodb:PutItem'?"),
        ("PutItem", "such as dynamodb:PutItem=ThrottlingException"),
    ],
)
def test_a_mistake_is_told_before_anything_runs(replay_: CommandLine, recorded: Path, fault: str, hint: str) -> None:
    """A fault that no call can meet could not run: exit code 2, and what was meant."""
    for command in (["run"], ["expect", "f", "succeeds"]):
        told = replay_(*command, "--fault", fault)
        assert told.exit_code == 2
        assert hint in told.stderr


def test_an_error_unknown_to_aws_is_noted(replay_: CommandLine, recorded: Path) -> None:
    """It is given all the same, with status 400."""
    told = outcome(replay_, "--fault", "dynamodb:PutItem=OutOfCheese")
    assert "OutOfCheese" in told["error"]["message"]
    assert any("not known to answer 'OutOfCheese'" in note for note in told["notes"])


def accepting(shown: str) -> list[list[str]]:
    """Give the commands that a screen offers to accept what has happened."""
    return [shlex.split(found) for found in re.findall(r"replay (expect (?:(?!  #|`).)+)", shown)]


def test_accepting_what_a_fault_has_done_keeps_the_fault(replay_: CommandLine, recorded: Path) -> None:
    """Who follows the advice of a run with a fault gets that run's failure as the known one, in every run."""
    shown = replay_("run", "--fault", THROTTLE)
    commands = accepting(shown.stdout)
    assert [command[2] for command in commands] == ["reproduces", "now"]
    for command in commands:
        assert replay_(*command).exit_code == 0
        told = outcome(replay_)
        assert (told["error"]["type"], told["as_expected"]) == ("ProvisionedThroughputExceededException", True)


def test_accepting_several_fixes_keeps_the_fault(replay_: CommandLine, project: Callable[..., Path]) -> None:
    """What no longer fails although a call is slow is accepted as that, one command for all."""
    project(HANDLER, {"order": 1}, {"order": 2})
    replay_("record", "files", "--path", "events.jsonl", "--function", "f")
    (command,) = accepting(replay_("run", "--fault", "dynamodb:PutItem=0.01s").stdout)
    assert command[-3:] == ["succeeds", "--fault", "dynamodb:PutItem=0.01s"]
    assert replay_(*command).exit_code == 0
    assert "fault      dynamodb:PutItem meets 0.01 s of latency" in replay_("show", command[1]).stdout
    assert replay_("run").exit_code == 0


def test_advice_finds_the_fixtures_again(replay_: CommandLine, project: Callable[..., Path]) -> None:
    """Where the fixtures are not in the configured folder, every command that is advised says where they are."""
    project(HANDLER, {"order": 1}, {"order": 2})
    place = ["--fixtures", "other folder"]
    recorded = replay_("record", "files", "--path", "events.jsonl", "--function", "f", "--out", "other folder")
    assert recorded.stderr == "next: replay run f --fixtures 'other folder'\n"
    (command,) = accepting(replay_("run", *place).stdout)
    assert command[-2:] == place
    assert replay_(*command).exit_code == 0
    shown = replay_("run", *place, "--fault", THROTTLE).stdout
    for command in (*accepting(shown), *re.findall(r"run again  replay (.+)", shown)):
        words = shlex.split(command) if isinstance(command, str) else command
        assert [word for word in words if word in {*place, "--fault", THROTTLE}].count("other folder") == 1
        assert replay_(*words).exit_code in {0, 1}
    assert "replay run f/" in replay_("show", command.split()[1], *place).stdout
    assert "--fixtures 'other folder'" in replay_("show", command.split()[1], *place).stdout
    assert "--fixtures" not in replay_("run", "--fixtures", "fixtures").stderr
