"""`replay record SOURCE`: capture failed events into fixtures."""

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from replay.cli.exits import AS_EXPECTED, COULD_NOT_RUN, INTERRUPTED, ended_properly
from replay.cli.groups import LazyGroup
from replay.cli.interruption import interruptible
from replay.cli.options import json_option, where_option, write_line
from replay.cli.source_options import build_options, click_options
from replay.cli.verifying import tell_verified, verify_options
from replay.errors import ConfigurationError
from replay.project import Project, log_place, open_project, record_events, unknown_function
from replay.recorder import DEFAULT_SAMPLE, RecordingSummary
from replay.reports.line_parts import reference_document
from replay.sources.base import Recording, Source
from replay.sources.registry import source_class, source_names

if TYPE_CHECKING:
    from replay.verifier.events_before import EventsBefore


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedSource:
    """A source as named on the command line: a kind of source, or `[tool.replay.sources.NAME]` with its settings."""

    source: type[Source]
    settings: Mapping[str, Any]
    where: str = ""


class SourceGroup(LazyGroup):
    """One subcommand per source; a source's module is imported only when it is named."""

    noun = "source"

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(dict.fromkeys((*source_names(), *sorted(open_project().config.sources))))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        named = named_source(cmd_name)
        return None if named is None else _command(cmd_name, named)

    def advice(self, ctx: click.Context, name: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,80}", name):
            return super().advice(ctx, name)
        return f'to call a source so: [tool.replay.sources.{name}] kind = "sqs" in pyproject.toml'

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [
            (name, f"{named.source.summary[:1].upper()}{named.source.summary[1:]}.")
            for name in self.list_commands(ctx)
            if (named := named_source(name))
        ]
        with formatter.section("Sources"):
            formatter.write_dl(rows)


@click.group("record", cls=SourceGroup)
def command() -> None:
    """
    Capture failed events from SOURCE into fixtures.

    Nothing is consumed by default, and secrets and personal data are replaced before anything is written.
    """


def named_source(name: str) -> NamedSource | None:
    """
    Find what *name* means: a section of the configuration, or a kind of source.

    Raises:
        ConfigurationError: The section's kind is no source.
    """
    configured = open_project().config.sources
    if name not in configured:
        return NamedSource(source=source_class(name), settings={}) if name in source_names() else None
    settings = dict(configured[name])
    where = f"[tool.replay.sources.{name}]"
    kind = settings.pop("kind", name)
    if kind not in source_names():
        near = get_close_matches(str(kind), source_names(), n=1)
        raise ConfigurationError(
            f"there is no source {kind!r}",
            where=where,
            expected=f"kind = one of {', '.join(source_names())}",
            hint=f'did you mean kind = "{near[0]}"?' if near else f'add kind = "{source_names()[0]}", say',
        )
    return NamedSource(source=source_class(kind), settings=settings, where=where)


def _command(name: str, named: NamedSource) -> click.Command:
    def run(
        function: str | None,
        where: str | None,
        since: str | None,
        until: str | None,
        limit: int | None,
        sample: int | None,
        keep_all: bool,
        packed: bool,
        again: bool,
        no_enrich: bool,
        no_verify: bool,
        keep_raw: tuple[str, ...],
        smallest: bool,
        out: Path | None,
        as_json: bool,
        **given: Any,
    ) -> None:
        settings = dict(named.settings)
        configured = settings.pop("function", None)
        function = _meant_function(name, named, function or configured)
        project = open_project(fixtures=out)
        given |= shared_options(named.source, project, function)
        options = build_options(named.source, given, settings, where=named.where, root=project.config.root)
        _record(
            project,
            named.source(options),
            function,
            where=where,
            since=since,
            until=until,
            limit=limit,
            sample=sample,
            keep_all=keep_all,
            packed=packed,
            again=again,
            enrich=not no_enrich,
            afterwards=_Afterwards(verify=not no_verify, keep_raw=keep_raw, minimize=smallest),
            as_json=as_json,
        )

    return with_common_options(
        click.Command(name, callback=run, help=f"Record {named.source.summary}.", params=[*click_options(named.source)])
    )


def _meant_function(name: str, named: NamedSource, function: object) -> str:
    if isinstance(function, str) and function:
        return function
    raise ConfigurationError(
        "say which function these events failed in",
        where=named.where or f"replay record {name}",
        expected="--function NAME",
        hint=f"replay record {name} --help",
    )


