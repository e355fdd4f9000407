"""The verdict on what happened, by what the fixture expects."""

import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from replay.counted_nouns import counted
from replay.expectations.judgement import Judgement
from replay.expectations.known_failure import is_known, parting_lines
from replay.outcomes.outcome import Outcome
from replay.payloads.expectations import Expectation
from replay.payloads.failures import Signature

_WORDS_LIMIT = 300


def judge(
    expectation: Expectation,
    outcomes: Sequence[Outcome],
    *,
    red: bool = False,
    fixture: str = "ID",
    options: Sequence[str] = (),
) -> Judgement:
    """
    Judge the outcomes of one fixture, replayed once or several times.

    | the fixture expects | it fails so | it is fixed | it fails otherwise, or is flaky |
    |---|---|---|---|
    | `reproduces`, `fails` | reproduced, as expected | fixed, not as expected until it is accepted | not as expected |
    | `succeeds`, `now` | reproduced, not as expected | fixed, as expected | not as expected |

    A known failure that fails without an error, because its target does not tell it, is `unobserved`.

    "So" is with the expectation's signature; an expectation without one takes any failure. "Fixed" is success, or for
    `now` the status and dispositions that were accepted: an error that is another one by then is noted only.

    Args:
        expectation: With the signature of the failure that the fixture is about, where it is known.
        outcomes: One or more.
        red: Make a reproduction unexpected too.
        fixture: The id to put into the advice.
        options: What the commands that accept the outcome need beside it, such as the faults of this run.
    """
    if _disagree(outcomes):
        return Judgement(verdict="flaky", as_expected=False, reason=_disagreement(outcomes))
    outcome, accepting = outcomes[-1], _Accepting(fixture=fixture, options=tuple(options))
    if expectation.wants == "now":
        return _judge_now(expectation, outcome, accepting)
    if expectation.wants == "succeeds":
        return _judge_success(expectation, outcome, accepting)
    return _judge_failure(expectation, outcome, red=red, accepting=accepting)


def judge_captured(outcome: Outcome) -> Judgement:
    """Judge an event of which nobody has said what should happen: it succeeds, as it should, or it fails."""
    if _done(outcome):
        return _SUCCEEDED if outcome.status == "succeeded" else _FILTERED
    if outcome.failure is not None and not outcome.failure.error_type:
        return Judgement(verdict="failed", as_expected=False, reason="it fails, and nobody can tell how")
    return Judgement(verdict="failed", as_expected=False, reason=f"it fails: {_seen(outcome)}")


_SUCCEEDED = Judgement(verdict="succeeded", as_expected=True, reason="it succeeds")
_FILTERED = Judgement(verdict="succeeded", as_expected=True, reason="a filter keeps it from the function")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Accepting:
    """Writes the commands that accept what has happened to a fixture."""

    fixture: str
    options: tuple[str, ...]

    def command(self, word: str) -> str:
        return shlex.join(("replay", "expect", self.fixture, word, *self.options))


def _judge_failure(expectation: Expectation, outcome: Outcome, *, red: bool, accepting: _Accepting) -> Judgement:
    if _done(outcome):
        accept = "now" if outcome.status == "not_invoked" else "succeeds"
        what = "now fixed" if expectation.signature or expectation.wants == "reproduces" else "it did not fail here"
        command = accepting.command(accept)
        return Judgement(
            verdict="fixed", as_expected=False, reason=f"{what}: run `{command}`", ways=((command, "it is fixed"),)
        )
    if not is_known(expectation.signature, outcome):
        untold = outcome.failure is not None and not outcome.failure.error_type
        return _untold(outcome) if untold else _changed(expectation, outcome, accepting)
    if red:
        reason = f"the bug is still there: {_seen(outcome)}"
        return Judgement(verdict="reproduced", as_expected=False, reason=reason, red=True)
    return Judgement(verdict="reproduced", as_expected=True, known_bug=True, reason="known bug, still there")


def _untold(outcome: Outcome) -> Judgement:
    """Judge a failure of which the target does not tell how: it may be the known one, and it may be another."""
    reason = f"it failed, and nobody can tell whether as before: {_seen(outcome)}"
    return Judgement(verdict="unobserved", as_expected=False, reason=reason)


def _judge_success(expectation: Expectation, outcome: Outcome, accepting: _Accepting) -> Judgement:
    if outcome.status == "succeeded":
        return Judgement(verdict="fixed", as_expected=True, reason="it succeeds, as expected")
    if expectation.signature and is_known(expectation.signature, outcome):
        return _is_back(outcome, accepting)
    if _done(outcome):
        reason = "the function was not invoked: a filter keeps the event from it"
        return Judgement(verdict="changed", as_expected=False, reason=reason, ways=(_right(accepting),))
    return _changed(expectation, outcome, accepting)


