"""`replay unpack`: bring packed fixtures back into folders."""

import sys
from pathlib import Path

import click

from replay.cli.options import fixtures_option, json_option
from replay.cli.pack_command import end, tell_converted
from replay.fixtures.packing import unpack
from replay.project import open_project


@click.command("unpack")
@click.argument("patterns", nargs=-1, metavar="[PATTERN…]")
@fixtures_option
@json_option
def command(patterns: tuple[str, ...], fixtures_folder: Path | None, as_json: bool) -> None:
    """
    Bring fixtures from packs back into folders, to look at one, edit it or review it in git.

    Exit code 2: one could not be unpacked, and stays in its pack.
    """
    project = open_project(fixtures=fixtures_folder)
    references = project.store.references(patterns)
    converted = [tell_converted(each, "unpacked", as_json=as_json) for each in unpack(project.store, references)]
    sys.exit(end(converted, "unpack", "unpacked", as_json=as_json))
