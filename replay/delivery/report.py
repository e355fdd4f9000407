"""What became of a delivery: the only thing that outcomes read, whoever delivered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from replay.delivery.attempt import Attempt, Reply
from replay.payloads.exact_json import Json

Disposition = Literal["processed", "dead_lettered", "sent_to_destination", "discarded", "filtered", "still_queued"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """One attempt and the reply to it."""

    attempt: Attempt
    reply: Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryReport:
    """
    What became of every record, and every invocation on the way.

    `dispositions` go by record id in record order; an event without records has the one id `event`. `failure_records`
    are DLQ messages and destination documents as AWS would write them. `response` is what a synchronous caller got.
    `failed_records` are the ids whose processing failed in some attempt and that never succeeded afterwards.
    `elapsed_s` is virtual time.
    """

    invocations: tuple[Invocation, ...] = ()
    dispositions: Mapping[str, Disposition] = field(default_factory=dict)
    failure_records: tuple[Json, ...] = ()
    response: Json = None
    elapsed_s: float = 0.0
    problem: str = ""
    """Why the answer could not be used (an unknown item identifier, say); empty when it could."""
