"""Replaying against a deployed target: its plan, and the run that somebody has agreed to."""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol

from replay.config import Config
from replay.counted_nouns import counted
from replay.errors import ConfigurationError, FixtureError, FunctionError, ReplayError, TargetRefused
from replay.fixtures.fixture import Fixture, FixtureReference
from replay.fixtures.store import Store
from replay.functions.catalog import Catalog
from replay.functions.function import Function
from replay.ledger.ledger import Ledger, find_run, read_run
from replay.redaction.redactor import Redactor
from replay.replayer import FixtureReplayed, Pace, Replayer, RunEvent
from replay.replayer.also_seen import AlsoSeen
from replay.replayer.bulk_run import BulkRun
from replay.replayer.carried_run import CarriedRun
from replay.replayer.deployed_run import DeployedRun, observation
from replay.replayer.event_delivery import captured_at
from replay.replayer.pace import Timeline, timeline
from replay.replayer.planning import plan_of
from replay.replayer.replayer import AsSent, as_it_is
from replay.replayer.warm_functions import OpenInvoker
from replay.targets.base import Invoker
from replay.targets.bulk import Bulk
from replay.targets.carrier import Carrier
from replay.targets.guard_rails.deployed import Deployed
from replay.targets.guard_rails.destination import Destination
from replay.targets.guard_rails.plan import Plan

_UNBOUNDED = Pace()


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """
    What the ledger of a run says beside the usual.

    Attributes:
        header: In its first line.
        observation: Of each fixture, when it was observed; no word of what was sent or answered.
    """

    header: Mapping[str, Any] = field(default_factory=dict)
    observation: Callable[[FixtureReplayed], Mapping[str, Any]] = observation


_USUAL = Noted()


class Project(Protocol):
    """The part of a project that this needs."""

    @property
    def config(self) -> Config:
        """Its configuration."""

    @property
    def store(self) -> Store:
        """Its fixtures."""

    @property
    def fixtures_option(self) -> tuple[str, ...]:
        """What a command needs to find the same fixtures."""

    @property
    def catalog(self) -> Catalog:
        """Its functions."""

    @property
    def redactor(self) -> Redactor:
        """What keeps effects clean."""

    def open_invoker(self, function: Function, *, target: str = "local", cold: bool = False) -> Invoker:
        """Make a target ready to invoke *function*."""


def plan_replay(
    project: Project,
    references: Sequence[FixtureReference],
    *,
    target: str,
    each: int = 1,
    pace: Pace = _UNBOUNDED,
) -> Plan:
    """
    Check where *references* would go, and say what would be sent; nothing is sent.

    Args:
        each: How often each of them is delivered: `repeat`, and twice that with `twice`.

    Raises:
        ConfigurationError: There is no such target, or it is none for so many functions.
        TargetRefused: It could hurt an account.
        AwsError: It could not be looked at.
        FixtureError: A fixture cannot be read.
    """
    fixtures = (_readable(loaded) for loaded in project.store.load_all(references))
    names = list(dict.fromkeys(reference.function for reference in references))
    invokers = {name: _deployed(project, name, target) for name in names}
    destinations = [invoker.checked_destination() for invoker in invokers.values()]
    invoker = _invoker(project, references, target)
    if not (isinstance(invoker, Deployed) and invoker.serves_many):
        _refuse_one_for_all(target, names, destinations)
    if isinstance(invoker, Bulk) and len(names) > 1:
        raise ConfigurationError(
            f"the target {target} takes the events of one function, and these belong to {len(names)}",
            where=", ".join(names),
            hint="name them: replay run 'FUNCTION/*' …",
        )
    also_seen = AlsoSeen(invokers)
    plan = also_seen.completed(plan_of(also_seen.noting(fixtures), destinations, pace=pace, each=each))
    carriers = {name: each for name, each in invokers.items() if isinstance(each, Carrier) and not each.answers}
    return _with_observation(project, plan, carriers) if carriers else plan


def _with_observation(project: Project, plan: Plan, carriers: Mapping[str, Carrier]) -> Plan:
    """Say through what events travel, and where and for how long their ends are looked for."""
    functions = {name: function_of(project, name) for name in carriers}
    patience_s = [carrier.patience_s(functions[name]) for name, carrier in carriers.items()]
    watches = [
        watch
        for (name, carrier), lasts_s in zip(carriers.items(), patience_s, strict=True)
        if lasts_s
        for watch in carrier.watches(functions[name])
    ]
    return replace(
        plan,
        sent_again=False,
        travels=tuple(dict.fromkeys(carrier.travels for carrier in carriers.values())),
        observed_at=tuple(dict.fromkeys(watch.place for watch in watches)),
        observed_for_s=max(patience_s),
    )


