"""What one pytest run shares: the project, and the functions that are warm."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from replay.fixtures.fixture import Fixture, FixtureReference
from replay.payloads.aws_calls import Fault
from replay.project import Project, open_project
from replay.replayer import FixtureNotRun, FixtureReplayed, Observation, Replayer


class ReplaySession:
    """Replays fixtures for test items; functions stay warm between items and step aside for other people's tests."""

    def __init__(self, *, start: Path, fixtures: Path | None, red: bool, cold: bool, pin: bool) -> None:
        self._start, self._fixtures = start, fixtures
        self._red, self._cold, self._pin = red, cold, pin
        self._replayer: Replayer | None = None

    @cached_property
    def project(self) -> Project:
        """
        The project of this run.

        Raises:
            ConfigurationError: `[tool.replay]` cannot be used.
        """
        return open_project(self._start, fixtures=self._fixtures)

    def judge(self, reference: FixtureReference) -> FixtureReplayed | FixtureNotRun:
        """Replay one fixture and judge it; its function stays in place for the next."""
        return self._warm().judge(reference)

    def observe(self, fixture: Fixture, faults: Sequence[Fault] = (), *, twice: bool = False) -> Observation:
        """
        Replay one fixture for a test that judges by itself, its AWS calls meeting *faults*; the function steps aside.

        Raises:
            ReplayError: It could not be replayed.
        """
        replayer = self._warm()
        try:
            return replayer.observe(fixture, faults=faults, twice=twice)
        finally:
            replayer.suspend()

    def last_exception(self) -> BaseException | None:
        """Give the exception that the handler raised last, with its traceback, where the target keeps it."""
        return self._replayer.last_exception() if self._replayer else None

    def suspend(self) -> None:
        """Take our mocks, modules and environment out of the process until the next replay."""
        if self._replayer is not None:
            self._replayer.suspend()

    def close(self) -> None:
        """Leave nothing in the process."""
        if self._replayer is not None:
            replayer, self._replayer = self._replayer, None
            replayer.close()

    def _warm(self) -> Replayer:
        if self._replayer is None:
            self._replayer = self.project.replayer(red=self._red, cold=self._cold, pin=self._pin)
        return self._replayer
