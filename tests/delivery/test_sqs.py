"""SQS event source mappings: batches, receives, dead-lettering, filters, FIFO groups."""

import json

import pytest

from replay.delivery.attempt import Attempt, Reply
from replay.delivery.deliver import deliver
from replay.delivery.families import begin_delivery, drive
from replay.delivery.report import DeliveryReport
from replay.errors import InvalidEventPattern
from replay.payloads.captures import Event
from replay.payloads.event_sources import EventSource
from tests.delivery.sqs_events import ARN, as_text, counts_of, ids_of, reported, sqs_event, sqs_record


def sqs(**settings) -> EventSource:
    return EventSource(kind="sqs", arn=ARN, **settings)


def fail(event, context):
    raise KeyError("customer_id")


def batches(report: DeliveryReport) -> list[list[str]]:
    return [ids_of(invocation.event) for invocation in report.invocations]


def test_a_batch_has_ten_records_by_default() -> None:
    """The default batch size is 10 (recording test_event_source_mapping_default_batch_size)."""
    report = deliver(sqs_event([f"m{index}" for index in range(25)]), lambda *_: None, sqs())
    assert [len(batch) for batch in batches(report)] == [10, 10, 5]


def test_a_batch_has_as_many_records_as_the_mapping_says() -> None:
    """15 messages with a batch size of 15 are one invocation (recording test_sqs_event_source_mapping_batch_size[15])."""
    report = deliver(
        sqs_event([f"m{index}" for index in range(15)]),
        lambda *_: None,
        sqs(batch_size=15, maximum_batching_window_s=10),
    )
    assert [len(batch) for batch in batches(report)] == [15]
    assert report.invocations[0].attempt.at_s == 0


def test_a_batch_that_is_not_full_waits_for_the_window() -> None:
    """Lambda gathers records until the batch is full or its window has passed."""
    report = deliver(sqs_event(["a", "b", "c"]), lambda *_: None, sqs(batch_size=2, maximum_batching_window_s=10))
    assert [invocation.attempt.at_s for invocation in report.invocations] == [0, 10]


def test_a_batch_has_at_most_6_mb() -> None:
    """A batch closes before its payload exceeds 6 MB, measured in UTF-8 bytes."""
    body = "ü" * 900_000
    report = deliver(sqs_event(["a", "b", "c", "d"], body=body), lambda *_: None, sqs())
    assert batches(report) == [["a", "b", "c"], ["d"]]
    assert all(len(each.attempt.payload.encode()) <= 6 * 1024 * 1024 for each in report.invocations)


def test_the_first_delivery_is_the_event_byte_for_byte() -> None:
    """Nothing about the event is rewritten as long as nothing about it differs."""
    text = '{ "Records":\n [' + as_text(sqs_record("a", '{"x": 1.10, "x": 2}')).replace(":", " :  ") + "]\n}"
    report = deliver(text, lambda *_: None, sqs())
    assert report.invocations[0].attempt.payload == text


def test_a_redelivery_differs_in_its_receive_count_only() -> None:
    """A failed message comes back with its count one higher, and every other character as it was."""
    text = as_text({"Records": [sqs_record("a", '{"x": "\\u00fc"}')]}).replace('"body":', '"body" :\t')
    report = deliver(text, fail, sqs(max_receive_count=3))
    expected = [text.replace('"ApproximateReceiveCount":"1"', f'"ApproximateReceiveCount":"{n}"') for n in (1, 2, 3)]
    assert [invocation.attempt.payload for invocation in report.invocations] == expected


def test_a_count_that_is_no_string_stays_a_number() -> None:
    """A hand-made event with a number for a count is delivered again with a number."""
    report = deliver(
        {"Records": [{"messageId": "a", "attributes": {"ApproximateReceiveCount": 1}}]}, fail, sqs(max_receive_count=2)
    )
    assert counts_of(report.invocations[1].event) == [2]


