"""What to do about a failure that came from AWS, and so does not come back from its payload."""

import shlex
from collections.abc import Sequence
from dataclasses import replace

from replay.expectations.judgement import Judgement
from replay.fixtures.fixture import Fixture
from replay.outcomes.proposed_faults import fault_option, proposed_fault
from replay.payloads.aws_calls import Fault


def missing_fault(fixture: Fixture, judgement: Judgement) -> Fault | None:
    """Give the fault without which the recorded failure of *fixture* did not come back; None where none is missing."""
    wanted = fixture.expectation.wants in {"fails", "reproduces"} and judgement.verdict in {"fixed", "changed"}
    recorded = fixture.failure if fixture.failure is not None and fixture.failure.observed != "local" else None
    return proposed_fault(recorded) if wanted and recorded is not None else None


def judged_with_proposal(
    judgement: Judgement, missing: Fault | None, *, fixture: str, options: Sequence[str] = ()
) -> Judgement:
    """Let a judgement tell that a fault is *missing*, instead of calling a bug fixed that was never in the code."""
    if missing is None:
        return judgement
    option = " ".join(filter(None, (fault_option(missing), shlex.join(options))))
    keep = f"replay expect {fixture} reproduces {option}"
    advice = (
        "the failure came from AWS and not from the payload: "
        f"`replay run {fixture} {option}` brings it back, and to keep it: `{keep}`"
    )
    if judgement.verdict == "fixed":
        return replace(judgement, reason=advice, ways=((keep, "AWS made it fail"),))
    return replace(judgement, reason=f"{judgement.reason}; {advice}")
