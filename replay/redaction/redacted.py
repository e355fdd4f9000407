"""What redaction gives: a text that is safe, and where something was replaced in it."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """What was replaced at one place; `at` is a JSON Pointer into the event, and `#` steps into an encoded string."""

    at: str
    detector: str
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Redacted:
    """An event's text without what is private, equal to the original in every other character."""

    text: str
    redactions: tuple[Replacement, ...] = ()
    replaced: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    """Private values and what stands in for them, for texts that tell of the event; never to be written anywhere."""
