"""What `replay run --originals` says and asks, before anything is planned."""

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import click

from replay.counted_nouns import counted
from replay.fixtures.fixture import FixtureReference
from replay.originals.looking_up import look_up_originals
from replay.originals.originals import Originals
from replay.project import Project
from replay.reports.visible_text import one_line


def looked_up(project: Project, references: Sequence[FixtureReference], *, allow_pseudonyms: bool) -> Originals:
    """Look the originals up, say which were not found, and ask whether stand-ins will do for these."""
    originals = look_up_originals(project, references, allow_pseudonyms=allow_pseudonyms)
    for note in originals.notes:
        click.echo(f"note: {one_line(note, limit=400)}", err=True)
    if not originals.missing:
        return originals
    for why, count in Counter(originals.missing.values()).most_common():
        named = ", ".join(each.short for each, said in originals.missing.items() if said == why)
        about = counted(count, "original was not found", "originals were not found")
        click.echo(f"{about}: {one_line(why, limit=400)}: {one_line(named)}", err=True)
    if not originals.allow_pseudonyms and sys.stdin.isatty():
        agreed = click.confirm("Send stand-ins for these?", default=False, err=True)
        return replace(originals, allow_pseudonyms=agreed)
    if not originals.allow_pseudonyms:
        click.echo("these are not sent: --allow-pseudonyms sends their stand-ins", err=True)
    return originals
