"""What a fixture expects, said truly: from where its failure is known, and since when."""

from collections.abc import Callable

import pytest

from replay.fixtures.fixture import Fixture, Revision
from replay.outcomes.fingerprint import signature
from replay.payloads.expectations import Expectation
from replay.payloads.failures import Failure, Frame
from replay.reports.expectation_words import headline, wanted

FRAME = Frame(module="app.py", function="handler", code="json.loads(body)")
RECORDED = Failure(error_type="JSONDecodeError", message="Expecting value: line 1 column 1 (char 0)", frames=(FRAME,))
PINNED = Revision(at="2026-11-21T09:00:00+00:00", by="replay run", why="first local failure pinned: JSONDecodeError")
LATER = Revision(
    at="2026-12-01T09:00:00+00:00", by="replay expect (ada)", why="expectation: was succeeds, is reproduces"
)
KNOWN = Expectation(wants="reproduces", signature=signature(RECORDED))


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({}, "fails (which failure is not known yet: the first one seen is pinned)"),
        ({"expectation": Expectation(wants="succeeds")}, "succeeds"),
        (
            {"expectation": Expectation(wants="now", status="failed", dispositions=("dead_lettered",))},
            "failed [dead_lettered], as accepted",
        ),
    ],
)
def test_other_expectations(parts: dict, words: str, fixture_of: Callable[..., Fixture]) -> None:
    """Each kind has its own words."""
    assert wanted(fixture_of(**parts)) == words


def test_as_recorded_is_said_of_production_only(fixture_of: Callable[..., Fixture]) -> None:
    """What the source or its logs have told is "as recorded", in its own words and not in those of the signature."""
    fixture = fixture_of(expectation=KNOWN, failure=RECORDED)
    assert wanted(fixture) == f"fails as recorded: JSONDecodeError: {RECORDED.message}"


def test_what_was_pinned_here_has_its_day(fixture_of: Callable[..., Fixture]) -> None:
    """A failure that was first seen in a replay is dated by it, whatever was revised later."""
    local = Failure(error_type=RECORDED.error_type, message=RECORDED.message, frames=(FRAME,), observed="local")
    fixture = fixture_of(expectation=KNOWN, failure=local, revisions=(PINNED, LATER))
    assert wanted(fixture).startswith("fails as pinned on 2026-11-21: JSONDecodeError: Expecting value")


def test_another_failure_than_the_recorded_one_is_pinned(fixture_of: Callable[..., Fixture]) -> None:
    """Where somebody has accepted another failure than production's, that is not called recorded."""
    other = signature(Failure(error_type="ValueError", message="no items", frames=(FRAME,)))
    anew = Revision(at="2026-12-24T09:00:00+00:00", by="replay expect (ada)", why="failure pinned anew: was …")
    fixture = fixture_of(
        expectation=Expectation(wants="reproduces", signature=other), failure=RECORDED, revisions=(PINNED, anew)
    )
    assert wanted(fixture) == "fails as pinned on 2026-12-24: ValueError: no items"


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (
            "RequestId: c7f36b9e-3c1d-4d52-8a73-6f3e2c1a9b00 Error: Runtime exited with error: exit status 1",
            "Runtime exited with error: exit status 1",
        ),
        ("RequestId: <uuid> Error: Runtime exited", "Runtime exited"),
        (
            "2026-11-21T08:00:00.123Z c7f36b9e-3c1d-4d52-8a73-6f3e2c1a9b00 Task timed out after 3.00 seconds",
            "Task timed out after 3.00 seconds",
        ),
        ("RequestId: mine Error: x", "RequestId: mine Error: x"),
        ("2026-11-21 is no date of ours", "2026-11-21 is no date of ours"),
    ],
)
def test_the_prefixes_of_lambda_are_not_shown(message: str, shown: str) -> None:
    """The id and the time before Lambda's own words fill the line and say nothing of the failure."""
    assert headline("E", message) == f"E: {shown}"