@pytest.mark.parametrize(
    "record", [{"messageId": "a"}, {"messageId": "a", "attributes": {}}, {"messageId": "a", "attributes": 5}]
)
def test_a_record_without_a_count_is_delivered_as_it_is(record) -> None:
    """A hand-made record has nothing to count in; it is still dead-lettered after its deliveries."""
    report = deliver({"Records": [record]}, fail, sqs(max_receive_count=2))
    assert [invocation.event for invocation in report.invocations] == [{"Records": [record]}] * 2
    assert report.dispositions == {"a": "dead_lettered"}


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_a_message_is_delivered_max_receive_count_times_and_then_dead_lettered(limit: int) -> None:
    """maxReceiveCount N is exactly N deliveries (recording test_redrive_policy_with_failing_lambda)."""
    report = deliver(sqs_event(["a"]), fail, sqs(max_receive_count=limit))
    assert [counts_of(invocation.event) for invocation in report.invocations] == [[str(n + 1)] for n in range(limit)]
    assert report.dispositions == {"a": "dead_lettered"}


def test_deliveries_go_on_from_the_recorded_receive() -> None:
    """A message recorded at its second receive of three has two left."""
    report = deliver(sqs_event(["a"], receive_count=2), fail, sqs(max_receive_count=3))
    assert [counts_of(invocation.event) for invocation in report.invocations] == [["2"], ["3"]]
    assert report.dispositions == {"a": "dead_lettered"}


def test_a_message_from_a_dead_letter_queue_has_all_its_deliveries_again() -> None:
    """A count beyond the limit says that the message was dead-lettered before: it starts anew, its text as recorded."""
    report = deliver(sqs_event(["a"], receive_count=4), fail, sqs(max_receive_count=3))
    assert len(report.invocations) == 3
    assert counts_of(report.invocations[0].event) == ["4"]
    assert report.dispositions == {"a": "dead_lettered"}


def test_without_a_redrive_policy_a_failing_message_stays_in_the_queue() -> None:
    """It is delivered a few times where SQS goes on for days, its count growing, and nothing is dead-lettered."""
    report = deliver(sqs_event(["a"]), fail, sqs(visibility_timeout_s=10))
    assert [counts_of(invocation.event) for invocation in report.invocations] == [["1"], ["2"], ["3"]]
    assert [invocation.attempt.at_s for invocation in report.invocations] == [0, 10, 20]
    assert report.dispositions == {"a": "still_queued"}
    assert report.failure_records == ()
    assert "after 3 deliveries" in report.notes[0]


def test_without_a_redrive_policy_a_failure_that_passes_is_made_good() -> None:
    """A message that succeeds when it comes back is done, as it would be in production, and there is nothing to note."""

    def handler(event, context):
        if counts_of(event) != ["3"]:
            raise ValueError("not yet")

    report = deliver(sqs_event(["a"]), handler, sqs())
    assert len(report.invocations) == 3
    assert report.dispositions == {"a": "processed"}
    assert report.notes == ()


def test_a_failed_batch_comes_back_after_the_visibility_timeout() -> None:
    """Redelivery waits for the visibility timeout (recording test_failing_lambda_retries_after_visibility_timeout)."""

    def handler(event, context):
        if counts_of(event) == ["1"]:
            raise ValueError("first")

    report = deliver(sqs_event(["a"]), handler, sqs(batch_size=1, visibility_timeout_s=5, max_receive_count=3))
    assert [counts_of(invocation.event) for invocation in report.invocations] == [["1"], ["2"]]
    assert [invocation.attempt.at_s for invocation in report.invocations] == [0, 5]
    assert report.dispositions == {"a": "processed"}
    assert report.elapsed_s == 5


def test_the_default_visibility_timeout_is_30_s_and_passes_before_dead_lettering() -> None:
    """SQS moves a message only when it would be received once too often, after its last timeout."""
    report = deliver(sqs_event(["a"]), fail, sqs(max_receive_count=2))
    assert [invocation.attempt.at_s for invocation in report.invocations] == [0, 30]
    assert report.elapsed_s == 60


