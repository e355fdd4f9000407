"""
Kinesis and DynamoDB event source mappings: batches in order, checkpoints, bisecting, expiry, and the failure documents.

A delivery goes lane by lane. A lane is what is processed in order, so in it one batch is settled before the next one
begins; of several lanes, the one that is due first goes on. Time begins when the youngest record arrives. How long the
function takes moves `elapsed_s` but never changes what is delivered: two runs of an event are alike.

- A batch has at most `batch_size` records of one shard (default 100) and 6 MB; one that is not full waits for
  `maximum_batching_window_s`. Within a shard, or within a partition key if `parallelization_factor` is over 1, no
  record is delivered before those ahead of it are done with. Which keys share a lane is ours; an event that one
  batch can hold stays one, since AWS delivered it so.
- Records that `filter_criteria` reject are stepped over: `filtered`.
- An error, timeout or exit fails the whole batch. With `report_batch_item_failures` the lowest sequence number that
  the answer reports is the checkpoint: what comes before is `processed`, all from there on comes again, and the
  retry counter starts afresh. An answer that cannot be used fails the whole batch (see `read_batch_response`).
- With `bisect_batch_on_function_error` a function error splits the batch in two that are retried apart, the first
  one first; a split is no retry. A reported checkpoint is where it is split, and only what remains is retried. An
  answer that cannot be used is no function error, and splits nothing.
- After `maximum_retry_attempts` retries the batch is given up. So are records that are older than
  `maximum_record_age_s`, off the front of the batch; what remains begins afresh. Given up is `sent_to_destination`
  if `on_failure` is set (see `failure_document`) and `discarded` otherwise.
- A throttle never uses up retries, only age.
- Where nothing limits the retries, AWS goes on until the records expire, and the shard is blocked: here a batch
  that comes to nothing in `UNLIMITED_RETRIES` retries stays `still_queued`, with all that is behind it.
- With `tumbling_window_s` every invocation has the window's state, and one without records closes the window.

Source: Lambda developer guide, "Process Amazon Kinesis Data Streams records with Lambda" and its pages on partial
batch responses, discarded batches, windows and filters, and their DynamoDB twins; recordings
test_kinesis_report_batch_item_failures, …_success_scenarios, …_failure_scenarios,
test_kinesis_maximum_record_age_exceeded, test_kinesis_event_filtering_json_pattern and their DynamoDB twins. Of
bisecting nothing is recorded: the order and size of the halves, and what an unusable answer does, are ours (AWS may
also join the documents of neighbours). How long a retry waits is not documented (see `retry_delay_s`).
"""

from collections.abc import Sequence
from heapq import heapify, heappop, heappush
from typing import NamedTuple

from replay.delivery.attempt import Attempt, Reply
from replay.delivery.batch_response import read_batch_response
from replay.delivery.direct import deliver_direct
from replay.delivery.report import Delivery, DeliveryReport, Disposition, Invocation
from replay.delivery.retry_delays import UNLIMITED_RETRIES
from replay.delivery.stream_failures import GivenUp, GivenUpBecause, failure_document
from replay.delivery.stream_lanes import Batch, Lane, Stream, close_window, expires_s, open_stream, prepare, retry_s
from replay.delivery.stream_records import StreamRecord, event_of
from replay.delivery.tumbling_windows import WindowMembers, is_window_event, overflows, read_state, window_event
from replay.payloads.captures import Event
from replay.payloads.event_sources import EventSource


class _Answer(NamedTuple):
    """What a reply says of a batch: how many records from its front are done, and whether that is all of it."""

    done: int
    complete: bool
    problem: str = ""
    state: str | None = None


