"""Every command that there is, over hostile payloads: a new one is refused here until it says how it is tried."""

import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from replay.cli.main import cli
from replay.fixtures.store import Store
from replay.project import Project
from tests.cli.command_line import CommandLine, Result
from tests.cli.test_deployed_targets import STAGING
from tests.cli.test_hostile_payloads import HANDLER, HOSTILE
from tests.cli.test_redrive import TARGETS, Here, Queues, mocked
from tests.targets.deployed_aws import Answer, DeployedAws, all_led_to_it

__all__ = ["mocked"]

_RECORD = ("record", "files", "--path", "events.jsonl", "--function", "f", "--all")
_TO_STAGING = ("run", "--target", "staging")
WAYS: dict[str, tuple[tuple[str, ...], ...]] = {
    "record": ((*_RECORD, "--again"), (*_RECORD, "--again", "--json")),
    "list": (("list",), ("list", "--json"), ("list", "--coverage"), ("list", "--duplicates"), ("list", "--stale")),
    "show": (("show", "ONE"), ("show", "ONE", "--json")),
    "run": (
        ("run",), ("list", "--unused"), ("run", "--red", "--junit", "1.xml"), ("run", "--json"), ("run", "--twice", "--red"), (*_TO_STAGING, "--red", "--junit", "2.xml"),
        (*_TO_STAGING, "--json"), (*_TO_STAGING, "--dry-run"), (*_TO_STAGING, "--originals", "--red"),
        (*_TO_STAGING, "--target", "local", "--junit", "3.xml"), (*_TO_STAGING, "--target", "local", "--json"),
    ),
    "runs": (("runs",), ("runs", "--json")),
    "expect": (("expect", "*", "succeeds"), ("expect", "ONE", "now"), ("expect", "*", "reproduces")),
    "minimize": (("minimize", "*", "--dry-run"), ("minimize", "*", "--dry-run", "--json")),
    "export": (("export", "--out", "out.jsonl"), ("export", "--dry-run", "--json", "--out", "x.jsonl")),
    "scan": (("scan",), ("scan", "events.jsonl"), ("scan", "--json")),
    "redact": (("redact", "*"), ("redact", "*", "--json")),
    "prune": (("prune", "--duplicates", "--dry-run"), ("prune", "--duplicates", "--dry-run", "--json")),
    "pack": (("pack",), ("list",), ("run", "--red"), ("doctor",), ("pack", "--compact"), ("pack", "--json")),
    "unpack": (("unpack",), ("unpack", "--json")),
    "migrate": (("migrate",), ("migrate", "--json")),
    "doctor": (("doctor",), ("doctor", "--json")),
}  # fmt: skip
"""How each command is tried, in this order; `ONE` is the id of a fixture."""
WITHOUT_PAYLOADS = {"schema", "athena-ddl", "demo"}
APART = {"redrive"}
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def test_every_command_is_tried() -> None:
    """A command that is in none of the lists fails here, until somebody says how hostile payloads come to it."""
    assert set(cli.list_commands(click.Context(cli))) == {*WAYS, *WITHOUT_PAYLOADS, *APART}


def _harmless(said: Result, arguments: tuple[str, ...]) -> None:
    both = said.stdout + said.stderr
    assert "Traceback" not in both, (arguments, both)
    assert not _CONTROL.search(both), (arguments, _CONTROL.findall(both))
    assert not [line for line in both.splitlines() if line.startswith(("::", "=cmd"))], arguments


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[DeployedAws]:
    with all_led_to_it(monkeypatch, _echo) as served:
        yield served


def _echo(event: Any) -> Answer:
    text = event["text"]
    stack = [f'  File "/var/task/app.py", line 2, in handler\n    {text}\n']
    return Answer(
        payload={"errorMessage": text, "errorType": text, "requestId": text, "stackTrace": stack, text: text},
        function_error="Unhandled", log=f"{text}\nSTART RequestId: {text}\n".encode("utf-8", "replace").decode(),
    )  # fmt: skip


