"""`replay demo`: the whole loop on an embedded AWS."""

import sys
from pathlib import Path

import click


@click.command("demo")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("replay-demo"),
    show_default=True,
    help="Where the example service and its fixtures are left for you.",
)
def command(folder: Path) -> None:
    """
    Go through the whole loop on an embedded AWS: no account, no Docker, half a minute.

    A queue is poisoned, recorded, listed and replayed (reproduced); the fix is applied and replayed again (fixed).
    """
    from replay.demonstration.story import demo, tell

    tell(demo(folder.absolute(), color=sys.stdout.isatty()), click.echo, folder=folder.absolute())
