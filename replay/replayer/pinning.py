"""The first local failure of a fixture that knew none becomes the one that it expects."""

from dataclasses import replace
from datetime import datetime

from replay.errors import FixtureError, NotPinned
from replay.expectations.judgement import Judgement
from replay.fixtures.fixture import Fixture
from replay.fixtures.revisions import new_revision
from replay.outcomes.fingerprint import signature
from replay.outcomes.outcome import Outcome
from replay.payloads.expectations import Expectation
from replay.payloads.failures import UNTOLD_TYPES


def pin(fixture: Fixture, outcome: Outcome, *, at: datetime) -> Fixture:
    """Give *fixture* as it is once the failure of *outcome* is its expected one; *at* is when it was seen."""
    failure = fixture.failure or (replace(outcome.failure, observed="local") if outcome.failure else None)
    revision = new_revision(
        "replay run",
        f"first local failure pinned: {outcome.signature.error_type if outcome.signature else outcome.status}",
        at=at,
    )
    return replace(
        fixture,
        expectation=Expectation(wants="reproduces", signature=outcome.signature),
        failure=failure,
        revisions=(*fixture.revisions, revision),
    )


def other_type_note(fixture: Fixture, outcome: Outcome) -> str:
    """Say that what fails here has another type than what was recorded without a stack: it may be another failure."""
    recorded, seen = fixture.failure, outcome.signature
    if recorded is None or recorded.observed == "local" or seen is None or not seen.error_type:
        return ""
    known = signature(recorded).error_type
    if known == seen.error_type or known in UNTOLD_TYPES or " " in known:  # such as `HTTP 502`
        return ""
    return (
        f"{fixture.reference.function}: recorded was {known}, and here it is {seen.error_type}; if that is another "
        "failure, mend what makes it fail here, and `replay expect ID fails` forgets this one"
    )


def not_pinned(error: FixtureError, outcome: Outcome, judgement: Judgement) -> NotPinned:
    """Say what the replay has found, although it cannot be kept; and how to do without keeping it."""
    known = outcome.signature
    failure = ": ".join(filter(None, (known.error_type, known.message))) if known else outcome.status
    return NotPinned(
        f"the first failure cannot be pinned: {error.what}",
        found=f"{judgement.verdict}: {failure}",
        where=error.where,
        hint=f"`replay run --no-pin` judges and writes nothing (pytest: --replay-no-pin); else: {error.hint}",
    )
