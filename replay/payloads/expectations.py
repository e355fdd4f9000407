"""What a fixture says should happen."""

from dataclasses import dataclass
from typing import Literal

from replay.payloads.failures import Signature

Wanted = Literal["fails", "reproduces", "succeeds", "now"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """
    What should happen when a fixture is replayed.

    - `fails`: the source knew no error; the first local failure is pinned and the expectation becomes `reproduces`.
    - `reproduces`: it fails with `signature`.
    - `succeeds`: status `succeeded`.
    - `now`: `status` and `dispositions` (in record order) are exactly these. `accepted_failure` is what it failed with
      when that was accepted: another failure is noted, not judged.
    """

    wants: Wanted = "fails"
    signature: Signature | None = None
    status: str | None = None
    dispositions: tuple[str, ...] | None = None
    accepted_failure: Signature | None = None
