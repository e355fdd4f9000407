"""Minimised fixtures on the command line: `replay minimize`, and `replay record --minimize`."""

from collections.abc import Sequence
from typing import Any

import click

from replay.cli.exits import tell_error
from replay.cli.options import write_line
from replay.counted_nouns import counted
from replay.fixtures.fixture import FixtureReference
from replay.minimizer import Minimized, NotMinimized, minimize_fixtures
from replay.project import Project


def tell_minimized(
    project: Project, references: Sequence[FixtureReference], *, dry_run: bool = False, as_json: bool, **budget: Any
) -> list[Minimized | NotMinimized]:
    """Minimise fixtures, and tell of each what became of it."""
    results: list[Minimized | NotMinimized] = []
    for each in minimize_fixtures(project, references, dry_run=dry_run, **budget):
        results.append(each)
        if as_json:
            write_line(_document(each))
        elif isinstance(each, Minimized):
            click.echo(_line(each, dry_run=dry_run))
        else:
            tell_error(each.error)
    return results


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
