"""
A Kafka event source mapping, of Amazon MSK or a cluster of one's own: batches of several partitions, with checkpoints.

A partition's records keep their order, so one batch is settled before the next one begins. Time begins when the
youngest record was produced. How long the function takes moves `elapsed_s` but never changes what is delivered.

- A batch has at most `batch_size` records (default 100), of one or several partitions. Records that
  `filter_criteria` reject are stepped over: `filtered`.
- An error, timeout or exit fails the whole batch; with `bisect_batch_on_function_error` it is split in two that are
  retried apart, the first one first.
- With `report_batch_item_failures` an answer names records by `{"partition": "topic-0", "offset": 5}`. In each
  partition the lowest offset is the checkpoint: what comes before is `processed`, all from there on comes again,
  and the retry counter starts afresh. An answer that cannot be used fails the whole batch.
- After `maximum_retry_attempts` retries, or when all of its records are older than `maximum_record_age_s`, a batch
  is given up: `sent_to_destination` if `on_failure` is set, and `discarded` otherwise. Throttles use up no retries.
- Without a limit it is tried for ever, and stays `still_queued` here with all that is behind it; with an
  `on_failure` there are 10 retries.

Source: Lambda developer guide, "Configuring error handling controls for Kafka event sources" and "Capturing
discarded batches for Amazon MSK and self-managed Apache Kafka event sources". Nothing is recorded: that checkpoints
go by partition, and that they restart the counter, is by the likeness of streams.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from replay.delivery.attempt import Attempt, Reply
from replay.delivery.kafka_failures import kafka_failure_document
from replay.delivery.kafka_records import KafkaRecord, event_of, kafka_records_of
from replay.delivery.report import Delivery, DeliveryReport, Disposition, Invocation
from replay.delivery.request_ids import RequestIds
from replay.delivery.retry_delays import UNLIMITED_RETRIES, retry_delay_s
from replay.delivery.stream_failures import GivenUp, GivenUpBecause
from replay.errors import InvalidJson
from replay.payloads.captures import Event
from replay.payloads.event_sources import EventSource
from replay.payloads.exact_json import Json, parse
from replay.payloads.filter_criteria import compile_filter_criteria

BATCH_SIZE = 100
RETRIES_BEFORE_DESTINATION = 10
_UNPROVEN = "Kafka is imitated from AWS's documentation: no recording proves it"
_LEFT = f"nothing ends the retries: after {UNLIMITED_RETRIES} of them the records were left with the broker"


@dataclass(slots=True, kw_only=True)
class _Batch:
    """Records that are invoked with together; `invocations` count against the retries, `throttles` do not."""

    records: Sequence[KafkaRecord]
    due_s: float = 0.0
    invocations: int = 0
    throttles: int = 0
    problem: str = ""


@dataclass(slots=True, kw_only=True)
class _Consumer:
    """The pollers of one mapping, and what has happened to its records; `pending` is next to be delivered last."""

    text: str
    whole: Sequence[KafkaRecord]
    source: EventSource
    function_arn: str
    request_ids: RequestIds
    began_s: float
    pending: list[_Batch]
    dispositions: dict[str, Disposition]
    documents: list[Json] = field(default_factory=list)
    invocations: list[Invocation] = field(default_factory=list)
    now_s: float = 0.0
    elapsed_s: float = 0.0
    problem: str = ""
    left: bool = False

    @property
    def retries(self) -> int | None:
        wanted = self.source.maximum_retry_attempts
        if wanted is None or wanted < 0:
            return RETRIES_BEFORE_DESTINATION if self.source.on_failure else None
        return wanted

    @property
    def age_s(self) -> float:
        wanted = self.source.maximum_record_age_s
        return float("inf") if wanted is None or wanted < 0 else wanted


def deliver_kafka(event: Event, event_source: EventSource, function_arn: str) -> Delivery:
    """
    Deliver the records of *event* as a Kafka event source mapping does, by the rules above.

    Raises:
        InvalidJson: The event is not JSON.
        InvalidEvent: It has no object of lists at its key `records`.
        InvalidEventPattern: A filter is one that Lambda refuses.
    """
    consumer = _open(event, event_source, function_arn)
    while consumer.pending and not consumer.left:
        batch = consumer.pending.pop()
        consumer.now_s = max(consumer.now_s, batch.due_s)
        if _is_too_old(consumer, batch):
            _give_up(consumer, batch, "RecordAgeExceeded", None)
            continue
        attempt = _attempt(consumer, batch)
        reply = yield attempt
        _settle(consumer, batch, attempt, reply)
    return _report(consumer)


def _open(event: Event, source: EventSource, function_arn: str) -> _Consumer:
    whole = kafka_records_of(event.text)
    dispositions: dict[str, Disposition] = {record.id: "still_queued" for record in whole}
    passing = whole
    if source.filter_criteria:
        criteria = compile_filter_criteria(source.filter_criteria, "kafka")
        passing = [record for record in whole if criteria.matches(record.record)]
        dispositions |= dict.fromkeys({each.id for each in whole} - {each.id for each in passing}, "filtered")
    size = source.batch_size or BATCH_SIZE
    batches = [_Batch(records=passing[start : start + size]) for start in range(0, len(passing), size)]
    return _Consumer(
        text=event.text,
        whole=whole,
        source=source,
        function_arn=function_arn,
        request_ids=RequestIds(event.text),
        began_s=max((record.produced_s for record in whole if record.produced_s is not None), default=0.0),
        pending=batches[::-1],
        dispositions=dispositions,
    )


def _is_too_old(consumer: _Consumer, batch: _Batch) -> bool:
    return all(_expires_s(consumer, record) <= consumer.now_s for record in batch.records)


def _expires_s(consumer: _Consumer, record: KafkaRecord) -> float:
    return consumer.age_s - (0.0 if record.produced_s is None else consumer.began_s - record.produced_s)


def _payload(consumer: _Consumer, records: Sequence[KafkaRecord]) -> str:
    return consumer.text if len(records) == len(consumer.whole) else event_of(consumer.text, records)


def _attempt(consumer: _Consumer, batch: _Batch) -> Attempt:
    number = len(consumer.invocations) + 1
    return Attempt(
        payload=_payload(consumer, batch.records),
        record_ids=tuple(record.id for record in batch.records),
        number=number,
        at_s=consumer.now_s,
        request_id=consumer.request_ids(number),
    )


def _settle(consumer: _Consumer, batch: _Batch, attempt: Attempt, reply: Reply) -> None:
    """Move the checkpoints past what is done, and put what is not before everything else, or give it up."""
    undone, batch.problem = _undone(consumer, batch, reply)
    failed = tuple(record.id for record in undone)
    consumer.invocations.append(Invocation(attempt=attempt, reply=reply, failed_records=failed, problem=batch.problem))
    consumer.elapsed_s = max(consumer.elapsed_s, attempt.at_s + reply.duration_s)
    done: Disposition = "processed"
    consumer.dispositions.update(dict.fromkeys(set(attempt.record_ids) - set(failed), done))
    if len(undone) == len(batch.records):
        _retry(consumer, batch, reply)
    elif undone:
        consumer.pending.append(_Batch(records=undone, due_s=consumer.now_s + retry_delay_s(1, limited=True)))


def _undone(consumer: _Consumer, batch: _Batch, reply: Reply) -> tuple[Sequence[KafkaRecord], str]:
    """List the records from their partition's checkpoint on, and why the answer could not be used."""
    if not reply.succeeded:
        return batch.records, ""
    if not consumer.source.report_batch_item_failures:
        return (), ""
    known = {(record.partition, record.offset) for record in batch.records}
    lowest = _read_checkpoints(reply.payload, known)
    if isinstance(lowest, str):
        return batch.records, lowest
    undone, passed = [], set()
    for record in batch.records:
        if record.offset is not None and record.offset == lowest.get(record.partition):
            passed.add(record.partition)
        if record.partition in passed:
            undone.append(record)
    return undone, ""


