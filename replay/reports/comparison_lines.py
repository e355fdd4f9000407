"""A comparison as JSON Lines: one document per fixture, and a last summary."""

from replay.comparison.compare_events import ComparisonFinished, FixtureCompared
from replay.comparison.seen import Seen
from replay.payloads.exact_json import Json
from replay.reports.line_parts import reference_document


def comparison_document(event: FixtureCompared) -> dict[str, Json]:
    """
    Give the `comparison` line of one fixture.

    `result` is `same`, `differs` or `not_compared`; `not_compared` says by aspect (`response`, `effects`, or `all`) why
    it was not. Values of answers are redacted.
    """
    return {
        "type": "comparison",
        **reference_document(event.reference),
        "result": event.compared.kind,
        "differences": [
            {"aspect": each.aspect, "where": each.where, "baseline": each.baseline, "other": each.other}
            for each in event.compared.differences
        ],
        "not_compared": dict(event.compared.left_out),
        "baseline": _seen(event.baseline),
        "other": _seen(event.other),
    }


def comparison_summary(event: ComparisonFinished, *, baseline: str, other: str) -> dict[str, Json]:
    """Give the last line of a comparison."""
    return {
        "type": "summary",
        "total": event.total,
        "baseline": baseline,
        "other": other,
        **{kind: event.kinds.get(kind, 0) for kind in ("same", "differs", "not_compared")},
        "elapsed_s": round(event.elapsed_s, 3),
        "interrupted": event.interrupted,
        **({"stopped": event.stopped} if event.stopped else {}),
        **({"runs": list(event.runs)} if event.runs else {}),
    }


def _seen(seen: Seen) -> dict[str, Json]:
    return {
        "verdict": seen.verdict,
        "status": seen.status or None,
        "dispositions": list(seen.dispositions),
        "error": seen.error.words if seen.error else None,
        "duration_s": round(seen.duration_s, 6),
        **({"problem": seen.problem} if seen.problem else {}),
    }
