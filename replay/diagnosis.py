"""What is misconfigured, and how to mend it: every check looks, none changes anything."""

import ast
import importlib.util
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from replay.errors import ReplayError
from replay.fixtures.durable_files import TEMPORARY, abandoned, explained, names_in, open_folder
from replay.fixtures.fixture import Fixture
from replay.fixtures.store import FixtureProblem
from replay.functions.function import Function
from replay.project import Project, open_project

_GIT_TIMEOUT_S = 10
_ADVISED_TIMES = 6

Level = Literal["ok", "note", "problem"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at: `what` is true, and `hint` says what to do about it."""

    check: str
    level: Level
    what: str
    hint: str = ""


def doctor(start: Path | None = None, *, fixtures: Path | None = None, aws: bool = False) -> Iterator[Finding]:
    """
    Look at installation, configuration, fixtures, functions, and on demand at AWS.

    Args:
        aws: Ask AWS who we are (one call, `sts:GetCallerIdentity`); otherwise nothing leaves this machine.
    """
    yield from _installation()
    try:
        project = open_project(start, fixtures=fixtures)
    except ReplayError as error:
        yield _problem("configuration", error)
        return
    yield Finding(check="configuration", level="ok", what=f"project root {project.config.root}")
    yield from _guarded("fixtures", lambda: _fixtures(project))
    yield from _guarded("functions", lambda: _functions(project))
    yield from _credentials(aws=aws)


def _installation() -> Iterator[Finding]:
    version = metadata.version("event-replay")
    yield Finding(check="installation", level="ok", what=f"replay {version} on Python {platform.python_version()}")
    registered = [point.name for point in metadata.entry_points(group="pytest11") if point.name == "event_replay"]
    try:
        pytest_version = metadata.version("pytest")
    except metadata.PackageNotFoundError:
        yield Finding(
            check="pytest", level="note", what="pytest is not installed here", hint="pip install 'event-replay[pytest]'"
        )
        return
    if registered:
        yield Finding(
            check="pytest", level="ok", what=f"the plugin event_replay is registered with pytest {pytest_version}"
        )
    else:
        yield Finding(
            check="pytest", level="problem", what="the pytest plugin is not registered", hint="reinstall event-replay"
        )


def _fixtures(project: Project) -> Iterator[Finding]:
    store, folder = project.store, project.config.fixtures
    if not folder.is_dir():
        yield Finding(
            check="fixtures",
            level="note",
            what=f"there are no fixtures yet: {folder} does not exist",
            hint="replay record sqs --queue NAME --function NAME",
        )
        return
    if not os.access(folder, os.W_OK):
        yield Finding(check="fixtures", level="problem", what=f"{folder} cannot be written", hint=f"chmod u+w {folder}")
    yield from _leftovers(folder)
    yield from _ignored_by_git(folder)
    good = 0
    for loaded in store.load_all(store.references()):
        findings = list(_fixture(loaded, project))
        good += not findings
        yield from findings
    yield Finding(check="fixtures", level="ok", what=f"{good} sound fixtures in {folder}")


def _leftovers(folder: Path) -> Iterator[Finding]:
    with explained("look into the folder of fixtures", folder), open_folder(str(folder), follow=True) as opened:
        left = [name for name in names_in(opened) if name.startswith(TEMPORARY) and abandoned(name, inside=opened)]
    if left:
        yield Finding(
            check="fixtures",
            level="note",
            what=f"killed runs have left unfinished pieces in {folder} ({len(left)}); no fixture is among them",
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


def _fixture(loaded: Fixture | FixtureProblem, project: Project) -> Iterator[Finding]:
    if isinstance(loaded, FixtureProblem):
        yield _problem("fixtures", loaded.error)
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
        yield Finding(
            check="fixtures",
            level="note",
            what=f"{loaded.reference}: event.json was edited by hand since it was recorded",
            hint=f"replay expect {loaded.reference.id} {wants} accepts the edit; else record it again",
        )


def _functions(project: Project) -> Iterator[Finding]:
    recorded = (
        {reference.function for reference in project.store.references()} if project.config.fixtures.is_dir() else set()
    )
    for name in sorted(recorded | set(project.config.functions)):
        try:
            function = project.catalog.get(name)
        except ReplayError as error:
            yield _problem("functions", error)
            continue
        findings = [*_code(function, project.config.root), *_timeouts(function)]
        if not any(finding.level == "problem" for finding in findings):
            yield Finding(check="functions", level="ok", what=f"{name}: {function.handler} in {function.code}")
        yield from findings


def _code(function: Function, root: Path) -> Iterator[Finding]:
    """Look for handler and setup in the files, without running any of them."""
    if not function.runtime.startswith("python"):
        return
    folders = (function.code, *function.layers, *(layer / "python" for layer in function.layers))
    module, _, name = function.handler.rpartition(".")
    missing = _missing_in(folders, module.replace("/", "."), name)
    if missing:
        yield Finding(
            check="functions",
            level="problem",
            what=f"{function.name}: the handler {function.handler} is not there: {missing}",
            hint=f"correct the handler or its code folder, {function.code}",
        )
    if function.setup:
        module, _, name = function.setup.partition(":")
        missing = _missing_in((*folders, root), module, name)
        if missing:
            yield Finding(
                check="functions",
                level="problem",
                what=f"{function.name}: setup = {function.setup!r} is not there: {missing}",
                hint=f"correct it in [tool.replay.functions.{function.name}]",
            )
    here = f"python{sys.version_info.major}.{sys.version_info.minor}"
    if function.runtime != here:
        yield Finding(
            check="functions",
            level="note",
            what=f"{function.name} runs on {here} here, and on {function.runtime} on AWS",
            hint=f"run replay with {function.runtime} where the difference matters",
        )


def _missing_in(folders: Sequence[Path], module: str, name: str) -> str:
    """Say what of `module` and its top-level *name* is missing in *folders*, or nothing."""
    if not module or not name:
        return "it does not name a module and a function"
    path = Path(*module.split("."))
    files = [folder / each for folder in folders for each in (path.with_suffix(".py"), path / "__init__.py")]
    found = next((file for file in files if file.is_file()), None)
    if found is None:
        return "" if _is_installed(module) else f"there is no {path}.py"
    try:
        tree = ast.parse(found.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError) as error:
        return f"{found.name} cannot be read: {type(error).__name__}"
    return "" if name in _top_level_names(tree) else f"{found.name} has no {name}"


def _is_installed(module: str) -> bool:
    """Say whether a package of this Python could hold *module*; nothing is imported for that."""
    try:
        return importlib.util.find_spec(module.partition(".")[0]) is not None
    except (ImportError, ValueError):
        return False


def _top_level_names(tree: ast.Module) -> set[str]:
    """List every name that a module could have: also those bound inside `if`, `try` or by an import."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.alias):
            names.add((node.asname or node.name).partition(".")[0])
    return names


def _timeouts(function: Function) -> Iterator[Finding]:
    """
    Compare each queue's visibility timeout with the function's timeout.

    Source: Lambda Developer Guide, "Using Lambda with Amazon SQS": at least six times, and never less than once.
    """
    timeout_s = function.timeout_s
    for source in function.event_sources:
        visible_s = source.visibility_timeout_s
        if source.kind != "sqs" or visible_s is None or visible_s >= _ADVISED_TIMES * timeout_s:
            continue
        too_short = visible_s < timeout_s
        refused = "; Lambda refuses that" if too_short else ""
        advised = f"at least {_ADVISED_TIMES * timeout_s:g} s, six times the timeout"
        yield Finding(
            check="functions",
            level="problem" if too_short else "note",
            what=f"{function.name} has {timeout_s:g} s, and its queue hides a message for {visible_s} s only{refused}",
            hint=f"give the queue a VisibilityTimeout of {advised}, as AWS advises",
        )


def _credentials(*, aws: bool) -> Iterator[Finding]:
    from replay.readers.aws_errors import aws_errors
    from replay.readers.clients import aws_client

    try:
        with aws_errors(where="doctor"):
            endpoint = aws_client("sqs").meta.endpoint_url  # sts alone would not mind that no region is set
            if not aws:
                what = f"a region is set; calls would go to {endpoint}"
                yield Finding(check="aws", level="ok", what=what, hint="--aws asks who you are")
                return
            identity = aws_client("sts").get_caller_identity()
    except ReplayError as error:
        yield Finding(check="aws", level="problem" if aws else "note", what=error.what, hint=error.hint)
    else:
        yield Finding(check="aws", level="ok", what=f"account {identity['Account']} as {identity['Arn']}")


def _guarded(check: str, look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from look()
    except ReplayError as error:
        yield _problem(check, error)


def _problem(check: str, error: ReplayError) -> Finding:
    what = f"{error.what} ({error.where})" if error.where else error.what
    return Finding(check=check, level="problem", what=what, hint=error.hint or error.expected)
