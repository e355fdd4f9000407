"""Captured data is anybody's: whatever it holds, no command lets it act on a terminal, a browser, or the file system."""

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.command_line import CommandLine

HANDLER = """\
def handler(event, context):
    print(event["text"])
    raise ValueError(event["text"])
"""
HOSTILE = {
    "terminal escapes": "\x1b]0;owned\x07\x1b[2J\x1b[1;1Hok\x1b[0m",
    "C1 controls": "\x9b31m\x90q\x9c",
    "carriage returns": "reproduced\r\x08\x08failed",
    "right to left": "\u202egnp.exe\u2066x\u2069",
    "HTML": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "XML": "]]></failure><!--\x00\x0b\ufffe",
    "a spreadsheet formula": '=cmd|"/c calc"!A0',
    "a path": "../../../../etc/passwd",
    "a template": "{{7*7}}${HOME}`id`$(id)%n%s",
    "rich markup": "[bold red]x[/] [link=file:///etc/passwd]y[/link]",
    "a lone surrogate": "\ud83c",
    "a GitHub command": "::error file=a::b\n::set-output name=x::y",
}
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@pytest.fixture(params=HOSTILE, ids=lambda name: name.replace(" ", "-"))
def recorded(
    request: pytest.FixtureRequest, replay_: CommandLine, project: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Record one event that holds something hostile in its key and in its value, and fails with it."""
    monkeypatch.setenv("COLUMNS", "200")
    text = HOSTILE[request.param]
    folder = project(HANDLER, {"text": text, text: 1, "path": text})
    assert replay_("record", "files", "--path", "events.jsonl", "--function", "f").exit_code == 0
    return folder


def test_no_command_lets_a_payload_act_on_a_terminal(recorded: Path, replay_: CommandLine) -> None:
    """What a command prints has no control character but newlines, whatever the event, the error and the log hold."""
    for arguments in (
        ("run",), ("run", "--red"), ("run", "--json"), ("list",), ("list", "--json"), ("show", "*"), ("show", "*", "--json"),
        ("doctor",), ("minimize", "*", "--dry-run"), ("prune", "--duplicates", "--dry-run"),
    ):  # fmt: skip
        said = replay_(*arguments)
        assert "Traceback" not in said.stderr, said.stderr
        assert not _CONTROL.search(said.stdout + said.stderr), (arguments, _CONTROL.findall(said.stdout + said.stderr))


def test_a_report_is_read_by_whoever_reads_it(recorded: Path, replay_: CommandLine) -> None:
    """JUnit XML parses, and its text holds no markup of the payload's; GitHub sees no command at a line's start."""
    said = replay_("run", "--red", "--junit", "report.xml")
    document = ET.parse(recorded / "report.xml")
    assert [element.tag for element in document.iter()].count("failure") == 1
    assert not {element.tag for element in document.iter()} & {"script", "img"}
    assert not any(line.startswith("::") for line in said.stdout.splitlines())


def test_a_payload_names_no_file(recorded: Path) -> None:
    """Folders of fixtures are slugs: nothing is written outside, and no name has more than letters, digits, - and _."""
    names = [path.name for path in (recorded / "fixtures").rglob("*")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+", name) for name in names), names
    (event,) = (recorded / "fixtures").rglob("event.json")
    assert json.loads(event.read_text())["text"] in HOSTILE.values()


def test_an_event_edited_by_hand_is_said_to_be(replay_: CommandLine, project: Callable[..., Path]) -> None:
    """Its digest differs: every command that shows the fixture says so, until somebody accepts it."""
    folder = project(HANDLER, {"text": "poison"})
    assert replay_("record", "files", "--path", "events.jsonl", "--function", "f").exit_code == 0
    replay_("run")
    assert "edited" not in replay_("list").stdout + replay_("run").stdout
    (event,) = folder.rglob("event.json")
    event.write_text('{"text": "tampered"}')
    assert "(edited by hand)" in replay_("list").stdout
    assert "edited by hand since it was recorded" in replay_("show", "*").stdout
    assert "edited by hand since it was recorded" in replay_("run").stdout
    assert replay_("expect", "*", "reproduces").exit_code == 0
    assert "edited by hand since" not in replay_("run").stdout


def test_a_secret_of_the_environment_is_not_pinned(replay_: CommandLine, project: Callable[..., Path]) -> None:
    """A handler that puts a key into its error would pin it into git: neither fixture nor output has it; it is one bug."""
    secret = "AKIA" + "IOSFODNN7" + "QXJMPLE"
    source = "import os\ndef handler(event, context):\n    raise ValueError('denied for ' + os.environ['TOKEN_ID'])\n"
    settings = f'environment = {{ TOKEN_ID = "{secret}" }}\n'
    folder = project(source, {"order": 1}, {"order": 2}, settings=settings)
    assert replay_("record", "files", "--path", "events.jsonl", "--function", "f").exit_code == 0

    said = [replay_("run"), replay_("run", "--red"), replay_("run", "--json"), replay_("show", "*"), replay_("list")]

    assert all(secret not in each.stdout + each.stderr for each in said)
    assert not [path for path in (folder / "fixtures").rglob("*") if path.is_file() and secret in path.read_text()]
    assert [each["verdict"] for each in said[2].documents[:-1]] == ["reproduced", "reproduced"]
    assert len({each["signature"] for each in said[2].documents[:-1]}) == 1
