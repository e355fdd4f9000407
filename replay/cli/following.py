"""A run while it goes on: told to whoever listens, and ended with the exit code that it comes to."""

import sys
from collections.abc import Callable, Collection, Generator, Hashable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import NoReturn

import click
from click.core import ParameterSource

from replay.cli.exits import AS_EXPECTED, COULD_NOT_RUN, INTERRUPTED, UNEXPECTED, ended_properly, hang_up, tell_error
from replay.cli.options import write_line
from replay.replayer import FixtureNotRun, FixtureReplayed, RunEvent, RunFinished

Listener = Callable[[RunEvent], object]
Begin = Callable[[Callable[[str], object]], Generator[RunEvent, None, None]]
"""Begins a run; it is given who is to be told how far a call is that takes long."""

_NOT_FOR_ONE = {
    "where", "junit", "as_json", "rate", "ramp_up", "speed", "concurrency", "max_errors", "stop_on_first", "dry_run",
    "observe_for",
    "yes", "resume", "events",
}  # fmt: skip


def follow(begin: Begin, listeners: list[Listener]) -> NoReturn:
    """Tell the events of a run to *listeners*, and on stderr how far it is; end with the exit code it comes to."""
    with ended_properly(), ExitStack() as stack:
        advanced: Callable[[str], object] = _to_nobody
        if sys.stderr.isatty():
            from replay.reports.progress_line import ProgressLine

            line = ProgressLine(lambda text: click.echo(text, nl=False, err=True))
            stack.callback(line.clear)
            listeners.insert(0, line.notice)
            advanced = line.tell
        for event in stack.enter_context(closing(begin(advanced))):
            _tell(listeners, event)
            if isinstance(event, RunFinished):
                _tell_end(event)
                sys.exit(_exit_code(event))
    raise AssertionError("a run ends with its count")


def _to_nobody(how_far: str) -> None:
    del how_far


def options_given(context: click.Context, *, but: Collection[str] = ()) -> list[str]:
    """Give the options that the user gave and that a run of single fixtures needs to end the same, *but* some."""
    words: list[str] = []
    for option in context.command.params:
        name = option.name or ""
        given = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if isinstance(option, click.Option) and given and name not in {*_NOT_FOR_ONE, *but}:
            values = context.params[name] if option.multiple else [context.params[name]]
            flag = max(option.opts, key=len)
            words += [flag] if option.is_flag else [word for value in values for word in (flag, str(value))]
    return words


def fixture_listeners(options: Sequence[str], *, as_json: bool, junit: Path | None) -> list[Listener]:
    """Give those who tell a run of fixtures."""
    listeners: list[Listener] = []
    listeners.append(_json_writer() if as_json else _console_writer(options))
    if junit:
        listeners.append(_junit_writer(junit, options))
    return listeners


def _console_writer(options: Sequence[str]) -> Listener:
    from replay.reports.console import RunConsole

    return RunConsole(click.echo, options=options).notice


def _junit_writer(path: Path, options: Sequence[str]) -> Listener:
    from replay.reports.junit import prepare_junit, write_junit

    prepare_junit(path)
    told: list[FixtureReplayed | FixtureNotRun] = []

    def notice(event: RunEvent) -> None:
        if isinstance(event, FixtureReplayed | FixtureNotRun):
            told.append(event)
        elif isinstance(event, RunFinished):
            write_junit(path, told, elapsed_s=event.elapsed_s, options=options)

    return notice


def _json_writer() -> Listener:
    from replay.reports.json_lines import not_run_document, outcome_document, summary_document
    from replay.reports.not_run import reason_key

    told: set[Hashable] = set()

    def write(event: RunEvent) -> None:
        if isinstance(event, FixtureReplayed):
            write_line(outcome_document(event))
        elif isinstance(event, FixtureNotRun):
            write_line(not_run_document(event))
            if reason_key(event) not in told:  # a function that is not there is said once, not for each fixture
                tell_error(event.error)
                told.add(reason_key(event))
        elif isinstance(event, RunFinished):
            write_line(summary_document(event))

    return write


def _tell_end(finished: RunFinished) -> None:
    if finished.stopped:
        click.echo(f"stopped {finished.stopped}", err=True)
    if finished.run and (finished.stopped or finished.interrupted):
        click.echo(f"go on with it: replay run --resume {finished.run}", err=True)


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
    if finished.verdicts.get("error") or finished.verdicts.get("unobserved"):
        return COULD_NOT_RUN
    return UNEXPECTED if finished.unexpected else AS_EXPECTED
