"""Replaying against a deployed target: its plan, and the run that somebody has agreed to."""

from collections.abc import Callable, Generator, Sequence
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
from replay.replayer import Pace, Replayer, RunEvent
from replay.replayer.deployed_run import DeployedRun
from replay.replayer.planning import plan_of
from replay.replayer.warm_functions import OpenInvoker
from replay.targets.base import Invoker
from replay.targets.guard_rails.deployed import Deployed
from replay.targets.guard_rails.destination import Destination
from replay.targets.guard_rails.plan import Plan

_UNBOUNDED = Pace()


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
    fixtures = [_readable(loaded) for loaded in project.store.load_all(references)]
    names = list(dict.fromkeys(reference.function for reference in references))
    destinations = [_destination(project, name, target) for name in names]
    _refuse_one_for_all(target, names, destinations)
    return plan_of(fixtures, destinations, pace=pace, each=each)


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
) -> Generator[RunEvent, None, None]:
    """
    Replay *references* against a deployed target.

    Raises:
        TargetRefused: Nobody has agreed to a plan.
        ReplayError: The run to go on with is not there.
    """
    if plan is None:
        plan = plan_replay(project, references, target=target, each=repeat * (2 if twice else 1), pace=pace)
        if plan.must_be_confirmed:
            raise TargetRefused(
                f"the target {target} is beyond this machine, and nobody has agreed to what would be sent",
                where=", ".join(destination.arn for destination in plan.destinations),
                expected="a plan that its user has seen",
                hint="show plan_replay(…), and give it as plan=; on the command line: replay run, or --yes",
            )
    make = partial(_make_replayer, project, target=target, repeat=repeat, red=red, twice=twice)
    run = DeployedRun(make_replayer=make, open_ledger=_ledger(project, references, target, plan, resume), pace=pace)
    return run.events(references)


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
    project: Project, references: Sequence[FixtureReference], target: str, plan: Plan, resume: str
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
    )


def function_of(project: Project, name: str) -> Function:
    """Give the function *name*; one that is deployed need not be known here."""
    try:
        return project.catalog.get(name)
    except FunctionError:
        return Function(name=name, handler="", code=project.config.root)


def _destination(project: Project, name: str, target: str) -> Destination:
    invoker = project.open_invoker(function_of(project, name), target=target)
    assert isinstance(invoker, Deployed)
    if not invoker.answers:
        raise ConfigurationError(
            f"the target {target} gives no answer to judge by",
            where=f"--target {target}",
            expected="a target that answers",
            hint="name the function that consumes it: --target lambda:FUNCTION",
        )
    return invoker.checked_destination()


def _refuse_one_for_all(target: str, names: Sequence[str], destinations: Sequence[Destination]) -> None:
    """Events of one function would do anything in another."""
    if len({destination.arn for destination in destinations}) < len(names):
        raise ConfigurationError(
            f"the target {target} is one function, and these fixtures belong to {len(names)}: {', '.join(names)}",
            where=destinations[0].arn,
            expected="fixtures of one function",
            hint="name them: replay run 'FUNCTION/*' …; or give each its own: functions = { orders = \"…\" }",
        )


def _readable(loaded: Any) -> Fixture:
    if isinstance(loaded, Fixture):
        return loaded
    error: ReplayError = loaded.error
    raise error
