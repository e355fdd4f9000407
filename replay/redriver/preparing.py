"""What is known of a redrive before it begins: its queues, who judges, and the plan that its user agrees to."""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from replay.deployed_replay import function_of
from replay.errors import ConfigurationError, SourceRefused
from replay.ledger.ledger import Ledger, find_run, read_run
from replay.project import Project
from replay.redriver.move_task import MoveProgress, MoveTask
from replay.redriver.moving import DeduplicationIds
from replay.redriver.redrive import Redrive
from replay.redriver.redrive_events import RedriveEvent
from replay.replayer import Pace
from replay.sources.sqs_leases import GIVE_BACK_CONCURRENCY
from replay.sources.sqs_queue import Queue, RedriveSources
from replay.targets.base import Invoker
from replay.targets.guard_rails.deployed import Deployed
from replay.targets.guard_rails.destination import Destination
from replay.targets.guard_rails.plan import Plan
from replay.targets.sqs import SqsTarget

JUDGED_BY_DEFAULT = "staging"
LOCAL = "local"
_UNBOUNDED = Pace()


@dataclass(frozen=True, slots=True, kw_only=True)
class RedriveRequest:
    """
    What a user asks for.

    Attributes:
        queue: The dead-letter queue: a `[tool.replay.targets.NAME]` of kind sqs, or its name, URL or ARN.
        function: Who judges, by the name that it has in this project.
        judge: The target on which it judges; `local` for here, on a mocked AWS; by default the target `staging`.
        to: Where messages go, if not where they came from.
        execute: Whether anything is moved; else it is only said what would be.
        resume: The run to go on with.
    """

    queue: str
    function: str = ""
    judge: str = ""
    to: str = ""
    execute: bool = False
    pace: Pace = _UNBOUNDED
    limit: int | None = None
    visibility_timeout_s: int | None = None
    deduplication_ids: DeduplicationIds = "renew"
    endpoint_url: str | None = None
    region: str | None = None
    profile: str | None = None
    resume: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedRedrive:
    """A redrive of which everything is checked; `plan` is for its user to agree to."""

    plan: Plan
    redrive: Redrive

    def events(self) -> Generator[RedriveEvent, None, None]:
        """Do it, and tell it event by event."""
        return self.redrive.events()


def prepare_redrive(project: Project, request: RedriveRequest) -> PreparedRedrive:
    """
    Find and check the queues and who judges; nothing is received, moved or invoked.

    Raises:
        ConfigurationError: Nothing says who judges, or where messages go.
        TargetRefused: A queue or what judges could be hurt.
        SourceRefused: The queue is no dead-letter queue.
        AwsError: Something of it could not be looked at.
    """
    if not request.function:
        raise ConfigurationError(
            "which function failed, and judges now?", where="--function", hint="--function NAME; or --all, unjudged"
        )
    judge = _judge(project, request)
    source = queue_target(project, request)
    _refuse_no_dead_letter_queue(source.queue)
    targets = _where_to(source, request)
    function = function_of(project, request.function)
    open_invoker = partial(project.open_invoker, function, target="process" if judge == LOCAL else judge)
    destinations = [*_judging(open_invoker), *(target.checked_destination() for target in targets.values())]
    if request.execute:
        destinations.append(replace(source.checked_destination(), seen_by=()))
    about = source.queue.visible if request.limit is None else min(source.queue.visible, request.limit)
    plan = Plan(
        events=about,
        destinations=tuple(destinations if request.execute else _judging(open_invoker)),
        rate_per_s=request.pace.rate_per_s,
        concurrency=request.pace.concurrency,
    )
    redrive = Redrive(
        client=source.client(max_pool_connections=2 * request.pace.concurrency + GIVE_BACK_CONCURRENCY),
        sending_client=source.client(max_pool_connections=request.pace.concurrency, max_attempts=1),
        source=source.queue,
        to={arn: target.queue for arn, target in targets.items()},
        function=function,
        open_invoker=open_invoker,
        open_ledger=_ledger(project, request, source.queue, plan) if request.execute else None,
        pace=request.pace,
        limit=request.limit,
        visibility_timeout_s=request.visibility_timeout_s,
        deduplication_ids=request.deduplication_ids,
        judges=1 if judge == LOCAL else request.pace.concurrency,
    )
    return PreparedRedrive(plan=plan, redrive=redrive)


def queue_target(project: Project, request: RedriveRequest) -> SqsTarget:
    """
    Find the queue among the targets of the configuration, by its section's name or its own; else by its own name.

    Raises:
        ConfigurationError: It names no queue.
    """
    configured = {
        name: table
        for name, table in project.config.targets.items()
        if table.get("kind", name) == "sqs" and request.queue in {name, table.get("queue")}
    }
    target = project.target(next(iter(configured), f"sqs:{request.queue}"))
    given = {"endpoint_url": request.endpoint_url, "region": request.region, "profile": request.profile}
    return SqsTarget(
        **{"queue": request.queue, **target.options, **{name: value for name, value in given.items() if value}}
    )


