"""Where a project's templates are, when nobody says."""

import os
from collections.abc import Iterator
from pathlib import Path

from replay.project_root import CDK_FOLDER, TEMPLATE_NAMES

_CDK_SUFFIX = ".template.json"
_LEVELS = 3
_NOT_SEARCHED = {"__pycache__", "node_modules", "site-packages", "venv"}
_NOT_BELOW = {"pyvenv.cfg", ".fixture.schema.json"}
"""Files of an environment, and of the folder of all fixtures, which may have many thousands of folders."""


def find_templates(root: Path) -> list[Path]:
    """
    List the templates in *root* and three levels of folders below, the nearest first.

    Hidden folders (`.aws-sam`, `.venv`) and installed packages are not searched.
    """
    return sorted(_templates(root), key=lambda path: (len(path.parts), path))


def describe_search(root: Path) -> str:
    """Say where `find_templates` looks, and for what."""
    names = ", ".join(sorted(TEMPLATE_NAMES))
    return f"{root} and {_LEVELS} levels of folders below it, for {names} and {CDK_FOLDER}/*{_CDK_SUFFIX}"


def _templates(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root):
        here = Path(folder)
        below = here.relative_to(root).parts
        if not _NOT_BELOW.isdisjoint(files):
            folders.clear()
            continue
        deeper = len(below) < _LEVELS
        folders[:] = [name for name in folders if deeper and name not in _NOT_SEARCHED and not name.startswith(".")]
        in_cdk_out = CDK_FOLDER in (root.name, *below)
        for name in files:
            if name in TEMPLATE_NAMES or (in_cdk_out and name.endswith(_CDK_SUFFIX)):
                yield here / name
