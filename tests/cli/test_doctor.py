"""The doctor sees what is wrong before a run would, and changes nothing."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from moto import mock_aws

from replay.diagnosis import handler_imports
from replay.functions.function import Function
from tests.cli.command_line import RUNTIME, CommandLine

HANDLER = "def handler(event, context):\n    raise SystemExit('the doctor runs nobody')\n"
MODULES = {
    "setups.py": "def prepare(): ...\nif True:\n    prepare_sometimes = prepare\ndef fails():\n    raise KeyError(1)\n",
    "broken.py": "\ndef (\n",
    "raises.py": "import deep\n",
    "deep.py": "\n\n1 / 0\n",
    "missing.py": "import nosuchlibrary\n",
    "leaves.py": "import sys\nsys.exit(1)\n",
    "dies.py": "import os\nos._exit(3)\n",
    "calls.py": "import urllib.request\nurllib.request.urlopen('http://example.com')\n",
}
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
    ("handler", "setup", "problem", "hint"),
    [
        ("app.handler", "setups:prepare", None, ""),
        ("app.handler", "setups:prepare_sometimes", None, ""),
        ("nosuch.handler", "setups:prepare", "no module 'nosuch'", "correct `handler`"),
        ("ap.handler", "setups:prepare", "no module 'ap'", "did you mean 'app'?"),
        ("app.nosuch", "setups:prepare", "Handler 'nosuch' missing on module 'app'", "app.nosuch"),
        ("handler", "setups:prepare", "Bad handler 'handler'", "look at handler"),
        ("broken.handler", "setups:prepare", "Syntax error in module 'broken'", "mend broken.py:2"),
        ("raises.handler", "setups:prepare", "ZeroDivisionError: division by zero (deep.py:3)", "mend deep.py:3"),
        ("missing.handler", "setups:prepare", "needs 'nosuchlibrary', which is not installed here", "requirements"),
        ("leaves.handler", "setups:prepare", "SystemExit", "mend leaves.py:2"),
        ("dies.handler", "setups:prepare", "it ends its process (exit code 3)", "os._exit"),
        ("calls.handler", "setups:prepare", "closed during a replay", "mend calls.py:2"),
        ("app.handler", "nosuch:prepare", "the setup of f is not there", "a module in"),
        ("app.handler", "setups:nosuch", "module 'setups' has no attribute 'nosuch'", "a module in"),
        ("app.handler", "setups:fails", "setup", "setups.py"),
    ],
)
def test_a_handler_is_imported(
    handler: str, setup: str, problem: str | None, hint: str, project: Callable[..., Path], replay_: CommandLine
) -> None:
    """What the configuration names must be there and be importable; what it raises is told with file and line."""
    folder = project(HANDLER)
    for name, text in MODULES.items():
        (folder / name).write_text(text)
    (folder / "pyproject.toml").write_text(
        f'[tool.replay.functions.f]\nhandler = "{handler}"\nruntime = "{RUNTIME}"\nsetup = "{setup}"\n'
    )
    result = replay_("doctor", "--json")
    problems = [each for each in result.documents if each.get("level") == "problem"]
    assert result.exit_code == (problem is not None)
    assert len(problems) == (problem is not None)
    if problem is not None:
        assert problem in problems[0]["what"]
        assert hint in problems[0]["what"] + problems[0]["hint"]


def test_a_module_that_waits_is_ended(project: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """An import without end is a finding, not a doctor without end; nothing that it started is left."""
    folder = project("import time\nprint('noise')\ntime.sleep(60)\n" + HANDLER)
    monkeypatch.setattr(handler_imports, "_INIT_LIMIT_S", 0)
    monkeypatch.setattr(handler_imports, "_STARTING_S", 0.2)
    function = Function(name="f", handler="app.handler", code=folder, timeout_s=0.1)
    ((_, finding),) = handler_imports.import_handlers([function], project=folder)
    assert finding is not None
    assert "longer than 0.3 s" in finding.what


def test_nothing_is_imported_where_that_is_not_wanted(project: Callable[..., Path], replay_: CommandLine) -> None:
    """Code that nobody knows need not be run."""
    folder = project("open('ran', 'w')\n1 / 0\n" + HANDLER)
    assert replay_("doctor", "--no-import").exit_code == 0
    assert not (folder / "ran").exists()
    assert replay_("doctor").exit_code == 1


def test_functions_and_templates_are_told_without_fixtures(project: Callable[..., Path], replay_: CommandLine) -> None:
    """Before anything is recorded the doctor says what was found, and that its handlers can be imported."""
    folder = project(HANDLER)
    (folder / "pyproject.toml").write_text("")
    (folder / "template.yaml").write_text(TEMPLATE.format(visibility_timeout_s=60, runtime=RUNTIME))
    told_ = told(replay_, "ok")
    assert f"{folder}/template.yaml: f" in told_
    assert f"f: app.handler in {folder} can be imported" in told_
    (folder / "app.py").write_text("import nosuchlibrary\n")
    assert "needs 'nosuchlibrary'" in told(replay_)[0]


def test_no_template_is_told_with_the_places(project: Callable[..., Path], replay_: CommandLine) -> None:
    """Where nothing was found, it is said where and for what was looked."""
    folder = project(HANDLER)
    (folder / "pyproject.toml").write_text("")
    (note,) = [each for each in told(replay_, "note") if each.startswith("no template")]
    for word in (str(folder), "template.yaml", "serverless.yml", "cdk.out", "3 levels"):
        assert word in note
    (folder / "template.yaml").write_text("Resources: [")
    (folder / "events.jsonl").write_text('{"order": 1}\n')
    replay_("record", "files", "--path", "events.jsonl", "--function", "f")
    (problem,) = told(replay_)
    assert "template.yaml: the template is not valid YAML" in problem


@pytest.mark.parametrize(
    ("settings", "level", "what"),
    [
        ("", "ok", "f: its Python sockets are closed"),
        ('allow_hosts = ["localhost"]\n', "ok", "f: its Python sockets are closed"),
        ('command = ["sh", "-c", "x"]\nallow_hosts = ["localhost"]\n', "note", "f is not kept from the network"),
        ('runtime = "java21"\n', "problem", "f needs a `command`"),
    ],
)
def test_a_child_is_told_with_its_network(
    settings: str, level: str, what: str, project: Callable[..., Path], replay_: CommandLine
) -> None:
    """For a function in a process of its own it is said what keeps it from the network."""
    folder = project(HANDLER)
    runtime = "" if "runtime" in settings else f'runtime = "{RUNTIME}"\n'
    (folder / "pyproject.toml").write_text(
        f'[tool.replay.functions.f]\nhandler = "app.handler"\nisolation = "process"\n{runtime}{settings}'
    )
    assert any(what in each for each in told(replay_, level))


def test_functions_that_are_gone_are_told_with_their_fixtures(
    project: Callable[..., Path], replay_: CommandLine
) -> None:
    """Fixtures of a renamed function are one line each function, not each fixture."""
    project(HANDLER, {"order": 1}, {"order": 2})
    replay_("record", "files", "--path", "events.jsonl", "--function", "renamed")
    (problem,) = told(replay_)
    assert problem.startswith("2 fixtures of renamed: there is no function 'renamed'")


def test_settings_that_have_changed_are_noted(project: Callable[..., Path], replay_: CommandLine) -> None:
    """A batch size that is another one since the recording changes what a replay does."""
    folder = project(HANDLER, {"order": 1}, {"order": 2})
    replay_("record", "files", "--path", "events.jsonl", "--function", "f")
    for path in folder.glob("fixtures/f/*/fixture.json"):
        document = json.loads(path.read_text())
        document["event_source"] = {"kind": "sqs", "arn": "arn:aws:sqs:eu-west-1:1:q", "batch_size": 10}
        path.write_text(json.dumps(document))
    (folder / "pyproject.toml").write_text(
        f'[tool.replay.functions.f]\nhandler = "app.handler"\nruntime = "{RUNTIME}"\n'
        'event_source = { kind = "sqs", batch_size = 5 }\n'
    )
    notes = [each for each in told(replay_, "note") if "batch_size" in each]
    assert notes == ["f: batch_size was 10 when 2 fixtures were recorded, and is 5 now; replays use 5"]


@pytest.mark.parametrize(
    ("section", "what"),
    [
        ('[tool.replay.sources.dlq]\nkind = "sqz"\n', "source dlq: there is no source 'sqz'"),
        ('[tool.replay.sources.dlq]\nkind = "sqs"\nqueu = "x"\n', "source dlq: unknown key 'queu'"),
        ('[tool.replay.targets.mine]\nkind = "locl"\n', "target mine: there is no target 'locl'"),
        ('[tool.replay.targets.mine]\nkind = "local"\ncold = 1\n', "target mine: cold = 1 cannot be used"),
        ('[tool.replay.redaction]\nkepe = ["x"]\n', "there is no such setting"),
        ("[tool.replay.redaction]\nenabled = false\n", "redaction is switched off"),
    ],
)
def test_what_is_named_must_be_usable(
    section: str, what: str, project: Callable[..., Path], replay_: CommandLine
) -> None:
    """Sources, targets and redaction are looked at before anybody uses them."""
    folder = project(HANDLER)
    with (folder / "pyproject.toml").open("a") as file:
        file.write(section)
    (problem,) = told(replay_)
    assert what in problem


def test_a_missing_redaction_key_is_noted(
    project: Callable[..., Path], replay_: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a fresh clone the key of the stand-ins is not there; where there are none, it is not missed."""
    folder = project(HANDLER, {"email": "ada@example.com"})
    monkeypatch.delenv("REPLAY_REDACTION_KEY")
    assert not any("stand-ins" in each for each in told(replay_, "note"))
    replay_("record", "files", "--path", "events.jsonl", "--function", "f")
    assert any(str(folder / ".replay") in each for each in told(replay_, "ok"))
    shutil.rmtree(folder / ".replay")
    assert any("their key is not here" in each for each in told(replay_, "note"))
    (folder / ".replay").write_text("a file in the way")
    assert any("neither read nor kept" in each for each in told(replay_))


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


@pytest.mark.parametrize(
    ("flag", "words", "hint"),
    [(0, "permission denied", "chmod u+wx"), (os.ST_RDONLY, "its file system is read-only", "--no-pin")],
)
def test_a_folder_that_cannot_be_written_is_told(
    flag: int,
    words: str,
    hint: str,
    project: Callable[..., Path],
    replay_: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On a read-only file system no permission helps, so none is advised."""
    folder = project(HANDLER, {"order": 1})
    replay_("record", "files", "--path", "events.jsonl", "--function", "f")
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != folder / "fixtures")
    monkeypatch.setattr(os, "statvfs", lambda path: SimpleNamespace(f_flag=flag))
    (problem,) = [each for each in replay_("doctor", "--json").documents if each.get("level") == "problem"]
    assert words in problem["what"]
    assert hint in problem["hint"]
    assert ("chmod" in problem["hint"]) == (flag == 0)
