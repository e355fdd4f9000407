"""Kinesis and DynamoDB event source mappings: batches, shards, retries, checkpoints, age, throttles, filters."""

import json

import pytest

from replay.delivery.attempt import Attempt, Reply
from replay.delivery.deliver import deliver
from replay.delivery.families import begin_delivery, drive
from replay.delivery.retry_delays import UNLIMITED_RETRIES
from replay.errors import InvalidEvent, InvalidEventPattern
from replay.payloads.captures import Event
from tests.delivery.stream_events import (
    ARRIVED_S,
    QUEUE,
    batches,
    documents,
    dynamodb,
    dynamodb_record,
    fail,
    kinesis,
    kinesis_record,
    raise_on,
    records,
    report_failed,
    times,
)


def done(event, context) -> None:
    return None


# Batches and shards


def test_a_batch_has_a_hundred_records_by_default() -> None:
    """The default batch size of streams is 100."""
    report = deliver(records(150), done, kinesis())
    assert [len(batch) for batch in batches(report)] == [100, 50]
    assert set(report.dispositions.values()) == {"processed"}


def test_the_first_delivery_is_the_event_byte_for_byte() -> None:
    """Nothing about the event is rewritten as long as all of it is delivered."""
    text = '{ "Records" :\n [' + json.dumps(kinesis_record(1)).replace(":", " : ") + ' ], "more": 1.10 }'
    report = deliver(text, done, kinesis())
    assert report.invocations[0].attempt.payload == text


def test_a_record_keeps_its_text_in_another_batch() -> None:
    """Duplicate keys and number spellings of a record survive that it is delivered again without its neighbours."""
    odd = '{"kinesis": {"sequenceNumber": "2", "x": 1.10, "x": 1e2}, "eventID": "shardId-0:2"}'
    text = '{"Records": [' + json.dumps(kinesis_record(1)) + ", " + odd + "]}"
    report = deliver(text, report_failed("2"), kinesis(report_batch_item_failures=True, maximum_retry_attempts=0))
    assert report.invocations[1].attempt.payload == '{"Records": [' + odd + "]}"


def test_a_batch_has_at_most_6_mb() -> None:
    """A batch closes before its payload exceeds 6 MB."""
    report = deliver(records(4, data="x" * 1_900_000), done, kinesis())
    assert batches(report) == [["1", "2"], ["3", "4"]]
    assert all(len(each.attempt.payload.encode()) <= 6 * 1024 * 1024 for each in report.invocations)


def test_a_batch_that_is_not_full_waits_for_the_window() -> None:
    """Lambda gathers records until the batch is full or its window has passed."""
    report = deliver(records(3), done, kinesis(batch_size=2, maximum_batching_window_s=10))
    assert times(report) == [0, 10]


def test_a_shard_with_a_failing_batch_does_not_hold_up_another() -> None:
    """Shards are processed apart: batches never mix them, and while one waits for its retry the other goes on."""
    event = [kinesis_record(number, shard=number % 2) for number in range(1, 7)]
    report = deliver(event, raise_on("1"), kinesis(batch_size=1, maximum_retry_attempts=1))
    assert batches(report) == [["1"], ["2"], ["4"], ["6"], ["1"], ["3"], ["5"]]
    assert times(report) == [0, 0, 0, 0, 0.25, 0.25, 0.25]
    assert report.dispositions == dict.fromkeys("123456", "processed") | {"1": "discarded"}
    assert list(report.dispositions) == list("123456")


def test_dynamodb_records_of_one_event_are_one_shard() -> None:
    """A DynamoDB record does not tell its shard."""
    report = deliver([dynamodb_record(number) for number in (1, 2, 3)], done, dynamodb())
    assert batches(report) == [["1", "2", "3"]]


def test_with_a_parallelization_factor_a_partition_key_keeps_its_order_and_others_go_on() -> None:
    """Concurrent batches of a shard share no partition key, so a poison key does not hold up the others."""
    event = [kinesis_record(number, key=f"key-{number % 4}") for number in range(1, 41)]
    settings = kinesis(batch_size=2, parallelization_factor=10)
    report = deliver(event, raise_on("1"), settings)
    stuck = [number for number, end in report.dispositions.items() if end == "still_queued"]
    assert "1" in stuck
    assert len(stuck) < 40
    for remainder in range(4):
        seen = [int(n) for batch in batches(report) for n in batch if int(n) % 4 == remainder and n not in stuck]
        assert seen == sorted(seen)


