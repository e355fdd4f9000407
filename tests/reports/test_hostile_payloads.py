"""Captured data is hostile: whatever is in it, whoever looks at it in any way comes to no harm."""

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from replay.cli.main import cli
from tests.cli.command_line import CommandLine, message

RAISING = """\
import json
def handler(event, context):
    print(event["Records"][0]["body"].encode("utf-8", "replace").decode())
    raise ValueError(event["Records"][0]["body"])
"""
HOSTILE = {
    "terminal": "\x1b]0;owned\x07\x1b[2J\x1b[31mred\x1b[0m\r\x9b1A",
    "bidi": "user \u202e\u2066nimda\u2069 \u200b\u061c",
    "tags": "a\U000e0041\U000e007f\u00ad\ufeff",
    "nul": "before\x00after\x08\x7f",
    "long": "x" * 100_000,
    "deep": "[" * 100_000,
    "deep_object": '{"a":' * 50_000 + "1" + "}" * 50_000,
    "html": "<script>alert(1)</script>]]><!-- & \"' -->",
    "surrogate": "half \ud83d of it",
    "lines": "one\ntwo\r\nthree\u2028four\x0bfive\x85six",
    "path": "../../../etc/passwd\x00",
    "format": "%s %d {0} {x!r} \\x1b[31m ${HOME} `id`",
}
# Of what a terminal may see: line breaks and tabs, and no other control, format or surrogate character.
_HARMFUL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\U000e0000-\U000e007f]"
)


@pytest.fixture(params=HOSTILE)
def hostile(request: pytest.FixtureRequest, replay_: CommandLine, project: Callable[..., Path]) -> str:
    """Give a text that is the body, an attribute and then the error of the one fixture of the project."""
    text = HOSTILE[request.param]
    attribute: dict[str, Any] = {"note": {"DataType": "String", "StringValue": text[:200]}}
    folder = project(RAISING)
    (folder / "messages.json").write_text(json.dumps({"Messages": [message(0, text, attribute)]}))
    recorded = replay_("record", "files", "--path", "messages.json", "--function", "f")
    assert recorded.exit_code == 0, recorded.stderr
    return text


def test_nobody_who_looks_is_harmed(hostile: str, replay_: CommandLine) -> None:
    """List, show, run and doctor write no control character, and no endless line, also in colour and in JSON."""
    number = replay_("list", "--json").documents[0]["fixture"]
    for arguments in (("show", number), ("run",), ("show", number), ("list",), ("run", "--red"), ("doctor",)):
        result = replay_(*arguments)
        shown = result.stdout + result.stderr
        assert not _HARMFUL.search(shown), (arguments, _HARMFUL.search(shown))
        assert max(map(len, shown.splitlines())) < 1_500
        assert "Traceback" not in shown
        assert result.exit_code in {0, 1}
    for arguments in (("list", "--json"), ("show", number, "--json"), ("run", "--json"), ("run", "--red", "--json")):
        result = replay_(*arguments)
        assert result.stdout.isascii()
        assert not _HARMFUL.search(result.stdout)
        assert result.documents[-1]["type"] == "summary"


def test_the_error_is_exact_in_json(hostile: str, replay_: CommandLine) -> None:
    """What is made visible for eyes is exact for machines."""
    outcome = replay_("run", "--json").documents[0]
    assert outcome["verdict"] == "reproduced"
    if "\ud83d" in hostile:  # no UTF-8: the runtime itself fails to send such a message
        assert outcome["error"]["type"] == "Runtime.ExitError"
        return
    assert outcome["error"]["type"] == "ValueError"
    assert outcome["error"]["message"][:50] == hostile[:50]


def test_junit_stays_xml(hostile: str, replay_: CommandLine) -> None:
    """Whatever fails becomes well-formed XML, and markup in it stays text."""
    replay_("run", "--red", "--junit", "reports/junit.xml")
    content = Path("reports/junit.xml").read_bytes()
    (case,) = ET.fromstring(content).iter("testcase")
    (failure,) = case
    assert failure.tag == "failure"
    assert failure.text
    assert "run again  replay run" in failure.text
    assert b"<script>" not in content
    assert list(Path("reports").iterdir()) == [Path("reports/junit.xml")]


def test_the_event_is_exact(hostile: str) -> None:
    """`show --event` gives the bytes of event.json, nothing more and nothing less."""
    (file,) = Path("fixtures/f").glob("*/event.json")
    result = CliRunner().invoke(cli, ["show", file.parent.name.rpartition("--")[2], "--event"])
    assert result.exit_code == 0
    assert result.stdout_bytes == file.read_bytes()
