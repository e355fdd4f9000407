"""One synchronous invocation: the caller waits for the answer, and nobody tries again."""

from replay.delivery.attempt import Attempt, Reply
from replay.delivery.error_payload import error_payload
from replay.delivery.report import Delivery, DeliveryReport, Disposition, Invocation
from replay.delivery.request_ids import RequestIds
from replay.errors import InvalidJson
from replay.payloads.captures import Event
from replay.payloads.event_sources import EventSource
from replay.payloads.exact_json import Json, parse


def deliver_direct(event: Event, event_source: EventSource) -> Delivery:
    """
    Invoke the function once with the event as it stands.

    The event is `processed` when the function returned, whatever it returned; otherwise it is `discarded`, since of a
    synchronous invocation Lambda keeps nothing. `response` is the answer, or the error object of a function that
    failed; it is None where the caller's own call fails, as of a throttle.

    Source: Lambda developer guide, "Invoke a Lambda function synchronously"; recording test_lambda_handler_error.
    """
    del event_source  # a synchronous invocation has no settings
    attempt = Attempt(payload=event.text, request_id=RequestIds(event.text)(1))
    reply = yield attempt
    disposition: Disposition = "processed" if reply.succeeded else "discarded"
    return DeliveryReport(
        invocations=(Invocation(attempt=attempt, reply=reply, failed_records=() if reply.succeeded else ("event",)),),
        dispositions={"event": disposition},
        response=_response(attempt, reply),
        elapsed_s=reply.duration_s,
    )


def _response(attempt: Attempt, reply: Reply) -> Json:
    if reply.status == "throttled":
        return None
    if reply.payload is None:
        return error_payload(attempt, reply)
    try:
        return parse(reply.payload)
    except InvalidJson:
        return reply.payload  # bytes that the handler returned reach the caller as they are
