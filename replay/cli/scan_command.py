"""`replay scan`: find what should not be in fixtures."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from replay.cli.exits import AS_EXPECTED, COULD_NOT_RUN, UNEXPECTED
from replay.cli.options import json_option, write_line
from replay.counted_nouns import counted
from replay.project import Project, open_project
from replay.reports.visible_text import one_line

if TYPE_CHECKING:
    from replay.redaction.scanning import Finding, Looked, Unreadable


@click.command("scan")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH…]")
@json_option
def command(paths: tuple[Path, ...], as_json: bool) -> None:
    """
    Find what should not be in fixtures, old and hand-made ones too.

    PATH is a file or a folder, whatever files it holds (default: the project's fixtures). Places and kinds are told,
    never values. Exit codes: 0 nothing found, 1 something found, 2 a file could not be looked through.
    """
    from replay.redaction.scanning import Finding, Unreadable

    files = findings = unreadable = 0
    for each in _found(open_project(), paths):
        if isinstance(each, Finding):
            findings += 1
            (_write_json if as_json else _write_text)(each)
        elif isinstance(each, Unreadable):
            unreadable += 1
            if as_json:
                write_line({"type": "unreadable", "file": each.file, "reason": each.reason})
            else:
                click.echo(f"not looked through: {one_line(each.file)}: {one_line(each.reason)}", err=True)
        else:
            files += 1
    if as_json:
        write_line({"type": "summary", "files": files, "findings": findings, "unreadable": unreadable})
    else:
        click.echo(f"{counted(files, 'file')}, {counted(findings, 'finding')}", err=True)
        if findings:
            click.echo("Redact fixtures again:  replay redact '*'", err=True)
    sys.exit(COULD_NOT_RUN if unreadable else UNEXPECTED if findings else AS_EXPECTED)


def _found(project: Project, paths: tuple[Path, ...]) -> "Iterator[Finding | Unreadable | Looked]":
    from replay.redaction.scanning import scan
    from replay.redaction.settings import RedactionSettings

    settings = RedactionSettings.read(project.config.redaction)
    for path in paths or (project.config.fixtures,):
        yield from scan(settings, path)


def _write_json(found: "Finding") -> None:
    write_line(
        {
            "type": "finding",
            "file": found.file,
            "line": found.line or None,
            "at": found.at,
            "detector": found.detector,
            "count": found.count,
        }
    )


def _write_text(found: "Finding") -> None:
    place = one_line(found.file) + (f":{found.line}" if found.line else "")
    at = f"  {one_line(found.at)}" if found.at else ""
    click.echo(f"{place}{at}  {found.detector}{f' ({found.count})' if found.count > 1 else ''}")
