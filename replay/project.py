"""A user's project: its configuration, fixtures and functions, and recording into it; `fixture_runs` replays it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from replay.config import Config, load_config
from replay.errors import ConfigurationError, ReplayError
from replay.fixtures.fixture import Fixture, FixtureReference
from replay.fixtures.naming import check_function_name
from replay.fixtures.root_folder import check_writable
from replay.fixtures.store import FixtureProblem, Store
from replay.functions.catalog import Catalog
from replay.functions.function import Function
from replay.payloads.captures import Event
from replay.payloads.event_sources import EventSource

if TYPE_CHECKING:  # who replays need not wait for all that records, nor who records for all that replays
    from replay.enrichment.enrichment import LogPlace
    from replay.recorder import Progress, RecordingSummary
    from replay.redaction.redactor import Redactor
    from replay.replayer import Replayer
    from replay.sources.base import Recording, Source
    from replay.targets.base import Invoker
    from replay.targets.registry import NamedTarget

_SHORTEST_S = 30.0
"""What is deployed may have a longer timeout than what lies here."""


@dataclass(frozen=True)
class Project:
    """
    The project around a folder.

    `store` holds its fixtures; `catalog` its functions, whose templates are read only when one is asked for.
    `fixtures_option` is what a command needs to find the same fixtures, where they are not in the configured folder.
    `observe_for_s` is how long targets that give no answer are observed, whatever their sections say.
    """

    config: Config
    fixtures_option: tuple[str, ...] = ()
    observe_for_s: float | None = None

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

    def open_invoker(self, function: Function, *, target: str = "local", cold: bool = False) -> "Invoker":
        """
        Make the target *target* ready to invoke *function*: a kind of target, or one that the configuration names.

        Raises:
            ConfigurationError: There is no such target.
        """
        from replay.targets.registry import open_target

        named = self.target(target, cold=cold)
        kind = "process" if named.kind == "local" and needs_a_child(function) else named.kind
        return open_target(kind, function, project=self.config.root, **named.options)

    def target(self, name: str, *, cold: bool = False) -> "NamedTarget":
        """
        Find the target *name* in the configuration, or among the kinds of targets that there are.

        Raises:
            ConfigurationError: There is no such target, or its options cannot be used.
        """
        from replay.targets.registry import find_target

        found = find_target(name, self.config.targets, root=self.config.root, given={"cold": True} if cold else {})
        if self.observe_for_s is None or not found.takes("observe_for_s"):
            return found
        return replace(found, options={**found.options, "observe_for_s": self.observe_for_s})

    def is_deployed(self, name: str) -> bool:
        """
        Say whether the target *name* is reached through an endpoint of AWS, on this machine or beyond it.

        Raises:
            ConfigurationError: There is no such target, or its options cannot be used.
        """
        from replay.targets.guard_rails.deployed import Deployed
        from replay.targets.registry import target_class

        return issubclass(target_class(self.target(name).kind), Deployed)

    def replayer(self, *, target: str = "local", cold: bool = False, red: bool = False, pin: bool = True) -> "Replayer":
        """Make a replayer for fixtures one by one; close it when done. Arguments as of `replay_fixtures`."""
        from replay.replayer import Replayer

        return Replayer(
            self.store,
            functions=self.catalog.get,
            open_invoker=partial(self.open_invoker, target=target, cold=cold),
            red=red,
            pin=pin and not self.is_deployed(target),
            redactor=lambda: self.redactor,
            expect_options=self.fixtures_option,
            isolates=self.target(target).kind == "local",
        )


def needs_a_child(function: Function) -> bool:
    """Say whether *function* can be run locally in a process of its own only."""
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
    if fixtures is None:
        return Project(config=config)
    # Resolved only where it must be: a user knows a path again as it was written.
    folder = fixtures.resolve() if ".." in fixtures.parts else fixtures.absolute()
    option = () if folder == config.fixtures else ("--fixtures", str(fixtures))
    return Project(config=replace(config, fixtures=folder), fixtures_option=option)


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
    from replay.payloads.event_patterns import compile_pattern
    from replay.payloads.event_views import matches

    pattern = compile_pattern(where)
    return [
        loaded.reference
        for loaded in project.store.load_all(references)
        if isinstance(loaded, FixtureProblem) or matches(pattern, Event(text=loaded.event_text, kind=loaded.kind))
    ]


def record_events(
    project: Project,
    source: "Source",
    *,
    function: str,
    where: str | Mapping[str, Any] | None = None,
    since: str | datetime | None = None,
    until: str | datetime | None = None,
    limit: int | None = None,
    sample: int | None = None,
    keep_all: bool = False,
    packed: bool = False,
    again: bool = False,
    enrich: bool = True,
    progress: "Callable[[Progress], object] | None" = None,
    unredacted: Callable[[FixtureReference, str], object] | None = None,
    opened: "Callable[[Recording], object] | None" = None,
) -> "RecordingSummary":
    """
    Record what *source* gives into the project's fixtures, redacted by the project's rules.

    With *enrich*, how each failed is looked up in the log of the function, where the source is on AWS.
    See `replay.recorder.record` for the other arguments and errors.
    """
    from replay.recorder import record

    check_function_name(function)
    check_writable(project.config.fixtures)
    return record(
        source,
        store=project.store,
        function=function,
        redact=project.redactor,
        where=where,
        since=since,
        until=until,
        limit=limit,
        sample=sample,
        keep_all=keep_all,
        packed=packed,
        again=again,
        function_sources=_event_sources(project, function),
        logs=partial(log_place, project, function) if enrich else None,
        claim_checks=project.config.claim_checks,
        progress=progress,
        unredacted=unredacted,
        opened=opened,
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


def _event_sources(project: Project, name: str) -> tuple[EventSource, ...]:
    try:
        return project.catalog.get(name).event_sources
    except ReplayError:
        return ()  # a function need not be known to be recorded for


def log_place(project: Project, name: str) -> "LogPlace":
    """Say where the function *name* logs on AWS, as far as its template or the configuration tells."""
    from replay.enrichment.enrichment import LogPlace

    try:
        function = project.catalog.get(name)
    except ReplayError:
        return LogPlace(name=name)
    return LogPlace(name=function.name, log_group=function.log_group, timeout_s=max(function.timeout_s, _SHORTEST_S))


def unknown_function(project: Project, name: str) -> str:
    """Say in one sentence why the function *name* could not be replayed here, or nothing where it is known."""
    try:
        project.catalog.get(name)
    except ReplayError as error:
        told = "; ".join(filter(None, (error.what, error.expected and f"expected: {error.expected}", error.hint)))
        return f"these fixtures cannot be replayed here yet: {told}"
    return ""
