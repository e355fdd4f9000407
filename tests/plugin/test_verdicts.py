"""What is green and what is red in pytest: the table of the command line's verdicts, as test outcomes."""

import json

import pytest

from replay.payloads.expectations import Expectation
from tests.plugin.conftest import GOOD, POISON, RECORDED, Project

OTHERWISE = 'def handler(event, context):\n    raise ValueError("other")\n'


def test_a_known_bug_is_xfail(project: Project) -> None:
    """A recorded failure that is still there is an expected failure, with its words in the summary; exit code 0."""
    project.fixture(wants="reproduces", failure=RECORDED)
    result = project.run("-rx")
    result.assert_outcomes(xfailed=1)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["XFAIL *poison*- known bug: failed ?dead_lettered?: KeyError: 'customer_id'"])


@pytest.mark.parametrize("option", ["--replay-red", "--runxfail"])
def test_red_makes_a_known_bug_fail(project: Project, option: str) -> None:
    """For who is mending it, a bug that is still there is red, on our option as on pytest's own."""
    project.fixture(wants="reproduces", failure=RECORDED)
    result = project.run(option)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["reproduced: the bug is still there: KeyError: 'customer_id'"])


def test_a_mended_bug_fails_until_it_is_accepted(project: Project) -> None:
    """A recorded failure that is gone is red, and says the command that accepts it."""
    reference = project.fixture(body=GOOD, wants="reproduces", failure=RECORDED)
    result = project.run("-rf")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"fixed: now fixed: run `replay expect {reference.short} succeeds`"])


@pytest.mark.parametrize("expectation", [
    Expectation(wants="succeeds"), Expectation(wants="now", status="succeeded", dispositions=("processed",)),
    Expectation(wants="now", status="failed", dispositions=("dead_lettered",)),
])  # fmt: skip
def test_an_accepted_fix_passes(project: Project, expectation: Expectation) -> None:
    """A fix that was accepted, also one that ends in the dead-letter queue on purpose, is a passing test."""
    project.fixture(body=POISON if expectation.status == "failed" else GOOD, expectation=expectation)
    project.run().assert_outcomes(passed=1)


def test_a_bug_that_is_back_fails(project: Project) -> None:
    """A bug that was accepted as mended and is back is red."""
    project.fixture(wants="succeeds", failure=RECORDED)
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["reproduced: the bug is back: KeyError*"])


@pytest.mark.parametrize("wants", ["reproduces", "succeeds"])
def test_another_failure_fails(project: Project, wants) -> None:
    """A fixture that fails otherwise than recorded is red, whatever it expects."""
    project.write("src/app.py", OTHERWISE)
    project.fixture(wants=wants, failure=RECORDED)
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["changed: it fails otherwise: ValueError: other instead of *"])


def test_the_first_failure_is_pinned(project: Project) -> None:
    """A fixture that knew no failure notes the first one, says so once, and holds the next runs to it."""
    reference = project.fixture(wants="fails")
    first = project.run()
    first.assert_outcomes(xfailed=1)
    first.stdout.fnmatch_lines(
        ["replay: 1 reproduced", "replay: 1 first failure pinned in fixtures/: commit the change"]
    )
    assert project.store.load(reference).expectation.wants == "reproduces"
    assert "failure pinned" not in project.run().stdout.str()
    project.write("src/app.py", OTHERWISE)
    project.run().assert_outcomes(failed=1)


def test_no_pin_leaves_the_fixture_alone(project: Project) -> None:
    """`--replay-no-pin` judges, and writes nothing."""
    reference = project.fixture(wants="fails")
    before = project.store.document(reference)
    result = project.run("--replay-no-pin")
    result.assert_outcomes(xfailed=1)
    assert project.store.document(reference) == before
    assert "failure pinned" not in result.stdout.str()


def _no_function(project: Project) -> str:
    project.configure(functions="")
    return "there is no function 'orders'"


