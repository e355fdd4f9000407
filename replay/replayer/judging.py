"""What every run needs of a replayer."""

from types import TracebackType
from typing import Protocol, Self

from replay.fixtures.fixture import FixtureReference
from replay.replayer.run_events import FixtureNotRun, FixtureReplayed

Told = FixtureReplayed | FixtureNotRun


class Judging(Protocol):
    """Replays and judges one after the other; a context manager that closes every target."""

    def __enter__(self) -> Self:
        """Begin."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every target."""

    def judge(self, reference: FixtureReference) -> Told:
        """Replay one, and judge it."""

    def forget(self, function: str) -> None:
        """Close the target of *function*; the next replay opens it afresh."""