def test_an_error_fails_the_whole_batch() -> None:
    """One poison message takes its whole batch along, and no other batch."""

    def handler(event, context):
        if "m3" in ids_of(event):
            raise KeyError("customer_id")

    report = deliver(sqs_event([f"m{n}" for n in range(8)]), handler, sqs(batch_size=4, max_receive_count=2))
    assert batches(report) == [["m0", "m1", "m2", "m3"], ["m4", "m5", "m6", "m7"], ["m0", "m1", "m2", "m3"]]
    assert [name for name, end in report.dispositions.items() if end == "dead_lettered"] == ["m0", "m1", "m2", "m3"]
    assert list(report.dispositions) == [f"m{n}" for n in range(8)]


@pytest.mark.parametrize(
    "status", ["raised", "timed_out", "out_of_memory", "exited", "unserialisable", "response_too_large", "throttled"]
)
def test_every_way_to_fail_fails_the_whole_batch(status) -> None:
    """A timeout, an exit, a throttle: the whole batch comes back, also with ReportBatchItemFailures."""
    source = sqs(max_receive_count=2, report_batch_item_failures=True)
    delivery = begin_delivery(Event(text=as_text(sqs_event(["a", "b"])), kind="sqs"), source)
    report = drive(delivery, lambda attempt: Reply(status=status, duration_s=1.5))
    assert [invocation.failed_records for invocation in report.invocations] == [("a", "b"), ("a", "b")]
    assert set(report.dispositions.values()) == {"dead_lettered"}


def test_how_long_the_function_takes_moves_the_end_only() -> None:
    """Durations count for the elapsed time, and never change when or with whom a message is delivered."""
    source = sqs(max_receive_count=2, batch_size=1)

    def run(duration_s: float) -> DeliveryReport:
        delivery = begin_delivery(Event(text=as_text(sqs_event(["a", "b"])), kind="sqs"), source)
        return drive(delivery, lambda attempt: Reply(status="returned", payload="null", duration_s=duration_s))

    slow, quick = run(7.5), run(0.0)
    assert [each.attempt for each in slow.invocations] == [each.attempt for each in quick.invocations]
    assert (slow.elapsed_s, quick.elapsed_s) == (7.5, 0.0)


def test_reported_records_come_back_and_the_others_are_deleted() -> None:
    """Each record reported by its handler until it is done or dead (recording test_report_batch_item_failures)."""
    fails = {"m1": 0, "m2": 1, "m3": 1, "m4": 2}

    def handler(event, context):
        counted = zip(ids_of(event), counts_of(event), strict=True)
        return reported(name for name, count in counted if fails[name] >= int(count))

    fifo = sqs_event(fails, MessageGroupId="1", MessageDeduplicationId="dedup")
    for event in (sqs_event(fails), fifo):
        source = sqs(report_batch_item_failures=True, max_receive_count=2, fifo=event is fifo)
        report = deliver(event, handler, source)
        assert batches(report) == [["m1", "m2", "m3", "m4"], ["m2", "m3", "m4"]]
        assert report.invocations[0].failed_records == ("m2", "m3", "m4")
        assert list(report.dispositions.values()) == ["processed", "processed", "processed", "dead_lettered"]


def test_an_answer_that_cannot_be_used_is_told() -> None:
    """The report says why the whole batch failed although the function returned."""
    source = sqs(report_batch_item_failures=True, max_receive_count=2)
    report = deliver(sqs_event(["a"]), lambda *_: {"batchItemFailures": [{"foo": "notvalid"}]}, source)
    assert len(report.invocations) == 2
    assert report.dispositions == {"a": "dead_lettered"}
    assert report.problem == report.invocations[0].problem == "batchItemFailures[0] has no itemIdentifier"


def test_a_bad_answer_that_was_made_good_is_no_problem_of_the_report() -> None:
    """Only an answer that settled something is the report's problem; each invocation keeps its own."""
    answers = iter([{"batchItemFailures": [{"foo": 1}]}, {}])
    source = sqs(report_batch_item_failures=True, max_receive_count=2)
    report = deliver(sqs_event(["a"]), lambda *_: next(answers), source)
    assert report.problem == ""
    assert [bool(invocation.problem) for invocation in report.invocations] == [True, False]


