"""Fixtures whose failure ends the process, from the command line."""

from collections.abc import Callable
from pathlib import Path

import pytest

from replay.payloads.failures import Failure
from tests.cli.command_line import CommandLine
from tests.cli.test_hazards import record

EXITS = "import os\ndef handler(event, context):\n    os._exit(3)\n"
HANGS = """
def handler(event, context):
    while True:
        try:
            sum(range(10 ** 9))
        except BaseException:
            pass
"""
SPINS = "def handler(event, context):\n    while True:\n        pass\n"

EXIT = Failure(error_type="Runtime.ExitError", message="RequestId: x Error: Runtime exited with error: exit status 3")
TIMEOUT = Failure(error_type="Sandbox.Timedout", message="RequestId: x Error: Task timed out after 1.00 seconds")


@pytest.mark.parametrize(
    ("source", "failure", "status", "kind"),
    [(EXITS, EXIT, "exited", "code"), (HANGS, TIMEOUT, "timed_out", "timeout")],
    ids=["exits", "hangs"],
)
def test_a_failure_that_ends_the_process_reproduces(
    source: str,
    failure: Failure,
    status: str,
    kind: str,
    replay_: CommandLine,
    project: Callable[..., Path],
) -> None:
    """A handler that ends its process, or hangs in C code, ends neither this process nor the run."""
    pytest.importorskip("awslambdaric")
    record(replay_, project, source, failure=failure, settings="timeout_s = 1")
    result = replay_("run", "--json")
    document = result.documents[0]
    assert (document["status"], document["class"], document["verdict"]) == (status, kind, "reproduced")
    assert result.exit_code == 0


def test_a_hang_that_nobody_knew_of_is_ended_in_process(replay_: CommandLine, project: Callable[..., Path]) -> None:
    """A fixture without a known failure runs in this process, whose deadline interrupts Python code that spins."""
    record(replay_, project, SPINS, settings="timeout_s = 0.1")
    document = replay_("run", "--json", "--no-pin").documents[0]
    assert (document["status"], document["class"]) == ("timed_out", "timeout")
