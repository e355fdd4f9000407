"""The `sqs` target: a queue of which the account is named and checked, as `replay redrive` sends to it."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from replay.delivery.attempt import Attempt, Reply
from replay.errors import ConfigurationError, TargetError
from replay.functions.function import Function
from replay.readers.aws_errors import aws_errors
from replay.readers.clients import aws_client
from replay.sources.sqs_queue import Queue, find_queue, queue_address
from replay.targets.guard_rails.deployed import Deployed, described
from replay.targets.guard_rails.destination import Destination
from replay.targets.guard_rails.identity import tags_of, unless_denied
from replay.targets.guard_rails.options import DeployedOptions

_NOT_KNOWN = "whoever consumes it (lambda:ListEventSourceMappings is not allowed)"


@dataclass(frozen=True, slots=True, kw_only=True)
class SqsTargetOptions(DeployedOptions):
    """
    Which queue is sent to.

    Attributes:
        queue: Its name, URL or ARN.
    """

    queue: str = ""


class SqsTarget(Deployed):
    """
    An SQS queue: `replay redrive` moves messages to it.

    It gives no answer, so `replay run` cannot judge by it.
    """

    name = "sqs"
    options = SqsTargetOptions
    named_by: ClassVar[str] = "queue"
    answers: ClassVar[bool] = False

    def __init__(self, function: Function | None = None, /, *, project: Path | None = None, **options: Any) -> None:
        del function, project
        self._options: SqsTargetOptions = self.options(**options)
        if not self._options.queue:
            raise ConfigurationError("which queue?", where="the target sqs", hint='say it: queue = "NAME", or sqs:NAME')
        self._address = queue_address(self._options.queue)
        self._clients: dict[object, Any] = {}

    @property
    def described(self) -> SqsTargetOptions:
        """The options that say where it is."""
        return self._options

    def at(self, arn: str) -> "SqsTarget":
        """Give the target for another queue, under the same options."""
        other = SqsTarget(**{**_as_keywords(self._options), "queue": arn})
        other._clients = self._clients  # making a client takes long
        return other

    @cached_property
    def queue(self) -> Queue:
        """
        Find the queue.

        Raises:
            AwsError: There is no such queue, or it may not be looked at.
            SourceRefused: What was found is a queue of the same name in another account or region.
        """
        return find_queue(self.client(), self._address)

    def client(self, service: str = "sqs", **settings: Any) -> Any:
        """Give the client for where the queue is; the same one for the same settings."""
        options = self._options
        where = {"region": options.region or self._address.region or None, "profile": options.profile}
        asked = {**where, "endpoint_url": options.endpoint_url, **settings}
        key = (service, *asked.items())
        if key not in self._clients:
            self._clients[key] = aws_client(service, **asked)
        return self._clients[key]

    def destination(self) -> Destination:
        """
        Ask SQS what it is, and Lambda who consumes it.

        Raises:
            TargetRefused: It is beyond this machine, and its account is not named.
            AwsError: There is no such queue, or it may not be looked at.
        """
        client, queue = self.client(), self.queue
        where = f"queue {queue.name}"
        tags = unless_denied(
            lambda: tags_of(client.list_queue_tags(QueueUrl=queue.url).get("Tags", {})), service="sqs", where=where
        )
        destination = described(
            self._options,
            target=f"{self.name}:{queue.name}",
            arn=queue.arn,
            region=str(client.meta.region_name),
            endpoint_url=str(client.meta.endpoint_url),
            tags=tags,
        )
        if destination.on_this_machine:
            return destination
        return replace(destination, seen_by=self._consumers(queue))

    def invoke(self, attempt: Attempt) -> Reply:
        """
        Refuse: a queue gives no answer.

        Raises:
            TargetError: Always.
        """
        del attempt
        raise TargetError(
            "a queue gives no answer to judge by",
            where=f"queue {self._address.name}",
            hint="name the function that consumes it: --target lambda:FUNCTION",
        )

    def _consumers(self, queue: Queue) -> tuple[str, ...]:
        pages = self.client("lambda").get_paginator("list_event_source_mappings")
        where = f"queue {queue.name}"

        def read() -> list[Any]:
            with aws_errors(where=where, service="lambda"):
                found = pages.paginate(EventSourceArn=queue.arn)
                return [mapping for page in found for mapping in page.get("EventSourceMappings", [])]

        mappings = unless_denied(read, service="lambda", where=where)
        if mappings is None:
            return (_NOT_KNOWN,)
        names = (str(each.get("FunctionArn", "")).rpartition(":function:")[2] for each in mappings)
        return tuple(f"function {name}" for name in names)


def _as_keywords(options: SqsTargetOptions) -> dict[str, Any]:
    return {name: getattr(options, name) for name in options.__dataclass_fields__}
