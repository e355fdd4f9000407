"""`replay redrive`: give those messages of a dead-letter queue back that now succeed, and only those; or an archive."""

import sys
from collections import Counter
from contextlib import closing
from dataclasses import asdict
from typing import Any

import click

from replay.cli.archive_redrive import archive_request, redrive_archive, refuse_for_queues
from replay.cli.exits import AS_EXPECTED, COULD_NOT_RUN, INTERRUPTED, UNEXPECTED, ended_properly
from replay.cli.options import json_option, write_line
from replay.cli.sending_options import agree, sending_options, show_plan
from replay.counted_nouns import counted
from replay.errors import ConfigurationError
from replay.project import Project, open_project
from replay.redriver.moving_all import PreparedMoveTask, prepare_move_of_all
from replay.redriver.preparing import LOCAL, PreparedRedrive, RedriveRequest, prepare_redrive
from replay.redriver.preparing_archive import archive_named
from replay.redriver.redrive_events import MessageOutcome, MessageSettled, RedriveFinished
from replay.replayer.pace import pace_of
from replay.targets.guard_rails.plan import Plan, plan_document

_WORDS = {
    "moved": "moved",
    "would_move": "would be moved: they succeed now",
    "still_fails": "still fail, and stay",
    "not_judged": "could not be judged, and stay",
    "not_sent": "could not be sent, and stay",
    "not_deleted": "were sent, and are in the dead-letter queue too: --resume deletes them",
    "came_back": "came back, having failed again",
}
_COULD_NOT: tuple[MessageOutcome, ...] = ("not_judged", "not_sent", "not_deleted")
_WEAK = "judged here, on a mocked and empty AWS: weak evidence; --judge lambda:FUNCTION asks a deployed function"


@click.command("redrive")
@click.argument("queue", metavar="QUEUE")
@click.option("--function", metavar="NAME", help="The function that failed, and judges now.")
@click.option(
    "--judge",
    metavar="TARGET",
    help="Where it judges: a target, lambda:FUNCTION, or local (weak evidence).  [default: the target staging]",
)
@click.option(
    "--to",
    metavar="QUEUE|lambda:NAME",
    help="Move them to that queue, or lambda:FUNCTION.  [default: each to where it failed]",
)
@click.option("--execute", is_flag=True, help="Move them; without it, only say what would be moved.")
@click.option("--all", "unjudged", is_flag=True, help="Move all of them, unjudged; where it can, SQS itself does.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Look at N messages at most.")
@click.option(
    "--deduplication-ids",
    type=click.Choice(["renew", "keep"]),
    default="renew",
    show_default=True,
    help="Of FIFO queues: a new id from the message's own, or the sender's, by which SQS may silently drop it.",
)
@click.option(
    "--visibility-timeout-s",
    type=click.IntRange(1, 43_200),
    metavar="SECONDS",
    help="For how long messages are leased at a time.",
)
@click.option("--rule", "rules", multiple=True, metavar="NAME", help="Of an archive: replay to this rule of its bus.")
@click.option("--other-rules", is_flag=True, help="Of an archive: other rules of its bus may get the events too.")
@click.option("--since", metavar="WHEN", help="Of an archive: only events since: `2h`, `3d`, or ISO 8601.")
@click.option("--until", metavar="WHEN", help="Of an archive: only events until then.")
@click.option("--region", metavar="REGION", help="The AWS region, unless the URL or ARN says it.")
@click.option("--profile", metavar="NAME", help="The AWS profile.")
@click.option("--endpoint-url", metavar="URL", help="Another endpoint than AWS's; `localstack` for LocalStack.")
@sending_options
@json_option
def command(
    queue: str,
    rate: str | None,
    ramp_up: str | None,
    concurrency: int,
    max_errors: str | None,
    stop_on_first: bool,
    dry_run: bool,
    yes: bool,
    resume: str | None,
    execute: bool,
    unjudged: bool,
    rules: tuple[str, ...],
    other_rules: bool,
    since: str | None,
    until: str | None,
    as_json: bool,
    **asked: Any,
) -> None:
    """
    Give back those messages of a dead-letter queue that now succeed, and only those.

    Each message is delivered to the mended function as its queue would hand it over. Without --execute nothing is
    moved. A message is deleted only once its queue has acknowledged it. The dead letters of a function go back into
    its own queue: it is invoked again. QUEUE may be archive:NAME, with --all: EventBridge replays it. Exit code 0: all
    of them (would be) moved; 1: some still fail, and stay; 2: something could not be judged or moved.
    """
    if dry_run and (execute or resume):
        raise ConfigurationError(
            "a dry run moves nothing", where="--dry-run with --execute or --resume", hint="leave out one of them"
        )
    execute = execute or bool(resume)
    pace = pace_of(
        rate=rate, concurrency=concurrency, max_errors=max_errors, stop_on_first=stop_on_first, ramp_up=ramp_up
    )
    known = {name: value for name, value in asked.items() if value is not None}
    request = RedriveRequest(queue=queue, execute=execute, pace=pace, resume=resume or "", **known)
    project = open_project()
    if archive_named(project, queue):
        archive = archive_request(request, rules=rules, other_rules=other_rules, since=since, until=until)
        redrive_archive(project, archive, unjudged=unjudged, yes=yes, as_json=as_json)
        return
    refuse_for_queues(rule=rules, other_rules=other_rules, since=since, until=until)
    if unjudged:
        _move_all(project, request, yes=yes, as_json=as_json)
    else:
        _move_judged(project, request, dry_run=dry_run, yes=yes, as_json=as_json)


