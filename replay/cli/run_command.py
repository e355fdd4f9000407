"""`replay run`: replay fixtures and judge what happens."""

import sys
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

import click

from replay.cli.exits import AS_EXPECTED, COULD_NOT_RUN, INTERRUPTED, UNEXPECTED, hang_up, tell_error
from replay.cli.options import fixtures_option, json_option, where_option, write_line
from replay.errors import FixtureError
from replay.project import open_project, replay_fixtures, select_fixtures
from replay.replayer import FixtureNotRun, FixtureReplayed, RunEvent, RunFinished

Listener = Callable[[RunEvent], object]


@click.command("run")
@click.argument("patterns", nargs=-1, metavar="[PATTERN…]")
@click.option("--target", default="local", show_default=True, metavar="NAME", help="Who receives the events.")
@click.option("--red", is_flag=True, help="Make a reproduction red too, for who is mending it.")
@click.option("--repeat", default=1, metavar="N", help="Replay each fixture N times; disagreement is `flaky`.")
@click.option("--cold", is_flag=True, help="Import the function afresh for every event.")
@click.option("--no-pin", is_flag=True, help="Do not note the first local failure of a fixture that knew none.")
@click.option("--junit", type=click.Path(path_type=Path), metavar="FILE", help="Write JUnit XML.")
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
    if where and not references:
        raise FixtureError("no fixture has an event that matches", where="--where", hint="see them with `replay list`")
    events = replay_fixtures(project, references, target=target, repeat=repeat, cold=cold, red=red, pin=not no_pin)
    with closing(events), ExitStack() as stack:
        listeners = _listeners(stack, as_json=as_json, junit=junit)
        for event in events:
            _tell(listeners, event)
            if isinstance(event, RunFinished):
                sys.exit(_exit_code(event))


def _tell(listeners: list[Listener], event: RunEvent) -> None:
    for listen in list(listeners):
        try:
            listen(event)
        except BrokenPipeError:  # `replay run --json | head -1` still ends with the exit code of the whole run
            hang_up()
            listeners.remove(listen)


def _exit_code(finished: RunFinished) -> int:
    if finished.interrupted:
        return INTERRUPTED
    if finished.verdicts.get("error"):
        return COULD_NOT_RUN
    return UNEXPECTED if finished.unexpected else AS_EXPECTED


def _listeners(stack: ExitStack, *, as_json: bool, junit: Path | None) -> list[Listener]:
    listeners: list[Listener] = []
    if sys.stderr.isatty():
        from replay.reports.progress_line import ProgressLine

        line = ProgressLine(lambda text: click.echo(text, nl=False, err=True))
        stack.callback(line.clear)
        listeners.append(line.notice)
    listeners.append(_json_writer() if as_json else _console_writer())
    if junit:
        listeners.append(_junit_writer(junit))
    return listeners


def _console_writer() -> Listener:
    from replay.reports.console import RunConsole

    return RunConsole(click.echo).notice


def _junit_writer(path: Path) -> Listener:
    from replay.reports.junit import prepare_junit, write_junit

    prepare_junit(path)
    told: list[FixtureReplayed | FixtureNotRun] = []

    def notice(event: RunEvent) -> None:
        if isinstance(event, FixtureReplayed | FixtureNotRun):
            told.append(event)
        elif isinstance(event, RunFinished):
            write_junit(path, told, elapsed_s=event.elapsed_s)

    return notice


def _json_writer() -> Listener:
    from replay.reports.json_lines import not_run_document, outcome_document, summary_document

    told: set[str] = set()

    def write(event: RunEvent) -> None:
        if isinstance(event, FixtureReplayed):
            write_line(outcome_document(event))
        elif isinstance(event, FixtureNotRun):
            write_line(not_run_document(event))
            if str(event.error) not in told:  # a function that is not there is said once, not for each fixture
                tell_error(event.error)
                told.add(str(event.error))
        elif isinstance(event, RunFinished):
            write_line(summary_document(event))

    return write
