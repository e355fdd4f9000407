"""A queue that dead letters or invocation records arrive in: looked through without taking anything away."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from replay.counted_nouns import counted
from replay.delivery.attempt import Reply
from replay.errors import SourceRefused
from replay.payloads.captures import Origin
from replay.payloads.envelopes.base import Unwrapped
from replay.payloads.envelopes.lambda_dead_letter import LambdaDeadLetter
from replay.payloads.envelopes.lambda_destination import LambdaDestination
from replay.payloads.envelopes.registry import unwrap
from replay.payloads.exact_json import Json
from replay.readers.aws_errors import aws_errors
from replay.sources.sqs_batches import BATCH_SIZE, send_batch
from replay.sources.sqs_messages import message_capture
from replay.sources.sqs_queue import Queue, find_queue, queue_address
from replay.targets.aws.lambda_answer import status_of_type
from replay.targets.carrier import Settled, Sighting, Sought
from replay.targets.observing.letter_owners import LetterRequests, Owner
from replay.targets.observing.signs import keys_in, texts_of_message

_MOST_HELD = 5_000
_MOST_KEPT_CHARACTERS = 64 * 1024 * 1024
_LONGEST_LEASE_S = 43_200
_CLOCKS_DIFFER_MS, _CLOCKS_DIFFER_HERE_MS = 60_000, 1_000
_ALREADY_VISIBLE = {"ReceiptHandleIsInvalid", "MessageNotInflight", "AWS.SimpleQueueService.MessageNotInflight"}


class DeadLetters:
    """
    Sees what arrives in *queue* (name, URL or ARN), and what it tells of the failure.

    A message can only be seen by receiving it: each is received once, held for as long as is looked, and given back in
    `close`. Its receive count is one higher then. A queue whose own redrive policy counts that is not looked into.

    Args:
        settled: What it means to arrive there.
        lease_s: For how long messages are held: as long as is looked, so that none is met twice.
        owner: Whose messages they are, where others than the function that is watched may send theirs there.
        requests: Is told of the requests that they name.
    """

    def __init__(
        self,
        client: Any,
        queue: str,
        *,
        settled: Settled,
        lease_s: float,
        owner: Owner | None = None,
        requests: LetterRequests | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._client, self._settled = client, settled
        self._owner, self._requests, self._clock = owner, requests or LetterRequests(), clock
        self._began_ms = 0
        self._unsure: list[Mapping[str, Any]] = []
        self._is_presumed = False
        self._address = queue_address(queue)
        self._lease_s = max(30, min(_LONGEST_LEASE_S, round(lease_s)))
        self._queue: Queue | None = None
        self._handles: dict[str, str] = {}
        self._letters: dict[str, dict[str, Any]] = {}

    @property
    def place(self) -> str:
        """Where it looks, for eyes."""
        return f"the queue {self._address.name}"

    def begin(self) -> None:
        """
        Find the queue.

        Raises:
            AwsError: There is none, or it may not be looked at.
            SourceRefused: Receiving from it would push its messages further.
        """
        self._began_ms = round(self._clock() * 1000)
        queue = find_queue(self._client, self._address)
        if queue.redrive_to is not None:
            raise SourceRefused(
                "each look would count against its own redrive policy", where=queue.arn, expected="a queue without one"
            )
        self._queue = queue

    def look(self, sought: Sequence[Sought]) -> Sequence[Sighting]:
        """
        Receive what is there, and give what of it is sought.

        Raises:
            AwsError: The queue may not be received from.
        """
        self._receive_all()
        found = []
        for identity, letter in list(self._letters.items()):
            keys = self.keys_of(letter, self._in_time(letter, sought))
            if keys:
                seen = self._sighting(identity, letter, keys)
                found += [seen] if seen is not None else []
                del self._letters[identity]
        self._forget_oldest()
        return found

    def _in_time(self, letter: Mapping[str, Any], sought: Sequence[Sought]) -> Sequence[Sought]:
        """
        Give those of *sought* that *letter* may tell of: the letter of an earlier failure of the same event does not.

        What was sent later than the letter may have been brought by what was sent before it.
        """
        sent = str(letter.get("Attributes", {}).get("SentTimestamp", ""))
        if not (sent.isdecimal() and sent.isascii()):
            return sought
        is_one_clock = self._owner is not None and self._owner.is_here
        latest_ms = int(sent[:15]) + (_CLOCKS_DIFFER_HERE_MS if is_one_clock else _CLOCKS_DIFFER_MS)
        return [each for each in sought if min(self._began_ms, each.sent_at_ms) <= latest_ms]

    def keys_of(self, letter: Mapping[str, Any], sought: Sequence[Sought]) -> tuple[str, ...]:
        """Say which of *sought* a message tells of."""
        return keys_in(texts_of_message(letter), sought)

    def may_have_come_since(self, at_ms: int) -> bool:
        """Say whether something without a sign came since then (epoch milliseconds), or nobody may look."""
        letters = [*self._letters.values(), *self._unsure]
        sent = (str(each.get("Attributes", {}).get("SentTimestamp", "")) for each in letters)
        return not self.is_open or any(not each.isdecimal() or int(each) >= at_ms for each in sent)

    @property
    def is_open(self) -> bool:
        """Whether it may be looked into."""
        return self._queue is not None

    def close(self) -> Sequence[str]:
        """Give every message back at once."""
        if self._queue is None:
            return ()
        handles = list(self._handles.values())
        self._handles.clear()
        kept = 0
        for start in range(0, len(handles), BATCH_SIZE):
            entries = [{"ReceiptHandle": each, "VisibilityTimeout": 0} for each in handles[start : start + BATCH_SIZE]]
            _, failed = send_batch(self._client.change_message_visibility_batch, self._queue.url, entries)
            kept += sum(each.code not in _ALREADY_VISIBLE for each in failed)
        if not kept:
            return ()
        return (f"{counted(kept, 'message')} of {self._queue.name} will be visible again within {self._lease_s} s",)

    def reason(self) -> str:
        """Say what is not there."""
        if len(self._handles) >= _MOST_HELD:
            return f"{self.place} holds more messages than were looked at ({_MOST_HELD:,})"
        if self._unsure:
            return (
                f"nothing binds a dead letter in {self.place} to this function: another that gets the event may send it"
            )
        return "" if self._is_presumed else f"nothing of it is in {self.place}"

    def _forget_oldest(self) -> None:
        """Keep of what nobody seeks yet no more than memory allows: the oldest lay there before."""
        sizes = {identity: len(letter.get("Body", "")) for identity, letter in self._letters.items()}
        total = sum(sizes.values())
        for identity, size in sizes.items():
            if total <= _MOST_KEPT_CHARACTERS:
                return
            del self._letters[identity]
            total -= size

    def _receive_all(self) -> None:
        assert self._queue is not None
        while len(self._handles) < _MOST_HELD:
            with aws_errors(where=self.place, service="sqs"):
                answer: Any = self._client.receive_message(
                    QueueUrl=self._queue.url,
                    MaxNumberOfMessages=BATCH_SIZE,
                    VisibilityTimeout=self._lease_s,
                    WaitTimeSeconds=0,
                    MessageSystemAttributeNames=["All"],
                    MessageAttributeNames=["All"],
                )
            messages = answer.get("Messages", [])
            for message in messages:
                if message["MessageId"] not in self._handles:
                    self._letters[message["MessageId"]] = message
                self._handles[message["MessageId"]] = message["ReceiptHandle"]
            if not messages:
                return

    def _sighting(self, identity: str, letter: dict[str, Any], keys: tuple[str, ...]) -> Sighting | None:
        """Give what a message tells; None where it tells of another function."""
        assert self._queue is not None
        origin = Origin(source="sqs", arn=self._queue.arn, identity=identity, place=self._queue.name)
        envelope, unwrapped = unwrap(message_capture(letter, origin))
        failure = unwrapped.failure
        if failure and envelope.name == LambdaDeadLetter.name and failure.error_type == "Unhandled":
            failure = replace(failure, error_type="")  # it has the message of an error, and not its type
        seen = Sighting(
            keys=keys,
            identity=f"{self._queue.name} {identity}",
            reply=Reply(status=status_of_type(failure.error_type), failure=failure) if failure else None,
            settled=self._settled,
            failure_record=_plain(letter),
        )
        return seen if self._owner is None else self._owned(seen, letter, envelope.name, unwrapped, self._owner)

    def _owned(
        self, seen: Sighting, letter: dict[str, Any], envelope: str, unwrapped: Unwrapped, owner: Owner
    ) -> Sighting | None:
        """Add whose it is; a queue may get both, what failed and what was done."""
        whose = owner.whose(letter, envelope, unwrapped)
        if whose is None:
            return None
        request_id = owner.request_of(letter, envelope, unwrapped)
        self._requests.note(request_id, seen.keys)
        self._is_presumed |= whose == "presumed"
        self._unsure += [{"Attributes": letter.get("Attributes", {})}] if whose == "unknown" else []
        settled: Settled = "sent_to_destination" if self._settled == "processed" else self._settled
        if envelope == LambdaDestination.name and unwrapped.details.get("condition") == "Success":
            settled = "processed"
        return replace(seen, whose=whose, request_id=request_id, settled=settled)


def _plain(letter: dict[str, Any]) -> Json:
    shown = {name: letter[name] for name in ("MessageId", "Body", "Attributes", "MessageAttributes") if name in letter}
    document: Json = json.loads(json.dumps(shown, default=lambda value: value.hex()))
    return document
