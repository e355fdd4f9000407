"""Asynchronous invocations: how often and when Lambda tries, when it gives up, and what becomes of the event."""

import json
from collections.abc import Iterable
from itertools import pairwise

import pytest

from replay.delivery.attempt import Attempt, Reply
from replay.delivery.deliver import deliver
from replay.delivery.families import begin_delivery, drive
from replay.delivery.report import DeliveryReport
from replay.errors import ConfigurationError
from replay.payloads.captures import Event
from replay.payloads.event_sources import EventSource
from replay.payloads.failures import Failure

QUEUE = "arn:aws:sqs:eu-central-1:123456789012:failed"
BUCKET = "arn:aws:s3:::failed"
FAILED = Reply(status="raised", failure=Failure(error_type="ValueError", message="no"))
THROTTLED = Reply(status="throttled")
DONE = Reply(status="returned", payload="null")


def replies(given: Iterable[Reply], *, then: Reply = FAILED):
    """A target that gives one reply after the other, and *then* for ever."""
    left = list(given)
    return lambda attempt: left.pop(0) if left else then


def run(*given: Reply, then: Reply = FAILED, **settings) -> DeliveryReport:
    source = EventSource(**{"kind": "async", **settings})
    return drive(begin_delivery(Event(text='{"n": 1}'), source), replies(given, then=then))


def starts_of(report: DeliveryReport) -> list[float]:
    return [each.attempt.at_s for each in report.invocations]


def raise_error(event, context):
    raise ValueError("no")


@pytest.mark.parametrize("kind", ["sns", "s3", "eventbridge", "schedule", "async"])
def test_a_failing_event_is_tried_three_times_and_then_gone(kind) -> None:
    """By default there are attempts at 0, 60 and 180 s, and what has no destination is discarded."""
    report = deliver({"n": 1}, raise_error, EventSource(kind=kind))
    assert starts_of(report) == [0, 60, 180]
    assert report.elapsed_s == 180
    assert report.dispositions == {"event": "discarded"}
    assert report.failure_records == ()
    assert report.notes == ()


def test_every_attempt_has_the_same_request_id() -> None:
    """A retry belongs to the request that it retries."""
    seen = []

    def handler(event, context):
        seen.append(context.aws_request_id)
        raise ValueError

    deliver({}, handler, EventSource(kind="async"))
    assert len(seen) == 3
    assert len(set(seen)) == 1


@pytest.mark.parametrize(("retries", "starts"), [(0, [0]), (1, [0, 60]), (2, [0, 60, 180])])
def test_maximum_retry_attempts_limits_the_attempts(retries, starts) -> None:
    """MaximumRetryAttempts counts the attempts after the first."""
    assert starts_of(run(maximum_retry_attempts=retries)) == starts


def test_a_delay_begins_when_the_attempt_has_ended() -> None:
    """An attempt that takes five seconds moves the next ones by as much."""
    slow = Reply(status="timed_out", duration_s=5.0)
    report = run(slow, slow, slow)
    assert starts_of(report) == [0, 65, 190]
    assert report.elapsed_s == 195


def test_an_event_that_succeeds_at_last_is_processed() -> None:
    """A failure that a retry makes good leaves nothing behind, and each attempt is reported."""
    report = run(FAILED, DONE, on_failure=QUEUE)
    assert report.dispositions == {"event": "processed"}
    assert [each.failed_records for each in report.invocations] == [("event",), ()]
    assert report.failure_records == ()
    assert report.elapsed_s == 60


@pytest.mark.parametrize("status", ["raised", "timed_out", "out_of_memory", "exited", "unserialisable"])
def test_every_way_to_fail_uses_up_an_attempt(status) -> None:
    """Errors, timeouts and exits alike count against the retries."""
    assert len(run(then=Reply(status=status)).invocations) == 3


@pytest.mark.parametrize(
    ("age", "starts"), [(60, [0]), (61, [0, 60]), (90, [0, 60]), (180, [0, 60]), (181, [0, 60, 180])]
)
def test_the_event_age_looks_ahead(age, starts) -> None:
    """An event whose next attempt would come at its greatest age or later is given up at once, not at that age."""
    report = run(maximum_event_age_s=age, on_failure=QUEUE)
    (record,) = report.failure_records
    assert starts_of(report) == starts
    assert report.elapsed_s == starts[-1]
    assert record["requestContext"]["approximateInvokeCount"] == len(starts)
    expected = "RetriesExhausted" if len(starts) == 3 else "EventAgeExceeded"
    assert record["requestContext"]["condition"] == expected


