"""
Whose module is it: two functions that both have an `app.py` must not meet, and both may share what is installed.

A module is the function's own when its file lies in the function's code or layers. Own modules are in `sys.modules`
only while the function is inside; a module of anybody else that stands where one of them would be steps aside.
"""

import importlib
import os
import sys
import sysconfig
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import ModuleType

from replay.functions.function import Function

_INSTALLED = ("/site-packages/", "/dist-packages/")
_STDLIB = tuple({f"{sysconfig.get_path(name)}/" for name in ("stdlib", "platstdlib")})


def import_roots(code: Path, layers: Iterable[Path], runtime: str) -> tuple[Path, ...]:
    """
    List the folders that Lambda imports a function's modules from: its code, then each layer's Python folders.

    A layer without a `python` folder holds what will become that folder when it is built.

    Source: Lambda Developer Guide, "Packaging your layer content" (`python`, `python/lib/python3.x/site-packages`).
    """
    roots = [code]
    for layer in layers:
        python = layer / "python"
        roots += [python / "lib" / runtime / "site-packages", python] if python.is_dir() else [layer]
    return tuple(roots)


def folders_here(entry: str, code: Path, layers: Sequence[Path]) -> list[str]:
    """Give the folders of this machine that *entry*, of a search path on Lambda, stands for."""
    if entry == "/var/task" or entry.startswith("/var/task/"):
        return [f"{code}{entry.removeprefix('/var/task')}"]
    if entry == "/opt" or entry.startswith("/opt/"):
        return [f"{layer}{entry.removeprefix('/opt')}" for layer in layers] or [entry]
    return [entry]


def python_path(function: Function) -> tuple[Path, ...]:
    """List the folders of the function's own PYTHONPATH, which come after its code and its layers."""
    entries = function.environment.get("PYTHONPATH", "").split(os.pathsep)
    found = [here for entry in entries if entry for here in folders_here(entry, function.code, function.layers)]
    return tuple(Path(folder) for folder in found if Path(folder).is_absolute())


def importable_names(roots: Iterable[Path]) -> frozenset[str]:
    """List the top-level names that can be imported from *roots*."""
    entries = [entry for root in roots if root.is_dir() for entry in root.iterdir()]
    names = {entry.name.partition(".")[0] for entry in entries if entry.is_dir() or entry.suffix in {".py", ".so"}}
    return frozenset(name for name in names if name.isidentifier() and name != "__pycache__")


def vendored_names(roots: Iterable[Path]) -> frozenset[str]:
    """List the top-level names that come from packages installed into *roots*, as `pip install --target` does."""
    records = [record for root in roots for record in root.glob("*.dist-info/RECORD")]
    lines = [line for record in records for line in record.read_text("utf-8", "replace").splitlines()]
    firsts = {line.partition(",")[0].partition("/")[0] for line in lines}
    return frozenset(name.partition(".")[0] for name in firsts if not name.endswith(".dist-info"))


def is_installed(file: str) -> bool:
    """Say whether *file* belongs to the standard library or to an installed package."""
    return file.startswith(_STDLIB) or any(mark in file for mark in _INSTALLED)


class OwnModules:
    """
    Exchanges a function's modules and import path with those around it.

    What is imported from `project` while the function is inside goes with it, too; with `search_project` that folder is
    searched last, for modules that prepare the function.
    """

    def __init__(self, roots: Sequence[Path], *, project: Path, search_project: bool = False) -> None:
        self._roots = [str(root) for root in roots]
        self._prefixes = tuple({f"{path}/" for root in roots for path in (root, root.resolve())})
        self._project = str(project)
        self._search_project = search_project
        self._names = importable_names(roots)
        self._vendored = vendored_names(roots)
        self._shared: set[str] = set()
        self._present: frozenset[str] = frozenset()
        self._own: dict[str, ModuleType] = {}
        self._outside: dict[str, ModuleType] = {}
        self._own_path = self._roots
        self._outside_path: list[str] = []

    def resume(self) -> None:
        """Let the function's modules in."""
        self._outside = self._take(lambda name, file: self._is_own(name, file) or self._is_in_the_way(name, file))
        self._present = frozenset(sys.modules)
        for name, module in self._own.items():
            sys.modules.setdefault(name, module)
        self._outside_path = sys.path[:]
        sys.path[:] = self._own_path + [entry for entry in self._outside_path if entry not in self._own_path]
        if self._search_project and self._project not in sys.path:
            sys.path.append(self._project)

    def suspend(self) -> None:
        """Put the modules around it back."""
        self._own = self._take(lambda name, file: self._is_own(name, file) or self._came_along(name, file))
        sys.modules.update(self._outside)
        self._own_path = [
            entry
            for entry in sys.path
            if entry in self._roots or (entry not in self._outside_path and entry != self._project)
        ]
        sys.path[:] = self._outside_path

    def forget(self) -> None:
        """Drop the function's modules (but not the packages installed beside them), as a new process has none."""
        self._take(lambda name, file: self._is_own(name, file) and name.partition(".")[0] not in self._vendored)
        importlib.invalidate_caches()

    def _take(self, wanted: Callable[[str, str], bool]) -> dict[str, ModuleType]:
        found: list[str] = []
        for name in sys.modules.keys() - self._shared:
            file = _file(sys.modules[name])
            if wanted(name, file):
                found.append(name)
            elif not self._is_own(name, file) and (not file or is_installed(file)):
                self._shared.add(name)  # there are thousands, and they stay what they are
        # Only now: the folders of a namespace package cannot be asked for without its parent.
        return {name: sys.modules.pop(name) for name in found}

    def _is_own(self, name: str, file: str) -> bool:
        if name.partition(".")[0] in _NEVER_OWN:
            return False
        return any(
            file.startswith(prefix) and not any(mark in file[len(prefix) - 1 :] for mark in _INSTALLED)
            for prefix in self._prefixes
        )

    def _is_in_the_way(self, name: str, file: str) -> bool:
        top = name.partition(".")[0]
        return top in self._names and top not in _NEVER_OWN and bool(file) and not is_installed(file)

    def _came_along(self, name: str, file: str) -> bool:
        top = name.partition(".")[0]
        is_new = name not in self._present and top not in _NEVER_OWN
        return is_new and file.startswith(f"{self._project}/") and not is_installed(file)


_NEVER_OWN = frozenset({"replay", "__main__", "__mp_main__"})


def _file(module: ModuleType | None) -> str:
    file = getattr(module, "__file__", None)
    if file is None:
        try:
            file = next(iter(getattr(module, "__path__", None) or ()), None)
        except KeyError:  # a namespace package that somebody else has left without its parent
            return ""
    return file if isinstance(file, str) else ""
