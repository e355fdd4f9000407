"""`replay prune`: remove fixtures that the corpus can do without."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from replay.cli.exits import AS_EXPECTED, COULD_NOT_RUN, tell_error
from replay.cli.options import dispensable_options, fixtures_option, json_option, write_line
from replay.corpus import Dispensable, dispensable, prune
from replay.counted_nouns import counted
from replay.errors import ConfigurationError
from replay.fixtures.store import FixtureProblem
from replay.project import open_project, select_fixtures


@click.command("prune")
@click.argument("patterns", nargs=-1, metavar="[PATTERN…]")
@dispensable_options
@click.option("--dry-run", is_flag=True, help="Only say what would be removed, and why.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@fixtures_option
@json_option
def command(
    patterns: tuple[str, ...],
    duplicates: bool,
    stale: bool,
    unused: bool,
    before: str | None,
    dry_run: bool,
    yes: bool,
    fixtures_folder: Path | None,
    as_json: bool,
) -> None:
    """
    Remove fixtures that the corpus can do without, after saying which and why.

    One that cannot be read is never removed (exit code 2).
    """
    if not (duplicates or stale or unused or before):
        raise ConfigurationError(
            "say which fixtures are not needed",
            where="replay prune",
            expected="--duplicates, --stale, --unused or --before MOMENT",
        )
    project = open_project(fixtures=fixtures_folder)
    references = select_fixtures(project, patterns)
    found = list(dispensable(project, references, duplicates=duplicates, stale=stale, unused=unused, before=before))
    plan = [each for each in found if isinstance(each, Dispensable)]
    unreadable = [each for each in found if isinstance(each, FixtureProblem)]
    if not as_json:
        _show(plan, total=len(references))
    go = bool(plan) and not dry_run and (yes or _agreed(len(plan), as_json=as_json))
    removed = prune(project, plan) if go else 0
    if as_json:
        for each in plan:
            write_line({"type": "dispensable", **_named(each), "reasons": list(each.reasons), "removed": go})
        write_line({"type": "summary", "total": len(references), "dispensable": len(plan), "removed": removed})
    elif go:
        click.echo(f"{counted(removed, 'fixture')} removed")
    for problem in unreadable:
        tell_error(problem.error)
    sys.exit(COULD_NOT_RUN if unreadable else AS_EXPECTED)


def _show(plan: Sequence[Dispensable], *, total: int) -> None:
    for each in plan:
        click.echo(f"{each.fixture.reference}  {'; '.join(each.reasons)}")
    click.echo(f"{len(plan):,} of {counted(total, 'fixture')} can go" if plan else "nothing to remove")


def _agreed(count: int, *, as_json: bool) -> bool:
    if as_json or not sys.stdin.isatty():
        raise ConfigurationError(
            f"{counted(count, 'fixture')} would be removed, and nobody is there to agree",
            where="replay prune",
            hint="--dry-run shows them, --yes removes them",
        )
    return click.confirm(f"Remove {counted(count, 'fixture')}?")


def _named(each: Dispensable) -> dict[str, str]:
    return {"fixture": each.fixture.reference.id, "name": str(each.fixture.reference)}
