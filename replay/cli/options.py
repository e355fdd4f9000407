"""Options that several commands share, and how a command writes JSON Lines."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

_Function = TypeVar("_Function", bound=Callable[..., Any])


def fixtures_option(function: _Function) -> _Function:
    """Add `--fixtures DIR`."""
    return click.option(
        "--fixtures",
        "fixtures_folder",
        type=click.Path(path_type=Path, file_okay=False),
        help="Folder of the fixtures (default: [tool.replay] fixtures, or ./fixtures).",
    )(function)


def json_option(function: _Function) -> _Function:
    """Add `--json`."""
    return click.option(
        "--json", "as_json", is_flag=True, help="One JSON document per line on stdout, the last one a summary."
    )(function)


def fault_option(function: _Function) -> _Function:
    """Add `--fault CALL=ERROR`, any number of times."""
    return click.option(
        "--fault",
        "faults",
        multiple=True,
        metavar="CALL=ERROR",
        help="Let a call of AWS fail: dynamodb:PutItem=ThrottlingException, s3:*=AccessDenied; =timeout is never "
        "answered, =2.5s is slow. Can be given several times.",
    )(function)


def dispensable_options(function: _Function) -> _Function:
    """Add `--duplicates`, `--stale`, `--unused` and `--before MOMENT`: what a corpus can do without."""
    for option in (
        click.option("--before", metavar="MOMENT", help="Those recorded before that: 90d ago, or 2026-11-21."),
        click.option("--unused", is_flag=True, help="Those that no run noted in .replay/ has replayed."),
        click.option(
            "--stale", is_flag=True, help="Those whose function, handler or event source is gone, or that nobody runs."
        ),
        click.option("--duplicates", is_flag=True, help="Of those that fail in the same way, all but the smallest."),
    ):
        function = option(function)
    return function


def where_option(function: _Function) -> _Function:
    """Add `--where PATTERN`."""
    return click.option(
        "--where",
        metavar="PATTERN",
        help="Only events that this EventBridge event pattern matches; JSON bodies are parsed. "
        """Example: '{"body": {"total": [{"numeric": [">", 100]}]}}'.""",
    )(function)


def write_line(document: Mapping[str, Any]) -> None:
    """Write one JSON document as a line of stdout; what UTF-8 cannot hold is escaped."""
    click.echo(json.dumps(document, ensure_ascii=True, separators=(",", ":")))
