"""`replay runs`: what was sent beyond this process, by whom, where, and how it ended."""

from collections.abc import Mapping
from typing import Any

import click

from replay.cli.options import json_option, write_line
from replay.counted_nouns import counted
from replay.ledger.ledger import read_runs
from replay.ledger.lines import Progress
from replay.project import open_project

_NOTHING_YET = "no runs yet: `replay run --target NAME` and `replay redrive` write a ledger"


@click.command("runs")
@json_option
def command(as_json: bool) -> None:
    """
    List the runs against deployed targets: who, when, from where, with which version, to which account.

    The ledger of each is .replay/runs/RUN.jsonl; --resume RUN goes on with one that was broken off.
    """
    runs = read_runs(open_project().config.root)
    for run, progress in runs.items():
        if as_json:
            write_line(_document(run, progress))
        else:
            _write_row(run, progress)
    if as_json:
        write_line({"type": "summary", "total": len(runs)})
    elif not runs:
        click.echo(_NOTHING_YET, err=True)


def _document(run: str, progress: Progress) -> Mapping[str, Any]:
    known = {key: value for key, value in progress.header.items() if key not in {"type", "fixtures"}}
    return {
        "type": "run",
        "run": run,
        **known,
        "sent": len(progress.sent),
        "acknowledged": len(progress.acknowledged),
        "observed": len(progress.observed),
        "in_doubt": len(progress.in_doubt),
        "ended": progress.ended is not None,
    }


def _write_row(run: str, progress: Progress) -> None:
    from replay.reports.visible_text import one_line

    header = progress.header
    said = [
        f"{header.get('command', '?')} to {header.get('target', '?')}",
        f"account {header['account_id']}" if header.get("account_id") else "",
        f"by {header.get('by', '?')}",
        f"replay {header.get('version', '?')}",
        f"{counted(len(progress.acknowledged), 'acknowledged', 'acknowledged')} of {header.get('events', '?')}",
        f"{counted(len(progress.in_doubt), 'in doubt', 'in doubt')}" if progress.in_doubt else "",
        "" if progress.ended is not None else "broken off, or under way",
        "stopped" if progress.ended and progress.ended.get("stopped") else "",
    ]
    click.echo(f"{click.style(run, bold=True)}  {one_line(', '.join(filter(None, said)))}")
