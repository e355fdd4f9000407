"""What is known of a move that nobody judges before it begins: by SQS itself where it can, else message by message."""

from collections.abc import Generator
from dataclasses import dataclass, replace

from replay.project import Project
from replay.redriver.move_task import MoveProgress, MoveTask
from replay.redriver.preparing import (
    PreparedRedrive,
    RedriveRequest,
    ledger_of,
    prepared_redrive,
    queue_target,
    refuse_queue,
    taken_from,
    ways_back,
)
from replay.redriver.ways_back import WaysBack
from replay.sources.sqs_queue import RedriveSources
from replay.targets.guard_rails.plan import Plan
from replay.targets.sqs import SqsTarget


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedMoveTask:
    """A move of all messages by SQS itself, of which everything is checked."""

    plan: Plan
    task: MoveTask

    def events(self) -> Generator[MoveProgress, None, None]:
        """Do it, and tell how far it has come."""
        return self.task.events()


def prepare_move_of_all(project: Project, request: RedriveRequest) -> PreparedMoveTask | PreparedRedrive:
    """
    Find and check the places of a move that nobody judges; nothing is moved.

    SQS's own task moves what a redrive policy has brought into a queue, and all of it. The dead letters of functions
    and topics, part of a queue, and a run that was broken off are moved message by message.

    Raises:
        ConfigurationError: Nothing says where messages go, or SQS cannot move at this pace.
        TargetRefused: A queue or a function could be hurt.
        SourceRefused: The queue is no dead-letter queue.
        AwsError: Something of it could not be looked at.

    Source: SQS API `StartMessageMoveTask` ("dead-letter queues (DLQs) whose sources are other Amazon SQS queues").
    """
    source = queue_target(project, request)
    refuse_queue(source)
    ways = ways_back(project, source, request)
    if ways.functions or request.limit or request.resume or not RedriveSources(source.client(), source.queue).arns:
        return prepared_redrive(project, request, source, ways, None)
    return _by_sqs_itself(project, request, source, ways)


def _by_sqs_itself(project: Project, request: RedriveRequest, source: SqsTarget, ways: WaysBack) -> PreparedMoveTask:
    emptied = replace(source.checked_destination(), seen_by=(), role="emptied")
    destinations = (*ways.checked_destinations(), emptied)
    plan = Plan(
        events=source.queue.visible,
        destinations=destinations,
        rate_per_s=request.pace.rate_per_s,
        taken_from=(taken_from(source.queue),),
    )
    task = MoveTask(
        client=source.client(),
        source=source.queue,
        to=next(iter(ways.queues.values())).queue if request.to else None,
        rate_per_s=request.pace.rate_per_s,
        open_ledger=ledger_of(project, request, source.queue.arn, plan),
    )
    return PreparedMoveTask(plan=plan, task=task)
