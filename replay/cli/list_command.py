"""`replay list`: the fixtures we have."""

import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from replay.cli.exits import COULD_NOT_RUN, tell_error
from replay.cli.options import fixtures_option, json_option, where_option, write_line
from replay.counted_nouns import counted
from replay.fixtures.fixture import Fixture
from replay.fixtures.store import FixtureProblem
from replay.project import open_project, select_fixtures
from replay.reports.expectation_words import headline
from replay.reports.fixture_card import fixture_document
from replay.reports.json_lines import problem, reference_document
from replay.reports.visible_text import one_line

_NOTHING_YET = "no fixtures yet: record some with `replay record sqs --queue NAME --function NAME`"
_BESIDE = len("    sqs       reproduces  2026-11-21  ")
_ROOM = 80
_LEAST_ROOM = 24
"""How long a failure is written: what the terminal has left, within these bounds."""
_NO_MATCH = "no fixture has an event that matches --where"


@click.command("list")
@click.argument("patterns", nargs=-1, metavar="[PATTERN…]")
@where_option
@fixtures_option
@json_option
def command(patterns: tuple[str, ...], where: str | None, fixtures_folder: Path | None, as_json: bool) -> None:
    """
    List the fixtures: name, event source, failure, what is expected, when recorded.

    PATTERN is a glob over FUNCTION/NAME, or an id. Exit code 2: there is a fixture that cannot be read.
    """
    project = open_project(fixtures=fixtures_folder)
    references = select_fixtures(project, patterns, where=where)
    loaded = project.store.load_all(references)
    unreadable = _write_json(loaded) if as_json else _write_table(list(loaded))
    if not as_json and not references:
        click.echo(_NO_MATCH if where else _NOTHING_YET, err=True)
    for each in unreadable:
        tell_error(each.error)
    if unreadable:
        sys.exit(COULD_NOT_RUN)


def _write_json(loaded: Iterator[Fixture | FixtureProblem]) -> list[FixtureProblem]:
    total = 0
    unreadable = []
    for each in loaded:
        total += 1
        if isinstance(each, FixtureProblem):
            unreadable.append(each)
            write_line({"type": "fixture", **reference_document(each.reference), **problem(each.error)})
        else:
            write_line(fixture_document(each))
    write_line({"type": "summary", "total": total, "unreadable": len(unreadable)})
    return unreadable


def _write_table(loaded: Sequence[Fixture | FixtureProblem]) -> list[FixtureProblem]:
    width = max((len(each.reference.name) for each in loaded), default=0)
    room = shutil.get_terminal_size().columns - _BESIDE if sys.stdout.isatty() else _ROOM + width
    function = None
    for each in loaded:
        if each.reference.function != function:
            function = each.reference.function
            count = sum(1 for other in loaded if other.reference.function == function)
            click.echo(f"{click.style(function, bold=True)}  {counted(count, 'fixture')}")
        if isinstance(each, FixtureProblem):
            click.echo(f"  {each.reference.name:<{width}}  {click.style(one_line(each.error.what), fg='magenta')}")
        else:
            click.echo(f"  {each.reference.name:<{width}}  {_row(each, room=room - width)}")
    return [each for each in loaded if isinstance(each, FixtureProblem)]


def _row(fixture: Fixture, *, room: int) -> str:
    failure = fixture.failure
    limit = max(_LEAST_ROOM, min(_ROOM, room))
    what = headline(failure.error_type, failure.message, limit=limit) if failure else "failure not known yet"
    color = {"succeeds": "green", "now": "green"}.get(fixture.expectation.wants, "yellow")
    expects = click.style(f"{fixture.expectation.wants:<10}", fg=color)
    return f"{fixture.kind:<8}  {expects}  {fixture.provenance.recorded_at[:10]}  {what}"
