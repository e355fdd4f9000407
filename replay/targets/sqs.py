"""The `sqs` target: a queue, whose consumer gets the events; and what `replay redrive` sends to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from replay.errors import ConfigurationError
from replay.functions.function import Function
from replay.payloads.captures import Event
from replay.payloads.envelopes.sqs_digests import md5_of_body
from replay.sources.sqs_queue import Queue, find_queue, queue_address
from replay.targets.carrier import Acknowledgement, Answer, Carrier, CarrierOptions, Entry, Refusal, Watch
from replay.targets.guard_rails.clients import TargetClients
from replay.targets.guard_rails.deployed import described
from replay.targets.guard_rails.destination import Destination
from replay.targets.guard_rails.identity import tags_of, unless_denied
from replay.targets.observing.consumers import chosen_function, is_on, mapped_functions, mappings_of
from replay.targets.observing.function_log import LoggedEnds
from replay.targets.observing.function_watches import DeployedFunction, log_and_metrics, queue_watches
from replay.targets.observing.source_queue import SourceQueue
from replay.targets.queue_parts.queue_entries import MOST_MESSAGE_BYTES, Fifo, queue_entries
from replay.targets.sending import batch_id

_MARGIN_S = 30.0
_LONGEST_PATIENCE_S = 900.0
_DELIVERIES = 3
"""Where the queue has no redrive policy: then SQS goes on, and nobody waits for that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SqsTargetOptions(CarrierOptions):
    """
    Which queue is sent to, and how.

    Attributes:
        queue: Its name, URL or ARN.
        fifo: Whether messages of a FIFO queue keep their deduplication ids, or get new ones; SQS silently drops what
            has the id of a message of the last five minutes.
        group_ids: Whether they keep their group ids, or each message is a group of its own.
        marked: Whether messages carry the attribute `replay-marker`; their function sees it. Without it they are known
            by the ids that SQS gives them.
    """

    queue: str = ""
    fifo: Fifo = "renew"
    group_ids: Fifo = "keep"
    marked: bool = True


class SqsTarget(Carrier):
    """
    An SQS queue: the messages of an event are sent to it, and its event source mapping hands them to the function.

    Bodies, attributes and trace header are kept; SQS gives each message a new id and timestamp. The end of a message is
    seen where its consumer logs, in the dead-letter queue, and in the queue itself, once it is empty.

    Source: SQS API `SendMessageBatch`.
    """

    name = "sqs"
    options = SqsTargetOptions
    named_by: ClassVar[str] = "queue"
    most_entries: ClassVar[int] = 10
    most_bytes: ClassVar[int | None] = MOST_MESSAGE_BYTES

    def __init__(self, function: Function | None = None, /, *, project: Path | None = None, **options: Any) -> None:
        del function, project
        self._options: SqsTargetOptions = self.options(**options)
        if not self._options.queue:
            raise ConfigurationError("which queue?", where="the target sqs", hint='say it: queue = "NAME", or sqs:NAME')
        self._address = queue_address(self._options.queue)
        self._clients = TargetClients(self._options)

    @property
    def described(self) -> SqsTargetOptions:
        """The options that say where it is."""
        return self._options

    @property
    def travels(self) -> str:
        """The queue."""
        return f"queue {self._address.name}"

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
        return self._clients(service, region=self._options.region or self._address.region or None, **settings)

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
        return replace(destination, seen_by=mapped_functions(self.client("lambda"), queue.arn, where=where))

    def entries(self, event: Event, *, key: str, marker: str) -> Sequence[Entry]:
        """
        Give a message a record, as `queue_entries` does.

        Raises:
            InvalidEvent: It is no event of SQS, or a message is larger than SQS takes.
        """
        options = self._options
        return queue_entries(
            event,
            key=key,
            marker=marker,
            marked=options.marked,
            to_fifo=self._address.name.endswith(".fifo"),
            deduplication_ids=options.fifo,
            group_ids=options.group_ids,
        )

    def send(self, entries: Sequence[Entry]) -> Mapping[str, Answer]:
        """
        Send one batch; an acknowledgement of other bytes than those that were sent is none.

        Source: SQS API "BatchResultErrorEntry": a batch answers 200 although entries in it failed.
        """
        by_id = {batch_id(entry.key): entry for entry in entries}
        answer: Any = self.client(max_attempts=1).send_message_batch(
            QueueUrl=self.queue.url, Entries=[{"Id": name, **entry.request} for name, entry in by_id.items()]
        )
        answers: dict[str, Answer] = {}
        for each in answer.get("Successful", []):
            entry = by_id.get(each["Id"])
            if entry and each.get("MD5OfMessageBody") in {None, md5_of_body(entry.request["MessageBody"])}:
                answers[entry.key] = Acknowledgement(identity=str(each.get("MessageId", "")))
        for each in answer.get("Failed", []):
            entry = by_id.get(each["Id"])
            if entry:
                answers[entry.key] = Refusal(code=str(each.get("Code", "")))
        return answers

    def watches(self, function: Function) -> Sequence[Watch]:
        """
        Give the log of its consumer, its dead-letter queue, and the queue itself.

        Raises:
            ConfigurationError: Several functions consume it, and it is not said which is *function*.
            AwsError: Its consumers may not be listed.
        """
        queue, patience_s = self.queue, self.patience_s(function)
        dead_letters = self._options.dead_letter_queue or queue.redrive_to or ""
        letters = queue_watches(self.client, [(dead_letters, "dead_lettered")], patience_s=patience_s)
        watches: list[Watch] = [*letters, SourceQueue(self.client(), queue, beside=letters)]
        mappings = [each for each in self._mappings or () if is_on(each)]
        arns = [str(each.get("FunctionArn", "")) for each in mappings]
        deployed = chosen_function(arns, asked=self._options.function, function=function, where=queue.arn)
        if not deployed:
            return watches
        partial = any("ReportBatchItemFailures" in each.get("FunctionResponseTypes", []) for each in mappings)
        consumer = DeployedFunction(self.client, deployed)
        ends = LoggedEnds(returned=None if partial or not mappings else "processed", timeout_s=consumer.timeout_s)
        return [*log_and_metrics(self.client, consumer, code=function.code, ends=ends), *watches]

    def patience_s(self, function: Function) -> float:
        """Say how long all deliveries of a message take: each waits for the queue's visibility timeout."""
        del function
        if self._options.observe_for_s is not None:
            return self._options.observe_for_s
        queue = self.queue
        deliveries = queue.max_receive_count or _DELIVERIES
        return min(_LONGEST_PATIENCE_S, deliveries * queue.visibility_timeout_s + _MARGIN_S)

    @cached_property
    def _mappings(self) -> list[dict[str, Any]] | None:
        return mappings_of(self.client("lambda"), self.queue.arn, where=f"queue {self.queue.name}")


def _as_keywords(options: SqsTargetOptions) -> dict[str, Any]:
    return {name: getattr(options, name) for name in options.__dataclass_fields__}
