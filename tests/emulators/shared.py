"""
One server for all processes of a test session: who needs it first starts it, and it stops when nobody uses it any more.

A keeper, a process of its own, runs the server. Each user holds a shared lock on a file; the keeper waits until it gets
the lock for itself, which the kernel grants when the last user has ended, however it has: by itself, by Ctrl-C or killed.
"""

import fcntl
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from tests.emulators import localstack, ministack
from tests.emulators.environments import EnvironmentCannotBeBuilt, log_tail
from tests.emulators.server import Launch, Server, ServerDidNotStart, free_port, running

KINDS: Mapping[str, Callable[[Path, int], Launch]] = {
    "localstack": localstack.launch,
    "localstack-with-lambda": localstack.launch_with_lambda,
    "localstack-with-archives": localstack.launch_with_archives,
    "ministack": ministack.launch,
}
_PROJECT = Path(__file__).resolve().parents[2]


@contextmanager
def shared(kind: str, folder: Path) -> Iterator[Server]:
    """
    Use the server of a kind, which is started when nobody uses it yet.

    Args:
        kind: One of `KINDS`.
        folder: Where its home is; the same for all who share it, and only for them.

    Raises:
        ServerDidNotStart: It cannot be installed or started; whoever asks later is told the same, without a new attempt.
    """
    folder.mkdir(parents=True, exist_ok=True)
    keeper = None
    try:
        with (folder / "users.lock").open("a") as users:
            with (folder / "start.lock").open("a") as start:
                fcntl.flock(start, fcntl.LOCK_EX)
                fcntl.flock(users, fcntl.LOCK_SH)  # waits for a keeper that is just stopping its server
                if not _card(folder).exists():
                    keeper = _start_keeper(kind, folder)
            yield _server(folder)
    finally:
        if keeper:
            keeper.wait()  # until the last user has ended, which may take its time, and the server


def keep(kind: str, folder: Path) -> None:
    """Run a server as long as somebody uses it, and leave a card that says where it is, or why there is none."""
    home = Path(tempfile.mkdtemp(prefix="home-", dir=folder))
    try:
        with (folder / "users.lock").open("a") as users, running(KINDS[kind](home, free_port()), home) as server:
            _leave_card(folder, {**asdict(server), "log": str(server.log)})
            fcntl.flock(users, fcntl.LOCK_EX)
            _card(folder).unlink()
    except (EnvironmentCannotBeBuilt, ServerDidNotStart) as problem:
        _leave_card(folder, {"problem": str(problem)})


def _card(folder: Path) -> Path:
    return folder / "server.json"


def _leave_card(folder: Path, words: Mapping[str, str]) -> None:
    part = folder / "server.json.part"
    part.write_text(json.dumps(words))
    part.rename(_card(folder))


def _start_keeper(kind: str, folder: Path) -> "subprocess.Popen[bytes]":
    log = folder / "keeper.log"
    with log.open("wb") as output:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "tests.emulators", "keep", kind, str(folder)],
            cwd=_PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for its users
        )
    while not _card(folder).exists():
        if keeper.poll() is not None and not _card(folder).exists():
            raise ServerDidNotStart(f"the keeper of {kind} ended with code {keeper.returncode}:\n{log_tail(log)}")
        time.sleep(0.1)
    return keeper


def _server(folder: Path) -> Server:
    told = json.loads(_card(folder).read_text())
    if problem := told.get("problem"):
        raise ServerDidNotStart(problem)
    return Server(name=told["name"], url=told["url"], log=Path(told["log"]))