def test_an_event_that_one_batch_can_hold_is_never_split_by_the_parallelization_factor() -> None:
    """What AWS delivered together is delivered together: nobody knows which keys share a lane there."""
    event = [kinesis_record(number, key=f"key-{number}") for number in range(1, 11)]
    assert len(deliver(event, done, kinesis(parallelization_factor=10)).invocations) == 1


def test_dynamodb_items_keep_their_order_with_a_parallelization_factor() -> None:
    """For DynamoDB the item's key takes the place of the partition key."""
    event = [dynamodb_record(number) for number in range(1, 21)]
    for record in event:
        record["dynamodb"]["Keys"] = {"id": {"S": str(int(record["dynamodb"]["SequenceNumber"]) % 3)}}
    report = deliver(event, done, dynamodb(batch_size=1, parallelization_factor=2))
    for remainder in range(3):
        seen = [int(batch[0]) for batch in batches(report) if int(batch[0]) % 3 == remainder]
        assert seen == sorted(seen)


# Retries


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_a_failing_batch_is_invoked_once_more_than_it_is_retried(retries: int) -> None:
    """Invocations are retries + 1, then the shard goes on (recording …_with_on_failure_destination_config)."""
    report = deliver(records(3), raise_on("1"), kinesis(batch_size=2, maximum_retry_attempts=retries))
    assert batches(report) == [["1", "2"]] * (retries + 1) + [["3"]]
    assert report.dispositions == {"1": "discarded", "2": "discarded", "3": "processed"}
    assert report.failure_records == ()


def test_retries_wait_twice_as_long_each_time_up_to_a_minute() -> None:
    """The delay between retries is ours: 0.25 s doubled, at most 60 s where retries end it."""
    report = deliver(records(1), fail, kinesis(maximum_retry_attempts=10))
    gaps = [after - before for before, after in zip(times(report), times(report)[1:], strict=False)]
    assert gaps == [0.25, 0.5, 1, 2, 4, 8, 16, 32, 60, 60]
    assert report.elapsed_s == times(report)[-1]


def test_without_any_limit_the_shard_stays_blocked() -> None:
    """By default AWS retries until the records expire: they stay, all behind them too, and the report says so."""
    report = deliver(records(3), raise_on("1"), kinesis(batch_size=1))
    assert batches(report) == [["1"]] * (UNLIMITED_RETRIES + 1)
    assert set(report.dispositions.values()) == {"still_queued"}
    assert "no setting ends the retries" in report.notes[0]


def test_without_any_limit_a_handler_that_recovers_is_retried() -> None:
    """A failure that passes is no failure: the retry processes the batch, and nothing is noted."""
    calls = []

    def flaky(event, context) -> None:
        calls.append(event)
        if len(calls) < UNLIMITED_RETRIES + 1:
            raise ConnectionError

    report = deliver(records(2), flaky, kinesis(maximum_retry_attempts=-1, maximum_record_age_s=-1))
    assert set(report.dispositions.values()) == {"processed"}
    assert report.notes == ()


def test_ten_thousand_retries_end() -> None:
    """The highest number of retries is counted to its end, in virtual time only."""
    report = deliver(records(1), fail, kinesis(maximum_retry_attempts=10_000, on_failure=QUEUE))
    assert documents(report)[0]["requestContext"]["approximateInvokeCount"] == 10_001


# Throttles


def throttled(times_throttled: int):
    def invoke(attempt: Attempt) -> Reply:
        if attempt.number <= times_throttled:
            return Reply(status="throttled")
        return Reply(status="raised")

    return invoke


def test_throttles_use_up_no_retries() -> None:
    """The batch did not reach the function, so MaximumRetryAttempts does not count it."""
    event = Event(text=json.dumps({"Records": records(1)}), kind="kinesis")
    settings = kinesis(maximum_retry_attempts=1, maximum_record_age_s=3600, on_failure=QUEUE)
    report = drive(begin_delivery(event, settings), throttled(5))
    assert len(report.invocations) == 7
    assert documents(report)[0]["requestContext"]["approximateInvokeCount"] == 2


def test_throttles_end_with_the_age_of_the_records() -> None:
    """Lambda retries a throttled batch until its records are too old."""
    event = Event(text=json.dumps({"Records": records(1)}), kind="kinesis")
    settings = kinesis(maximum_retry_attempts=1, maximum_record_age_s=60, on_failure=QUEUE)
    report = drive(begin_delivery(event, settings), throttled(1000))
    assert documents(report)[0]["requestContext"]["condition"] == "RecordAgeExceeded"
    assert report.elapsed_s == 60


def test_throttles_without_an_age_leave_the_records_in_the_stream() -> None:
    """Nothing ends them but the expiry of the records."""
    event = Event(text=json.dumps({"Records": records(1)}), kind="kinesis")
    report = drive(begin_delivery(event, kinesis(maximum_retry_attempts=0)), throttled(1000))
    assert report.dispositions == {"1": "still_queued"}
    assert len(report.invocations) == UNLIMITED_RETRIES + 1


