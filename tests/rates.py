"""Stands for the limit of a rate, so that a test sees who waits for it, and for how many, without waiting."""

from collections.abc import Callable
from types import ModuleType
from typing import Any, Self

import pytest


class CountedLimit:
    """Lets everything through at once; notes its rate, and what had happened each time that somebody waited."""

    def __init__(self, happened: Callable[[], int]) -> None:
        self._happened = happened
        self.rates: list[tuple[float | None, float]] = []
        self.waited: list[tuple[int, int]] = []

    def __call__(self, rate_per_s: float | None, *, ramp_up_s: float = 0.0) -> Self:
        """Be made like a `RateLimit`."""
        self.rates.append((rate_per_s, ramp_up_s))
        return self

    def wait(self, count: int = 1, **_: Any) -> None:
        """Note that *count* are about to be sent, and how many were sent before."""
        self.waited.append((count, self._happened()))


def count_limit(monkeypatch: pytest.MonkeyPatch, module: ModuleType, happened: Callable[[], int]) -> CountedLimit:
    """Put a counted limit in the place of that which *module* makes."""
    limit = CountedLimit(happened)
    monkeypatch.setattr(module, "RateLimit", limit)
    return limit
