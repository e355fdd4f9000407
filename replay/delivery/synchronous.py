"""A caller that waits for the answer and makes something of it: what all such callers have in common."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from replay.delivery.attempt import Attempt, Reply
from replay.delivery.report import Delivery, DeliveryReport, Disposition, Invocation
from replay.delivery.request_ids import RequestIds
from replay.payloads.captures import Event
from replay.payloads.event_sources import EventSource
from replay.payloads.exact_json import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """
    What the caller's own client gets.

    `problem` says why the caller could not use the function's answer, or in the caller's words why there was none.
    """

    response: Json
    problem: str = ""
    notes: tuple[str, ...] = ()


def serve(
    event: Event,
    event_source: EventSource,
    served: Callable[[Attempt, Reply], Served],
    *,
    waits_s: float = inf,
    too_late: Callable[[float], Served] | None = None,
) -> Delivery:
    """
    Invoke the function once, and make of its reply what *served* does; nobody tries again.

    The event is `processed` when the client gets the function's answer, whatever its status code; otherwise it is
    `discarded`.

    Args:
        event: The event.
        event_source: Its settings; `caller_timeout_s` overrides *waits_s*.
        served: What the caller makes of a reply.
        waits_s: How long the caller waits.
        too_late: What the client gets, by how long the caller waited, when the reply took longer and is lost.
    """
    waits_s = waits_s if event_source.caller_timeout_s is None else event_source.caller_timeout_s
    attempt = Attempt(payload=event.text, request_id=RequestIds(event.text)(1))
    reply = yield attempt
    result = too_late(waits_s) if too_late and reply.duration_s > waits_s else served(attempt, reply)
    done = reply.succeeded and not result.problem
    disposition: Disposition = "processed" if done else "discarded"
    invocation = Invocation(
        attempt=attempt, reply=reply, failed_records=() if done else ("event",), problem=result.problem
    )
    return DeliveryReport(
        invocations=(invocation,),
        dispositions={"event": disposition},
        response=result.response,
        elapsed_s=min(reply.duration_s, waits_s),
        problem=result.problem,
        notes=result.notes,
    )
