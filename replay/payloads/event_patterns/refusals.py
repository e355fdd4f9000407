"""Why AWS refuses a pattern, before it is known who asks: EventBridge, SNS and Lambda word it differently."""

from typing import NoReturn


class PatternRefused(ValueError):
    """
    AWS would refuse this pattern.

    `reason` is the text that event-ruler gives; `where` is a JSON Pointer into the pattern, or a line and column.
    """

    def __init__(self, reason: str, where: str) -> None:
        self.reason = reason
        self.where = where
        super().__init__(reason)


class TooManyCombinations(PatternRefused):
    """`$or` multiplies to more rules than EventBridge takes; reading `$or` as a field name would not help."""


def refuse(reason: str, where: str) -> NoReturn:
    """Refuse the pattern for *reason* at *where*."""
    raise PatternRefused(reason, where or "/")


def inside(where: str, step: str | int) -> str:
    """Give the JSON Pointer of *step* below *where*."""
    return f"{where}/{str(step).replace('~', '~0').replace('/', '~1')}"