def with_common_options(made: click.Command) -> click.Command:
    """Add what every source understands, or what the recorder does for it."""
    made = click.option("--function", metavar="NAME", help="The function that these events failed in. [required]")(made)
    made = where_option(made)
    made = click.option("--since", metavar="WHEN", help="Only events sent since: `2h`, `3d`, or ISO 8601.")(made)
    made = click.option("--until", metavar="WHEN", help="Only events sent until: `2h` (ago), or ISO 8601.")(made)
    made = click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Stop after N events.")(made)
    made = click.option(
        "--sample",
        type=click.IntRange(min=1),
        metavar="N",
        help=f"Keep N events of each failure: the smallest, the first, the last, and small ones. "
        f"[default: {DEFAULT_SAMPLE}]",
    )(made)
    made = click.option(
        "--all", "keep_all", is_flag=True, help="Keep every event of each failure; --drain implies it."
    )(made)
    made = click.option(
        "--packed", is_flag=True, help="Write new fixtures as lines of a pack: one file, for thousands of events."
    )(made)
    made = click.option(
        "--again", is_flag=True, help="Bring fixtures of events that were recorded before up to date, as revisions."
    )(made)
    made = click.option(
        "--no-enrich", is_flag=True, help="Do not look up errors and log lines in the log of the function."
    )(made)
    made = verify_options(made)
    made = click.option(
        "--minimize",
        "smallest",
        is_flag=True,
        help="Cut each new fixture down to the smallest event that still fails in the same way.",
    )(made)
    made = click.option(
        "--out",
        type=click.Path(path_type=Path, file_okay=False),
        metavar="DIR",
        help="Folder of the fixtures (default: [tool.replay] fixtures, or ./fixtures).",
    )(made)
    return json_option(made)


def shared_options(source: type[Source], project: Project, function: str) -> dict[str, Any]:
    """Give the options of *source* that tell of the function: its name, and what the project knows of it."""
    shared = {field.name for field in fields(source.options) if field.metadata.get("shared")}
    known: dict[str, Any] = {"function": function}
    if "function_log_group" in shared:
        place = log_place(project, function)
        known |= {
            "function_physical_name": place.name,
            "function_log_group": place.log_group,
            "function_timeout_s": place.timeout_s,
        }
    return {name: value for name, value in known.items() if name in shared}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Afterwards:
    """What is done with new fixtures when the source has everything back."""

    verify: bool = True
    keep_raw: tuple[str, ...] = ()
    minimize: bool = False


def _record(
    project: Project, source: Source, function: str, *, afterwards: _Afterwards, as_json: bool, **selection: Any
) -> None:
    from replay.reports.recording import next_step, progress_bar, remark_lines, summary_document, summary_lines

    events = None
    if afterwards.verify and not unknown_function(project, function):
        from replay.verifier.events_before import EventsBefore

        events = EventsBefore()
    watched = sys.stderr.isatty() and not as_json
    unredacted = None if events is None else events.add
    with ended_properly(), _left_at_once() as opened, progress_bar(enabled=watched) as progress:
        summary = record_events(
            project, source, function=function, progress=progress, unredacted=unredacted, opened=opened, **selection
        )
    unknown = unknown_function(project, function) if summary.written or summary.duplicates else ""
    if unknown:
        summary = replace(summary, notes=(*summary.notes, unknown))
    if as_json:
        for reference in summary.written_references:
            write_line({"type": "recorded", **reference_document(reference)})
    else:
        for line in summary_lines(summary, project.config.fixtures):
            click.echo(line)
        for line in remark_lines(summary):
            click.echo(line, err=True)
    if not summary.interrupted:
        _finish(project, summary, events, afterwards, as_json=as_json)
    if as_json:
        write_line(summary_document(summary))
    elif summary.written and not unknown:
        click.echo(next_step(function, project.fixtures_option), err=True)
    sys.exit(INTERRUPTED if summary.interrupted else COULD_NOT_RUN if summary.problems else AS_EXPECTED)


@contextmanager
def _left_at_once() -> Iterator[Callable[[Recording], object]]:
    """Give what takes note of each recording, which a second Ctrl-C leaves with its words on what remains."""
    recordings: list[Recording] = []
    with interruptible(lambda: "; ".join(filter(None, (each.remains() for each in recordings)))):
        yield recordings.append


def _finish(
    project: Project,
    summary: RecordingSummary,
    events: "EventsBefore | None",
    afterwards: _Afterwards,
    *,
    as_json: bool,
) -> None:
    """Verify what was recorded, and minimise it, but for what no longer fails as it did: that is no smaller form."""
    found = tell_verified(project, events, afterwards.keep_raw, as_json=as_json) if events is not None else []
    if afterwards.minimize:
        from replay.cli.minimizing import tell_minimized

        others = {each.reference for each in found if each.verification.result == "differs"}
        same = [reference for reference in summary.written_references if reference not in others]
        tell_minimized(project, same, as_json=as_json)
