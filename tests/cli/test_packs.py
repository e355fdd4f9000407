"""Every command reads and writes packed fixtures as it does folders."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zstandard

from replay.fixtures.store import Store
from tests.cli.command_line import CommandLine
from tests.cli.test_hostile_payloads import HOSTILE
from tests.screens.pinned import pinned

HANDLER = """\
def handler(event, context):
    if "text" in event:
        print(event["text"])
        raise ValueError(event["text"])
    return event["customer"]
"""
SECRET = "ada.lovelace@analytical.org"
COMMANDS = (
    ("list",),
    ("list", "--where", '{"order": [2]}'),
    ("run",),
    ("list",),
    ("run", "--red"),
    ("expect", "f", "reproduces"),
    ("scan",),
    ("redact", "*"),
    ("minimize", "*"),
    ("expect", "f", "succeeds"),
    ("run",),
    ("show", "f"),
    ("list", "--coverage"),
    ("list", "--duplicates"),
    ("prune", "--before", "2000-01-01", "--yes"),
    ("migrate",),
    ("doctor",),
    ("list", "--json"),
    ("run", "--json"),
)


@pytest.fixture
def recorded(project: Callable[..., Path], replay_: CommandLine) -> Path:
    """Record three events of two bugs; one has a secret that old rules have left."""
    folder = project(HANDLER, {"order": 1, "customer": "c"}, {"order": 2}, {"order": 3, "note": "long " * 9})
    assert replay_("record", "files", "--path", "events.jsonl", "--function", "f").exit_code == 0
    return folder


def _said(replay_: CommandLine, folder: Path) -> Iterator[tuple[tuple[str, ...], str]]:
    for arguments in COMMANDS:
        result = replay_(*arguments)
        text = pinned(f"{result.exit_code}\n{result.stdout}\n{result.stderr}", folder)
        yield arguments, re.sub(r'"(duration_ms|max_memory_used_mb|\w+_s|\w+_ms|\w+_mb)":[^,}]+', r'"\1":0', text)


def test_commands_say_the_same_of_both_forms(
    recorded: Path, replay_: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Packed or not, each command has the same exit code and the same words, and the fixtures end up the same."""
    packed = tmp_path_factory.mktemp("packed") / recorded.name
    shutil.copytree(recorded, packed)
    expected = dict(enumerate(_said(replay_, recorded)))
    monkeypatch.chdir(packed)
    assert replay_("pack").exit_code == 0
    for number, said in enumerate(_said(replay_, packed)):
        if said[0] == ("scan",):  # it counts files, of which there are fewer
            continue
        assert said == expected[number]
    ours, theirs = Store(recorded / "fixtures"), Store(packed / "fixtures")
    assert [path.suffix for path in (packed / "fixtures" / "f").iterdir()] == [".zst"] * len(
        list((packed / "fixtures" / "f").iterdir())
    )
    assert replay_("unpack").exit_code == 0
    assert [each.event_text for each in ours.load_all(ours.references())] == [  # type: ignore[union-attr]
        each.event_text
        for each in theirs.load_all(theirs.references())  # type: ignore[union-attr]
    ]


def test_recording_adds_to_a_pack(recorded: Path, replay_: CommandLine) -> None:
    """What is recorded later is known, or goes into a pack of its own, and never into a folder."""
    replay_("pack")
    (recorded / "more.jsonl").write_text('{"order": 2}\n{"order": 4}\n')
    assert replay_("record", "files", "--path", "more.jsonl", "--function", "f").exit_code == 0
    assert not [path for path in (recorded / "fixtures" / "f").iterdir() if path.is_dir()]
    assert len(Store(recorded / "fixtures").references()) > 3


def test_a_recording_begins_with_a_pack_where_that_is_asked_for(
    project: Callable[..., Path], replay_: CommandLine
) -> None:
    """With `--packed` a first recording is one file; it says, lists and runs what it would of folders, at once and twice."""
    folder = project(HANDLER, {"order": 1}, {"order": 2}, {"order": 3, "mail": SECRET})
    arguments = ("record", "files", "--path", "events.jsonl", "--function", "f")
    as_folders = replay_(*arguments, "--out", "folders")
    done = replay_(*arguments, "--packed")
    assert (done.exit_code, done.stdout) == (0, as_folders.stdout.replace("folders", "fixtures"))
    (only,) = (folder / "fixtures" / "f").iterdir()
    assert only.name.endswith(".jsonl.zst")
    unpacked = zstandard.ZstdDecompressor().stream_reader(only.read_bytes(), read_across_frames=True)
    assert SECRET.encode() not in unpacked.read()
    assert replay_("list").stdout == replay_("list", "--fixtures", "folders").stdout
    assert replay_("run").exit_code == 0
    again = replay_(*arguments, "--packed", "--json")
    assert (again.documents[-1]["written"], again.documents[-1]["known"]) == (0, 3)