# Partial batch responses


@pytest.mark.parametrize("answer", [[], None, {}, {"batchItemFailures": []}, {"batchItemFailures": None}, ""])
def test_an_answer_that_reports_nothing_is_a_success(answer) -> None:
    """One invocation, all processed (recordings …_report_batch_item_success_scenarios)."""
    report = deliver(records(2), lambda *_: answer, kinesis(report_batch_item_failures=True))
    assert len(report.invocations) == 1
    assert set(report.dispositions.values()) == {"processed"}


@pytest.mark.parametrize("make", [(kinesis, kinesis_record), (dynamodb, dynamodb_record)])
@pytest.mark.parametrize(
    "item",
    [
        {"itemIdentifier": 123},
        {"itemIdentifier": "no such record"},
        {"itemIdentifier": ""},
        {"itemIdentifier": None},
        {"foo": 123},
        {"foo": None},
    ],
)
def test_an_answer_that_cannot_be_used_fails_the_whole_batch(make, item) -> None:
    """It is retried until exhausted, and the document has no functionError (recordings …_failure_scenarios)."""
    source, record = make
    settings = source(report_batch_item_failures=True, maximum_retry_attempts=2, on_failure=QUEUE)
    report = deliver([record(1), record(2)], lambda *_: {"batchItemFailures": [item]}, settings)
    assert batches(report) == [["1", "2"]] * 3
    assert report.dispositions == {"1": "sent_to_destination", "2": "sent_to_destination"}
    assert documents(report)[0]["responseContext"]["functionError"] is None
    assert report.problem


def test_the_retry_counter_starts_again_when_the_checkpoint_moves() -> None:
    """Record 6 of 6 is delivered five times: once among 4 to 6, four times alone (…_report_batch_item_failures)."""
    settings = kinesis(batch_size=3, maximum_retry_attempts=3, report_batch_item_failures=True, on_failure=QUEUE)
    report = deliver(records(6), report_failed("6"), settings)
    assert batches(report) == [["1", "2", "3"], ["4", "5", "6"], ["6"], ["6"], ["6"], ["6"]]
    (document,) = documents(report)
    assert document["requestContext"]["approximateInvokeCount"] == 4
    assert document["KinesisBatchInfo"]["batchSize"] == 1
    assert document["responseContext"]["functionError"] is None
    assert report.dispositions == dict.fromkeys("12345", "processed") | {"6": "sent_to_destination"}


def test_the_lowest_reported_sequence_number_is_the_checkpoint() -> None:
    """All from there on comes again, whatever else was reported and in whatever order."""
    settings = kinesis(report_batch_item_failures=True, maximum_retry_attempts=0)
    report = deliver(records(5), report_failed("4", "2"), settings)
    assert batches(report) == [["1", "2", "3", "4", "5"], ["2", "3", "4", "5"]]
    assert report.invocations[0].failed_records == ("2", "3", "4", "5")
    assert report.dispositions == {"1": "processed"} | dict.fromkeys("2345", "discarded")


def test_what_the_answer_reports_counts_only_if_the_mapping_says_so() -> None:
    """Without ReportBatchItemFailures any answer is a success."""
    report = deliver(records(2), report_failed("1"), kinesis())
    assert set(report.dispositions.values()) == {"processed"}


def test_a_problem_that_a_retry_mends_is_not_the_reports() -> None:
    """The report's problem is that of an answer that settled something."""
    answers = iter([{"batchItemFailures": [{}]}, None])
    report = deliver(records(1), lambda *_: next(answers), kinesis(report_batch_item_failures=True))
    assert report.problem == ""
    assert report.invocations[0].problem


def test_repeated_sequence_numbers_are_told_apart() -> None:
    """A hand-made event may repeat a sequence number; each record still has one disposition."""
    report = deliver([kinesis_record(1), kinesis_record(1), {"eventID": "x"}], done, kinesis())
    assert report.dispositions == dict.fromkeys(["1", "1#2", "record-3"], "processed")


# Age


def test_a_batch_is_retried_until_its_records_are_too_old() -> None:
    """Eight invocations in 60 s, then RecordAgeExceeded without a responseContext (…_expire-while-retrying)."""
    settings = kinesis(batch_size=1, maximum_record_age_s=60, on_failure=QUEUE)
    report = deliver(records(1), fail, settings)
    (document,) = documents(report)
    assert document["requestContext"]["condition"] == "RecordAgeExceeded"
    assert document["requestContext"]["approximateInvokeCount"] == len(report.invocations) == 8
    assert "responseContext" not in document
    assert report.elapsed_s == 60