def _read_checkpoints(payload: str | None, known: set[tuple[str, int | None]]) -> dict[str, int] | str:
    """Give the lowest offset that an answer reports of each partition, or why the answer cannot be used."""
    try:
        answer = parse(payload) if payload else None
    except InvalidJson:
        return "the answer is not JSON"
    if answer is None or answer in ("", []):
        return {}
    items = answer.get("batchItemFailures", []) if isinstance(answer, dict) else None
    if items is None and isinstance(answer, dict):
        return {}
    if not isinstance(items, list):
        return "the answer is not an object with a list of batchItemFailures"
    lowest: dict[str, int] = {}
    for index, item in enumerate(items):
        identifier = item.get("itemIdentifier") if isinstance(item, Mapping) else None
        partition = identifier.get("partition") if isinstance(identifier, Mapping) else None
        offset = identifier.get("offset") if isinstance(identifier, Mapping) else None
        if not isinstance(partition, str) or not isinstance(offset, int) or (partition, offset) not in known:
            return f"itemIdentifier of batchItemFailures[{index}] is no partition and offset in the batch"
        lowest[partition] = min(offset, lowest.get(partition, offset))
    return lowest


def _retry(consumer: _Consumer, batch: _Batch, reply: Reply) -> None:
    """Decide what comes after a failure that moved no checkpoint."""
    is_function_error = not reply.succeeded and reply.status != "throttled"
    if is_function_error and consumer.source.bisect_batch_on_function_error and len(batch.records) > 1:
        _bisect(consumer, batch)
        return
    if reply.status == "throttled":
        batch.throttles += 1
    else:
        batch.invocations += 1
        if consumer.retries is not None and batch.invocations > consumer.retries:
            _give_up(consumer, batch, "RetryAttemptsExhausted", reply)
            return
    fruitless = batch.throttles + (batch.invocations if consumer.retries is None else 0)
    if consumer.age_s == float("inf") and fruitless > UNLIMITED_RETRIES:
        consumer.left = True
        consumer.problem = batch.problem or consumer.problem
        return
    limited = consumer.retries is not None and reply.status != "throttled"
    delay_s = retry_delay_s(batch.invocations + batch.throttles, limited=limited)
    last_s = max(_expires_s(consumer, record) for record in batch.records)
    batch.due_s = max(consumer.now_s, min(consumer.now_s + delay_s, last_s))
    consumer.pending.append(batch)


