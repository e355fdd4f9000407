"""`replay run`: replay fixtures and judge what happens."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from replay.cli.event_runs import EventsAsked, run_events
from replay.cli.following import fixture_listeners, follow, options_given
from replay.cli.options import fault_option, fixtures_option, json_option, where_option
from replay.cli.sending_options import agree, is_only_planned, sending_options
from replay.errors import ConfigurationError, FixtureError
from replay.fixture_runs import replay_fixtures
from replay.fixtures.fixture import FixtureReference
from replay.payloads.aws_calls import Fault
from replay.payloads.fault_reading import fault_of_text
from replay.project import Project, open_project, select_fixtures
from replay.replayer.pace import Pace, duration_of_text, pace_of
from replay.replayer.replayer import as_it_is
from replay.targets.guard_rails.plan import Plan

if TYPE_CHECKING:  # most runs look up no originals
    from replay.originals.originals import Originals

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
@click.option(
    "--observe-for",
    metavar="TIME",
    help="Where no answer comes: wait for the end of each so long, 90s or 5m; 0 sends, and looks at nothing.",
)
@click.option("--speed", metavar="TIMES", help="Keep the original spacing, so many times as fast: 10x, 1x.")
@click.option(
    "--events",
    metavar="PLACE",
    help="Replay captured events that are no fixtures: JSON Lines below s3://BUCKET/PREFIX, or in a file or folder.",
)
@click.option("--function", metavar="NAME", help="With --events: the function that they are for.")
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
    With --events, of which nobody has said what they should do: 0: all succeed; 1: some fail.
    """
    asked = _Asked(**given)
    project = _observing(open_project(fixtures=asked.fixtures_folder), asked)
    begun = _begun(project, asked)
    asked = replace(asked, **{name: begun[name] for name in _AS_BEGUN if begun.get(name)})
    pace = _pace(asked, begun)
    if asked.events or "captured_events" in begun:
        run_events(project, _events_asked(asked), pace)
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
        if is_only_planned(plan, dry_run=asked.dry_run, as_json=asked.as_json):
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
    observe_for: str | None
    speed: str | None
    events: str | None
    function: str | None
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


def _observing(project: Project, asked: _Asked) -> Project:
    """Give the project with the time for which ends are waited for, where the user says it."""
    if asked.observe_for is None:
        return project
    targets = [*asked.targets, *filter(None, [asked.baseline])]
    if not asked.resume and not any(project.target(name).takes("observe_for_s") for name in targets):
        raise ConfigurationError(
            "--observe-for is for targets that give no answer",
            where="--observe-for",
            expected="such as --target sqs:QUEUE",
            hint="leave it out",
        )
    return replace(project, observe_for_s=duration_of_text(asked.observe_for, flag="--observe-for"))


def _begun(project: Project, asked: _Asked) -> Mapping[str, Any]:
    """Give what the ledger of the run says that is gone on with; nothing for a new one."""
    if not asked.resume:
        return {}
    from replay.ledger.ledger import find_run, read_header

    given_for_new = {
        "PATTERN": asked.patterns, "--where": asked.where, "--baseline": asked.baseline, "--events": asked.events
    }  # fmt: skip
    for flag, given in given_for_new.items():
        if given:
            raise ConfigurationError(
                "a run is gone on with as it was begun", where=f"--resume {asked.resume}", hint=f"leave out {flag}"
            )
    return read_header(find_run(project.config.root, asked.resume))


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
        ("--function", asked.function, "--events"),
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
        options=[*comparison.options, *options_given(click.get_current_context(), but=_OF_COMPARISONS)],
    )


def _plan(
    project: Project, references: Sequence[FixtureReference], asked: _Asked, pace: Pace, sent: "Originals | None"
) -> Plan | None:
    """Make the plan of a run against a deployed target; None for one in this process or beside it."""
    if not project.is_deployed(asked.target):
        for flag, given in (("--dry-run", asked.dry_run), ("--originals", sent is not None)):
            if given:
                raise _not_deployed(flag, asked.target)
        return None
    from replay.deployed_replay import plan_replay

    each = asked.repeat * (2 if asked.twice else 1)
    plan = plan_replay(project, references, target=asked.target, each=each, pace=pace, resume=asked.resume or "")
    return replace(plan, originals=len(sent.found)) if sent else plan


def _not_deployed(flag: str, target: str) -> ConfigurationError:
    return ConfigurationError(f"{flag} is for deployed targets, and {target} is none", where=flag, hint="leave it out")


def _run(
    project: Project,
    references: Sequence[FixtureReference],
    asked: _Asked,
    pace: Pace,
    plan: Plan | None,
    sent: "Originals | None",
) -> None:
    """Replay, tell it, and end with the exit code that it has come to."""
    begin = partial(
        replay_fixtures,
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
    options = options_given(click.get_current_context())
    listeners = fixture_listeners(options, as_json=asked.as_json, junit=asked.junit)
    follow(lambda advanced: begin(advanced=advanced), listeners)


def _events_asked(asked: _Asked) -> EventsAsked:
    return EventsAsked(
        place=asked.events or "",
        function=asked.function or "",
        target=asked.target,
        resume=asked.resume or "",
        dry_run=asked.dry_run,
        yes=asked.yes,
        as_json=asked.as_json,
    )
