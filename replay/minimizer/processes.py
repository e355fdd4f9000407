"""Processes that replay events before they are asked for, each with the user's functions warm."""

import multiprocessing
import signal
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from replay.errors import ReplayError
from replay.fixtures.fixture import Fixture
from replay.minimizer.minimizing import fails
from replay.outcomes.outcome import Outcome
from replay.payloads.failures import Signature
from replay.project import Project, open_project
from replay.replayer import Replayer

_replayers: list[Replayer] = []
"""Of this process, where it is one of those."""


class Processes:
    """
    Replays in so many processes, each on a mocked AWS of its own. Use it as a context manager.

    Each process begins when there is work for it, and takes a second or two to import what a replay needs.
    """

    def __init__(self, project: Project, count: int) -> None:
        folders = (project.config.root, project.config.fixtures)
        self._pool = ProcessPoolExecutor(
            count, mp_context=multiprocessing.get_context("spawn"), initializer=_open, initargs=folders
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def ahead(self, fixture: Fixture, known: Signature, event_text: str) -> Future[bool | None]:
        """Begin to say whether *fixture* fails as *known* with another event; None where that could not be said."""
        return self._pool.submit(_fails, fixture, known, event_text)


def _open(root: Path, fixtures: Path) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started us ends us
    _replayers.append(open_project(root, fixtures=fixtures).replayer(pin=False))


def _fails(fixture: Fixture, known: Signature, event_text: str) -> bool | None:
    (replayer,) = _replayers

    def observe(probe: Fixture) -> Outcome:
        return replayer.observe(probe).outcome

    try:
        return fails(fixture, observe, known, event_text)
    except ReplayError:
        return None  # who asks finds out by itself, and tells
