"""`replay minimize`: cut fixtures down to what still fails in the same way."""

import sys
from pathlib import Path

import click

from replay.cli.exits import AS_EXPECTED, COULD_NOT_RUN, tell_error
from replay.cli.options import fixtures_option, json_option, write_line
from replay.counted_nouns import counted
from replay.minimizer import Minimized, NotMinimized, minimize_fixtures
from replay.minimizer.minimizing import MOST_PROBES, WITHIN_S
from replay.project import open_project, select_fixtures


@click.command("minimize")
@click.argument("patterns", nargs=-1, required=True, metavar="PATTERN…")
@click.option(
    "--probes", type=click.IntRange(1), default=MOST_PROBES, show_default=True, help="At most so many replays of each."
)
@click.option(
    "--seconds", type=click.FloatRange(0.1), default=WITHIN_S, show_default=True, help="At most so long for each."
)
@click.option("--dry-run", is_flag=True, help="Only say how small they would become.")
@fixtures_option
@json_option
def command(
    patterns: tuple[str, ...],
    probes: int,
    seconds: float,
    dry_run: bool,
    fixtures_folder: Path | None,
    as_json: bool,
) -> None:
    """
    Cut fixtures down to the smallest event that still fails in the same way.

    Records go first, then keys, then parts of values, inside of JSON strings and base64 too; what AWS always sends
    around a payload stays. Each is replayed again and again on the local target; the result is a revision of the
    fixture. One that does not fail here stays as it is (exit code 2).
    """
    project = open_project(fixtures=fixtures_folder)
    references = select_fixtures(project, patterns)
    results: list[Minimized | NotMinimized] = []
    for each in minimize_fixtures(project, references, most_probes=probes, within_s=seconds, dry_run=dry_run):
        results.append(each)
        if as_json:
            write_line(_document(each))
        elif isinstance(each, Minimized):
            click.echo(_line(each, dry_run=dry_run))
        else:
            tell_error(each.error)
    failed = sum(isinstance(each, NotMinimized) for each in results)
    changed = sum(isinstance(each, Minimized) and each.changed for each in results)
    if as_json:
        write_line(
            {"type": "summary", "total": len(results), "changed": changed, "not_run": failed, "dry_run": dry_run}
        )
    sys.exit(COULD_NOT_RUN if failed else AS_EXPECTED)


def _line(minimized: Minimized, *, dry_run: bool) -> str:
    sizes = f"{minimized.bytes_before:,} -> {minimized.bytes_now:,} bytes"
    said = f"{'would be ' if dry_run else ''}{sizes}" if minimized.changed else "is as small as it can be"
    more = "" if minimized.is_smallest else "; the budget is spent, run it again for more"
    return f"{minimized.fixture.reference}  {said}, {counted(minimized.probes, 'probe')}{more}"


def _document(each: Minimized | NotMinimized) -> dict[str, object]:
    if isinstance(each, NotMinimized):
        reference = each.reference
        return {"type": "error", "fixture": reference.id, "name": str(reference), "error": each.error.what}
    return {
        "type": "minimized",
        "fixture": each.fixture.reference.id,
        "name": str(each.fixture.reference),
        "bytes_before": each.bytes_before,
        "bytes_now": each.bytes_now,
        "probes": each.probes,
        "is_smallest": each.is_smallest,
        "changed": each.changed,
    }
