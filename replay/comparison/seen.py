"""What one target showed of one fixture: as much as can be compared, and nothing that is private."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from replay.comparison.answers import Answer, AnswerReader
from replay.expectations.judgement import Verdict
from replay.outcomes.fingerprint import signature
from replay.outcomes.outcome import Outcome
from replay.payloads.aws_calls import AwsCall
from replay.payloads.failures import Failure, Signature
from replay.replayer import FixtureNotRun, FixtureReplayed

_NOTHING = "nothing was seen of it in time"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a target tells at all: its answer, and the calls that the function makes of AWS."""

    answer: bool
    effects: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of AWS: its name, its parameters, and the error that it met."""

    name: str
    parameters: Answer
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Error:
    """
    How it failed.

    Attributes:
        words: Its type and message, for eyes; of a run that was gone on with, its type alone.
        known: What it is known by, without and with its frames; empty where the frames are not known.
    """

    words: str
    known: str
    with_frames: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """
    What was seen of a fixture.

    Attributes:
        problem: Why nothing was: it could not run, or its end was not observed; then all others say nothing.
        answer: None where the target does not tell it, or the function gave none (`answered`).
        effects: None where the target does not tell them.
        from_ledger: Whether it is what a ledger has kept of it.
    """

    verdict: Verdict
    status: str = ""
    dispositions: tuple[str, ...] = ()
    error: Error | None = None
    answer: Answer | None = None
    answered: Literal["yes", "no", "not told"] = "not told"
    effects: tuple[Call, ...] | None = None
    duration_s: float = 0.0
    problem: str = ""
    from_ledger: bool = False


def seen_of(event: FixtureReplayed | FixtureNotRun, told: Told, reader: AnswerReader) -> Seen:
    """Take from a run what can be compared."""
    if isinstance(event, FixtureNotRun):
        return Seen(verdict="error", problem=event.error.what)
    verdict, outcome = event.judgement.verdict, event.outcomes[-1]
    if verdict == "unobserved":
        return Seen(verdict=verdict, problem=event.judgement.reason or _NOTHING)
    payload = outcome.report.invocations[-1].reply.payload if outcome.report.invocations else None
    return Seen(
        verdict=verdict,
        status=outcome.status,
        dispositions=tuple(outcome.dispositions),
        error=_error(outcome),
        answer=reader.of_text(payload) if told.answer and payload is not None else None,
        answered="not told" if not told.answer else "no" if payload is None else "yes",
        effects=tuple(_call(each, reader) for each in outcome.effects) if told.effects else None,
        duration_s=outcome.duration_s,
    )


def ledger_document(seen: Seen, *, digests: bool = True) -> Mapping[str, Any]:
    """
    Give what a ledger keeps, so that a comparison can be gone on with: digests, and no word of an answer.

    Args:
        digests: Whether a digest means anything later: it does not where the project has no key of its own.
    """
    return {
        "dispositions": list(seen.dispositions),
        "duration_s": round(seen.duration_s, 6),
        "answered": seen.answered if digests or seen.answer is None else "not told",
        "answer": seen.answer.digest if seen.answer and digests else None,
        "error": seen.error.known if seen.error else None,
        "error_with_frames": seen.error.with_frames if seen.error else None,
    }


def seen_in_ledger(document: Mapping[str, Any]) -> Seen:
    """Read what a ledger has kept of a fixture; a ledger may be of an older version, and say less."""
    verdict: Verdict = document.get("verdict", "error")
    if verdict == "unobserved":
        return Seen(verdict=verdict, problem=_NOTHING, from_ledger=True)
    known, answer = document.get("error"), document.get("answer")
    return Seen(
        verdict=verdict,
        status=str(document.get("status", "")),
        dispositions=tuple(document.get("dispositions", ())),
        error=Error(words="an error", known=known, with_frames=document.get("error_with_frames") or "")
        if known
        else None,
        answer=Answer(digest=answer) if answer else None,
        answered=document.get("answered", "not told"),
        duration_s=float(document.get("duration_s", 0.0)),
        from_ledger=True,
    )


def _error(outcome: Outcome) -> Error | None:
    failure = outcome.failure
    if failure is None:
        return None
    known = outcome.signature or signature(failure)
    without = Signature(error_type=known.error_type, message=known.message)
    return Error(words=_words(failure), known=without.digest, with_frames=known.digest if known.frames else "")


def _words(failure: Failure) -> str:
    return ": ".join(filter(None, (failure.error_type, failure.message)))


def _call(call: AwsCall, reader: AnswerReader) -> Call:
    return Call(
        name=call.name, parameters=reader.of_value(call.parameters), error=call.error.code if call.error else ""
    )
