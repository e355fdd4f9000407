"""The events of an observed run that its target answers at once: replayed as by any target that answers."""

from collections.abc import Callable
from dataclasses import replace
from types import TracebackType
from typing import Self

from replay.errors import ReplayError
from replay.fixtures.fixture import FixtureReference
from replay.ledger.ledger import Ledger
from replay.replayer.noted_invoker import CurrentKey, NotedInvoker
from replay.replayer.pace import RateLimit
from replay.replayer.replayer import Replayer
from replay.replayer.run_events import FixtureNotRun, FixtureReplayed
from replay.replayer.warm_functions import OpenInvoker
from replay.targets.carrier import Carrier

DOUBT = "a former invocation of this run was not acknowledged: it may have been invoked once more than told"


class AnsweredEvents:
    """
    Replays fixtures one after the other through *carrier*, which stays open as long as its owner wants.

    A context manager. What is sent and answered stands in the ledger.
    """

    def __init__(
        self, make_replayer: Callable[[OpenInvoker], Replayer], carrier: Carrier, ledger: Ledger, limit: RateLimit
    ) -> None:
        self._key, self._ledger = CurrentKey(), ledger
        self._doubled = set(ledger.progress.in_doubt)
        self._replayer = make_replayer(lambda _: _OpenAlready(carrier, ledger, limit, self._key))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._replayer.close()

    def told(self, reference: FixtureReference) -> FixtureReplayed | FixtureNotRun:
        """Replay and judge one; what was acknowledged before, and has no verdict, is not sent again."""
        if str(reference) in self._ledger.progress.acknowledged:
            return FixtureNotRun(reference=reference, error=under_way_before(reference))
        self._key.begin(str(reference))
        told = self._replayer.judge(reference)
        if isinstance(told, FixtureNotRun) or str(reference) not in self._doubled:
            return told
        return replace(told, notes=(*told.notes, DOUBT))


class _OpenAlready(NotedInvoker):
    """An invoker that others have entered, and leave."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave it open."""


def under_way_before(reference: FixtureReference) -> ReplayError:
    """Say why what was acknowledged by a run that was broken off is not sent again."""
    return ReplayError(
        "it was under way when the run was broken off, and an invocation of it was acknowledged: it is not sent twice",
        where=str(reference),
        hint=f"replay it by itself: replay run {reference.short} --target NAME",
    )