def _judge_now(expectation: Expectation, outcome: Outcome, accepting: _Accepting) -> Judgement:
    if outcome.status == expectation.status and tuple(outcome.dispositions) == (expectation.dispositions or ()):
        note = _other_error(expectation, outcome, accepting)
        return Judgement(verdict="fixed", as_expected=True, reason="status and dispositions are as accepted", note=note)
    if expectation.signature and not _done(outcome) and is_known(expectation.signature, outcome):
        return _is_back(outcome, accepting)
    wanted = _state(expectation.status or "", expectation.dispositions or ())
    reason = f"it was accepted as {wanted}, and is {_state(outcome.status, outcome.dispositions)}"
    return Judgement(verdict="changed", as_expected=False, reason=reason, ways=(_right(accepting),))


def _other_error(expectation: Expectation, outcome: Outcome, accepting: _Accepting) -> str:
    """Say that an accepted failure is another one by now, which status and dispositions do not show."""
    accepted = expectation.accepted_failure
    if accepted is None or outcome.signature is None or is_known(accepted, outcome):
        return ""
    advice = f"`{accepting.command('now')}` accepts that too"
    if parting_lines(accepted, outcome.signature):
        return f"{accepting.fixture} fails with {_of(accepted)} as accepted, but not from the same code: {advice}"
    return f"{accepting.fixture} fails with {_seen(outcome)}, and was accepted with {_of(accepted)}: {advice}"


def _is_back(outcome: Outcome, accepting: _Accepting) -> Judgement:
    reason = f"the bug is back: {_seen(outcome)}"
    return Judgement(verdict="reproduced", as_expected=False, reason=reason, ways=(_known(accepting),))


def _changed(expectation: Expectation, outcome: Outcome, accepting: _Accepting) -> Judgement:
    known, seen = expectation.signature, outcome.signature
    expected = "success" if expectation.wants == "succeeds" else _of(known) if known else "a failure"
    reason = f"it fails otherwise: {_seen(outcome)} instead of {expected}"
    parting = parting_lines(known, seen) if known and seen else None
    if known and parting:
        reason = f"it fails with {_of(known)} as before, but not from the same code"
    ways = (_known(accepting), _right(accepting)) if seen else (_right(accepting),)
    was, now = parting or ("", "")
    return Judgement(verdict="changed", as_expected=False, reason=reason, was=was, seen=now, ways=ways)


def _known(accepting: _Accepting) -> tuple[str, str]:
    return accepting.command("reproduces"), "it is the known bug"


def _right(accepting: _Accepting) -> tuple[str, str]:
    return accepting.command("now"), "it is right so"


def _done(outcome: Outcome) -> bool:
    """Say whether nothing is left to do: everything was processed, or a filter keeps it from the function."""
    if outcome.status == "not_invoked":
        return bool(outcome.dispositions) and set(outcome.dispositions) == {"filtered"}
    return outcome.status == "succeeded"


def _disagree(outcomes: Sequence[Outcome]) -> bool:
    first = outcomes[0]
    return any(
        (each.status, each.signature, each.dispositions) != (first.status, first.signature, first.dispositions)
        for each in outcomes
    )


def _disagreement(outcomes: Sequence[Outcome]) -> str:
    counts = Counter(_what(outcome) for outcome in outcomes)
    if len(counts) == 1:
        return f"{counted(len(outcomes), 'replay')} failed from different code, or with different dispositions"
    told = ", ".join(f"{count} x {what}" for what, count in counts.most_common())
    return f"{counted(len(outcomes), 'replay')} disagree: {told}"


def _what(outcome: Outcome) -> str:
    return _of(outcome.signature) if outcome.signature else outcome.status


def _seen(outcome: Outcome) -> str:
    """Write what happened in its own words, which a signature has replaced where they vary."""
    failure = outcome.failure
    if failure is None:
        return outcome.status
    words = " ".join(failure.message[: 2 * _WORDS_LIMIT].split())
    return ": ".join(filter(None, (failure.error_type, words)))[:_WORDS_LIMIT]


def _of(known: Signature) -> str:
    return ": ".join(filter(None, (known.error_type, known.message)))


def _state(status: str, dispositions: Sequence[str]) -> str:
    return f"{status} [{', '.join(dispositions)}]" if dispositions else status