def test_no_command_lets_a_payload_act(
    aws: DeployedAws, project: Callable[..., Path], replay_: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Controls, directions, markup, formulas and workflow commands are shown as what they are, by every command."""
    monkeypatch.setenv("COLUMNS", "200")
    root = project(HANDLER, *({"text": text, text: 1, "path": text} for text in HOSTILE.values()), settings=STAGING)
    _harmless(replay_(*_RECORD), _RECORD)
    assert len(Store(root / "fixtures").references()) == len(HOSTILE)
    for ways in WAYS.values():
        for way in ways:
            one = str(Store(root / "fixtures").references()[0])
            arguments = tuple(one if each == "ONE" else each for each in way)
            said = replay_(*arguments)
            assert "No such option" not in said.stderr, said.stderr
            _harmless(said, arguments)
    assert len(aws.invocations) >= 4 * len(HOSTILE)
    for report in root.glob("*.xml"):
        assert {each.tag for each in ET.parse(report).iter()} <= {
            "testsuites", "testsuite", "testcase", "failure", "error", "skipped", "properties", "property", "system-out", "system-err",
        }  # fmt: skip
    assert not [line for line in (root / "out.jsonl").read_text().splitlines() if not line.startswith('{"fixture"')]
    for path in (root / "fixtures").rglob("*"):
        assert re.fullmatch(r"[A-Za-z0-9._-]+", path.name), path.name


ABSURD = (
    '{"text": "deep", "path": ' + "[" * 20_000 + "]" * 20_000 + "}",
    '{"text": "deep too", "body": ' + json.dumps('{"a":' * 5_000 + "1" + "}" * 5_000) + "}",
    '{"text": "a long number", "n": ' + "9" * 20_000 + "}",
    '{"text": "' + "long " * 40_000 + '"}',
    '{"text": "many", ' + ",".join(f'"k{number}": {number}' for number in range(2_000)) + "}",
)


def test_absurd_sizes_and_depths_stop_no_command(project: Callable[..., Path], replay_: CommandLine) -> None:
    """What is nested too deep or too long for Python's own parser is shown, left or refused; never a traceback."""
    root = project(HANDLER, settings=STAGING)
    (root / "events.jsonl").write_text("".join(f"{event}\n" for event in ABSURD))
    _harmless(replay_(*_RECORD, "--no-verify"), _RECORD)
    assert len(Store(root / "fixtures").references()) >= 4
    for ways in WAYS.values():
        for way in ways[:3]:
            if "staging" in way or "--originals" in way:
                continue
            one = str(Store(root / "fixtures").references()[0])
            more = (
                ("--probes", "3")
                if way[0] == "minimize"
                else ("--no-verify",)
                if way[0] in {"record", "redact"}
                else ()
            )
            arguments = (*(one if each == "ONE" else each for each in way), *more)
            said = replay_(*arguments)
            assert "No such option" not in said.stderr, said.stderr
            _harmless(said, arguments)
            assert len(said.stdout) < 3_000_000


class _Echoing(Here):
    """Judge as a function that fails with what it was sent."""

    def invoke(self, attempt: Any) -> Any:
        from replay.delivery.attempt import Reply
        from replay.payloads.failures import Failure

        body = json.loads(attempt.payload)["Records"][0]["body"]
        return Reply(
            status="raised", failure=Failure(error_type=body, message=body, stack=body, request_id="1"), log=body
        )


@pytest.mark.usefixtures("mocked")
def test_no_dead_letter_acts(
    project: Callable[..., Path], replay_: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same of `redrive`, which shows errors of messages that nobody has recorded."""
    monkeypatch.setattr(Project, "open_invoker", lambda *_, **__: _Echoing())
    project(HANDLER, settings=TARGETS)
    queues = Queues()
    for text in HOSTILE.values():  # SQS takes no C0 controls and no surrogates; escaped ones it does
        queues.fill(json.dumps(text) if re.search(r"[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe]", text) else text)
    words = ("redrive", "orders-dlq", "--function", "f", "--judge", "local", "--visibility-timeout-s", "1", "--yes")
    for arguments in (words, (*words, "--json"), (*words, "--execute"), ("runs",)):
        _harmless(replay_(*arguments), arguments)


def test_no_payload_acts_in_pytest(project: Callable[..., Path], replay_: CommandLine) -> None:
    """Ids of tests are slugs; what pytest prints of failures has no controls, and its JUnit no markup of theirs."""
    root = project(HANDLER, *({"text": text, text: 1} for text in HOSTILE.values()))
    assert replay_(*_RECORD).exit_code == 0
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-vv", "--replay-red", "--junitxml=p.xml", "--color=no"],
        capture_output=True, check=False, env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    told = (done.stdout + done.stderr).decode()
    assert done.returncode == 1, told[-2000:]
    assert not _CONTROL.search(told), _CONTROL.findall(told)
    ids = re.findall(r"^(\S+::\S+|\S*replay\S*\[\S+\])", told, re.MULTILINE)
    assert all(re.fullmatch(r"[\w./:\[\]-]+", each) for each in ids), ids
    assert not {each.tag for each in ET.parse(root / "p.xml").iter()} & {"script", "img"}
