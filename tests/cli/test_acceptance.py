"""Accepting: by hand edited events, several fixtures at once, and what is written down of it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

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
    assert (
        revision["why"] == "expectation: was reproduces, is now (succeeded processed), with the event as edited by hand"
    )
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


EDITED = "def handler(event, context):\n    return event['customer_id'] or None\n"
OTHERWISE = "def handler(event, context):\n    raise ValueError('no such customer')\n"


def document_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(min(folder.glob("fixtures/f/*/fixture.json")).read_text())
    return found


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (OTHERWISE, "failure pinned anew: was KeyError: 'customer_id', is ValueError: no such customer"),
        (
            EDITED,
            "failure pinned anew: KeyError: 'customer_id' as before, but was `app.py handler  return event['customer_id']`, is `app.py handler  return event['customer_id'] or None`",
        ),
    ],
)
def test_a_changed_failure_is_accepted_as_the_known_bug(
    source: str, why: str, replay_: CommandLine, project: Callable[..., Path]
) -> None:
    """The command that a `changed` run prints pins the failure of now, says what was and what is, and makes it green."""
    folder = recorded(replay_, project)
    (folder / "app.py").write_text(source)
    told = replay_("run")
    assert told.exit_code == 1
    for line in told.stdout.splitlines():
        if line.startswith("accept it  replay expect "):
            assert replay_(*line.partition("#")[0].split()[3:]).exit_code == 0
    assert replay_("expect", "f", "reproduces").exit_code == 0
    assert document_of(folder)["revisions"][-1]["why"] == why
    assert replay_("run").exit_code == 0
    assert "KeyError" not in replay_("list").stdout or source is EDITED


def test_what_production_saw_stays_when_another_failure_is_pinned(
    replay_: CommandLine, project: Callable[..., Path]
) -> None:
    """The recorded failure of a fixture is provenance: only the expectation changes."""
    folder = recorded(replay_, project)
    for file in folder.glob("fixtures/f/*/fixture.json"):
        known = json.loads(file.read_text())
        known["failure"]["observed"] = "logs"
        file.write_text(json.dumps(known))
    (folder / "app.py").write_text(OTHERWISE)
    assert replay_("expect", "f", "reproduces").exit_code == 0
    known = document_of(folder)
    assert (known["failure"]["error_type"], known["expectation"]["signature"]["error_type"]) == (
        "KeyError",
        "ValueError",
    )


@pytest.mark.parametrize("wants", ["reproduces", "succeeds", "now", "fails"])
def test_what_is_expected_already_changes_nothing(
    wants: str, replay_: CommandLine, project: Callable[..., Path]
) -> None:
    """A second `expect` of the same says so, and leaves files and revisions as they are."""
    folder = recorded(replay_, project)
    first = replay_("expect", "f", wants)
    assert first.exit_code == 0
    before = {path: path.read_bytes() for path in folder.glob("fixtures/f/*/*.json")}
    second = replay_("expect", "f", wants)
    assert second.exit_code == 0
    assert second.stdout.count("nothing to change, already expected: ") == 2
    assert {path: path.read_bytes() for path in folder.glob("fixtures/f/*/*.json")} == before
    *fixtures, summary = replay_("expect", "f", wants, "--json").documents
    assert [each["changed"] for each in fixtures] == [False, False]
    assert summary == {"type": "summary", "total": 2, "changed": 0}


def test_a_pinned_failure_is_forgotten(replay_: CommandLine, project: Callable[..., Path]) -> None:
    """`expect ID fails` makes a fixture as it was before its first replay, and the next one pins anew."""
    folder = recorded(replay_, project)
    assert replay_("expect", "f", "fails").exit_code == 0
    known = document_of(folder)
    assert (known["expectation"]["wants"], known["failure"]) == ("fails", None)
    (folder / "app.py").write_text(OTHERWISE)
    assert replay_("run").exit_code == 0
    assert document_of(folder)["expectation"]["signature"]["error_type"] == "ValueError"


def test_what_does_not_fail_is_no_known_bug(replay_: CommandLine, project: Callable[..., Path]) -> None:
    """`reproduces` of an event that is handled is refused, and nothing is written."""
    folder = recorded(replay_, project)
    before = document_of(folder)
    (folder / "app.py").write_text("def handler(event, context):\n    return 1\n")
    refused = replay_("expect", "f", "reproduces")
    assert refused.exit_code == 2
    assert "it does not fail here" in refused.stderr
    assert document_of(folder) == before


def test_an_accepted_failure_is_not_called_fixed(replay_: CommandLine, project: Callable[..., Path]) -> None:
    """What fails just as accepted is "as accepted" to people and `fixed` to machines; another error is noted."""
    folder = recorded(replay_, project)
    assert replay_("expect", "f", "now").exit_code == 0
    told = replay_("run").stdout
    assert "✓ as accepted" in told
    assert "2 as accepted; all as expected" in told
    assert "fixed" not in told
    assert replay_("run", "--json").documents[-1]["verdicts"] == {"fixed": 2}
    (folder / "app.py").write_text(OTHERWISE)
    other = replay_("run")
    assert other.exit_code == 0
    assert other.stdout.count("was accepted with KeyError: 'customer_id'") == 2


def test_all_mistakes_are_told_at_once(replay_: CommandLine, project: Callable[..., Path]) -> None:
    """A forgotten word and unknown fixtures are one error with all of them."""
    recorded(replay_, project)
    told = replay_("expect", "nosuch", "neither").stderr
    assert told.count("error: ") == 1
    assert "say what is expected, and no fixture matches 'nosuch', 'neither'" in told
    assert "no fixture matches 'a1', 'b2', 'nosuch'" in replay_("expect", "a1", "b2", "nosuch", "succeeds").stderr
    assert "did you mean `replay expect f succeeds`?" in replay_("expect", "f", "suceeds").stderr
