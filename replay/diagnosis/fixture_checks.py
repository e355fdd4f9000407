"""Whether the fixtures are sound, and where CI finds them."""

import os
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

from replay.counted_nouns import counted
from replay.diagnosis.finding import Finding, problem
from replay.fixtures.durable_files import TEMPORARY, abandoned, explained, names_in, open_folder
from replay.fixtures.fixture import Fixture
from replay.fixtures.function_fixtures import FunctionFixtures
from replay.fixtures.root_folder import is_read_only
from replay.fixtures.store import FixtureProblem
from replay.project import Project

_GIT_TIMEOUT_S = 10


def check_fixtures(project: Project) -> Iterator[Finding]:
    """Look for fixtures that cannot be read or that CI would not see, and for what killed runs have left."""
    store, folder = project.store, project.config.fixtures
    if not folder.is_dir():
        yield Finding(
            check="fixtures",
            level="note",
            what=f"there are no fixtures yet: {folder} does not exist",
            hint="replay record sqs --queue NAME --function NAME",
        )
        return
    yield from _not_writable(folder)
    yield from _leftovers(folder)
    yield from _ignored_by_git(folder)
    good = 0
    references = store.references()
    for loaded in store.load_all(references):
        findings = list(_fixture(loaded, project))
        good += not findings
        yield from findings
    for function in dict.fromkeys(each.function for each in references):
        yield from _packs(store.of(function))
    yield Finding(check="fixtures", level="ok", what=f"{counted(good, 'sound fixture')} in {folder}")


def _not_writable(folder: Path) -> Iterator[Finding]:
    if os.access(folder, os.W_OK | os.X_OK):
        return
    if is_read_only(folder):
        what = f"{folder} cannot be written: its file system is read-only"
        hint = "replay with --no-pin there (pytest: --replay-no-pin); to record, name another folder: --out DIR"
    else:
        what = f"{folder} cannot be written: permission denied"
        hint = f"chmod u+wx {shlex.quote(str(folder))}"
    yield Finding(check="fixtures", level="problem", what=what, hint=hint)


def _leftovers(folder: Path) -> Iterator[Finding]:
    with explained("look into the folder of fixtures", folder), open_folder(str(folder), follow=True) as opened:
        left = [name for name in names_in(opened) if name.startswith(TEMPORARY) and abandoned(name, inside=opened)]
    if left:
        yield Finding(
            check="fixtures",
            level="note",
            what=f"killed runs have left unfinished pieces in {folder} ({counted(len(left), 'piece')}); "
            "no fixture is among them",
            hint=f"the next recording removes them, or: rm -r {shlex.quote(str(folder))}/{TEMPORARY}*",
        )


def _ignored_by_git(folder: Path) -> Iterator[Finding]:
    """Ask git about a fixture that could be there; without git, or outside a repository, nothing is wrong."""
    example = folder / "function" / "fixture--00000000" / "event.json"
    try:
        asked = subprocess.run(  # noqa: S603 - the path is an argument, behind --
            ["git", "-C", str(folder), "check-ignore", "--quiet", "--", str(example)],  # noqa: S607 - the user's git
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_GIT_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return
    if asked.returncode == 0:
        yield Finding(
            check="fixtures",
            level="note",
            what=f"git ignores {folder}: CI will not see these fixtures",
            hint=f"git check-ignore -v {shlex.quote(str(example))} says which line to change",
        )


def _packs(fixtures: FunctionFixtures) -> Iterator[Finding]:
    """Look for what two branches did to one packed fixture, and for fixtures that have a folder as well."""
    function, catalog = fixtures.path.name, fixtures.packs.catalog
    for name in catalog.parted():
        yield Finding(
            check="fixtures",
            level="note",
            what=f"{function}/{name} was changed on two branches: the later of the changes counts",
            hint=f"look at it: replay show {function}/{name}; then: replay pack --compact {function}",
        )
    twice = [name for name in catalog.names() if fixtures.folders.has(name)]
    if twice:
        yield Finding(
            check="fixtures",
            level="note",
            what=f"{counted(len(twice), 'fixture')} of {function} in both forms, such as {twice[0]}: the folder counts",
            hint=f"replay pack {function} makes one of the two",
        )


def _fixture(loaded: Fixture | FixtureProblem, project: Project) -> Iterator[Finding]:
    if isinstance(loaded, FixtureProblem):
        yield problem("fixtures", loaded.error)
        return
    for error in project.store.validate(loaded.reference):
        yield Finding(
            check="fixtures",
            level="problem",
            what=f"{loaded.reference}: fixture.json: {error}",
            hint="see `replay schema`",
        )
    if loaded.edited:
        wants = "reproduces" if loaded.expectation.wants == "fails" else loaded.expectation.wants
        accept = shlex.join(("replay", "expect", loaded.reference.short, wants, *project.fixtures_option))
        yield Finding(
            check="fixtures",
            level="note",
            what=f"{loaded.reference}: event.json was edited by hand since it was recorded",
            hint=f"{accept} accepts the edit; else record it again",
        )
