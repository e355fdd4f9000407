"""What a corpus can do without is found for a reason, and removed only when somebody agrees."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from tests.cli.command_line import CommandLine, make_command_line, make_project

HANDLER = 'def handler(event, context):\n    return event["customer"]\n'


@pytest.fixture
def replay_(capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return make_command_line(capsys)


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, replay_: CommandLine) -> Callable[[], dict[str, Path]]:
    """Record four events, three of which fail with one bug; gives a function that names what is on disk."""
    events = ({"order": "a" * 50}, {"order": "b"}, {"order": "c" * 20}, {"customer": 1})
    monkeypatch.chdir(make_project(tmp_path, HANDLER, *events))
    assert replay_("record", "files", "--path", "events.jsonl", "--function", "f").exit_code == 0
    replay_("run")

    def there() -> dict[str, Path]:
        return {
            json.loads(path.read_text()).get("order", ""): path.parent
            for path in tmp_path.glob("fixtures/*/*/event.json")
        }

    return there


def test_the_smallest_of_each_failure_stays(replay_: CommandLine, corpus: Callable[[], dict[str, Path]]) -> None:
    """Of three with one bug the smallest is kept; what does not fail, or is not known, is no duplicate."""
    said = replay_("prune", "--duplicates", "--yes")
    assert said.exit_code == 0
    assert "2 fixtures removed" in said.stdout
    assert set(corpus()) == {"b", ""}
    assert replay_("prune", "--duplicates", "--yes").stdout == "nothing to remove\n"


def test_a_dry_run_removes_nothing_and_says_why(replay_: CommandLine, corpus: Callable[[], dict[str, Path]]) -> None:
    """Each line names a fixture and the one that stays for it."""
    kept = corpus()["b"].name.rpartition("--")[2]
    said = replay_("prune", "--duplicates", "--dry-run")
    assert said.exit_code == 0
    assert said.stdout.count(f"fails as f/{kept} does") == 2
    assert "2 of 4 fixtures can go" in said.stdout
    assert len(corpus()) == 4


def test_nobody_there_to_agree_is_a_refusal(replay_: CommandLine, corpus: Callable[[], dict[str, Path]]) -> None:
    """In CI without --yes nothing is removed, and the exit code is 2."""
    said = replay_("prune", "--duplicates")
    assert said.exit_code == 2
    assert "--yes removes them" in said.stderr
    assert len(corpus()) == 4


def test_what_is_gone_makes_a_fixture_stale(
    replay_: CommandLine, corpus: Callable[[], dict[str, Path]], tmp_path: Path
) -> None:
    """A handler's file that is gone, and a function that nobody knows, are reasons each."""
    assert replay_("prune", "--stale", "--yes").stdout == "nothing to remove\n"
    shutil.copytree(tmp_path / "fixtures" / "f", tmp_path / "fixtures" / "gone")
    _, *unknown = replay_("prune", "gone/*", "--stale", "--dry-run", "--json").documents
    assert unknown
    said = replay_("prune", "--stale", "--dry-run", "--json")
    assert {tuple(each["reasons"]) for each in said.documents[:-1]} == {("there is no function 'gone'",)}
    (tmp_path / "app.py").write_text(HANDLER.replace("def handler(", "def renamed("))
    assert replay_("prune", "f/*", "--stale", "--dry-run").stdout.count("the handler app.handler is gone from") == 4
    (tmp_path / "app.py").unlink()
    said = replay_("prune", "f/*", "--stale", "--dry-run")
    assert said.stdout.count("is gone from") == 4


