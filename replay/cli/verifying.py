"""What commands that redact do when they are done: replay what they wrote, and say what that showed."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from replay.cli.options import write_line
from replay.project import Project

if TYPE_CHECKING:
    from replay.verifier import Verified
    from replay.verifier.events_before import EventsBefore


def verify_options(made: Callable[..., Any]) -> Any:
    """Add the options of verification to a command."""
    made = click.option(
        "--no-verify",
        is_flag=True,
        help="Do not replay what was redacted to see whether it still fails as before.",
    )(made)
    return click.option(
        "--keep-raw",
        multiple=True,
        metavar="PATH",
        help="A value that may stay as it is if the failure depends on it: a JSON Pointer, or a glob.",
    )(made)


def tell_verified(
    project: Project, events: "EventsBefore", keep_raw: Sequence[str], *, as_json: bool
) -> "list[Verified]":
    """Verify the fixtures of *events*, and tell what that showed."""
    from replay.reports.verification import verification_document, verification_lines
    from replay.verifier import verify_fixtures

    found = list(verify_fixtures(project, events, keep_raw=keep_raw)) if events else []
    if as_json:
        for each in found:
            write_line(verification_document(each))
    else:
        for line in verification_lines(found, events.left_out):
            click.echo(line, err=True)
    return found