def _judge(project: Project, request: RedriveRequest) -> str:
    judge = request.judge or (JUDGED_BY_DEFAULT if JUDGED_BY_DEFAULT in project.config.targets else "")
    if not judge:
        raise ConfigurationError(
            "nothing says who judges whether a message succeeds now",
            where="--judge",
            expected=f"a deployed function: [tool.replay.targets.{JUDGED_BY_DEFAULT}], or --judge lambda:FUNCTION",
            hint="or --judge local: weak evidence, since AWS is mocked and empty there",
        )
    return judge


def _judging(open_invoker: Callable[[], Invoker]) -> list[Destination]:
    invoker = open_invoker()
    return [invoker.checked_destination()] if isinstance(invoker, Deployed) else []


def _refuse_no_dead_letter_queue(queue: Queue) -> None:
    """Receiving counts as a receive of the queue's redrive policy. Source: SQS Developer Guide, maxReceiveCount."""
    if queue.redrive_to is not None:
        raise SourceRefused(
            f"{queue.name} has a dead-letter queue itself: each look at a message pushes it towards that",
            where=queue.arn,
            expected="a dead-letter queue",
            hint=f"replay redrive {queue.redrive_to.rpartition(':')[2]} …",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedMoveTask:
    """A move of all messages by SQS itself, of which everything is checked."""

    plan: Plan
    task: MoveTask

    def events(self) -> Generator[MoveProgress, None, None]:
        """Do it, and tell how far it has come."""
        return self.task.events()


def prepare_move_task(project: Project, request: RedriveRequest) -> PreparedMoveTask:
    """
    Find and check the queues of a move that nobody judges; nothing is moved.

    Raises:
        ConfigurationError: Nothing says where messages go, or SQS cannot move at this pace.
        TargetRefused: A queue could be hurt.
        SourceRefused: The queue is no dead-letter queue.
        AwsError: Something of it could not be looked at.
    """
    source = queue_target(project, request)
    _refuse_no_dead_letter_queue(source.queue)
    targets = _where_to(source, request)
    destinations = [target.checked_destination() for target in (*targets.values(), source)]
    plan = Plan(events=source.queue.visible, destinations=tuple(destinations), rate_per_s=request.pace.rate_per_s)
    task = MoveTask(
        client=source.client(),
        source=source.queue,
        to=next(iter(targets.values())).queue if request.to else None,
        rate_per_s=request.pace.rate_per_s,
        open_ledger=_ledger(project, request, source.queue, plan),
    )
    return PreparedMoveTask(plan=plan, task=task)


def _where_to(source: SqsTarget, request: RedriveRequest) -> Mapping[str, SqsTarget]:
    """Give the queues that messages go to, by the ARN of the queue that they failed in."""
    if request.to:
        target = source.at(request.to)
        if target.queue.arn == source.queue.arn:
            raise ConfigurationError(
                "messages cannot be moved to the queue that they are in",
                where=f"--to {request.to}",
                hint="leave it out",
            )
        return {"": target}
    sources = RedriveSources(source.client(), source.queue)
    if not sources.arns:
        raise ConfigurationError(
            "; ".join(["no queue is known whose dead letters these are", *sources.notes]),
            where=source.queue.arn,
            expected="a queue that names this one in its redrive policy",
            hint="say where messages go: --to QUEUE",
        )
    return {arn: source.at(arn) for arn in sources.arns}


def _ledger(project: Project, request: RedriveRequest, queue: Queue, plan: Plan) -> Callable[[], Ledger]:
    root = project.config.root
    if request.resume:
        header = read_run(find_run(root, request.resume)).header
        if (header.get("command"), header.get("target")) != ("redrive", queue.arn):
            raise ConfigurationError(
                "that run is another one",
                where=f"--resume {request.resume}",
                expected=f"a redrive of {queue.arn}",
                hint=f"it was `replay {header.get('command')}` of {header.get('target')}; see `replay runs`",
            )
        return partial(Ledger.resume, root, request.resume)
    known: dict[str, Any] = {
        "target": queue.arn,
        "arns": [destination.arn for destination in plan.destinations],
        "account_id": queue.arn.split(":")[4],
        "caller_arn": plan.destinations[-1].caller_arn,
        "judge": request.judge,
        "function": request.function,
        "events": plan.events,
    }
    return partial(Ledger.begin, root, command="redrive", **known)