def test_an_event_source_that_is_gone_makes_a_fixture_stale(
    replay_: CommandLine, corpus: Callable[[], dict[str, Path]], tmp_path: Path
) -> None:
    """Where the template gives the function events of other kinds now, and says which."""
    document = next(iter(corpus().values())) / "fixture.json"
    known = json.loads(document.read_text())
    document.write_text(json.dumps({**known, "event_source": {**known["event_source"], "kind": "kinesis"}}))
    (tmp_path / "pyproject.toml").write_text("[tool.replay]\n")  # what it says of a function counts before a template
    (tmp_path / "template.yaml").write_text(
        "Transform: AWS::Serverless-2016-10-31\nResources:\n  f:\n    Type: AWS::Serverless::Function\n    Properties:\n"
        "      Handler: app.handler\n      CodeUri: .\n      Runtime: python3.12\n      Events:\n        Q:\n          Type: SQS\n"
        "          Properties:\n            Queue: arn:aws:sqs:us-east-1:123456789012:q\n"
    )
    said = replay_("list", "--stale")
    assert said.stdout.count("f no longer gets events of kinesis: its template has sqs") == 1
    assert document.parent.name in said.stdout


def test_old_ones_are_found_by_their_day(replay_: CommandLine, corpus: Callable[[], dict[str, Path]]) -> None:
    """Recorded before a moment: all of them tomorrow, none yesterday."""
    assert replay_("prune", "--before", "1d", "--yes").stdout == "nothing to remove\n"
    assert "4 of 4 fixtures can go" in replay_("prune", "--before", "2999-01-01", "--dry-run").stdout
    said = replay_("prune", "--before", "soon", "--yes")
    assert said.exit_code == 2
    assert "that is no moment" in said.stderr
    assert len(corpus()) == 4


def test_a_prune_says_what_it_needs(replay_: CommandLine, corpus: Callable[[], dict[str, Path]]) -> None:
    """Without a reason to remove anything it refuses; what cannot be read stays."""
    assert replay_("prune", "--yes").exit_code == 2
    (corpus()["b"] / "fixture.json").write_text("{")
    said = replay_("prune", "--duplicates", "--yes")
    assert said.exit_code == 2
    assert "Traceback" not in said.stderr
    assert (corpus()["b"] / "fixture.json").read_text() == "{"


def test_the_list_narrows_to_what_can_go(replay_: CommandLine, corpus: Callable[[], dict[str, Path]]) -> None:
    """`replay list` shows what `replay prune` would remove, with the reasons, and removes nothing."""
    said = replay_("list", "--duplicates")
    assert said.exit_code == 0
    assert said.stdout.startswith("f  2 fixtures\n")
    assert said.stdout.count("fails as f/") == 2
    first, _, summary = replay_("list", "--duplicates", "--json").documents
    assert first["reasons"][0].startswith("fails as f/")
    assert summary["total"] == 2
    assert "could do without" in replay_("list", "--stale").stderr
    assert len(corpus()) == 4


def test_coverage_is_told_by_function(replay_: CommandLine, corpus: Callable[[], dict[str, Path]]) -> None:
    """How many fixtures there are from which event source, and of which class of failure."""
    said = replay_("list", "--coverage")
    assert said.exit_code == 0
    assert said.stdout.splitlines()[0] == "f  4 fixtures"
    assert "failing by  payload 3, unknown 1" in said.stdout
    row, summary = replay_("list", "--coverage", "--json").documents
    assert row["classes"] == {"payload": 3, "unknown": 1}
    assert summary == {"type": "summary", "functions": 1}


def test_what_no_run_has_replayed_is_told(replay_: CommandLine, corpus: Callable[[], dict[str, Path]]) -> None:
    """Runs are noted outside of git; --unused tells and prunes what none of them has replayed, and no more."""
    folder = next(iter(corpus().values())).parents[2]
    notes = folder / ".replay" / "replayed"
    assert len(notes.read_text().splitlines()) == 5
    assert (folder / ".replay" / ".gitignore").read_text() == "*\n"
    assert replay_("list", "--unused").stderr == "nothing that the corpus could do without\n"
    name = corpus()["b"].name
    notes.write_text("".join(line for line in notes.read_text().splitlines(keepends=True) if name not in line))
    said = replay_("list", "--unused")
    assert name in said.stdout
    assert "no run has replayed it here since" in said.stdout
    assert said.stdout.count("no run") == 1
    assert replay_("prune", "--unused", "--yes").exit_code == 0
    assert "b" not in corpus()


