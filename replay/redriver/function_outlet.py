"""A function that is invoked again with what it failed on."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from replay.errors import ReplayError
from replay.payloads.captures import Capture, Event
from replay.payloads.envelopes.base import Envelope
from replay.payloads.envelopes.lambda_dead_letter import LambdaDeadLetter
from replay.payloads.envelopes.lambda_destination import LambdaDestination
from replay.payloads.event_sources import EventSource
from replay.redriver.outlet import Outlet
from replay.targets.sending import Answered, answered_error

_ACCEPTED = 202


class FunctionOutlet(Outlet):
    """
    The function *arn*, invoked asynchronously with the exact event of each dead letter, as it was the first time.

    Lambda acknowledges with 202 and a request id; the event that fails again comes back under that id. boto3 must not
    try again by itself (*client* makes one attempt).

    Source: Lambda API `Invoke` (InvocationType Event); recordings test_invocation_type_event, test_dead_letter_queue.
    """

    def __init__(self, client: Any, arn: str) -> None:
        self._client, self.arn = client, arn
        self._request_ids: set[str] = set()
        self._lock = threading.Lock()

    def letter(self, capture: Capture) -> tuple[Event, EventSource]:
        """
        Give the event that was put into Lambda's queue.

        Raises:
            ReplayError: The dead letter does not hold it: it was too large, or this is no dead letter of a function.
        """
        envelope = function_letter(capture)
        if envelope is None:
            raise ReplayError("no dead letter of a function")
        found = envelope.unwrap(capture)
        if found.event.missing is not None:
            raise ReplayError(found.event.missing.reason)
        return found.event, found.event_source

    def batches(self, captures: Sequence[Capture]) -> Sequence[Sequence[Capture]]:
        """Give each alone: Lambda has no batches of invocations."""
        return [[capture] for capture in captures]

    def send(self, captures: Sequence[Capture]) -> Answered:
        """Invoke once; the answer to another invocation (its request id is known) acknowledges nothing."""
        (capture,) = captures
        name = capture.origin.identity
        try:
            event, _ = self.letter(capture)
        except ReplayError as error:
            return Answered(refused={name: error.what}, final=frozenset({name}))
        return self._invoked(name, event.text.encode("utf-8", "surrogatepass"))

    def returns_as(self, capture: Capture) -> str:
        """Give the request id of the invocation that failed."""
        envelope = function_letter(capture)
        failure = envelope.unwrap(capture).failure if envelope else None
        return (failure.request_id or "") if failure else ""

    def _invoked(self, name: str, payload: bytes) -> Answered:
        try:
            answer = self._client.invoke(FunctionName=self.arn, InvocationType="Event", Payload=payload)
        except Exception as error:  # noqa: BLE001 - not all is a BotoCoreError, such as ResponseParserError of a proxy
            answered = answered_error(error, [name])
            return replace(answered, final=frozenset(answered.refused))
        request_id = str(answer.get("ResponseMetadata", {}).get("RequestId", ""))
        with self._lock:
            known = request_id in self._request_ids
            self._request_ids.add(request_id)
        if answer.get("StatusCode") != _ACCEPTED or (known and request_id):
            return Answered(unknown={name: "NoAnswer"})
        return Answered(done={name: {"request_id": request_id}})


def function_letter(capture: Capture) -> Envelope | None:
    """Give the envelope of what Lambda wrote of a function's asynchronous invocation that failed; None for others."""
    known: tuple[Envelope, ...] = (LambdaDeadLetter(), LambdaDestination())
    return next((each for each in known if each.detect(capture)), None)


def failed_function(capture: Capture) -> str:
    """Give the ARN of the function that a dead letter names, unqualified; empty where it names none."""
    envelope = function_letter(capture)
    arn = str(envelope.unwrap(capture).details.get("function_arn", "")) if envelope else ""
    return unqualified(arn)


def unqualified(arn: str) -> str:
    """Take the version or alias off a function's ARN."""
    return ":".join(arn.split(":")[:7])
