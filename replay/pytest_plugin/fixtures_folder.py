"""Where the fixtures are, found without an import: every pytest run of everybody who has us installed pays for it."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

_FIXTURE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*--[0-9a-f]{8,64}")


def fixtures_folder(root: Path) -> Path | None:
    """
    Find the folder of fixtures of the project around *root*, by the rules of `replay.config.load_config`.

    Raises:
        pytest.UsageError: `[tool.replay]` cannot be used.
    """
    found = list(_pyproject_files(root))
    if any(_may_configure(path) for path in found):
        from replay.config import load_config
        from replay.errors import ReplayError

        try:
            folder = load_config(root).fixtures
        except ReplayError as error:
            raise pytest.UsageError(f"event-replay: {error}") from None
    else:
        folder = (found[0].parent if found else root) / "fixtures"
    folder = Path(os.path.normpath(folder))
    return folder if folder.is_dir() else None


def function_folders(folder: Path) -> list[Path]:
    """List the folders in *folder* that hold fixtures."""
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if entry.is_dir() and not entry.name.startswith("."))
    except OSError:
        return []
    return [folder / name for name in names if holds_fixtures(folder / name)]


def holds_fixtures(folder: Path) -> bool:
    """Say whether *folder* is the folder of a function: whether something in it is called and filled as a fixture."""
    try:
        with os.scandir(folder) as entries:
            return any(_FIXTURE_NAME.fullmatch(entry.name) and _is_filled(entry.path) for entry in entries)
    except OSError:
        return False


def folder_of_item(argument: str, working_folder: Path) -> str:
    """
    Give the folder of the fixture whose node id *argument* is, and any other argument as it is.

    pytest takes `::` behind a file only, and would refuse the ids that it prints for our items.
    """
    function, found, rest = argument.partition("::replay[")
    folder = os.path.join(function, rest.removesuffix("]"))  # noqa: PTH118 - it is a text for pytest
    return folder if found and (working_folder / folder).is_dir() else argument


class LeftOut(pytest.Directory):
    """A folder of which nothing is collected."""

    def collect(self) -> list[pytest.Item]:
        return []


def _pyproject_files(root: Path) -> Iterator[Path]:
    for folder in (root, *root.parents):
        path = folder / "pyproject.toml"
        if path.is_file():
            yield path
        if (folder / ".git").exists():
            return


def _may_configure(path: Path) -> bool:
    try:
        return b"replay" in path.read_bytes()
    except OSError:
        return True  # load_config says what is wrong


def _is_filled(folder: str) -> bool:
    return any(Path(folder, name).is_file() for name in ("fixture.json", "event.json"))
