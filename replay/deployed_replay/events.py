"""A run of captured events that are no fixtures: planned by counting them, then streamed to a target that answers."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import partial
from typing import Any

from replay.deployed_replay.ledgers import begun_header, how_far, ledger_of, pace_document
from replay.deployed_replay.plans import refuse_unseen
from replay.deployed_replay.runs import refuse_in_bulk
from replay.deployed_replay.the_project import Project, function_of
from replay.errors import ConfigurationError, SourceError
from replay.functions.function import Function
from replay.ledger.ledger import Ledger
from replay.readers.clients import aws_client
from replay.replayer import Pace, RunEvent, run
from replay.replayer.bulk_run import BulkRun
from replay.replayer.deployed_run import DeployedRun, observation
from replay.replayer.event_corpus import EventCorpus
from replay.replayer.event_replayer import EventReplayer, as_fixture
from replay.replayer.pace import refuse_pace_here
from replay.replayer.warm_functions import OpenInvoker
from replay.targets.base import Invoker
from replay.targets.bulk import Bulk
from replay.targets.carrier import Carrier
from replay.targets.guard_rails.deployed import Deployed
from replay.targets.guard_rails.one_place import AWS, Asked
from replay.targets.guard_rails.plan import Plan

_UNBOUNDED = Pace()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedEvents:
    """
    Captured events that were counted, and where they would go.

    Attributes:
        plan: None for a target in this process.
        digest: Of which objects they are, and as of when.
    """

    corpus: EventCorpus
    target: str
    events: int
    plan: Plan | None
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BegunEvents:
    """What the ledger says of a run of captured events that is to be gone on with."""

    target: str
    place: str
    function: str
    digest: str


def plan_events(
    project: Project, place: str, *, target: str, function: str = "", pace: Pace = _UNBOUNDED, resume: str = ""
) -> PlannedEvents:
    """
    Count the captured events at *place*, and check where they would go; nothing is sent.

    Args:
        place: `s3://BUCKET/PREFIX`, an object, a file or a folder: JSON Lines, as of `EventCorpus`.
        function: The function that they are for; by default the only one of the project.
        resume: The run of them that is to be gone on with.

    Raises:
        ConfigurationError: There is no such target, it gives no answers, or nobody knows for which function they are.
        TargetRefused: It could hurt an account.
        SourceError: There are no events.
        AwsError: Something could not be looked at.
    """
    name = function or _only_function(project)
    invoker = _answering(project, name, target)
    destinations = (invoker.checked_destination(),) if isinstance(invoker, Deployed) else ()
    corpus = EventCorpus(place, function=name, client=partial(_s3_client, invoker))
    found = corpus.planned()
    far = how_far(project, resume)
    counts = far.standing.counts()
    under_way = max(0, counts.acknowledged - counts.observed)
    plan = Plan(
        events=max(0, found.events - counts.observed - under_way),
        destinations=destinations,
        taken_from=(f"{found}{_emulated(place, invoker)}",),
        sent_again=not isinstance(invoker, Bulk),
        rate_per_s=pace.rate_per_s,
        concurrency=pace.concurrency,
        ramp_up_s=pace.ramp_up_s,
        resumed=far.run,
        done=counts.observed,
        under_way=under_way,
        all_at_once=isinstance(invoker, Bulk),
    )
    return PlannedEvents(
        corpus=corpus,
        target=target,
        events=found.events,
        plan=plan if destinations else None,
        digest=found.digest,
    )


def replay_events(
    project: Project, planned: PlannedEvents, *, pace: Pace = _UNBOUNDED, resume: str = "", agreed: bool = False
) -> Generator[RunEvent, None, None]:
    """
    Replay captured events, and judge each by itself: it succeeds, or it fails and is not as expected.

    They are taken one by one, and none is kept; what is told of one holds nothing of the event.

    Args:
        pace: What bounds the run; rate and concurrency are for deployed targets.
        resume: For a deployed target: the run to go on with.
        agreed: Whether a user has seen the plan, and meant it.

    Raises:
        TargetRefused: Nobody has agreed to the plan.
        ConfigurationError: The target cannot be asked for something of *pace*.
    """
    asked = _Asked(project=project, planned=planned, pace=pace, resume=resume)
    if planned.plan is None:
        refuse_pace_here(planned.target, pace, resume)
        return run(asked.replayer(asked.opens), planned.corpus.references(), pace=pace, total=planned.events)
    if not agreed:
        refuse_unseen(planned.plan, planned.target)
    invoker = asked.opens(asked.function())
    return _all_at_once(asked, planned.plan, invoker) if isinstance(invoker, Bulk) else _invoked(asked, planned.plan)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A run of captured events, as it was asked for."""

    project: Project
    planned: PlannedEvents
    pace: Pace
    resume: str

    def function(self) -> Function:
        """Give the function that they are for; one that is deployed need not be known here."""
        name = self.planned.corpus.function
        return function_of(self.project, name) if self.planned.plan else self.project.catalog.get(name)

    def opens(self, function: Function) -> Invoker:
        """Make the target."""
        return self.project.open_invoker(function, target=self.planned.target)

    def replayer(self, opens: OpenInvoker) -> EventReplayer:
        """Make a replayer whose invoker *opens* makes."""
        return EventReplayer(self.function, open_invoker=opens, redactor=lambda: self.project.redactor)

    def opens_ledger(self, plan: Plan) -> Callable[[], Ledger]:
        """Give what opens the ledger."""
        corpus = self.planned.corpus
        return ledger_of(
            self.project.config.root,
            plan,
            resume=self.resume,
            standing_only=True,
            target=self.planned.target,
            captured_events={"place": corpus.place, "function": corpus.function, "digest": self.planned.digest},
            **pace_document(self.pace),
        )


