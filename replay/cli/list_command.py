"""`replay list`: the fixtures we have."""

import shutil
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import cache, lru_cache
from pathlib import Path

import click

from replay.cli.exits import COULD_NOT_RUN, tell_error
from replay.cli.options import dispensable_options, fixtures_option, json_option, where_option, write_line
from replay.corpus import Coverage, Dispensable, coverage, dispensable
from replay.counted_nouns import counted
from replay.fixtures.fixture import Fixture, FixtureReference, FixtureSummary
from replay.fixtures.store import FixtureProblem
from replay.project import open_project, select_fixtures
from replay.reports.expectation_words import headline
from replay.reports.fixture_card import fixture_document
from replay.reports.line_parts import problem, reference_document
from replay.reports.visible_text import one_line

_NOTHING_YET = "no fixtures yet: record some with `replay record sqs --queue NAME --function NAME`"
_BESIDE = len("    sqs       reproduces  2026-11-21  ")
_ROOM = 80
_LEAST_ROOM = 24
"""How long a failure is written: what the terminal has left, within these bounds."""
_LINES_AT_ONCE = 500
"""Written one by one, a hundred thousand lines take longer than all else."""
_Reasons = Mapping[FixtureReference, tuple[str, ...]]
_NO_MATCH = "no fixture has an event that matches --where"


@click.command("list")
@click.argument("patterns", nargs=-1, metavar="[PATTERN…]")
@where_option
@dispensable_options
@click.option("--coverage", "as_coverage", is_flag=True, help="Only what they cover, by function.")
@fixtures_option
@json_option
def command(
    patterns: tuple[str, ...],
    where: str | None,
    duplicates: bool,
    stale: bool,
    unused: bool,
    before: str | None,
    as_coverage: bool,
    fixtures_folder: Path | None,
    as_json: bool,
) -> None:
    """
    List the fixtures: name, event source, failure, what is expected, when recorded.

    PATTERN is a glob over FUNCTION/NAME, or an id. Exit code 2: there is a fixture that cannot be read. With
    --duplicates, --stale, --unused or --before only those that `replay prune` would remove, and why.
    """
    project = open_project(fixtures=fixtures_folder)
    references = select_fixtures(project, patterns, where=where)
    if as_coverage:
        _write_coverage(coverage(project, references), as_json=as_json)
        return
    narrowed = duplicates or stale or unused or bool(before)
    if narrowed:
        found = list(dispensable(project, references, duplicates=duplicates, stale=stale, unused=unused, before=before))
        reasons = {each.fixture.reference: each.reasons for each in found if isinstance(each, Dispensable)}
        broken = {each.reference for each in found if isinstance(each, FixtureProblem)}
        references = [reference for reference in references if reference in reasons or reference in broken]
    else:
        reasons = {}
    store = project.store
    unreadable = (
        _write_json(store.load_all(references), reasons)
        if as_json
        else _write_table(store.summaries(references), references, reasons)
    )
    if not as_json and not references:
        click.echo(_nothing(where=where, narrowed=narrowed), err=True)
    for each in unreadable:
        tell_error(each.error)
    if unreadable:
        sys.exit(COULD_NOT_RUN)


def _write_coverage(rows: Sequence[Coverage], *, as_json: bool) -> None:
    for row in rows:
        if as_json:
            write_line({"type": "coverage", **asdict(row)})
            continue
        total = counted(sum(row.kinds.values()), "fixture")
        click.echo(f"{click.style(row.function, bold=True)}  {total}")
        for label, counts in (("from", row.kinds), ("failing by", row.classes)):
            if counts:
                click.echo(f"  {label:<10}  {', '.join(f'{name} {count:,}' for name, count in counts.items())}")
        if row.uncovered:
            click.echo(f"  {'none from':<10}  {click.style(', '.join(row.uncovered), fg='yellow')}")
    if as_json:
        write_line({"type": "summary", "functions": len(rows)})


def _nothing(*, where: str | None, narrowed: bool) -> str:
    return "nothing that the corpus could do without" if narrowed else _NO_MATCH if where else _NOTHING_YET


def _write_json(loaded: Iterator[Fixture | FixtureProblem], reasons: _Reasons) -> list[FixtureProblem]:
    total = 0
    unreadable = []
    for each in loaded:
        total += 1
        if isinstance(each, FixtureProblem):
            unreadable.append(each)
            write_line({"type": "fixture", **reference_document(each.reference), **problem(each.error)})
        else:
            why = reasons.get(each.reference)
            write_line({**fixture_document(each), **({"reasons": list(why)} if why else {})})
    write_line({"type": "summary", "total": total, "unreadable": len(unreadable)})
    return unreadable


def _write_table(
    summaries: Iterator[FixtureSummary | FixtureProblem], references: Sequence[FixtureReference], reasons: _Reasons
) -> list[FixtureProblem]:
    width = max((len(each.name) for each in references), default=0)
    room = shutil.get_terminal_size().columns - _BESIDE if sys.stdout.isatty() else _ROOM + width
    counts = Counter(each.function for each in references)
    function, unreadable, lines = None, [], list[str]()
    for each in summaries:
        if each.reference.function != function:
            function = each.reference.function
            lines.append(f"{click.style(function, bold=True)}  {counted(counts[function], 'fixture')}")
        if isinstance(each, FixtureProblem):
            unreadable.append(each)
            lines.append(f"  {each.reference.name:<{width}}  {click.style(one_line(each.error.what), fg='magenta')}")
        else:
            lines.append(f"  {each.reference.name:<{width}}  {_row(each, room=room - width)}")
            reasons_here = reasons.get(each.reference, ())
            lines += [f"  {'':<{width}}  {click.style(one_line(reason), dim=True)}" for reason in reasons_here]
        if len(lines) >= _LINES_AT_ONCE:
            click.echo("\n".join(lines))
            lines.clear()
    if lines:
        click.echo("\n".join(lines))
    return unreadable


def _row(fixture: FixtureSummary, *, room: int) -> str:
    what = _headline(*fixture.error, max(_LEAST_ROOM, min(_ROOM, room))) if fixture.error else "failure not known yet"
    edited = "  (edited by hand)" if fixture.edited else ""
    return f"{fixture.kind:<8}  {_expects(fixture.wants)}  {fixture.recorded_at[:10]}  {what}{edited}"


@lru_cache(maxsize=1_000)
def _headline(error_type: str, message: str, limit: int) -> str:
    return headline(error_type, message, limit=limit)


@cache
def _expects(wants: str) -> str:
    return click.style(f"{wants:<10}", fg={"succeeds": "green", "now": "green"}.get(wants, "yellow"))
