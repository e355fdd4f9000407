"""How far a source has come with what it goes through."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Advance:
    """
    How far a source has come: `done` of `total`, which is None where nobody knows how much there is.

    `doing` says what it does, for eyes; `seconds` are of the time that was asked for, such as that of a log.
    """

    doing: str
    done: float = 0
    total: float | None = None
    unit: Literal["bytes", "seconds", "nothing"] = "nothing"
