"""Which state machine delivers which kind of event source, and the loop that drives any of them."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from replay.delivery.attempt import Attempt, Reply
from replay.delivery.direct import deliver_direct
from replay.delivery.report import Delivery, DeliveryReport
from replay.delivery.sqs import deliver_sqs
from replay.payloads.captures import Event
from replay.payloads.event_sources import EventSource, EventSourceKind

_FAMILIES: Mapping[EventSourceKind, Callable[[Event, EventSource], Delivery]] = {
    "direct": deliver_direct,
    "sqs": deliver_sqs,
}


def begin_delivery(event: Event, event_source: EventSource) -> Delivery:
    """Begin to deliver *event* as *event_source* does; a kind that is not imitated yet is invoked once, and noted."""
    family = _FAMILIES.get(event_source.kind)
    return family(event, event_source) if family else _deliver_once(event, event_source)


def drive(delivery: Delivery, invoke: Callable[[Attempt], Reply]) -> DeliveryReport:
    """Answer each attempt of *delivery* by *invoke*, to the end."""
    reply: Reply | None = None
    while True:
        try:
            # A generator that has not begun is sent None.
            attempt = delivery.send(reply)  # type: ignore[arg-type]  # the same
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]  # what a Delivery returns
        reply = invoke(attempt)


def _deliver_once(event: Event, event_source: EventSource) -> Delivery:
    report = yield from deliver_direct(event, event_source)
    note = f"what AWS does after a failed {event_source.kind} event is not imitated yet: it was delivered once"
    return replace(report, notes=(*report.notes, note))
