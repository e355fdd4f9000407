"""Accepting: by hand edited events, several fixtures at once, and what is written down of it."""

import json
from collections.abc import Callable
from pathlib import Path

from tests.cli.command_line import CommandLine

FAILING = "def handler(event, context):\n    return event['customer_id']\n"


def recorded(replay_: CommandLine, project: Callable[..., Path]) -> Path:
    folder = project(FAILING, {"order": 1}, {"order": 2})
    replay_("record", "files", "--path", "events.jsonl", "--function", "f")
    replay_("run")
    return folder


def test_an_edited_event_is_accepted(replay_: CommandLine, project: Callable[..., Path]) -> None:
    """After `expect` the event as edited is the fixture's event, and no note is made of it any more."""
    folder = recorded(replay_, project)
    event = min(folder.glob("fixtures/f/*/event.json"))
    event.write_text('{"customer_id": 1}')
    number = event.parent.name.rpartition("--")[2]
    assert replay_("show", number, "--json").documents[0]["edited"]
    assert "edited by hand" in replay_("show", number).stdout
    assert replay_("expect", number, "now").exit_code == 0
    assert event.read_text() == '{"customer_id": 1}'
    assert not replay_("show", number, "--json").documents[0]["edited"]
    revision = json.loads((event.parent / "fixture.json").read_text())["revisions"][-1]
    assert revision["why"] == "expected reproduces, now now, with the event as edited by hand"
    assert replay_("run").exit_code == 0


def test_now_takes_status_and_dispositions_as_they_are(replay_: CommandLine, project: Callable[..., Path]) -> None:
    """A right fix can be to fail: what is accepted so is green, and anything else is not."""
    folder = recorded(replay_, project)
    (folder / "app.py").write_text("def handler(event, context):\n    raise PermissionError('not for us')\n")
    assert replay_("run").exit_code == 1
    accepted = replay_("expect", "f", "now")
    assert accepted.stdout.count("now expected: failed [discarded], as accepted") == 2
    assert replay_("run").exit_code == 0
    (folder / "app.py").write_text("def handler(event, context):\n    return 1\n")
    assert replay_("run").exit_code == 1


def test_the_advice_of_a_run_works_as_it_is(replay_: CommandLine, project: Callable[..., Path]) -> None:
    """The command under "Accept the fix" can be copied, and the next run is green."""
    folder = recorded(replay_, project)
    (folder / "app.py").write_text("def handler(event, context):\n    return 1\n")
    told = replay_("run").stdout
    _, _, advice = told.partition("Accept the fix:  replay ")
    assert replay_(*advice.splitlines()[0].split()).exit_code == 0
    assert replay_("run").exit_code == 0


def test_what_is_not_imitated_is_said_once(replay_: CommandLine, project: Callable[..., Path]) -> None:
    """Notes of delivery and target stand once at the end of the run, and in each outcome of --json."""
    folder = recorded(replay_, project)
    (folder / "pyproject.toml").write_text(
        '[tool.replay.functions.f]\nhandler = "app.handler"\nruntime = "python3.9"\n'
    )
    assert replay_("run").stdout.count("note: f runs on python3.") == 1
    outcomes = replay_("run", "--json").documents[:-1]
    assert all(any("runs on python3." in note for note in outcome["notes"]) for outcome in outcomes)
