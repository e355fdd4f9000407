"""BisectBatchOnFunctionError: documented by AWS, recorded nowhere."""

import json

from replay.delivery.attempt import Attempt, Reply
from replay.delivery.deliver import deliver
from replay.delivery.families import begin_delivery, drive
from replay.payloads.captures import Event
from tests.delivery.stream_events import (
    QUEUE,
    batches,
    documents,
    kinesis,
    raise_on,
    records,
    report_failed,
    times,
)


def test_an_error_splits_the_batch_and_the_first_half_comes_first() -> None:
    """The poison record is found by halving, and everything around it is processed in order."""
    settings = kinesis(bisect_batch_on_function_error=True, maximum_retry_attempts=0, on_failure=QUEUE)
    report = deliver(records(8), raise_on("3"), settings)
    assert batches(report) == [list("12345678"), list("1234"), list("12"), list("34"), ["3"], ["4"], list("5678")]
    assert report.dispositions == dict.fromkeys("12345678", "processed") | {"3": "sent_to_destination"}
    assert documents(report)[0]["KinesisBatchInfo"]["batchSize"] == 1
    assert "halves" in report.notes[0]


def test_a_split_is_no_retry() -> None:
    """A single record has all its retries, however often its batch was split before."""
    settings = kinesis(bisect_batch_on_function_error=True, maximum_retry_attempts=2, on_failure=QUEUE)
    report = deliver(records(4), raise_on("1"), settings)
    assert batches(report) == [list("1234"), list("12"), ["1"], ["1"], ["1"], ["2"], list("34")]
    assert documents(report)[0]["requestContext"]["approximateInvokeCount"] == 3


def test_time_goes_on_while_a_batch_is_split() -> None:
    """Halves wait for their retry as any failed batch does, and never go back in time."""
    settings = kinesis(bisect_batch_on_function_error=True, maximum_retry_attempts=0)
    report = deliver(records(4), raise_on("1"), settings)
    assert times(report) == [0, 0.25, 0.5, 0.5, 0.5]


def test_without_any_limit_the_poison_record_blocks_what_is_behind_it() -> None:
    """What is before it in the shard is processed; it and all behind it stay."""
    report = deliver(records(4), raise_on("3"), kinesis(bisect_batch_on_function_error=True))
    assert report.dispositions == {"1": "processed", "2": "processed", "3": "still_queued", "4": "still_queued"}


def test_an_error_splits_even_with_partial_batch_responses() -> None:
    """An invocation that fails is split whatever ReportBatchItemFailures says."""
    settings = kinesis(bisect_batch_on_function_error=True, report_batch_item_failures=True, maximum_retry_attempts=0)
    report = deliver(records(2), raise_on("2"), settings)
    assert batches(report) == [["1", "2"], ["1"], ["2"]]


def test_a_reported_record_is_where_the_batch_is_split() -> None:
    """Only the remaining records are retried, in one piece."""
    settings = kinesis(bisect_batch_on_function_error=True, report_batch_item_failures=True, maximum_retry_attempts=1)
    report = deliver(records(8), report_failed("4"), settings)
    assert batches(report) == [list("12345678"), list("45678"), list("45678")]


def test_an_unusable_answer_splits_nothing() -> None:
    """It is no function error."""
    settings = kinesis(bisect_batch_on_function_error=True, report_batch_item_failures=True, maximum_retry_attempts=1)
    report = deliver(records(4), lambda *_: {"batchItemFailures": [{}]}, settings)
    assert batches(report) == [list("1234")] * 2


def test_a_throttle_splits_nothing() -> None:
    """The batch did not reach the function."""

    def invoke(attempt: Attempt) -> Reply:
        return Reply(status="throttled") if attempt.number == 1 else Reply(status="returned", payload="null")

    event = Event(text=json.dumps({"Records": records(4)}), kind="kinesis")
    report = drive(begin_delivery(event, kinesis(bisect_batch_on_function_error=True)), invoke)
    assert batches(report) == [list("1234")] * 2


def test_records_expire_while_their_batch_is_split() -> None:
    """Age ends the retries of a single record, and the report counts those invocations."""
    settings = kinesis(bisect_batch_on_function_error=True, maximum_record_age_s=60, on_failure=QUEUE)
    report = deliver(records(2), raise_on("1"), settings)
    (first, second) = documents(report)
    assert first["requestContext"]["condition"] == "RecordAgeExceeded"
    assert first["KinesisBatchInfo"]["startSequenceNumber"] == first["KinesisBatchInfo"]["endSequenceNumber"] == "1"
    assert second["requestContext"]["approximateInvokeCount"] == 1
