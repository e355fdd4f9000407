"""`replay expect`: accept a new expectation after a fix."""

from pathlib import Path
from typing import cast

import click

from replay.acceptance import Acceptable, expect
from replay.cli.options import fixtures_option, json_option, write_line
from replay.project import open_project, select_fixtures
from replay.reports.explanation import wanted
from replay.reports.fixture_card import fixture_document


@click.command("expect")
@click.argument("arguments", nargs=-1, required=True, metavar="PATTERN… reproduces|succeeds|now")
@fixtures_option
@json_option
def command(arguments: tuple[str, ...], fixtures_folder: Path | None, as_json: bool) -> None:
    """
    Accept a new expectation after a fix.

    \b
    reproduces  the recorded failure is a known bug
    succeeds    the function handles the event
    now         status and dispositions as they are at this moment: a right fix is
                often "dead-letter it", or to report one record of the batch
    """  # noqa: D301 - \b is how click is told to leave lines alone
    *patterns, wants = arguments
    if wants not in {"reproduces", "succeeds", "now"} or not patterns:
        raise click.UsageError("say which fixtures, and then one of: reproduces, succeeds, now")
    project = open_project(fixtures=fixtures_folder)
    changed = expect(project, select_fixtures(project, patterns), cast("Acceptable", wants))
    for fixture in changed:
        if as_json:
            write_line(fixture_document(fixture))
        else:
            click.echo(f"{fixture.reference}  now expected: {wanted(fixture.expectation)}")
    if as_json:
        write_line({"type": "summary", "total": len(changed)})
