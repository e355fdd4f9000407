"""Options of commands that send something beyond this process, and how they ask before they do."""

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from replay.cli.options import write_line
from replay.errors import TargetRefused
from replay.targets.guard_rails.plan import Plan, plan_document, plan_lines

_Function = TypeVar("_Function", bound=Callable[..., Any])


def sending_options(function: _Function) -> _Function:
    """Add the options of pace (`--rate`, `--max-errors`, …), `--dry-run`, `--yes` and `--resume`."""
    options = (
        click.option("--rate", metavar="RATE", help="Send no faster than this: 5/s, 300/m, 100/h."),
        click.option("--ramp-up", metavar="TIME", help="Grow from nothing to the rate in this time: 30s, 5m."),
        click.option("--concurrency", default=1, show_default=True, metavar="N", help="How many are sent at once."),
        click.option("--max-errors", metavar="N|N%", help="Stop after more errors than this: 10, or 5% of all."),
        click.option("--stop-on-first", is_flag=True, help="Stop at the first error."),
        click.option("--dry-run", is_flag=True, help="Say what would be sent, and where; send nothing."),
        click.option("--yes", is_flag=True, help="Do not ask: for CI."),
        click.option(
            "--resume", metavar="RUN", help="Go on with a run that was broken off (`replay runs`, or `last`)."
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


def show_plan(plan: Plan) -> None:
    """Write the plan on stderr; nothing in it can act on a terminal."""
    from replay.reports.visible_text import visible

    for line in plan_lines(plan):
        click.echo(visible(line), err=True)


def is_only_planned(plan: Plan, *, dry_run: bool, as_json: bool) -> bool:
    """Show the plan, and say whether that was all that was asked for."""
    if dry_run and as_json:
        write_line(plan_document(plan))
    else:
        show_plan(plan)
    return dry_run


def agree(plan: Plan, *, yes: bool) -> None:
    """
    Ask whether *plan* is meant, where anything of it goes beyond this machine.

    Raises:
        TargetRefused: It was not agreed to, or there is nobody to ask.
    """
    if yes or not plan.must_be_confirmed:
        return
    where = ", ".join(destination.arn for destination in plan.destinations)
    if not sys.stdin.isatty():
        raise TargetRefused(
            "nobody can be asked whether this is meant: there is no terminal",
            where=where,
            expected="--yes, where no terminal is",
            hint="look at the plan with --dry-run, then add --yes",
        )
    if not click.confirm("Send it?", default=False, err=True):
        raise TargetRefused("not agreed to: nothing was sent", where=where)
