"""`os._exit` of a function in our own process: it ends the function, and not us."""

import os
from types import TracebackType
from typing import Self

_exit_for_real = os._exit


class Exited(BaseException):
    """The function has ended its process with `code`. No `except Exception` of the function can hold it back."""

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(code)


class ExitGuard:
    """
    Raises `Exited` where the code inside calls `os._exit`; `code` tells it even if that was caught.

    A child process that the code has forked ends for real, at the latest where it leaves the code: it would go on as a
    second one of us. So does this process when nothing is inside. Unlike on Lambda, `finally` blocks still run.
    """

    code: int | None = None
    inside: "ExitGuard | None" = None
    """The one that is in force, if any."""

    def __enter__(self) -> Self:
        self._pid = os.getpid()
        ExitGuard.inside = self
        os._exit = _exit  # type: ignore[assignment]  # it does end the process, wherever that is not ours
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        ExitGuard.inside = None
        os._exit = _exit_for_real
        if os.getpid() != self._pid:
            _exit_for_real(0 if error is None else 1)

    def end(self, code: int) -> None:
        """
        End this process, if it is a forked one; else what runs inside.

        Raises:
            Exited: In place of the end.
        """
        if os.getpid() != self._pid:
            _exit_for_real(code)
        self.code = code
        raise Exited(code)


def _exit(status: int) -> None:
    guard = ExitGuard.inside
    if guard is None:  # a function has kept this one by `from os import _exit`
        _exit_for_real(status)
    else:
        guard.end(status)
