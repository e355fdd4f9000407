"""The processes of one session: one sends at a time, they know what the others have made, and the last one removes it."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from replay.pytest_plugin.siblings import Siblings

OTHER = """
import sys
from pathlib import Path
from replay.pytest_plugin.siblings import Siblings
siblings = Siblings(Path(sys.argv[1]), "localstack")
with siblings.turn():
    print(",".join(siblings.made()), flush=True)
    sys.stdin.readline()
if sys.argv[2] == "leaves":
    with siblings.last_turn(waits=False):
        print("left", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PYTEST_XDIST_TESTRUNUID", "one-session")
    return tmp_path / "pytest"


def other(folder: Path, then: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", OTHER, str(folder), then], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def say(process: "subprocess.Popen[str]") -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def heard(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.mark.parametrize("then", ["leaves", "is killed"])
def test_who_has_made_it_waits_for_the_others(folder: Path, then: str) -> None:
    """Another process learns what was made, and it is removed only when that one has left, or was killed."""
    siblings = Siblings(folder, "localstack")
    with siblings.turn():
        assert siblings.made() == []
        siblings.have("stack-1")
    with other(folder, then) as process:
        assert heard(process) == "stack-1"
        removed = threading.Event()

        def remove() -> None:
            with siblings.last_turn(waits=True):
                removed.set()

        removing = threading.Thread(target=remove)
        removing.start()
        assert not removed.wait(0.2)
        if then == "is killed":
            process.kill()
        else:
            say(process)
            assert heard(process) == "left"
        removing.join(30)
        process.kill()
    assert removed.is_set()
    assert sorted(each.suffix or each.name for each in folder.iterdir()) == [".gitignore", ".turn"]


def test_another_session_knows_nothing_of_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a session has made is its own, though all of them take turns."""
    siblings = Siblings(folder, "localstack")
    with siblings.turn():
        siblings.made()
        siblings.have("stack-1")
    monkeypatch.setenv("PYTEST_XDIST_TESTRUNUID", "another")
    with other(folder, "leaves") as process:
        assert heard(process) == ""
        process.kill()
    with siblings.last_turn(waits=True):
        pass


def test_one_sends_at_a_time(folder: Path) -> None:
    """While another process has its turn, ours waits."""
    siblings = Siblings(folder, "localstack")
    with other(folder, "leaves") as process:
        assert heard(process) == ""
        mine = threading.Event()

        def send() -> None:
            with siblings.turn():
                mine.set()

        sending = threading.Thread(target=send)
        sending.start()
        assert not mine.wait(0.2)
        say(process)
        sending.join(30)
        process.kill()
    assert mine.is_set()
