"""The marker and the fixture `replay`, in tests that people write."""

import pytest

from tests.plugin.conftest import GOOD, RECORDED, Project

EXAMPLE = """
import pytest


@pytest.mark.replay("orders/*")
def test_poison_orders_are_dead_lettered(replay):
    outcome = replay()
    assert outcome.failed_with("KeyError", match="customer_id")
    assert outcome.dispositions == ["dead_lettered"]
"""


def test_the_example_of_the_documentation(project: Project) -> None:
    """A marked test runs once for each fixture that the pattern names, and is told the outcome."""
    first, second = project.fixture("m-1"), project.fixture("m-2")
    project.fixture("m-3", function="billing")
    project.write("tests/test_orders.py", EXAMPLE)
    result = project.run("-v", "tests")
    result.assert_outcomes(passed=2)
    for reference in (first, second):
        assert f"test_poison_orders_are_dead_lettered[{reference}] PASSED" in result.stdout.str()


def test_k_replay_selects_marked_tests_too(project: Project) -> None:
    """`-k replay` and `-m replay` select hand-written tests with the marker beside the fixtures."""
    project.fixture()
    project.write("tests/test_orders.py", EXAMPLE + "\n\ndef test_other():\n    pass\n")
    for option in ("-k", "-m"):
        assert len(project.ids(option, "replay")) == 2


def test_the_fixture_can_be_looked_at(project: Project) -> None:
    """`replay.fixture` is the captured event with all that is known of it, and nothing is pinned by looking."""
    reference = project.fixture(failure=RECORDED)
    project.write(
        "test_it.py",
        """
        import json
        import pytest

        @pytest.mark.replay("orders")
        def test_it(replay):
            assert json.loads(replay.fixture.event_text)["Records"]
            assert replay.fixture.failure.error_type == "KeyError"
            assert replay().status == replay().status == "failed"
        """,
    )
    project.run("test_it.py").assert_outcomes(passed=1)
    assert project.store.load(reference).expectation.wants == "fails"


@pytest.mark.parametrize(
    ("markers", "expected"),
    [
        ('@pytest.mark.replay("orders/*", "billing/*")', 3),
        ('@pytest.mark.replay("orders/*")\n@pytest.mark.replay("billing")', 3),
        ('@pytest.mark.replay("orders/*", "orders", "*")', 3),
        ('@pytest.mark.replay("*/poison*")', 3),
        ('@pytest.mark.replay("billing")', 1),
    ],
)
def test_several_patterns(project: Project, markers: str, expected: int) -> None:
    """Patterns and markers add up, and a fixture that several name is replayed once."""
    project.fixture("m-1")
    project.fixture("m-2")
    project.fixture("m-3", function="billing")
    project.write("test_it.py", f"import pytest\n\n{markers}\ndef test_it(replay):\n    assert replay.fixture\n")
    project.run("test_it.py").assert_outcomes(passed=expected)


def test_class_and_module(project: Project) -> None:
    """A marker on a module or class holds for its tests, until a nearer one says otherwise."""
    project.fixture("m-1")
    project.fixture("m-2", function="billing")
    project.write(
        "test_it.py",
        """
        import pytest

        pytestmark = pytest.mark.replay("orders")

        def test_module(replay):
            assert replay.fixture.reference.function == "orders"

        def test_without():
            pass

        @pytest.mark.replay("billing")
        class TestBilling:
            def test_class(self, replay):
                assert replay.fixture.reference.function == "billing"

            @pytest.mark.replay("*")
            def test_nearest(self, replay):
                pass
        """,
    )
    project.run("test_it.py").assert_outcomes(passed=5)


def test_with_other_parameters(project: Project) -> None:
    """It combines with `parametrize` and with fixtures that build on `replay`."""
    project.fixture("m-1")
    project.fixture("m-2")
    project.write(
        "test_it.py",
        """
        import pytest

        @pytest.fixture
        def outcome(replay, monkeypatch):
            return replay()

        @pytest.mark.parametrize("number", [1, 2, 3])
        @pytest.mark.replay("orders")
        def test_it(outcome, number):
            assert outcome.status == "failed"
        """,
    )
    project.run("test_it.py").assert_outcomes(passed=6)


def test_a_pattern_without_a_fixture_is_an_error_of_its_test_alone(project: Project) -> None:
    """A test that runs no event would prove nothing; the other tests run."""
    project.fixture()
    project.write(
        "test_it.py",
        'import pytest\n\n@pytest.mark.replay("ordres/*")\ndef test_it(replay):\n    pass\n\n'
        '@pytest.mark.replay("orders/*")\ndef test_other(replay):\n    pass\n',
    )
    result = project.run("test_it.py")
    result.assert_outcomes(passed=1, errors=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["no fixture matches 'ordres/*'", "*ERROR*test_it.py::test_it*"])


@pytest.mark.parametrize(
    ("marker", "words"),
    [
        ("@pytest.mark.replay", "the marker `replay` takes patterns"),
        ("@pytest.mark.replay(3)", "the marker `replay` takes patterns"),
        ('@pytest.mark.replay("orders", where="x")', "the marker `replay` takes patterns"),
    ],
)
def test_a_marker_that_cannot_be_read_is_an_error(project: Project, marker: str, words: str) -> None:
    """A marker that cannot be read stops the collection in words: a test that runs no event would prove nothing."""
    project.fixture()
    project.write("test_it.py", f"import pytest\n\n{marker}\ndef test_it(replay):\n    pass\n")
    result = project.run("test_it.py")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.assert_outcomes(errors=1)
    assert f"test_it.py::test_it: {words}" in result.stdout.str()
    assert "Traceback" not in result.stdout.str()


