"""An expectation, an outcome and a failure in words."""

import re

from replay.fixtures.fixture import Fixture
from replay.outcomes.fingerprint import signature
from replay.outcomes.outcome import Outcome
from replay.payloads.failures import Failure
from replay.reports.visible_text import one_line

_PINNED = "pinned"
_LAMBDA_PREFIX = re.compile(
    r"\A(?:RequestId: (?:[0-9a-f-]{36}|<\w+>) Error: "
    r"|(?:\d{4}-\d\d-\d\dT[\d:.]+Z|<\w+>) (?:[0-9a-f-]{36}|<\w+>) (?=Task timed out))"
)
"""What varies in the messages of `Runtime.ExitError` and `Sandbox.Timedout`; a signature has put `<…>` for it."""


def wanted(fixture: Fixture) -> str:
    """Say what *fixture* expects."""
    expectation = fixture.expectation
    if expectation.wants == "fails":
        return "fails (which failure is not known yet: the first one seen is pinned)"
    if expectation.wants == "reproduces":
        return f"fails as {_since(fixture)}: {_known_failure(fixture)}"
    if expectation.wants == "succeeds":
        return "succeeds"
    dispositions = ", ".join(expectation.dispositions or ())
    return one_line(f"{expectation.status}{f' [{dispositions}]' if dispositions else ''}, as accepted")


def happened(outcome: Outcome) -> str:
    """Put an outcome into words."""
    dispositions = f" [{', '.join(outcome.dispositions)}]" if outcome.dispositions else ""
    failure = outcome.failure
    return f"{outcome.status}{dispositions}{f': {headline(failure.error_type, failure.message)}' if failure else ''}"


def headline(error_type: str, message: str, *, limit: int = 120) -> str:
    """Write `KeyError: 'customer_id'` on one safe line, without the id and time that Lambda puts before its words."""
    return one_line(": ".join(filter(None, (error_type, _LAMBDA_PREFIX.sub("", message)))), limit=limit)


def recorded_failure(fixture: Fixture) -> Failure | None:
    """Give the failure that was observed in production, if any was."""
    return fixture.failure if fixture.failure and fixture.failure.observed != "local" else None


def _since(fixture: Fixture) -> str:
    """Say where the known failure comes from: production, or a replay of that day."""
    recorded, known = recorded_failure(fixture), fixture.expectation.signature
    if recorded is not None and (known is None or known == signature(recorded)):
        return "recorded"
    days = [each.at[:10] for each in fixture.revisions if _PINNED in each.why]
    return one_line(f"pinned on {days[-1]}") if days else "pinned"


def _known_failure(fixture: Fixture) -> str:
    """Write the known failure in its own words where they are kept; a signature has lost what varies."""
    known, failure = fixture.expectation.signature, fixture.failure
    if failure is not None and (known is None or known == signature(failure)):
        return headline(failure.error_type, failure.message)
    return headline(known.error_type, known.message) if known else "any failure"
