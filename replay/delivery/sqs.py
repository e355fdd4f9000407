"""
An SQS event source mapping: batches, partial batch responses, visibility timeouts, and the dead-letter queue.

A delivery goes in rounds. A round is one instant of virtual time at which every visible message is received, in
batches, as Lambda's concurrent pollers do; what fails in it comes back together when the visibility timeout has passed.
How long the function takes moves `elapsed_s` but never changes who is in which batch: two runs of an event are alike.

- A batch has at most `batch_size` records (default 10, FIFO never more) and 6 MB; one that is not full waits for
  `maximum_batching_window_s`.
- Records that `filter_criteria` reject are deleted: `filtered`.
- What is processed is deleted: `processed`. An error, timeout, exit or throttle fails the whole batch; an answer
  fails what it reports if `report_batch_item_failures` (see `read_batch_response`), and is ignored otherwise.
- What failed is received again after `visibility_timeout_s` (default 30), its receive count one higher, until it
  has been delivered `max_receive_count` times; then it is `dead_lettered`. Without `max_receive_count` AWS delivers
  it until the retention period ends; here it is `still_queued` after `UNLIMITED_RETRIES` more deliveries, with a note.
- In a FIFO queue the messages of a group keep their order: while one is not done, those after it wait.
- That a throttled batch uses up receives is documented, but not for every case, and not recorded.

Source: Lambda developer guide, "Using Lambda with Amazon SQS", its pages on errors, scaling and filters; recordings
test_failing_lambda_retries_after_visibility_timeout, test_redrive_policy_with_failing_lambda,
test_report_batch_item_failures, test_sqs_event_filter, test_fifo_message_group_parallelism.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from replay.delivery.attempt import Attempt, Reply
from replay.delivery.batch_response import BatchResponse, read_batch_response
from replay.delivery.records import EventRecords
from replay.delivery.report import Delivery, DeliveryReport, Disposition, Invocation
from replay.delivery.request_ids import RequestIds
from replay.delivery.retry_delays import UNLIMITED_RETRIES
from replay.delivery.sqs_messages import Message, dead_letter, event_of, is_fifo, messages_of, size_bytes
from replay.payloads.captures import Event
from replay.payloads.event_sources import EventSource
from replay.payloads.exact_json import Json

BATCH_SIZE = 10
VISIBILITY_TIMEOUT_S = 30
BATCH_LIMIT_BYTES = 6 * 1024 * 1024
_UTF8_AT_MOST = 4  # bytes a character
_NO_REDRIVE_POLICY = (
    f"no max_receive_count is known of the source queue: after {1 + UNLIMITED_RETRIES} deliveries the messages were "
    "left in it, where SQS goes on until their retention period ends"
)


@dataclass(slots=True, kw_only=True)
class _Queue:
    """A queue and what has happened to its messages; `blocked` are the FIFO groups that cannot be received from now."""

    records: EventRecords
    source: EventSource
    fifo: bool
    request_ids: RequestIds
    dispositions: dict[str, Disposition]
    dead_letters: list[Json] = field(default_factory=list)
    invocations: list[Invocation] = field(default_factory=list)
    blocked: set[str | None] = field(default_factory=set)
    stuck: set[str | None] = field(default_factory=set)
    elapsed_s: float = 0.0
    problem: str = ""
    notes: tuple[str, ...] = ()

    @property
    def batch_size(self) -> int:
        wanted = self.source.batch_size or BATCH_SIZE
        return min(wanted, BATCH_SIZE) if self.fifo else wanted

    @property
    def visibility_timeout_s(self) -> float:
        wanted = self.source.visibility_timeout_s
        return VISIBILITY_TIMEOUT_S if wanted is None else wanted


def deliver_sqs(event: Event, event_source: EventSource) -> Delivery:
    """
    Deliver the records of *event* as an SQS event source mapping does, by the rules above.

    Raises:
        InvalidJson: The event is not JSON.
        InvalidEvent: It has no records.
        InvalidEventPattern: A filter is one that Lambda refuses.
    """
    queue, waiting = _open_queue(event, event_source)
    now = 0.0
    while waiting:
        due, waiting = deque(waiting), []
        queue.blocked = set(queue.stuck)
        at = now
        while batch := _receive(queue, due, waiting):
            full = bool(due) or len(batch) == queue.batch_size
            at = now if full else now + (event_source.maximum_batching_window_s or 0)
            attempt = _attempt(queue, batch, at)
            reply = yield attempt
            waiting += _settle(queue, batch, attempt, reply, visible_again_s=now + queue.visibility_timeout_s)
        waiting = sorted(
            (message for message in waiting if message.group not in queue.stuck), key=lambda message: message.index
        )
        now = max(now + queue.visibility_timeout_s, at)
    return _report(queue)


def _open_queue(event: Event, source: EventSource) -> tuple[_Queue, list[Message]]:
    """Put the event's records into a queue, and give those that the filter lets pass."""
    records = EventRecords(event.text)
    fifo = source.fifo or is_fifo(records)
    messages = messages_of(records, max_receive_count=source.max_receive_count, fifo=fifo)
    queue = _Queue(
        records=records,
        source=source,
        fifo=fifo,
        request_ids=RequestIds(event.text),
        dispositions={message.id: "still_queued" for message in messages},
    )
    if not source.filter_criteria:
        return queue, messages
    from replay.payloads.filter_criteria import compile_filter_criteria

    criteria = compile_filter_criteria(source.filter_criteria, "sqs")
    passing = []
    for message in messages:
        if criteria.matches(message.record):
            passing.append(message)
        else:
            queue.dispositions[message.id] = "filtered"
    return queue, passing


