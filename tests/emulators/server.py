"""One emulator process: started on loopback, waited for, and stopped with all its children."""

import http.client
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.emulators.environments import log_tail

_LOOPBACK = "127.0.0.1"


class ServerDidNotStart(Exception):
    """The emulator ended, or did not answer in time; the message holds the end of its log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call of a service, and what stands in a right answer to it."""

    service: str
    body: str
    headers: Mapping[str, str]
    answer: bytes


# LocalStack's health page answers before its gateway serves.
STS_CALL = Call(
    service="sts",
    body="Action=GetCallerIdentity&Version=2011-06-15",
    headers={"Content-Type": "application/x-www-form-urlencoded"},
    answer=b"GetCallerIdentityResult",
)
# LocalStack starts these at the first call, and answers a second one, made meanwhile, with an error.
KINESIS_CALL = Call(
    service="kinesis",
    body="{}",
    headers={"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "Kinesis_20131202.ListStreams"},
    answer=b"StreamNames",
)
DYNAMODB_CALL = Call(
    service="dynamodb",
    body="{}",
    headers={"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "DynamoDB_20120810.ListTables"},
    answer=b"TableNames",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How to start one server: what to run, with which settings, its port, and the calls that it answers when it is up."""

    name: str
    command: tuple[str, ...]
    port: int
    settings: Mapping[str, str] = field(default_factory=dict)
    first_calls: tuple[Call, ...] = (STS_CALL,)


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
    launch: Launch, folder: Path, *, ready_within_s: float = 180, answers: Callable[[int], bool] | None = None
) -> Iterator[Server]:
    """
    Run a server until the block ends, however it ends.

    Args:
        launch: What to run.
        folder: Its home and its log; its own, so that it neither reads nor fills the user's caches.
        ready_within_s: How long it may take until it answers.
        answers: Says of its port whether it does; by default the first calls of `launch` are made.

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
        _wait_until_ready(launch, process, log, ready_within_s, answers or partial(_answers, launch.first_calls))
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


def _answers(calls: Sequence[Call], port: int) -> bool:
    return all(_is_answered(call, port) for call in calls)


def _is_answered(call: Call, port: int) -> bool:
    connection = http.client.HTTPConnection(_LOOPBACK, port, timeout=10)
    scope = f"Credential=test/20260101/us-east-1/{call.service}/aws4_request, SignedHeaders=host, Signature=0"
    try:
        connection.request("POST", "/", call.body, {"Authorization": f"AWS4-HMAC-SHA256 {scope}", **call.headers})
        answer = connection.getresponse()
        return answer.status == http.HTTPStatus.OK and call.answer in answer.read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _stop(process: subprocess.Popen[bytes], within_s: float = 5) -> None:
    """
    End the process and what it started: the group that `start_new_session` made, and those that its children made.

    LocalStack ends its Kinesis and its tables first, mostly, and then waits for its threads, for long.
    """
    groups = _groups_below(process.pid) - {process.pid}
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(within_s)
    for group in (process.pid, *groups):
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
    process.wait()


def _groups_below(pid: int) -> set[int]:
    """Give the process groups of whatever descends from a process; without `ps`, none."""
    if shutil.which("ps") is None:
        return set()
    table = subprocess.run(["ps", "-eo", "pid=,ppid=,pgid="], capture_output=True, text=True, check=True).stdout
    children: dict[int, list[tuple[int, int]]] = {}
    for child, parent, group in (map(int, line.split()) for line in table.splitlines()):
        children.setdefault(parent, []).append((child, group))
    found, parents = set[int](), [pid]
    while parents:
        for child, group in children.get(parents.pop(), ()):
            found.add(group)
            parents.append(child)
    return found
