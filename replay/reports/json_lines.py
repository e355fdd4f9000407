"""A run as JSON Lines: one document per fixture, and a last summary."""

from replay.outcomes.failure_classes import failure_class
from replay.payloads.aws_calls import Fault
from replay.payloads.exact_json import Json
from replay.replayer import FixtureNotRun, FixtureReplayed, RunFinished
from replay.replayer.further_deliveries import SecondDelivery
from replay.reports.effect_lines import effect_document
from replay.reports.line_parts import problem


def outcome_document(event: FixtureReplayed) -> dict[str, Json]:
    """
    Give the `outcome` line of one fixture.

    `dispositions` go in record order; `signature` is the digest of the failure here, or null. `accept` are the commands
    that accept what has happened, where it is not as expected. `class` is what kind of trouble the failure is;
    `proposed_fault` is what would bring back a failure that AWS had made, where it did not come back; `second_delivery`
    is there with `--twice`.
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
        "accept": [command for command, _ in event.judgement.ways],
        "status": outcome.status,
        "error": {"type": failure.error_type, "message": failure.message} if failure else None,
        "class": failure_class(failure) if failure else None,
        "signature": outcome.signature.digest if outcome.signature else None,
        "dispositions": list(outcome.dispositions),
        "invocations": len(outcome.report.invocations),
        "duration_s": round(outcome.duration_s, 6),
        "effects": [effect_document(call) for call in outcome.effects],
        "notes": list(event.notes),
        **({"proposed_fault": _fault(event.proposed_fault)} if event.proposed_fault else {}),
        **({"second_delivery": _second_delivery(event.second)} if event.second else {}),
    }


def _fault(fault: Fault) -> dict[str, Json]:
    return {"call": fault.call, "error": fault.error, "message": fault.message}


def _second_delivery(second: SecondDelivery) -> dict[str, Json]:
    return {
        "status": second.outcome.status,
        "dispositions": list(second.outcome.dispositions),
        "new_writes": [call.name for call in second.new_writes],
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
        **({"stopped": event.stopped} if event.stopped else {}),
        **({"run": event.run} if event.run else {}),
    }
