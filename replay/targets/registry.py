"""The targets there are: one file each in this folder, and those of other packages by entry points."""

import difflib
import importlib
import pkgutil
from importlib import metadata
from pathlib import Path
from typing import Any

from replay.errors import ConfigurationError
from replay.functions.function import Function
from replay.targets.base import Invoker

ENTRY_POINTS = "replay.targets"
_NOT_TARGETS = frozenset({"base", "registry"})


def target_names() -> list[str]:
    """List the names of all targets, without importing them: a file `lambda_function.py` is `lambda-function`."""
    return sorted({*_files(), *(entry.name for entry in metadata.entry_points(group=ENTRY_POINTS))})


def open_target(name: str, function: Function, **options: Any) -> Invoker:
    """
    Make the target *name* for *function*; it does nothing before it is entered.

    Args:
        options: The target's own: `local` takes `cold=True`, to import the function afresh for each invocation.

    Raises:
        ConfigurationError: There is no such target.
    """
    target: Invoker = target_class(name)(function, **options)
    return target


def target_class(name: str) -> type[Any]:
    """
    Find the class of the target *name*.

    Raises:
        ConfigurationError: There is no such target.
    """
    files = _files()
    if name in files:
        module = importlib.import_module(f"replay.targets.{files[name]}")
        kinds = [kind for kind in vars(module).values() if isinstance(kind, type)]
        return next(kind for kind in kinds if _declares(kind, name, module.__name__))
    for entry in metadata.entry_points(group=ENTRY_POINTS, name=name):
        return entry.load()  # type: ignore[no-any-return]  # whatever the package offers
    known = target_names()
    near = difflib.get_close_matches(name, known, n=1)
    raise ConfigurationError(
        f"there is no target {name!r}",
        expected=f"one of {', '.join(known)}",
        hint=f"did you mean {near[0]!r}?" if near else "--target NAME",
    )


def _files() -> dict[str, str]:
    modules = pkgutil.iter_modules([str(Path(__file__).parent)])
    names = {module.name for module in modules if not module.ispkg} - _NOT_TARGETS
    return {name.replace("_", "-"): name for name in names}


def _declares(kind: type, name: str, module: str) -> bool:
    return issubclass(kind, Invoker) and kind.__module__ == module and kind.name == name
