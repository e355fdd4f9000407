"""Queues on a real server: made, filled, looked into without touching anything, and emptied."""

import json
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import boto3

from tests.emulators.server import Server

Message = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue of an emulator; the client takes the endpoint from AWS_ENDPOINT_URL, as `replay` does."""

    client: Any
    url: str
    arn: str
    server: Server

    @property
    def name(self) -> str:
        return self.arn.rpartition(":")[2]

    def send(self, entries: Sequence[dict[str, Any]]) -> list[str]:
        """Send these entries of `SendMessageBatch` in order, ten at a time; give the message ids."""
        ids = []
        for batch in _parts(entries, 10):
            numbered = [{"Id": str(index), **entry} for index, entry in enumerate(batch)]
            answer = self.client.send_message_batch(QueueUrl=self.url, Entries=numbered)
            assert not answer.get("Failed")
            by_number = {sent["Id"]: sent["MessageId"] for sent in answer["Successful"]}
            ids += [by_number[entry["Id"]] for entry in numbered]
        return ids

    def receive(self, *, visibility_timeout_s: int = 30) -> list[Message]:
        """One receive of up to ten messages, with everything that SQS tells of them."""
        answer = self.client.receive_message(
            QueueUrl=self.url,
            MaxNumberOfMessages=10,
            VisibilityTimeout=visibility_timeout_s,
            WaitTimeSeconds=1,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        return list(answer.get("Messages", []))

    def take_all(self) -> dict[str, Message]:
        """Receive and delete until the queue gives nothing more; by message id."""
        taken: dict[str, Message] = {}
        while messages := self.receive():
            assert taken.keys().isdisjoint(message["MessageId"] for message in messages)
            taken |= {message["MessageId"]: message for message in messages}
            entries = [{"Id": str(n), "ReceiptHandle": each["ReceiptHandle"]} for n, each in enumerate(messages)]
            assert not self.client.delete_message_batch(QueueUrl=self.url, Entries=entries).get("Failed")
        return taken

    def counts(self) -> tuple[int, int]:
        """How many messages are visible, and how many in flight."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        attributes = self.client.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return int(attributes[names[0]]), int(attributes[names[1]])

    def bodies(self) -> dict[str, str]:
        """
        Every message that the queue holds, in flight or not, by id: the server's own back door, which counts nothing.

        LocalStack's drops white space at the ends of a body; `take_all` tells the whole body.
        """
        return dict(_BACK_DOORS[self.server.name](self))


def new_queue(server: Server, name: str, **attributes: object) -> Queue:
    """Make a queue whose name no other test has: the servers live as long as the session."""
    client: Any = boto3.client("sqs")
    suffix = ".fifo" if attributes.get("FifoQueue") else ""
    settings = {key: value if isinstance(value, str) else json.dumps(value) for key, value in attributes.items()}
    url = client.create_queue(QueueName=f"{name}-{uuid.uuid4().hex[:8]}{suffix}", Attributes=settings)["QueueUrl"]
    arn = client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return Queue(client, url, arn, server)


def send_concurrently(queue: Queue, entries: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Fill a standard queue quickly; give the entries by message id."""
    with ThreadPoolExecutor(max_workers=4) as pool:
        ids = [identity for sent in pool.map(queue.send, _parts(entries, 100)) for identity in sent]
    return dict(zip(ids, entries, strict=True))


def _parts(entries: Sequence[dict[str, Any]], size: int) -> Iterator[Sequence[dict[str, Any]]]:
    return (entries[start : start + size] for start in range(0, len(entries), size))


def _in_localstack(queue: Queue) -> Iterator[tuple[str, str]]:
    asked = urlencode({"QueueUrl": queue.url, "ShowInvisible": "true"})
    result = _get(f"{queue.server.url}/_aws/sqs/messages?{asked}")["ReceiveMessageResponse"]["ReceiveMessageResult"]
    messages = (result or {}).get("Message", [])
    for message in [messages] if isinstance(messages, dict) else messages:  # one message is no list there
        yield message["MessageId"], message["Body"]


def _in_ministack(queue: Queue) -> Iterator[tuple[str, str]]:
    for regions in _get(f"{queue.server.url}/_ministack/sqs/messages")["messages"].values():
        for queues in regions.values():
            for url, messages in queues.items():
                if url.rpartition("/")[2] == queue.name:
                    yield from ((message["MessageId"], message["Body"]) for message in messages)


_BACK_DOORS: dict[str, Callable[[Queue], Iterator[tuple[str, str]]]] = {
    "localstack": _in_localstack,
    "ministack": _in_ministack,
}


def _get(url: str) -> Any:
    with urlopen(Request(url, headers={"Accept": "application/json"}), timeout=30) as answer:
        return json.load(answer)
