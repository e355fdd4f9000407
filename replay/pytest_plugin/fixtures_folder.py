"""Where the fixtures are, found without an import: every pytest run of everybody who has us installed pays for it."""

import os
from pathlib import Path

import pytest

from replay.project_root import FIXTURES_FOLDER, configuration_files, find_root


def project_start(config: pytest.Config) -> Path:
    """Say where to look for the project from: the working directory, as the command line does, if it is in ours."""
    working_folder = config.invocation_params.dir
    return working_folder if working_folder.is_relative_to(config.rootpath) else config.rootpath


def fixtures_folder(start: Path) -> Path | None:
    """
    Find the folder of fixtures of the project around *start*, by the rules of `replay.config.load_config`.

    Raises:
        pytest.UsageError: `[tool.replay]` cannot be used.
    """
    if any(_may_configure(path) for path in configuration_files(start)):
        from replay.config import load_config
        from replay.errors import ReplayError

        try:
            folder = load_config(start).fixtures
        except ReplayError as error:
            raise pytest.UsageError(f"event-replay: {error}") from None
    else:
        folder = find_root(start, is_configured=lambda _: False) / FIXTURES_FOLDER
    folder = Path(os.path.normpath(folder))
    return folder if folder.is_dir() else None


def folder_of_item(argument: str, working_folder: Path) -> str:
    """
    Give the folder of the fixture whose node id *argument* is, and any other argument as it is.

    pytest takes `::` behind a file only, and would refuse the ids that it prints for our items.
    """
    function, found, rest = argument.partition("::replay[")
    folder = os.path.join(function, rest.removesuffix("]"))  # noqa: PTH118 - it is a text for pytest
    return folder if found and (working_folder / folder).is_dir() else argument


def item_of_pack(argument: str, working_folder: Path) -> tuple[str, str] | None:
    """Give the folder and the name of the fixture whose node id *argument* is, where it has no folder of its own."""
    function, found, rest = argument.partition("::replay[")
    is_packed = found and rest.endswith("]") and (working_folder / function).is_dir()
    return (function, rest[:-1]) if is_packed else None


class LeftOut(pytest.Directory):
    """A folder of which nothing is collected."""

    def collect(self) -> list[pytest.Item]:
        return []


def _may_configure(path: Path) -> bool:
    try:
        return b"replay" in path.read_bytes()
    except OSError:
        return True  # load_config says what is wrong
