"""The package that a page of the documentation writes, installed for the commands of that page."""

import os
from pathlib import Path

PAGES = frozenset({"extending.md"})
_MOST_LINES = 30


def install(folder: Path, environment: dict[str, str], code: str, configuration: str) -> None:
    """Install *code* as the module that *configuration*, its entry points, speaks of; it is as short as promised."""
    assert len([line for line in code.splitlines() if line.strip()]) <= _MOST_LINES
    packages = folder / "packages"
    about = packages / "tickets-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: tickets\nVersion: 1.0\n")
    entry_points = configuration.replace('project.entry-points."', "").replace('"]', "]").replace('"', "")
    (about / "entry_points.txt").write_text(entry_points)
    (packages / "tickets.py").write_text(code)
    environment["PYTHONPATH"] = f"{packages}{os.pathsep}{environment.get('PYTHONPATH', '')}"
