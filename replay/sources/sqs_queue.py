"""One SQS queue as its attributes describe it: found by name, URL or ARN, with its redrive ties and its consumers."""

import difflib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from replay.errors import AwsError, SourceError
from replay.payloads.event_sources import EventSource
from replay.readers.aws_errors import aws_errors, error_code

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_ARN = re.compile(r"arn:[\w-]+:sqs:(?P<region>[\w-]+):(?P<account>\d{12}):(?P<name>[\w-]{1,80}(?:\.fifo)?)")
_NAME = re.compile(r"[\w-]{1,75}\.fifo|[\w-]{1,80}", re.ASCII)
_REGION = r"[a-z]{2}(?:-[a-z]+)+-\d"
_URL_REGION = re.compile(rf"https?://(?:[\w-]+\.)?sqs\.({_REGION})\.|https?://({_REGION})\.queue\.")
_NOT_THERE = {"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist", "InvalidAddress"}
_MOST_NAMES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """What the user wrote to name a queue, taken apart; what it does not say is empty."""

    name: str
    url: str = ""
    region: str = ""
    account_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """
    A queue at the moment of asking. Counts are AWS's approximations.

    `redrive_to` and `max_receive_count` are those of its own redrive policy, if it has one.

    Source: SQS API `GetQueueAttributes`.
    """

    url: str
    arn: str
    fifo: bool = False
    visible: int = 0
    in_flight: int = 0
    delayed: int = 0
    retention_s: int = 345_600
    visibility_timeout_s: int = 30
    redrive_to: str | None = None
    max_receive_count: int | None = None

    @property
    def name(self) -> str:
        """Its name, for eyes."""
        return self.arn.rpartition(":")[2]

    @property
    def event_source(self) -> EventSource:
        """The settings with which this queue hands its messages to a function."""
        return EventSource(
            kind="sqs",
            arn=self.arn,
            fifo=self.fifo,
            max_receive_count=self.max_receive_count,
            visibility_timeout_s=self.visibility_timeout_s,
            dead_letter_queue=self.redrive_to,
        )


def queue_address(text: str) -> Address:
    """
    Take a queue's name, URL or ARN apart.

    Raises:
        SourceError: It is none of these.
    """
    text = text.strip()
    found = _ARN.fullmatch(text)
    if found:
        return Address(name=found["name"], region=found["region"], account_id=found["account"])
    if re.match(r"https?://", text):
        region = _URL_REGION.match(text)
        name = text.rstrip("/").rpartition("/")[2]
        return Address(name=name, url=text, region=(region[1] or region[2]) if region else "")
    if _NAME.fullmatch(text):
        return Address(name=text)
    raise SourceError(
        "that names no SQS queue",
        where=f"--queue {text!r}",
        expected="a queue name (letters, digits, - and _, perhaps with .fifo), a queue URL, or an ARN arn:aws:sqs:…",
        hint="list the queues with `aws sqs list-queues`",
    )


def find_queue(client: "SQSClient", address: Address) -> Queue:
    """
    Find a queue and read its attributes.

    Raises:
        AwsError: There is no such queue, or it may not be looked at.
    """
    where = f"queue {address.name} in {client.meta.region_name}"
    with aws_errors(where=where, service="sqs"):
        try:
            return read_queue(client, address.url or _url(client, address))
        except client.exceptions.ClientError as error:
            if error_code(error) not in _NOT_THERE:
                raise
            raise _no_queue(client, address, where, error_code(error)) from None


def read_queue(client: "SQSClient", url: str) -> Queue:
    """Read the attributes of the queue at *url*; boto3's own errors come through."""
    read: Any = client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"]).get("Attributes", {})
    policy = _redrive_policy(read.get("RedrivePolicy"))
    target, count = policy.get("deadLetterTargetArn"), policy.get("maxReceiveCount")
    return Queue(
        url=url,
        arn=read["QueueArn"],
        fifo=str(read.get("FifoQueue", "")).lower() == "true" or read["QueueArn"].endswith(".fifo"),
        visible=int(read.get("ApproximateNumberOfMessages", 0)),
        in_flight=int(read.get("ApproximateNumberOfMessagesNotVisible", 0)),
        delayed=int(read.get("ApproximateNumberOfMessagesDelayed", 0)),
        retention_s=int(read.get("MessageRetentionPeriod", 345_600)),
        visibility_timeout_s=int(read.get("VisibilityTimeout", 30)),
        redrive_to=str(target) if target else None,
        max_receive_count=int(count) if count else None,
    )


