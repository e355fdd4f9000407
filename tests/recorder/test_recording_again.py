"""A message recorded a second time: as it is by default, and with --again as it is now, with its history."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from replay.fixtures.fixture import Fixture, StoredObject
from replay.fixtures.packing import pack
from replay.fixtures.store import Store
from replay.payloads.expectations import Expectation
from replay.recorder.recording_again import recorded_again
from tests.cli.command_line import CommandLine, make_command_line, make_project, message
from tests.fixtures.samples import sample

HANDLER = "def handler(event, context):\n    raise ValueError(event['Records'][0]['body'])\n"
RECORD = ("record", "files", "--path", "messages.json", "--function", "f")


@pytest.fixture
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Give a function that records one message of a body, and says what it was told."""
    monkeypatch.chdir(make_project(tmp_path, HANDLER))
    replay_ = make_command_line(capsys)

    def record(body: str, *options: str) -> str:
        (tmp_path / "messages.json").write_text(json.dumps({"Messages": [message(1, body)]}))
        said = replay_(*RECORD, *options)
        assert said.exit_code == 0, said.stderr
        return said.stdout + said.stderr

    return record


def only(root: Path) -> Fixture:
    (reference,) = Store(root / "fixtures").references()
    return Store(root / "fixtures").load(reference)


def body(fixture: Fixture) -> str:
    return json.loads(fixture.event_text)["Records"][0]["body"]


@pytest.mark.parametrize("form", ["folder", "pack"])
def test_again_is_a_revision(tmp_path: Path, recorded: Callable[..., str], form: str) -> None:
    """Without --again what is there stays; with it the event is the new one, and its history says who, when and why."""
    recorded("first")
    if form == "pack":
        store = Store(tmp_path / "fixtures")
        list(pack(store, store.references()))
    recorded("second")
    assert body(only(tmp_path)) == "first"
    assert "1 fixture recorded before brought up to date" in recorded("second", "--again")
    (revision,) = only(tmp_path).revisions
    assert body(only(tmp_path)) == "second"
    assert revision.by.startswith("replay record (")
    assert revision.at
    assert revision.why == "recorded again: event"
    assert "brought up to date" not in recorded("second", "--again")
    assert len(only(tmp_path).revisions) == 1


def test_the_history_is_shown(tmp_path: Path, recorded: Callable[..., str], capsys: pytest.CaptureFixture[str]) -> None:
    """`replay show` tells each change of a fixture, the oldest first."""
    replay_: CommandLine = make_command_line(capsys)
    recorded("first")
    replay_("run")
    recorded("second", "--again")
    replay_("expect", "*", "succeeds")
    shown = [line for line in replay_("show", "*").stdout.splitlines() if line.startswith("revised")]
    assert [line.split("  ", 4)[-1].partition(" (")[0].strip() for line in shown] == [
        "replay run",
        "replay record",
        "replay expect",
    ]


def test_what_is_expected_and_what_is_not_told_stays() -> None:
    """An accepted expectation, a failure whose log is gone, and an object that was fetched are not lost."""
    kept = (StoredObject(bucket="b", key="k", file="claim-check-1.txt", text="payload"),)
    known = sample(expectation=Expectation(wants="succeeds"), objects=kept)
    made = recorded_again(known, sample(event_text="[1]", failure=None, expectation=Expectation(wants="fails")))
    assert made is not None
    assert (made.event_text, made.expectation, made.failure, made.objects) == (
        "[1]", known.expectation, known.failure, kept
    )  # fmt: skip


def test_a_failure_that_was_not_known_is_learnt() -> None:
    """A fixture recorded without its log gets the failure, and expects it, once the log is found."""
    recorded_now = sample()
    known = sample(failure=None, expectation=Expectation(wants="fails"))
    made = recorded_again(known, recorded_now)
    assert made is not None
    assert (made.failure, made.expectation) == (recorded_now.failure, recorded_now.expectation)
    assert made.revisions[-1].why == "recorded again: failure"


def test_an_edit_by_hand_is_named_when_it_goes() -> None:
    """Who has edited an event reads in the history that it was recorded over."""
    made = recorded_again(replace(sample(event_text="[2]"), edited=True), sample())
    assert made is not None
    assert not made.edited
    assert made.revisions[-1].why == "recorded again: event, over an event that was edited by hand"
