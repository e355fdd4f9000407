"""The process in which fixtures are verified: the user's handler must not touch who records, nor be heard."""

import multiprocessing
import os
import signal
from collections.abc import Collection
from dataclasses import replace
from fnmatch import fnmatchcase
from multiprocessing.connection import Connection
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Self

from replay.errors import ReplayError
from replay.fixtures.fixture import Fixture, Verification
from replay.functions.function import Function
from replay.outcomes.outcome import Outcome
from replay.project import Project, open_project
from replay.replayer import Replayer
from replay.verifier.verifying import BUDGET_SPENT, Budget, verify

_MOST_TIME_S = 5
_GRACE_S = 30.0
"""To start, and to import a handler."""
_ENDED = "its handler ended the process, or did not return"


class HandlerProcess:
    """
    Verifies fixtures one by one in a process of its own, on a mocked AWS and without a network.

    Use it as a context manager. What goes there and back goes through a pipe, never through a file.
    """

    def __init__(self, project: Project, *, within_s: float, keep_raw: Collection[str]) -> None:
        self._project, self._within_s, self._keep_raw = project, within_s, tuple(keep_raw)
        self._until: float | None = None
        self._pipe: Connection | None = None
        self._process: multiprocessing.process.BaseProcess | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def verified(self, fixture: Fixture, before: str) -> Fixture:
        """Give *fixture*, whose event was *before* redaction as said, with what was found: see `verify`."""
        now = monotonic()
        self._until = self._until or now + self._within_s + _GRACE_S
        if now > self._until:
            return replace(fixture, verification=Verification(result="not_possible", why=BUDGET_SPENT))
        pipe = self._started()
        try:
            pipe.send((fixture, before))
            if pipe.poll(self._until - now):
                made: Fixture = pipe.recv()
                return made
        except (EOFError, OSError):
            pass  # the process has ended: that is said below, and the next fixture gets another one
        self._end()
        return replace(fixture, verification=Verification(result="not_possible", why=_ENDED))

    def _started(self) -> Connection:
        if self._pipe is None:
            context = multiprocessing.get_context("spawn")
            self._pipe, other = context.Pipe()
            folders = (self._project.config.root, self._project.config.fixtures)
            self._process = context.Process(
                target=_serve, args=(other, *folders, self._within_s, self._keep_raw), daemon=True
            )
            self._process.start()
            other.close()
        return self._pipe

    def _end(self) -> None:
        if self._pipe is not None and self._process is not None:
            self._pipe.close()
            self._process.kill()
            self._process.join()
            self._process.close()
        self._pipe = self._process = None


def _serve(pipe: Connection, root: Path, fixtures: Path, within_s: float, keep_raw: tuple[str, ...]) -> None:
    """Verify what comes through *pipe*, until it is closed; nothing that a handler prints is seen."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started us ends us
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    project = open_project(root, fixtures=fixtures)
    budget = Budget(within_s=within_s)
    with _replayer(project) as replayer:

        def observe(fixture: Fixture) -> Outcome:
            return replayer.observe(fixture).outcome

        def may_stay(at: str) -> bool:
            return any(fnmatchcase(at, pattern) for pattern in keep_raw)

        while True:
            try:
                fixture, before = pipe.recv()
            except EOFError:
                return
            try:
                made = verify(fixture, before, observe, project.redactor, budget, may_stay=may_stay)
            except ReplayError as error:
                why = project.redactor.plain(error.what)
                made = replace(fixture, verification=Verification(result="not_possible", why=why))
            replayer.suspend()  # the function's clock and environment must not be those that we answer with
            pipe.send(made)


def _replayer(project: Project) -> Replayer:
    """Make a replayer whose functions have little time: one that hangs must not hold up who records."""

    def function_of(name: str) -> Function:
        function = project.catalog.get(name)
        return replace(function, timeout_s=min(function.timeout_s, _MOST_TIME_S))

    return Replayer(
        project.store,
        functions=function_of,
        open_invoker=project.open_invoker,
        pin=False,
        redactor=lambda: project.redactor,
        expect_options=project.fixtures_option,
        isolates=True,
    )
