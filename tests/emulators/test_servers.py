"""The starters themselves."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import boto3
import pytest

from tests.emulators.environments import Environment, EnvironmentCannotBeBuilt, find_python
from tests.emulators.server import Launch, Server, ServerDidNotStart, free_port, running
from tests.emulators.shared import shared

PROJECT = Path(__file__).parents[2]
USER = """
import sys, time
from pathlib import Path
from tests.emulators.shared import shared
with shared("ministack", Path(sys.argv[1])) as server:
    print(server.url, flush=True)
    time.sleep(600)
"""


@pytest.mark.emulator
def test_a_server_answers_on_loopback(emulator: Server) -> None:
    """The endpoint alone, in AWS_ENDPOINT_URL, leads a stock client to the emulator and to no account."""
    identity = boto3.client("sts").get_caller_identity()
    assert identity["Account"] == "000000000000"


def test_a_taken_port_is_not_mistaken_for_our_server(tmp_path: Path) -> None:
    """Whoever listens on the port already is not given out as the server that was to be started."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        launch = Launch(name="second", command=(sys.executable, "-c", ""), port=other.getsockname()[1])
        with pytest.raises(ServerDidNotStart, match="another server does already"), running(launch, tmp_path):
            pytest.fail("another server was given out as ours")


def test_a_server_that_ends_is_a_failure_with_its_log(tmp_path: Path) -> None:
    """A server that ends before it answers fails the test, and its last words stand in the message."""
    launch = Launch(name="broken", command=(sys.executable, "-c", "raise SystemExit('no licence')"), port=free_port())
    with (
        pytest.raises(ServerDidNotStart, match=r"ended with code 1 before it answered[\s\S]*no licence"),
        running(launch, tmp_path),
    ):
        pytest.fail("a server that ended was given out as running")


@pytest.mark.parametrize("is_apart", [False, True])
def test_a_server_that_never_answers_is_stopped_with_its_children(tmp_path: Path, is_apart: bool) -> None:
    """Waiting is bounded, and what the server started goes down with it, also from a session of its own."""
    program = (
        "import os, subprocess, sys, time; "
        f"child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], start_new_session={is_apart}); "
        "print('child', child.pid, flush=True); time.sleep(60)"
    )
    launch = Launch(name="silent", command=(sys.executable, "-c", program), port=free_port())
    with pytest.raises(ServerDidNotStart, match=r"within 1 s") as problem, running(launch, tmp_path, ready_within_s=1):
        pytest.fail("a server that never answered was given out as running")
    child = int(str(problem.value).rsplit("child", 1)[1])
    assert _has_ended(child)


def _has_ended(pid: int) -> bool:
    """Say whether a process ends soon: a signal has been sent, and takes effect when the machine gets to it."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True  # in a container nobody may collect orphans
        except ProcessLookupError:
            return True
        except FileNotFoundError:
            pass  # no /proc on this system, or it has ended just now
        time.sleep(0.02)
    return False


@pytest.mark.emulator
def test_a_server_lives_as_long_as_somebody_uses_it(tmp_path: Path) -> None:
    """Who comes second gets the same server; it stays when one user is killed, and stops with the last, killed too."""
    first, url = _user(tmp_path)
    second, same = _user(tmp_path)
    try:
        assert same == url
        first.kill()  # who has started it
        first.wait()
        with shared("ministack", tmp_path) as server:
            assert server.url == url
            assert _is_listening(url)
        assert _is_listening(url)
    finally:
        for user in (first, second):
            user.kill()
            user.wait()
    deadline = time.monotonic() + 60
    while _is_listening(url):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _user(folder: Path) -> tuple["subprocess.Popen[str]", str]:
    user = subprocess.Popen([sys.executable, "-c", USER, folder], cwd=PROJECT, stdout=subprocess.PIPE, text=True)
    assert user.stdout
    with user.stdout as told:
        return user, told.readline().strip()


def _is_listening(url: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(url.rpartition(":")[2]))) == 0


def test_each_user_is_told_why_a_server_does_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What its keeper said last stands in the failure of whoever wants the server."""
    (tmp_path / "home").write_text("a file, where a folder should be")
    monkeypatch.setenv("REPLAY_EMULATOR_HOME", str(tmp_path / "home"))
    for _ in range(2):
        with pytest.raises(ServerDidNotStart, match="keeper of ministack ended"), shared("ministack", tmp_path / "one"):
            pytest.fail("a server was given out that cannot be installed")


def test_a_missing_python_is_said_plainly(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without the one Python that an emulator runs on, the message names it, where it was sought, and what to do."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    with pytest.raises(EnvironmentCannotBeBuilt, match=r"Python 3\.99 only.*[\s\S]*pyenv install 3\.99"):
        find_python(Environment(name="future", requirements=(), python="3.99"))


def test_a_shim_for_another_python_is_passed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A `python3.99` that stands on the PATH but does not work, as pyenv's shims do, is not taken."""
    shim = tmp_path / "python3.99"
    shim.write_text("#!/bin/sh\necho 'pyenv: python3.99: command not found' >&2\nexit 127\n")
    shim.chmod(0o755)
    working = tmp_path / "versions" / "3.99.1" / "bin" / "python"
    working.parent.mkdir(parents=True)
    working.write_text("#!/bin/sh\necho 3.99\n")
    working.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    assert find_python(Environment(name="future", requirements=(), python="3.99")) == str(working)
