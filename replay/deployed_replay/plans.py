"""The plan of a run beyond this process: checked before anybody is asked whether it is meant."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from replay.deployed_replay.ledgers import HowFar, how_far
from replay.deployed_replay.the_project import Project, function_of, invoker_of
from replay.errors import ConfigurationError, ReplayError, TargetRefused
from replay.fixtures.fixture import Fixture, FixtureReference
from replay.replayer import Pace
from replay.replayer.also_seen import AlsoSeen
from replay.replayer.planning import plan_of
from replay.targets.bulk import Bulk
from replay.targets.carrier import Carrier
from replay.targets.guard_rails.deployed import Deployed
from replay.targets.guard_rails.destination import Destination
from replay.targets.guard_rails.plan import Plan

_UNBOUNDED = Pace()


def plan_replay(
    project: Project,
    references: Sequence[FixtureReference],
    *,
    target: str,
    each: int = 1,
    pace: Pace = _UNBOUNDED,
    resume: str = "",
) -> Plan:
    """
    Check where *references* would go, and say what would be sent; nothing is sent.

    Args:
        each: How often each of them is delivered: `repeat`, and twice that with `twice`.
        resume: The run of them that is to be gone on with: what it has sent is not sent again.

    Raises:
        ConfigurationError: There is no such target, or it is none for so many functions.
        TargetRefused: It could hurt an account.
        AwsError: It could not be looked at.
        FixtureError: A fixture cannot be read.
    """
    far = how_far(project, resume)
    left = project.store.as_stored(reference for reference in references if far.is_left(str(reference)))
    fixtures = (readable(loaded) for loaded in project.store.load_all(left))
    names = list(dict.fromkeys(reference.function for reference in references))
    invokers = {name: deployed(project, name, target) for name in names}
    destinations = [invoker.checked_destination() for invoker in invokers.values()]
    invoker = invoker_of(project, references, target)
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
    plan = _with_the_rest(plan, far, references, each=each)
    if isinstance(invoker, Bulk):
        return replace(plan, sent_again=False, all_at_once=True)
    return _with_observation(project, plan, carriers) if carriers else plan


def _with_the_rest(plan: Plan, far: HowFar, references: Sequence[FixtureReference], *, each: int) -> Plan:
    """Say how many of a run that is gone on with are not sent any more."""
    keys = list(map(str, references))
    done, under_way = sum(map(far.is_done, keys)), sum(map(far.is_under_way, keys))
    return replace(plan, resumed=far.run, done=done * each, under_way=under_way * each)


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
        most_together=max(each.most_entries for each in carriers.values()) if plan.concurrency > 1 or plan.speed else 1,
        travels=tuple(dict.fromkeys(carrier.travels for carrier in carriers.values())),
        observed_at=tuple(dict.fromkeys(watch.place for watch in watches)),
        observed_for_s=max(patience_s),
    )


def refuse_unseen(plan: Plan, target: str) -> None:
    """
    Refuse a plan that nobody has seen.

    Raises:
        TargetRefused: Something of it goes beyond this machine.
    """
    if plan.must_be_confirmed:
        raise TargetRefused(
            f"the target {target} is beyond this machine, and nobody has agreed to what would be sent",
            where=", ".join(destination.arn for destination in plan.destinations),
            expected="a plan that its user has seen",
            hint="show plan_replay(…), and give it as plan=; on the command line: replay run, or --yes",
        )


def deployed(project: Project, name: str, target: str) -> Deployed:
    """Make a target that is known to be a deployed one."""
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


def readable(loaded: Any) -> Fixture:
    """
    Give a fixture that could be read.

    Raises:
        FixtureError: It could not.
    """
    if isinstance(loaded, Fixture):
        return loaded
    error: ReplayError = loaded.error
    raise error
