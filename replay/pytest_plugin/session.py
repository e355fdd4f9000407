"""What one pytest run shares: the project, and the functions that are warm."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from replay.errors import ConfigurationError, FixtureError
from replay.fixtures.fixture import Fixture, FixtureReference
from replay.payloads.aws_calls import Fault
from replay.project import Project, open_project
from replay.replayer import FixtureNotRun, FixtureReplayed, Observation, Replayer

if TYPE_CHECKING:  # most runs send nothing beyond this machine
    from replay.pytest_plugin.deployed_target import DeployedTarget


class ReplaySession:
    """
    Replays fixtures for test items; functions stay warm between items and step aside for other people's tests.

    Args:
        target: Where tests replay that do not name their own target.
        agreed: Whether the user has said that something may be sent beyond this machine.
    """

    def __init__(
        self,
        *,
        start: Path,
        fixtures: Path | None,
        red: bool,
        cold: bool,
        pin: bool,
        target: str = "local",
        agreed: bool = False,
    ) -> None:
        self._start, self._fixtures = start, fixtures
        self._red, self._cold, self._pin = red, cold, pin
        self.target = target
        self._agreed = agreed
        self._local: dict[str, Replayer] = {}
        self._deployed: dict[str, DeployedTarget] = {}
        self._present: Replayer | None = None

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
        deployed = self.deployed(self.target)
        return deployed.judge(reference) if deployed is not None else self._warm(self.target).judge(reference)

    def why_not(self, reference: FixtureReference) -> str:
        """Say why nothing can be asserted of a fixture where it would be replayed; empty where it can."""
        deployed = self.deployed(self.target)
        if deployed is None:
            return ""
        try:
            return deployed.why_not(self.project.store.load(reference))
        except FixtureError:
            return ""  # its replay tells

    def observe(
        self, fixture: Fixture, faults: Sequence[Fault] = (), *, twice: bool = False, target: str = ""
    ) -> Observation:
        """
        Replay one fixture for a test that judges by itself, its AWS calls meeting *faults*; the function steps aside.

        Args:
            target: Where, unless it is this run's own.

        Raises:
            ReplayError: It could not be replayed.
        """
        deployed = self.deployed(target or self.target)
        if deployed is not None:
            return deployed.observe(fixture)
        replayer = self._warm(target or self.target)
        try:
            return replayer.observe(fixture, faults=faults, twice=twice)
        finally:
            replayer.suspend()

    def deployed(self, target: str) -> "DeployedTarget | None":
        """
        Give the deployed target *target*; None for one in this process or beside it.

        Raises:
            ConfigurationError: There is no such target.
        """
        if target == "local":  # without a look at what deployed targets need
            return None
        found = self._deployed.get(target)
        if found is None and self.project.is_deployed(target):
            from replay.pytest_plugin.deployed_target import DeployedTarget

            if self._cold:
                raise ConfigurationError(
                    f"--replay-cold is for local targets, and {target} is none", where="--replay-cold"
                )
            found = DeployedTarget(self.project, target, red=self._red, agreed=self._agreed)
            self._deployed[target] = found
        return found

    def last_exception(self) -> BaseException | None:
        """Give the exception that the handler raised last, with its traceback, where the target keeps it."""
        return self._present.last_exception() if self._present else None

    def suspend(self) -> None:
        """Take our mocks, modules and environment out of the process until the next replay."""
        if self._present is not None:
            self._present.suspend()

    def close(self) -> None:
        """Leave nothing in the process."""
        replayers, self._local, self._present = list(self._local.values()), {}, None
        for replayer in replayers:
            replayer.close()
        self.close_deployed()

    def close_deployed(self) -> list[str]:
        """Remove what was made for deployed targets, and say what of it is left."""
        deployed, self._deployed = list(self._deployed.values()), {}
        return [note for each in deployed for note in each.close()]

    def _warm(self, target: str) -> Replayer:
        replayer = self._local.get(target)
        if replayer is None:
            self.suspend()
            replayer = self.project.replayer(target=target, red=self._red, cold=self._cold, pin=self._pin)
            self._local[target] = replayer
        if self._present is not replayer:
            self.suspend()
            self._present = replayer
        return replayer
