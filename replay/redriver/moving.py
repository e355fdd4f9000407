"""Moving messages: sent, acknowledged, noted, and only then deleted where they were."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from replay.ledger.ledger import Ledger
from replay.payloads.captures import Capture
from replay.payloads.envelopes.sqs_digests import md5_of_body
from replay.redriver.batches import Answered, Operation, call_batch, packed
from replay.sources.sqs_leases import Leases
from replay.sources.sqs_messages import outgoing_message, size_bytes
from replay.sources.sqs_queue import Queue

DeduplicationIds = Literal["renew", "keep"]
TRIES = 6
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """
    What came of moving one message.

    `sent` and not `deleted`: it is in both queues; the ledger knows it, and `--resume` deletes it. `doubtful`: it may
    be in its queue once more than it should.
    """

    identity: str
    sent: bool = False
    deleted: bool = False
    doubtful: bool = False
    problem: str = ""


class Mover:
    """
    Moves messages from *leases* to the queue *to*, in batches of SQS's size; several threads may use it.

    Nothing is deleted whose send is not acknowledged, and the acknowledgement in the ledger, on the disk. boto3 must
    not try again by itself (*client* makes one attempt): what may have arrived twice is for the ledger to say.
    """

    def __init__(
        self,
        client: Any,
        *,
        source: Queue,
        to: Queue,
        leases: Leases,
        ledger: Ledger,
        deduplication_ids: DeduplicationIds = "renew",
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._client, self._source, self._to = client, source, to
        self._leases, self._ledger, self._sleep = leases, ledger, sleep
        self._keep = deduplication_ids == "keep"
        self.new_ids: set[str] = set()
        """The ids that SQS gave what was sent: a message with one of them has come back."""

    def move(self, captures: Sequence[Capture]) -> list[Moved]:
        """Move messages; what cannot be sent stays where it is."""
        by_id = {capture.origin.identity: capture for capture in captures}
        known = self._ledger.progress.acknowledged
        entries = {name: self._entry(each) for name, each in by_id.items() if name not in known}
        sent, problems, doubtful = self._send_all(entries, {name: size_bytes(by_id[name]) for name in entries})
        arrived = [name for name in by_id if name in sent or name in known]
        deleted = self._delete(arrived)
        return [
            Moved(
                identity=name,
                sent=name in arrived,
                deleted=name in deleted,
                doubtful=name in doubtful,
                problem=problems.get(name) or deleted.problem(name),
            )
            for name in by_id
        ]

    def _entry(self, capture: Capture) -> dict[str, Any]:
        entry = outgoing_message(capture, fifo=self._to.fifo)
        own = capture.attributes.get("MessageDeduplicationId")
        if self._to.fifo and self._keep and own:
            entry["MessageDeduplicationId"] = own
        return entry

    def _send_all(
        self, entries: Mapping[str, dict[str, Any]], sizes: Mapping[str, int]
    ) -> tuple[set[str], dict[str, str], set[str]]:
        """Send, and what failed once more alone; give what arrived, what did not and why, and what is in doubt."""
        sent: set[str] = set()
        problems: dict[str, str] = {}
        doubtful: set[str] = set()
        batches = list(packed(sizes.items()))
        for number in range(TRIES):
            again: list[Sequence[str]] = []
            for batch in batches:
                answered = self._send({name: entries[name] for name in batch})
                sent |= answered.done.keys()
                doubtful |= answered.unknown.keys()
                failed = {**answered.refused, **answered.unknown, **answered.throttled}
                problems = {name: code for name, code in {**problems, **failed}.items() if name not in sent}
                again += [[name] for name in (*answered.refused, *answered.unknown)]
                again += [list(answered.throttled)] if answered.throttled else []
            batches = again
            if not batches:
                break
            if number < TRIES - 1:
                self._sleep(min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2**number))
        return sent, problems, doubtful

    def _send(self, entries: Mapping[str, dict[str, Any]]) -> Answered:
        self._ledger.sent(list(entries))
        answered = _exact(call_batch(self._client.send_message_batch, self._to.url, entries), entries)
        acknowledged = {name: {"message_id": str(each.get("MessageId", ""))} for name, each in answered.done.items()}
        self.new_ids |= {each["message_id"] for each in acknowledged.values()}
        refused = {name: {"code": code} for name, code in {**answered.refused, **answered.throttled}.items()}
        self._ledger.note_each({"acknowledged": acknowledged, "refused": refused})
        return answered

    def _delete(self, names: Sequence[str]) -> "Deleted":
        """Delete what arrived; deleting again harms nothing, so what failed or was not answered is tried again."""
        deleted = Deleted()
        for number in range(TRIES):
            left = [name for name in names if name not in deleted]
            if not left:
                break
            if number:
                self._sleep(min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2**number))
            for batch in packed((name, 0) for name in left):
                handles = {name: handle for name in batch if (handle := self._leases.handle(name)) is not None}
                deleted.problems |= {name: "the lease ran out" for name in batch if name not in handles}
                if handles:
                    self._delete_once(handles, deleted)
            if not any(self._leases.handle(name) for name in left):
                break
        return deleted

    def _delete_once(self, handles: Mapping[str, str], deleted: "Deleted") -> None:
        entries = {name: {"ReceiptHandle": handle} for name, handle in handles.items()}
        answered = call_batch(_deletes(self._client), self._source.url, entries)
        self._leases.forget(list(answered.done))
        deleted.names |= answered.done.keys()
        deleted.problems |= {**answered.refused, **answered.unknown, **answered.throttled}


class Deleted:
    """Which messages were deleted, and why others were not."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.problems: dict[str, str] = {}

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def problem(self, name: str) -> str:
        """Say why it was not deleted; empty where it was, or nobody tried."""
        return "" if name in self.names else self.problems.get(name, "")


def _deletes(client: Any) -> Operation:
    operation: Operation = client.delete_message_batch
    return operation


def _exact(answered: Answered, entries: Mapping[str, dict[str, Any]]) -> Answered:
    """Take an acknowledgement of other bytes than those that were sent for none."""
    other = {
        name: "other bytes were acknowledged"
        for name, answer in answered.done.items()
        if answer.get("MD5OfMessageBody") not in {None, md5_of_body(entries[name]["MessageBody"])}
    }
    if not other:
        return answered
    done = {name: answer for name, answer in answered.done.items() if name not in other}
    return Answered(
        done=done, refused=answered.refused, throttled=answered.throttled, unknown={**answered.unknown, **other}
    )
