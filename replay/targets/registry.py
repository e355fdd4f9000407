"""The targets there are: one file each in this folder, those of other packages, and those that a project names."""

import difflib
import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from replay.config import read_table
from replay.errors import ConfigurationError
from replay.extensions import load_extension
from replay.functions.function import Function
from replay.targets.base import Invoker

ENTRY_POINTS = "replay.targets"
_NOT_TARGETS = frozenset({"base", "bulk", "carrier", "isolation", "registry", "sending", "wrapping"})


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedTarget:
    """A kind of target with its options as the project has them."""

    kind: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def takes(self, option: str) -> bool:
        """Say whether targets of this kind have such an option."""
        return option in {item.name for item in fields(target_class(self.kind).options)}


def target_names() -> list[str]:
    """List the names of all targets, without importing them: a file `lambda_function.py` is `lambda-function`."""
    return sorted({*_files(), *(entry.name for entry in metadata.entry_points(group=ENTRY_POINTS))})


def find_target(
    name: str, configured: Mapping[str, Mapping[str, Any]], *, root: Path, given: Mapping[str, Any] | None = None
) -> NamedTarget:
    """
    Find the target *name*: that of the project's configuration, else a kind of target with its default options.

    `KIND:NAME` is a kind of target and the one thing that it must know, such as `lambda:FUNCTION`.

    Args:
        configured: The tables of `[tool.replay.targets]`; `kind` in one says which target it is, else its name does.
        root: The project's folder, from which relative paths are seen.
        given: Options of the command line, which win over those of the configuration.

    Raises:
        ConfigurationError: There is no such target, or its options cannot be used.
    """
    where = f"{root / 'pyproject.toml'} [tool.replay.targets.{name}]" if name in configured else ""
    settings = dict(configured.get(name, {}))
    named, _, resource = ("", "", "") if name in configured else name.partition(":")
    kind = str(settings.pop("kind", named or name))
    if kind not in _files() and kind not in (known := target_names()):
        raise _unknown(kind, known if where else [*known, *configured], where)
    shape = target_class(kind).options
    if resource:
        settings = {**settings, _named_by(kind, name): resource}
    options = read_table(shape, settings, where=where, root=root)
    for key in given or {}:
        if key not in {item.name for item in fields(shape)}:
            raise ConfigurationError(f"the target {name} does not take --{key}", hint="leave it out")
    return NamedTarget(kind=kind, options={**options, **(given or {})})


def _named_by(kind: str, name: str) -> str:
    """Give the option that `KIND:NAME` sets."""
    option: str = getattr(target_class(kind), "named_by", "")
    if not option:
        raise ConfigurationError(f"the target {kind} takes no name", where=f"--target {name}", hint=f"--target {kind}")
    return option


def open_target(name: str, function: Function, /, **options: Any) -> Invoker:
    """
    Make the target *name* for *function*; it does nothing before it is entered.

    Args:
        options: The target's own, and `project`: `cold=True` imports the function afresh for each invocation.

    Raises:
        ConfigurationError: There is no such target.
    """
    target: Invoker = target_class(name)(function, **options)
    return target


def target_class(name: str) -> type[Any]:
    """
    Find the class of the target *name*, a subclass of `Invoker`.

    Raises:
        ConfigurationError: There is no such target, or it cannot be imported.
    """
    files = _files()
    if name in files:
        module = importlib.import_module(f"replay.targets.{files[name]}")
        kinds = [kind for kind in vars(module).values() if isinstance(kind, type)]
        return next(kind for kind in kinds if _declares(kind, name, module.__name__))
    for entry in metadata.entry_points(group=ENTRY_POINTS, name=name):
        return load_extension(entry, Invoker)
    raise _unknown(name, target_names(), "")


def _unknown(name: str, known: list[str], where: str) -> ConfigurationError:
    near = difflib.get_close_matches(name, known, n=1)
    otherwise = f'kind = "{known[0]}", say' if where else "KIND:NAME, such as lambda:FUNCTION, or one of those"
    return ConfigurationError(
        f"there is no target {name!r}",
        where=where,
        expected=f"{'kind = ' if where else ''}one of {', '.join(known)}",
        hint=f"did you mean {near[0]!r}?" if near else otherwise,
    )


@cache
def _files() -> dict[str, str]:
    modules = pkgutil.iter_modules([str(Path(__file__).parent)])
    names = {module.name for module in modules if not module.ispkg} - _NOT_TARGETS
    return {name.strip("_").replace("_", "-"): name for name in names}  # `lambda` is a word of Python: lambda_.py


def _declares(kind: type, name: str, module: str) -> bool:
    return issubclass(kind, Invoker) and kind.__module__ == module and kind.name == name
