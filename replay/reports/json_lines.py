"""A run as JSON Lines: one document per fixture, and a last summary."""

from replay.errors import ReplayError
from replay.fixtures.fixture import FixtureReference
from replay.payloads.exact_json import Json
from replay.replayer import FixtureNotRun, FixtureReplayed, RunFinished


def outcome_document(event: FixtureReplayed) -> dict[str, Json]:
    """
    Give the `outcome` line of one fixture.

    `dispositions` go in record order; `signature` is the digest of the failure here, or null.
    """
    outcome = event.outcomes[-1]
    failure = outcome.failure
    return {
        "type": "outcome",
        "fixture": event.fixture.reference.id,
        "function": event.fixture.reference.function,
        "name": event.fixture.reference.name,
        "verdict": event.judgement.verdict,
        "as_expected": event.judgement.as_expected,
        "known_bug": event.judgement.known_bug,
        "reason": event.judgement.reason,
        "status": outcome.status,
        "error": {"type": failure.error_type, "message": failure.message} if failure else None,
        "signature": outcome.signature.digest if outcome.signature else None,
        "dispositions": list(outcome.dispositions),
        "invocations": len(outcome.report.invocations),
        "duration_s": round(outcome.duration_s, 6),
        "notes": list(event.notes),
    }


def not_run_document(event: FixtureNotRun) -> dict[str, Json]:
    """Give the `outcome` line of a fixture that could not be run: verdict `error`, and why."""
    return {
        "type": "outcome",
        "fixture": event.reference.id,
        "function": event.reference.function,
        "name": event.reference.name,
        "verdict": "error",
        "as_expected": False,
        "status": None,
        "error": None,
        "signature": None,
        "dispositions": [],
        **problem(event.error),
    }


def summary_document(event: RunFinished) -> dict[str, Json]:
    """Give the last line of a run."""
    return {
        "type": "summary",
        "total": event.total,
        "verdicts": {str(verdict): count for verdict, count in event.verdicts.items()},
        "unexpected": event.unexpected,
        "elapsed_s": round(event.elapsed_s, 3),
        "interrupted": event.interrupted,
    }


def reference_document(reference: FixtureReference) -> dict[str, Json]:
    """Give the part of a line that names a fixture."""
    return {"fixture": reference.id, "function": reference.function, "name": reference.name}


def problem(error: ReplayError) -> dict[str, Json]:
    """Give an error of ours as a document."""
    parts: dict[str, Json] = {"what": error.what, "where": error.where, "expected": error.expected, "hint": error.hint}
    return {"problem": {name: value for name, value in parts.items() if value}}
