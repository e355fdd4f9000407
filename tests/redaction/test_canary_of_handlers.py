"""Secrets that no event holds: a handler tells what its environment gave it, in errors, logs, results and effects."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.command_line import CommandLine, make_command_line, make_project
from tests.redaction.samples import AWS_KEY_ID, EMAIL

PASSWORD = "hunter2-" + "zk29"
TOLD = f"no connection to postgres://app:{PASSWORD}@db.internal/x for {EMAIL} with {AWS_KEY_ID}"
HANDLER = f"""
import boto3
def handler(event, context):
    told = {TOLD!r}
    print(told)
    if event.get("calls"):
        boto3.client("sqs", region_name="us-east-1").create_queue(QueueName="q", tags={{"why": told}})
    if event.get("fails"):
        raise RuntimeError(told)
    return {{"told": told}}
"""
SECRETS = (PASSWORD, EMAIL, AWS_KEY_ID)


@pytest.fixture
def replay_(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CommandLine:
    monkeypatch.chdir(make_project(tmp_path, HANDLER, {"fails": True, "calls": True}, {"fails": True}, {"n": 1}))
    replay_ = make_command_line(capsys)
    assert replay_("record", "files", "events.jsonl", "--function", "f", "--all").exit_code == 0
    return replay_


def test_what_a_handler_tells_is_redacted(replay_: CommandLine) -> None:
    """Neither the failure that is pinned, nor any output, report or junit file of a run, tells a secret of the handler."""
    ran = [replay_("run", "--junit", "junit.xml"), replay_("run", "--json"), replay_("list"), replay_("show", "f/*")]
    assert "no connection to postgres" in ran[0].stdout
    pinned = [json.loads(path.read_text()) for path in Path("fixtures").rglob("fixture.json")]
    assert sum(each["failure"] is not None for each in pinned) == 2
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-vv", "--replay-red", "--junitxml=pytest.xml", "fixtures"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "no connection to postgres" in done.stdout
    written = [
        path.read_text(errors="replace") for path in Path().rglob("*") if path.is_file() and path.suffix[:3] != ".py"
    ]
    everything = "\n".join([*written, *(each.stdout + each.stderr for each in ran), done.stdout, done.stderr])
    assert [each for each in SECRETS if each in everything] == []
