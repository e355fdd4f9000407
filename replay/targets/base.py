"""The seam of every target that answers."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, ClassVar, Self

from replay.delivery.attempt import Attempt, Reply
from replay.fixtures.fixture import StoredObject
from replay.payloads.aws_calls import Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetOptions:
    """
    What every target on this machine takes.

    Attributes:
        cold: Start the function afresh for each invocation, as a cold start does.
    """

    cold: bool = False


class Invoker(ABC):
    """
    A target that answers: delivery drives it, one `invoke` an attempt.

    It is made with a function and, as keywords, the fields of its `options`, a frozen dataclass from which the keys of
    `[tool.replay.targets.X]` come, and `project`, the folder of the project.

    It is a context manager: inside, the function can be invoked; outside, nothing of it is left in the process.
    `suspend` and `resume` step out and in again without losing a warm function, so that other code may run between.
    """

    name: ClassVar[str]
    options: ClassVar[type[Any]] = TargetOptions
    tells_effects: ClassVar[bool] = False
    """Whether its replies hold the calls that the function made of AWS."""
    cold: bool = False
    """Whether each invocation starts the function afresh; may be changed between invocations."""

    def __enter__(self) -> Self:
        return self

    @abstractmethod
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    @abstractmethod
    def begin(self, *, at: datetime | None = None, faults: Sequence[Fault] = ()) -> None:
        """
        Start a fixture: bring the state back to what it was after `setup`.

        Args:
            at: The time to set where the function's clock is `captured`.
            faults: What the AWS calls of the function shall meet until the next fixture begins.
        """

    def place_objects(self, objects: Sequence[StoredObject]) -> None:  # noqa: B027 - who runs on AWS has its own S3
        """
        Put what the event points to where the function finds it; called after `begin` where there is anything.

        Raises:
            TargetError: They cannot be put there.
        """

    @abstractmethod
    def invoke(self, attempt: Attempt) -> Reply:
        """
        Invoke the function once. What the function does wrong is a reply; only what we cannot do raises.

        Raises:
            TargetError: The target cannot be reached or prepared.
            FunctionError: The handler cannot be found or imported for a reason outside the function's own code.
        """

    @property
    def notes(self) -> Sequence[str]:
        """Give sentences for the user about what is different from Lambda here; complete after the last `invoke`."""
        return ()

    def suspend(self) -> None:  # noqa: B027 - a target beyond this process has nothing to take out
        """Take the function's mocks, modules and environment out of the process for now."""

    def resume(self) -> None:  # noqa: B027 - the same
        """Put them back."""