def test_throttles_use_up_no_attempt() -> None:
    """A throttled event comes back after 1, 2, 4 … seconds, and has all its attempts before it."""
    report = run(THROTTLED, THROTTLED, THROTTLED, on_failure=QUEUE)
    (record,) = report.failure_records
    assert starts_of(report) == [0, 1, 3, 7, 67, 187]
    assert record["requestContext"]["approximateInvokeCount"] == 3


def test_a_function_that_is_always_throttled_loses_the_event_after_six_hours() -> None:
    """The back-off ends at five minutes, the event at its age; the record tells of no answer, and the report says so."""
    report = run(then=THROTTLED, on_failure=QUEUE)
    starts = starts_of(report)
    (record,) = report.failure_records
    assert max(later - earlier for earlier, later in pairwise(starts)) == 300
    assert 21_000 < starts[-1] < 21_600
    assert record["requestContext"]["condition"] == "EventAgeExceeded"
    assert record["requestContext"]["approximateInvokeCount"] == 0
    assert "responsePayload" not in record
    assert report.notes


def test_reserved_concurrency_zero_never_invokes_the_function() -> None:
    """The event goes straight to the destination, and there is no response to tell of."""
    report = run(reserved_concurrency=0, on_failure=QUEUE)
    (record,) = report.failure_records
    assert report.invocations == ()
    assert report.dispositions == {"event": "sent_to_destination"}
    assert record["requestContext"]["condition"] == "ZeroReservedConcurrency"
    assert record["requestContext"]["approximateInvokeCount"] == 0
    assert list(record) == ["version", "timestamp", "requestContext", "requestPayload"]


def test_a_dead_letter_queue_gets_the_event() -> None:
    """With a dead-letter queue alone the event is dead-lettered."""
    report = run(dead_letter_queue=QUEUE)
    assert report.dispositions == {"event": "dead_lettered"}
    assert [held["Body"] for held in report.failure_records] == ['{"n": 1}']


def test_with_both_the_event_goes_to_both_and_a_note_says_it_is_not_proved() -> None:
    """Nobody has recorded what AWS does with a dead-letter queue and a destination: both get it, and we say so."""
    report = run(dead_letter_queue=QUEUE, on_failure=QUEUE)
    assert report.dispositions == {"event": "sent_to_destination"}
    assert len(report.failure_records) == 2
    assert "not proved" in report.notes[0]


def test_a_success_goes_to_its_destination() -> None:
    """The on-success destination gets a record of what the function answered."""
    report = run(Reply(status="returned", payload='{"ok": true}'), on_success=QUEUE, on_failure=QUEUE)
    (record,) = report.failure_records
    assert report.dispositions == {"event": "processed"}
    assert record["requestContext"]["condition"] == "Success"
    assert record["responsePayload"] == {"ok": True}


def test_a_bucket_cannot_be_an_on_success_destination() -> None:
    """What Lambda refuses to be configured is refused before the first attempt."""
    called: list[Attempt] = []
    delivery = begin_delivery(Event(text="{}"), EventSource(kind="s3", on_success=BUCKET))
    with pytest.raises(ConfigurationError, match="on-success"):
        drive(delivery, lambda attempt: called.append(attempt) or DONE)
    assert called == []


def test_an_event_with_several_sns_records_stays_one_delivery() -> None:
    """The event reaches the function byte for byte, and has the one disposition of an asynchronous event."""
    text = json.dumps({"Records": [{"EventSource": "aws:sns", "Sns": {"Message": n}} for n in "ab"]}, indent=1)
    report = drive(
        begin_delivery(Event(text=text), EventSource(kind="sns", maximum_retry_attempts=1)), lambda _: FAILED
    )
    assert [each.attempt.payload for each in report.invocations] == [text, text]
    assert [each.attempt.number for each in report.invocations] == [1, 2]
    assert report.dispositions == {"event": "discarded"}