def replay_deployed(
    project: Project,
    references: Sequence[FixtureReference],
    *,
    target: str,
    repeat: int,
    red: bool,
    twice: bool,
    pace: Pace,
    plan: Plan | None,
    resume: str,
    as_sent: AsSent = as_it_is,
    noted: Noted = _USUAL,
) -> Generator[RunEvent, None, None]:
    """
    Replay *references* against a deployed target.

    Args:
        as_sent: Says what of a fixture is really sent.

    Raises:
        TargetRefused: Nobody has agreed to a plan.
        ReplayError: The run to go on with is not there.
    """
    if plan is None:
        plan = plan_replay(project, references, target=target, each=repeat * (2 if twice else 1), pace=pace)
        _refuse_unseen(plan, target)
    options = {"repeat": repeat, "twice": twice, "red": red, **pace_document(pace), **noted.header}
    make = partial(_make_replayer, project, target=target, repeat=repeat, red=red, twice=twice, as_sent=as_sent)
    invoker = _invoker(project, references, target)
    if isinstance(bulk := invoker, Bulk):
        _refuse_in_bulk(target, repeat=repeat, twice=twice, pace=pace, as_sent=as_sent)
        at_once = BulkRun(
            target=bulk,
            store=project.store,
            make_replayer=lambda opens: make(lambda _: opens),
            open_ledger=_ledger(project, references, target, plan, resume, options),
            observation=noted.observation,
        )
        return at_once.events(references)
    spaced = _timeline(project, references, pace)
    if isinstance(invoker, Carrier) and not invoker.answers:
        _refuse_carried(target, repeat=repeat, twice=twice)
        carried = CarriedRun(
            store=project.store,
            functions=partial(function_of, project),
            open_carrier=partial(_open_carrier, project, target=target),
            open_ledger=_ledger(project, references, target, plan, resume, options),
            pace=pace,
            redactor=lambda: project.redactor,
            red=red,
            options=project.fixtures_option,
            as_sent=as_sent,
            timeline=spaced,
            observation=noted.observation,
        )
        return carried.events(_in_order(references, spaced))
    run = DeployedRun(
        make_replayer=make,
        open_ledger=_ledger(project, references, target, plan, resume, options),
        pace=pace,
        timeline=spaced,
        observation=noted.observation,
    )
    return run.events(_in_order(references, spaced), total=len(references))


def _refuse_unseen(plan: Plan, target: str) -> None:
    if plan.must_be_confirmed:
        raise TargetRefused(
            f"the target {target} is beyond this machine, and nobody has agreed to what would be sent",
            where=", ".join(destination.arn for destination in plan.destinations),
            expected="a plan that its user has seen",
            hint="show plan_replay(…), and give it as plan=; on the command line: replay run, or --yes",
        )


def gives_answers(project: Project, references: Sequence[FixtureReference], target: str) -> bool:
    """
    Say whether what *target* receives is answered; what AWS itself delivers is not.

    Raises:
        ConfigurationError: There is no such target.
    """
    invoker = _invoker(project, references, target)
    return not isinstance(invoker, Carrier) or invoker.answers


def is_invoked(project: Project, references: Sequence[FixtureReference], target: str) -> bool:
    """
    Say whether *target* is invoked event by event, and neither sent to nor handed all at once.

    Raises:
        ConfigurationError: There is no such target.
    """
    invoker = _invoker(project, references, target)
    return not isinstance(invoker, Bulk) and gives_answers(project, references, target)


def _invoker(project: Project, references: Sequence[FixtureReference], target: str) -> Invoker | None:
    names = list(dict.fromkeys(reference.function for reference in references))
    return project.open_invoker(function_of(project, names[0]), target=target) if names else None


def _refuse_in_bulk(target: str, *, repeat: int, twice: bool, pace: Pace, as_sent: AsSent) -> None:
    """Refuse what cannot be asked of a target that takes all events at once."""
    asked = {
        "--repeat": repeat > 1,
        "--twice": twice,
        "--rate": pace.rate_per_s is not None,
        "--speed": pace.speed is not None,
        "--concurrency": pace.concurrency > 1,
        "--max-errors or --stop-on-first": pace.stop_on_first or pace.budget != Pace().budget,
        "--originals": as_sent is not as_it_is,
    }
    for flag in (flag for flag, is_asked in asked.items() if is_asked):
        raise ConfigurationError(
            f"the target {target} takes all events at once, each once, and from S3: not with {flag}",
            where=flag,
            hint="leave it out; max_concurrency and tolerated_failure_percentage in the target's section bound it",
        )


def _refuse_carried(target: str, *, repeat: int, twice: bool) -> None:
    """Refuse what cannot be asked of a target that gives no answer."""
    for flag, is_asked in {"--repeat": repeat > 1, "--twice": twice}.items():
        if is_asked:
            raise ConfigurationError(
                f"AWS delivers what is sent through {target}, as often as it does: not with {flag}",
                where=flag,
                hint="leave it out, or name the function itself: --target lambda:FUNCTION",
            )


