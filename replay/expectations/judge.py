"""The verdict on what happened, by what the fixture expects."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from replay.expectations.judgement import Judgement
from replay.outcomes.fingerprint import signature
from replay.outcomes.outcome import Outcome
from replay.payloads.expectations import Expectation
from replay.payloads.failures import Signature


def judge(
    expectation: Expectation, outcomes: Sequence[Outcome], *, red: bool = False, fixture: str = "ID"
) -> Judgement:
    """
    Judge the outcomes of one fixture, replayed once or several times.

    | the fixture expects | it fails so | it is fixed | it fails otherwise, or is flaky |
    |---|---|---|---|
    | `reproduces`, `fails` | reproduced, as expected | fixed, not as expected until it is accepted | not as expected |
    | `succeeds`, `now` | reproduced, not as expected | fixed, as expected | not as expected |

    "So" is with the expectation's signature; an expectation without one takes any failure. "Fixed" is success, or for
    `now` the status and dispositions that were accepted.

    Args:
        expectation: With the signature of the failure that the fixture is about, where it is known.
        outcomes: One or more.
        red: Make a reproduction unexpected too.
        fixture: The id to put into the advice.
    """
    if _disagree(outcomes):
        return Judgement(verdict="flaky", as_expected=False, reason=_disagreement(outcomes))
    outcome = outcomes[-1]
    if expectation.wants == "now":
        return _judge_now(expectation, outcome, fixture)
    if expectation.wants == "succeeds":
        return _judge_success(expectation, outcome, fixture)
    return _judge_failure(expectation, outcome, red=red, fixture=fixture)


def _judge_failure(expectation: Expectation, outcome: Outcome, *, red: bool, fixture: str) -> Judgement:
    if _done(outcome):
        accept = "now" if outcome.status == "not_invoked" else "succeeds"
        what = "now fixed" if expectation.signature or expectation.wants == "reproduces" else "it did not fail here"
        return Judgement(verdict="fixed", as_expected=False, reason=f"{what}: run `replay expect {fixture} {accept}`")
    if not _is_known(expectation.signature, outcome):
        return _changed(expectation, outcome, fixture)
    if red:
        return Judgement(verdict="reproduced", as_expected=False, reason=f"the bug is still there: {_what(outcome)}")
    return Judgement(verdict="reproduced", as_expected=True, known_bug=True, reason="known bug, still there")


def _judge_success(expectation: Expectation, outcome: Outcome, fixture: str) -> Judgement:
    if outcome.status == "succeeded":
        return Judgement(verdict="fixed", as_expected=True, reason="it succeeds, as expected")
    if expectation.signature and _is_known(expectation.signature, outcome):
        return _is_back(outcome, fixture)
    if _done(outcome):
        reason = f"the function was not invoked: run `replay expect {fixture} now` if that is right"
        return Judgement(verdict="changed", as_expected=False, reason=reason)
    return _changed(expectation, outcome, fixture)


def _judge_now(expectation: Expectation, outcome: Outcome, fixture: str) -> Judgement:
    if outcome.status == expectation.status and tuple(outcome.dispositions) == (expectation.dispositions or ()):
        return Judgement(verdict="fixed", as_expected=True, reason="status and dispositions are as accepted")
    if expectation.signature and not _done(outcome) and _is_known(expectation.signature, outcome):
        return _is_back(outcome, fixture)
    wanted = _state(expectation.status or "", expectation.dispositions or ())
    reason = f"it was accepted as {wanted}, and is {_state(outcome.status, outcome.dispositions)}"
    return Judgement(
        verdict="changed", as_expected=False, reason=f"{reason}: run `replay expect {fixture} now` if that is right"
    )


def _is_back(outcome: Outcome, fixture: str) -> Judgement:
    reason = f"the bug is back: {_what(outcome)}; mend it, or run `replay expect {fixture} reproduces`"
    return Judgement(verdict="reproduced", as_expected=False, reason=reason)


def _changed(expectation: Expectation, outcome: Outcome, fixture: str) -> Judgement:
    known = expectation.signature
    expected = "success" if expectation.wants == "succeeds" else _of(known) if known else "a failure"
    reason = f"it fails otherwise: {_what(outcome)} instead of {expected}"
    if known and outcome.signature and replace(known, frames=()) == replace(outcome.signature, frames=()):
        reason = f"it fails with {_of(known)} as before, but in another place of the code"
    return Judgement(verdict="changed", as_expected=False, reason=f"{reason}; look with `replay show {fixture}`")


def _done(outcome: Outcome) -> bool:
    """Say whether nothing is left to do: everything was processed, or a filter keeps it from the function."""
    if outcome.status == "not_invoked":
        return bool(outcome.dispositions) and set(outcome.dispositions) == {"filtered"}
    return outcome.status == "succeeded"


def _is_known(known: Signature | None, outcome: Outcome) -> bool:
    """
    Say whether *outcome* fails with the signature *known*.

    What the source did not know is not held against the outcome: a function's dead-letter queue gives a message without
    an error type, and a log line may have no stack.
    """
    if known is None:
        return True
    if outcome.failure is None or outcome.signature is None:
        return False
    if known.frames:
        return known == outcome.signature
    seen = signature(replace(outcome.failure, frames=()))
    return known.message == seen.message and known.error_type in {"", seen.error_type}


def _disagree(outcomes: Sequence[Outcome]) -> bool:
    first = outcomes[0]
    return any(
        (each.status, each.signature, each.dispositions) != (first.status, first.signature, first.dispositions)
        for each in outcomes
    )


def _disagreement(outcomes: Sequence[Outcome]) -> str:
    counts = Counter(_what(outcome) for outcome in outcomes)
    if len(counts) == 1:
        return f"{len(outcomes)} replays failed in different places, or with different dispositions"
    told = ", ".join(f"{count} x {what}" for what, count in counts.most_common())
    return f"{len(outcomes)} replays disagree: {told}"


def _what(outcome: Outcome) -> str:
    return _of(outcome.signature) if outcome.signature else outcome.status


def _of(known: Signature) -> str:
    return ": ".join(filter(None, (known.error_type, known.message)))


def _state(status: str, dispositions: Sequence[str]) -> str:
    return f"{status} [{', '.join(dispositions)}]" if dispositions else status
