"""The page `what-is-proved.md` names tests that are there, has all targets, and explains whatever no emulator proves."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from replay.targets.registry import target_names

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "what-is-proved.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`([\w/]+\.py)::(test_\w+)`", PAGE)))
ON_THIS_MACHINE = {"local", "process"}


def rows(heading: str) -> list[list[str]]:
    """Give the cells of the table whose first line begins with *heading*."""
    table = PAGE[PAGE.index(f"| {heading} |") :].partition("\n\n")[0]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in table.splitlines()[2:]]


TARGETS, LIMITS = rows("target"), rows("| why not")


@cache
def functions(path: Path) -> set[str]:
    """Name the functions of a file."""
    return {each.name for each in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(each, ast.FunctionDef)}


@pytest.mark.parametrize(("file", "test"), NAMED)
def test_each_test_that_is_named_is_there(file: str, test: str) -> None:
    """A test that was renamed or taken away is no proof; files without a folder are those against real servers."""
    path = ROOT / file if "/" in file else ROOT / "tests" / "emulators" / file
    assert test in functions(path)


def test_every_target_has_its_proof() -> None:
    """Each target beyond this machine has a row, and each row names a test that runs against a real server."""
    kinds = {re.findall(r"`([\w-]+)`", row[0])[0] for row in TARGETS}
    assert kinds == set(target_names()) - ON_THIS_MACHINE
    assert all(re.search(r"`test_\w+\.py::", row[-1]) for row in TARGETS)


def test_what_no_emulator_proves_is_explained() -> None:
    """A cell names servers, or the number of what they cannot do, which names a test in turn; nothing is left open."""
    explained = {number for number, *_ in LIMITS}
    for target, *cells, _ in TARGETS:
        for cell in cells:
            assert re.fullmatch(r"\u2013|L M|[LM]( \(\d\))?|\(\d\)", cell), (target, cell)
            assert set(re.findall(r"\((\d)\)", cell)) <= explained
            is_of_one_server = not target.startswith("`localstack`") and cell in {"L", "M"}
            assert not is_of_one_server, f"{target}: why not on the other one?"
    assert all("::test_" in proof for *_, proof in LIMITS)
