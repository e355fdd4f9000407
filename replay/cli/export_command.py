"""`replay export`: write the events of fixtures out, for tools that know no fixtures."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from replay.cli.exits import AS_EXPECTED, COULD_NOT_RUN, tell_error
from replay.cli.options import fixtures_option, json_option, where_option, write_line
from replay.cli.sending_options import agree, show_plan
from replay.counted_nouns import counted
from replay.errors import ConfigurationError
from replay.fixtures.fixture import FixtureReference
from replay.project import Project, open_project, select_fixtures

if TYPE_CHECKING:
    from replay.export import Exported


@click.command("export")
@click.argument("patterns", nargs=-1, metavar="[PATTERN…]")
@click.option("--s3", "uri", metavar="s3://BUCKET/PREFIX", help="Write them as one object of this bucket.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write them to a file.")
@click.option(
    "--target",
    default="",
    metavar="NAME",
    help="With --s3: the target whose section names the bucket's account (default: one with this bucket).",
)
@where_option
@click.option("--dry-run", is_flag=True, help="Only say what would be written, and where.")
@click.option("--yes", is_flag=True, help="Do not ask: for CI.")
@fixtures_option
@json_option
def command(
    patterns: tuple[str, ...],
    uri: str | None,
    out: Path | None,
    target: str,
    where: str | None,
    dry_run: bool,
    yes: bool,
    fixtures_folder: Path | None,
    as_json: bool,
) -> None:
    """
    Write the events of fixtures as JSON Lines, each with its fixture's name.

    A line is {"fixture": NAME, "event": EVENT}. Only what is redacted by the rules of today goes out: exit code 2 where
    a fixture was left out. To S3 in parts, whatever the size, behind the guard rails of deployed targets.
    """
    if (uri is None) == (out is None):
        raise ConfigurationError(
            "say where to", where="replay export", expected="--s3 s3://BUCKET/PREFIX or --out FILE"
        )
    project = open_project(fixtures=fixtures_folder)
    references = select_fixtures(project, patterns, where=where)
    if uri is None:
        assert out is not None
        if target:
            raise ConfigurationError("--target is for --s3", where=f"--target {target}", hint="leave it out")
        if dry_run:
            click.echo(f"{counted(len(references), 'event')} would be written to {out}", err=True)
            return
        _write_file(project, references, out, as_json=as_json)
    else:
        _write_object(project, references, uri, target, dry_run=dry_run, yes=yes, as_json=as_json)


def _write_file(project: Project, references: Sequence[FixtureReference], out: Path, *, as_json: bool) -> None:
    from replay.export import export_to_file

    _tell(export_to_file(project, references, out), as_json=as_json)


def _write_object(
    project: Project,
    references: Sequence[FixtureReference],
    uri: str,
    target: str,
    *,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    from replay.export import export_to_bucket, plan_bucket_export
    from replay.targets.guard_rails.plan import Plan, plan_document

    export = plan_bucket_export(project, uri, target=target)
    plan = Plan(events=len(references), destinations=(export.destination,))
    if dry_run and as_json:
        write_line(plan_document(plan))
        return
    show_plan(plan)
    click.echo(f"as {export.place}", err=True)
    if dry_run:
        return
    agree(plan, yes=yes)
    _tell(export_to_bucket(project, references, export), as_json=as_json)


def _tell(exported: "Exported", *, as_json: bool) -> None:
    left_out = exported.left_out
    if as_json:
        counts = {"events": exported.events, "size_bytes": exported.size_bytes, "left_out": len(left_out)}
        write_line({"type": "summary", "place": exported.place, **counts})
    else:
        click.echo(exported.place)
        size = f"{exported.size_bytes:,} bytes"
        click.echo(f"{counted(exported.events, 'event')}, {size}", err=True)
        if left_out:
            click.echo(f"{counted(len(left_out), 'fixture was', 'fixtures were')} left out:", err=True)
    for each in left_out:
        tell_error(each.error)
    sys.exit(COULD_NOT_RUN if left_out else AS_EXPECTED)