def test_no_marker_is_an_error(project: Project) -> None:
    """The fixture without the marker says what is missing, without a traceback of ours."""
    project.fixture()
    project.write("test_it.py", "def test_it(replay):\n    pass\n")
    result = project.run("test_it.py")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["the `replay` fixture needs to know which events: add @pytest.mark.replay(*"])
    assert "requested.py" not in result.stdout.str()


def test_no_fixtures_at_all_is_an_error(project: Project) -> None:
    """A marked test in a project without fixtures says how to record some."""
    project.write("test_it.py", EXAMPLE)
    result = project.run("test_it.py")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*there is no folder of fixtures", "*replay record sqs --queue *"])


def test_an_assertion_shows_the_replay(project: Project) -> None:
    """A failed assertion on an outcome shows what the replay did, where, with what payload, and the command."""
    reference = project.fixture()
    project.write("test_it.py", EXAMPLE.replace('"KeyError"', '"ValueError"'))
    result = project.run("test_it.py")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "E *assert False",
            f"-* replay of {reference} *-",
            "happened   failed ?dead_lettered?: KeyError: 'customer_id'",
            "> app.py:8 handler *",
            "payload",
            '*"customerid": "c-1"',
            "log (last invocation)",
            "  handling o-1",
            f"run again  replay run {reference.short}",
        ]
    )


def test_what_cannot_be_replayed_is_told_at_the_call(project: Project) -> None:
    """Where the function cannot be found the test fails at its own line with our message, and shows no frame of ours."""
    project.configure(functions="")
    project.fixture()
    project.write("test_it.py", EXAMPLE)
    result = project.run("test_it.py")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["> *outcome = replay()", "E *there is no function 'orders'"])
    assert "requested.py" not in result.stdout.str()
    assert "replayer.py" not in result.stdout.str()


def test_an_unreadable_fixture_is_told(project: Project) -> None:
    """A fixture that cannot be read is an error of that test alone, in words."""
    project.fixture("m-1")
    broken = project.fixture("m-2")
    (project.root / "fixtures/orders" / broken.name / "event.json").unlink()
    project.write("test_it.py", EXAMPLE)
    result = project.run("test_it.py")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["the fixture has no event.json"])
    assert "requested.py" not in result.stdout.str()


def test_a_fixture_called_replay_of_the_users(project: Project) -> None:
    """A project that has a fixture `replay` and a marker `replay` of its own keeps both."""
    project.fixture("m-1", GOOD, wants="succeeds")
    project.write(
        "test_it.py",
        """
        import pytest

        @pytest.fixture
        def replay(request):
            return request.node.get_closest_marker("replay").args

        @pytest.mark.replay("tape-1")
        def test_it(replay):
            assert replay == ("tape-1",)
        """,
    )
    project.run("test_it.py").assert_outcomes(passed=1)


def test_a_fixture_that_extends_ours(project: Project) -> None:
    """A fixture `replay` of the user's that builds on ours gets the events."""
    project.fixture()
    project.write(
        "conftest.py", "import pytest\n\n@pytest.fixture\ndef replay(replay):\n    return lambda: replay().status\n"
    )
    project.write(
        "test_it.py",
        'import pytest\n\n@pytest.mark.replay("orders")\ndef test_it(replay):\n    assert replay() == "failed"\n',
    )
    project.run("test_it.py").assert_outcomes(passed=1)


FAULTY_HANDLER = """
import boto3
def handler(event, context):
    try:
        boto3.client("dynamodb").list_tables()
    except Exception as error:
        raise RuntimeError(f"{type(error).__name__}: {error}") from error
"""


def test_a_test_can_let_calls_of_aws_fail(project: Project) -> None:
    """Faults of the marker are met in every replay, those of a call before them, and effects can be asserted."""
    project.fixture()
    project.write("src/app.py", FAULTY_HANDLER)
    project.write(
        "test_it.py",
        """
        import pytest
        from replay import Fault

        @pytest.mark.replay("orders", faults={"dynamodb:ListTables": "AccessDeniedException"})
        def test_it(replay):
            assert replay().failed_with("RuntimeError", match="AccessDeniedException")
            outcome = replay(faults={"dynamodb:*": "ValidationException"})
            assert outcome.failed_with("RuntimeError", match="ValidationException")
            assert outcome.called("dynamodb:ListTables")[0].injected
            outcome = replay(faults=[Fault(call="dynamodb:*", latency_s=900)])
            assert outcome.status == "timed_out"

        @pytest.mark.replay("orders")
        def test_other(replay):
            assert replay().status == "succeeded"
        """,
    )
    project.run("test_it.py").assert_outcomes(passed=2)


@pytest.mark.parametrize("faults", ['{"dynamodb:ListTable": "X"}', '{"nonsense": "X"}', "[3]"])
def test_a_fault_that_cannot_be_is_an_error_of_the_test(project: Project, faults: str) -> None:
    """A misspelled call does not silently let everything succeed."""
    project.fixture()
    project.write("src/app.py", FAULTY_HANDLER)
    project.write(
        "test_it.py",
        f"""
        import pytest

        @pytest.mark.replay("orders")
        def test_it(replay):
            replay(faults={faults})
        """,
    )
    result = project.run("test_it.py")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*ConfigurationError*"])


def test_a_failing_test_shows_the_calls(project: Project) -> None:
    """The report of a failed test has what the function asked of AWS."""
    project.fixture()
    project.write("src/app.py", FAULTY_HANDLER)
    project.write(
        "test_it.py",
        """
        import pytest

        @pytest.mark.replay("orders", faults={"dynamodb:*": "AccessDeniedException"})
        def test_it(replay):
            assert replay().status == "succeeded"
        """,
    )
    result = project.run("test_it.py")
    result.stdout.fnmatch_lines(["AWS calls", "*dynamodb:ListTables AccessDeniedException (fault)"])
