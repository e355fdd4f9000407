"""Whose a dead letter or an invocation record is: functions that get the same event may share the queue of failures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from replay.payloads.envelopes.base import Unwrapped
from replay.payloads.envelopes.documents import object_in, text_at
from replay.payloads.envelopes.lambda_dead_letter import LambdaDeadLetter
from replay.payloads.envelopes.lambda_destination import LambdaDestination
from replay.targets.carrier import Sought, Whose


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """
    The function that is watched, and what else arrives in the queue that is looked into.

    Attributes:
        function: Its name.
        is_shared: Whether others that get the same event send their dead letters there too, or may.
        others: What a message is that says nothing of where it comes from: an event that could not even be handed over.
        is_here: Whether it is an emulator on this machine. LocalStack 4.14.0 makes up the request ids of dead letters;
            those of invocation records are true there too, and MiniStack 1.5.33 tells none.
    """

    function: str
    is_shared: bool = False
    others: Whose = "unknown"
    is_here: bool = False

    def whose(self, letter: Mapping[str, Any], envelope: str, unwrapped: Unwrapped) -> Whose | None:
        """
        Say whose a message is that was read as *envelope*; None for one that is certainly another's.

        Source: recordings test_dead_letter_queue (a dead letter names a request, and no function) and test_retries (a
        record names the function); EventBridge User Guide, "Using dead-letter queues" (`TARGET_ARN`).
        """
        told = str(unwrapped.details.get("function_arn") or unwrapped.details.get("target_arn") or "")
        if told:
            return "ours" if plain_name(told) == plain_name(self.function) else None
        if "DeadLetterQueueSourceArn" in (letter.get("Attributes") or {}):
            return None  # a queue gave it up: what Lambda queues by itself was never in one that we could see
        if envelope != LambdaDeadLetter.name:
            return self.others
        return "unknown" if self.is_shared else "presumed"

    def request_of(self, letter: Mapping[str, Any], envelope: str, unwrapped: Unwrapped) -> str:
        """Give the request id that a message tells, where it is one that a log has."""
        if envelope == LambdaDestination.name:
            return text_at(object_in(str(letter.get("Body", ""))), "requestContext", "requestId") or ""
        if envelope != LambdaDeadLetter.name or self.is_here or unwrapped.failure is None:
            return ""
        return unwrapped.failure.request_id or ""


class LetterRequests:
    """
    The requests that dead letters and records tell of, by their ids: their lines in the log are of the same event.

    A log names an event only where the function writes so; AWS's own lines always name the request.
    """

    def __init__(self) -> None:
        self._keys: dict[str, tuple[str, ...]] = {}

    def note(self, request_id: str, keys: tuple[str, ...]) -> None:
        """Note that what is sought by *keys* was that request."""
        if request_id:
            self._keys[request_id] = keys

    def keys_of(self, request_id: str, sought: Sequence[Sought]) -> tuple[str, ...]:
        """Give those of *sought* that were that request."""
        keys = self._keys.get(request_id, ())
        return tuple(each.key for each in sought if each.key in keys)


def plain_name(function: str) -> str:
    """Give the name of a function without its alias or version, also out of its ARN."""
    return function.rpartition(":function:")[2].partition(":")[0]
