"""A byte of each key tells what all its lines tell."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.ledger import ledger as ledger_module
from replay.ledger.ledger import Ledger, read_chosen, read_header, read_run, read_standings, run_paths
from replay.ledger.lines import Progress, line_of, line_of_key, note_all
from replay.ledger.standing import Standing

KEYS = st.sampled_from(
    ["orders/a--1", "s3://b/k.jsonl:1", "s3://b/k.jsonl:7", "e.jsonl:3", "e.jsonl:03", "e.jsonl:99999999", "x:"]
)
KINDS = st.sampled_from(["sent", "withdrawn", "acknowledged", "refused", "observed"])
LINES = st.lists(
    st.tuples(KINDS, st.lists(KEYS, min_size=1, max_size=3, unique=True)).map(
        lambda each: {"type": each[0], "keys": each[1], "verdict": "fixed", "as_expected": True}
    ),
    max_size=30,
)


@given(lines=LINES)
def test_standing_agrees_with_progress(lines: list[dict[str, object]]) -> None:
    """Whatever the lines: the same keys are acknowledged, observed, and (where answers follow what was sent) in doubt."""
    progress, standing = Progress(), Standing()
    assert note_all(map(line_of, lines), progress.note, standing.note) == 0
    keys = {"orders/a--1", "s3://b/k.jsonl:1", "s3://b/k.jsonl:7", "e.jsonl:3", "e.jsonl:03", "e.jsonl:99999999", "x:"}
    assert {key for key in keys if standing.is_acknowledged(key)} == set(progress.acknowledged)
    assert {key for key in keys if standing.is_observed(key)} == set(progress.observed)
    counts = standing.counts()
    assert (counts.acknowledged, counts.observed) == (len(progress.acknowledged), len(progress.observed))
    assert counts.in_doubt == sum(standing.is_in_doubt(key) for key in keys)
    assert set(standing.unobserved()) <= {key for key in keys if standing.is_sent(key)}


@given(answers=st.lists(st.sampled_from(["acknowledged", "refused", "withdrawn", ""]), max_size=8))
def test_what_was_sent_more_often_than_answered_is_in_doubt(answers: list[str]) -> None:
    """Each that is sent is answered, taken back, or in doubt: both views say the same."""
    progress, standing = Progress(), Standing()
    for answer in answers:
        for kind in filter(None, ("sent", answer)):
            for view in (progress, standing):
                view.note({"type": kind, "key": "e.jsonl:5"})
    assert standing.is_in_doubt("e.jsonl:5") == bool(progress.in_doubt) == ("" in answers)
    if "refused" not in answers:
        assert standing.is_sent("e.jsonl:5") == any(each != "withdrawn" for each in answers)


def test_a_million_lines_take_a_byte_each() -> None:
    """However many events a run has, what is known of them stays small; one far away costs no memory either."""
    standing = Standing()
    standing.note({"type": "sent", "keys": [f"s3://b/k.jsonl:{number}" for number in range(1, 100_001)]})
    standing.mark("sent", "s3://b/k.jsonl:99999999")
    assert standing.counts().sent == 100_001
    assert sum(map(len, standing._lines.values())) == 100_001
    assert standing.is_sent("s3://b/k.jsonl:100000")
    assert standing.is_sent("s3://b/k.jsonl:99999999")
    assert not standing.is_sent("s3://b/k.jsonl:100001")


def test_what_a_run_is_of_stands_behind_its_first_line(tmp_path: Path) -> None:
    """The first line stays short, whatever the run is of; and all of it is read again."""
    names = [f"orders/event--{number:08x}" for number in range(2_500)]
    with Ledger.begin(tmp_path, command="run", chosen=iter(names), target="null") as ledger:
        ledger.sent(names[:2])
    lines = ledger.path.read_bytes().splitlines()
    assert len(lines[0]) < 400
    assert len(lines) == 6
    assert read_chosen(ledger.path) == names
    assert read_header(ledger.path)["target"] == "null"
    assert set(read_run(ledger.path).sent) == set(names[:2])


@pytest.mark.parametrize("kept", [1, 2, 3])
def test_a_run_that_was_killed_before_it_began_says_so(tmp_path: Path, kept: int) -> None:
    """Where not all that it is of was written, nothing was sent, and nobody goes on with a part of it."""
    with Ledger.begin(tmp_path, command="run", chosen=[str(number) for number in range(1_500)]) as ledger:
        pass
    whole = ledger.path.read_bytes().splitlines(keepends=True)
    ledger.path.write_bytes(b"".join(whole[:kept]))
    assert read_chosen(ledger.path) is None
    ledger.path.write_bytes(b"".join(whole))
    assert len(read_chosen(ledger.path) or ()) == 1_500


def test_names_in_an_old_first_line_are_read(tmp_path: Path) -> None:
    """A ledger of a former version goes on."""
    path = tmp_path / "old.jsonl"
    path.write_text(json.dumps({"type": "run", "run": "r", "fixtures": ["orders/a--1"]}) + "\n")
    assert read_chosen(path) == ["orders/a--1"]


def test_a_run_is_opened_for_its_standing_only(tmp_path: Path) -> None:
    """Behind a torn line, with verdicts counted, and without a word of any line kept."""
    with Ledger.begin(tmp_path, command="run") as ledger:
        ledger.sent(["a:1", "a:2", "a:3"])
        ledger.came_to("a:1", {"attempt": 1}, {"verdict": "failed", "as_expected": False})
        ledger.acknowledged(["a:2"], identity="handle")
    with ledger.path.open("ab") as file:
        file.write(b'{"type":"acknowledged","key":"a:3"')
    with Ledger.resume(tmp_path, ledger.run, standing_only=True) as again:
        assert not again.progress.sent
        assert again.progress.torn == 1
        assert again.standing.verdicts == {("failed", False): 1}
        assert list(again.standing.identities) == ["handle"]
        assert [key for key in ("a:1", "a:2", "a:3") if again.standing.is_in_doubt(key)] == ["a:3"]
        again.acknowledged(["a:3"])
    assert read_run(ledger.path).in_doubt == ()
    (found,) = read_standings(tmp_path)
    assert found[0] == run_paths(tmp_path)[0].stem
    assert found[1].counts().acknowledged == 3


def test_what_need_not_wait_is_on_the_disk_with_the_next_that_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It outlives this process at once (it is written), and the machine from the next `sync` on."""
    synced: list[int] = []
    with Ledger.begin(tmp_path, command="run") as ledger:
        size = lambda: ledger.path.stat().st_size  # noqa: E731
        monkeypatch.setattr(ledger_module.os, "fsync", lambda _: synced.append(size()))
        ledger.observed("a", waits=False, verdict="fixed")
        assert synced == []
        assert b'"observed"' in ledger.path.read_bytes()
        ledger.sent(["b"])
        assert synced == [size()]


@given(
    key=st.text(),
    known=st.dictionaries(st.sampled_from(["status", "duration_s", "verdict"]), st.text() | st.floats(0, 9)),
)
def test_a_line_of_a_key_is_like_any_other(key: str, known: dict[str, object]) -> None:
    """Written in a quicker way, it is the same line."""
    assert line_of_key("observed", key, "now", known) == line_of({"type": "observed", "key": key, "at": "now", **known})
