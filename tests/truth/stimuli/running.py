"""The function of a stimulus under delivery: a callable, but for what no callable can do, which is to take time and time out."""

import json
from dataclasses import replace
from typing import Any

from replay.delivery.attempt import Attempt, Reply
from replay.delivery.deliver import reply_of
from replay.delivery.families import begin_delivery, drive
from replay.delivery.report import DeliveryReport
from replay.payloads.captures import Event
from replay.payloads.event_sources import EventSource
from replay.payloads.failures import Failure
from replay.targets.in_process.runtime_faults import timed_out
from tests.truth.stimuli.handlers import Handler

FUNCTION_ARN = "arn:aws:lambda:us-east-1:123456789012:function:handler"


def deliver_to(
    handler: Handler, event: Any, source: EventSource, *, succeeding: tuple[str, ...] = ()
) -> DeliveryReport:
    """
    Deliver an event, as JSON text or as records, to the function of a stimulus; a batch *succeeding* is not shown to it.

    Raises:
        Unreadable: The function met something that it has no words for.
    """
    text = event if isinstance(event, str) else json.dumps({"Records": event})
    delivery = begin_delivery(Event(text=text, kind=source.kind), source, FUNCTION_ARN)
    report = drive(
        delivery,
        lambda attempt: (
            Reply(status="returned", payload="null")
            if succeeding and attempt.record_ids == succeeding
            else _reply(handler, attempt)
        ),
    )
    if handler.troubles:
        raise handler.troubles[0]
    return report


def _reply(handler: Handler, attempt: Attempt) -> Reply:
    reply = reply_of(handler, attempt)
    if (after_s := handler.timed_out_after_s) is not None:
        fault = timed_out(after_s, "")
        failure = Failure(
            error_type=fault.error_type, message=fault.text(attempt.request_id), request_id=attempt.request_id
        )
        return Reply(status="timed_out", failure=failure, duration_s=after_s)
    return replace(reply, duration_s=handler.takes_s)
