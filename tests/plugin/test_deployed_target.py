"""The same tests against another target: planned, agreed to, noted, and skipped where nothing can be asserted."""

from collections.abc import Iterator

import boto3
import pytest

from replay.demonstration.embedded_aws import embedded_aws
from replay.fixtures.fixture import Fixture
from replay.ledger.ledger import read_run, run_paths
from replay.payloads.aws_calls import Fault
from replay.targets.guard_rails import deployed
from tests.plugin.conftest import Project
from tests.plugin.test_together import run_with
from tests.targets.deployed_aws import ACCOUNT, ARN, Answer, DeployedAws, all_led_to_it

FAILED = Answer(
    payload={
        "errorMessage": "'customer_id'",
        "errorType": "KeyError",
        "requestId": "x",
        "stackTrace": [
            '  File "/var/task/app.py", line 8, in handler\n    return {"customer": order["customer_id"]}\n'
        ],
    },
    function_error="Unhandled",
)
STAGING = f'[tool.replay.targets.staging]\nkind = "lambda"\nfunction = "orders"\naccount_id = "{ACCOUNT}"\n'


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, project: Project) -> Iterator[DeployedAws]:
    with (project.root / "pyproject.toml").open("a") as file:
        file.write(STAGING)
    with all_led_to_it(monkeypatch, lambda _: FAILED) as served:
        yield served


@pytest.fixture
def _beyond(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deployed, "is_on_this_machine", lambda _: False)


def test_the_same_tests_run_against_any_target(project: Project, aws: DeployedAws) -> None:
    """Fixtures are judged by the deployed function; the plan is shown, a ledger written, and nothing is pinned."""
    project.fixture()
    before = {path: path.read_bytes() for path in project.root.rglob("fixture.json")}
    result = project.run("--replay-target", "staging")
    result.assert_outcomes(xfailed=1)
    result.stdout.fnmatch_lines(["replay: to staging: 1 event*", f"*{ARN} on this machine*"])
    assert len(aws.invocations) == 1
    (path,) = run_paths(project.root)
    ledger = read_run(path)
    assert (ledger.header["command"], ledger.header["target"]) == ("pytest", "staging")
    assert len(ledger.observed) == 1
    assert {path: path.read_bytes() for path in before} == before


