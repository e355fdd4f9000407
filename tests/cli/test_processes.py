"""What only a process of its own can show: pipes that close, signals, other encodings, and a real terminal."""

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from replay.cli.exits import ended_properly
from tests.cli.command_line import CommandLine

REPLAY = (sys.executable, "-m", "replay.cli.main")
FAILING = "def handler(event, context):\n    return event['customer_id']\n"
SLOW = """\
import pathlib, time
def handler(event, context):
    pathlib.Path("{mark}").touch()
    time.sleep(20 if event["order"] > 1 else 0)
"""


@pytest.fixture
def recorded(replay_: CommandLine, project: Callable[..., Path]) -> Path:
    folder = project(FAILING, *({"order": number} for number in range(300)))
    assert replay_("record", "files", "--path", "events.jsonl", "--function", "f").exit_code == 0
    return folder


@pytest.mark.parametrize("command", [("list",), ("list", "--json"), ("schema",)])
def test_a_pipe_that_closes_is_no_error(command: tuple[str, ...], recorded: Path) -> None:
    """`replay list | head -1` ends quietly."""
    process = subprocess.Popen([*REPLAY, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout
    assert process.stdout.readline()
    process.stdout.close()
    assert process.stderr
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(timeout=30) == 0


def test_a_run_ends_with_its_exit_code_though_nobody_reads(recorded: Path) -> None:
    """`replay run --json | head -1` cannot turn red into green."""
    process = subprocess.Popen([*REPLAY, "run", "--red", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout
    assert process.stderr
    assert process.stdout.readline().startswith(b'{"type":"outcome"')
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(timeout=60) == 1


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "a cancelled job"])
def test_ctrl_c_ends_a_run_properly(
    replay_: CommandLine, project: Callable[..., Path], tmp_path: Path, end: signal.Signals
) -> None:
    """What was replayed until then is told, the exit code is 130, and no fixture is half-written."""
    mark = tmp_path / "mark"
    folder = project(SLOW.format(mark=mark), {"order": 1}, {"order": 2}, settings="timeout_s = 60\n")
    assert replay_("record", "files", "--path", "events.jsonl", "--function", "f").exit_code == 0
    process = subprocess.Popen([*REPLAY, "run"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 30
    while not mark.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.2)
    process.send_signal(end)
    stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "interrupted after" in stdout
    assert "of 2 fixtures" in stdout
    assert "Traceback" not in stdout + stderr
    assert not list(folder.glob("fixtures/.tmp-*"))


def test_a_terminal_that_is_not_utf_8_gets_escapes(recorded: Path) -> None:
    """No word of ours makes an encoding fail."""
    environment = {**os.environ, "PYTHONUTF8": "0", "PYTHONIOENCODING": "latin-1"}
    done = subprocess.run([*REPLAY, "run", "--no-pin"], capture_output=True, env=environment, check=False, timeout=60)
    assert done.returncode == 0
    assert rb"\u25cf reproduced" in done.stdout
    assert b"Traceback" not in done.stderr


def test_a_terminal_gets_colours_and_a_pipe_does_not(recorded: Path) -> None:
    """Colours come by themselves where somebody looks."""
    master, slave = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"} | {"TERM": "xterm"}
    process = subprocess.Popen([*REPLAY, "list", "f/*0"], stdout=slave, stderr=slave, env=environment)
    os.close(slave)
    shown = b""
    while True:
        try:
            part = os.read(master, 65_536)
        except OSError:  # Linux says EIO when the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(master)
    assert process.wait(timeout=30) == 0
    assert b"\x1b[1mf\x1b[0m" in shown
    piped = subprocess.run([*REPLAY, "list", "f/*0"], capture_output=True, check=True, timeout=60)
    assert b"\x1b" not in piped.stdout


def test_what_nohup_ignores_does_not_end_a_recording() -> None:
    """A hangup that is ignored stays ignored, while a cancelled job still ends the recording as Ctrl-C does."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with ended_properly():
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
            assert signal.getsignal(signal.SIGTERM) is signal.default_int_handler
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize(
    ("line", "exit_code", "words"),
    [
        ('"$@" list >&-', 0, ""),
        ('"$@" list --json 2>&-', 0, ""),
        ('"$@" run <&- >&-', 0, ""),
        ('"$@" list > /dev/full', 2, "free some space"),
        ('mkdir gone && cd gone && rmdir ../gone && "$@" list', 2, "change to a folder that is there"),
    ],
)
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no disk that is always full")
def test_places_where_nothing_can_be_written_or_read(line: str, exit_code: int, words: str, recorded: Path) -> None:
    """A closed or full output and a folder that is gone are no mistakes of ours, and what to do is said."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    environment.pop("PYTHONUNBUFFERED", None)  # what is left in a buffer is written when Python ends
    done = subprocess.run(
        ["sh", "-c", line, "sh", *REPLAY], capture_output=True, text=True, env=environment, check=False
    )
    assert (done.returncode, "mistake" in done.stderr) == (exit_code, False)
    assert words in done.stderr
