"""What replays have shown of redaction, for human eyes and for programs."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence

from replay.counted_nouns import counted
from replay.fixtures.fixture import VerificationResult
from replay.payloads.exact_json import Json
from replay.reports.line_parts import reference_document
from replay.reports.visible_text import one_line
from replay.verifier import Verified

_WORDS: Mapping[VerificationResult, tuple[str, str]] = {
    "same": ("fails as before redaction", "fail as before redaction"),
    "generalised": ("does so with a value coarser than it was", "do so with values coarser than they were"),
    "kept": ("does so with a value that stayed", "do so with values that stayed"),
    "differs": ("no longer fails as before redaction", "no longer fail as before redaction"),
}
_MOST_SHOWN = 5


def verification_lines(found: Sequence[Verified], left_out: int = 0) -> list[str]:
    """Write how many fixtures fail as before redaction, and of each other one what its failure depends on."""
    if not found:
        return []
    counts = Counter(each.verification.result for each in found)
    told = [counted(counts[result], *words) for result, words in _WORDS.items() if counts[result]]
    unknown = counts["not_possible"]
    if unknown:
        reasons = {each.verification.why for each in found if each.verification.result == "not_possible"}
        why = f": {one_line(next(iter(reasons)))}" if len(reasons) == 1 else ""
        told.append(f"{unknown:,} not verified{why}")
    if left_out:
        told.append(f"{left_out:,} not looked at")
    lines = [f"replayed here: {', '.join(told)}"]
    special = [each for each in found if each.verification.result in {"generalised", "kept", "differs"}]
    for each in special[:_MOST_SHOWN]:
        lines += _lines_of(each)
    if len(special) > _MOST_SHOWN:
        lines.append(f"  … and {len(special) - _MOST_SHOWN:,} more: replay list")
    return lines


def _lines_of(each: Verified) -> list[str]:
    verification = each.verification
    lines = [f"  {each.reference}"]
    for at in verification.matters:
        what = {"generalised": "made coarse", "kept": "generalised or kept"}.get(verification.result, "replaced")
        lines.append(f"    {what}, and the failure depends on it: {one_line(at)}")
    if verification.result == "differs":
        if verification.matters:
            keep = json.dumps(list(verification.matters), ensure_ascii=False)
            lines.append(
                f"    It is yours to decide: [tool.replay.redaction] keep = {one_line(keep)} keeps it, or --keep-raw;"
            )
            lines.append("    remove the fixture and record it again.")
        else:
            lines.append(f"    {one_line(verification.why)}")
    return lines


def verification_document(each: Verified) -> dict[str, Json]:
    """Give what was found of one fixture as a line of JSON."""
    found = each.verification
    return {
        "type": "verified",
        **reference_document(each.reference),
        "result": found.result,
        "matters": list(found.matters),
        "why": found.why,
        "changed": each.changed,
    }