def _all_at_once(asked: _Asked, plan: Plan, target: Bulk) -> Generator[RunEvent, None, None]:
    refuse_in_bulk(asked.planned.target, pace=asked.pace)
    corpus = asked.planned.corpus
    at_once = BulkRun(
        target=target,
        event_text=lambda reference: as_fixture(reference).event_text,
        reference_of=lambda key, answer: corpus.reference(key, answer.event_text if answer else ""),
        make_replayer=asked.replayer,
        open_ledger=asked.opens_ledger(plan),
        observation=observation,
    )
    return at_once.events(corpus.references(), total=asked.planned.events)


def _invoked(asked: _Asked, plan: Plan) -> Generator[RunEvent, None, None]:
    invoked = DeployedRun(
        make_replayer=lambda noting: asked.replayer(noting(asked.opens)),
        open_ledger=asked.opens_ledger(plan),
        pace=asked.pace,
    )
    return invoked.events(asked.planned.corpus.references(), total=asked.planned.events)


def begun_events(project: Project, run_id: str) -> BegunEvents | None:
    """
    Give what a run that is to be gone on with takes its captured events from; None for a run of fixtures.

    Raises:
        ReplayError: There is no such run, or it was another command.
    """
    header = begun_header(project, run_id)
    known = header.get("captured_events")
    return BegunEvents(target=str(header["target"]), **known) if known else None


def refuse_others(planned: PlannedEvents, begun: BegunEvents) -> None:
    """
    Refuse to go on with a run whose events are others by now.

    Raises:
        SourceError: They are.
    """
    if planned.digest != begun.digest:
        raise SourceError(
            "the events have changed since that run began: what a line was then, another may be now",
            where=begun.place,
            expected="the same objects, untouched",
            hint="begin a new run",
        )


def _only_function(project: Project) -> str:
    names = project.catalog.names()
    if len(names) == 1:
        return names[0]
    raise ConfigurationError(
        "which function are the events for?",
        where="--events",
        expected="--function NAME",
        hint=f"they are: {', '.join(names[:5])}" if names else "any name will do for a function that is deployed only",
    )


def _answering(project: Project, function: str, target: str) -> Invoker:
    invoker = project.open_invoker(function_of(project, function), target=target)
    if isinstance(invoker, Carrier) and not invoker.answers:
        raise ConfigurationError(
            f"captured events are for targets that answer, and {target} gives no answer",
            where=f"--target {target}",
            expected="a function, or a stepfunctions-map before one",
            hint="to send through queues and buses, record fixtures first: replay record files …",
        )
    return invoker


def _emulated(place: str, invoker: Invoker) -> str:
    """Say which emulator has the events: they may come from anywhere, and whoever agrees to the plan should know."""
    asked = Asked.by(_s3_client(invoker)) if place.startswith("s3://") else None
    return f", at {asked.url}" if asked is not None and asked.place != AWS else ""


def _s3_client(invoker: Invoker) -> Any:
    """Read the events as the target's account does."""
    if not isinstance(invoker, Deployed):
        return aws_client("s3")
    options = invoker.described
    return aws_client("s3", region=options.region, profile=options.profile, endpoint_url=options.endpoint_url)
