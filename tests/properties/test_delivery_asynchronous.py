"""What holds for every asynchronous event and every synchronous call, whatever the function does."""

import json

from hypothesis import given
from hypothesis import strategies as st

from replay.delivery.attempt import Attempt, Reply
from replay.delivery.families import begin_delivery, drive
from replay.delivery.report import DeliveryReport
from replay.payloads.captures import Event
from replay.payloads.event_sources import EventSource
from replay.payloads.failures import Failure

QUEUE = "arn:aws:sqs:eu-central-1:123456789012:q"
FAILURES = ["raised", "timed_out", "out_of_memory", "exited", "unserialisable", "response_too_large"]
DESTINATIONS = st.none() | st.sampled_from(["sqs", "sns", "events"]).map(lambda name: QUEUE.replace("sqs", name))
SETTINGS = st.builds(
    EventSource,
    kind=st.sampled_from(["sns", "s3", "eventbridge", "schedule", "async"]),
    maximum_retry_attempts=st.none() | st.integers(0, 2),
    maximum_event_age_s=st.none() | st.sampled_from([60, 61, 90, 180, 181]) | st.integers(60, 21_600),
    reserved_concurrency=st.none() | st.integers(0, 2),
    dead_letter_queue=DESTINATIONS,
    on_failure=DESTINATIONS,
    on_success=DESTINATIONS,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def deliver_anyhow(data: st.DataObject, settings: EventSource, event: object) -> DeliveryReport:
    def invoke(attempt: Attempt) -> Reply:
        duration_s = data.draw(st.floats(0, 900))
        status = data.draw(st.sampled_from(["returned", "throttled", "throttled", *FAILURES]))
        if status == "returned":
            return Reply(status="returned", payload=json.dumps(data.draw(JSON)), duration_s=duration_s)
        return Reply(status=status, failure=Failure(error_type="E", message="m"), duration_s=duration_s)

    return drive(begin_delivery(Event(text=json.dumps(event)), settings), invoke)


@given(st.data(), SETTINGS, JSON)
def test_an_event_has_one_end_and_no_more_attempts_than_it_may(data, settings, event) -> None:
    """Errors use up at most the retries and one; throttles none; the end is the one that the settings name."""
    report = deliver_anyhow(data, settings, event)
    replies = [each.reply for each in report.invocations]
    retries = 2 if settings.maximum_retry_attempts is None else settings.maximum_retry_attempts
    assert sum(reply.status != "throttled" for reply in replies) <= retries + 1
    assert all(not reply.succeeded for reply in replies[:-1])
    end = report.dispositions["event"]
    assert list(report.dispositions) == ["event"]
    if replies and replies[-1].succeeded:
        assert end == "processed"
        assert len(report.failure_records) == (settings.on_success is not None)
    else:
        given_to = {True: "sent_to_destination", False: "dead_lettered" if settings.dead_letter_queue else "discarded"}
        assert end == given_to[settings.on_failure is not None]
        assert len(report.failure_records) == sum(map(bool, (settings.on_failure, settings.dead_letter_queue)))


@given(st.data(), SETTINGS, JSON)
def test_virtual_time_never_goes_back_and_no_attempt_is_too_late(data, settings, event) -> None:
    """Each attempt begins after the one before has ended, and before the event's greatest age."""
    report = deliver_anyhow(data, settings, event)
    age_s = 21_600 if settings.maximum_event_age_s is None else settings.maximum_event_age_s
    now = 0.0
    for number, each in enumerate(report.invocations, 1):
        assert each.attempt.number == number
        assert each.attempt.at_s >= now
        assert each.attempt.at_s < age_s
        now = each.attempt.at_s + each.reply.duration_s
    assert report.elapsed_s == now


@given(st.data(), SETTINGS, JSON)
def test_every_attempt_is_the_same_event_under_the_same_request(data, settings, event) -> None:
    """Payload and request id never change, and what is kept of the event names that request."""
    report = deliver_anyhow(data, settings, event)
    assert len({(each.attempt.payload, each.attempt.request_id) for each in report.invocations}) <= 1
    again = json.loads(json.dumps(report.failure_records))
    assert len(again) == len(report.failure_records)
    if report.invocations and report.failure_records:
        assert report.invocations[0].attempt.request_id in json.dumps(report.failure_records)


@given(
    st.sampled_from(["apigateway", "httpapi", "function_url", "alb"]),
    JSON | st.fixed_dictionaries({"statusCode": JSON | st.just(200)}, optional={"headers": JSON, "body": JSON}),
    st.sampled_from([None, "1.0", "2.0"]),
)
def test_every_answer_becomes_a_whole_response(kind, value, version) -> None:
    """Whatever a function returns, the client gets a status, text headers and a text body, and the event one end."""
    source = EventSource(kind=kind, payload_format_version=version)
    reply = Reply(status="returned", payload=json.dumps(value))
    report = drive(begin_delivery(Event(text="{}"), source), lambda attempt: reply)
    assert 100 <= report.response["statusCode"] <= 999
    assert isinstance(report.response["body"], str)
    assert all(isinstance(text, str) for text in report.response["headers"].values())
    assert any(name.lower() == "content-type" for name in report.response["headers"])
    assert report.dispositions == {"event": "discarded" if report.problem else "processed"}
    if report.problem:
        assert report.response["statusCode"] in {500, 502}
