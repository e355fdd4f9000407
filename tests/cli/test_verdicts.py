"""The verdict table and the exit codes, from the command line to the handler and back."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.command_line import CommandLine

FAILING = "def handler(event, context):\n    return event['customer_id']\n"
FIXED = "def handler(event, context):\n    return event.get('customer_id')\n"
OTHERWISE = "def handler(event, context):\n    raise ValueError('no such customer')\n"
FLAKY = """\
import itertools
numbers = itertools.count()
def handler(event, context):
    if next(numbers) % 2:
        return event['customer_id']
"""
SOURCES = {"reproduced": FAILING, "fixed": FIXED, "changed": OTHERWISE, "flaky": FLAKY}


def recorded(replay_: CommandLine, project: Callable[..., Path], wants: str) -> Path:
    """Record an event, pin its failure, and accept *wants* where the table has it so."""
    folder = project(FAILING, {"order": 1})
    assert replay_("record", "files", "--path", "events.jsonl", "--function", "f").exit_code == 0
    assert replay_("run").exit_code == 0
    if wants == "succeeds":
        assert replay_("expect", "*", "succeeds").exit_code == 0
    elif wants == "now":
        (folder / "app.py").write_text(FIXED)
        assert replay_("expect", "*", "now").exit_code == 0
    return folder


@pytest.mark.parametrize(
    ("wants", "happens", "exit_code"),
    [
        ("reproduces", "reproduced", 0),
        ("reproduces", "fixed", 1),
        ("reproduces", "changed", 1),
        ("reproduces", "flaky", 1),
        ("succeeds", "reproduced", 1),
        ("succeeds", "fixed", 0),
        ("succeeds", "changed", 1),
        ("succeeds", "flaky", 1),
        ("now", "reproduced", 1),
        ("now", "fixed", 0),
        ("now", "changed", 1),
        ("now", "flaky", 1),
    ],
)
def test_the_verdict_table_holds(
    wants: str, happens: str, exit_code: int, replay_: CommandLine, project: Callable[..., Path]
) -> None:
    """Each cell of the table: what a fixture expects, what happens now, and the exit code that follows."""
    folder = recorded(replay_, project, wants)
    (folder / "app.py").write_text(SOURCES[happens])
    repeat = ("--repeat", "3") if happens == "flaky" else ()
    result = replay_("run", "--json", *repeat)
    outcome, summary = result.documents
    assert outcome["verdict"] == happens
    assert outcome["as_expected"] == (exit_code == 0)
    assert summary["verdicts"] == {happens: 1}
    assert result.exit_code == exit_code
    assert replay_("run", *repeat).exit_code == exit_code


def test_red_makes_a_reproduction_red(replay_: CommandLine, project: Callable[..., Path]) -> None:
    """Who mends the bug sees it as a failure, with the reason and how to run it again."""
    recorded(replay_, project, "reproduces")
    result = replay_("run", "--red")
    assert result.exit_code == 1
    assert "the bug is still there: KeyError: 'customer_id'" in result.stdout
    assert "run again  replay run " in result.stdout


def test_the_outcome_has_the_keys_that_are_promised(replay_: CommandLine, project: Callable[..., Path]) -> None:
    """`replay run --json` gives these keys at least, and a summary at last; `fixture` is the id that `show` takes."""
    recorded(replay_, project, "reproduces")
    outcome, summary = replay_("run", "--json").documents
    assert outcome["type"] == "outcome"
    assert outcome["status"] == "failed"
    assert outcome["error"] == {"type": "KeyError", "message": "'customer_id'"}
    assert isinstance(outcome["signature"], str)
    assert outcome["dispositions"] == ["discarded"]
    assert replay_("show", outcome["fixture"]).exit_code == 0
    assert (summary["type"], summary["total"], summary["verdicts"]) == ("summary", 1, {"reproduced": 1})


def test_an_outcome_without_failure_has_no_error(replay_: CommandLine, project: Callable[..., Path]) -> None:
    """Error and signature are null where all went well."""
    folder = recorded(replay_, project, "succeeds")
    (folder / "app.py").write_text(FIXED)
    outcome = replay_("run", "--json").documents[0]
    assert (outcome["error"], outcome["signature"], outcome["status"]) == (None, None, "succeeded")


def test_warm_and_cold(replay_: CommandLine, project: Callable[..., Path]) -> None:
    """Module state lasts from event to event, and with --cold no longer."""
    counting = "seen = []\ndef handler(event, context):\n    seen.append(1)\n    assert len(seen) == 1, 'warm'\n"
    project(counting, {"order": 1}, {"order": 2})
    assert replay_("record", "files", "--path", "events.jsonl", "--function", "f").exit_code == 0
    assert replay_("expect", "*", "succeeds").exit_code == 0
    assert [each.get("status") for each in replay_("run", "--json").documents] == ["succeeded", "failed", None]
    assert replay_("run", "--cold").exit_code == 0


def test_could_not_run_wins_over_unexpected(replay_: CommandLine, project: Callable[..., Path]) -> None:
    """With one fixture red and one that cannot be replayed at all, the exit code is 2."""
    recorded(replay_, project, "succeeds")
    assert replay_("record", "files", "--path", "events.jsonl", "--function", "elsewhere").exit_code == 0
    result = replay_("run", "--json")
    assert result.exit_code == 2
    assert result.documents[-1]["verdicts"] == {"error": 1, "reproduced": 1}
    assert "there is no function 'elsewhere'" in result.stderr


def test_a_first_failure_is_pinned_unless_asked_not_to(replay_: CommandLine, project: Callable[..., Path]) -> None:
    """A source without an error learns it here, once; `--no-pin` only looks."""
    folder = project(FAILING, {"order": 1})
    replay_("record", "files", "--path", "events.jsonl", "--function", "f")
    assert replay_("run", "--no-pin").exit_code == 0
    assert replay_("list", "--json").documents[0]["expects"] == "fails"
    assert replay_("run").exit_code == 0
    assert replay_("list", "--json").documents[0]["expects"] == "reproduces"
    (folder / "app.py").write_text(OTHERWISE)
    assert replay_("run").exit_code == 1
