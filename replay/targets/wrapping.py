"""An invoker around another one: what it does not change is passed on."""

from collections.abc import Sequence
from datetime import datetime
from types import TracebackType
from typing import Self

from replay.fixtures.fixture import StoredObject
from replay.payloads.aws_calls import Fault
from replay.targets.base import Invoker


class WrappingInvoker(Invoker):
    """Does all that *invoker* does; a subclass says what is different about `invoke`."""

    def __init__(self, invoker: Invoker) -> None:
        self._invoker = invoker

    def __enter__(self) -> Self:
        self._invoker.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._invoker.__exit__(kind, error, trace)

    def begin(self, *, at: datetime | None = None, faults: Sequence[Fault] = ()) -> None:
        """Start a fixture."""
        self._invoker.begin(at=at, faults=faults)

    def place_objects(self, objects: Sequence[StoredObject]) -> None:
        """Put what the event points to where the function finds it: redacted, as it is kept."""
        self._invoker.place_objects(objects)

    @property
    def notes(self) -> Sequence[str]:
        """Sentences for the user about what is different from Lambda here."""
        return self._invoker.notes

    def suspend(self) -> None:
        """Step out of the process for now."""
        self._invoker.suspend()

    def resume(self) -> None:
        """Step in again."""
        self._invoker.resume()
