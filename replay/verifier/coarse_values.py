"""Values coarse enough to be nobody's, with more of the true shape than a stand-in has: a month, a mask."""

from collections.abc import Iterator

from replay.redaction.generalised import generalised
from replay.redaction.masks import masked

_NEVER_MASKED = ("phone", "card-number", "ip-address", "iban", "national-id")
"""Of these a mask could be somebody's: only their stand-ins are known to be nobody's."""
_EMAIL_END = ".invalid"


def coarse_values(value: str, detectors: frozenset[str]) -> Iterator[str]:
    """Give what may stand in for a private *value* that *detectors* have found, what tells the least first."""
    if any(detector.startswith(_NEVER_MASKED) for detector in detectors):
        return
    if "email" in detectors:
        local, at, domain = value.rpartition("@")
        if at:
            yield f"{masked(local)}{at}{masked(domain.rpartition('.')[0] or domain)}{_EMAIL_END}"
        return
    yield masked(value)
    month = generalised(value)
    if month is not None and month != value:
        yield month
    yield from _with_a_few_true(value)


def _with_a_few_true(value: str) -> Iterator[str]:
    """Give masks through which the letters show that are not plain ASCII: they make more trouble than all others."""
    strange = masked(value, kept=lambda char: not char.isascii())
    if strange != masked(value):
        yield strange
