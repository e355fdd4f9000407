"""`replay minimize`: cut fixtures down to what still fails in the same way."""

import sys
from pathlib import Path

import click

from replay.cli.exits import AS_EXPECTED, COULD_NOT_RUN
from replay.cli.minimizing import tell_minimized
from replay.cli.options import fixtures_option, json_option, write_line
from replay.minimizer import Minimized, NotMinimized
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
@click.option(
    "--processes", type=click.IntRange(1), default=1, show_default=True, help="Replay ahead in so many processes."
)
@click.option("--dry-run", is_flag=True, help="Only say how small they would become.")
@fixtures_option
@json_option
def command(
    patterns: tuple[str, ...],
    probes: int,
    seconds: float,
    processes: int,
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
    results = tell_minimized(
        project,
        references,
        dry_run=dry_run,
        as_json=as_json,
        most_probes=probes,
        within_s=seconds,
        processes=processes,
    )
    failed = sum(isinstance(each, NotMinimized) for each in results)
    changed = sum(isinstance(each, Minimized) and each.changed for each in results)
    if as_json:
        write_line(
            {"type": "summary", "total": len(results), "changed": changed, "not_run": failed, "dry_run": dry_run}
        )
    sys.exit(COULD_NOT_RUN if failed else AS_EXPECTED)