def test_without_a_run_nothing_is_unused(replay_: CommandLine, corpus: Callable[[], dict[str, Path]]) -> None:
    """In a fresh checkout no run is noted: then all would be unused, so nothing is, and nothing can be pruned."""
    folder = next(iter(corpus().values())).parents[2]
    shutil.rmtree(folder / ".replay")
    for command in ("list", "prune"):
        said = replay_(command, "--unused")
        assert said.exit_code == 2
        assert "no run was noted here yet" in said.stderr
    assert replay_("list", "--stale").stderr == "nothing that the corpus could do without\n"
    assert len(corpus()) == 4


def test_what_nobody_runs_for_a_month_is_stale(replay_: CommandLine, corpus: Callable[[], dict[str, Path]]) -> None:
    """Only where runs were noted for a month does a fixture that was there all the time, and never replayed, count."""
    folder = next(iter(corpus().values())).parents[2]
    notes, old = folder / ".replay" / "replayed", corpus()["b"]
    document = json.loads((old / "fixture.json").read_text())
    document["provenance"]["recorded_at"] = "2020-01-01T00:00:00Z"
    (old / "fixture.json").write_text(json.dumps(document))
    today = notes.read_text().split()[0]
    notes.write_text(f"{today} since\n")
    assert "nothing" in replay_("list", "--stale").stderr
    notes.write_text("2020-01-01 since\n")
    said = replay_("list", "--stale")
    assert said.stdout.count("no run has replayed it since 2020-01-01") == 1
    assert old.name in said.stdout
    notes.write_text(f"2020-01-01 since\n2020-01-02 f/{old.name}\n")
    assert "nothing" in replay_("list", "--stale").stderr


@pytest.mark.parametrize("content", [b"\xff\x00\n\n x", b"", b"2020-01-01\n" * 3, b"a b c\n"])
def test_notes_that_are_no_notes_stop_nothing(
    replay_: CommandLine, corpus: Callable[[], dict[str, Path]], content: bytes
) -> None:
    """Whatever stands in the file of notes, a run notes what it has replayed."""
    notes = next(iter(corpus().values())).parents[2] / ".replay" / "replayed"
    notes.write_bytes(content)
    assert "4 fixtures" in replay_("run").stdout
    assert all(f"f/{path.name}" in notes.read_text(errors="replace") for path in corpus().values())


def test_a_run_that_writes_nothing_notes_nothing(replay_: CommandLine, corpus: Callable[[], dict[str, Path]]) -> None:
    """With --no-pin a run leaves the project as it is."""
    notes = next(iter(corpus().values())).parents[2] / ".replay"
    shutil.rmtree(notes)
    replay_("run", "--no-pin")
    assert not notes.exists()


def test_packed_fixtures_are_pruned_for_good(replay_: CommandLine, corpus: Callable[[], dict[str, Path]]) -> None:
    """What is pruned from a pack is in no file any more; the corpus says of itself what it said as folders."""
    coverage, before = replay_("list", "--coverage", "--json").stdout, len(corpus())
    listed = replay_("list").stdout
    fixtures = next(iter(corpus().values())).parents[1]
    assert replay_("pack").stdout == f"f  {before} fixtures packed\n"
    assert replay_("list").stdout == listed
    assert replay_("list", "--coverage", "--json").stdout == coverage
    said = replay_("prune", "--duplicates", "--yes")
    assert "2 fixtures removed" in said.stdout
    with zstandard.open(next((fixtures / "f").glob("*.zst")), "rb") as file:
        lines = [json.loads(line) for line in file.read().splitlines()]
    assert [line.keys() - {"generation", "after"} for line in lines].count({"name", "deleted"}) == 2
    assert not any("aaaa" in json.dumps(line) for line in lines)
