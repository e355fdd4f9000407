"""The verdict on one fixture, and whether it is as expected."""

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["reproduced", "fixed", "changed", "flaky", "unobserved", "error", "succeeded", "failed"]
"""`succeeded` and `failed` are of captured events, of which nobody has said what should happen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """
    A verdict, whether it is `as_expected` (exit code 0), and in one sentence why.

    `known_bug` marks the green reproduction: the bug is known and still there (pytest: xfail). `red` marks a
    reproduction that is unexpected only because red was asked for. `was` and `seen` are the two lines of code where the
    known failure and this one part, where that is all that differs. `ways` are the commands that accept what has
    happened, with what each says of it. `note` is what a person should know of it anyway.
    """

    verdict: Verdict
    as_expected: bool
    known_bug: bool = False
    reason: str = ""
    red: bool = False
    was: str = ""
    seen: str = ""
    ways: tuple[tuple[str, str], ...] = ()
    note: str = ""
