"""`replay pack`: keep large corpora in few files."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from replay.cli.exits import AS_EXPECTED, COULD_NOT_RUN
from replay.cli.options import fixtures_option, json_option, write_line
from replay.counted_nouns import counted
from replay.fixtures.packing import Compacted, Converted, compact, pack
from replay.project import open_project
from replay.reports.visible_text import one_line


@click.command("pack")
@click.argument("patterns", nargs=-1, metavar="[PATTERN…]")
@click.option("--compact", "compacts", is_flag=True, help="Also write packs anew, without what no longer counts.")
@fixtures_option
@json_option
def command(patterns: tuple[str, ...], compacts: bool, fixtures_folder: Path | None, as_json: bool) -> None:
    """
    Bring fixtures from their folders into packs: one file for thousands, read and written by every command.

    Packs are added to, never changed: two branches merge without a conflict. `replay unpack` does the reverse. Exit
    code 2: one could not be packed, and stays a folder.
    """
    project = open_project(fixtures=fixtures_folder)
    references = project.store.references(patterns)
    converted = [tell_converted(each, "packed", as_json=as_json) for each in pack(project.store, references)]
    for function in sorted({each.function for each in references}) if compacts else []:
        _tell_compacted(compact(project.store, function), as_json=as_json)
    sys.exit(end(converted, "pack", "packed", as_json=as_json))


def tell_converted(converted: Converted, verb: str, *, as_json: bool) -> Converted:
    """Tell what became of the fixtures of a function."""
    for reference, reason in converted.kept:
        if as_json:
            write_line({"type": "kept", "fixture": reference.id, "name": str(reference), "reason": reason})
        else:
            click.echo(f"stays as it is  {one_line(str(reference))}: {one_line(reason)}")
    if converted.changed and not as_json:
        click.echo(f"{converted.function}  {counted(len(converted.changed), 'fixture')} {verb}")
    return converted


def end(converted: Sequence[Converted], command_name: str, verb: str, *, as_json: bool) -> int:
    """Sum up what became of all functions, and give the exit code."""
    changed, kept = sum(len(each.changed) for each in converted), sum(len(each.kept) for each in converted)
    same = sum(each.same for each in converted)
    if as_json:
        write_line({"type": "summary", verb: changed, "as_before": same, "kept": kept})
    elif not changed and not kept:
        click.echo(f"nothing to {command_name}: {counted(same, 'fixture')} {verb} already")
    return COULD_NOT_RUN if kept else AS_EXPECTED


def _tell_compacted(compacted: Compacted, *, as_json: bool) -> None:
    if as_json:
        write_line(
            {
                "type": "compacted",
                "function": compacted.function,
                "dropped": compacted.dropped,
                "merged": [str(each) for each in compacted.merged],
                "set_aside": list(compacted.set_aside),
            }
        )
        return
    click.echo(f"{compacted.function}  {counted(compacted.dropped, 'line')} dropped that no longer counted")
    for reference in compacted.merged:
        click.echo(f"  {reference}  was changed on two branches: one of the changes counts, its history tells both")
    for name in compacted.set_aside:
        click.echo(f"  {name}  holds what could not be read; what could be is in the new pack")
