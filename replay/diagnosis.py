"""What is misconfigured, and how to mend it: every check looks, none changes anything."""

import os
import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from replay.errors import ReplayError
from replay.fixtures.fixture import Fixture
from replay.fixtures.store import FixtureProblem
from replay.project import Project, open_project

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
    good = 0
    for loaded in store.load_all(store.references()):
        findings = list(_fixture(loaded, project))
        good += not findings
        yield from findings
    yield Finding(check="fixtures", level="ok", what=f"{good} sound fixtures in {folder}")


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
        yield Finding(
            check="fixtures",
            level="note",
            what=f"{loaded.reference}: event.json was edited by hand since it was recorded",
            hint="record it again, or accept the edit with `replay expect`",
        )


def _functions(project: Project) -> Iterator[Finding]:
    names = (
        {reference.function for reference in project.store.references()} if project.config.fixtures.is_dir() else set()
    )
    for name in sorted(names | set(project.config.functions)):
        try:
            function = project.catalog.get(name)
        except ReplayError as error:
            yield _problem("functions", error)
        else:
            yield Finding(check="functions", level="ok", what=f"{name}: {function.handler} in {function.code}")


def _credentials(*, aws: bool) -> Iterator[Finding]:
    from replay.readers.aws_errors import aws_errors
    from replay.readers.clients import aws_client

    try:
        with aws_errors(where="doctor"):
            client = aws_client("sts")
            if not aws:
                where = client.meta.endpoint_url
                yield Finding(
                    check="aws",
                    level="ok",
                    what=f"a region is set; calls would go to {where}",
                    hint="--aws asks who you are",
                )
                return
            identity = client.get_caller_identity()
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
