"""What a ledger promises: on the disk before anybody acts on it, and understood however its run ended."""

import fcntl
import json
import os
import stat
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.errors import ReplayError
from replay.ledger import ledger as ledger_module
from replay.ledger.ledger import Ledger, find_run, read_run, run_paths
from replay.ledger.lines import line_of, progress_of

KEYS = st.text(min_size=1, max_size=8)
LINES = st.lists(
    st.tuples(st.sampled_from(["sent", "acknowledged", "observed"]), KEYS).map(
        lambda each: {"type": each[0], "key": each[1]}
    ),
    max_size=12,
)


def test_says_who_sent_what_from_where(tmp_path: Path) -> None:
    """The first line is the audit trail: who, when, from where, with which version, to which account."""
    with Ledger.begin(tmp_path, command="run", target="staging", account_id="111122223333") as ledger:
        ledger.sent(["a"])
        ledger.acknowledged(["a"], message_id="m-1")
        ledger.observed("a", verdict="fixed")
        ledger.ended(total=1)
    progress = read_run(ledger.path)
    assert progress.header["run"] == ledger.run
    assert (progress.header["command"], progress.header["account_id"]) == ("run", "111122223333")
    assert "@" in progress.header["by"]
    assert progress.header["version"]
    assert progress.header["at"].endswith("+00:00")
    assert progress.acknowledged["a"]["message_id"] == "m-1"
    assert progress.observed["a"]["verdict"] == "fixed"
    assert progress.ended is not None
    assert progress.in_doubt == ()


def test_is_kept_out_of_git_and_from_other_users(tmp_path: Path) -> None:
    """The ledger's folder ignores itself, and nobody else may read what was sent."""
    with Ledger.begin(tmp_path, command="run") as ledger:
        pass
    assert (tmp_path / ".replay" / ".gitignore").read_text() == "*\n"
    assert ledger.path.stat().st_mode & 0o077 == 0


def test_is_on_the_disk_when_a_write_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every write waits for an fsync that began after it."""
    synced: list[int] = []
    real = os.fsync
    monkeypatch.setattr(
        ledger_module.os, "fsync", lambda descriptor: (real(descriptor), synced.append(os.fstat(descriptor).st_size))
    )
    with Ledger.begin(tmp_path, command="run") as ledger:
        for key in ("a", "b"):
            ledger.sent([key])
            assert synced[-1] == ledger.path.stat().st_size


def test_its_name_is_on_the_disk_before_anything_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new file outlives a power cut only when the folder that names it was synced too, behind its making."""
    synced: list[list[str]] = []
    real = os.fsync

    def noting(descriptor: int) -> None:
        real(descriptor)
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            synced.append(os.listdir(descriptor))

    monkeypatch.setattr(ledger_module.os, "fsync", noting)
    with Ledger.begin(tmp_path, command="run") as ledger:
        assert synced == [[ledger.path.name]]


def test_nobody_writes_over_a_line(tmp_path: Path) -> None:
    """The file is opened for appending alone: wherever its descriptor points, what stands there stays."""
    with Ledger.begin(tmp_path, command="run") as begun:
        assert fcntl.fcntl(begun._descriptor, fcntl.F_GETFL) & os.O_APPEND
    with Ledger.resume(tmp_path, "last") as gone_on:
        assert fcntl.fcntl(gone_on._descriptor, fcntl.F_GETFL) & os.O_APPEND


def test_many_threads_share_it(tmp_path: Path) -> None:
    """Lines of threads never mix, and none is missing."""
    with Ledger.begin(tmp_path, command="run") as ledger:
        threads = [
            threading.Thread(target=lambda name=name: [ledger.sent([f"{name}-{n}"]) for n in range(10)])
            for name in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    progress = read_run(ledger.path)
    assert (len(progress.sent), progress.torn) == (80, 0)


@given(before=LINES, after=LINES, data=st.data())
def test_a_torn_line_promises_nothing_and_hides_nothing(before, after, data) -> None:
    """Cut at any byte, a ledger tells of every line that was whole; what a resumed run adds is told too."""
    whole = [line_of(document) for document in before]
    if whole:
        cut = data.draw(st.integers(min_value=0, max_value=len(whole[-1]) - 1))
        torn = b"".join(whole[:-1]) + whole[-1][:cut]
    else:
        torn = b""
    ended = torn if torn.endswith(b"\n") or not torn else torn + b"\n"
    text = ended + b"".join(map(line_of, after))
    told = progress_of(text.splitlines(keepends=True))
    all_but_its_line_break = whole[-1:] if whole and cut == len(whole[-1]) - 1 else []
    wanted = progress_of([*whole[:-1], *all_but_its_line_break, *map(line_of, after)])
    assert (told.sent, told.acknowledged, told.observed) == (wanted.sent, wanted.acknowledged, wanted.observed)


def test_a_resumed_run_goes_on_behind_a_torn_line(tmp_path: Path) -> None:
    """A run that was killed in the middle of a line is resumed in the same file, and what it promised still counts."""
    with Ledger.begin(tmp_path, command="run") as ledger:
        ledger.sent(["a", "b"])
        ledger.acknowledged(["a"])
    with ledger.path.open("ab") as file:
        file.write(b'{"type":"acknowledged","key":"b","at":"20')
    with Ledger.resume(tmp_path, ledger.run) as again:
        assert set(again.progress.acknowledged) == {"a"}
        assert again.progress.in_doubt == ("b",)
        assert again.progress.torn == 1
        again.acknowledged(["b"])
    progress = read_run(ledger.path)
    assert set(progress.acknowledged) == {"a", "b"}
    assert progress.torn == 1


def test_sent_again_is_in_doubt_until_each_is_acknowledged(tmp_path: Path) -> None:
    """What was sent twice and acknowledged once may have arrived twice, and says so."""
    with Ledger.begin(tmp_path, command="run") as ledger:
        ledger.sent(["a"])
        ledger.sent(["a"])
        ledger.acknowledged(["a"])
    assert read_run(ledger.path).in_doubt == ("a",)


def test_two_processes_are_not_at_one_run(tmp_path: Path) -> None:
    """A run that is under way cannot be resumed beside itself."""
    with Ledger.begin(tmp_path, command="run") as ledger, pytest.raises(ReplayError, match="another process"):
        Ledger.resume(tmp_path, ledger.run)


def test_without_a_ledger_nothing_begins(tmp_path: Path) -> None:
    """Where no ledger can be written, the run does not begin, and says where it would be."""
    (tmp_path / ".replay").write_text("in the way")
    with pytest.raises(ReplayError, match="cannot be written") as caught:
        Ledger.begin(tmp_path, command="run")
    assert "runs" in caught.value.where


def test_a_run_is_found_by_its_beginning(tmp_path: Path) -> None:
    """A run is named by its id, by a beginning that no other has, or as the last one."""
    folder = tmp_path / ".replay" / "runs"
    folder.mkdir(parents=True)
    for name in ("20260101T000000Z-aaaaaa", "20260101T000000Z-bbbbbb", "20260202T000000Z-cccccc"):
        (folder / f"{name}.jsonl").write_text(json.dumps({"type": "run", "run": name}) + "\n")
    assert find_run(tmp_path, "20260202").stem.endswith("cccccc")
    assert find_run(tmp_path, "last") == run_paths(tmp_path)[0]
    with pytest.raises(ReplayError, match="2 runs begin with"):
        find_run(tmp_path, "20260101")
    for nothing in ("", "2025", "../x"):
        with pytest.raises(ReplayError, match="there is no run"):
            find_run(tmp_path, nothing)
