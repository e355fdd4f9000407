"""`replay runs`: what was sent beyond this process, by whom, where, and how it ended."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import click

from replay.cli.options import json_option, write_line
from replay.counted_nouns import counted
from replay.ledger.ledger import read_standings
from replay.ledger.standing import Standing
from replay.project import open_project

_NOTHING_YET = "no runs yet: `replay run --target NAME` and `replay redrive` write a ledger"


@click.command("runs")
@json_option
def command(as_json: bool) -> None:
    """
    List the runs against deployed targets: who, when, from where, with which version, to which account.

    The ledger of each is .replay/runs/RUN.jsonl; --resume RUN goes on with one that was broken off.
    """
    total = 0
    for run, standing in read_standings(open_project().config.root):
        total += 1
        if as_json:
            write_line(_document(run, standing))
        else:
            _write_row(run, standing)
    if as_json:
        write_line({"type": "summary", "total": total})
    elif not total:
        click.echo(_NOTHING_YET, err=True)


def _document(run: str, standing: Standing) -> Mapping[str, Any]:
    known = {key: value for key, value in standing.header.items() if key not in {"type", "fixtures"}}
    return {"type": "run", "run": run, **known, **asdict(standing.counts()), "ended": standing.ended is not None}


def _write_row(run: str, standing: Standing) -> None:
    from replay.reports.visible_text import one_line

    header, counts = standing.header, standing.counts()
    of_all = f" of {header['events']}" if "events" in header else ""  # tests are counted by pytest
    said = [
        f"{header.get('command', '?')} to {header.get('target', '?')}",
        f"account {header['account_id']}" if header.get("account_id") else "",
        f"by {header.get('by', '?')}",
        f"replay {header.get('version', '?')}",
        f"{counted(counts.acknowledged, 'acknowledged', 'acknowledged')}{of_all}",
        f"{counted(counts.in_doubt, 'in doubt', 'in doubt')}" if counts.in_doubt else "",
        "" if standing.ended is not None else "broken off, or under way",
        "stopped" if standing.ended and standing.ended.get("stopped") else "",
    ]
    click.echo(f"{click.style(run, bold=True)}  {one_line(', '.join(filter(None, said)))}")