def _receive(queue: _Queue, due: deque[Message], waiting: list[Message]) -> list[Message]:
    """Take the next batch from *due*; messages of blocked groups go to *waiting*."""
    text = queue.records.text
    limited = len(text) * _UTF8_AT_MOST > BATCH_LIMIT_BYTES
    room = BATCH_LIMIT_BYTES - len('{"Records": []}')
    batch: list[Message] = []
    while due and len(batch) < queue.batch_size:
        message = due[0]
        if message.group in queue.blocked:
            waiting.append(due.popleft())
            continue
        if limited:
            room -= size_bytes(queue.records, message) + len(", ")
            if batch and room < 0:
                break
        batch.append(due.popleft())
    return batch


def _attempt(queue: _Queue, batch: Sequence[Message], at_s: float) -> Attempt:
    number = len(queue.invocations) + 1
    return Attempt(
        payload=event_of(queue.records, batch),
        record_ids=tuple(message.id for message in batch),
        number=number,
        at_s=at_s,
        request_id=queue.request_ids(number),
    )


def _settle(
    queue: _Queue, batch: Sequence[Message], attempt: Attempt, reply: Reply, *, visible_again_s: float
) -> list[Message]:
    """Delete what is done, dead-letter what has had its deliveries, and give what comes back."""
    failed, problem = _failed(queue, batch, reply)
    failed_ids = tuple(message.id for message in failed)
    queue.invocations.append(Invocation(attempt=attempt, reply=reply, failed_records=failed_ids, problem=problem))
    queue.elapsed_s = max(queue.elapsed_s, attempt.at_s + reply.duration_s)
    queue.dispositions.update(dict.fromkeys((message.id for message in batch), "processed"))
    back = []
    for message in failed:
        queue.dispositions[message.id] = "still_queued"
        message.receive_count += 1
        message.deliveries_left -= 1
        if message.group is not None:
            queue.blocked.add(message.group)
        if message.deliveries_left > 0:
            back.append(message)
            continue
        queue.problem = problem or queue.problem
        if queue.source.max_receive_count is None:
            queue.notes = (_NO_REDRIVE_POLICY,)
            if message.group is not None:
                queue.stuck.add(message.group)
            continue
        # SQS moves a message only when it would be received once too often: after its last visibility timeout.
        queue.elapsed_s = max(queue.elapsed_s, visible_again_s)
        queue.dispositions[message.id] = "dead_lettered"
        queue.dead_letters.append(dead_letter(message, source_arn=queue.source.arn))
    return back


def _failed(queue: _Queue, batch: Sequence[Message], reply: Reply) -> tuple[Sequence[Message], str]:
    if not reply.succeeded:
        return batch, ""
    if not queue.source.report_batch_item_failures:
        return (), ""
    known = {message.message_id for message in batch if message.message_id}
    answer: BatchResponse = read_batch_response(reply.payload, known)
    if answer.problem:
        return batch, answer.problem
    return [message for message in batch if message.message_id in answer.failed], ""


def _report(queue: _Queue) -> DeliveryReport:
    return DeliveryReport(
        invocations=tuple(queue.invocations),
        dispositions=queue.dispositions,
        failure_records=tuple(queue.dead_letters),
        elapsed_s=queue.elapsed_s,
        problem=queue.problem,
        notes=queue.notes,
    )