def deliver_stream(event: Event, event_source: EventSource, function_arn: str) -> Delivery:
    """
    Deliver the records of *event* as a Kinesis or DynamoDB event source mapping does, by the rules above.

    Raises:
        InvalidJson: The event is not JSON.
        InvalidEvent: It has no list of records.
        InvalidEventPattern: A filter is one that Lambda refuses.
    """
    stream = open_stream(event, event_source, function_arn)
    if not len(stream.records) and is_window_event(event.text):
        return (yield from deliver_direct(event, event_source))  # the invocation that closed a window, as captured
    ready = [(due, index) for index, lane in enumerate(stream.lanes) if (due := prepare(stream, lane)) is not None]
    heapify(ready)
    while ready:
        at_s, index = heappop(ready)
        lane = stream.lanes[index]
        batch = _without_expired(stream, lane, lane.pending.pop(), at_s)
        if batch:
            attempt = _attempt(stream, lane, batch, at_s)
            reply = yield attempt
            _settle(stream, lane, batch, attempt, reply)
        due = prepare(stream, lane)
        if due is not None:
            heappush(ready, (due, index))
    return _report(stream)


def _without_expired(stream: Stream, lane: Lane, batch: Batch, at_s: float) -> Batch | None:
    """Give up the records at the front that are too old at *at_s*, and give what remains, if anything does."""
    lane.now_s = at_s
    fresh = 0
    while fresh < len(batch.records) and expires_s(stream, batch.records[fresh]) <= at_s:
        fresh += 1
    if not fresh:
        return batch
    expired, rest = batch.records[:fresh], batch.records[fresh:]
    _give_up(stream, lane, batch, expired, because="RecordAgeExceeded", reply=None)
    return Batch(records=rest, due_s=at_s) if rest else None


def _attempt(stream: Stream, lane: Lane, batch: Batch, at_s: float) -> Attempt:
    number = len(stream.invocations) + 1
    payload = event_of(stream.records, batch.records)
    if lane.window_start_s is not None and stream.source.tumbling_window_s:
        members = WindowMembers(
            start_s=lane.window_start_s,
            length_s=stream.source.tumbling_window_s,
            state=lane.state,
            shard_id=lane.shard_id,
            stream_arn=stream.stream_arn,
            is_final=batch.closes_window,
            terminated_early=lane.window_overflowed,
        )
        payload = window_event(payload, members)
    return Attempt(
        payload=payload,
        record_ids=tuple(record.id for record in batch.records),
        number=number,
        at_s=at_s,
        request_id=stream.request_ids(number),
    )


def _settle(stream: Stream, lane: Lane, batch: Batch, attempt: Attempt, reply: Reply) -> None:
    """Move the checkpoint past what is done, and put what is not before everything else of the lane, or give it up."""
    answer = _read_answer(stream, batch, reply)
    undone = batch.records[answer.done :]
    stream.invocations.append(
        Invocation(
            attempt=attempt,
            reply=reply,
            failed_records=() if answer.complete else tuple(record.id for record in undone) or ("event",),
            problem=answer.problem,
        )
    )
    stream.elapsed_s = max(stream.elapsed_s, attempt.at_s + reply.duration_s)
    stream.dispositions.update(dict.fromkeys((record.id for record in batch.records[: answer.done]), "processed"))
    if answer.state is not None:
        lane.state, lane.window_overflowed = answer.state, overflows(answer.state)
    if answer.complete:
        if batch.closes_window:
            close_window(lane)
    elif answer.done:
        lane.pending.append(Batch(records=undone, due_s=retry_s(stream, undone, attempt.at_s, failures=1)))
    else:
        batch.problem = answer.problem
        _retry(stream, lane, batch, attempt, reply)


def _read_answer(stream: Stream, batch: Batch, reply: Reply) -> _Answer:
    everything = len(batch.records)
    if not reply.succeeded:
        return _Answer(done=0, complete=False)
    state = None
    if stream.source.tumbling_window_s:
        state = read_state(reply.payload)
        if state is None:
            return _Answer(done=0, complete=False, problem="the answer has no state, which a tumbling window needs")
    if not stream.source.report_batch_item_failures:
        return _Answer(done=everything, complete=True, state=state)
    known = {record.sequence_number for record in batch.records if record.sequence_number}
    response = read_batch_response(reply.payload, known)
    if response.problem:
        return _Answer(done=0, complete=False, problem=response.problem)
    done = next(
        (place for place, record in enumerate(batch.records) if record.sequence_number in response.failed), everything
    )
    return _Answer(done=done, complete=done == everything, state=state if done else None)


