"""One word for what became of a delivery."""

from itertools import chain, repeat

import pytest

from replay.delivery.attempt import Reply
from replay.delivery.families import begin_delivery, drive
from replay.outcomes.classify import classify
from replay.outcomes.outcome import Outcome
from replay.payloads.captures import Event
from replay.payloads.event_sources import EventSource
from replay.payloads.failures import Failure
from tests.delivery.sqs_events import as_text, reported, sqs_event

KEY_ERROR = Failure(error_type="KeyError", message="'customer_id'", observed="local")
DONE = Reply(status="returned", payload="null")


def raised(failure: Failure = KEY_ERROR, **rest) -> Reply:
    return Reply(status="raised", failure=failure, **rest)


def outcome_of(*replies: Reply, records: str = "a", **settings) -> Outcome:
    """Deliver these records to a function that answers with *replies*, one after the other, and then as it did last."""
    answers = chain(replies, repeat(replies[-1] if replies else DONE))
    event = Event(text=as_text(sqs_event(records)), kind="sqs")
    return classify(drive(begin_delivery(event, EventSource(kind="sqs", **settings)), lambda attempt: next(answers)))


def report_failed(*message_ids: str) -> Reply:
    return Reply(status="returned", payload=as_text(reported(message_ids)))


def test_success_has_no_failure() -> None:
    """A function that processed everything has succeeded."""
    outcome = outcome_of(DONE)
    assert (outcome.status, outcome.failure, outcome.signature) == ("succeeded", None, None)
    assert outcome.dispositions == ["processed"]


def test_an_error_is_failed_with_its_error() -> None:
    """The failure is that of the function, with its signature."""
    outcome = outcome_of(raised())
    assert outcome.status == "failed"
    assert outcome.failure is KEY_ERROR
    assert outcome.failed_with("KeyError", match="customer_id")
    assert outcome.signature is not None
    assert outcome.dispositions == ["still_queued"]


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        ("raised", "failed"),
        ("timed_out", "timed_out"),
        ("out_of_memory", "out_of_memory"),
        ("exited", "exited"),
        ("unserialisable", "unserialisable"),
        ("response_too_large", "failed"),
        ("throttled", "throttled"),
    ],
)
def test_each_way_to_fail_has_its_status(reply, status) -> None:
    """The status says how the function failed; an answer that is too large is a function error to AWS."""
    assert outcome_of(Reply(status=reply, failure=KEY_ERROR)).status == status


def test_a_failure_that_was_made_good_is_success() -> None:
    """A second attempt that succeeds is success; the log keeps both, the times add up."""
    outcome = outcome_of(
        raised(log="first\n", duration_s=1.0, memory_mb=70),
        Reply(status="returned", payload="null", log="second\n", duration_s=0.5, memory_mb=64),
        max_receive_count=2,
    )
    assert (outcome.status, outcome.failure) == ("succeeded", None)
    assert (outcome.log, outcome.duration_s, outcome.memory_mb) == ("first\nsecond\n", 1.5, 70)


def test_the_last_failure_wins() -> None:
    """Of several failures the last one that mattered stands for all."""
    last = Failure(error_type="ValueError", message="x", observed="local")
    assert outcome_of(raised(), raised(last), max_receive_count=2).failure is last


def test_some_done_and_some_not_is_partially_failed() -> None:
    """A batch of which a part is done has partially failed, with the failure of the part that is not."""
    outcome = outcome_of(raised(), DONE, raised(), records="ab", batch_size=1)
    assert outcome.status == "partially_failed"
    assert outcome.failure is KEY_ERROR
    assert outcome.dispositions == ["still_queued", "processed"]


def test_the_failure_is_that_of_a_record_that_was_never_done() -> None:
    """A later failure that was made good does not hide the one that was not."""
    passing = Failure(error_type="TimeoutError", message="try again", observed="local")
    outcome = outcome_of(raised(), raised(passing), raised(), DONE, records="ab", batch_size=1, max_receive_count=2)
    assert outcome.dispositions == ["dead_lettered", "processed"]
    assert outcome.failure is KEY_ERROR


def test_reported_records_are_a_failure_with_one_signature() -> None:
    """A handler that reports its records raises nothing: the failure says so, alike for every batch."""
    source = {"report_batch_item_failures": True, "max_receive_count": 1}
    one = outcome_of(report_failed("a"), **source)
    two = outcome_of(report_failed("a", "b"), records="ab", **source)
    part = outcome_of(report_failed("b"), records="ab", **source)
    assert (one.status, two.status, part.status) == ("failed", "failed", "partially_failed")
    assert one.failure.error_type == "BatchItemFailures"
    assert part.failure.message == "the function reported 1 of 2 records as failed"
    assert one.signature == two.signature == part.signature
    assert part.dispositions == ["processed", "dead_lettered"]


def test_an_answer_that_cannot_be_used_is_told() -> None:
    """The failure of a bad answer says what is wrong with it."""
    bad = Reply(status="returned", payload='{"batchItemFailures": [{"foo": 1}]}')
    outcome = outcome_of(bad, report_batch_item_failures=True)
    assert outcome.status == "failed"
    assert (outcome.failure.error_type, outcome.failure.message) == (
        "UnusableAnswer",
        "batchItemFailures[0] has no itemIdentifier",
    )


def test_a_filtered_event_was_not_invoked() -> None:
    """Without an invocation there is neither success nor failure."""
    outcome = outcome_of(filter_criteria=('{"body": {"x": [1]}}',))
    assert (outcome.status, outcome.failure, outcome.dispositions) == ("not_invoked", None, ["filtered"])


def test_filtered_records_do_not_spoil_a_success() -> None:
    """A batch of which a part was filtered and the rest processed has succeeded; failed is failed, not partially."""
    events = {"Records": [*sqs_event("a", body='{"x": 1}')["Records"], *sqs_event("b")["Records"]]}
    source = EventSource(kind="sqs", filter_criteria=('{"body": {"x": [1]}}',))
    statuses = [
        classify(drive(begin_delivery(Event(text=as_text(events)), source), lambda attempt, reply=reply: reply)).status
        for reply in (DONE, raised())
    ]
    assert statuses == ["succeeded", "failed"]


@pytest.mark.parametrize("kind", ["apigateway", "httpapi", "function_url", "alb"])
def test_a_synchronous_caller_that_cannot_use_the_answer_rejects_it(kind) -> None:
    """The function returned, and its caller could not make a response of it: the failure says why."""
    unusable = Reply(status="returned", payload='{"statusCode": "none"}')
    outcome = classify(drive(begin_delivery(Event(text="{}"), EventSource(kind=kind)), lambda attempt: unusable))
    assert outcome.status == "rejected"
    assert outcome.failed_with("UnusableAnswer", match="statusCode")
    assert outcome.dispositions == ["discarded"]
    assert outcome.signature is not None


def test_a_batch_that_failed_by_its_answer_is_not_rejected() -> None:
    """An event source that cannot use an answer takes the batch for failed, and delivers it again."""
    nonsense = Reply(status="returned", payload='{"batchItemFailures": 3}')
    assert outcome_of(nonsense, report_batch_item_failures=True).status == "failed"


def test_a_synchronous_caller_reports_a_function_that_failed() -> None:
    """An exception behind an API stays the function's own failure, whatever the client was told."""
    outcome = classify(drive(begin_delivery(Event(text="{}"), EventSource(kind="alb")), lambda attempt: raised()))
    assert (outcome.status, outcome.failure) == ("failed", KEY_ERROR)
