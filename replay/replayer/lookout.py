"""All places where the end of what was sent can be seen, looked at together."""

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from replay.errors import ReplayError
from replay.targets.carrier import Sighting, Sought, Watch


class Lookout:
    """
    Looks at *watches*; one that may not be looked at is left out, and said.

    A context manager: entered before anything is sent; left, every watch has given back what it took.
    """

    def __init__(self, watches: Callable[[], Sequence[Watch]]) -> None:
        self._make = watches
        self._watches: list[Watch] = []
        self._blind: list[str] = []
        self.notes: list[str] = []
        """How places were left that could not be given back all that was taken."""

    def __enter__(self) -> Self:
        try:
            found = self._make()
        except ReplayError as error:
            self._blind.append(f"where its end can be seen is not known: {error.what}")
            return self
        for watch in found:
            try:
                watch.begin()
            except ReplayError as error:
                self._leave(watch, error)
            else:
                self._watches.append(watch)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for watch in self._watches:
            try:
                self.notes += watch.close()
            except ReplayError as problem:
                self.notes.append(f"{watch.place} was not left as it was: {problem.what}")

    @property
    def sees(self) -> bool:
        """Whether there is any place to look at."""
        return bool(self._watches)

    def look(self, sought: Sequence[Sought]) -> list[Sighting]:
        """Give what was seen since the last look, anywhere."""
        seen: list[Sighting] = []
        for watch in list(self._watches):
            try:
                seen += watch.look(sought)
            except ReplayError as error:
                self._watches.remove(watch)
                self._leave(watch, error)
        return seen

    def reasons(self) -> list[str]:
        """Say why the end of something may not be seen."""
        told = [reason for watch in self._watches if (reason := watch.reason())]
        return [*self._blind, *told] or ["there is nowhere to look: no log, no dead-letter queue, no destination"]

    def _leave(self, watch: Watch, error: ReplayError) -> None:
        self.notes += watch.close()
        self._blind.append(f"{watch.place} cannot be looked at: {error.what}")
