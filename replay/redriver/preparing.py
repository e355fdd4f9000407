"""What is known of a redrive before it begins: its queues, who judges, and the plan that its user agrees to."""

import re
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from replay.deployed_replay import function_of
from replay.errors import ConfigurationError, SourceRefused, TargetRefused
from replay.ledger.ledger import Ledger, find_run, read_run
from replay.payloads.partitions import is_aws_url
from replay.project import Project
from replay.redriver.queue_outlet import DeduplicationIds
from replay.redriver.redrive import Judging, Redrive
from replay.redriver.redrive_events import RedriveEvent
from replay.redriver.ways_back import WaysBack, find_ways_back, named_way
from replay.replayer import Pace
from replay.sources.sqs_batches import BATCH_SIZE
from replay.sources.sqs_leases import GIVE_BACK_CONCURRENCY
from replay.sources.sqs_queue import Queue
from replay.targets.bulk import Bulk
from replay.targets.carrier import Carrier
from replay.targets.child.launch import command_of
from replay.targets.guard_rails.deployed import Deployed
from replay.targets.guard_rails.destination import Destination
from replay.targets.guard_rails.plan import Plan
from replay.targets.guard_rails.this_machine import is_on_this_machine
from replay.targets.sqs import SqsTarget

JUDGED_BY_DEFAULT = "staging"
LOCAL = "local"
_UNBOUNDED = Pace()
_BARE_KEY = re.compile(r"[\w-]+", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class RedriveRequest:
    """
    What a user asks for.

    Attributes:
        queue: The dead-letter queue: a `[tool.replay.targets.NAME]` of kind sqs, or its name, URL or ARN.
        function: Who judges, by the name that it has in this project.
        judge: The target on which it judges; `local` for here, on a mocked AWS; by default the target `staging`.
        to: Where messages go, if not where they came from: a queue, or `lambda:FUNCTION`.
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
        TargetError: What a child process needs, in which to judge here, is not installed.
        TargetRefused: A queue, a function or what judges could be hurt.
        SourceRefused: The queue is no dead-letter queue.
        AwsError: Something of it could not be looked at.
    """
    judging = _judging(project, request)
    source = queue_target(project, request)
    refuse_queue(source)
    return prepared_redrive(project, request, source, ways_back(project, source, request), judging)


def prepared_redrive(
    project: Project, request: RedriveRequest, source: SqsTarget, ways: WaysBack, judging: Judging | None
) -> PreparedRedrive:
    """
    Check where messages go, and who judges (nobody, where *judging* is None); nothing is received, moved or invoked.

    Raises:
        TargetRefused: A queue, a function or what judges could be hurt.
        AwsError: Something of it could not be looked at.
    """
    judge = _judged_by(judging)
    destinations = [*judge, *ways.checked_destinations()]
    if request.execute or judging is None:
        destinations.append(replace(source.checked_destination(), seen_by=(), role="emptied"))
    about = source.queue.visible if request.limit is None else min(source.queue.visible, request.limit)
    plan = Plan(
        events=about,
        destinations=tuple(destinations if request.execute or judging is None else judge),
        rate_per_s=request.pace.rate_per_s,
        ramp_up_s=request.pace.ramp_up_s,
        concurrency=request.pace.concurrency,
        most_together=BATCH_SIZE * request.pace.concurrency if judging is None else 1,
        taken_from=(taken_from(source.queue),),
    )
    at_once = request.pace.concurrency
    redrive = Redrive(
        client=source.client(max_pool_connections=2 * at_once + GIVE_BACK_CONCURRENCY),
        deleting_client=source.client(max_pool_connections=at_once, max_attempts=1),
        source=source.queue,
        routes=ways.routes(at_once=at_once, deduplication_ids=request.deduplication_ids),
        judging=judging,
        open_ledger=ledger_of(project, request, source.queue.arn, plan) if request.execute else None,
        pace=request.pace,
        limit=request.limit,
        visibility_timeout_s=request.visibility_timeout_s,
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


def _judging(project: Project, request: RedriveRequest) -> Judging:
    if not request.function:
        raise ConfigurationError(
            "which function failed, and judges now?", where="--function", hint="--function NAME; or --all, unjudged"
        )
    judge = request.judge or (JUDGED_BY_DEFAULT if JUDGED_BY_DEFAULT in project.config.targets else "")
    if not judge:
        raise ConfigurationError(
            "nothing says who judges whether a message succeeds now",
            where="--judge",
            expected=f"a deployed function: [tool.replay.targets.{JUDGED_BY_DEFAULT}], or --judge lambda:FUNCTION",
            hint="or --judge local: weak evidence, since AWS is mocked and empty there",
        )
    known = project.is_deployed(judge) if judge != LOCAL else False
    function = function_of(project, request.function) if known else project.catalog.get(request.function)
    if judge == LOCAL:
        command_of(function)  # refuses before a message is received, where no child process can be started
    open_invoker = partial(project.open_invoker, function, target="process" if judge == LOCAL else judge)
    at_once = 1 if judge == LOCAL else request.pace.concurrency
    return Judging(function=function, open_invoker=open_invoker, at_once=at_once)


def _judged_by(judging: Judging | None) -> list[Destination]:
    """Give where *judging* leads, after all checks; nowhere for what judges on this machine."""
    invoker = judging.open_invoker() if judging else None
    if isinstance(invoker, Bulk) or (isinstance(invoker, Carrier) and not invoker.answers and _is_one_way(invoker)):
        raise ConfigurationError(
            f"the target {invoker.name} gives no answer, and cannot judge",
            where="--judge",
            expected="a target that answers: lambda:FUNCTION, http, or local",
            hint="name the function that gets it in the end: --judge lambda:FUNCTION",
        )
    return [replace(invoker.checked_destination(), role="judges")] if isinstance(invoker, Deployed) else []


def _is_one_way(carrier: Carrier) -> bool:
    """Say whether nothing that goes there is answered; some answer one event and carry another."""
    return type(carrier).is_answered is Carrier.is_answered


def ways_back(project: Project, source: SqsTarget, request: RedriveRequest) -> WaysBack:
    """
    Give where messages go: where the user says, else where AWS says that they came from.

    Raises:
        ConfigurationError: Nobody says it.
        AwsError: What the user has named could not be looked at.
    """
    if request.to:
        return named_way(project, source, request.to)
    ways = find_ways_back(source)
    if not ways.queues and not ways.functions:
        raise ConfigurationError(
            "; ".join(["nothing is known whose dead letters these are", *ways.notes]),
            where=source.queue.arn,
            expected="a queue that names this one in its redrive policy, or a function in its DeadLetterConfig",
            hint="say where messages go: --to QUEUE, or --to lambda:FUNCTION",
        )
    return ways


def refuse_queue(source: SqsTarget) -> None:
    """
    Refuse a queue that is no dead-letter queue, or of which nothing says in which account it may be.

    Receiving counts as a receive of the queue's redrive policy. Source: SQS Developer Guide, maxReceiveCount.

    Raises:
        SourceRefused: It has a redrive policy of its own.
        TargetRefused: It is beyond this machine, and its account is not named.
    """
    queue = source.queue
    endpoint = str(source.client().meta.endpoint_url)
    if not source.described.account_id and (is_aws_url(endpoint) or not is_on_this_machine(endpoint)):
        section = queue.name if _BARE_KEY.fullmatch(queue.name) else f'"{queue.name}"'
        raise TargetRefused(
            f"the queue {queue.name} is beyond this machine, and nothing says in which account it may be",
            where=queue.arn,
            expected='account_id = "123456789012" in its section of pyproject.toml',
            hint=f'write it there: [tool.replay.targets.{section}] kind = "sqs", and account_id = "…"',
        )
    if queue.redrive_to is not None:
        raise SourceRefused(
            f"{queue.name} has a dead-letter queue itself: each look at a message pushes it towards that",
            where=queue.arn,
            expected="a dead-letter queue",
            hint=f"replay redrive {queue.redrive_to.rpartition(':')[2]} …",
        )


def taken_from(queue: Queue) -> str:
    """Say what a redrive takes from *queue*, and what it cannot see there."""
    are = "is" if queue.in_flight == 1 else "are"
    held = f"; {queue.in_flight:,} more {are} in flight, held by a consumer or by a run that was killed"
    return f"queue {queue.name}" + (held if queue.in_flight else "")


def ledger_of(project: Project, request: RedriveRequest, arn: str, plan: Plan) -> Callable[[], Ledger]:
    """
    Give what opens the ledger of a redrive of *arn*: a new one, or the one to go on with.

    Raises:
        ConfigurationError: That is of another run.
        ReplayError: There is no such run.
    """
    root = project.config.root
    if request.resume:
        header = read_run(find_run(root, request.resume)).header
        if (header.get("command"), header.get("target")) != ("redrive", arn):
            raise ConfigurationError(
                "that run is another one",
                where=f"--resume {request.resume}",
                expected=f"a redrive of {arn}",
                hint=f"it was `replay {header.get('command')}` of {header.get('target')}; see `replay runs`",
            )
        return partial(Ledger.resume, root, request.resume)
    known: dict[str, Any] = {
        "target": arn,
        "arns": [destination.arn for destination in plan.destinations],
        "account_id": arn.split(":")[4],
        "caller_arn": plan.destinations[-1].caller_arn,
        "judge": request.judge,
        "function": request.function,
        "events": plan.events,
    }
    return partial(Ledger.begin, root, command="redrive", **known)
