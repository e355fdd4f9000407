"""What a file of this machine is called on Lambda, and whose it is."""

import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from replay.targets.in_process.own_modules import is_installed


class LambdaFile(NamedTuple):
    """A file as Lambda would show it: `module` as in a `Frame`, and its whole `path` there."""

    module: str
    owner: Literal["user", "library"]
    path: str


class CodeMap:
    """
    Maps the files of one function, so that its traces are the same on every machine.

    A file of the function's code or layers is the user's, unless it belongs to a package that was installed there.
    """

    def __init__(self, roots: Sequence[Path], vendored: frozenset[str]) -> None:
        """*roots* are the code, then the layers' Python folders; *vendored* the packages installed into them."""
        places = [
            (f"{path}/", "/opt/python/" if index else "/var/task/")
            for index, root in enumerate(roots)
            for path in {root, root.resolve()}
        ]
        self._places = sorted(places, key=lambda place: len(place[0]), reverse=True)
        self._vendored = vendored
        self._known: dict[str, LambdaFile] = {}

    def file(self, name: str) -> LambdaFile:
        """Map the file *name*, as a traceback has it."""
        if name not in self._known:
            self._known[name] = self._map(name)
        return self._known[name]

    def text(self, text: str) -> str:
        """Put Lambda's paths in the place of this machine's, wherever *text* names the function's code."""
        for here, there in self._places:
            text = text.replace(here, there)
        return text

    def _map(self, name: str) -> LambdaFile:
        if name.startswith("<"):
            return LambdaFile(name, "library", name)
        if is_installed(name):
            return _library_file(name)
        for here, there in self._places:
            if name.startswith(here):
                module = name.removeprefix(here)
                top = module.partition("/")[0].partition(".")[0]
                return LambdaFile(module, "library" if top in self._vendored else "user", there + module)
        module = _from_import_path(name)
        return LambdaFile(module, "user", f"/var/task/{module}")


def _library_file(name: str) -> LambdaFile:
    library = f"/var/lang/lib/python{sys.version_info.major}.{sys.version_info.minor}/"
    for mark in ("/site-packages/", "/dist-packages/"):
        if mark in name:
            module = name.rpartition(mark)[2]
            return LambdaFile(module, "library", f"{library}site-packages/{module}")
    places = [f"{sysconfig.get_path(place)}/" for place in ("stdlib", "platstdlib")]
    module = next(name.removeprefix(place) for place in places if name.startswith(place))
    return LambdaFile(module, "library", library + module)


def _from_import_path(name: str) -> str:
    """Name a file of the user's project by the folder that it is imported from."""
    entries = sorted((entry for entry in sys.path if entry), key=len, reverse=True)
    return next((name.removeprefix(f"{entry}/") for entry in entries if name.startswith(f"{entry}/")), Path(name).name)
