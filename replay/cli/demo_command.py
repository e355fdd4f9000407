"""`replay demo`: the whole loop on an embedded AWS."""

import sys
from pathlib import Path

import click

from replay.cli.options import json_option, write_line


@click.command("demo")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("replay-demo"),
    show_default=True,
    help="Where the example service and its fixtures are left for you; the next demo makes it anew.",
)
@json_option
def command(folder: Path, as_json: bool) -> None:
    """
    Go through the whole loop on an embedded AWS: no account, no Docker, half a minute.

    A queue is poisoned, recorded, listed and replayed (reproduced); the fix is applied and replayed again (fixed).
    """
    from replay.demonstration.story import demo, documents, tell

    folder = folder.absolute()
    if as_json:
        for document in documents(demo(folder), folder=folder):
            write_line(document)
    else:
        tell(demo(folder, color=sys.stdout.isatty()), click.echo, folder=folder)
