"""Two targets, planned and then run one after the other."""

import os
import secrets
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from time import perf_counter
from types import MappingProxyType
from typing import Any

from replay.comparison.answers import AnswerReader, Ignored
from replay.comparison.compare_events import (
    CompareEvent,
    ComparisonFinished,
    ComparisonStarted,
    FixtureCompared,
    FixtureLookedAt,
)
from replay.comparison.differences import Kind, compare
from replay.comparison.seen import Seen, Told, ledger_document, seen_in_ledger, seen_of
from replay.errors import ConfigurationError
from replay.fixture_runs import replay_fixtures
from replay.fixtures.fixture import FixtureReference
from replay.ledger.ledger import find_run, read_run, run_paths
from replay.ledger.lines import progress_of
from replay.payloads.aws_calls import Fault
from replay.payloads.fault_reading import fault_of_text, fault_text
from replay.project import Project
from replay.redaction.settings import project_key
from replay.replayer import FixtureNotRun, FixtureReplayed, Pace, RunEvent, RunFinished
from replay.replayer.pace import ErrorBudget
from replay.replayer.replayer import AsSent, as_it_is
from replay.targets.guard_rails.plan import Plan
from replay.targets.registry import target_class

_UNBOUNDED = Pace()
_NEW: Mapping[str, str] = MappingProxyType({})
_NOT_SEEN = Seen(verdict="error", problem="it was not replayed there")


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """
    One of the two targets.

    Attributes:
        plan: What would be sent; None for a target in this process or beside it.
        run: The ledger to go on with.
    """

    target: str
    told: Told
    plan: Plan | None = None
    run: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """
    A comparison that is planned: nothing was sent yet, and `events` sends.

    Attributes:
        ignored: What of an answer, and of the parameters of a call, does not count.
        pace: For the deployed ones; its bounds of errors count what differs, or could not be compared.
        known: What both ledgers say of it, so that it can be gone on with.
    """

    project: Project
    references: Sequence[FixtureReference]
    baseline: Side
    other: Side
    ignored: Ignored
    pace: Pace = _UNBOUNDED
    cold: bool = False
    faults: tuple[Fault, ...] = ()
    as_sent: AsSent = as_it_is
    known: Mapping[str, Any] = field(default_factory=dict)

    @property
    def plans(self) -> tuple[Plan, ...]:
        """What would be sent to deployed targets: to be agreed to before `events` is called."""
        return tuple(side.plan for side in (self.baseline, self.other) if side.plan is not None)

    @property
    def options(self) -> tuple[str, ...]:
        """What a command needs to compare in the same way."""
        targets = "--target", self.baseline.target, "--target", self.other.target
        configured = self.project.config.compare.ignore
        return (
            *targets,
            *(word for path in self.ignored.paths if path not in configured for word in ("--ignore", path)),
        )

    def with_originals(self, count: int) -> "Comparison":
        """Let the plans say that so many fixtures are sent as they once were."""
        sides = [
            replace(side, plan=replace(side.plan, originals=count)) if side.plan else side
            for side in (self.baseline, self.other)
        ]
        return replace(self, baseline=sides[0], other=sides[1])

    def events(self) -> Generator[CompareEvent, None, None]:
        """
        Take every fixture through the one and then the other target, and tell what differs.

        Nothing is pinned, and no verdict counts: only what differs. A fixture that could not run, or was not observed,
        on either side is not compared, and never equal.
        """
        yield from _Comparing(self).events()


def plan_comparison(
    project: Project,
    references: Sequence[FixtureReference],
    *,
    baseline: str,
    other: str,
    ignore: Sequence[str] = (),
    pace: Pace = _UNBOUNDED,
    cold: bool = False,
    faults: Sequence[Fault] = (),
    as_sent: AsSent = as_it_is,
    runs: Mapping[str, str] = _NEW,
) -> Comparison:
    """
    Check both targets, and say what would be sent to each; nothing is sent.

    Args:
        ignore: JSONPaths of what does not count, beside those of `[tool.replay.compare]`.
        runs: The ledgers to go on with: of the `baseline`, of the `other`.

    Raises:
        ConfigurationError: There is no such target, the two are one, or an option is for another kind of target.
        TargetRefused: A target could hurt an account.
        AwsError: A target could not be looked at.
    """
    paths = (*project.config.compare.ignore, *ignore)
    sides = _sides(project, references, {"baseline": baseline, "other": other}, pace, runs)
    if not any(side.plan for side in sides):
        _refuse_pace(pace)
    elif faults:
        raise ConfigurationError(
            "the calls of a deployed function cannot be made to fail", where="--fault", hint="compare local targets"
        )
    pair = {"id": secrets.token_hex(6), "baseline": baseline, "other": other, "ignore": list(paths)}
    settings = {"cold": cold, "faults": [fault_text(fault) for fault in faults]}
    return Comparison(
        project=project,
        references=references,
        baseline=sides[0],
        other=sides[1],
        ignored=Ignored(paths),
        pace=pace,
        cold=cold,
        faults=tuple(faults),
        as_sent=as_sent,
        known={**pair, **settings},
    )


