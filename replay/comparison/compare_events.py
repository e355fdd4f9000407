"""What a comparison tells, event by event: reports listen to nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass

from replay.comparison.differences import Compared, Kind
from replay.comparison.seen import Seen
from replay.fixtures.fixture import FixtureReference


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonStarted:
    """A comparison of so many fixtures begins: each goes through `baseline`, and then through `other`."""

    total: int
    baseline: str
    other: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FixtureLookedAt:
    """A fixture went through one of the two targets."""

    reference: FixtureReference
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FixtureCompared:
    """A fixture went through both."""

    reference: FixtureReference
    baseline: Seen
    other: Seen
    compared: Compared


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonFinished:
    """
    A comparison is over.

    `kinds` counts the fixtures; they are fewer than `total` where it was `interrupted` or `stopped`. `runs` name the
    ledgers; with any of them the comparison can be gone on with.
    """

    total: int
    kinds: Mapping[Kind, int]
    elapsed_s: float
    interrupted: bool = False
    stopped: str = ""
    runs: tuple[str, ...] = ()


CompareEvent = ComparisonStarted | FixtureLookedAt | FixtureCompared | ComparisonFinished
