"""
Asynchronous invocation: Lambda queues the event itself, tries again by itself, and gives it up by itself.

- An event is tried 1 + `maximum_retry_attempts` (0 to 2, default 2) times, 60 s and then 120 s after a failure, each
  time with the same request id. (1)
- Errors, timeouts and exits count as attempts. A throttled invocation does not: it is tried again after 1 s, and
  then after twice as long each time, up to 5 minutes. (2) So do system errors of Lambda, which no target here has.
- `maximum_event_age_s` (default 6 hours) looks ahead: the event is given up at once when its next attempt would
  come at that age or later. (3)
- With a reserved concurrency of 0 it is never invoked, and given up at once. (4)
- What is given up goes to the destination `on_failure` (`sent_to_destination`), to the function's
  `dead_letter_queue` (`dead_lettered`), or is `discarded`. With both it goes to both, as LocalStack does it, and
  counts as `sent_to_destination`. What AWS does is not recorded.
- What succeeds goes to `on_success`, if set, and is `processed`.

The event is one delivery and its one disposition is that of `event`, whatever records it has: SNS and EventBridge
invoke a function once for each message, so a hand-made event with several SNS records stays one event. That an age
beyond the last retry ends in `RetriesExhausted` is not recorded.

Source: (1) recordings test_retries, test_request_id_async_invoke_with_retry; (2) Lambda developer guide, "How
Lambda handles errors and retries with asynchronous invocation"; (3) recording test_maxeventage; (4) recording
test_reserved_concurrency; for the documents see `destinations`.
"""

from dataclasses import dataclass, field

from replay.delivery.attempt import Attempt, Reply
from replay.delivery.destinations import Condition, Ended, dead_letter, destination_document, service_of
from replay.delivery.moments import happened_s
from replay.delivery.report import Delivery, DeliveryReport, Disposition, Invocation
from replay.delivery.request_ids import RequestIds
from replay.errors import ConfigurationError, InvalidJson
from replay.payloads.captures import Event
from replay.payloads.event_sources import EventSource
from replay.payloads.exact_json import Json, parse

RETRY_DELAYS_S = (60, 120)
MAXIMUM_RETRY_ATTEMPTS = 2
MAXIMUM_EVENT_AGE_S = 6 * 60 * 60
FIRST_BACKOFF_S = 1
LONGEST_BACKOFF_S = 5 * 60

_BOTH = (
    "the event went to the dead-letter queue and to the on-failure destination: that AWS sends it to both is not proved"
)
_ALWAYS_THROTTLED = "what AWS writes of an event that was throttled until it was too old is not known"


@dataclass(slots=True, kw_only=True)
class _Queued:
    """An event in Lambda's own queue; `invocations` holds throttled ones too, `counted` those that reached it."""

    event: Event
    source: EventSource
    function_arn: str
    request_id: str
    invocations: list[Invocation] = field(default_factory=list)
    counted: int = 0
    last: tuple[Attempt, Reply] | None = None
    now_s: float = 0.0

    @property
    def retries(self) -> int:
        wanted = self.source.maximum_retry_attempts
        return MAXIMUM_RETRY_ATTEMPTS if wanted is None else wanted

    @property
    def maximum_age_s(self) -> int:
        wanted = self.source.maximum_event_age_s
        return MAXIMUM_EVENT_AGE_S if wanted is None else wanted


def deliver_asynchronously(event: Event, event_source: EventSource, function_arn: str) -> Delivery:
    """
    Deliver *event* as Lambda does for SNS, S3, EventBridge, schedules and `InvocationType` `Event`, by the rules above.

    Raises:
        ConfigurationError: `on_success` is a bucket, which Lambda refuses.
    """
    if service_of(event_source.on_success or "") == "s3":
        raise ConfigurationError(
            "an S3 bucket cannot be an on-success destination of a function",
            where="on_success",
            expected="the ARN of a queue, topic, event bus or function",
        )
    queued = _Queued(event=event, source=event_source, function_arn=function_arn, request_id=RequestIds(event.text)(1))
    if event_source.reserved_concurrency == 0:
        return _given_up(queued, "ZeroReservedConcurrency")
    backoff_s = FIRST_BACKOFF_S
    while True:
        attempt = _attempt(queued)
        reply = yield attempt
        _note(queued, attempt, reply)
        if reply.succeeded:
            return _succeeded(queued)
        if reply.status == "throttled":
            delay_s, backoff_s = backoff_s, min(2 * backoff_s, LONGEST_BACKOFF_S)
        elif queued.counted > queued.retries:
            return _given_up(queued, "RetriesExhausted")
        else:
            delay_s, backoff_s = RETRY_DELAYS_S[queued.counted - 1], FIRST_BACKOFF_S
        if queued.now_s + delay_s >= queued.maximum_age_s:
            return _given_up(queued, "EventAgeExceeded")
        queued.now_s += delay_s


def _attempt(queued: _Queued) -> Attempt:
    return Attempt(
        payload=queued.event.text,
        number=len(queued.invocations) + 1,
        at_s=queued.now_s,
        request_id=queued.request_id,
    )


def _note(queued: _Queued, attempt: Attempt, reply: Reply) -> None:
    failed = () if reply.succeeded else ("event",)
    queued.invocations.append(Invocation(attempt=attempt, reply=reply, failed_records=failed))
    queued.now_s += reply.duration_s
    if reply.status != "throttled":
        queued.counted += 1
        queued.last = (attempt, reply)


def _succeeded(queued: _Queued) -> DeliveryReport:
    to = queued.source.on_success
    documents = [destination_document(_ended(queued, "Success"), to)] if to else []
    return _report(queued, "processed", documents)


def _given_up(queued: _Queued, condition: Condition) -> DeliveryReport:
    ended = _ended(queued, condition)
    dead_letter_queue, on_failure = queued.source.dead_letter_queue, queued.source.on_failure
    disposition: Disposition = "discarded"
    documents, notes = [], []
    if dead_letter_queue:
        disposition = "dead_lettered"
        documents.append(dead_letter(ended, dead_letter_queue))
    if on_failure:
        disposition = "sent_to_destination"
        documents.append(destination_document(ended, on_failure))
    if dead_letter_queue and on_failure:
        notes.append(_BOTH)
    if queued.invocations and queued.last is None and documents:
        notes.append(_ALWAYS_THROTTLED)
    return _report(queued, disposition, documents, *notes)


def _ended(queued: _Queued, condition: Condition) -> Ended:
    return Ended(
        condition=condition,
        event_text=queued.event.text,
        request_id=queued.request_id,
        function_arn=queued.function_arn,
        invocations=queued.counted,
        last=queued.last,
        at_s=_began_s(queued.event) + queued.now_s,
    )


def _report(queued: _Queued, disposition: Disposition, documents: list[Json], *notes: str) -> DeliveryReport:
    return DeliveryReport(
        invocations=tuple(queued.invocations),
        dispositions={"event": disposition},
        failure_records=tuple(documents),
        elapsed_s=queued.now_s,
        notes=notes,
    )


def _began_s(event: Event) -> float:
    try:
        return happened_s(parse(event.text))
    except InvalidJson:
        return 0.0
