"""The verdict table and the exit codes, from the command line to the handler and back."""

from collections.abc import Callable
from pathlib import Path

import pytest

from replay.errors import FixtureError
from replay.fixtures.store import Store
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


def test_a_first_failure_that_cannot_be_pinned_is_told(replay_: CommandLine, project: Callable[..., Path]) -> None:
    """Where the fixture may not be written, the verdict is said all the same, and how to do without writing."""
    project(FAILING, {"order": 1})
    replay_("record", "files", "--path", "events.jsonl", "--function", "f")
    with pytest.MonkeyPatch.context() as read_only:
        read_only.setattr(Store, "update", refuse_to_write)
        result = replay_("run")
        number = replay_("list", "--json").documents[0]["fixture"]
        assert replay_("run", "--no-pin").exit_code == 0
        assert replay_("run", "--json").documents[0]["verdict"] == "error"
    assert result.exit_code == 2
    assert "the first failure cannot be pinned: cannot write: read-only file system" in result.stdout
    assert "it is reproduced: KeyError: 'customer_id'" in result.stdout
    assert "`replay run --no-pin` judges and writes nothing (pytest: --replay-no-pin)" in result.stdout
    assert f"run again  replay run f/{number}" in result.stdout


def test_many_that_cannot_be_pinned_are_one_error(replay_: CommandLine, project: Callable[..., Path]) -> None:
    """A read-only folder of fixtures is told once, with what was found for each."""
    project("def handler(event, context):\n    return event[event['wants']]\n", {"wants": "a"}, {"wants": "b"})
    replay_("record", "files", "--path", "events.jsonl", "--function", "f")
    with pytest.MonkeyPatch.context() as read_only:
        read_only.setattr(Store, "update", refuse_to_write)
        told = replay_("run").stdout
    assert told.count("cannot be pinned") == 1
    assert " reproduced: KeyError: 'a'" in told
    assert " reproduced: KeyError: 'b'" in told


def refuse_to_write(store: Store, fixture: object) -> None:
    raise FixtureError("cannot write: read-only file system", where="fixture.json", hint="choose another folder")


def test_the_command_to_run_again_has_the_options(replay_: CommandLine, project: Callable[..., Path]) -> None:
    """What was said on the command line is said again, so that the same is seen."""
    recorded(replay_, project, "reproduces")
    number = replay_("list", "--json").documents[0]["fixture"]
    told = replay_("run", "--red", "--cold", "--repeat", "2", "--fixtures", "fixtures", "--where", '{"order": [1]}')
    (again,) = [line for line in told.stdout.splitlines() if line.startswith("run again  ")]
    assert again == f"run again  replay run f/{number} --red --repeat 2 --cold --fixtures fixtures"
    assert replay_(*again.split()[3:]).exit_code == 1


def test_red_is_explained(replay_: CommandLine, project: Callable[..., Path]) -> None:
    """A known bug that is red by request is as expected all the same, and the run says so."""
    recorded(replay_, project, "reproduces")
    told = replay_("run", "--red").stdout
    assert "it does, as expected; red because --red was asked for" in told
    assert told.splitlines()[-1].endswith("1 reproduced; 1 known bug red because of --red")


def test_an_import_that_fails_is_one_error_for_a_function(replay_: CommandLine, project: Callable[..., Path]) -> None:
    """Its words may differ from time to time; people read them once, machines for each fixture."""
    project("raise RuntimeError(object())\n", {"order": 1}, {"order": 2})
    replay_("record", "files", "--path", "events.jsonl", "--function", "f")
    told = replay_("run")
    assert told.exit_code == 2
    assert told.stdout.count("could not run: ") == 1
    assert told.stdout.splitlines()[-3].startswith("run again  replay run ")
    lines = replay_("run", "--json")
    assert [each.get("verdict") for each in lines.documents] == ["error", "error", None]
    assert lines.stderr.count("error: ") == 1


def test_an_import_that_fails_like_the_pinned_failure_is_not_that(
    replay_: CommandLine, project: Callable[..., Path]
) -> None:
    """A module that cannot be imported says nothing of the event, also where the error has the same type."""
    folder = recorded(replay_, project, "reproduces")
    (folder / "app.py").write_text(f"{{}}['customer_id']\n{FAILING}")
    assert replay_("run").exit_code == 2


def test_a_function_has_one_name(replay_: CommandLine, project: Callable[..., Path]) -> None:
    """What the user types is what the user reads, whatever the template calls the function."""
    folder = project(FAILING, {"order": 1})
    (folder / "pyproject.toml").unlink()
    (folder / "template.yaml").write_text(
        "Transform: AWS::Serverless-2016-10-31\n"
        "Resources:\n  PaymentsFunction:\n    Type: AWS::Serverless::Function\n"
        "    Properties: {Handler: gone.handler, Runtime: python3.12, CodeUri: .}\n"
    )
    replay_("record", "files", "--path", "events.jsonl", "--function", "payments")
    told = replay_("run")
    assert told.exit_code == 2
    assert "the handler of payments is not there" in told.stdout
    assert "PaymentsFunction" not in told.stdout
