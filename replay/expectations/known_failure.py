"""Whether a failure is the known one; and where the two part, if not."""

from dataclasses import replace
from itertools import zip_longest

from replay.outcomes.fingerprint import signature
from replay.outcomes.outcome import Outcome
from replay.payloads.failures import Signature


def is_known(known: Signature | None, outcome: Outcome) -> bool:
    """
    Say whether *outcome* fails with the signature *known*; any failure is the one where none is known.

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


def parting_lines(known: Signature, seen: Signature) -> tuple[str, str] | None:
    """
    Give the lines of code where two failures with the same words part: what was known, and what is seen.

    Frames are compared from the innermost outwards, since that is where an error comes from; one that is not there is
    an empty text.

    Returns:
        None when the words differ too, or nothing does.
    """
    if replace(known, frames=()) != replace(seen, frames=()):
        return None
    pairs = zip_longest(reversed(known.frames), reversed(seen.frames), fillvalue="")
    return next(((_line(was), _line(now)) for was, now in pairs if was != now), None)


def _line(frame: str) -> str:
    """Write `module:function:code` for eyes; a module may have a colon, on Windows, and a function none."""
    module, _, rest = frame.partition(":")
    function, _, code = rest.partition(":")
    return f"{module} {function}  {code}".strip()
