"""The user's own preparation of a function: `setup = "module:function"`."""

import contextlib
import importlib
import inspect
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

from replay.errors import TargetError
from replay.functions.function import Function


class SetupFunction:
    """
    Runs `setup` before a fixture and, where it is a generator or a context manager, ends it afterwards.

    It is called with the function's name where it takes an argument. What it prints goes to stderr.
    """

    def __init__(self, function: Function) -> None:
        self._function = function
        self._open: AbstractContextManager[Any] | None = None

    @property
    def wraps(self) -> bool:
        """Whether it is open around the replay now, so that its effects can reach beyond AWS."""
        return self._open is not None

    def run(self) -> None:
        """
        Run it from its start.

        Raises:
            TargetError: It cannot be imported, or it raised.
        """
        if self._function.setup is None:
            return
        with self._reporting("failed"), contextlib.redirect_stdout(sys.stderr):
            prepare = self._load(self._function.setup)
            result = prepare(self._function.name) if _takes_an_argument(prepare) else prepare()
            if inspect.isgenerator(result):
                result = _once(result)
            if isinstance(result, AbstractContextManager):
                result.__enter__()
                self._open = result

    def close(self) -> None:
        """
        End it, where it wraps the replay.

        Raises:
            TargetError: It raised.
        """
        if self._open is not None:
            wrapping, self._open = self._open, None
            with self._reporting("failed to end"), contextlib.redirect_stdout(sys.stderr):
                wrapping.__exit__(None, None, None)

    def _load(self, setup: str) -> Callable[..., Any]:
        module, colon, name = setup.partition(":")
        if not (module and colon and name):
            raise TargetError(
                "setup does not name a function",
                where=f"setup = {setup!r} of {self._function.display_name}",
                expected='"module:function"',
            )
        try:
            prepare = getattr(importlib.import_module(module), name)
        except (ModuleNotFoundError, AttributeError) as error:
            if isinstance(error, ModuleNotFoundError) and error.name != module:
                raise
            raise TargetError(
                f"the setup of {self._function.display_name} is not there: {error}",
                where=f"setup = {setup!r}",
                expected=f"a module in {self._function.code} or in the project's folder, with that function",
            ) from error
        return prepare  # type: ignore[no-any-return]  # whatever the user names

    @contextlib.contextmanager
    def _reporting(self, what: str) -> Iterator[None]:
        try:
            yield
        except TargetError:
            raise
        except (Exception, SystemExit) as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            raise TargetError(
                f"the setup of {self._function.display_name} {what}: {type(error).__name__}: {error}",
                where=f"{place.filename}:{place.lineno} in {place.name}, of setup = {self._function.setup!r}",
                hint="mend it, or take it out of the configuration",
            ) from error


@contextlib.contextmanager
def _once(generator: Iterator[Any]) -> Iterator[None]:
    expected = "one `yield`, where the replay is to happen"
    try:
        next(generator)
    except StopIteration:
        raise TargetError("setup ended before it yielded", expected=expected) from None
    yield
    try:
        next(generator)
    except StopIteration:
        return
    raise TargetError("setup yields more than once", expected=expected)


def _takes_an_argument(prepare: Callable[..., Any]) -> bool:
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = inspect.signature(prepare).parameters.values()
    return any(one.kind in positional and one.default is one.empty for one in parameters)
