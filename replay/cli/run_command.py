"""`replay run`: replay fixtures and judge what happens."""

import sys
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from replay.cli.exits import AS_EXPECTED, COULD_NOT_RUN, INTERRUPTED, UNEXPECTED, hang_up, tell_error
from replay.cli.options import fault_option, fixtures_option, json_option, where_option, write_line
from replay.cli.sending_options import agree, sending_options, show_plan
from replay.errors import ConfigurationError, FixtureError
from replay.fixtures.fixture import FixtureReference
from replay.payloads.aws_calls import Fault
from replay.payloads.fault_reading import fault_of_text
from replay.project import Project, open_project, replay_fixtures, select_fixtures
from replay.replayer import FixtureNotRun, FixtureReplayed, RunEvent, RunFinished
from replay.replayer.pace import Pace, pace_of
from replay.replayer.replayer import as_it_is
from replay.targets.guard_rails.plan import Plan, plan_document

if TYPE_CHECKING:  # most runs look up no originals
    from replay.originals.originals import Originals

Listener = Callable[[RunEvent], object]
_NOT_FOR_ONE = {
    "where", "junit", "as_json", "rate", "ramp_up", "speed", "concurrency", "max_errors", "stop_on_first", "dry_run",
    "yes", "resume",
}  # fmt: skip
_OF_COMPARISONS = ("targets", "baseline", "ignore")
_AS_BEGUN = ("repeat", "twice", "red", "originals")
"""What a run that is gone on with keeps."""


