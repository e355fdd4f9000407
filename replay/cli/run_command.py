"""`replay run`: replay fixtures and judge what happens."""

import sys
from collections.abc import Callable, Hashable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import click
from click.core import ParameterSource

from replay.cli.exits import AS_EXPECTED, COULD_NOT_RUN, INTERRUPTED, UNEXPECTED, hang_up, tell_error
from replay.cli.options import fault_option, fixtures_option, json_option, where_option, write_line
from replay.cli.sending_options import agree, sending_options, show_plan
from replay.errors import ConfigurationError, FixtureError
from replay.fixtures.fixture import FixtureReference
from replay.payloads.fault_reading import fault_of_text
from replay.project import Project, open_project, replay_fixtures, select_fixtures
from replay.replayer import FixtureNotRun, FixtureReplayed, RunEvent, RunFinished
from replay.replayer.pace import Pace, pace_of
from replay.targets.guard_rails.plan import Plan, plan_document

Listener = Callable[[RunEvent], object]
_NOT_FOR_ONE = {
    "where", "junit", "as_json", "rate", "concurrency", "max_errors", "stop_on_first", "dry_run", "yes", "resume"
}  # fmt: skip


@click.command("run")
@click.argument("patterns", nargs=-1, metavar="[PATTERN…]")
@click.option(
    "--target",
    default="local",
    show_default=True,
    metavar="NAME",
    help="Who receives the events: local, process, lambda:FUNCTION, or a [tool.replay.targets.NAME].",
)
@click.option("--red", is_flag=True, help="Make a reproduction red too, for who is mending it.")
@click.option("--repeat", default=1, metavar="N", help="Replay each fixture N times; disagreement is `flaky`.")
@click.option("--cold", is_flag=True, help="Import the function afresh for every event; note what a warm one keeps.")
@click.option("--twice", is_flag=True, help="Deliver each event twice: red if the second delivery writes again.")
@click.option("--no-pin", is_flag=True, help="Do not note the first local failure of a fixture that knew none.")
@fault_option
@click.option("--junit", type=click.Path(path_type=Path), metavar="FILE", help="Write JUnit XML.")
@where_option
@sending_options
@fixtures_option
@json_option
def command(
    patterns: tuple[str, ...],
    target: str,
    red: bool,
    repeat: int,
    cold: bool,
    twice: bool,
    no_pin: bool,
    faults: tuple[str, ...],
    junit: Path | None,
    where: str | None,
    rate: str | None,
    concurrency: int,
    max_errors: str | None,
    stop_on_first: bool,
    dry_run: bool,
    yes: bool,
    resume: str | None,
    fixtures_folder: Path | None,
    as_json: bool,
) -> None:
    """
    Replay fixtures and judge what happens.

    PATTERN is a glob over FUNCTION/NAME, or an id; without one all fixtures are replayed. Exit code 0: everything is as
    its fixture expects (a known bug that is still there is expected); 1: something is not; 2: something could not run.
    """
    project = open_project(fixtures=fixtures_folder)
    pace = pace_of(rate=rate, concurrency=concurrency, max_errors=max_errors, stop_on_first=stop_on_first)
    target, references = _selected(project, target, patterns, where, resume)
    plan = _plan(project, references, target, pace, events_each=repeat * (2 if twice else 1))
    if plan is None and dry_run:
        raise ConfigurationError(
            f"--dry-run is for deployed targets, and {target} is none", where="--dry-run", hint="leave it out"
        )
    if plan is not None:
        if _is_only_planned(plan, dry_run=dry_run, as_json=as_json):
            return
        agree(plan, yes=yes)
    events = replay_fixtures(
        project,
        references,
        target=target,
        repeat=repeat,
        cold=cold,
        twice=twice,
        red=red,
        pin=not no_pin,
        faults=[fault_of_text(fault, where="--fault") for fault in faults],
        pace=pace,
        plan=plan,
        resume=resume or "",
    )
    with closing(events), ExitStack() as stack:
        listeners = _listeners(stack, _options_given(click.get_current_context()), as_json=as_json, junit=junit)
        for event in events:
            _tell(listeners, event)
            if isinstance(event, RunFinished):
                _tell_end(event)
                sys.exit(_exit_code(event))


def _selected(
    project: Project, target: str, patterns: Sequence[str], where: str | None, resume: str | None
) -> tuple[str, list[FixtureReference]]:
    """Give target and fixtures: those that were asked for, or those of the run that is gone on with."""
    if resume:
        from replay.deployed_replay import resumed

        if patterns or where:
            raise ConfigurationError(
                "a run is gone on with as it was begun",
                where=f"--resume {resume}",
                hint="leave out PATTERN and --where",
            )
        return resumed(project, resume)
    references = select_fixtures(project, patterns, where=where)
    if where and not references:
        raise FixtureError("no fixture has an event that matches", where="--where", hint="see them with `replay list`")
    return target, references


def _plan(
    project: Project, references: Sequence[FixtureReference], target: str, pace: Pace, *, events_each: int
) -> Plan | None:
    """Make the plan of a run against a deployed target; None for one in this process or beside it."""
    if not project.is_deployed(target):
        return None
    from replay.deployed_replay import plan_replay

    return plan_replay(project, references, target=target, each=events_each, pace=pace)


def _is_only_planned(plan: Plan, *, dry_run: bool, as_json: bool) -> bool:
    if dry_run and as_json:
        write_line(plan_document(plan))
    else:
        show_plan(plan)
    return dry_run


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
    if finished.verdicts.get("error"):
        return COULD_NOT_RUN
    return UNEXPECTED if finished.unexpected else AS_EXPECTED


def _options_given(context: click.Context) -> list[str]:
    """Give the options that the user gave and that a run of single fixtures needs to end the same."""
    words: list[str] = []
    for option in context.command.params:
        name = option.name or ""
        given = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if isinstance(option, click.Option) and given and name not in _NOT_FOR_ONE:
            values = context.params[name] if option.multiple else [context.params[name]]
            flag = max(option.opts, key=len)
            words += [flag] if option.is_flag else [word for value in values for word in (flag, str(value))]
    return words


def _listeners(stack: ExitStack, options: Sequence[str], *, as_json: bool, junit: Path | None) -> list[Listener]:
    listeners: list[Listener] = []
    if sys.stderr.isatty():
        from replay.reports.progress_line import ProgressLine

        line = ProgressLine(lambda text: click.echo(text, nl=False, err=True))
        stack.callback(line.clear)
        listeners.append(line.notice)
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
