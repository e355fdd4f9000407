"""Whether event sources fit their function, and are still those with which its fixtures were recorded."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from replay.counted_nouns import counted
from replay.delivery.event_source_settings import current_settings
from replay.diagnosis.finding import Finding
from replay.errors import ReplayError
from replay.fixtures.store import FixtureProblem
from replay.functions.function import Function
from replay.functions.visibility_timeouts import ADVISED_TIMES, is_refused, short_visibility
from replay.payloads.event_sources import EventSource
from replay.project import Project

_CHECK = "event sources"
_SETTINGS = tuple(field.name for field in fields(EventSource) if field.name not in {"kind", "arn"})
_ARNS = frozenset({"dead_letter_queue", "on_failure", "on_success"})


def check_event_sources(project: Project) -> Iterator[Finding]:
    """Look at the queues of every function, and for settings that have changed since a fixture was recorded."""
    functions: dict[str, Function] = {}
    for name in _names(project):
        try:
            functions[name] = project.catalog.get(name)
        except ReplayError:  # which has been told already
            continue
    for function in {function.name: function for function in functions.values()}.values():
        yield from _visibility(function)
    yield from _changes(project, functions)


def _names(project: Project) -> list[str]:
    recorded = project.store.references() if project.config.fixtures.is_dir() else []
    return sorted({*project.catalog.names(), *(reference.function for reference in recorded)})


def _visibility(function: Function) -> Iterator[Finding]:
    """Compare each queue's visibility timeout with the function's timeout."""
    for source in function.event_sources:
        what = short_visibility(function, source)
        if not what:
            continue
        advised = f"at least {ADVISED_TIMES * function.timeout_s:g} s, six times the timeout"
        yield Finding(
            check=_CHECK,
            level="problem" if is_refused(function, source) else "note",
            what=what,
            hint=f"give the queue a VisibilityTimeout of {advised}, as AWS advises",
        )


def _changes(project: Project, functions: dict[str, Function]) -> Iterator[Finding]:
    if not project.config.fixtures.is_dir():
        return
    changes: Counter[tuple[str, str, str, str]] = Counter()
    for fixture in project.store.load_all(project.store.references()):
        if isinstance(fixture, FixtureProblem) or fixture.reference.function not in functions:
            continue
        function = functions[fixture.reference.function]
        changes.update(_differences(fixture.reference.function, fixture.event_source, function))
    for (name, setting, then, now), count in changes.items():
        yield Finding(
            check=_CHECK,
            level="note",
            what=f"{name}: {setting} was {then} when {counted(count, 'fixture was', 'fixtures were')} recorded, "
            f"and is {now} now; replays use {now}",
            hint=f"if {then} is still what production has, correct the template or "
            f"[tool.replay.functions.{name}] event_source",
        )


def _differences(name: str, recorded: EventSource, function: Function) -> Iterator[tuple[str, str, str, str]]:
    """Give the settings that a recording knew and that are others today."""
    today = current_settings(recorded, function.event_sources)
    for setting in _SETTINGS:
        then, now = getattr(recorded, setting), getattr(today, setting)
        if then in (None, (), False) or _comparable(setting, then) == _comparable(setting, now):
            continue
        yield name, setting, _words(then), _words(now)


def _comparable(setting: str, value: Any) -> Any:
    """Leave out what differs between production and a template anyway: the account and region of an ARN."""
    return str(value).rpartition(":")[2] if setting in _ARNS else value


def _words(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
