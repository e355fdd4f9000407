"""What a check has to say."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from replay.errors import ReplayError

Level = Literal["ok", "note", "problem"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at: `what` is true, and `hint` says what to do about it."""

    check: str
    level: Level
    what: str
    hint: str = ""


def problem(check: str, error: ReplayError, *, about: str = "") -> Finding:
    """Make a finding of what a check could not do; *about* names what it is about."""
    what = f"{about}: {error.what}" if about else error.what
    return Finding(
        check=check,
        level="problem",
        what=f"{what} ({error.where})" if error.where else what,
        hint=error.hint or error.expected,
    )


def guarded(check: str, look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """Run a check; where it cannot go on, that is a finding, and the next check follows."""
    try:
        yield from look()
    except ReplayError as error:
        yield problem(check, error)
