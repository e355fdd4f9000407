"""`--originals`: what redaction took out is sent, and stands nowhere else: not on disk, in a ledger, a report or a log."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

import replay
from replay.ledger.ledger import read_run, run_paths
from replay.originals.looking_up import look_up_originals
from tests.cli.command_line import CommandLine
from tests.cli.test_deployed_targets import HANDLER, STAGING, _beyond, aws
from tests.targets.deployed_aws import Answer, DeployedAws

__all__ = ["_beyond", "aws"]

MAIL, NAME = "zebulon@quackenbush.example", "Zebulon Quackenbush"
EVENT = {"id": 1, "email": MAIL, "customer": {"first_name": "Zebulon", "last_name": "Quackenbush", "name": NAME}}
CANARIES = (MAIL, "Zebulon", "Quackenbush")
RULES = '[tool.replay.redaction]\nredact = ["customer"]\n'


def echo(event: Any) -> Answer:
    """Answer as a handler that puts everything that it was sent everywhere."""
    words = json.dumps(event)
    return Answer(
        payload={
            "errorMessage": f"cannot ship to {event['customer']['name']} <{event['email']}>: {words}",
            "errorType": "ValueError",
            "requestId": "x",
            "stackTrace": [f'  File "/var/task/app.py", line 2, in handler\n    raise ValueError("{NAME}")\n'],
        },
        function_error="Unhandled",
        log=f"START RequestId: x\n{words}\n{NAME.upper()} {MAIL.title()}\nEND RequestId: x",
    )


@pytest.fixture
def recorded(project: Any, replay_: CommandLine) -> Path:
    """Give a project with one fixture of the event, redacted; its source is still there."""
    root: Path = project(HANDLER, EVENT, {**EVENT, "id": 2}, settings=STAGING + RULES)
    assert replay_("record", "files", "events.jsonl", "--function", "f", "--limit", "1").exit_code == 0
    Path("elsewhere").mkdir()
    return root


@pytest.fixture
def nowhere(recorded: Path) -> Iterator[Path]:
    """Look, when the test is over, for originals in every file but the source itself."""
    yield recorded
    for path in recorded.rglob("*"):
        if path.is_file() and path.name != "events.jsonl":
            _holds_none(path.read_text(errors="replace"), str(path))


def _holds_none(text: str, where: str) -> None:
    for canary in CANARIES:
        assert canary.casefold() not in text.casefold(), f"{canary} in {where}"


def test_originals_are_sent_and_stand_nowhere(
    aws: DeployedAws, nowhere: Path, replay_: CommandLine, caplog: pytest.LogCaptureFixture
) -> None:
    """A function that echoes all it was sent, into error, stack, log and answer, brings no original to light."""
    caplog.set_level("INFO")  # at DEBUG botocore itself writes down what goes over the wire
    aws.answer = echo
    outputs = [
        replay_("run", "--target", "staging", "--originals", "--red", "--junit", "out.xml"),
        replay_("run", "--target", "staging", "--originals", "--json"),
        replay_("run", "--target", "staging", "--originals", "--twice", "--red"),
        replay_("run", "--target", "staging", "--originals", "--repeat", "2"),
        replay_("run", "--target", "local", "--target", "staging", "--originals"),
        replay_("run", "--target", "local", "--target", "staging", "--originals", "--json", "--junit", "both.xml"),
        replay_("runs", "--json"),
    ]
    assert all(event == EVENT for event in aws.invocations)
    assert len(aws.invocations) == 8
    for output in outputs:
        _holds_none(output.stdout, "stdout")
        _holds_none(output.stderr, "stderr")
    _holds_none(caplog.text, "the log")
    assert "ValueError" in outputs[0].stdout
    assert "cannot ship to" in outputs[0].stdout
    assert "1 original was found at its source: kept in memory only, and sent instead" in outputs[0].stderr


def test_an_answer_holds_none(aws: DeployedAws, nowhere: Path, replay_: CommandLine) -> None:
    """What two targets answer is compared with stand-ins in the place of originals."""
    aws.answer = lambda event: Answer(payload={"to": event["email"], "body": json.dumps({"name": event["customer"]})})
    told = replay_("run", "--target", "local", "--target", "staging", "--originals", "--json")
    assert aws.invocations == [EVENT]
    assert told.documents[0]["result"] == "differs"
    _holds_none(told.stdout, "stdout")


def test_an_error_holds_none(aws: DeployedAws, nowhere: Path, replay_: CommandLine) -> None:
    """AWS may quote what it could not take: not even then."""
    aws.answer = lambda event: Answer(
        status=400, error_type="InvalidRequestContentException", error_message=f"Could not parse {json.dumps(event)}"
    )
    told = replay_("run", "--target", "staging", "--originals")
    assert aws.invocations == [EVENT]
    assert told.exit_code == 2
    assert "Could not parse" in told.stdout
    _holds_none(told.stdout + told.stderr, "an error")


def test_python_sees_none(aws: DeployedAws, nowhere: Path, replay_: CommandLine) -> None:
    """Nor does an outcome, its report and its attempts, in Python."""
    aws.answer = echo
    project = replay.open_project()
    references = replay.select_fixtures(project)
    originals = look_up_originals(project, references)
    events = list(replay.replay_fixtures(project, references, target="staging", as_sent=originals.as_sent))
    assert aws.invocations == [EVENT]
    _holds_none("\n".join(map(repr, events)), "the events of a run")
    _holds_none(repr(originals), "the originals themselves, as they are shown")
    attempts = [each.attempt.payload for event in events[1:2] for each in event.outcomes[-1].report.invocations]  # type: ignore[union-attr]
    _holds_none("".join(attempts), "attempts")
    assert attempts


def test_what_is_gone_is_not_sent(aws: DeployedAws, recorded: Path, replay_: CommandLine) -> None:
    """An original that is no longer there is said, and its fixture not sent, unless stand-ins are agreed to."""
    Path("events.jsonl").write_text("")
    told = replay_("run", "--target", "staging", "--originals")
    assert told.exit_code == 2
    assert "1 original was not found" in told.stderr
    assert "--allow-pseudonyms" in told.stderr
    assert aws.invocations == []
    assert all(not read_run(path).sent for path in run_paths(recorded))
    told = replay_("run", "--target", "staging", "--originals", "--allow-pseudonyms")
    assert told.exit_code == 0
    assert aws.invocations[0]["id"] == 1
    assert aws.invocations[0]["email"] != MAIL


def test_at_a_terminal_it_asks(
    aws: DeployedAws, recorded: Path, replay_: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user may agree to the stand-ins of what was not found."""
    Path("events.jsonl").unlink()
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.confirm", lambda *_, **__: True)
    assert replay_("run", "--target", "staging", "--originals").exit_code == 0
    assert len(aws.invocations) == 1


