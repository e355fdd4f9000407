"""An Amazon MQ event source mapping, of ActiveMQ or RabbitMQ: the whole batch is one transaction."""

from collections.abc import Mapping
from dataclasses import replace

from replay.delivery.record_ids import unlike
from replay.delivery.report import Delivery
from replay.delivery.whole_batch import deliver_whole_batch
from replay.errors import InvalidEvent
from replay.payloads.captures import Event
from replay.payloads.event_sources import EventSource
from replay.payloads.exact_json import Json, parse

_UNPROVEN = "Amazon MQ is imitated from AWS's documentation: no recording proves it"


def deliver_mq(event: Event, event_source: EventSource) -> Delivery:
    """
    Deliver the messages of *event* as an Amazon MQ event source mapping does.

    The batch is one transaction: it is tried again as it is until the function returns, whatever it returns, or the
    messages expire. Here it stays `still_queued` after a few retries. `filter_criteria` are not applied, and
    `redelivered` is not set: the event is delivered as it was captured.

    Source: Lambda developer guide, "Using Lambda with Amazon MQ". Nothing is recorded.

    Raises:
        InvalidJson: The event is not JSON.
        InvalidEvent: It has neither `messages` nor `rmqMessagesByQueue`.
    """
    del event_source  # none of its settings is imitated
    ids = _ids_of(parse(event.text))
    report = yield from deliver_whole_batch(event.text, ids, retries=None, is_done=lambda reply: reply.succeeded)
    return replace(report, notes=(*report.notes, _UNPROVEN))


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