def _no_handler(project: Project) -> str:
    project.write("src/app.py", "def other(event, context): ...\n")
    return "handler"


def _no_code(project: Project) -> str:
    project.configure(functions='orders = { handler = "app.handler", code = "gone" }')
    return "the code of orders is not there"


def _unreadable_fixture(project: Project) -> str:
    next(project.root.glob("fixtures/orders/*/fixture.json")).write_text("<<<<<<< HEAD\n")
    return "fixture.json is not JSON"


def _no_event(project: Project) -> str:
    next(project.root.glob("fixtures/orders/*/event.json")).unlink()
    return "the fixture has no event.json"


def _no_document(project: Project) -> str:
    next(project.root.glob("fixtures/orders/*/fixture.json")).unlink()
    return "the fixture has no fixture.json"


def _newer_fixture(project: Project) -> str:
    file = next(project.root.glob("fixtures/orders/*/fixture.json"))
    file.write_text(json.dumps({**json.loads(file.read_text()), "format_version": 99}))
    return "newer than this tool"


@pytest.mark.parametrize(
    "broken", [_no_function, _no_handler, _no_code, _unreadable_fixture, _no_event, _no_document, _newer_fixture]
)
def test_what_cannot_run_fails_in_words(project: Project, broken) -> None:
    """A fixture that cannot be replayed is red with our message and what to do now, and with no traceback."""
    project.fixture(wants="reproduces", failure=RECORDED)
    words = broken(project)
    result = project.run("-rf")
    result.assert_outcomes(failed=1)
    shown = result.stdout.str()
    assert words in shown
    assert "do now:" in shown
    result.stdout.re_match_lines(["run again  pytest '?fixtures/orders::replay.*"])
    assert "Traceback" not in shown
    assert ".py:" not in shown
    result.stdout.fnmatch_lines(["replay: 1 error"])


def test_one_that_cannot_run_does_not_stop_the_others(project: Project) -> None:
    """One unreadable fixture among others is one red test."""
    bad = project.fixture("m-1", GOOD, wants="succeeds")
    project.fixture("m-2", GOOD, wants="succeeds")
    (project.root / "fixtures/orders" / bad.name / "fixture.json").write_text("{")
    project.run().assert_outcomes(passed=1, failed=1)


def test_the_verdicts_are_counted(project: Project) -> None:
    """The end of the run says how many fixtures had which verdict, most frequent first."""
    project.fixture("m-1", wants="reproduces", failure=RECORDED)
    project.fixture("m-2", wants="reproduces", failure=RECORDED)
    project.fixture("m-3", GOOD, wants="succeeds")
    project.run().stdout.fnmatch_lines(["replay: 2 reproduced, 1 fixed"])


def test_cold_imports_afresh_for_each_event(project: Project) -> None:
    """`--replay-cold` gives each event a function without memory of the ones before; warm is the default."""
    project.write(
        "src/app.py", "SEEN = []\n\ndef handler(event, context):\n    SEEN.append(1)\n    assert SEEN == [1]\n"
    )
    project.fixture("m-1", wants="succeeds")
    project.fixture("m-2", wants="succeeds")
    project.run().assert_outcomes(passed=1, failed=1)
    project.run("--replay-cold").assert_outcomes(passed=2)


def test_what_fails_as_accepted_is_not_called_fixed(project: Project) -> None:
    """The count at the end has people's word for it; the property in the report stays the verdict."""
    expectation = Expectation(wants="now", status="failed", dispositions=("dead_lettered",))
    project.fixture("m-1", expectation=expectation)
    project.fixture("m-2", body=GOOD, wants="succeeds")
    result = project.run()
    result.assert_outcomes(passed=2)
    (counted,) = [line for line in result.outlines if line.startswith("replay: ")]
    assert sorted(counted.removeprefix("replay: ").split(", ")) == ["1 as accepted", "1 fixed"]