def _url(client: "SQSClient", address: Address) -> str:
    if address.account_id:
        try:
            return client.get_queue_url(QueueName=address.name, QueueOwnerAWSAccountId=address.account_id)["QueueUrl"]
        except client.exceptions.ClientError as error:
            if error_code(error) not in _NOT_THERE:
                raise
            # Emulators have one account, whatever the ARN says.
    return client.get_queue_url(QueueName=address.name)["QueueUrl"]


def _redrive_policy(text: str | None) -> dict[str, Any]:
    try:
        policy = json.loads(text or "{}")
    except ValueError:
        return {}
    return policy if isinstance(policy, dict) else {}


def _no_queue(client: "SQSClient", address: Address, where: str, code: str) -> AwsError:
    """Say that there is no such queue, and which names are near, where we may list them."""
    near: list[str] = []
    try:
        urls = client.list_queues(MaxResults=_MOST_NAMES).get("QueueUrls", [])
        names = [url.rpartition("/")[2] for url in urls]
        near = difflib.get_close_matches(address.name, names, n=3)
    except client.exceptions.ClientError:
        names = []  # we may not list: then there is nothing to suggest
    listing = f"`aws sqs list-queues --region {client.meta.region_name}`"
    hint = f"did you mean {' or '.join(near)}?" if near else f"check the name, --region and --profile; see {listing}"
    return AwsError("there is no such queue", code=code, where=where, hint=hint)


class RedriveSources:
    """
    The queues whose dead letters a queue holds, and with which settings each of them hands over its messages.

    Source: SQS Developer Guide, "Using dead-letter queues"; API `ListDeadLetterSourceQueues`.
    """

    def __init__(self, client: "SQSClient", queue: Queue) -> None:
        self._client = client
        self._queue = queue
        self._known: dict[str, EventSource] = {queue.arn: queue.event_source}
        self.notes: list[str] = []
        found = self._listed()
        self.arns = tuple(sorted(source.arn for source in found))
        self._known.update((source.arn, source.event_source) for source in found)

    def event_source(self, attributes: dict[str, str]) -> EventSource:
        """
        Say which queue first held the message with these system attributes, and its settings.

        A message without `DeadLetterQueueSourceArn` came from the only source queue, where there is just one; else it
        was sent to this queue itself.
        """
        only = self.arns[0] if len(self.arns) == 1 else self._queue.arn
        arn = attributes.get("DeadLetterQueueSourceArn") or only
        if arn not in self._known:
            self._known[arn] = self._look_up(arn)
        return self._known[arn]

    def _listed(self) -> list[Queue]:
        client = self._client
        try:
            pages = client.get_paginator("list_dead_letter_source_queues").paginate(QueueUrl=self._queue.url)
            urls = [url for page in pages for url in page.get("queueUrls", [])]
            return [read_queue(client, url) for url in urls]
        except client.exceptions.ClientError as error:
            # Some emulators lack the operation, and a reader may lack the permission: each message tells its source.
            if error_code(error).startswith("AccessDenied"):
                self.notes.append(
                    "the queues whose dead letters these are could not be looked up "
                    "(allow sqs:ListDeadLetterSourceQueues and sqs:GetQueueAttributes)"
                )
            return []

    def _look_up(self, arn: str) -> EventSource:
        client = self._client
        try:
            url = _url(client, queue_address(arn))
            return read_queue(client, url).event_source
        except (client.exceptions.ClientError, SourceError, KeyError):
            self.notes.append(f"the settings of the source queue {arn} could not be read; AWS's defaults are noted")
            return EventSource(kind="sqs", arn=arn, fifo=arn.endswith(".fifo"), dead_letter_queue=self._queue.arn)


def live_consumers(queue: Queue, lambda_client: Any) -> list[str]:
    """
    Say, as notes for the user, who may take messages from *queue* while it is recorded.

    Source: Lambda API `ListEventSourceMappings`.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    notes = []
    try:
        mappings = lambda_client.list_event_source_mappings(EventSourceArn=queue.arn).get("EventSourceMappings", [])
        for mapping in mappings:
            if mapping.get("State") not in {"Disabled", "Disabling", "Deleting"}:
                function = str(mapping.get("FunctionArn", "")).rpartition(":function:")[2]
                notes.append(f"function {function} consumes {queue.name}: what it takes meanwhile is not seen")
    except (ClientError, BotoCoreError) as error:
        reason = error_code(error) or type(error).__name__
        notes.append(
            f"whether a function consumes {queue.name} is not known ({reason}: allow lambda:ListEventSourceMappings)"
        )
    if queue.in_flight:
        notes.append(
            f"about {queue.in_flight} messages of {queue.name} were in flight already: "
            "a live consumer, or another recording, holds them, and they are not seen"
        )
    if queue.delayed:
        notes.append(f"about {queue.delayed} messages of {queue.name} are delayed and not seen yet")
    return notes
