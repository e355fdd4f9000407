"""`replay run --events`: captured events that are no fixtures."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from replay.cli.exits import AS_EXPECTED, tell_error
from replay.cli.following import follow, options_given
from replay.cli.options import write_line
from replay.cli.sending_options import agree, is_only_planned
from replay.errors import ConfigurationError
from replay.project import Project
from replay.replayer import FixtureNotRun, FixtureReplayed, RunEvent, RunFinished
from replay.replayer.pace import Pace

if TYPE_CHECKING:  # most runs are of fixtures
    from replay.deployed_replay import PlannedEvents

_TOLD_ERRORS = 20
_FOR_FIXTURES = {
    "patterns", "baseline", "ignore", "red", "repeat", "cold", "twice", "no_pin", "faults", "junit", "where", "speed",
    "originals", "allow_pseudonyms", "fixtures_folder",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsAsked:
    """What the user has asked for; `place` is empty where a run is gone on with."""

    place: str
    function: str
    target: str
    resume: str
    dry_run: bool
    yes: bool
    as_json: bool


def run_events(project: Project, asked: EventsAsked, pace: Pace) -> None:
    """Replay captured events, tell it, and end with the exit code that it has come to; or end behind the plan."""
    from replay.deployed_replay import replay_events

    context = click.get_current_context()
    _refuse_for_events(context)
    planned = _planned(project, asked, pace)
    if planned.plan is not None:
        if is_only_planned(planned.plan, dry_run=asked.dry_run, as_json=asked.as_json):
            sys.exit(AS_EXPECTED)
        agree(planned.plan, yes=asked.yes)
    elif asked.dry_run:
        raise ConfigurationError(
            f"--dry-run is for deployed targets, and {asked.target} is none", where="--dry-run", hint="leave it out"
        )
    events = replay_events(project, planned, pace=pace, resume=asked.resume, agreed=True)
    follow(lambda _: events, [_listener(options_given(context), as_json=asked.as_json)])


def _refuse_for_events(context: click.Context) -> None:
    """Refuse what is said of fixtures only."""
    given = [name for name in _FOR_FIXTURES if context.get_parameter_source(name) is ParameterSource.COMMANDLINE]
    flags = [_flag(each) for each in context.command.params if each.name in given]
    if len(context.params["targets"]) > 1:
        flags.append("a second --target")
    for flag in flags:
        raise ConfigurationError(
            f"{flag} is for fixtures, and --events takes captured events as they are",
            where=flag,
            hint="leave it out; to keep events as fixtures: replay record files …",
        )


def _flag(parameter: click.Parameter) -> str:
    return "PATTERN" if isinstance(parameter, click.Argument) else max(parameter.opts, key=len)


def _planned(project: Project, asked: EventsAsked, pace: Pace) -> "PlannedEvents":
    """Count the events, and check where they would go; those of a run that is gone on with must be the same."""
    from replay.deployed_replay import begun_events, plan_events, refuse_others

    begun = begun_events(project, asked.resume) if asked.resume else None
    if begun is None:
        return plan_events(project, asked.place, target=asked.target, function=asked.function, pace=pace)
    planned = plan_events(
        project, begun.place, target=begun.target, function=begun.function, pace=pace, resume=asked.resume
    )
    refuse_others(planned, begun)
    return planned


def _listener(options: Sequence[str], *, as_json: bool) -> Callable[[RunEvent], object]:
    if as_json:
        return _json_writer()
    from replay.reports.event_groups import EventsConsole

    return EventsConsole(click.echo, options=options).notice


def _json_writer() -> Callable[[RunEvent], object]:
    from replay.reports.event_groups import EventGroups, event_document, groups_document
    from replay.reports.json_lines import summary_document

    groups = EventGroups()

    def write(event: RunEvent) -> None:
        groups.notice(event)
        if isinstance(event, FixtureReplayed | FixtureNotRun):
            write_line(event_document(event))
        elif isinstance(event, RunFinished):
            for first, _ in list(groups.not_run.values())[:_TOLD_ERRORS]:  # each reason is said once
                tell_error(first.error)
            summary: dict[str, Any] = {**summary_document(event), **groups_document(groups)}
            write_line(summary)

    return write
