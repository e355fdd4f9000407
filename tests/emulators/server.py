"""One emulator process: started on loopback, waited for, and stopped with all its children."""

import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.emulators.environments import log_tail

_LOOPBACK = "127.0.0.1"


class ServerDidNotStart(Exception):
    """The emulator ended, or did not answer in time; the message holds the end of its log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How to start one server: what to run, with which settings, and the port that it will listen on."""

    name: str
    command: tuple[str, ...]
    port: int
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server that answers."""

    name: str
    url: str
    log: Path


def free_port() -> int:
    """A loopback port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind((_LOOPBACK, 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(
    launch: Launch, folder: Path, *, ready_within_s: float = 90, answers: Callable[[int], bool] | None = None
) -> Iterator[Server]:
    """
    Run a server until the block ends, however it ends.

    Args:
        launch: What to run.
        folder: Its home and its log; its own, so that it neither reads nor fills the user's caches.
        ready_within_s: How long it may take until it answers.
        answers: Says of its port whether it does; by default STS is called.

    Raises:
        ServerDidNotStart: Its port is taken, or it ended or did not answer; with the end of its log.
    """
    _refuse_taken_port(launch)
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / f"{launch.name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            launch.command,
            env=_surroundings(folder) | dict(launch.settings),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait_until_ready(launch, process, log, ready_within_s, answers or _answers)
        yield Server(name=launch.name, url=f"http://{_LOOPBACK}:{launch.port}", log=log)
    finally:
        _stop(process)


def _refuse_taken_port(launch: Launch) -> None:
    """Else the answers of whoever listens there would be taken for those of the new server."""
    with socket.socket() as probe:
        if probe.connect_ex((_LOOPBACK, launch.port)) == 0:
            raise ServerDidNotStart(f"{launch.name} cannot listen on port {launch.port}: another server does already")


def _surroundings(folder: Path) -> dict[str, str]:
    """A clean environment: no credentials, profile, certificate or proxy of this machine reaches the server."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    return kept | {"HOME": str(folder), "XDG_CACHE_HOME": str(folder / "cache"), "PYTHONUNBUFFERED": "1"}


def _wait_until_ready(
    launch: Launch,
    process: subprocess.Popen[bytes],
    log: Path,
    ready_within_s: float,
    answers: Callable[[int], bool],
) -> None:
    deadline = time.monotonic() + ready_within_s
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise ServerDidNotStart(
                f"{launch.name} ended with code {process.returncode} before it answered.\n"
                f"The end of its log, {log}:\n{log_tail(log)}"
            )
        if answers(launch.port):
            return
        time.sleep(0.1)
    raise ServerDidNotStart(
        f"{launch.name} did not answer on {_LOOPBACK}:{launch.port} within {ready_within_s:g} s.\n"
        f"The end of its log, {log}:\n{log_tail(log)}"
    )


def _answers(port: int) -> bool:
    """Make a real STS call: LocalStack's health page answers before its gateway serves."""
    connection = http.client.HTTPConnection(_LOOPBACK, port, timeout=10)
    scope = "Credential=test/20260101/us-east-1/sts/aws4_request, SignedHeaders=host, Signature=0"
    headers = {"Authorization": f"AWS4-HMAC-SHA256 {scope}", "Content-Type": "application/x-www-form-urlencoded"}
    try:
        connection.request("POST", "/", "Action=GetCallerIdentity&Version=2011-06-15", headers)
        answer = connection.getresponse()
        return answer.status == http.HTTPStatus.OK and b"GetCallerIdentityResult" in answer.read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _stop(process: subprocess.Popen[bytes], within_s: float = 15) -> None:
    """End the process and what it started: they are one process group, made by `start_new_session`."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(within_s)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
