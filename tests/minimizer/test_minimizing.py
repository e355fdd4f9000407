"""Fixtures become smaller and fail as before, from the command line."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.command_line import ORDERS, CommandLine, make_command_line, make_project

FIXTURES = ORDERS.parents[1] / "fixtures"
HANDLER = """\
def handler(event, context):
    if event["order"]["total"] > 10**20:
        raise OverflowError(event["order"]["total"])
    return "ok"
"""


@pytest.fixture
def replay_(capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return make_command_line(capsys)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    def make(*events: object) -> Path:
        monkeypatch.chdir(make_project(tmp_path, HANDLER, *events))
        return tmp_path

    return make


def test_a_fixture_becomes_small_and_fails_as_before(replay_: CommandLine, project: Callable[..., Path]) -> None:
    """The event on disk is the smallest, says when and why it was changed, and is still reproduced."""
    folder = project({"order": {"id": "o-1", "total": 10**25, "lines": [1, 2, 3]}, "note": "x" * 100})
    assert replay_("record", "files", "--path", "events.jsonl", "--function", "f").exit_code == 0
    assert replay_("run").exit_code == 0

    said = replay_("minimize", "*", "--json")

    assert said.exit_code == 0
    one, summary = said.documents
    assert (one["type"], one["changed"], one["is_smallest"]) == ("minimized", True, True)
    assert summary == {"type": "summary", "total": 1, "changed": 1, "not_run": 0, "dry_run": False}
    (event,) = folder.glob("fixtures/f/*/event.json")
    left = json.loads(event.read_text())
    assert left.keys() == {"order"}
    assert left["order"].keys() == {"total"}
    assert left["order"]["total"] == 10**21
    assert json.loads((event.parent / "fixture.json").read_text())["revisions"][-1]["why"].startswith("minimised from")
    (verdict, _) = replay_("run", "--json").documents
    assert verdict["verdict"] == "reproduced"
    assert "is as small as it can be" in replay_("minimize", "*").stdout


def test_what_verification_found_moves_with_its_value(
    replay_: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A value that matters is still named by its place when what stood before it is gone."""
    handler = 'def handler(event, context):\n    if 7 in event["lines"]:\n        raise ValueError("seven")\n'
    monkeypatch.chdir(make_project(tmp_path, handler, {"lines": [1, 2, 7]}))
    assert replay_("record", "files", "--path", "events.jsonl", "--function", "f").exit_code == 0
    assert replay_("run").exit_code == 0
    (document,) = tmp_path.glob("fixtures/f/*/fixture.json")
    verified = {"result": "generalised", "matters": ["/lines/2", "/lines/0"]}
    document.write_text(json.dumps({**json.loads(document.read_text()), "verification": verified}))
    assert replay_("minimize", "*").exit_code == 0
    assert json.loads((document.parent / "event.json").read_text()) == {"lines": [7]}
    assert json.loads(document.read_text())["verification"]["matters"] == ["/lines/0"]


def test_more_processes_find_the_same(replay_: CommandLine, project: Callable[..., Path]) -> None:
    """Two processes that replay ahead leave what one leaves, after as many probes."""
    project({"order": {"id": "o-1", "total": 10**25, "lines": [{"n": n} for n in range(9)]}, "note": "x" * 20})
    replay_("record", "files", "--path", "events.jsonl", "--function", "f")
    replay_("run")
    alone = replay_("minimize", "*", "--json", "--dry-run")
    together = replay_("minimize", "*", "--json", "--processes", "2")
    assert alone.documents[0]["probes"] > 10
    assert alone.documents[:-1] == together.documents[:-1]


def test_a_dry_run_writes_nothing(replay_: CommandLine, project: Callable[..., Path]) -> None:
    """It only says how small the fixture would become."""
    folder = project({"order": {"id": "o-1", "total": 10**25}})
    replay_("record", "files", "--path", "events.jsonl", "--function", "f")
    replay_("run")
    before = {path: path.read_bytes() for path in folder.rglob("*.json")}
    assert "would be" in replay_("minimize", "*", "--dry-run").stdout
    assert {path: path.read_bytes() for path in folder.rglob("*.json")} == before


def test_what_does_not_fail_here_stays_as_it_is(replay_: CommandLine, project: Callable[..., Path]) -> None:
    """One message that says so, exit code 2, and the others are minimised all the same."""
    folder = project({"order": {"total": 1}}, {"order": {"total": 10**25}, "note": "x"})
    replay_("record", "files", "--path", "events.jsonl", "--function", "f")
    replay_("run")

    said = replay_("minimize", "*")

    assert said.exit_code == 2
    assert "it does not fail here" in said.stderr
    assert "Traceback" not in said.stderr
    assert min(len(path.read_bytes()) for path in folder.glob("fixtures/f/*/event.json")) < 40
    assert "note" not in "".join(path.read_text() for path in folder.glob("fixtures/f/*/event.json"))


@pytest.mark.parametrize("name", ["orders-dlq--23720c4c", "orders-dlq--347ef837", "orders-dlq--e5bfdc5d"])
def test_example_fixtures_keep_their_failure(
    replay_: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A missing key, a lone surrogate and a body that is no JSON: less than half of the body is left, the bug stays."""
    shutil.copytree(ORDERS, tmp_path / "orders", ignore=shutil.ignore_patterns("tests", "__pycache__"))
    shutil.copytree(FIXTURES / "orders" / name, tmp_path / "fixtures" / "orders" / name)
    (tmp_path / "pyproject.toml").write_text('[tool.replay]\ntemplate = "orders/template.yaml"\n')
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "fixtures" / "orders" / name
    before = json.loads((folder / "event.json").read_text())["Records"][0]

    assert replay_("minimize", name).exit_code == 0

    (record,) = json.loads((folder / "event.json").read_text())["Records"]
    assert len(record["body"]) < len(before["body"]) / 2
    assert (record["messageId"], record["eventSource"]) == (before["messageId"], "aws:sqs")
    assert record["md5OfBody"] != before["md5OfBody"]
    assert [each["verdict"] for each in replay_("run", "--json").documents[:-1]] == ["reproduced"]


def test_a_redaction_at_a_key_that_is_not_told_stays_noted(
    replay_: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A secret that is a key has no place that could be found again; that it was replaced is still said."""
    handler = 'def handler(event, context):\n    raise ValueError(len(event["by"]))\n'
    event = {"by": {"AKIA" + "Q7R2ZK4M9XN1B5VD": 1}, "note": "x" * 50}
    monkeypatch.chdir(make_project(tmp_path, handler, event))
    assert replay_("record", "files", "--path", "events.jsonl", "--function", "f").exit_code == 0
    assert replay_("run").exit_code == 0
    assert replay_("minimize", "*").exit_code == 0
    (document,) = tmp_path.glob("fixtures/f/*/fixture.json")
    assert [each["at"] for each in json.loads(document.read_text())["redactions"]] == ["/by/*"]
    assert replay_("scan").exit_code == 0
