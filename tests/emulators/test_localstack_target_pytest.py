"""`pytest --replay-target localstack`: one stack for all tests of a session, whatever its processes, and however it ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.emulators.localstack_shop import PROJECT, TEMPLATE, event, lead_to, make_shop, record
from tests.emulators.server import Server
from tests.emulators.test_localstack_target_shapes import ROUTES

pytestmark = [pytest.mark.emulator, pytest.mark.xdist_group("the target localstack")]

WITHIN_S = 120


@pytest.fixture
def folder(lambda_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a function behind a queue, three events of which two fail, and nothing of it on LocalStack yet."""
    monkeypatch.chdir(tmp_path)
    lead_to(lambda_server, monkeypatch)
    name = make_shop(tmp_path, TEMPLATE[: TEMPLATE.index("  Bus:")] + ROUTES[: ROUTES.index("  Audit:")])
    record(tmp_path, f"{name}-both", *(event("queue", name, word) for word in ("ok", "raise", "raise")))
    return tmp_path


def stacks(*, gone: bool) -> set[str]:
    """List the stacks that runs have made on LocalStack, in all its life or those that are there."""
    pages: Any = boto3.client("cloudformation").get_paginator("list_stacks").paginate()
    found = [each for page in pages for each in page["StackSummaries"] if each["StackName"].startswith("event-replay-")]
    return {each["StackName"] for each in found if gone or each["StackStatus"] != "DELETE_COMPLETE"}


def started(folder: Path, *options: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--replay-target", "localstack", *options],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(PROJECT), "PYTHONFAULTHANDLER": "1"}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip


def ended(running: "subprocess.Popen[str]") -> str:
    """Give what it has printed; with where each of its processes hangs, if it does not end in time."""
    try:
        return running.communicate(timeout=WITHIN_S)[0]
    except subprocess.TimeoutExpired:
        os.killpg(running.pid, signal.SIGABRT)
        pytest.fail(f"it did not end within {WITHIN_S} s:\n{running.communicate()[0]}")


ONE_IS_LATE = """
import os
import time
from pathlib import Path

import pytest

ENDED = Path(__file__).parent / "the first has ended"


def pytest_runtest_setup(item):
    deadline = time.monotonic() + 60
    while os.environ["PYTEST_XDIST_WORKER"] == "gw1" and not ENDED.exists() and time.monotonic() < deadline:
        time.sleep(0.05)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session):
    if hasattr(session.config, "workerinput"):
        ENDED.touch()
"""


@pytest.mark.takes_long
def test_workers_share_one_stack(folder: Path) -> None:
    """
    Two workers of xdist: what one has made serves both, no event is taken for another, and the last one removes it.

    One of them comes so late that the other has nothing left to do: that one waits with what it has made.
    """
    (folder / "conftest.py").write_text(ONE_IS_LATE)
    before = stacks(gone=True)
    running = started(folder, "-n", "2", "-rA")
    told = ended(running)
    assert running.returncode == 1, told  # the event that succeeds was expected to fail
    assert "1 failed, 2 xfailed" in told
    assert len(stacks(gone=True) - before) == 1
    assert stacks(gone=False) - before == set()
    assert not [*(folder / ".replay" / "pytest").glob("*-*")]


@pytest.mark.takes_long
def test_ctrl_c_removes_the_stack_of_all_tests(folder: Path) -> None:
    """Broken off at the second event, which the stack of the first one serves too, a session leaves nothing there."""
    before = stacks(gone=True)
    running = started(folder)
    deadline = time.monotonic() + WITHIN_S
    while sum('"sent"' in each.read_text() for each in (folder / ".replay" / "runs").glob("*.jsonl")) < 2:
        assert running.poll() is None, running.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    told = ended(running)
    assert running.returncode == pytest.ExitCode.INTERRUPTED, told
    assert len(stacks(gone=True) - before) == 1
    assert stacks(gone=False) - before == set()
