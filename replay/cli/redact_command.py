"""`replay redact`: redact fixtures again after rules have changed."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from replay.cli.exits import AS_EXPECTED, COULD_NOT_RUN, tell_error
from replay.cli.options import fixtures_option, json_option, write_line
from replay.cli.verifying import tell_verified, verify_options
from replay.counted_nouns import counted
from replay.fixtures.packing import forget_superseded
from replay.fixtures.store import FixtureProblem
from replay.project import open_project, select_fixtures
from replay.reports.line_parts import problem, reference_document
from replay.reports.visible_text import one_line
from replay.verifier.events_before import EventsBefore

if TYPE_CHECKING:
    from replay.recorder.redacting_again import RedactedAgain


@click.command("redact")
@click.argument("patterns", nargs=-1, required=True, metavar="PATTERN…")
@click.option("--dry-run", is_flag=True, help="Only say what would be replaced.")
@verify_options
@fixtures_option
@json_option
def command(
    patterns: tuple[str, ...],
    dry_run: bool,
    no_verify: bool,
    keep_raw: tuple[str, ...],
    fixtures_folder: Path | None,
    as_json: bool,
) -> None:
    """
    Redact fixtures again, by the rules that hold now.

    What was redacted before stays as it is, and so do names, identities and expectations. Of each fixture the event,
    its digests and the known failure change together; where their functions are known, fixtures are then replayed
    here to see whether they still fail as before. Exit code 2: there is a fixture that could not be redacted.
    """
    from replay.recorder.redacting_again import redact_again

    project = open_project(fixtures=fixtures_folder)
    references = select_fixtures(project, patterns)
    changed = problems = 0
    events = EventsBefore()
    for each in redact_again(project.store, project.redactor, references, dry_run=dry_run):
        problems += isinstance(each, FixtureProblem)
        changed += not isinstance(each, FixtureProblem) and each.changed
        if not (dry_run or no_verify or isinstance(each, FixtureProblem)) and each.found:
            events.add(each.reference, each.event_before)
        (_write_json if as_json else _write_text)(each, "would redact" if dry_run else "redacted")
    tell_verified(project, events, keep_raw, as_json=as_json)
    if changed and not dry_run:
        forget_superseded(project.store, (each.function for each in references))
    if as_json:
        counts = {"total": len(references), "changed": changed, "problems": problems}
        write_line({"type": "summary", **counts, "dry_run": dry_run})
    else:
        same = counted(len(references) - changed - problems, "as it should be", "as they should be")
        kept = f", {counted(problems, 'kept as it is', 'kept as they are')}" if problems else ""
        click.echo(f"{changed:,} {'to redact' if dry_run else 'redacted'}, {same}{kept}")
    sys.exit(COULD_NOT_RUN if problems else AS_EXPECTED)


def _write_json(each: "RedactedAgain | FixtureProblem", verb: str) -> None:
    del verb
    line = {"type": "fixture", **reference_document(each.reference)}
    if isinstance(each, FixtureProblem):
        write_line({**line, **problem(each.error)})
        return
    found = [{"at": one.at, "detector": one.detector, "count": one.count} for one in each.found]
    write_line({**line, "changed": each.changed, "found": found})


def _write_text(each: "RedactedAgain | FixtureProblem", verb: str) -> None:
    if isinstance(each, FixtureProblem):
        tell_error(each.error)
    elif each.changed:
        click.echo(f"{verb}  {each.reference}")
        for one in each.found:
            times = f" ({one.count})" if one.count > 1 else ""
            click.echo(f"    {one_line(one.at) or '/'}  {one.detector}{times}")
