"""`replay run`: replay fixtures and judge what happens."""

import sys
from collections.abc import Callable
from pathlib import Path

import click

from replay.cli.exits import AS_EXPECTED, COULD_NOT_RUN, UNEXPECTED
from replay.cli.options import fixtures_option, json_option, where_option, write_line
from replay.project import open_project, replay_fixtures, select_fixtures
from replay.replayer import FixtureNotRun, FixtureReplayed, RunEvent, RunFinished


@click.command("run")
@click.argument("patterns", nargs=-1, metavar="[PATTERN…]")
@click.option("--target", default="local", show_default=True, metavar="NAME", help="Who receives the events.")
@click.option("--red", is_flag=True, help="Make a reproduction red too, for who is mending it.")
@click.option("--repeat", default=1, metavar="N", help="Replay each fixture N times; disagreement is `flaky`.")
@click.option("--cold", is_flag=True, help="Import the function afresh for every event.")
@click.option("--no-pin", is_flag=True, help="Do not note the first local failure of a fixture that knew none.")
@click.option("--junit", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write JUnit XML.")
@where_option
@fixtures_option
@json_option
def command(
    patterns: tuple[str, ...],
    target: str,
    red: bool,
    repeat: int,
    cold: bool,
    no_pin: bool,
    junit: Path | None,
    where: str | None,
    fixtures_folder: Path | None,
    as_json: bool,
) -> None:
    """
    Replay fixtures and judge what happens.

    PATTERN is a glob over FUNCTION/NAME, or an id; without one all fixtures are replayed. Exit code 0: everything is as
    its fixture expects (a known bug that is still there is expected); 1: something is not; 2: something could not run.
    """
    project = open_project(fixtures=fixtures_folder)
    references = select_fixtures(project, patterns, where=where)
    events = replay_fixtures(project, references, target=target, repeat=repeat, cold=cold, red=red, pin=not no_pin)
    write = _json_writer() if as_json else _console_writer()
    told: list[FixtureReplayed | FixtureNotRun] = []
    for event in events:
        write(event)
        if junit and isinstance(event, FixtureReplayed | FixtureNotRun):
            told.append(event)
        if isinstance(event, RunFinished):
            if junit:
                from replay.reports.junit import write_junit

                write_junit(junit, told, elapsed_s=event.elapsed_s)
            sys.exit(_exit_code(event))


def _exit_code(finished: RunFinished) -> int:
    if finished.verdicts.get("error"):
        return COULD_NOT_RUN
    return UNEXPECTED if finished.unexpected else AS_EXPECTED


def _console_writer() -> Callable[[RunEvent], None]:
    from replay.reports.console import RunConsole

    return RunConsole(click.echo).notice


def _json_writer() -> Callable[[RunEvent], None]:
    from replay.reports.json_lines import not_run_document, outcome_document, summary_document

    def write(event: RunEvent) -> None:
        if isinstance(event, FixtureReplayed):
            write_line(outcome_document(event))
        elif isinstance(event, FixtureNotRun):
            write_line(not_run_document(event))
            click.echo(f"error: {event.error}", err=True)
        elif isinstance(event, RunFinished):
            write_line(summary_document(event))

    return write