def test_a_dead_letter_is_what_sqs_holds() -> None:
    """Same id, body and attributes; the count goes on; the source queue is named (recording
    test_dead_letter_queue_message_attributes)."""
    record = sqs_record("a", "message-1", AWSTraceHeader="Root=1-5759e988-bd862e3fe1be46a994272793") | {
        "messageAttributes": {
            "MyAttribute": {
                "stringValue": "foobar",
                "stringListValues": [],
                "binaryListValues": [],
                "dataType": "String",
            },
            "Raw": {"binaryValue": "AAE=", "stringListValues": [], "binaryListValues": [], "dataType": "Binary.png"},
        },
        "md5OfMessageAttributes": "adb59cd4678ea5a855436b949cd07ab6",
    }
    (held,) = deliver([record], fail, sqs(max_receive_count=1)).failure_records
    assert held == {
        "MessageId": "a",
        "MD5OfBody": record["md5OfBody"],
        "Body": "message-1",
        "Attributes": {
            **record["attributes"],
            "ApproximateReceiveCount": "2",
            "DeadLetterQueueSourceArn": ARN,
        },
        "MD5OfMessageAttributes": "adb59cd4678ea5a855436b949cd07ab6",
        "MessageAttributes": {
            "MyAttribute": {"StringValue": "foobar", "DataType": "String"},
            "Raw": {"BinaryValue": "AAE=", "DataType": "Binary.png"},
        },
    }


def test_a_dead_letter_of_a_plain_message_has_no_attributes_of_its_own() -> None:
    """A message without message attributes has neither the key nor its digest; the ARN may come from the record."""
    (held,) = deliver(sqs_event(["a"]), fail, EventSource(kind="sqs", max_receive_count=1)).failure_records
    assert "MessageAttributes" not in held
    assert "MD5OfMessageAttributes" not in held
    assert held["Attributes"]["DeadLetterQueueSourceArn"] == ARN


def test_what_a_filter_rejects_is_deleted_unseen() -> None:
    """Rejected messages never reach the function and are gone (recording test_sqs_event_filter[single])."""
    source = sqs(filter_criteria=('{"body": {"my-key": ["my-value"]}}',))
    records = [
        sqs_record("wanted", '{"my-key": "my-value"}'),
        sqs_record("other", '{"my-key": "other-value"}'),
        sqs_record("text", "my-value"),
    ]
    report = deliver(records, lambda *_: None, source)
    assert batches(report) == [["wanted"]]
    assert report.dispositions == {"wanted": "processed", "other": "filtered", "text": "filtered"}


def test_when_all_is_filtered_the_function_is_not_invoked() -> None:
    """A batch of rejected messages is no invocation at all."""
    report = deliver(sqs_event(["a"]), fail, sqs(filter_criteria=('{"body": {"x": [1]}}',)))
    assert report.invocations == ()
    assert report.dispositions == {"a": "filtered"}


def test_a_filter_that_lambda_refuses_is_refused() -> None:
    """A bad pattern is said in AWS's words before anything is delivered."""
    with pytest.raises(InvalidEventPattern, match=r"Invalid filter pattern definition\."):
        deliver(sqs_event(["a"]), fail, sqs(filter_criteria=('{"body": "x"}',)))


def test_records_that_share_a_message_id_keep_their_own_disposition() -> None:
    """Hand-made events repeat ids or have none: each record still ends in exactly one disposition, in record order."""
    records = [sqs_record("a"), sqs_record("a"), {"body": "x"}, sqs_record("record-3"), sqs_record("a#2")]
    report = deliver(records, lambda *_: None, sqs())
    assert list(report.dispositions) == ["a", "a#2", "record-3", "record-3#2", "a#2#2"]


def test_a_reported_id_that_two_records_share_fails_both() -> None:
    """An item identifier names every record in the batch that has it."""
    source = sqs(report_batch_item_failures=True, max_receive_count=1)
    report = deliver([sqs_record("a"), sqs_record("a"), sqs_record("b")], lambda *_: reported(["a"]), source)
    assert list(report.dispositions.values()) == ["dead_lettered", "dead_lettered", "processed"]


