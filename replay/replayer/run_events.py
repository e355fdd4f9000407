"""What a run tells, event by event: reports listen to nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from replay.errors import ReplayError
from replay.expectations.judgement import Judgement, Verdict
from replay.fixtures.fixture import Fixture, FixtureReference
from replay.outcomes.outcome import Outcome
from replay.payloads.aws_calls import Fault
from replay.replayer.further_deliveries import SecondDelivery


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """A run of `total` fixtures begins."""

    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FixtureReplayed:
    """
    A fixture was replayed (once, or `repeat` times) and judged; `fixture` has the failure pinned, where one was.

    `notes` say what delivery and target did not do as AWS does, and what the field warns of. `proposed_fault` is what
    would bring a failure back that AWS has made, where it did not come back. `second` is there where the event was
    delivered a second time.
    """

    fixture: Fixture
    outcomes: Sequence[Outcome]
    judgement: Judgement
    notes: tuple[str, ...] = ()
    pinned: bool = False
    proposed_fault: Fault | None = None
    second: SecondDelivery | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FixtureNotRun:
    """A fixture could not be replayed: verdict `error`."""

    reference: FixtureReference
    error: ReplayError


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished:
    """
    A run is over.

    `verdicts` counts every fixture by its verdict, most frequent first; `unexpected` counts those that are not as
    expected and those that could not run. `interrupted`: it was ended early, by Ctrl-C, and the verdicts count fewer
    than `total`; so they do where `stopped` says why it stopped by itself. `run` names its ledger, where it has one.
    """

    total: int
    verdicts: Mapping[Verdict, int]
    unexpected: int
    elapsed_s: float
    interrupted: bool = False
    stopped: str = ""
    run: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunAdvanced:
    """Of the events that were handed over all at once, so many are done; none of them is judged yet."""

    done: int
    failed: int
    total: int


RunEvent = RunStarted | RunAdvanced | FixtureReplayed | FixtureNotRun | RunFinished
