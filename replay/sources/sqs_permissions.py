"""What AWS must allow to record a queue, and to drain it."""

from collections.abc import Iterator

from replay.sources.permissions import ANY, AwsPlace, Permission
from replay.sources.sqs_queue import queue_address
from replay.sources.stream_permissions import batch_permissions


def queue_permissions(queue: str, at: AwsPlace, *, drains: bool, move_to: str | None) -> tuple[Permission, ...]:
    """
    List what recording *queue* needs.

    Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon SQS".

    Raises:
        SourceError: The options name no queue.
    """
    return tuple(_permissions(_arn(queue, at), at, drains=drains, move_to=move_to))


def _permissions(queue: str, at: AwsPlace, *, drains: bool, move_to: str | None) -> Iterator[Permission]:
    find = ("sqs:GetQueueUrl", "sqs:GetQueueAttributes")
    yield Permission(actions=find, resources=(queue,), why="find the queue", opened=True)
    lease = ("sqs:ReceiveMessage", "sqs:ChangeMessageVisibility")
    yield Permission(actions=lease, resources=(queue,), why="read messages and give them back")
    if drains:
        yield Permission(actions=("sqs:DeleteMessage",), resources=(queue,), why="drain")
    if move_to:
        target = _arn(move_to, at)
        yield Permission(actions=find, resources=(target,), why="find the queue of --drain-to", opened=True)
        yield Permission(actions=("sqs:SendMessage",), resources=(target,), why="move what redaction changed")
    yield Permission(
        actions=("sqs:ListDeadLetterSourceQueues",),
        resources=(queue,),
        why="find the queues that the messages failed in",
        optional=True,
    )
    yield Permission(
        actions=("sqs:GetQueueUrl", "sqs:GetQueueAttributes"),
        resources=(at.arn("sqs", ANY),),
        why="know the settings of the queues that the messages failed in",
        optional=True,
    )
    yield Permission(actions=("lambda:ListEventSourceMappings",), why="warn of live consumers", optional=True)
    yield from batch_permissions(at, optional=True)


def _arn(queue: str, at: AwsPlace) -> str:
    if queue == ANY:
        return at.arn("sqs", ANY)
    address = queue_address(queue)
    return at.arn("sqs", address.name, region=address.region, account_id=address.account_id)
