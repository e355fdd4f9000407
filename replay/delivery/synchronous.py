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
    too_late: Served | None = None,
) -> Delivery:
    """
    Invoke the function once, and make of its reply what *served* does; nobody tries again.

    The event is `processed` when the client gets the function's answer, whatever its status code; otherwise it is
    `discarded`. With a reserved concurrency of 0 the function is not invoked, which the caller sees as a throttle.

    Args:
        event: The event.
        event_source: Its settings.
        served: What the caller makes of a reply.
        waits_s: How long the caller waits.
        too_late: What the client gets when the reply took longer, and is lost.
    """
    attempt = Attempt(payload=event.text, request_id=RequestIds(event.text)(1))
    never = event_source.reserved_concurrency == 0
    reply = Reply(status="throttled") if never else (yield attempt)
    result = too_late if too_late and reply.duration_s > waits_s else served(attempt, reply)
    done = reply.succeeded and not result.problem
    disposition: Disposition = "processed" if done else "discarded"
    invocation = Invocation(
        attempt=attempt, reply=reply, failed_records=() if done else ("event",), problem=result.problem
    )
    return DeliveryReport(
        invocations=() if never else (invocation,),
        dispositions={"event": disposition},
        response=result.response,
        elapsed_s=min(reply.duration_s, waits_s),
        problem=result.problem,
        notes=result.notes,
    )
