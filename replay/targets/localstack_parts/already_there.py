"""What of a template is on LocalStack already: it would become the stack's own, and be removed with it."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from replay.errors import AwsError, TargetError
from replay.readers.aws_errors import aws_errors
from replay.targets.guard_rails.clients import TargetClients
from replay.targets.localstack_parts.deployable import Deployable

_KINDS: dict[str, tuple[str, str, Callable[[Any, str], object]]] = {
    "AWS::SQS::Queue": ("queue", "sqs", lambda client, name: client.get_queue_url(QueueName=name)),
    "AWS::S3::Bucket": ("bucket", "s3", lambda client, name: client.head_bucket(Bucket=name)),
    "AWS::Events::EventBus": ("bus", "events", lambda client, name: client.describe_event_bus(Name=name)),
    "AWS::Kinesis::Stream": (
        "stream", "kinesis", lambda client, name: client.describe_stream_summary(StreamName=name),
    ),
    "AWS::DynamoDB::Table": ("table", "dynamodb", lambda client, name: client.describe_table(TableName=name)),
    "AWS::Lambda::Function": (
        "function", "lambda", lambda client, name: client.get_function_configuration(FunctionName=name),
    ),
}  # fmt: skip
_TOPIC = "AWS::SNS::Topic"
_NOT_THERE = {
    "ResourceNotFoundException", "AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist", "404", "NoSuchBucket",
}  # fmt: skip


def refuse_what_is_there(clients: TargetClients, what: Deployable) -> None:
    """
    Refuse a template of which something that holds data, or that others use, is there already.

    Raises:
        TargetError: Something is.
        AwsError: It could not be asked.
    """
    there = [*_there(clients, what), *_topics(clients, what.named.get(_TOPIC, ()))]
    if there:
        raise TargetError(
            f"the function is not on LocalStack, but the {', '.join(there)} of {what.origin} is",
            where=", ".join(there),
            expected="all of it, or nothing: what is there is not replay's to change",
            hint='deploy the rest (samlocal, cdklocal), or remove it there; or replay with through = "function"',
        )


def _there(clients: TargetClients, what: Deployable) -> Iterator[str]:
    for kind, (word, service, read) in _KINDS.items():
        for name in what.named.get(kind, ()):
            try:
                with aws_errors(where=f"{word} {name}", service=service):
                    read(clients(service), name)
            except AwsError as error:
                if error.code not in _NOT_THERE:
                    raise
            else:
                yield f"{word} {name}"


def _topics(clients: TargetClients, names: Sequence[str]) -> list[str]:
    if not names:
        return []
    with aws_errors(where="topics", service="sns"):
        pages = clients("sns").get_paginator("list_topics").paginate()
        found = {str(each["TopicArn"]).rpartition(":")[2] for page in pages for each in page["Topics"]}
    return [f"topic {name}" for name in names if name in found]
