"""A deployed target for the tests of one process: agreed to, noted in a ledger, honest about what it cannot tell."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, nullcontext
from dataclasses import fields, replace
from functools import cache, cached_property
from typing import Any, TypeVar, cast

import pytest

from replay.delivery.report import DeliveryReport
from replay.deployed_replay import function_of, gives_answers, is_invoked, plan_replay, replay_deployed
from replay.deployed_replay.plans import deployed
from replay.errors import ReplayError, TargetRefused
from replay.fixtures.fixture import Fixture, FixtureReference
from replay.functions.function import Function
from replay.ledger.ledger import Ledger
from replay.outcomes.outcome import Outcome
from replay.project import Project
from replay.pytest_plugin.siblings import Siblings
from replay.replayer import FixtureNotRun, FixtureReplayed, Observation, Pace, Replayer, RunFinished
from replay.replayer.deployed_run import observation
from replay.replayer.noted_invoker import CurrentKey, NotedInvoker
from replay.replayer.pace import RateLimit
from replay.targets.base import Invoker
from replay.targets.guard_rails.deployed import Deployed
from replay.targets.guard_rails.plan import Plan

Told = FixtureReplayed | FixtureNotRun
_Value = TypeVar("_Value", Outcome, DeliveryReport)


class DeployedTarget:
    """
    Replays fixtures one by one against the deployed target *name*.

    What the target makes there is made once, with the first fixture of a function, and removed by `close`.

    Args:
        agreed: Whether the user has said that something may be sent beyond this machine.
    """

    def __init__(self, project: Project, name: str, *, red: bool, agreed: bool) -> None:
        self._project, self._name, self._red, self._agreed = project, name, red, agreed
        self._plans: dict[str, Plan] = {}
        self._key = CurrentKey()
        self._ledger: Ledger | None = None
        self._siblings = Siblings(project.config.root / ".replay" / "pytest", name)
        self._entered = ExitStack()
        self._kept: dict[str, Deployed] = {}

    def join(self, reference: FixtureReference) -> None:
        """
        Let what the other workers make stay until `close`, where it is used by all.

        Args:
            reference: One of the fixtures that will be replayed.

        Raises:
            ReplayError: The target cannot be used.
        """
        if deployed(self._project, reference.function, self._name).lasts:
            with self._siblings.turn():
                self._siblings.made()

    def judge(self, reference: FixtureReference) -> Told:
        """Replay one fixture and judge it; nothing is pinned."""
        try:
            with self._turn(reference) as plan:
                if not is_invoked(self._project, [reference], self._name):
                    return self._carried(reference, plan)
                self._key.begin(str(reference))
                told = self._replayer.judge(reference)
        except ReplayError as error:
            return FixtureNotRun(reference=reference, error=error)
        if isinstance(told, FixtureReplayed) and self._ledger is not None:
            self._ledger.observed(str(reference), **observation(told))
        return told

    def observe(self, fixture: Fixture) -> Observation:
        """
        Replay one fixture for a test that judges by itself.

        Raises:
            ReplayError: It could not be replayed.
        """
        with self._turn(fixture.reference) as plan:
            if not is_invoked(self._project, [fixture.reference], self._name):
                told = self._carried(fixture.reference, plan)
                if isinstance(told, FixtureNotRun):
                    raise told.error
                return Observation(outcome=told.outcomes[-1], notes=told.notes)
            self._key.begin(str(fixture.reference))
            return self._replayer.observe(fixture)

    def why_not(self, fixture: Fixture) -> str:
        """Say why nothing can be asserted of *fixture* here; empty where it can."""
        function = function_of(self._project, fixture.reference.function)
        if fixture.faults or function.faults:
            return f"its faults cannot be made on {self._name}: the calls of a deployed function are real"
        if function.clock == "captured":
            return f"its function's clock is the captured one, and that of {self._name} is the real one"
        return ""

    def untold(self, fixture: Fixture) -> Mapping[str, str]:
        """Give what the outcome of *fixture* does not tell here, and why."""
        effects = f"{self._name} does not tell which calls of AWS its function makes"
        untold = {"effects": effects, "called": effects}
        if not gives_answers(self._project, [fixture.reference], self._name):
            untold["response"] = f"{self._name} gives no answer: AWS itself delivers"
        return untold

    def close(self) -> Sequence[str]:
        """End the run, remove what was made for it once no other worker uses it, and say what is left."""
        if self._ledger is not None:
            self._replayer.close()
            self._ledger.ended(verdicts={}, interrupted=False, stopped="")
            self._ledger.__exit__(None, None, None)
            self._ledger = None
        kept, self._kept = list(self._kept.values()), {}
        with self._siblings.last_turn(waits=any(each.made for each in kept)), self._entered:
            pass
        return list(dict.fromkeys(note for each in kept for note in each.left))

    @contextmanager
    def _turn(self, reference: FixtureReference) -> Iterator[Plan]:
        """
        Give the plan for a fixture in our turn, where its target takes turns, with what the target makes in place.

        Raises:
            ReplayError: It cannot be used.
        """
        target = deployed(self._project, reference.function, self._name)
        with self._siblings.turn() if target.takes_turns or target.lasts else nullcontext():
            if target.lasts:
                target.share(self._siblings.made())
            plan = self._planned(reference)
            if target.lasts and reference.function not in self._kept:
                self._kept[reference.function] = self._entered.enter_context(target)
                if target.made:
                    self._siblings.have(target.made)
            yield plan

    def _planned(self, reference: FixtureReference) -> Plan:
        """
        Give the plan for a fixture's function, made once.

        Raises:
            TargetRefused: It is beyond this machine, and nobody has agreed.
        """
        plan = self._plans.get(reference.function)
        if plan is None:
            plan = plan_replay(self._project, [reference], target=self._name)
            check_agreed(plan, agreed=self._agreed)
            self._plans[reference.function] = plan
        return plan

    def _carried(self, reference: FixtureReference, plan: Plan) -> Told:
        """Let AWS deliver one fixture, and see how it ends."""
        events = replay_deployed(
            self._project,
            [reference],
            target=self._name,
            repeat=1,
            red=self._red,
            twice=False,
            pace=Pace(),
            plan=plan,
            resume="",
        )
        with closing(events):
            for event in events:
                if isinstance(event, FixtureReplayed | FixtureNotRun):
                    return event
                if isinstance(event, RunFinished) and event.interrupted:
                    raise KeyboardInterrupt
        raise AssertionError("of a fixture something is told, unless it was interrupted")

    @cached_property
    def _replayer(self) -> Replayer:
        known = {"target": self._name, "account_id": "", "arns": []}
        for plan in self._plans.values():
            known = {
                **known,
                "account_id": plan.destinations[0].account_id,
                "caller_arn": plan.destinations[0].caller_arn,
                "arns": [each.arn for each in plan.destinations],
            }
        self._ledger = Ledger.begin(self._project.config.root, command="pytest", **known)
        return Replayer(
            self._project.store,
            functions=lambda name: function_of(self._project, name),
            open_invoker=self._noted(self._ledger),
            red=self._red,
            pin=False,
            redactor=lambda: self._project.redactor,
            expect_options=self._project.fixtures_option,
        )

    def _noted(self, ledger: Ledger) -> Callable[[Function], Invoker]:
        limit = RateLimit(None)

        def opened(function: Function) -> Invoker:
            return NotedInvoker(self._project.open_invoker(function, target=self._name), ledger, limit, self._key)

        return opened


def check_agreed(plan: Plan, *, agreed: bool) -> None:
    """
    Refuse what goes beyond this machine without the user's word.

    Raises:
        TargetRefused: Nobody has agreed.
    """
    if plan.must_be_confirmed and not agreed:
        raise TargetRefused(
            "the target is beyond this machine, and nobody has agreed to what would be sent",
            where=", ".join(destination.arn for destination in plan.destinations),
            expected="--replay-yes, once you have seen the plan",
            hint="look at it with --collect-only, then add --replay-yes",
        )


def plans_of(project: Project, asked: Iterable[tuple[str, FixtureReference]]) -> dict[str, Plan]:
    """
    Make the plan of each deployed target among (target, fixture); local ones need none.

    Raises:
        ReplayError: A target cannot be used.
    """
    by_target: dict[str, dict[FixtureReference, None]] = {}
    for target, reference in asked:
        by_target.setdefault(target, {})[reference] = None
    return {
        target: plan_replay(project, list(references), target=target)
        for target, references in by_target.items()
        if project.is_deployed(target)
    }


def with_untold(outcome: Outcome, untold: Mapping[str, str]) -> Outcome:
    """
    Give *outcome* so that a test which asks for what is not known is skipped, with the reason.

    Args:
        untold: Why it is not known, by the name of an attribute of an outcome, or of its report.
    """
    report = _hiding(outcome.report, untold)
    return _hiding(replace(outcome, report=report), untold)


def _hiding(value: _Value, untold: Mapping[str, str]) -> _Value:
    seen: Any = object.__new__(_hiding_class(cast("Hashable", type(value))))
    for each in fields(value):
        object.__setattr__(seen, each.name, getattr(value, each.name))
    object.__setattr__(seen, "_untold", untold)
    return cast("_Value", seen)


@cache
def _hiding_class(kind: Hashable) -> type:
    """Make the class of outcomes, or of reports, that hide something; *kind* is theirs."""
    assert isinstance(kind, type)

    def get(self: object, name: str) -> object:
        why = object.__getattribute__(self, "_untold").get(name)
        if why is not None:
            pytest.skip(f"cannot be asserted: {why}")
        return object.__getattribute__(self, name)

    return type(kind.__name__, (kind,), {"__slots__": ("_untold",), "__getattribute__": get})


def references_in(node_ids: Sequence[str], references: Iterable[FixtureReference]) -> list[FixtureReference]:
    """Find the fixtures that the tests of these node ids replay, by their names alone."""
    text = "\n".join(node_ids)
    return [each for each in references if f"{each.function}::replay[{each.name}]" in text or f"{each}" in text]