@click.command("run")
@click.argument("patterns", nargs=-1, metavar="[PATTERN…]")
@click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="NAME",
    help="Who receives the events: local, process, lambda:FUNCTION, or a [tool.replay.targets.NAME]; given twice, the "
    "two are compared.  [default: local]",
)
@click.option("--baseline", metavar="NAME", help="Compare the target with this one: what differs, not what is right.")
@click.option(
    "--ignore", multiple=True, metavar="JSONPATH", help="What may differ in a comparison: $.body.id, $..timestamp."
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
@click.option("--speed", metavar="TIMES", help="Keep the original spacing, so many times as fast: 10x, 1x.")
@click.option("--originals", is_flag=True, help="Send what redaction took out: looked up at the source, never kept.")
@click.option("--allow-pseudonyms", is_flag=True, help="With --originals: send stand-ins where nothing was found.")
@fixtures_option
@json_option
def command(**given: Any) -> None:
    """
    Replay fixtures and judge what happens.

    PATTERN is a glob over FUNCTION/NAME, or an id; without one all fixtures are replayed. Exit code 0: everything is as
    its fixture expects (a known bug that is still there is expected); 1: something is not; 2: something could not run.
    With two targets: 0: nothing differs; 1: something does; 2: something could not be compared.
    """
    asked = _Asked(**given)
    project = open_project(fixtures=asked.fixtures_folder)
    begun = _begun(project, asked)
    asked = replace(asked, **{name: begun[name] for name in _AS_BEGUN if begun.get(name)})
    pace = _pace(asked, begun)
    if asked.resume and "comparison" in begun:
        from replay.comparison.comparison import resumed_references

        references = resumed_references(project, asked.resume)
    else:
        asked, references = _selected(project, asked)
    compares = bool(asked.baseline) or len(asked.targets) > 1 or "comparison" in begun
    _refuse_alone(asked, compares=compares)
    sent = _sent(project, references, asked)
    if compares:
        _compare(project, references, asked, pace, sent)
        return
    plan = _plan(project, references, asked, pace, sent)
    if plan is not None:
        if _is_only_planned(plan, dry_run=asked.dry_run, as_json=asked.as_json):
            return
        agree(plan, yes=asked.yes)
    _run(project, references, asked, pace, plan, sent)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What the user has asked for, as click gives it."""

    patterns: tuple[str, ...]
    targets: tuple[str, ...]
    baseline: str | None
    ignore: tuple[str, ...]
    red: bool
    repeat: int
    cold: bool
    twice: bool
    no_pin: bool
    faults: tuple[str, ...]
    junit: Path | None
    where: str | None
    rate: str | None
    ramp_up: str | None
    concurrency: int
    max_errors: str | None
    stop_on_first: bool
    dry_run: bool
    yes: bool
    resume: str | None
    speed: str | None
    originals: bool
    allow_pseudonyms: bool
    fixtures_folder: Path | None
    as_json: bool

    @property
    def target(self) -> str:
        """The one target, or the one that is compared with the baseline."""
        return self.targets[-1] if self.targets else "local"

    def known_faults(self) -> list[Fault]:
        """Read the faults."""
        return [fault_of_text(fault, where="--fault") for fault in self.faults]


def _begun(project: Project, asked: _Asked) -> Mapping[str, Any]:
    """Give what the ledger of the run says that is gone on with; nothing for a new one."""
    if not asked.resume:
        return {}
    from replay.ledger.ledger import find_run, read_run

    for flag, given in (("PATTERN", asked.patterns), ("--where", asked.where), ("--baseline", asked.baseline)):
        if given:
            raise ConfigurationError(
                "a run is gone on with as it was begun", where=f"--resume {asked.resume}", hint=f"leave out {flag}"
            )
    return read_run(find_run(project.config.root, asked.resume)).header


def _pace(asked: _Asked, begun: Mapping[str, Any]) -> Pace:
    """Read the pace; a run that is gone on with keeps its own where nothing else is said."""
    pace = pace_of(
        rate=asked.rate,
        concurrency=asked.concurrency,
        max_errors=asked.max_errors,
        stop_on_first=asked.stop_on_first,
        ramp_up=asked.ramp_up,
        speed=asked.speed,
    )
    if not asked.rate and "rate_per_s" in begun:
        pace = replace(pace, rate_per_s=begun["rate_per_s"], ramp_up_s=begun.get("ramp_up_s", 0.0))
    return replace(pace, speed=begun["speed"]) if not asked.speed and "speed" in begun else pace


def _selected(project: Project, asked: _Asked) -> tuple[_Asked, list[FixtureReference]]:
    """Give target and fixtures: those that were asked for, or those of the run that is gone on with."""
    if asked.resume:
        from replay.deployed_replay import resumed

        target, references = resumed(project, asked.resume)
        return replace(asked, targets=(target,)), references
    references = select_fixtures(project, asked.patterns, where=asked.where)
    if asked.where and not references:
        raise FixtureError("no fixture has an event that matches", where="--where", hint="see them with `replay list`")
    return asked, references


def _refuse_alone(asked: _Asked, *, compares: bool) -> None:
    """Refuse what means nothing without another option."""
    for flag, given, needs in (
        ("--ignore", asked.ignore and not compares, "a second target"),
        ("--allow-pseudonyms", asked.allow_pseudonyms and not asked.originals, "--originals"),
    ):
        if given:
            raise ConfigurationError(f"{flag} needs {needs}", where=flag, hint=f"add {needs}, or leave it out")


def _sent(project: Project, references: Sequence[FixtureReference], asked: _Asked) -> "Originals | None":
    """Look up what redaction took out, where that is to be sent."""
    if not asked.originals:
        return None
    from replay.cli.originals import looked_up

    return looked_up(project, references, allow_pseudonyms=asked.allow_pseudonyms)


def _compare(
    project: Project, references: Sequence[FixtureReference], asked: _Asked, pace: Pace, sent: "Originals | None"
) -> None:
    from replay.cli.comparing import compare_and_exit, sides_of
    from replay.comparison.comparison import plan_comparison, resumed_comparison

    for flag, given in (("--red", asked.red), ("--twice", asked.twice), ("--repeat", asked.repeat != 1)):
        if given:
            raise ConfigurationError(
                f"{flag} is for a run that judges, and this one compares", where=flag, hint="leave it out"
            )
    as_sent = sent.as_sent if sent else as_it_is
    if asked.resume:
        comparison = resumed_comparison(project, asked.resume, pace=pace, as_sent=as_sent)
    else:
        baseline, other = sides_of(asked.targets, asked.baseline)
        comparison = plan_comparison(
            project,
            references,
            baseline=baseline,
            other=other,
            ignore=asked.ignore,
            pace=pace,
            cold=asked.cold,
            faults=asked.known_faults(),
            as_sent=as_sent,
        )
    if sent:
        comparison = comparison.with_originals(len(sent.found))
    compare_and_exit(
        comparison,
        dry_run=asked.dry_run,
        yes=asked.yes,
        as_json=asked.as_json,
        junit=asked.junit,
        options=[*comparison.options, *_options_given(click.get_current_context(), but=_OF_COMPARISONS)],
    )


def _plan(
    project: Project, references: Sequence[FixtureReference], asked: _Asked, pace: Pace, sent: "Originals | None"
) -> Plan | None:
    """Make the plan of a run against a deployed target; None for one in this process or beside it."""
    if not project.is_deployed(asked.target):
        for flag, given in (("--dry-run", asked.dry_run), ("--originals", sent is not None)):
            if given:
                raise ConfigurationError(
                    f"{flag} is for deployed targets, and {asked.target} is none", where=flag, hint="leave it out"
                )
        return None
    from replay.deployed_replay import plan_replay

    each = asked.repeat * (2 if asked.twice else 1)
    plan = plan_replay(project, references, target=asked.target, each=each, pace=pace)
    return replace(plan, originals=len(sent.found)) if sent else plan


def _run(
    project: Project,
    references: Sequence[FixtureReference],
    asked: _Asked,
    pace: Pace,
    plan: Plan | None,
    sent: "Originals | None",
) -> None:
    """Replay, tell it, and end with the exit code that it has come to."""
    events = replay_fixtures(
        project,
        references,
        target=asked.target,
        repeat=asked.repeat,
        cold=asked.cold,
        twice=asked.twice,
        red=asked.red,
        pin=not asked.no_pin,
        faults=asked.known_faults(),
        pace=pace,
        plan=plan,
        resume=asked.resume or "",
        as_sent=sent.as_sent if sent else as_it_is,
    )
    with closing(events), ExitStack() as stack:
        options = _options_given(click.get_current_context())
        listeners = _listeners(stack, options, as_json=asked.as_json, junit=asked.junit)
        for event in events:
            _tell(listeners, event)
            if isinstance(event, RunFinished):
                _tell_end(event)
                sys.exit(_exit_code(event))


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
    if finished.verdicts.get("error") or finished.verdicts.get("unobserved"):
        return COULD_NOT_RUN
    return UNEXPECTED if finished.unexpected else AS_EXPECTED


def _options_given(context: click.Context, *, but: Collection[str] = ()) -> list[str]:
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
