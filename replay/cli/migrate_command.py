"""`replay migrate`: bring old fixtures to the format of this version."""

import sys
from pathlib import Path

import click

from replay.cli.exits import AS_EXPECTED, COULD_NOT_RUN
from replay.cli.options import fixtures_option, json_option, write_line
from replay.counted_nouns import counted
from replay.project import open_project


@click.command("migrate")
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@fixtures_option
@json_option
def command(dry_run: bool, fixtures_folder: Path | None, as_json: bool) -> None:
    """
    Bring old fixtures to the format of this version, in place and one file at a time.

    What cannot be read, or is newer than this version, is kept as it is and reported (exit code 2).
    """
    from replay.fixtures.migrations import migrate

    report = migrate(open_project(fixtures=fixtures_folder).store, dry_run=dry_run)
    if as_json:
        for reference in report.migrated:
            write_line({"type": "migrated", "fixture": reference.id, "name": str(reference)})
        for reference, reason in report.kept:
            write_line({"type": "kept", "fixture": reference.id, "name": str(reference), "reason": reason})
        write_line(
            {
                "type": "summary",
                "migrated": len(report.migrated),
                "up_to_date": report.up_to_date,
                "kept": len(report.kept),
                "dry_run": dry_run,
            }
        )
    else:
        for reference in report.migrated:
            click.echo(f"{'would migrate' if dry_run else 'migrated'}  {reference}")
        for reference, reason in report.kept:
            click.echo(f"kept as it is  {reference}: {reason}")
        verb = "to migrate" if dry_run else "migrated"
        kept = counted(len(report.kept), "kept as it is", "kept as they are")
        click.echo(f"{len(report.migrated):,} {verb}, {report.up_to_date:,} up to date, {kept}")
    sys.exit(COULD_NOT_RUN if report.kept else AS_EXPECTED)
