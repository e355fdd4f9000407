"""Where a project begins. Imports next to nothing: every pytest run of everybody who has us installed asks."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

CONFIGURATION_FILE = "pyproject.toml"
TEMPLATE_NAMES = frozenset({"template.yaml", "template.yml", "template.json", "serverless.yml", "serverless.yaml"})
CDK_FOLDER = "cdk.out"
FIXTURES_FOLDER = "fixtures"

_PACK = ".jsonl.zst"
_PACK_BEGINS = re.compile(rb"\x5b\x2a\x4d\x18.{4}replay-", re.DOTALL)
_PACK_HEAD_BYTES = 15
_FIXTURE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*--[0-9a-f]{8,64}")


def find_root(start: Path, *, is_configured: Callable[[Path], bool]) -> Path:
    """
    Find the root of the project around *start*: the nearest folder upward of the first kind that there is.

    The kinds: its `pyproject.toml` has a section `[tool.replay]`; it has a `pyproject.toml`; its `fixtures/` holds
    fixtures; it has a template of SAM or the Serverless Framework, or a `cdk.out`. Without any it is *start* itself.

    The search ends at the root of the git repository, the user's home or the root of the file system. There, outside
    of a repository, only a `pyproject.toml` counts: a folder for everything is nobody's project.

    Args:
        is_configured: Says whether a `pyproject.toml` has the section.
    """
    folders = list(_upward(start))
    with_file = [folder for folder in folders if (folder / CONFIGURATION_FILE).is_file()]
    own = [folder for folder in folders if not _is_for_everything(folder)]
    kinds = (
        (folder for folder in with_file if is_configured(folder / CONFIGURATION_FILE)),
        iter(with_file),
        (folder for folder in own if function_folders(folder / FIXTURES_FOLDER)),
        (folder for folder in own if _has_template(folder)),
    )
    return next((found for kind in kinds for found in kind), start)


def configuration_files(start: Path) -> list[Path]:
    """List the files `pyproject.toml` that could configure the project around *start*, the nearest first."""
    return [path for folder in _upward(start) if (path := folder / CONFIGURATION_FILE).is_file()]


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
            return any(
                (_FIXTURE_NAME.fullmatch(entry.name) and _is_filled(entry.path))
                or (entry.name.endswith(_PACK) and _is_pack(entry.path))
                for entry in entries
            )
    except OSError:
        return False


def _upward(start: Path) -> Iterator[Path]:
    for folder in (start, *start.parents):
        yield folder
        if (folder / ".git").exists() or folder == _home():
            return


def _home() -> Path | None:
    try:
        return Path.home()
    except RuntimeError:  # a container's user may have none
        return None


def _is_for_everything(folder: Path) -> bool:
    return folder in {_home(), Path(folder.anchor)} and not (folder / ".git").exists()


def _has_template(folder: Path) -> bool:
    try:
        with os.scandir(folder) as entries:
            return any(_is_template(entry) for entry in entries)
    except OSError:
        return False


def _is_template(entry: "os.DirEntry[str]") -> bool:
    return (entry.name in TEMPLATE_NAMES and entry.is_file()) or (entry.name == CDK_FOLDER and entry.is_dir())


def _is_pack(path: str) -> bool:
    """Say whether a file begins as our packs do; what others keep as JSON Lines is no business of ours."""
    with open(path, "rb") as file:  # noqa: PTH123 - every pytest run of everybody asks
        return _PACK_BEGINS.match(file.read(_PACK_HEAD_BYTES)) is not None


def _is_filled(folder: str) -> bool:
    return any(Path(folder, name).is_file() for name in ("fixture.json", "event.json"))