def test_an_event_without_records_ends_at_once() -> None:
    """An empty list has nothing to deliver and no disposition."""
    report = deliver({"Records": []}, fail, sqs())
    assert (report.invocations, report.dispositions, report.elapsed_s) == ((), {}, 0.0)


def test_a_fifo_group_waits_for_its_failing_message() -> None:
    """While a message of a group is not done, those after it wait; other groups go on."""
    groups = {"a1": "a", "b1": "b", "a2": "a", "b2": "b"}
    records = [sqs_record(name, MessageGroupId=group) for name, group in groups.items()]

    def handler(event, context):
        if "a1" in ids_of(event):
            raise KeyError("customer_id")

    report = deliver(records, handler, sqs(fifo=True, batch_size=1, max_receive_count=2))
    assert batches(report) == [["a1"], ["b1"], ["b2"], ["a1"], ["a2"]]
    assert [each.attempt.at_s for each in report.invocations] == [0, 0, 0, 30, 60]
    assert report.dispositions == {"a1": "dead_lettered", "b1": "processed", "a2": "processed", "b2": "processed"}
    (held,) = report.failure_records
    assert held["Attributes"]["MessageDeduplicationId"] == "a1"


def test_a_fifo_group_without_a_redrive_policy_is_stuck() -> None:
    """Nothing behind a message that fails for ever is delivered."""
    records = [sqs_record(name, MessageGroupId=name[0]) for name in ("a1", "a2", "b1")]
    for record in records:
        record["eventSourceARN"] = f"{ARN}.fifo"

    def handler(event, context):
        if "a1" in ids_of(event):
            raise KeyError("customer_id")

    report = deliver(records, handler, EventSource(kind="sqs", batch_size=1))
    assert batches(report) == [["a1"], ["b1"], ["a1"], ["a1"]]
    assert report.dispositions == {"a1": "still_queued", "a2": "still_queued", "b1": "processed"}


def test_a_fifo_batch_has_at_most_ten_records() -> None:
    """The largest batch of a FIFO queue is 10 (recording test_event_source_mapping_default_batch_size)."""
    event = sqs_event([f"m{n}" for n in range(12)], MessageGroupId="g")
    for record in event["Records"]:
        record["eventSourceARN"] += ".fifo"  # only the records tell: settings that did would be refused
    source = EventSource(kind="sqs", batch_size=100, maximum_batching_window_s=1)
    assert [len(batch) for batch in batches(deliver(event, lambda *_: None, source))] == [10, 2]


def test_attempts_carry_what_a_target_needs() -> None:
    """Attempts are numbered from 1 over the whole delivery, and name their records."""
    seen: list[Attempt] = []

    def invoke(attempt: Attempt) -> Reply:
        seen.append(attempt)
        return Reply(status="raised")

    source = sqs(batch_size=1, max_receive_count=2)
    drive(begin_delivery(Event(text=json.dumps(sqs_event(["a", "b"]))), source), invoke)
    assert [(each.number, each.record_ids, each.at_s) for each in seen] == [
        (1, ("a",), 0),
        (2, ("b",), 0),
        (3, ("a",), 30),
        (4, ("b",), 30),
    ]


def test_time_does_not_go_back_where_the_window_is_longer_than_the_visibility_timeout() -> None:
    """A full batch that comes back while another still gathers is delivered after it, not before."""
    source = sqs(batch_size=2, maximum_batching_window_s=90, visibility_timeout_s=30, max_receive_count=2)
    report = deliver(sqs_event(["a", "b", "c"]), fail, source)
    assert batches(report) == [["a", "b"], ["c"], ["a", "b"], ["c"]]
    assert [invocation.attempt.at_s for invocation in report.invocations] == [0, 90, 90, 180]


def test_a_later_error_does_not_hide_an_answer_that_could_not_be_used() -> None:
    """The report's problem stays when another batch fails in another way."""

    def handler(event, context):
        if ids_of(event) == ["b"]:
            raise KeyError("customer_id")
        return "done"

    source = sqs(batch_size=1, report_batch_item_failures=True, max_receive_count=1)
    report = deliver(sqs_event(["a", "b"]), handler, source)
    assert report.problem == "the answer is a string, not an object with batchItemFailures"