def _move_judged(project: Project, request: RedriveRequest, *, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Show what is known before, ask, and move what succeeds."""
    prepared = prepare_redrive(project, request)
    _show(prepared.plan, as_json=as_json)
    if dry_run:
        click.echo("nobody was asked, and nothing was moved: without --dry-run they are judged", err=True)
        return
    if request.judge == LOCAL:
        click.echo(_WEAK, err=True)
    agree(prepared.plan, yes=yes)
    _move(prepared, as_json=as_json, execute=request.execute)


def _move(prepared: PreparedRedrive, *, as_json: bool, execute: bool) -> None:
    """Do it message by message, tell it, and end with the exit code that it has come to."""
    with ended_properly(), closing(prepared.events()) as events:
        for event in events:
            if isinstance(event, MessageSettled) and as_json:
                write_line(_message(event))
            elif isinstance(event, RedriveFinished):
                _tell_end(event, as_json=as_json, execute=execute)
                sys.exit(_exit_code(event))


def _show(plan: Plan, *, as_json: bool) -> None:
    if as_json:
        write_line(plan_document(plan))
    else:
        show_plan(plan)


def _move_all(project: Project, request: RedriveRequest, *, yes: bool, as_json: bool) -> None:
    """Move every message unjudged; without `--execute` end behind the plan."""
    for flag, given in (("--judge", request.judge), ("--function", request.function)):
        if given:
            raise ConfigurationError("nobody judges what is moved unjudged", where=f"--all {flag}", hint="leave it out")
    prepared = prepare_move_of_all(project, request)
    _show(prepared.plan, as_json=as_json)
    if not request.execute:
        click.echo("nothing was moved: add --execute", err=True)
        return
    agree(prepared.plan, yes=yes)
    if isinstance(prepared, PreparedRedrive):
        _move(prepared, as_json=as_json, execute=True)
    else:
        _follow(prepared, as_json=as_json)


def _follow(prepared: PreparedMoveTask, *, as_json: bool) -> None:
    """Let SQS itself do it, and tell how far it has come."""
    with ended_properly(), closing(prepared.events()) as events:
        for progress in events:
            if as_json:
                write_line({"type": "progress", **asdict(progress)})
            else:
                click.echo(f"{progress.moved:,} of {progress.to_move:,} moved, {progress.status.lower()}", err=True)
    sys.exit(COULD_NOT_RUN if progress.status != "COMPLETED" else AS_EXPECTED)


def _message(settled: MessageSettled) -> dict[str, Any]:
    return {
        "type": "message",
        "message_id": settled.message_id,
        "outcome": settled.outcome,
        "why": settled.why,
        "to": settled.to,
        "doubtful": settled.doubtful,
    }


def _tell_end(finished: RedriveFinished, *, as_json: bool, execute: bool) -> None:
    if as_json:
        write_line(_summary(finished))
    else:
        _write_table(finished, execute=execute)
    if finished.doubtful:
        about = counted(finished.doubtful, "message")
        click.echo(f"{about} may have arrived twice: an acknowledgement was lost; the ledger names them", err=True)
    for note in finished.notes:
        click.echo(f"note: {note}", err=True)
    if finished.stopped:
        click.echo(f"stopped {finished.stopped}", err=True)
    goes_on = finished.stopped or finished.interrupted or finished.unseen or finished.outcomes.get("not_deleted")
    if finished.run and goes_on:
        click.echo(f"go on with it: the same command with --resume {finished.run}", err=True)


def _write_table(finished: RedriveFinished, *, execute: bool) -> None:
    from replay.reports.visible_text import one_line

    for outcome, count in finished.outcomes.items():
        click.echo(f"{count:>7,}  {_WORDS[outcome]}")
        for (of, why), number in finished.reasons.items():
            if of == outcome:
                click.echo(f"{number:>15,}  {one_line(why)}")
    if finished.interrupted:
        click.echo("interrupted: what was not moved was given back, but for what is noted below", err=True)
    elif not finished.outcomes and not finished.unseen:
        click.echo("the queue is empty", err=True)
    if not execute and finished.outcomes.get("would_move"):
        click.echo("nothing was moved: add --execute", err=True)


def _summary(finished: RedriveFinished) -> dict[str, Any]:
    reasons: Counter[str] = Counter()
    for (_, why), count in finished.reasons.items():
        reasons[why] += count
    return {
        "type": "summary",
        "outcomes": dict(finished.outcomes),
        "reasons": dict(reasons),
        "doubtful": finished.doubtful,
        "unseen": finished.unseen,
        "interrupted": finished.interrupted,
        "stopped": finished.stopped,
        "run": finished.run,
        "notes": list(finished.notes),
    }


def _exit_code(finished: RedriveFinished) -> int:
    if finished.interrupted:
        return INTERRUPTED
    if finished.unseen or any(finished.outcomes.get(outcome) for outcome in _COULD_NOT):
        return COULD_NOT_RUN
    stays = finished.outcomes.get("still_fails") or finished.outcomes.get("came_back")
    return UNEXPECTED if stays or finished.stopped else AS_EXPECTED
