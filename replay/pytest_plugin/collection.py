"""Fixtures as test items: one collector a function, one item a fixture."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

import pytest

from replay.errors import ReplayError, UnexpectedOutcome
from replay.fixtures.fixture import FixtureReference
from replay.pytest_plugin.session import ReplaySession
from replay.replayer import FixtureNotRun, FixtureReplayed
from replay.reports.explanation import explain, happened


def holds_fixtures(folder: Path) -> bool:
    """Say whether *folder* is the folder of a function: whether some `name--id` in it has a fixture.json."""
    try:
        with os.scandir(folder) as entries:
            return any("--" in entry.name and Path(entry.path, "fixture.json").is_file() for entry in entries)
    except OSError:
        return False


class FunctionFixtures(pytest.Directory):
    """The folder of one function's fixtures."""

    replay_session: ReplaySession

    @classmethod
    def from_parent(cls, parent: pytest.Collector, *, path: Path, replay_session: ReplaySession) -> Self:  # type: ignore[override]  # one keyword more
        node = super().from_parent(parent=parent, path=path)
        node.replay_session = replay_session
        return node

    def collect(self) -> Iterable[pytest.Item]:
        store = self.replay_session.project.store
        try:
            references = store.references([f"{self.path.name}/*"])
        except ReplayError as error:
            raise self.CollectError(str(error)) from None
        for reference in references:
            yield FixtureItem.from_parent(
                self, name=f"replay[{reference.name}]", reference=reference, replay_session=self.replay_session
            )


class FixtureItem(pytest.Item):
    """One fixture: passes as expected, xfails for a known bug that is still there, fails for anything else."""

    def __init__(self, *, reference: FixtureReference, replay_session: ReplaySession, **rest: Any) -> None:
        super().__init__(**rest)
        self.path = self.path / reference.name
        self._reference = reference
        self._session = replay_session
        self._told: FixtureReplayed | None = None

    def runtest(self) -> None:
        judged = self._session.judge(self._reference)
        if isinstance(judged, FixtureNotRun):
            raise judged.error
        self._told = judged
        judgement, outcome = judged.judgement, judged.outcomes[-1]
        if outcome.log:
            self.add_report_section("call", "log", outcome.log)
        if not judgement.as_expected:
            handler_raised = self._session.last_exception()
            if self.config.getoption("usepdb") and outcome.failure is not None and handler_raised is not None:
                raise handler_raised  # so that the debugger opens at the line of the handler that raised
            raise UnexpectedOutcome(judgement.reason)
        if judgement.known_bug:
            pytest.xfail(f"known bug: {happened(outcome)}")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, ReplayError):
            return str(excinfo.value)
        if self._told is not None:
            told = self._told
            return f"{explain(told.fixture, told.outcomes, told.judgement)}\n           pytest '{self.nodeid}'"
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, None, f"replay {self._reference}"
