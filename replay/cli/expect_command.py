"""`replay expect`: accept a new expectation after a fix."""

import shlex
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import cast, get_args

import click

from replay.acceptance import Acceptable, accept
from replay.cli.options import fault_option, fixtures_option, json_option, write_line
from replay.errors import FixtureError, ReplayError
from replay.fixtures.fixture import FixtureReference
from replay.payloads.fault_reading import fault_of_text
from replay.project import Project, open_project, select_fixtures
from replay.reports.expectation_words import wanted
from replay.reports.fixture_card import fixture_document

_WORDS: tuple[str, ...] = get_args(Acceptable)


@click.command("expect")
@click.argument("arguments", nargs=-1, metavar=f"PATTERN… {'|'.join(_WORDS)}")
@fault_option
@fixtures_option
@json_option
def command(arguments: tuple[str, ...], faults: tuple[str, ...], fixtures_folder: Path | None, as_json: bool) -> None:
    """
    Accept a new expectation after a fix.

    \b
    succeeds    the function handles the event
    now         status and dispositions as they are at this moment: a right fix is
                often "dead-letter it", or to report one record of the batch
    reproduces  it is a known bug: the failure that is seen now, which is pinned
                where it is not the known one
    fails       forget a failure that was pinned here: the next run pins what it sees
    """  # noqa: D301 - \b is how click is told to leave lines alone
    project = open_project(fixtures=fixtures_folder)
    references, wants = _read(project, arguments)
    changed = 0
    for each in accept(project, references, wants, faults=[fault_of_text(fault, where="--fault") for fault in faults]):
        changed += each.changed
        if as_json:
            write_line({**fixture_document(each.fixture), "changed": each.changed})
        else:
            what = "now expected" if each.changed else "nothing to change, already expected"
            click.echo(f"{each.fixture.reference}  {what}: {wanted(each.fixture)}")
    if as_json:
        write_line({"type": "summary", "total": len(references), "changed": changed})


def _read(project: Project, arguments: Sequence[str]) -> tuple[list[FixtureReference], Acceptable]:
    """Tell patterns and the last word apart, and every mistake in either at once."""
    *patterns, wants = arguments or ("",)
    if wants in _WORDS and patterns:
        return select_fixtures(project, patterns), cast("Acceptable", wants)
    near = get_close_matches(wants, _WORDS, n=1, cutoff=0.75)
    forgotten = wants not in _WORDS and not near  # the word: then the last argument is a pattern too
    named = list(arguments) if forgotten else patterns
    what = [] if wants in _WORDS else ["say what is expected"]
    what += [] if named else ["say which fixtures"]
    try:
        select_fixtures(project, named)
    except FixtureError as error:
        what += [error.what] if named else []
        named = []
    spelt = shlex.join([*(named or ["ID"]), near[0] if near else wants if wants in _WORDS else "succeeds"])
    raise ReplayError(
        ", and ".join(what),
        where=shlex.join(("replay", "expect", *arguments)),
        expected=f"which fixtures, and then one of: {', '.join(_WORDS)}",
        hint=f"{'did you mean' if near else 'say'} `replay expect {spelt}`{'?' if near else ', for example'}",
    )
