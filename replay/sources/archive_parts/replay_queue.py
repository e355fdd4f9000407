"""The queue that a replay fills: read until it is empty, and thrown away afterwards."""

import time
from typing import Any

from replay.readers.aws_errors import aws_errors
from replay.sources.archive_parts.made_for_replay import VISIBILITY_TIMEOUT_S
from replay.sources.sqs_batches import BATCH_SIZE, send_batch

_QUIET_S = VISIBILITY_TIMEOUT_S + 30
"""After so long without a message none is in flight, whatever SQS counts: it would have come again."""


class ReplayQueue:
    """
    A queue of our own that nobody else reads.

    What is received is deleted at once, so that SQS's limit of messages in flight is never met: should the process
    die, the archive still has everything. A message that could not be deleted, or whose answer was lost on its way,
    comes again.
    """

    def __init__(self, client: Any, url: str, name: str, *, wait_s: int) -> None:
        self._client, self._url, self._name, self._wait_s = client, url, name, wait_s
        self._undeleted: set[str] = set()
        self._came = time.monotonic()

    def receive(self) -> list[str]:
        """
        Give the bodies of up to ten messages, waiting for the first; none when none came.

        Raises:
            AwsError: The queue cannot be read.
        """
        with aws_errors(where=f"queue {self._name}", service="sqs"):
            answer = self._client.receive_message(
                QueueUrl=self._url, MaxNumberOfMessages=BATCH_SIZE, WaitTimeSeconds=self._wait_s
            )
        messages = answer.get("Messages", [])
        if messages:
            self._came = time.monotonic()
            entries = [{"ReceiptHandle": message["ReceiptHandle"]} for message in messages]
            done, _ = send_batch(self._client.delete_message_batch, self._url, entries)
            self._undeleted |= {message["MessageId"] for message in messages}
            self._undeleted -= {messages[place]["MessageId"] for place in done}
        return [message["Body"] for message in messages]

    def is_empty(self) -> bool:
        """
        Say whether SQS counts nothing that could still come.

        Raises:
            AwsError: It may not be asked.
        """
        in_flight = "ApproximateNumberOfMessagesNotVisible"
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed", in_flight]
        with aws_errors(where=f"queue {self._name}", service="sqs"):
            counts = self._client.get_queue_attributes(QueueUrl=self._url, AttributeNames=names)["Attributes"]
        if any(int(counts.get(name, 0)) for name in names[:2]):
            return False
        return int(counts.get(in_flight, 0)) <= len(self._undeleted) or time.monotonic() - self._came > _QUIET_S
