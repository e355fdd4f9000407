"""The whole loop on an embedded AWS, as its first user sees it."""

from pathlib import Path

import pytest

from replay.demonstration.story import tell
from tests.cli.command_line import CommandLine


def test_the_demo_goes_through_the_whole_loop(
    tmp_path: Path, replay_: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It records, reproduces, fixes and accepts, leaves the service there, and says each step to programs too."""
    monkeypatch.chdir(tmp_path)
    result = replay_("demo", "--folder", "my demo", "--json")
    assert result.exit_code == 0
    *steps, summary = result.documents
    ran = [(step["command"][1], step["exit_code"]) for step in steps if step["command"][:1] == ["replay"]]
    assert ran == [("record", 0), ("list", 0), ("run", 0), ("run", 1), ("expect", 0), ("run", 0)]
    first, fixed, accepted = [step["output"] for step in steps if step["command"] == ["replay", "run"]]
    assert "12 reproduced; all as expected" in first
    assert "12 fixed; 12 not as expected" in fixed
    assert "12 fixed; all as expected" in accepted
    assert summary["next"] == "cd 'my demo' && pytest -k replay"
    assert summary["steps"] == len(steps)
    assert len(list((tmp_path / "my demo" / "fixtures" / "orders").iterdir())) == 12


def test_a_folder_of_somebody_is_not_touched(
    tmp_path: Path, replay_: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is no former demo is refused before anything is made or removed."""
    monkeypatch.chdir(tmp_path)
    mine = tmp_path / "replay-demo" / "mine"
    mine.parent.mkdir()
    mine.write_text("mine")
    result = replay_("demo")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "the demo's folder is in use" in result.stderr
    assert list(mine.parent.iterdir()) == [mine]


def test_who_is_given_the_folder_is_told_how_long_it_stays() -> None:
    """What a former demo has left is made anew, edits of it included: that is said before anybody edits it."""
    lines: list[str] = []
    tell(iter(()), lines.append, folder=Path("replay-demo"))
    assert "until the next `replay demo` makes the folder anew" in lines[-1]


def test_a_folder_that_cannot_be_written_is_told(
    tmp_path: Path, replay_: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says which folder, why, and how to name another."""
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("mine")
    result = replay_("demo", "--folder", "file/demo")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "the demo's folder cannot be written: not a directory" in result.stderr
    assert "replay demo --folder DIR" in result.stderr