def _bisect(consumer: _Consumer, batch: _Batch) -> None:
    middle = len(batch.records) // 2
    due_s = consumer.now_s + retry_delay_s(1, limited=True)
    for half in (batch.records[middle:], batch.records[:middle]):
        consumer.pending.append(
            _Batch(records=half, due_s=due_s, invocations=batch.invocations, throttles=batch.throttles)
        )


def _give_up(consumer: _Consumer, batch: _Batch, because: GivenUpBecause, reply: Reply | None) -> None:
    destination = consumer.source.on_failure
    disposition: Disposition = "sent_to_destination" if destination else "discarded"
    consumer.dispositions.update(dict.fromkeys((record.id for record in batch.records), disposition))
    consumer.elapsed_s = max(consumer.elapsed_s, consumer.now_s)
    consumer.problem = batch.problem or consumer.problem
    if destination:
        given_up = GivenUp(
            condition=because,
            function_arn=consumer.function_arn,
            invocations=batch.invocations,
            request_id=consumer.request_ids(len(consumer.invocations)),
            at_s=consumer.began_s + consumer.now_s,
            function_error=None if reply is None or reply.succeeded else "Unhandled",
            payload=_payload(consumer, batch.records),
        )
        consumer.documents.append(kafka_failure_document(given_up, batch.records, destination))


def _report(consumer: _Consumer) -> DeliveryReport:
    return DeliveryReport(
        invocations=tuple(consumer.invocations),
        dispositions=consumer.dispositions,
        failure_records=tuple(consumer.documents),
        elapsed_s=consumer.elapsed_s,
        problem=consumer.problem,
        notes=((_LEFT,) if consumer.left else ()) + (_UNPROVEN,),
    )