def _retry(stream: Stream, lane: Lane, batch: Batch, attempt: Attempt, reply: Reply) -> None:
    """Decide what comes after a failure that moved no checkpoint."""
    is_function_error = not reply.succeeded and reply.status != "throttled"
    if is_function_error and stream.source.bisect_batch_on_function_error and len(batch.records) > 1:
        _bisect(stream, lane, batch, attempt.at_s)
        return
    if reply.status == "throttled":
        batch.throttles += 1
    else:
        batch.invocations += 1
        if stream.retries is not None and batch.invocations > stream.retries:
            _exhaust(stream, lane, batch, reply)
            return
    if stream.age_s is None and _fruitless(stream, batch) > UNLIMITED_RETRIES:
        lane.blocked = True
        stream.problem = batch.problem or stream.problem
        return
    failures = batch.invocations + batch.throttles
    limited = stream.retries is not None and reply.status != "throttled"
    batch.due_s = retry_s(stream, batch.records, attempt.at_s, failures=failures, limited=limited)
    lane.pending.append(batch)


def _fruitless(stream: Stream, batch: Batch) -> int:
    """Count the attempts that no setting limits."""
    return batch.throttles + (batch.invocations if stream.retries is None else 0)


def _bisect(stream: Stream, lane: Lane, batch: Batch, at_s: float) -> None:
    middle = len(batch.records) // 2
    for half in (batch.records[middle:], batch.records[:middle]):
        due_s = retry_s(stream, half, at_s, failures=1)
        lane.pending.append(Batch(records=half, due_s=due_s, invocations=batch.invocations, throttles=batch.throttles))


def _exhaust(stream: Stream, lane: Lane, batch: Batch, reply: Reply) -> None:
    if batch.closes_window:
        close_window(lane)
    else:
        _give_up(stream, lane, batch, batch.records, because="RetryAttemptsExhausted", reply=reply)


def _give_up(
    stream: Stream,
    lane: Lane,
    batch: Batch,
    records: Sequence[StreamRecord],
    *,
    because: GivenUpBecause,
    reply: Reply | None,
) -> None:
    destination = stream.source.on_failure
    disposition: Disposition = "sent_to_destination" if destination else "discarded"
    stream.dispositions.update(dict.fromkeys((record.id for record in records), disposition))
    stream.elapsed_s = max(stream.elapsed_s, lane.now_s)
    stream.problem = batch.problem or stream.problem
    if not destination:
        return
    given_up = GivenUp(
        condition=because,
        function_arn=stream.function_arn,
        invocations=batch.invocations,
        request_id=stream.request_ids(len(stream.invocations)),
        at_s=stream.began_s + lane.now_s,
        function_error=None if reply is None or reply.succeeded else "Unhandled",
        payload=event_of(stream.records, records),
    )
    document = failure_document(
        given_up, records, kind=stream.source.kind, stream_arn=stream.stream_arn, destination=destination
    )
    stream.failure_documents.append(document)


def _report(stream: Stream) -> DeliveryReport:
    return DeliveryReport(
        invocations=tuple(stream.invocations),
        dispositions=stream.dispositions,
        failure_records=tuple(stream.failure_documents),
        elapsed_s=stream.elapsed_s,
        problem=stream.problem,
        notes=tuple(_notes(stream)),
    )


def _notes(stream: Stream) -> Sequence[str]:
    notes = []
    if any(lane.blocked for lane in stream.lanes):
        notes.append(
            f"no setting ends the retries: after {UNLIMITED_RETRIES} of them the records were left in their shard, "
            "where AWS goes on until they expire"
        )
    if stream.source.tumbling_window_s:
        notes.append("tumbling windows are imitated from AWS's documentation: no recording proves them")
    if stream.source.bisect_batch_on_function_error and len(stream.invocations) > 1:
        notes.append("batches are split in halves, the first one first: AWS does not say how it splits them")
    return notes