def resumed_comparison(project: Project, run: str, *, pace: Pace, as_sent: AsSent = as_it_is) -> Comparison:
    """
    Plan to go on with a comparison of which *run* is one of the ledgers; a local target is run again as a whole.

    Raises:
        ReplayError: There is no such run, or one of its fixtures is gone; and what `plan_comparison` raises.
    """
    known = compared_in(project, run) or {}
    references = resumed_references(project, run)
    begun = plan_comparison(
        project,
        references,
        baseline=known["baseline"],
        other=known["other"],
        pace=pace,
        cold=bool(known.get("cold")),
        faults=[fault_of_text(text, where="the ledger") for text in known.get("faults", ())],
        as_sent=as_sent,
        runs=_runs_of(project, known["id"]),
    )
    return replace(begun, ignored=Ignored(known["ignore"]), known=known)


def resumed_references(project: Project, run: str) -> list[FixtureReference]:
    """
    Give the fixtures of the comparison that *run* belongs to.

    Raises:
        ReplayError: There is no such run, or one of its fixtures is gone.
    """
    from replay.deployed_replay import resumed

    return resumed(project, run)[1]


def compared_in(project: Project, run: str) -> Mapping[str, Any] | None:
    """
    Give what the ledger of *run* says of the comparison that it belongs to; None where it belongs to none.

    Raises:
        ReplayError: There is no such run.
    """
    return read_run(find_run(project.config.root, run)).header.get("comparison")


def _runs_of(project: Project, comparison: str) -> dict[str, str]:
    found = {}
    for path in run_paths(project.config.root):
        with path.open("rb") as file:
            said = progress_of([file.readline()]).header.get("comparison") or {}
        if said.get("id") == comparison:
            found[str(said.get("side"))] = path.stem
    return found


def _sides(
    project: Project,
    references: Sequence[FixtureReference],
    targets: Mapping[str, str],
    pace: Pace,
    runs: Mapping[str, str],
) -> list[Side]:
    name = targets["other"]
    if name == targets["baseline"]:
        where = f"--target {name} --baseline {name}"
        raise ConfigurationError("a target is compared with itself", where=where, hint="name another")
    return [_side(project, references, target, pace, run=runs.get(name, "")) for name, target in targets.items()]


def _side(project: Project, references: Sequence[FixtureReference], target: str, pace: Pace, *, run: str) -> Side:
    if not project.is_deployed(target):
        effects = bool(getattr(target_class(project.target(target).kind), "tells_effects", False))
        return Side(target=target, told=Told(answer=True, effects=effects), run=run)
    from replay.deployed_replay import gives_answers, plan_replay

    answers = gives_answers(project, references, target)
    plan = plan_replay(project, references, target=target, pace=pace, resume=run)
    return Side(target=target, told=Told(answer=answers, effects=False), plan=plan, run=run)


def _refuse_pace(pace: Pace) -> None:
    for flag, given in (("--rate", pace.rate_per_s), ("--concurrency", pace.concurrency > 1), ("--speed", pace.speed)):
        if given:
            raise ConfigurationError(
                f"{flag} is for deployed targets, and neither is one", where=flag, hint="leave it out"
            )


