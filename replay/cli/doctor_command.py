"""`replay doctor`: what is misconfigured and how to mend it."""

import sys
from dataclasses import asdict
from pathlib import Path

import click

from replay.cli.exits import AS_EXPECTED, UNEXPECTED
from replay.cli.options import fixtures_option, json_option, write_line
from replay.counted_nouns import counted
from replay.diagnosis.doctor import doctor
from replay.diagnosis.finding import Finding
from replay.reports.visible_text import visible

_MARKS = {"ok": ("✓", "green"), "note": ("·", "yellow"), "problem": ("✗", "red")}


@click.command("doctor")
@click.option("--aws", is_flag=True, help="Also ask AWS who you are (sts:GetCallerIdentity).")
@click.option("--no-import", is_flag=True, help="Do not import the handlers, which runs their modules' own code.")
@fixtures_option
@json_option
def command(aws: bool, no_import: bool, fixtures_folder: Path | None, as_json: bool) -> None:
    """
    Say what is misconfigured and how to mend it; change nothing.

    Every Python handler is imported in a process of its own, on a mocked AWS and without network.

    Exit code 0: nothing is wrong; 1: something is.
    """
    problems = total = 0
    for finding in doctor(fixtures=fixtures_folder, aws=aws, imports=not no_import):
        total += 1
        problems += finding.level == "problem"
        if as_json:
            write_line({"type": "finding", **asdict(finding)})
        else:
            _write(finding)
    if as_json:
        write_line({"type": "summary", "total": total, "problems": problems})
    else:
        click.echo(f"\n{counted(problems, 'problem')} found" if problems else "\nnothing is wrong")
    sys.exit(UNEXPECTED if problems else AS_EXPECTED)


def _write(finding: Finding) -> None:
    mark, color = _MARKS[finding.level]
    click.echo(f"{click.style(mark, fg=color, bold=True)} {finding.check:<14} {visible(finding.what)}")
    if finding.hint and finding.level != "ok":
        click.echo(f"  {'':<14} → {visible(finding.hint)}")
