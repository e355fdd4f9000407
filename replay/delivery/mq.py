"""An Amazon MQ event source mapping, of ActiveMQ or RabbitMQ: the whole batch is one transaction."""

from collections.abc import Mapping

from replay.delivery.attempt import Attempt
from replay.delivery.record_ids import unlike
from replay.delivery.report import Delivery, DeliveryReport, Disposition, Invocation
from replay.delivery.request_ids import RequestIds
from replay.delivery.retry_delays import UNLIMITED_RETRIES, retry_delay_s
from replay.errors import InvalidEvent
from replay.payloads.captures import Event
from replay.payloads.event_sources import EventSource
from replay.payloads.exact_json import Json, parse

_UNPROVEN = "Amazon MQ is imitated from AWS's documentation: no recording proves it"
_LEFT = f"nothing ends the retries: after {UNLIMITED_RETRIES} of them the messages were left with the broker"


def deliver_mq(event: Event, event_source: EventSource) -> Delivery:
    """
    Deliver the messages of *event* as an Amazon MQ event source mapping does.

    The batch is one transaction: it is tried again as it is until the function returns, whatever it returns, or the
    messages expire. Here it stays `still_queued` after `UNLIMITED_RETRIES` retries. `filter_criteria` are not applied,
    and `redelivered` is not set: the event is delivered as it was captured. An event without messages invokes nothing.

    Source: Lambda developer guide, "Using Lambda with Amazon MQ". Nothing is recorded.

    Raises:
        InvalidJson: The event is not JSON.
        InvalidEvent: It has neither `messages` nor `rmqMessagesByQueue`.
    """
    del event_source  # none of its settings is imitated
    ids = tuple(_ids_of(parse(event.text)))
    request_ids = RequestIds(event.text)
    invocations: list[Invocation] = []
    end: Disposition = "still_queued"
    at_s = elapsed_s = 0.0
    while ids and end != "processed" and len(invocations) <= UNLIMITED_RETRIES:
        number = len(invocations) + 1
        attempt = Attempt(payload=event.text, record_ids=ids, number=number, at_s=at_s, request_id=request_ids(number))
        reply = yield attempt
        end = "processed" if reply.succeeded else "still_queued"
        invocations.append(Invocation(attempt=attempt, reply=reply, failed_records=() if reply.succeeded else ids))
        elapsed_s = max(elapsed_s, at_s + reply.duration_s)
        at_s += retry_delay_s(number, limited=True)
    return DeliveryReport(
        invocations=tuple(invocations),
        dispositions=dict.fromkeys(ids, end),
        elapsed_s=elapsed_s,
        notes=(_UNPROVEN,) if end == "processed" or not ids else (_LEFT, _UNPROVEN),
    )


def _ids_of(event: Json) -> list[str]:
    taken: set[str] = set()
    messages = event.get("messages") if isinstance(event, dict) else None
    if isinstance(messages, list):
        return [unlike(taken, _message_id(message) or f"record-{n}") for n, message in enumerate(messages, 1)]
    queues = event.get("rmqMessagesByQueue") if isinstance(event, dict) else None
    if not isinstance(queues, Mapping):
        raise InvalidEvent(
            "the event has no messages",
            where="/messages",
            expected="a list of messages, or an object of lists at the key 'rmqMessagesByQueue'",
            hint='deliver it with an event source of kind "direct" if this is how the function is called',
        )
    return [
        unlike(taken, f"{queue}/{n}")
        for queue, held in queues.items()
        for n, _ in enumerate(held if isinstance(held, list) else [], 1)
    ]


def _message_id(message: Json) -> str | None:
    found = message.get("messageID") if isinstance(message, Mapping) else None
    return found if isinstance(found, str) else None