class _Look:
    """What was seen by one of the targets, by fixture."""

    def __init__(self, comparison: Comparison, side: Side, name: str, reader: AnswerReader, *, digests: bool) -> None:
        self._comparison, self.side, self._name = comparison, side, name
        self._reader, self._digests = reader, digests
        self._taken: dict[str, Seen] = {}
        self.run = ""
        self.interrupted = False

    def events(self) -> Generator[tuple[FixtureReference, Seen], None, None]:
        """Give what was seen of each fixture; first what the ledger of a run that is gone on with has."""
        comparison, side = self._comparison, self.side
        known = read_run(find_run(comparison.project.config.root, side.run)).observed if side.run else {}
        for reference in comparison.references:
            document = known.get(str(reference), {})
            if document and document.get("verdict") != "unobserved":  # for that is looked again
                yield reference, seen_in_ledger(document)
        with closing(self._run()) as events:
            for event in events:
                if isinstance(event, FixtureReplayed):
                    yield event.fixture.reference, self._seen(event)
                elif isinstance(event, FixtureNotRun):
                    yield event.reference, seen_of(event, side.told, self._reader)
                elif isinstance(event, RunFinished):
                    self.run, self.interrupted = event.run, event.interrupted

    def _run(self) -> Generator[RunEvent, None, None]:
        comparison, side = self._comparison, self.side
        pace = replace(comparison.pace, budget=ErrorBudget(), stop_on_first=False)
        if side.plan is None:
            return replay_fixtures(
                comparison.project,
                comparison.references,
                target=side.target,
                cold=comparison.cold,
                pin=False,
                faults=comparison.faults,
                as_sent=comparison.as_sent,
            )
        from replay.deployed_replay import Noted, replay_deployed

        return replay_deployed(
            comparison.project,
            comparison.references,
            target=side.target,
            repeat=1,
            red=False,
            twice=False,
            pace=pace,
            plan=side.plan,
            resume=side.run,
            as_sent=comparison.as_sent,
            noted=Noted(header={"comparison": {**comparison.known, "side": self._name}}, observation=self._observed),
        )

    def _observed(self, event: FixtureReplayed) -> Mapping[str, Any]:
        """Say what the ledger keeps; called by the thread that has replayed it."""
        from replay.replayer.deployed_run import observation

        seen = self._taken[str(event.fixture.reference)] = seen_of(event, self.side.told, self._reader)
        return {**observation(event), **ledger_document(seen, digests=self._digests)}

    def _seen(self, event: FixtureReplayed) -> Seen:
        taken = self._taken.pop(str(event.fixture.reference), None)
        return taken or seen_of(event, self.side.told, self._reader)


class _Comparing:
    """One run of a comparison."""

    def __init__(self, comparison: Comparison) -> None:
        self._comparison = comparison
        key = project_key(comparison.project.config.root)
        reader = AnswerReader(
            ignored=comparison.ignored, redactor=comparison.project.redactor, key=key or os.urandom(32)
        )
        self._baseline, self._other = (
            _Look(comparison, side, name, reader, digests=key is not None)
            for side, name in ((comparison.baseline, "baseline"), (comparison.other, "other"))
        )
        self._kinds: Counter[Kind] = Counter()
        self._interrupted, self._stopped = False, ""

    def events(self) -> Generator[CompareEvent, None, None]:
        began = perf_counter()
        comparison = self._comparison
        names = comparison.baseline.target, comparison.other.target
        yield ComparisonStarted(total=len(comparison.references), baseline=names[0], other=names[1])
        try:
            yield from self._compared(names)
        except KeyboardInterrupt:
            self._interrupted = True
        yield ComparisonFinished(
            total=len(comparison.references),
            kinds=dict(self._kinds),
            elapsed_s=perf_counter() - began,
            interrupted=self._interrupted,
            stopped=self._stopped,
            runs=tuple(filter(None, (self._baseline.run or comparison.baseline.run, self._other.run))),
        )

    def _compared(self, names: tuple[str, str]) -> Generator[CompareEvent, None, None]:
        baseline: dict[str, Seen] = {}
        for reference, seen in self._baseline.events():
            baseline[str(reference)] = seen
            yield FixtureLookedAt(reference=reference, target=names[0])
        if self._baseline.interrupted:
            self._interrupted = True
            return
        with closing(self._other.events()) as others:
            for reference, seen in others:
                yield FixtureLookedAt(reference=reference, target=names[1])
                one = baseline.pop(str(reference), _NOT_SEEN)
                compared = compare(one, seen, names=names)
                self._kinds[compared.kind] += 1
                yield FixtureCompared(reference=reference, baseline=one, other=seen, compared=compared)
                self._stopped = self._why_stop()
                if self._stopped:
                    return
        self._interrupted = self._other.interrupted

    def _why_stop(self) -> str:
        errors = self._kinds["differs"] + self._kinds["not_compared"]
        return self._comparison.pace.why_stop(errors, len(self._comparison.references))
