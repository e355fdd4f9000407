"""Which functions are put into a process of their own without being asked."""

import importlib.util
from dataclasses import replace

from replay.errors import TargetError
from replay.functions.function import Function

_INSTALL = "pip install 'event-replay[process]'"


def has_python_client() -> bool:
    """Say whether a Python function can run in a process of its own: that needs AWS's own runtime client."""
    return all(importlib.util.find_spec(name) is not None for name in ("awslambdaric", "runtime_client"))


def isolated(function: Function, *, can_be_interrupted: bool) -> tuple[Function, str]:
    """
    Give *function*, whose event is known to end the process, with a process of its own; and a note for the user.

    What the configuration says of `isolation` is respected, whatever it is.

    Args:
        can_be_interrupted: Whether the failure is one that our own process survives: a timeout, as far as it is Python
            code that does not return.

    Raises:
        TargetError: It would end our process, and there is no other one for it here.
    """
    if function.isolation is not None or function.command or not function.runtime.startswith("python"):
        return function, ""
    if has_python_client():
        return replace(function, isolation="process"), ""
    if can_be_interrupted:
        note = f"{function.display_name} times out in this process, which cannot end C code that hangs: {_INSTALL}"
        return function, note
    raise TargetError(
        f"this event ends the process of {function.display_name}, and would end this one too",
        where=f"isolation of {function.display_name}",
        expected="AWS's own runtime client, awslambdaric, to run it in a process of its own",
        hint=f'{_INSTALL}; or set isolation = "in_process" for it in [tool.replay], to run it here all the same',
    )
