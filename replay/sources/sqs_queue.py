"""One SQS queue as its attributes describe it: found by name, URL or ARN, with its redrive ties and its consumers."""

import difflib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from replay.counted_nouns import counted
from replay.errors import AwsError, SourceError, SourceRefused
from replay.payloads.event_sources import EventSource
from replay.readers.aws_errors import aws_errors, error_code
from replay.readers.sides import on_aws

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_ARN = re.compile(r"arn:[\w-]+:sqs:(?P<region>[\w-]+):(?P<account>\d{12}):(?P<name>[\w-]{1,80}(?:\.fifo)?)")
_NAME = re.compile(r"[\w-]{1,75}\.fifo|[\w-]{1,80}", re.ASCII)
_REGION = r"[a-z]{2,4}(?:-[a-z]+)+-\d"
# The oldest URLs, of us-east-1, name no region.
_URL_REGION = re.compile(
    rf"https?://(?:(?:[\w-]+\.)?sqs(?:-fips)?\.({_REGION})\.|({_REGION})\.queue\.|queue\.amazonaws\.com/)"
)
_URL_ACCOUNT = re.compile(r"/(\d{12})/[^/]+/?$")
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
        account = _URL_ACCOUNT.search(text)
        return Address(
            name=name,
            url=text,
            region=(region[1] or region[2] or "us-east-1") if region else "",
            account_id=account[1] if account else "",
        )
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
        SourceRefused: What was found is a queue of the same name in another account or region.
    """
    where = f"queue {address.name} in {client.meta.region_name}"
    with aws_errors(where=where, service="sqs"):
        try:
            queue = read_queue(client, address.url or _url(client, address))
        except client.exceptions.ClientError as error:
            if error_code(error) not in _NOT_THERE:
                raise
            raise _no_queue(client, address, where, error_code(error)) from None
    if on_aws(client) and not _is_meant(queue, address):
        raise SourceRefused(
            "a queue of that name was found, but in another account or region",
            where=queue.arn,
            expected=f"a queue of {' in '.join(filter(None, (address.account_id, address.region)))}",
            hint="use the --profile of that account; or give only the queue's name, if the found one is meant",
        )
    return queue


def _is_meant(queue: Queue, address: Address) -> bool:
    region, account_id = queue.arn.split(":")[3:5]
    return address.account_id in {"", account_id} and address.region in {"", region}


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
            if error_code(error) not in _NOT_THERE or on_aws(client):
                raise
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
    if address.account_id and address.name in names:
        hint = f"the queue {address.name} that you can list is another account's; check the account, and --profile"
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
        from botocore.exceptions import BotoCoreError

        client = self._client
        try:
            pages = client.get_paginator("list_dead_letter_source_queues").paginate(QueueUrl=self._queue.url)
            urls = [url for page in pages for url in page.get("queueUrls", [])]
            return [read_queue(client, url) for url in urls]
        except client.exceptions.ClientError as error:
            # Some emulators lack the operation, and a reader may lack the permission: each message tells its source.
            code = error_code(error)
            is_denied = code.startswith("AccessDenied")
            reason = "allow sqs:ListDeadLetterSourceQueues and sqs:GetQueueAttributes" if is_denied else code
            self.notes.append(_not_listed(reason))
            return []
        except BotoCoreError as error:
            self.notes.append(_not_listed(type(error).__name__))
            return []

    def _look_up(self, arn: str) -> EventSource:
        from botocore.exceptions import BotoCoreError

        client = self._client
        try:
            return find_queue(client, queue_address(arn)).event_source
        except (AwsError, SourceError, BotoCoreError, KeyError):
            self.notes.append(f"the settings of the source queue {arn} could not be read; AWS's defaults are noted")
            return EventSource(kind="sqs", arn=arn, fifo=arn.endswith(".fifo"), dead_letter_queue=self._queue.arn)


def _not_listed(reason: str) -> str:
    unknown = "what does not name its own counts as sent to this queue"
    return f"the source queues could not be looked up ({reason}): {unknown}"


def live_consumers(queue: Queue, lambda_client: Any | None) -> list[str]:
    """
    Say, as notes for the user, who may take messages from *queue* while it is recorded.

    Args:
        lambda_client: None where no function can be asked for, as with an emulator of SQS alone.

    Source: Lambda API `ListEventSourceMappings`.
    """
    notes = [] if lambda_client is None else _consuming_functions(queue, lambda_client)
    if queue.in_flight:
        notes.append(
            f"about {counted(queue.in_flight, 'message')} of {queue.name} already in flight, and not seen: "
            "a live consumer, or another recording, has hold of what is in flight"
        )
    if queue.delayed:
        notes.append(f"about {counted(queue.delayed, 'message')} of {queue.name} delayed, and not seen yet")
    return notes


def _consuming_functions(queue: Queue, lambda_client: Any) -> list[str]:
    from botocore.exceptions import BotoCoreError, ClientError

    notes = []
    try:
        pages = lambda_client.get_paginator("list_event_source_mappings").paginate(EventSourceArn=queue.arn)
        for mapping in (mapping for page in pages for mapping in page.get("EventSourceMappings", [])):
            if mapping.get("State") not in {"Disabled", "Disabling", "Deleting"}:
                function = str(mapping.get("FunctionArn", "")).rpartition(":function:")[2]
                notes.append(f"function {function} consumes {queue.name}: what it takes meanwhile is not seen")
    except (ClientError, BotoCoreError) as error:
        reason = error_code(error) or type(error).__name__
        notes.append(
            f"whether a function consumes {queue.name} is not known ({reason}: allow lambda:ListEventSourceMappings)"
        )
    return notes


def refuse_live_queue(queue: Queue) -> None:
    """
    Refuse a queue with a redrive policy: receiving counts against it.

    Source: SQS Developer Guide, maxReceiveCount.

    Raises:
        SourceRefused: It has one.
    """
    if queue.redrive_to is None:
        return
    dead_letters = queue.redrive_to.rpartition(":")[2]
    raise SourceRefused(
        f"each receive counts against maxReceiveCount {queue.max_receive_count} of {queue.name}, "
        "and would push messages towards its dead-letter queue",
        where=f"queue {queue.arn}",
        expected="a queue without a redrive policy, such as a dead-letter queue",
        hint=f"replay record sqs --queue {dead_letters} …, or add --force",
    )


def refuse_circle(queue: Queue, move_to: Queue, sources: RedriveSources, *, forced: bool) -> None:
    """
    Refuse to move messages to where they come from.

    Raises:
        SourceRefused: *move_to* is the queue itself, or, unless it is *forced*, one that feeds it.
    """
    if move_to.arn == queue.arn:
        raise SourceRefused(
            "the queue cannot be drained to itself", where=f"--drain-to {move_to.name}", hint="name another queue"
        )
    # Its own redrive policy tells it too, where the sources may not be listed.
    if (move_to.arn in sources.arns or move_to.redrive_to == queue.arn) and not forced:
        raise SourceRefused(
            f"{move_to.name} is the queue that these messages failed in: its consumer would get them again",
            where=f"--drain-to {move_to.name}",
            expected="a queue to park messages in, without a consumer",
            hint="name another queue, or add --force",
        )
