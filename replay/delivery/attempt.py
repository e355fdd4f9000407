"""One invocation and its answer: what delivery hands to a target, and what comes back."""

from dataclasses import dataclass
from typing import Literal

from replay.payloads.aws_calls import AwsCall
from replay.payloads.failures import Failure

ReplyStatus = Literal[
    "returned", "raised", "timed_out", "out_of_memory", "exited", "unserialisable", "response_too_large", "throttled"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """
    One invocation as AWS would make it.

    `payload` is the event as exact JSON text; `record_ids` name its records in order (empty for an event without
    records); `number` counts from 1 within this delivery; `at_s` is virtual time since the delivery began.
    """

    payload: str
    record_ids: tuple[str, ...] = ()
    number: int = 1
    at_s: float = 0.0
    request_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """
    What the function answered.

    `payload` is the JSON text of the answer, and None unless `status` is `returned`. `failure` is set for every other
    status. `duration_s` is wall time in the target, `memory_mb` None where it is not measured. `effects` are the AWS
    calls that the function made, in order.
    """

    status: ReplyStatus
    payload: str | None = None
    failure: Failure | None = None
    duration_s: float = 0.0
    memory_mb: float | None = None
    log: str = ""
    effects: tuple[AwsCall, ...] = ()

    @property
    def succeeded(self) -> bool:
        """Whether the function returned, whatever it returned."""
        return self.status == "returned"