def test_a_failure_names_the_target(project: Project, aws: DeployedAws) -> None:
    """What is fixed there fails the test, with the commands that do it again there."""
    project.fixture(wants="reproduces")
    aws.answer = lambda _: Answer(payload={"ok": True})
    result = project.run("--replay-target", "staging")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*replay run orders/* --target staging*", "*pytest --replay-target staging *"])


@pytest.mark.usefixtures("_beyond")
def test_beyond_this_machine_it_wants_to_be_told(project: Project, aws: DeployedAws) -> None:
    """Without --replay-yes nothing runs and nothing is sent; --collect-only shows the plan; with it the tests run."""
    project.fixture()
    refused = project.run("--replay-target", "staging")
    assert refused.ret == pytest.ExitCode.USAGE_ERROR
    refused.stderr.fnmatch_lines(["*nobody has agreed*", "*--replay-yes*"])
    project.run("--replay-target", "staging", "--collect-only").stdout.fnmatch_lines([f"*{ACCOUNT}*shop-staging*"])
    assert aws.invocations == []
    assert run_paths(project.root) == []
    project.run("--replay-target", "staging", "--replay-yes").assert_outcomes(xfailed=1)
    assert len(aws.invocations) == 1


@pytest.mark.usefixtures("_beyond")
def test_a_pinned_target_wants_it_too(project: Project, aws: DeployedAws) -> None:
    """A marker cannot send beyond this machine by itself."""
    project.fixture()
    project.write(
        "tests/test_it.py",
        """
        import pytest

        @pytest.mark.replay("orders", target="staging")
        def test_it(replay):
            assert replay().failed_with("KeyError")
        """,
    )
    assert project.run("tests").ret == pytest.ExitCode.USAGE_ERROR
    assert aws.invocations == []
    project.run("tests", "--replay-yes").assert_outcomes(passed=1)
    assert len(aws.invocations) == 1


def test_a_marker_pins_a_target(project: Project, aws: DeployedAws) -> None:
    """A test runs where its marker says, whatever the run's own target is."""
    project.fixture()
    project.write(
        "tests/test_it.py",
        """
        import pytest

        @pytest.mark.replay("orders", target="local")
        def test_here(replay):
            assert replay().failed_with("KeyError")

        @pytest.mark.replay("orders", target="staging")
        def test_there(replay):
            assert replay().failed_with("KeyError")

        @pytest.mark.replay("orders", target="nowhere")
        def test_nowhere(replay):
            replay()
        """,
    )
    project.run("tests/test_it.py", "-k", "here and not nowhere").assert_outcomes(passed=2)
    assert len(aws.invocations) == 1
    project.run("tests/test_it.py", "-k", "test_here", "--replay-target", "staging").assert_outcomes(passed=1)
    assert len(aws.invocations) == 1
    nowhere = project.run("tests/test_it.py", "-k", "nowhere")
    assert nowhere.ret == pytest.ExitCode.USAGE_ERROR
    nowhere.stderr.fnmatch_lines(["*there is no target 'nowhere'*"])


def test_what_cannot_be_asserted_is_skipped(project: Project, aws: DeployedAws) -> None:
    """Faults, effects, second deliveries and the captured clock: each skipped, with the reason, and nothing sent."""
    reference = project.fixture()
    project.write(
        "tests/test_it.py",
        """
        import pytest

        pytestmark = pytest.mark.replay("orders")

        def test_effects(replay):
            assert replay().effects == []

        def test_called(replay):
            assert replay().called("s3:*") == []

        def test_twice(replay):
            replay(twice=True)

        def test_faults(replay):
            replay(faults={"s3:*": "timeout"})

        def test_status(replay):
            outcome = replay()
            assert outcome.status == "failed"
            assert outcome.dispositions == ["dead_lettered"]
            assert "failed" in repr(outcome)
            assert outcome.report.notes is not None
        """,
    )
    result = project.run("tests", "--replay-target", "staging", "-rs")
    result.assert_outcomes(passed=1, skipped=4)
    for reason in ("*does not tell which calls*", "*second delivery*", "*faults cannot be made on staging*"):
        result.stdout.fnmatch_lines([f"SKIPPED*cannot be asserted: {reason}"])
    assert len(aws.invocations) == 3
    fixture = project.store.load(reference)
    project.store.update(_with_fault(fixture))
    aws.invocations.clear()
    project.run("--replay-target", "staging", "-k", "replay and poison", "fixtures").assert_outcomes(skipped=1)
    assert aws.invocations == []


def _with_fault(fixture: Fixture) -> Fixture:
    from dataclasses import replace

    return replace(fixture, faults=(Fault(call="s3:*", error="timeout"),))


def test_the_captured_clock_cannot_be_set_there(project: Project, aws: DeployedAws) -> None:
    """A function whose clock is the captured one is skipped: its deployed twin looks at the real one."""
    project.configure(functions='orders = { handler = "app.handler", code = "src", clock = "captured" }')
    with (project.root / "pyproject.toml").open("a") as file:
        file.write(STAGING)
    project.fixture()
    result = project.run("--replay-target", "staging", "-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*cannot be asserted: *clock*"])
    assert aws.invocations == []


@pytest.mark.parametrize("yes", [True, False])
def test_with_xdist(project: Project, aws: DeployedAws, yes: bool) -> None:
    """Where workers replay, the plan is shown and agreed to before any of them has a test; each has a ledger."""
    for number in range(4):
        project.fixture(f"m-{number}")
    project.write(
        "conftest.py",
        """
        from replay.targets.guard_rails import deployed

        deployed.is_on_this_machine = lambda _: False
        """,
    )
    result = run_with(project, ["xdist"], "-n2", "--replay-target", "staging", *(["--replay-yes"] if yes else []))
    if yes:
        result.assert_outcomes(xfailed=4)
        result.stdout.fnmatch_lines(["replay: to staging: 4 events*"])
        assert len(aws.invocations) == 4
        assert 1 <= len(run_paths(project.root)) <= 2
    else:
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        assert "nobody has agreed" in result.stdout.str() + result.stderr.str()
        assert "Traceback" not in result.stdout.str() + result.stderr.str()
        assert aws.invocations == []


def test_another_local_target(project: Project) -> None:
    """A target on this machine needs no plan: the same tests in a child process."""
    project.fixture()
    project.run("--replay-target", "process").assert_outcomes(xfailed=1)


def test_cold_is_for_local_targets(project: Project, aws: DeployedAws) -> None:
    """--replay-cold cannot be asked of what is deployed."""
    project.fixture()
    result = project.run("--replay-target", "staging", "--replay-cold")
    assert result.ret != pytest.ExitCode.OK
    assert "for local targets" in result.stdout.str() + result.stderr.str()
    assert aws.invocations == []


def test_where_aws_itself_delivers(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through a queue nothing is answered: who asks for that is skipped, and what was not seen to its end fails."""
    with (project.root / "pyproject.toml").open("a") as file:
        file.write('[tool.replay.targets.queue]\nkind = "sqs"\nqueue = "orders"\nobserve_for_s = 0\n')
    reference = project.fixture()
    project.write(
        "tests/test_it.py",
        """
        import pytest

        pytestmark = pytest.mark.replay("orders", target="queue")

        def test_response(replay):
            assert replay().report.response is None

        def test_effects(replay):
            assert replay().effects == []

        def test_status(replay):
            assert replay().status == "unobserved"
        """,
    )
    with embedded_aws() as environment:
        for name, value in environment.items():
            if name.startswith("AWS_"):
                monkeypatch.setenv(name, value)
        boto3.client("sqs").create_queue(QueueName="orders")
        result = project.run("tests", "-rs")
        result.assert_outcomes(passed=1, skipped=2)
        result.stdout.fnmatch_lines(["*cannot be asserted: queue gives no answer*", "*does not tell which calls*"])
        judged = project.run("fixtures", "--replay-target", "queue")
        judged.assert_outcomes(failed=1)
        judged.stdout.fnmatch_lines(["*unobserved*its end was not seen*"])
    assert len(run_paths(project.root)) == 4
    assert project.store.load(reference).expectation.wants == "fails"
