"""SQS in memory, as far as a recording needs it, and failing on request in ways in which no emulator fails."""

import hashlib
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError

QUEUE = "https://sqs.eu-west-1.amazonaws.com/111122223333/orders-dlq"
ARN = "arn:aws:sqs:eu-west-1:111122223333:orders-dlq"

AWS = "https://sqs.eu-west-1.amazonaws.com"

Hook = Callable[[str, dict[str, Any]], None]


def refusal(code: str, operation: str, message: str = "no") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


@dataclass
class Stored:
    message: dict[str, Any]
    visible_at: float = 0.0
    receives: int = 0


@dataclass
class FakeSqs:
    """
    One standard or FIFO queue (and others to send to).

    `before` may raise instead of an operation, `failing` names the batch entries that fail: operation -> message ids,
    with how often each still fails. `twice` delivers each message twice. The receives whose numbers (from 1) are in
    `empty` ask servers that hold nothing, as those of a standard queue may.
    """

    fifo: bool = False
    twice: bool = False
    empty: Collection[int] = ()
    before: Hook = lambda operation, request: None
    failing: dict[str, Counter[str]] = field(default_factory=dict)
    stored: dict[str, Stored] = field(default_factory=dict)
    sent: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    attributes: dict[str, str] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)
    meta: Any = field(default_factory=lambda: SimpleNamespace(region_name="eu-west-1", endpoint_url=AWS))
    exceptions: Any = field(default_factory=lambda: SimpleNamespace(ClientError=ClientError))

    def put(self, body: str, **message: Any) -> str:
        identity = str(uuid.uuid4())
        attributes = {"SentTimestamp": str(int(time.time() * 1000)), **message.pop("Attributes", {})}
        self.stored[identity] = Stored({"MessageId": identity, "Body": body, "Attributes": attributes, **message})
        return identity

    def visible(self) -> set[str]:
        now = time.monotonic()
        return {identity for identity, stored in self.stored.items() if stored.visible_at <= now}

    def bodies(self) -> list[str]:
        return sorted(stored.message["Body"] for stored in self.stored.values())

    # The operations

    def get_queue_url(self, QueueName: str, **_: Any) -> dict[str, Any]:  # noqa: N803 - AWS's names
        self._called("GetQueueUrl", {"QueueName": QueueName})
        if QueueName != "orders-dlq" and not QueueName.startswith("parked"):
            raise refusal("AWS.SimpleQueueService.NonExistentQueue", "GetQueueUrl")
        return {"QueueUrl": QUEUE.replace("orders-dlq", QueueName)}

    def list_queues(self, **request: Any) -> dict[str, Any]:
        self._called("ListQueues", request)
        return {"QueueUrls": [QUEUE, QUEUE.replace("orders-dlq", "unrelated")]}

    def get_paginator(self, operation: str) -> Any:
        def paginate(**request: Any) -> list[dict[str, Any]]:
            self._called("ListDeadLetterSourceQueues", request)
            return [{"queueUrls": []}]

        assert operation == "list_dead_letter_source_queues"
        return SimpleNamespace(paginate=paginate)

    def get_queue_attributes(self, QueueUrl: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        self._called("GetQueueAttributes", {"QueueUrl": QueueUrl})
        arn = ARN.replace("orders-dlq", QueueUrl.rpartition("/")[2])
        if QueueUrl != QUEUE:
            return {"Attributes": {"QueueArn": arn}}
        with self.lock:
            visible = len(self.visible())
            counts = {
                "ApproximateNumberOfMessages": str(visible),
                "ApproximateNumberOfMessagesNotVisible": str(len(self.stored) - visible),
            }
        fifo = {"FifoQueue": "true"} if self.fifo else {}
        return {"Attributes": {"QueueArn": arn, **counts, **fifo, **self.attributes}}

    def receive_message(self, **request: Any) -> dict[str, Any]:
        self._called("ReceiveMessage", request)
        if self.calls["ReceiveMessage"] in self.empty:
            return {}
        with self.lock:
            now = time.monotonic()
            chosen = [self.stored[identity] for identity in self.stored if self.stored[identity].visible_at <= now]
            if self.fifo:
                held = {s.message["Attributes"]["MessageGroupId"] for s in self.stored.values() if s.visible_at > now}
                chosen = [s for s in chosen if s.message["Attributes"]["MessageGroupId"] not in held]
                chosen = [
                    s
                    for s in chosen
                    if s.message["Attributes"]["MessageGroupId"] == chosen[0].message["Attributes"]["MessageGroupId"]
                ]
            found = chosen[: request["MaxNumberOfMessages"]]
            for stored in found:
                stored.receives += 1
                if not self.twice or stored.receives > 1:
                    stored.visible_at = now + request["VisibilityTimeout"]
                stored.message["ReceiptHandle"] = f"{stored.message['MessageId']}#{stored.receives}"
            return {"Messages": [dict(stored.message) for stored in found]}

    def change_message_visibility_batch(self, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        def change(stored: Stored, entry: dict[str, Any]) -> None:
            stored.visible_at = time.monotonic() + entry["VisibilityTimeout"]

        return self._batch("ChangeMessageVisibility", Entries, change)

    def delete_message_batch(self, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        return self._batch("DeleteMessage", Entries, lambda stored, _: self.stored.pop(stored.message["MessageId"]))

    def send_message_batch(self, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        self._called("SendMessageBatch", {"Entries": Entries})
        answer: dict[str, Any] = {"Successful": [], "Failed": []}
        for entry in Entries:
            if self._fails("SendMessage", entry["MessageBody"]):
                answer["Failed"].append({"Id": entry["Id"], "Code": "InvalidMessageContents", "SenderFault": True})
            else:
                self.sent.append((QueueUrl, {name: value for name, value in entry.items() if name != "Id"}))
                answer["Successful"].append({"Id": entry["Id"], "MessageId": str(uuid.uuid4())})
        return answer

    def _batch(
        self, operation: str, entries: list[dict[str, Any]], act: Callable[[Stored, dict[str, Any]], object]
    ) -> dict[str, Any]:
        self._called(f"{operation}Batch", {"Entries": entries})
        assert 1 <= len(entries) <= 10
        answer: dict[str, Any] = {"Successful": [], "Failed": []}
        with self.lock:
            for entry in entries:
                identity = entry["ReceiptHandle"].partition("#")[0]
                stored = self.stored.get(identity)
                if stored is None:
                    answer["Failed"].append({"Id": entry["Id"], "Code": "ReceiptHandleIsInvalid", "SenderFault": True})
                elif self._fails(operation, identity):
                    answer["Failed"].append({"Id": entry["Id"], "Code": "InternalError", "SenderFault": False})
                else:
                    act(stored, entry)
                    answer["Successful"].append({"Id": entry["Id"]})
        return answer

    def _fails(self, operation: str, identity: str) -> bool:
        failing = self.failing.get(operation, Counter())
        failing[identity] -= 1
        return failing[identity] >= 0

    def _called(self, operation: str, request: dict[str, Any]) -> None:
        with self.lock:
            self.calls[operation] += 1
        self.before(operation, request)


def digest(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


class FakeLambda:
    """Answers `ListEventSourceMappings`, one mapping a page, as AWS may."""

    def __init__(self, *mappings: dict[str, str], error: Exception | None = None) -> None:
        self._mappings = mappings
        self._error = error

    def get_paginator(self, operation: str) -> Any:
        assert operation == "list_event_source_mappings"
        return self

    def paginate(self, **_: Any) -> Iterator[dict[str, Any]]:
        if self._error is not None:
            raise self._error
        yield from [{"EventSourceMappings": [mapping]} for mapping in self._mappings] or [{}]
