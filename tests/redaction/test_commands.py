"""`replay scan` and `replay redact`: places and kinds and never values; and fixtures that stay what they are."""

import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.command_line import CommandLine, make_command_line, make_orders_project, make_project
from tests.redaction.samples import AWS_KEY_ID, CARD, EMAIL

ROOT = Path(__file__).parents[2]


@pytest.fixture
def replay_(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CommandLine:
    monkeypatch.setenv("REPLAY_REDACTION_KEY", "of the tests")
    monkeypatch.chdir(make_project(tmp_path, "def handler(event, context):\n    raise KeyError('customer_id')\n"))
    return make_command_line(capsys)


@pytest.fixture
def settings() -> Callable[[str], object]:
    """Give a function that adds rules to the project."""
    path = Path("pyproject.toml")
    return lambda text: path.write_text(f"{path.read_text()}\n[tool.replay.redaction]\n{text}\n")


def recorded(replay_: CommandLine, *events: Any) -> list[Path]:
    Path("events.jsonl").write_text("".join(f"{json.dumps(event)}\n" for event in events))
    assert replay_("record", "files", "events.jsonl", "--function", "f", "--all").exit_code == 0
    Path("events.jsonl").unlink()
    return sorted(Path("fixtures/f").iterdir())


def test_clean_fixtures_pass(replay_: CommandLine) -> None:
    """What was recorded is clean: exit code 0, and no word on stdout."""
    recorded(replay_, {"email": EMAIL, "customer": {"name": "Ada Okonkwo"}})
    result = replay_("scan")
    assert (result.exit_code, result.stdout) == (0, "")
    assert replay_("scan", "--json").documents[-1]["findings"] == 0


def test_scan_makes_no_key_and_writes_nothing(replay_: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """To look is not to redact: no key is made, and no file changes."""
    monkeypatch.delenv("REPLAY_REDACTION_KEY")
    Path("fixtures").mkdir()
    Path("fixtures/hand-made.json").write_text(json.dumps({"to": EMAIL}))
    assert replay_("scan").exit_code == 1
    assert not Path(".replay").exists()
    assert json.loads(Path("fixtures/hand-made.json").read_text()) == {"to": EMAIL}


def test_findings_of_every_kind_of_file(replay_: CommandLine) -> None:
    """JSON by its pointer, JSON Lines and text by their lines, packed files, other encodings, and file names."""
    folder = Path("hand-made")
    (folder / "deep").mkdir(parents=True)
    (folder / "a.json").write_text(json.dumps({"body": json.dumps({"to": [EMAIL]})}))
    (folder / "b.jsonl").write_text('{"n":1}\n' + json.dumps({"card": CARD}))
    (folder / "deep" / "c.log").write_text(
        f"START\nwith {AWS_KEY_ID}\n-----BEGIN PRIVATE KEY-----\nMIIEabc\n-----END PRIVATE KEY-----\n"
    )
    (folder / "d.json.gz").write_bytes(gzip.compress(json.dumps({"to": EMAIL}).encode()))
    (folder / "e.txt").write_text(EMAIL, encoding="utf-16")
    (folder / "f.bin").write_bytes(b"\xff\xfe\x00\xff" + EMAIL.encode() + b"\x80\xff")
    (folder / f"{EMAIL}.txt").write_text("nothing")
    (folder / "broken.json").write_text(f'{{"to": "{EMAIL}"')
    result = replay_("scan", str(folder), "--json")
    found = {
        (each["file"], each["line"], each["at"], each["detector"])
        for each in result.documents
        if each["type"] == "finding"
    }
    assert found >= {
        ("a.json", None, "/body#/to/0", "email"), ("b.jsonl", 2, "/card", "card-number"), ("deep/c.log", 2, "", "aws-access-key-id"),
        ("deep/c.log", 1, "", "private-key"), ("d.json.gz", None, "/to", "email"), ("e.txt", 1, "", "email"), ("broken.json", 1, "", "email"),
    }  # fmt: skip
    assert any(detector == "file name" for _, _, _, detector in found)
    assert result.exit_code == 1
    for told in (result, replay_("scan", str(folder))):
        assert not [secret for secret in (EMAIL, CARD, AWS_KEY_ID, "MIIEabc") if secret in told.stdout + told.stderr]


def test_one_file_and_several(replay_: CommandLine) -> None:
    """A pre-commit hook names files: each is looked through by itself."""
    Path("a.json").write_text('{"a": 1}')
    Path("b.json").write_text(json.dumps([EMAIL]))
    assert replay_("scan", "a.json").exit_code == 0
    result = replay_("scan", "a.json", "b.json")
    assert result.exit_code == 1
    assert result.stdout == "b.json  /0  email\n"


def test_what_cannot_be_looked_through(replay_: CommandLine) -> None:
    """A broken archive, and a folder that is not there, are said to be so; then nobody may call it clean."""
    Path("fixtures").mkdir()
    Path("fixtures/a.gz").write_bytes(gzip.compress(b"x" * 100)[:-12])
    result = replay_("scan")
    assert result.exit_code == 2
    assert "a.gz" in result.stderr
    assert replay_("scan", "nowhere").exit_code == 2


def test_links_are_not_followed(replay_: CommandLine, tmp_path: Path) -> None:
    """A link leads nobody out of the folder."""
    Path("fixtures").mkdir()
    (tmp_path / "outside.json").write_text(json.dumps([EMAIL]))
    Path("fixtures/link.json").symlink_to(tmp_path / "outside.json")
    assert replay_("scan").exit_code == 0


def test_scan_knows_the_projects_rules(replay_: CommandLine, settings: Callable[[str], object]) -> None:
    """What a rule redacts is found in old fixtures, and what a rule keeps is not."""
    recorded(replay_, {"ref": "c-112-aa", "n": 1})
    settings('redact = ["$.ref"]\nkeep = ["to"]')
    Path("fixtures/hand-made.json").write_text(json.dumps({"to": EMAIL}))
    result = replay_("scan", "--json")
    assert [(each["at"], each["detector"]) for each in result.documents if each["type"] == "finding"] == [
        ("/ref", "secret-key")
    ]


def test_redacting_again(replay_: CommandLine, settings: Callable[[str], object]) -> None:
    """After new rules the event changes, its digest with it; identity, name and expectation stay, and twice is once."""
    (folder,) = recorded(replay_, {"order": 17, "plan": "enterprise-eu", "born": "1985-04-12"})
    assert replay_("run").exit_code == 0
    before = json.loads((folder / "fixture.json").read_text())
    settings('hash = ["plan"]\ngeneralise = ["born"]')
    dry = replay_("redact", "*", "--dry-run")
    assert "1 to redact" in dry.stdout
    assert json.loads((folder / "fixture.json").read_text()) == before
    result = replay_("redact", "*")
    assert (result.exit_code, "1 redacted" in result.stdout) == (0, True)
    assert "enterprise" not in result.stdout
    after = json.loads((folder / "fixture.json").read_text())
    event = json.loads((folder / "event.json").read_text())
    assert (event["order"], event["born"], event["plan"][:9]) == (17, "1985-04-01", "REDACTED-")
    for same in ("id", "function", "provenance", "expectation", "event_source"):
        assert after[same] == before[same]
    assert after["event"]["sha256"] != before["event"]["sha256"]
    assert [(each["at"], each["detector"]) for each in after["redactions"]] == [
        ("/plan", "hash"),
        ("/born", "generalised"),
    ]
    assert after["revisions"][-1]["why"] == "redacted again: 1 generalised, 1 hash"
    assert not replay_("show", after["id"], "--json").documents[0]["edited"]
    assert replay_("run").exit_code == 0
    assert replay_("redact", "*", "--json").documents[-1]["changed"] == 0
    assert (
        json.loads((folder / "fixture.json").read_text())["revisions"]
        == json.loads((folder / "fixture.json").read_text())["revisions"]
    )


def test_a_hand_made_secret_is_redacted(replay_: CommandLine) -> None:
    """An event that was edited by hand is redacted as well, and the revision says that it was."""
    (folder,) = recorded(replay_, {"order": 17})
    (folder / "event.json").write_text(json.dumps({"order": 17, "to": EMAIL}))
    assert replay_("scan").exit_code == 1
    assert replay_("redact", folder.name.rpartition("--")[2]).exit_code == 0
    assert EMAIL not in (folder / "event.json").read_text()
    assert "edited by hand" in json.loads((folder / "fixture.json").read_text())["revisions"][-1]["why"]
    assert replay_("scan").exit_code == 0


def test_what_cannot_be_redacted_is_kept(replay_: CommandLine) -> None:
    """A fixture that cannot be read stays as it is and is told, the others are done: exit code 2."""
    one, other = recorded(replay_, {"order": 1}, {"order": 2})
    (one / "fixture.json").write_text("{")
    (other / "event.json").write_text(json.dumps({"order": 2, "to": EMAIL}))
    result = replay_("redact", "*", "--json")
    assert result.exit_code == 2
    assert {"problem", "changed"} <= {key for each in result.documents for key in each}
    assert (one / "fixture.json").read_text() == "{"
    assert EMAIL not in (other / "event.json").read_text()


def test_sqs_digests_are_renewed(
    replay_: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Callable[[str], object]
) -> None:
    """When the body of a message changes, so does its MD5: nobody can test guesses against the old one."""
    monkeypatch.chdir(make_orders_project(tmp_path / "orders"))
    replay_("record", "files", "messages.json", "--function", "orders", "--all")
    bodies = {
        path.parent.name: json.loads(path.read_text())["Records"][0] for path in Path("fixtures").rglob("event.json")
    }
    path = Path("pyproject.toml")
    path.write_text(f'{path.read_text()}\n[tool.replay.redaction]\nredact = ["currency"]\n')
    assert replay_("redact", "*").exit_code == 0
    renewed = [
        record["md5OfBody"] != bodies[path.parent.name]["md5OfBody"]
        for path in Path("fixtures").rglob("event.json")
        if (record := json.loads(path.read_text())["Records"][0])["body"] != bodies[path.parent.name]["body"]
    ]
    assert renewed
    assert all(renewed)
    assert replay_("scan").exit_code == 0


def test_the_example_fixtures_keep_their_signatures(
    replay_: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redacted by the rules of today, every fixture of this repository still fails as it did."""
    shutil.copytree(ROOT / "fixtures", tmp_path / "copy")
    monkeypatch.chdir(ROOT)
    assert replay_("redact", "*", "--fixtures", str(tmp_path / "copy")).exit_code == 0
    assert replay_("scan", str(tmp_path / "copy")).exit_code == 0
    result = replay_("run", "--fixtures", str(tmp_path / "copy"), "--no-pin", "--json")
    assert result.exit_code == 0
    assert {each["verdict"] for each in result.documents if each.get("verdict")} == {"reproduced"}


def test_the_hook_for_pre_commit() -> None:
    """The hook calls the command that there is, for files of fixtures."""
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert (hook["id"], hook["entry"]) == ("replay-scan", "replay scan")
    assert "types" not in hook, "packs are no text"