def test_an_edited_fixture_is_not_sent(aws: DeployedAws, recorded: Path, replay_: CommandLine) -> None:
    """Nobody's edit is undone: the original of an edited event is none."""
    (event,) = recorded.glob("fixtures/f/*/event.json")
    event.write_text(
        event.read_text().replace('"id": 1', '"id": 1, "more": true').replace('"id":1', '"id":1,"more":true')
    )
    told = replay_("run", "--target", "staging", "--originals")
    assert told.exit_code == 2
    assert "edited since" in told.stderr
    assert aws.invocations == []


def test_a_run_with_originals_goes_on_with_them(aws: DeployedAws, nowhere: Path, replay_: CommandLine) -> None:
    """The ledger says that originals were sent, not which; --resume looks them up again."""
    aws.answer = lambda event: Answer(hang_up=True)
    assert replay_("run", "--target", "staging", "--originals").exit_code == 2
    (path,) = run_paths(nowhere)
    assert read_run(path).header["originals"] is True
    aws.invocations.clear()
    aws.answer = echo
    told = replay_("run", "--resume", "last")
    assert aws.invocations == [EVENT]
    _holds_none(told.stdout + told.stderr, "a run that was gone on with")


def test_without_it_the_plan_offers_it(aws: DeployedAws, recorded: Path, replay_: CommandLine) -> None:
    """Who sends stand-ins is told so, and what to do about it; local targets need no originals."""
    told = replay_("run", "--target", "staging", "--dry-run")
    assert "1 fixture holds stand-ins" in told.stderr
    assert "--originals" in told.stderr
    assert replay_("run", "--originals").exit_code == 2


def test_a_queue_is_left_as_it_was(project: Any, replay_: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Originals are found by message id in the queue, whose messages are all given back."""
    for name, value in (
        ("AWS_ACCESS_KEY_ID", "a"),
        ("AWS_SECRET_ACCESS_KEY", "s"),
        ("AWS_DEFAULT_REGION", "eu-west-1"),
    ):
        monkeypatch.setenv(name, value)
    project(HANDLER, settings=STAGING + RULES)
    with mock_aws():
        import boto3

        sqs = boto3.client("sqs")
        url = sqs.create_queue(QueueName="f-dlq")["QueueUrl"]
        for number in range(4):
            sqs.send_message(QueueUrl=url, MessageBody=json.dumps({**EVENT, "id": number}))
        record = ("record", "sqs", "--queue", "f-dlq", "--function", "f", "--wait-s", "0", "--all")
        assert replay_(*record).exit_code == 0
        opened = replay.open_project()
        references = replay.select_fixtures(opened)
        originals = look_up_originals(opened, references[:2])
        assert set(originals.found) == set(references[:2])
        assert originals.missing == {}
        for reference in references[:2]:
            fixture = opened.store.load(reference)
            _holds_none(fixture.event_text, "the fixture")
            record_ = json.loads(originals.found[reference].put_into(fixture.event_text))["Records"][0]
            assert json.loads(record_["body"])["customer"] == EVENT["customer"]
            assert record_["messageId"] == json.loads(fixture.event_text)["Records"][0]["messageId"]
        left = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        assert (left["ApproximateNumberOfMessages"], left["ApproximateNumberOfMessagesNotVisible"]) == ("4", "0")
        sqs.purge_queue(QueueUrl=url)
        gone = look_up_originals(opened, references)
        assert set(gone.missing) == set(references)
        assert set(gone.missing.values()) == {"it is no longer at its source"}
        sqs.delete_queue(QueueUrl=url)
        lost = look_up_originals(opened, references)
        assert set(lost.missing) == set(references)
