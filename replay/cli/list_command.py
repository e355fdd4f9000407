"""`replay list`: the fixtures we have."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from replay.cli.options import fixtures_option, json_option, where_option, write_line
from replay.fixtures.fixture import Fixture
from replay.fixtures.store import FixtureProblem
from replay.project import open_project, select_fixtures
from replay.reports.explanation import headline
from replay.reports.fixture_card import fixture_document
from replay.reports.json_lines import problem, reference_document


@click.command("list")
@click.argument("patterns", nargs=-1, metavar="[PATTERN…]")
@where_option
@fixtures_option
@json_option
def command(patterns: tuple[str, ...], where: str | None, fixtures_folder: Path | None, as_json: bool) -> None:
    """
    List the fixtures: name, event source, failure, what is expected, when recorded.

    PATTERN is a glob over FUNCTION/NAME, or an id.
    """
    project = open_project(fixtures=fixtures_folder)
    loaded = project.store.load_all(select_fixtures(project, patterns, where=where))
    if as_json:
        _write_json(loaded)
    else:
        _write_table(list(loaded))


def _write_json(loaded: Iterator[Fixture | FixtureProblem]) -> None:
    total = unreadable = 0
    for each in loaded:
        total += 1
        if isinstance(each, FixtureProblem):
            unreadable += 1
            write_line({"type": "fixture", **reference_document(each.reference), **problem(each.error)})
        else:
            write_line(fixture_document(each))
    write_line({"type": "summary", "total": total, "unreadable": unreadable})


def _write_table(loaded: Sequence[Fixture | FixtureProblem]) -> None:
    width = max((len(each.reference.name) for each in loaded), default=0)
    function = None
    for each in loaded:
        if each.reference.function != function:
            function = each.reference.function
            count = sum(1 for other in loaded if other.reference.function == function)
            click.echo(f"{click.style(function, bold=True)}  {count} fixture{'s' if count != 1 else ''}")
        if isinstance(each, FixtureProblem):
            click.echo(f"  {each.reference.name:<{width}}  {click.style(each.error.what, fg='magenta')}")
        else:
            click.echo(f"  {each.reference.name:<{width}}  {_row(each)}")
    if not loaded:
        click.echo("no fixtures yet: record some with `replay record sqs --queue NAME --function NAME`", err=True)


def _row(fixture: Fixture) -> str:
    failure = fixture.failure
    what = headline(failure.error_type, failure.message, limit=48) if failure else "failure not known yet"
    color = {"succeeds": "green", "now": "green"}.get(fixture.expectation.wants, "yellow")
    expects = click.style(f"{fixture.expectation.wants:<10}", fg=color)
    return f"{fixture.kind:<8}  {expects}  {fixture.provenance.recorded_at[:10]}  {what}"
