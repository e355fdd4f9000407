"""The functions that are warm during a run, and which of them is in the process."""

from collections.abc import Callable
from types import TracebackType
from typing import Self

from replay.errors import ReplayError
from replay.fixtures.fixture import Fixture
from replay.functions.function import Function
from replay.outcomes.failure_classes import ends_process, failure_class
from replay.targets.base import Invoker
from replay.targets.isolation import isolated

OpenInvoker = Callable[[Function], Invoker]
FunctionOf = Callable[[str], Function]


class WarmFunctions:
    """
    Keeps the target of every function open, once in this process and once in one of its own where its fixtures need it.

    At most one function is in the process at a time; the others have stepped aside.

    Args:
        functions: Gives the function of a name; raises FunctionError for one that is not known.
        open_invoker: Gives the target of a function, not yet entered.
        isolates: Whether fixtures whose failure ends the process get a process of their own.
    """

    def __init__(self, functions: FunctionOf, open_invoker: OpenInvoker, *, isolates: bool) -> None:
        self._function_of, self._open_invoker, self._isolates = functions, open_invoker, isolates
        self._functions: dict[str, Function] = {}
        self._warm: dict[tuple[str, str | None], tuple[Function, Invoker]] = {}
        self._present: Invoker | None = None
        self.last: Invoker | None = None
        """The target that was used last."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def step_in(self, fixture: Fixture) -> tuple[Function, Invoker, str]:
        """
        Bring the function of *fixture* into the process, warm if it has been here before; and a note for the user.

        Raises:
            FunctionError: The function is not known.
            TargetError: Its target cannot be opened, or it would end this process.
        """
        name = fixture.reference.function
        if name not in self._functions:
            self.suspend()
            self._functions[name] = self._function_of(name)
        function, note = self._isolated(self._functions[name], fixture)
        warm = self._warm.get((name, function.isolation))
        if warm is None:
            self.suspend()
            invoker = self._open_invoker(function)
            invoker.__enter__()
            warm = self._warm[name, function.isolation] = (function, invoker)
            self._present = invoker
        elif self._present is not warm[1]:
            self._make_present(warm[1])
        self.last = warm[1]
        return *warm, note

    def suspend(self) -> None:
        """Take the present function's mocks, modules and environment out of the process until it is used again."""
        if self._present is not None:
            self._present.suspend()
            self._present = None

    def forget(self, name: str) -> None:
        """Close the targets of the function *name*, also when one cannot be closed; it is opened afresh when used."""
        self._functions.pop(name, None)
        problems = []
        for key in [key for key in self._warm if key[0] == name]:
            _, invoker = self._warm.pop(key)
            try:
                self._close(invoker)
            except ReplayError as problem:
                problems.append(problem)
        if problems:
            raise problems[0]

    def close(self) -> None:
        """Close every target, also when one of them cannot be closed."""
        problems = []
        for name in dict.fromkeys(name for name, _ in self._warm):
            try:
                self.forget(name)
            except ReplayError as problem:
                problems.append(problem)
        if problems:
            raise problems[0]

    def _close(self, invoker: Invoker) -> None:
        if self._present is not invoker:
            self._make_present(invoker)
        self._present = None
        invoker.__exit__(None, None, None)

    def _make_present(self, invoker: Invoker) -> None:
        self.suspend()
        invoker.resume()
        self._present = invoker

    def _isolated(self, function: Function, fixture: Fixture) -> tuple[Function, str]:
        failure = fixture.failure
        if not self._isolates or failure is None or not ends_process(failure):
            return function, ""
        return isolated(function, can_be_interrupted=failure_class(failure) == "timeout")
