"""What came of judging one case."""

from dataclasses import dataclass, field
from typing import Any, Literal

Status = Literal["passed", "failed", "left out"]


class Unreadable(Exception):
    """A stimulus, an expectation or a file that the runner has no words for: the case fails."""


class NotImitated(Exception):
    """The case is about something that this project does not do, and is left out; the text is the reason."""


@dataclass(slots=True)
class Findings:
    """What has been compared so far: facts that agree, differences, and parts that nobody here can judge."""

    facts: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    unjudged: list[str] = field(default_factory=list)

    def same(self, what: str, ours: Any, theirs: Any) -> None:
        """Note whether *ours* is what AWS had; `1` and `True` are not the same."""
        agrees = ours == theirs and isinstance(ours, bool) == isinstance(theirs, bool)
        self.holds(what, agrees, f"ours is {shown(ours)}, AWS has {shown(theirs)}")

    def holds(self, what: str, truth: bool, otherwise: str = "does not hold") -> None:
        """Note a fact, or the difference *otherwise*."""
        if truth:
            self.facts.append(what)
        else:
            self.differences.append(f"{what}: {otherwise}")

    def alike(self, what: str, differences: list[str]) -> None:
        """Note the outcome of a comparison of shapes."""
        self.holds(what, not differences, "; ".join(differences[:5]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The end of one case; `lines` are what a reader must know of it: differences, or why it was left out."""

    case_id: str
    category: str
    status: Status
    has_stimulus: bool
    facts: int = 0
    lines: tuple[str, ...] = ()
    unjudged: tuple[str, ...] = ()


def shown(value: Any, length: int = 200) -> str:
    """Write a value for a message, cut where it is long."""
    text = repr(value)
    return text if len(text) <= length else f"{text[:length]}…"