def test_a_secret_in_a_pack_is_found_and_gone_after_redaction(recorded: Path, replay_: CommandLine) -> None:
    """`scan` names the line, never the value; after `redact` no line holds it any more, not even one that is superseded."""
    for event in recorded.glob("fixtures/f/*/event.json"):
        event.write_text(json.dumps(json.loads(event.read_text()) | {"mail": SECRET}))
    replay_("pack")
    found = replay_("scan", "--json")
    assert (found.exit_code, [each["at"] for each in found.documents[:-1]]) == (1, ["/event#/mail"] * 3)
    assert SECRET not in found.stdout
    assert replay_("redact", "*", "--no-verify").exit_code == 0
    assert replay_("scan").exit_code == 0
    assert len(list((recorded / "fixtures" / "f").glob("*.zst"))) == 1


def test_what_became_of_each_fixture_is_told(recorded: Path, replay_: CommandLine) -> None:
    """Packing and unpacking count, say what stays and why, and do nothing twice."""
    kept = min((recorded / "fixtures" / "f").iterdir())
    (kept / "notes.md").write_text("mine")
    said = replay_("pack")
    assert (said.exit_code, said.stdout.splitlines()) == (
        2,
        [f"stays as it is  f/{kept.name}: its folder holds more than the fixture: 'notes.md'", "f  2 fixtures packed"],
    )
    (kept / "notes.md").unlink()
    assert replay_("pack").stdout == "f  1 fixture packed\n"
    assert replay_("pack").stdout == "nothing to pack: 3 fixtures packed already\n"
    said = replay_("pack", "--compact", "--json")
    assert [each["type"] for each in said.documents] == ["compacted", "summary"]
    assert len(list((recorded / "fixtures" / "f").iterdir())) == 1
    assert replay_("unpack", f"f/{kept.name}").stdout == "f  1 fixture unpacked\n"
    assert replay_("unpack", "--json").documents == [{"type": "summary", "unpacked": 2, "as_before": 1, "kept": 0}]
    assert not list((recorded / "fixtures" / "f").glob("*.zst"))


def test_hostile_payloads_in_packs_act_on_no_terminal(project: Callable[..., Path], replay_: CommandLine) -> None:
    """What a command prints of packed fixtures has no control character, whatever the events and errors hold."""
    project(HANDLER, *({"text": text, text: 1} for text in HOSTILE.values()))
    assert replay_("record", "files", "--path", "events.jsonl", "--function", "f", "--all").exit_code == 0
    assert replay_("pack").exit_code == 0
    for arguments in (
        ("run",),
        ("list",),
        ("list", "--json"),
        ("show", "f/*"),
        ("doctor",),
        ("pack", "--compact"),
        ("scan",),
        ("unpack",),
    ):
        said = replay_(*arguments)
        assert "Traceback" not in said.stderr, said.stderr
        assert not re.search(
            r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", said.stdout + said.stderr
        )


def test_doctor_tells_of_branches_and_of_both_forms(recorded: Path, replay_: CommandLine) -> None:
    """A fixture that two branches have changed, and one that has a folder too, are told with what to do."""
    replay_("pack")
    fixtures = recorded / "fixtures"
    first = replay_("list", "--json").documents[0]["fixture"]
    for branch, wants in (("a", "succeeds"), ("b", "now")):
        shutil.copytree(fixtures, recorded / branch)
        assert replay_("expect", first, wants, "--fixtures", str(recorded / branch)).exit_code == 0
    for branch in ("a", "b"):
        shutil.copytree(recorded / branch, fixtures, dirs_exist_ok=True)
    said = replay_("doctor")
    assert "was changed on two branches: the later of the changes counts" in said.stdout
    assert replay_("pack", "--compact").exit_code == 0
    assert "two branches" not in replay_("doctor").stdout
    assert replay_("show", first).stdout.count("revised ") == 3
    shutil.copytree(fixtures, recorded / "c")
    replay_("unpack", first, "--fixtures", str(recorded / "c"))
    for path in (recorded / "c" / "f").iterdir():
        if path.is_dir():
            shutil.copytree(path, fixtures / "f" / path.name)
    assert "1 fixture of f in both forms" in replay_("doctor").stdout
    replay_("pack")
    assert "in both forms" not in replay_("doctor").stdout