def _open_carrier(project: Project, function: Function, *, target: str) -> Carrier:
    carrier = project.open_invoker(function, target=target)
    assert isinstance(carrier, Carrier)
    return carrier


def pace_document(pace: Pace) -> dict[str, Any]:
    """Give what a ledger's first line says of the pace."""
    said = {"rate_per_s": pace.rate_per_s, "ramp_up_s": pace.ramp_up_s or None, "speed": pace.speed}
    return {name: value for name, value in said.items() if value is not None}


def _timeline(project: Project, references: Sequence[FixtureReference], pace: Pace) -> Timeline | None:
    if pace.speed is None:
        return None
    fixtures = (_readable(loaded) for loaded in project.store.load_all(references))
    return timeline(((str(each.reference), captured_at(each)) for each in fixtures), speed=pace.speed)


def _in_order(references: Sequence[FixtureReference], spaced: Timeline | None) -> Sequence[FixtureReference]:
    if spaced is None:
        return references
    named = {str(reference): reference for reference in references}
    return [named[key] for key in spaced.keys]


def resumed(project: Project, run: str) -> tuple[str, list[FixtureReference]]:
    """
    Give the target and the fixtures of a run that was broken off.

    Raises:
        ReplayError: There is no such run, it was no `replay run`, or one of its fixtures is gone.
    """
    header = read_run(find_run(project.config.root, run)).header
    if header.get("command") != "run":
        raise ConfigurationError(
            "that run is another one",
            where=f"--resume {run}",
            expected="a `replay run`",
            hint=f"it was `replay {header.get('command')}`; see `replay runs`",
        )
    names = set(header.get("fixtures", []))
    references = [reference for reference in project.store.references() if str(reference) in names]
    if len(references) < len(names):
        gone = sorted(names - set(map(str, references)))
        raise FixtureError(
            f"{counted(len(gone), 'fixture of that run is', 'fixtures of that run are')} no longer there",
            where=gone[0],
            hint="bring it back, or begin a new run",
        )
    return str(header["target"]), references


def _ledger(
    project: Project,
    references: Sequence[FixtureReference],
    target: str,
    plan: Plan,
    resume: str,
    options: Mapping[str, Any],
) -> Callable[[], Ledger]:
    root = project.config.root
    if resume:
        return partial(Ledger.resume, root, resume)
    known: dict[str, Any] = {
        "target": target,
        "arns": [destination.arn for destination in plan.destinations],
        "account_id": plan.destinations[0].account_id if plan.destinations else "",
        "caller_arn": plan.destinations[0].caller_arn if plan.destinations else "",
        "events": plan.events,
        "fixtures": list(map(str, references)),
        **({"originals": True} if plan.originals is not None else {}),
        **options,
    }
    return partial(Ledger.begin, root, command="run", **known)


def _make_replayer(
    project: Project,
    noting: Callable[[OpenInvoker], OpenInvoker],
    *,
    target: str,
    repeat: int,
    red: bool,
    twice: bool,
    as_sent: AsSent,
) -> Replayer:
    return Replayer(
        project.store,
        functions=partial(function_of, project),
        open_invoker=noting(partial(project.open_invoker, target=target)),
        repeat=repeat,
        red=red,
        pin=False,  # what a deployed function does is no failure of this code
        redactor=lambda: project.redactor,
        expect_options=project.fixtures_option,
        twice=twice,
        as_sent=as_sent,
    )


def function_of(project: Project, name: str) -> Function:
    """Give the function *name*; one that is deployed need not be known here."""
    try:
        return project.catalog.get(name)
    except FunctionError:
        return Function(name=name, handler="", code=project.config.root)


def _deployed(project: Project, name: str, target: str) -> Deployed:
    invoker = project.open_invoker(function_of(project, name), target=target)
    assert isinstance(invoker, Deployed)
    return invoker


def _refuse_one_for_all(target: str, names: Sequence[str], destinations: Sequence[Destination]) -> None:
    """Events of one function would do anything in another."""
    if len({destination.arn for destination in destinations}) < len(names):
        raise ConfigurationError(
            f"the target {target} leads to one place, and these fixtures belong to {len(names)} functions: "
            f"{', '.join(names)}",
            where=destinations[0].arn,
            expected="fixtures of one function",
            hint="name them: replay run 'FUNCTION/*' …; a deployed function for each: functions = { orders = \"…\" }",
        )


def _readable(loaded: Any) -> Fixture:
    if isinstance(loaded, Fixture):
        return loaded
    error: ReplayError = loaded.error
    raise error
