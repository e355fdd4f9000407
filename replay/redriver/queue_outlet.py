"""A queue that messages go back to."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from replay.payloads.captures import Capture, Event
from replay.payloads.envelopes.sqs_digests import md5_of_body
from replay.payloads.envelopes.sqs_message import SqsMessage
from replay.payloads.event_sources import EventSource
from replay.redriver.batches import call_batch
from replay.redriver.outlet import Outlet
from replay.sources.sqs_batches import BATCH_SIZE
from replay.sources.sqs_drain import MOST_BATCH_BYTES
from replay.sources.sqs_messages import outgoing_message, size_bytes
from replay.sources.sqs_queue import Queue
from replay.targets.sending import Answered, packed

DeduplicationIds = Literal["renew", "keep"]


class QueueOutlet(Outlet):
    """
    The queue *to*, sent to in batches of SQS's size.

    boto3 must not try again by itself (*client* makes one attempt): what may have arrived twice is for the ledger.
    """

    def __init__(self, client: Any, to: Queue, *, deduplication_ids: DeduplicationIds = "renew") -> None:
        self._client, self._to = client, to
        self._keep = deduplication_ids == "keep"
        self.arn, self.order = to.arn, to.fifo

    def letter(self, capture: Capture) -> tuple[Event, EventSource]:
        """Give the batch of one that the queue hands over, once."""
        source = self._to.event_source
        event = SqsMessage().unwrap(replace(capture, event_source=source)).event
        return event, source

    def batches(self, captures: Sequence[Capture]) -> Sequence[Sequence[Capture]]:
        """Part messages into batches: ten at most, and together within what SQS takes."""
        by_id = {capture.origin.identity: capture for capture in captures}
        sizes = ((name, size_bytes(capture)) for name, capture in by_id.items())
        batches = packed(sizes, most_entries=BATCH_SIZE, most_bytes=MOST_BATCH_BYTES)
        return [[by_id[name] for name in batch] for batch in batches]

    def send(self, captures: Sequence[Capture]) -> Answered:
        """Send a batch; an acknowledgement of other bytes than those that were sent is none."""
        entries = {capture.origin.identity: self._entry(capture) for capture in captures}
        answered = call_batch(self._client.send_message_batch, self._to.url, entries)
        other = dict.fromkeys(_changed(answered.done, entries), "other bytes were acknowledged")
        done = {
            name: {"message_id": str(each.get("MessageId", ""))}
            for name, each in answered.done.items()
            if name not in other
        }
        return replace(answered, done=done, unknown={**answered.unknown, **other})

    def returns_as(self, capture: Capture) -> str:
        """Give its message id, which SQS keeps on the way to a dead-letter queue."""
        return capture.origin.identity

    def _entry(self, capture: Capture) -> dict[str, Any]:
        entry = outgoing_message(capture, fifo=self._to.fifo)
        own = capture.attributes.get("MessageDeduplicationId")
        if self._to.fifo and self._keep and own:
            entry["MessageDeduplicationId"] = own
        return entry


def _changed(done: Mapping[str, Any], entries: Mapping[str, dict[str, Any]]) -> list[str]:
    return [
        name
        for name, answer in done.items()
        if answer.get("MD5OfMessageBody") not in {None, md5_of_body(entries[name]["MessageBody"])}
    ]
