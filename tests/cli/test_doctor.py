"""The doctor sees what is wrong before a run would, and changes nothing."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from moto import mock_aws

from tests.cli.command_line import RUNTIME, CommandLine

HANDLER = "def handler(event, context):\n    raise SystemExit('the doctor runs nobody')\n"
SETUPS = """\
import os
if os.environ.get("NEVER"):
    prepare_sometimes = None
def prepare(): ...
async def prepare_async(): ...
"""
TEMPLATE = """\
Transform: AWS::Serverless-2016-10-31
Resources:
  Queue:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: {visibility_timeout_s}
  F:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: f
      Handler: app.handler
      Runtime: {runtime}
      Timeout: 10
      Events:
        Queue:
          Type: SQS
          Properties:
            Queue: !GetAtt Queue.Arn
"""


def told(replay_: CommandLine, level: str = "problem") -> list[str]:
    documents = replay_("doctor", "--json").documents
    return [each["what"] for each in documents if each.get("level") == level]


@pytest.mark.parametrize(
    ("handler", "setup", "problem"),
    [
        ("app.handler", "setups:prepare", None),
        ("app.handler", "setups:prepare_sometimes", None),
        ("app.handler", "setups:prepare_async", None),
        ("json.dumps", "setups:prepare", None),
        ("nosuch.handler", "setups:prepare", "there is no nosuch.py"),
        ("app.nosuch", "setups:prepare", "app.py has no nosuch"),
        ("handler", "setups:prepare", "does not name a module and a function"),
        ("broken.handler", "setups:prepare", "broken.py cannot be read: SyntaxError"),
        ("app.handler", "nosuch:prepare", "there is no nosuch.py"),
        ("app.handler", "setups:nosuch", "setups.py has no nosuch"),
    ],
)
def test_handler_and_setup_are_looked_for(
    handler: str, setup: str, problem: str | None, project: Callable[..., Path], replay_: CommandLine
) -> None:
    """What the configuration names must be there; nothing of it is run."""
    folder = project(HANDLER)
    (folder / "setups.py").write_text(SETUPS)
    (folder / "broken.py").write_text("def (\n")
    (folder / "pyproject.toml").write_text(
        f'[tool.replay.functions.f]\nhandler = "{handler}"\nruntime = "{RUNTIME}"\nsetup = "{setup}"\n'
    )
    problems = told(replay_)
    assert (problem is None) == (problems == [])
    assert problem is None or problem in problems[0]
    assert replay_("doctor").exit_code == (problem is not None)


@pytest.mark.parametrize(("visibility_timeout_s", "level"), [(9, "problem"), (30, "note"), (60, None)])
def test_the_visibility_timeout_fits_the_function(
    visibility_timeout_s: int, level: str | None, project: Callable[..., Path], replay_: CommandLine
) -> None:
    """Shorter than the function's timeout is refused by Lambda; shorter than six times is advised against."""
    folder = project(HANDLER)
    (folder / "pyproject.toml").write_text("[tool.replay]\n")
    (folder / "template.yaml").write_text(TEMPLATE.format(visibility_timeout_s=visibility_timeout_s, runtime=RUNTIME))
    (folder / "fixtures" / "f").mkdir(parents=True)
    (folder / "events.jsonl").write_text('{"order": 1}\n')
    replay_("record", "files", "--path", "events.jsonl", "--function", "f")
    for each in ("problem", "note"):
        found = [what for what in told(replay_, each) if "hides a message" in what]
        assert len(found) == (each == level)


@pytest.mark.skipif(shutil.which("git") is None, reason="there is no git to ask")
def test_fixtures_that_git_ignores_are_noted(project: Callable[..., Path], replay_: CommandLine) -> None:
    """Fixtures that never reach CI protect nobody."""
    folder = project(HANDLER, {"order": 1})
    subprocess.run(["git", "init", "--quiet"], check=True)
    replay_("record", "files", "--path", "events.jsonl", "--function", "f")
    assert told(replay_, "note") == []
    (folder / ".gitignore").write_text("fixtures/\n")
    (note,) = told(replay_, "note")
    assert note.startswith("git ignores")


def test_aws_is_asked_only_on_demand(project: Callable[..., Path], replay_: CommandLine) -> None:
    """`--aws` says who we are; without it nothing leaves this machine."""
    project(HANDLER)
    with mock_aws():
        assert "account 123456789012 as arn:aws:sts::123456789012:" in replay_("doctor", "--aws").stdout
    assert "account" not in replay_("doctor").stdout


def test_nothing_is_changed(project: Callable[..., Path], replay_: CommandLine) -> None:
    """Also a repairable problem is left for the user."""
    folder = project(HANDLER, {"order": 1})
    replay_("record", "files", "--path", "events.jsonl", "--function", "f")
    next(folder.glob("fixtures/f/*/event.json")).write_text("{}")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    replay_("doctor")
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