def test_expired_records_are_cut_off_the_front_and_the_fresh_ones_delivered() -> None:
    """One reported, five delivered; it counts as one invocation though there was none (…_discard_records)."""
    event = [kinesis_record(1, arrived_s=ARRIVED_S - 61), *records(6)[1:]]
    report = deliver(event, done, kinesis(maximum_record_age_s=60, on_failure=QUEUE))
    assert batches(report) == [["2", "3", "4", "5", "6"]]
    (document,) = documents(report)
    assert document["KinesisBatchInfo"]["batchSize"] == 1
    assert document["requestContext"]["approximateInvokeCount"] == 1
    assert report.dispositions["1"] == "sent_to_destination"


def test_a_week_of_age_takes_few_invocations() -> None:
    """Where only age ends the retries the delays go on doubling, so that no handler runs ten thousand times."""
    report = deliver(records(1), fail, kinesis(maximum_record_age_s=604_800))
    assert len(report.invocations) < 25
    assert report.elapsed_s == 604_800
    assert report.dispositions == {"1": "discarded"}


@pytest.mark.parametrize("arrived", [None, "yesterday", True, -1, 1e300, 1767225600000])
def test_a_record_without_a_usable_arrival_is_as_young_as_the_youngest(arrived) -> None:
    """Hand-made records without a time, or with one in milliseconds, never expire before they are delivered."""
    event = [kinesis_record(1, arrived_s=arrived), kinesis_record(2)]
    report = deliver(event, fail, kinesis(maximum_record_age_s=60, on_failure=QUEUE, maximum_retry_attempts=0))
    assert batches(report) == [["1", "2"]]
    assert documents(report)[0]["KinesisBatchInfo"]["approximateArrivalOfFirstRecord"] == "2026-01-01T00:00:00.250Z"


# Filters


def test_rejected_records_are_stepped_over() -> None:
    """They are filtered, never delivered, and hold up nothing; data that is not JSON passes no JSON pattern."""
    event = records(4, data={"status": "new"})
    event[0] = kinesis_record(1, {"status": "old"})
    event[1]["kinesis"]["data"] = "bm90IEpTT04="
    settings = kinesis(filter_criteria=('{"data": {"status": ["new"]}}',), batch_size=1)
    report = deliver(event, done, settings)
    assert batches(report) == [["3"], ["4"]]
    assert report.dispositions == {"1": "filtered", "2": "filtered", "3": "processed", "4": "processed"}


@pytest.mark.parametrize(
    ("pattern", "passing"),
    [
        ({"dynamodb": {"NewImage": {"amount": {"N": [{"numeric": [">", 0]}]}}}}, []),
        ({"dynamodb": {"NewImage": {"amount": {"N": ["42"]}}}}, ["1"]),
        ({"dynamodb": {"NewImage": {"amount": ["42"]}}}, []),
        ({"dynamodb": {"NewImage": {"amount": [{"exists": False}]}}}, ["1", "2"]),
        ({"dynamodb": {"ApproximateCreationDateTime": [{"numeric": [">", 0]}]}}, ["1", "2"]),
        ({"eventName": ["INSERT"]}, ["1"]),
    ],
)
def test_the_traps_of_dynamodb_filters(pattern, passing) -> None:
    """Numbers are strings, the type key is needed, and a key that is no leaf does not exist (recordings …_filter_…)."""
    event = [dynamodb_record(1, {"amount": {"N": "42"}}), dynamodb_record(2, name="MODIFY")]
    report = deliver(event, done, dynamodb(filter_criteria=(json.dumps(pattern),)))
    assert [number for number, end in report.dispositions.items() if end == "processed"] == passing


def test_an_event_whose_records_are_all_rejected_invokes_nothing() -> None:
    """There is no batch without records."""
    report = deliver(records(2), fail, kinesis(filter_criteria=('{"data": {"a": [1]}}',)))
    assert report.invocations == ()
    assert set(report.dispositions.values()) == {"filtered"}


def test_a_filter_that_lambda_refuses_is_refused() -> None:
    """The data of a stream is read as JSON, so a pattern over its text is invalid."""
    with pytest.raises(InvalidEventPattern):
        deliver(records(1), done, kinesis(filter_criteria=('{"data": ["text"]}',)))


def test_an_event_without_records_is_none_of_a_stream() -> None:
    """A stream delivers nothing but records."""
    with pytest.raises(InvalidEvent):
        deliver("{}", done, kinesis())
    assert deliver([], done, kinesis()).invocations == ()
