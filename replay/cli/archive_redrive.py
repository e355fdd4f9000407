"""`replay redrive` of an archive: planned, agreed to, started, and followed to its end."""

import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from typing import Any

import click

from replay.cli.exits import AS_EXPECTED, ended_properly
from replay.cli.options import write_line
from replay.cli.sending_options import agree, show_plan
from replay.errors import ConfigurationError
from replay.project import Project
from replay.redriver.preparing import RedriveRequest
from replay.redriver.preparing_archive import ArchiveRequest, PreparedArchiveRedrive, prepare_archive_redrive
from replay.sources.moments import moment
from replay.targets.bus_parts.archive_replays import ReplayProgress
from replay.targets.guard_rails.plan import plan_document


def archive_request(
    request: RedriveRequest, *, rules: Sequence[str], other_rules: bool, since: str | None, until: str | None
) -> ArchiveRequest:
    """
    Read what the command line says of an archive.

    Raises:
        ConfigurationError: A moment is none.
    """
    now = datetime.now(UTC)
    return ArchiveRequest(
        request=request,
        rules=tuple(rules),
        other_rules=other_rules,
        since=moment(since, now=now, option="--since") if since else None,
        until=moment(until, now=now, option="--until") if until else None,
    )


def refuse_for_queues(**given: object) -> None:
    """
    Refuse options of archives for a queue.

    Raises:
        ConfigurationError: One is given.
    """
    for name, value in given.items():
        if value:
            flag = f"--{name.replace('_', '-')}"
            raise ConfigurationError(
                f"{flag} is for archives",
                where=flag,
                expected="archive:NAME, or an archive's ARN, to redrive from",
                hint="leave it out",
            )


def redrive_archive(project: Project, asked: ArchiveRequest, *, unjudged: bool, yes: bool, as_json: bool) -> None:
    """Replay an archive to the rules that are meant; without `--execute` end behind the plan."""
    request = asked.request
    if not unjudged or request.judge:
        raise ConfigurationError(
            "nobody can judge the events of an archive: EventBridge replays all of the time that is asked for",
            where=f"--judge {request.judge}" if request.judge else request.queue,
            expected="--all",
            hint="to judge them first: replay record eventbridge-archive …, replay run",
        )
    for flag, given in (("--rate", request.pace.rate_per_s), ("--limit", request.limit), ("--to", request.to)):
        if given:
            raise ConfigurationError(
                f"{flag} is for queues: EventBridge replays an archive as fast as it can, to rules of its bus",
                where=flag,
                hint="leave it out; --since and --until bound what is replayed",
            )
    prepared = prepare_archive_redrive(project, asked)
    if as_json:
        window = prepared.redrive.window
        write_line({**plan_document(prepared.plan), "since": window.start.isoformat(), "until": window.end.isoformat()})
    else:
        show_plan(prepared.plan)
        click.echo(prepared.about, err=True)
    if not request.execute:
        click.echo("nothing was replayed: add --execute", err=True)
        return
    agree(prepared.plan, yes=yes)
    _follow(prepared, as_json=as_json)
    sys.exit(AS_EXPECTED)


def _follow(prepared: PreparedArchiveRedrive, *, as_json: bool) -> None:
    with ended_properly(), ExitStack() as stack:
        tell = _json_line if as_json else _on_terminal(stack) if sys.stderr.isatty() else _when_it_changes()
        for progress in stack.enter_context(closing(prepared.events())):
            tell(progress)


def _json_line(progress: ReplayProgress) -> None:
    write_line(_document(progress))


def _on_terminal(stack: ExitStack) -> Callable[[ReplayProgress], None]:
    """Keep one line up to date."""
    from replay.reports.progress_line import ProgressLine

    line = ProgressLine(lambda text: click.echo(text, nl=False, err=True))
    stack.callback(line.clear)

    def tell(progress: ReplayProgress) -> None:
        line.tell(str(progress))
        if progress.has_ended:
            line.clear()
            click.echo(str(progress), err=True)

    return tell


def _when_it_changes() -> Callable[[ReplayProgress], None]:
    """Write a line for each state that it comes to: a log needs no more."""
    told: set[str] = set()

    def tell(progress: ReplayProgress) -> None:
        if progress.state not in told:
            told.add(progress.state)
            click.echo(str(progress), err=True)

    return tell


def _document(progress: ReplayProgress) -> dict[str, Any]:
    until = progress.replayed_until.isoformat() if progress.replayed_until else None
    return {
        "type": "progress",
        "replay": progress.name,
        "status": progress.state,
        "replayed_until": until,
        "share": None if progress.share is None else round(progress.share, 4),
        "reason": progress.reason,
    }
