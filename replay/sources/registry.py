"""Every source that is there, by name: the files of this folder, and what third parties add."""

import difflib
import importlib
import inspect
import os
import re
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from importlib.resources import files
from typing import TypeGuard

from replay import sources as folder
from replay.errors import ConfigurationError
from replay.extensions import load_extension
from replay.sources.base import Source

ENTRY_POINTS = "replay.sources"
_DECLARED_NAME = re.compile(r'^    name(?:: ClassVar\[str\])? = "([a-z0-9-]+)"$', re.MULTILINE)


def source_names() -> tuple[str, ...]:
    """List the names of all sources, sorted; no source is imported for that."""
    return tuple(sorted({*_files(), *_entry_points()}))


def source_class(name: str) -> type[Source]:
    """
    Import the source that is called *name*.

    Raises:
        ConfigurationError: There is no such source, or it cannot be imported.
    """
    entry = _entry_points().get(name)
    if name in _files():
        module = importlib.import_module(_files()[name])
        return next(kind for _, kind in inspect.getmembers(module, inspect.isclass) if _is_source(kind, name))
    if entry is not None:
        return load_extension(entry, Source)
    known = source_names()
    near = difflib.get_close_matches(name, known, n=1)
    raise ConfigurationError(
        f"there is no source {name!r}",
        where="replay record SOURCE",
        expected=f"one of {', '.join(known)}",
        hint=f"did you mean {near[0]}?" if near else "see `replay record --help`",
    )


def _is_source(kind: type, name: str) -> TypeGuard[type[Source]]:
    return issubclass(kind, Source) and not inspect.isabstract(kind) and getattr(kind, "name", "") == name


@cache
def _files() -> dict[str, str]:
    """Map each name that a file of the folder declares to its module; files that only help a source declare none."""
    found = {}
    for file in files(folder).iterdir():
        stem, suffix = os.path.splitext(file.name)  # noqa: PTH122 - it may lie in a zip, where there are no paths
        declared = _DECLARED_NAME.search(file.read_text(encoding="utf-8")) if suffix == ".py" else None
        if declared:
            found[declared[1]] = f"{folder.__name__}.{stem}"
    return found


@cache
def _entry_points() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=ENTRY_POINTS)}
