"""Where the services that speak this language differ."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """
    The limits and the operators of one service.

    `number_limit` bounds what `numeric` and `anything-but` may be given, and the numbers that they compare; `negatable`
    are the operators that may stand inside `anything-but`; `affix_lists` says whether they take lists there.
    `wildcard_complexity` is the largest number of wildcard positions that one value may keep open at once.
    """

    number_limit: float
    negatable: frozenset[str]
    affix_lists: bool
    wildcard_complexity: int | None


EVENTBRIDGE = Dialect(
    number_limit=5e9,
    negatable=frozenset({"prefix", "suffix", "equals-ignore-case", "wildcard"}),
    affix_lists=True,
    wildcard_complexity=10,
)
"""
Source: EventBridge user guide, "Comparison operators": numbers between -5.0e9 and +5.0e9. AWS publishes no number for
the complexity; 10 is inferred from rules reported as refused (four of `*:stack/NAME/*` on one field make 12) and as
accepted (three make 9), and agrees with the recordings content_wildcard_*.
"""

SNS = Dialect(
    number_limit=1e9,
    negatable=frozenset({"prefix", "wildcard"}),
    affix_lists=False,
    wildcard_complexity=None,
)
"""
Source: SNS developer guide, "Filter policy constraints": numbers between -10^9 and 10^9; recording
test_validate_policy_nested_anything_but_operator: `anything-but` takes no `suffix`, and one `prefix` only.
"""
