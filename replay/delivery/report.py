"""What became of a delivery: the only thing that outcomes read, whoever delivered."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from replay.delivery.attempt import Attempt, Reply
from replay.payloads.exact_json import Json, parse

Disposition = Literal["processed", "dead_lettered", "sent_to_destination", "discarded", "filtered", "still_queued"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """
    One attempt and the reply to it.

    `failed_records` are the ids of the attempt's records that it left undone (`event` where the event has no records);
    `problem` says why the answer could not be used, and is empty when it could.
    """

    attempt: Attempt
    reply: Reply
    failed_records: tuple[str, ...] = ()
    problem: str = ""

    @property
    def event(self) -> Json:
        """The event as the function received it, read afresh from the exact text in `attempt.payload`."""
        return parse(self.attempt.payload)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryReport:
    """
    What became of every record, and every invocation on the way.

    `dispositions` go by record id in record order; an event without records has the one id `event`. `failure_records`
    are DLQ messages and destination documents as AWS would write them; the document of an on-success destination is
    among them. `response` is what a synchronous caller got.
    `elapsed_s` is virtual time: until the last disposition was settled. `notes` say what this delivery did not imitate.
    """

    invocations: tuple[Invocation, ...] = ()
    dispositions: Mapping[str, Disposition] = field(default_factory=dict)
    failure_records: tuple[Json, ...] = ()
    response: Json = None
    elapsed_s: float = 0.0
    problem: str = ""
    """Why an answer that settled something could not be used (an unknown item identifier, say); mostly empty."""
    notes: tuple[str, ...] = ()


Delivery = Generator[Attempt, Reply, DeliveryReport]
"""A delivery under way: it gives the next attempt, is sent the reply, and returns what became of it all."""
