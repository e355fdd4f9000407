"""Second deliveries and processes of their own, in tests that people write and in fixtures as tests."""

import pytest

from replay.payloads.failures import Failure
from replay.pytest_plugin.summary import NOTE, note_lines
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
    result.stdout.fnmatch_lines(
        ["*not idempotent: the second delivery called events:PutEvents again*", "run again  replay run * --twice"]
    )


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


NEVER_MET = """
import pytest

@pytest.mark.replay("orders/*", faults={"sqs:*": "timeout"})
def test_passes(replay):
    assert replay().status == "succeeded"

@pytest.mark.replay("orders/*")
def test_fails(replay):
    assert replay(faults={"s3:*": "timeout"}).status == "failed"
"""


def test_notes_of_a_replay_are_shown(project: Project) -> None:
    """What `replay run` notes stands in the section of a test that fails, and below all others once."""
    project.fixture("m-1")
    project.fixture("m-2")
    project.write("src/app.py", READS)
    project.write("tests/test_orders.py", NEVER_MET)
    result = project.run("tests")
    result.assert_outcomes(passed=2, failed=2)
    text = result.stdout.str()
    assert text.count("note       fault s3:* was not met") == 2
    assert text.count("replay: note: fault sqs:* was not met: the function did not call it") == 1
    assert "replay: note: fault s3" not in text


def test_notes_of_fixtures_are_shown(project: Project) -> None:
    """A known bug that is still there is no failure, and its notes are told all the same."""
    project.configure(
        functions='orders = { handler = "app.handler", code = "src", faults = [{ call = "s3:*", error = "timeout" }] }'
    )
    project.fixture()
    result = project.run()
    result.assert_outcomes(xfailed=1)
    result.stdout.fnmatch_lines(["replay: note: fault s3:[*] was not met*", "replay: 1 reproduced"])


def test_many_notes_are_counted() -> None:
    """A folder full of fixtures that are all different does not fill the screen."""
    properties = [(NOTE, f"note {number}") for number in (*range(8), *range(8))]
    *shown, more = note_lines(properties)
    assert shown == [f"replay: note: note {number}" for number in range(5)]
    assert more == "replay: … and 3 more of such notes: see `replay run`"


TIMES = """
import pytest
from replay.payloads.aws_calls import Fault

@pytest.mark.replay("orders", faults={"s3:*": "timeout"})
def test_text(replay):
    assert replay(faults={"sqs:*": "2.5s"}).status == "failed"

@pytest.mark.replay("orders")
def test_times(replay):
    assert replay(faults=[Fault(call="s3:*", error="SlowDown", times=1)]).status == "failed"
"""


def test_a_failed_test_is_run_again_with_its_faults(project: Project) -> None:
    """The command that is shown injects them too; where no option can say a fault, it is pytest's own."""
    reference = project.fixture()
    project.write("src/app.py", READS)
    project.write("tests/test_orders.py", TIMES)
    text = project.run("tests").stdout.str()
    assert f"run again  replay run {reference.short} --fault 'sqs:*=2.5s' --fault 's3:*=timeout'" in text
    assert f"run again  pytest 'tests/test_orders.py::test_times[{reference}]'" in text
