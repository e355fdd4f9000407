"""A user's project: its configuration, fixtures and functions, and what the front doors do with them."""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from replay.config import Config, load_config
from replay.errors import ConfigurationError, ReplayError
from replay.fixtures.fixture import Fixture, FixtureReference
from replay.fixtures.store import FixtureProblem, Store
from replay.functions.catalog import Catalog
from replay.functions.function import Function
from replay.payloads.captures import Event
from replay.payloads.event_patterns import compile_pattern
from replay.payloads.event_views import matches
from replay.replayer import Replayer, RunEvent, run
from replay.targets.base import Invoker

if TYPE_CHECKING:  # who replays need not wait for all that records
    from replay.recorder import RecordingSummary
    from replay.redaction.redactor import Redactor
    from replay.sources.base import Source


@dataclass(frozen=True)
class Project:
    """
    The project around a folder.

    `store` holds its fixtures; `catalog` its functions, whose templates are read only when one is asked for.
    """

    config: Config

    @cached_property
    def store(self) -> Store:
        return Store(self.config.fixtures)

    @cached_property
    def catalog(self) -> Catalog:
        return self.config.catalog()

    @cached_property
    def redactor(self) -> "Redactor":
        from replay.redaction.redactor import Redactor
        from replay.redaction.settings import RedactionSettings, project_key

        key = partial(project_key, self.config.root)
        return Redactor(RedactionSettings.read(self.config.redaction, key=key))

    def open_invoker(self, function: Function, *, target: str = "local", cold: bool = False) -> Invoker:
        """
        Make the target *target* ready to invoke *function*.

        Raises:
            ConfigurationError: There is no such target.
        """
        from replay.targets.registry import open_target

        if target == "local" and _needs_a_child(function):
            target = "process"
        return open_target(target, function, cold=cold, project=self.config.root)

    def replayer(self, *, target: str = "local", cold: bool = False, red: bool = False, pin: bool = True) -> Replayer:
        """Make a replayer for fixtures one by one; close it when done. Arguments as of `replay_fixtures`."""
        return Replayer(
            self.store,
            functions=self.catalog.get,
            open_invoker=partial(self.open_invoker, target=target, cold=cold),
            red=red,
            pin=pin,
        )


def _needs_a_child(function: Function) -> bool:
    return function.isolation == "process" or bool(function.command) or not function.runtime.startswith("python")


def open_project(start: Path | None = None, *, fixtures: Path | None = None) -> Project:
    """
    Find the project around *start* (default: the working directory).

    Args:
        fixtures: Another folder of fixtures than the configured one.

    Raises:
        ConfigurationError: `[tool.replay]` cannot be used.
    """
    config = load_config(start)
    return Project(config=replace(config, fixtures=fixtures.absolute()) if fixtures else config)


def select_fixtures(
    project: Project, patterns: Sequence[str] = (), *, where: str | Mapping[str, Any] | None = None
) -> list[FixtureReference]:
    """
    List the fixtures that *patterns* name, by full name or id, and whose event the pattern *where* matches.

    Fixtures that cannot be read are left in, so that whoever uses the list reports them.

    Raises:
        FixtureError: A pattern names nothing, or there is no folder of fixtures.
        InvalidEventPattern: *where* is not a pattern.
    """
    references = project.store.references(patterns)
    if where is None:
        return references
    pattern = compile_pattern(where)
    return [
        loaded.reference
        for loaded in project.store.load_all(references)
        if isinstance(loaded, FixtureProblem) or matches(pattern, Event(text=loaded.event_text, kind=loaded.kind))
    ]


def replay_fixtures(
    project: Project,
    references: Sequence[FixtureReference],
    *,
    target: str = "local",
    repeat: int = 1,
    cold: bool = False,
    red: bool = False,
    pin: bool = True,
) -> Generator[RunEvent, None, None]:
    """
    Replay *references* and judge each: the events of a run, as they happen.

    Args:
        repeat: How often to replay each; outcomes that disagree are `flaky`.
        cold: Import the function afresh for every event, as a cold start does.
        red: Make a reproduction unexpected too, for who is mending it.
        pin: Whether the first local failure of a fixture that knew none becomes its expected one.

    Raises:
        ConfigurationError: There is no such target, or nothing is to be repeated.
    """
    from replay.targets.registry import target_class

    if repeat < 1:
        raise ConfigurationError(
            "--repeat must be at least 1", where=f"--repeat {repeat}", hint="leave it out, or give 2"
        )
    target_class(target)
    return run(
        project.store,
        references,
        functions=project.catalog.get,
        open_invoker=partial(project.open_invoker, target=target, cold=cold),
        repeat=repeat,
        red=red,
        pin=pin,
    )


def record_events(
    project: Project,
    source: "Source",
    *,
    function: str,
    where: str | Mapping[str, Any] | None = None,
    since: str | datetime | None = None,
    until: str | datetime | None = None,
    limit: int | None = None,
    progress: Callable[[int, int | None], object] | None = None,
) -> "RecordingSummary":
    """
    Record what *source* gives into the project's fixtures, redacted by the project's rules.

    See `replay.recorder.record` for arguments and errors.
    """
    from replay.recorder import record

    return record(
        source,
        store=project.store,
        function=function,
        redact=project.redactor,
        where=where,
        since=since,
        until=until,
        limit=limit,
        progress=progress,
    )


def load_fixture(project: Project, pattern: str) -> Fixture:
    """
    Load the one fixture that *pattern* names.

    Raises:
        FixtureError: It names none, or more than one, or the fixture cannot be read.
    """
    references = project.store.references([pattern])
    if len(references) > 1:
        raise ConfigurationError(
            f"{pattern!r} names {len(references)} fixtures",
            where=", ".join(map(str, references[:5])) + (", …" if len(references) > 5 else ""),  # noqa: PLR2004 - enough
            expected="one fixture",
            hint="give the full name of one of them",
        )
    return project.store.load(references[0])


def unknown_function(project: Project, name: str) -> str:
    """Say in one sentence why the function *name* could not be replayed here, or nothing where it is known."""
    try:
        project.catalog.get(name)
    except ReplayError as error:
        told = "; ".join(filter(None, (error.what, error.expected and f"expected: {error.expected}", error.hint)))
        return f"these fixtures cannot be replayed here yet: {told}"
    return ""
