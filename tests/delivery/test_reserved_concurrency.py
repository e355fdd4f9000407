"""A function that may never run: reserved concurrency 0, for every kind of event source."""

import json

import pytest

from replay.delivery.attempt import Attempt, Reply
from replay.delivery.families import begin_delivery, drive
from replay.delivery.report import DeliveryReport
from replay.payloads.captures import Event
from replay.payloads.event_sources import EventSource
from tests.delivery.sqs_events import as_text, sqs_event
from tests.delivery.stream_events import records

RECORDS = {
    "sqs": as_text(sqs_event("ab")),
    "kinesis": as_text({"Records": records(2)}),
    "kafka": json.dumps({"records": {"topic-0": [{"offset": 1}, {"offset": 2}]}}),
    "mq": json.dumps({"messages": [{"messageID": "a"}, {"messageID": "b"}]}),
}


def run(kind: str, text: str, **settings: object) -> DeliveryReport:
    def invoke(attempt: Attempt) -> Reply:
        raise AssertionError("the function was invoked")

    source = EventSource(kind=kind, reserved_concurrency=0, **settings)
    return drive(begin_delivery(Event(text=text), source), invoke)


@pytest.mark.parametrize("kind", RECORDS)
def test_what_polls_is_throttled_until_it_is_left_or_given_up(kind) -> None:
    """The records stay where they are, no invocation is reported, and a note says why."""
    report = run(kind, RECORDS[kind])
    assert report.invocations == ()
    assert list(report.dispositions.values()) == ["still_queued", "still_queued"]
    assert any("reserved concurrency is 0" in note for note in report.notes)


def test_throttles_use_up_the_receives_of_a_message() -> None:
    """A message that is never handed over still comes back, and ends in the dead-letter queue with its count grown."""
    report = run("sqs", RECORDS["sqs"], max_receive_count=3, visibility_timeout_s=10)
    assert list(report.dispositions.values()) == ["dead_lettered", "dead_lettered"]
    assert [each["Attributes"]["ApproximateReceiveCount"] for each in report.failure_records] == ["4", "4"]
    assert report.elapsed_s == 30


def test_throttles_use_up_no_retries_of_a_stream() -> None:
    """Only its age ends what is never handed over."""
    report = run("kinesis", RECORDS["kinesis"], maximum_retry_attempts=0)
    assert set(report.dispositions.values()) == {"still_queued"}
    report = run("kinesis", RECORDS["kinesis"], maximum_retry_attempts=0, maximum_record_age_s=60)
    assert set(report.dispositions.values()) == {"discarded"}


@pytest.mark.parametrize(
    ("kind", "status"), [("apigateway", 500), ("httpapi", 500), ("function_url", 429), ("alb", 502)]
)
def test_a_client_gets_what_it_gets_of_a_throttle(kind, status) -> None:
    """Callers that wait have an answer of their own."""
    report = run(kind, "{}")
    assert report.invocations == ()
    assert report.response["statusCode"] == status
    assert report.dispositions == {"event": "discarded"}


def test_a_direct_invocation_is_refused() -> None:
    """Nothing is kept of a synchronous invocation."""
    report = run("direct", "{}")
    assert (report.invocations, report.response, report.dispositions) == ((), None, {"event": "discarded"})
