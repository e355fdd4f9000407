"""The verdict on one fixture, and whether it is as expected."""

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["reproduced", "fixed", "changed", "flaky", "unobserved", "error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """
    A verdict, whether it is `as_expected` (exit code 0), and in one sentence why.

    `known_bug` marks the green reproduction: the bug is known and still there (pytest: xfail).
    """

    verdict: Verdict
    as_expected: bool
    known_bug: bool = False
    reason: str = ""
