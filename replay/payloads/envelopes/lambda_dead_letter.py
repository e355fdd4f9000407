"""What Lambda sends to a function's dead-letter queue or topic after the last attempt."""

import re
from dataclasses import replace
from typing import ClassVar

from replay.payloads.captures import Capture, Event
from replay.payloads.envelopes.base import Envelope, Unwrapped, inner_capture, known_or
from replay.payloads.envelopes.error_report import error_type_of, trace_id_of
from replay.payloads.envelopes.function_event import asynchronous_source, event_text
from replay.payloads.envelopes.sqs_digests import renew_digests
from replay.payloads.failures import Failure

_ATTRIBUTES = ("RequestID", "ErrorCode", "ErrorMessage")
_STATUS = re.compile(r"[1-5][0-9]{2}")
_CONDITION = "ZeroReservedConcurrency"
_TYPES = {"200": "Unhandled", "429": "TooManyRequestsException", "": _CONDITION}
_SAYS_NOT_INVOKED = "Function not invoked."


class LambdaDeadLetter(Envelope):
    """
    A message of a function's `DeadLetterConfig`: the body is the event as it was, the attributes tell of the failure.

    `ErrorCode` is an HTTP status: 200 is the function's own error. No error type, no stack and no function is told.
    A function whose reserved concurrency is zero is said to leave no `ErrorCode`, but to say that it was not invoked;
    no recording has that.

    Source: recordings test_dead_letter_queue, test_sqs_queue_as_lambda_dead_letter_queue and
    test_sns_topic_as_lambda_dead_letter_queue; Lambda Developer Guide, "Adding a dead-letter queue".
    """

    name: ClassVar[str] = "lambda-dead-letter"
    rank: ClassVar[int] = 84
    tells_of_failure: ClassVar[bool] = True
    told_attributes: ClassVar[frozenset[str]] = frozenset(_ATTRIBUTES)

    def detect(self, capture: Capture) -> bool:
        """Say whether the attributes of a dead letter are there, its code an HTTP status or rightly missing."""
        request_id, code, message = _told(capture)
        if request_id is None or message is None:
            return False
        return message.startswith(_SAYS_NOT_INVOKED) if code is None else _STATUS.fullmatch(code) is not None

    def unwrap(self, capture: Capture) -> Unwrapped:
        """Give the body as the event."""
        request_id, code, message = (each or "" for each in _told(capture))
        text = event_text(capture.body)
        source = known_or(capture, asynchronous_source(text))
        failure = Failure(
            error_type=error_type_of(message) or _TYPES.get(code, f"ErrorCode {code}"),
            message=message,
            condition=None if code else _CONDITION,
            request_id=request_id or None,
            trace_id=trace_id_of(capture.attributes),
        )
        return Unwrapped(
            event=Event(text=text, kind=source.kind),
            event_source=replace(
                source,
                dead_letter_queue=source.dead_letter_queue or capture.origin.arn or None,
                reserved_concurrency=source.reserved_concurrency if code else 0,
            ),
            failure=capture.failure or failure,
            details={"error_code": code} if code else {},
        )

    def inside(self, capture: Capture) -> Capture | None:
        """Give the event."""
        return inner_capture(capture, capture.body)

    def reseal(self, before: str, after: str) -> str:
        """Renew the digests of changed SQS records, which an event that was sent by hand may have."""
        return renew_digests(before, after)


def _told(capture: Capture) -> list[str | None]:
    """Give the three attributes in their order: None where one is missing."""
    named = capture.message_attributes
    return [named[name].string_value or "" if name in named else None for name in _ATTRIBUTES]
