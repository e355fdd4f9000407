"""How far a recording has come."""

from dataclasses import dataclass

from replay.sources.advance import Advance


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """
    How many captures were `seen`, of about how many (`total`), where that is known.

    `advance` is what the source says of what it goes through to find them.
    """

    seen: int
    total: int | None
    advance: Advance | None = None
