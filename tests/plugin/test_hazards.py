"""Second deliveries and processes of their own, in tests that people write and in fixtures as tests."""

import pytest

from replay.payloads.failures import Failure
from tests.plugin.conftest import Project

TWICE = """
import pytest

@pytest.mark.replay("orders/*")
def test_it(replay):
    assert replay(twice=True).status == "succeeded"
"""
PUBLISHES = """
import boto3
events = boto3.client("events", "us-east-1")
def handler(event, context):
    events.put_events(Entries=[{"Source": "shop", "DetailType": "Placed", "Detail": "{}"}])
"""
READS = """
import boto3
sts = boto3.client("sts", "us-east-1")
def handler(event, context):
    return sts.get_caller_identity()["Account"]
"""
EXIT = Failure(error_type="Runtime.ExitError", message="RequestId: x Error: Runtime exited with error: exit status 3")


def test_replaying_twice_fails_a_handler_that_writes_again(project: Project) -> None:
    """`replay(twice=True)` fails the test with what the second delivery did."""
    project.fixture()
    project.write("src/app.py", PUBLISHES)
    project.write("tests/test_orders.py", TWICE)
    result = project.run("tests")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*not idempotent: the second delivery called events:PutEvents again*"])


def test_replaying_twice_passes_a_handler_that_does_not(project: Project) -> None:
    """A handler that only reads passes, and the outcome is that of the first delivery."""
    project.fixture()
    project.write("src/app.py", READS)
    project.write("tests/test_orders.py", TWICE)
    project.run("tests").assert_outcomes(passed=1)


def test_an_exit_does_not_end_pytest(project: Project) -> None:
    """A fixture whose handler ends its process is one xfailed test, and the next one runs."""
    pytest.importorskip("awslambdaric")
    project.fixture(failure=EXIT, wants="reproduces")
    project.write("src/app.py", "import os\ndef handler(event, context):\n    os._exit(3)\n")
    project.write("tests/test_more.py", "def test_more():\n    pass\n")
    project.run().assert_outcomes(xfailed=1, passed=1)
