"""`replay show`: one fixture for human eyes."""

from pathlib import Path

import click

from replay.cli.options import fixtures_option, json_option, write_line
from replay.project import load_fixture, open_project
from replay.reports.fixture_card import fixture_card, fixture_document


@click.command("show")
@click.argument("fixture", metavar="ID")
@click.option("--event", is_flag=True, help="Print event.json itself, exactly (for jq, `aws lambda invoke`, `sam`).")
@fixtures_option
@json_option
def command(fixture: str, event: bool, fixtures_folder: Path | None, as_json: bool) -> None:
    """Show one fixture: what failed, where it comes from, what was redacted, what is expected, and its payload."""
    project = open_project(fixtures=fixtures_folder)
    found = load_fixture(project, fixture)
    if as_json:
        write_line(fixture_document(found, event=True))
        write_line({"type": "summary", "total": 1})
    elif event:
        click.echo(found.event_text.encode("utf-8", "surrogatepass"), nl=False)
    else:
        click.echo(fixture_card(found, options=project.fixtures_option))
