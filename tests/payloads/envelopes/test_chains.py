"""Envelopes inside envelopes: to any depth, in any order, whatever the text is, and nothing is lost."""

import base64
import json
import zlib

from hypothesis import example, given
from hypothesis import strategies as st

from replay.payloads.captures import Capture, MessageAttribute
from replay.payloads.envelopes.base import Unwrapped
from replay.payloads.envelopes.registry import unwrap
from tests.payloads.envelopes.aws_shapes import (
    SOURCE_QUEUE,
    destination_record,
    notification,
    on_a_bus,
    received,
    saved,
    stream_record,
    text_of,
)

BUCKET_EVENT = text_of({"Records": [{"eventSource": "aws:s3", "s3": {"bucket": {"arn": "arn:aws:s3:::in"}}}]})


def test_a_bucket_inside_a_topic_inside_a_queue() -> None:
    """The consumer gets the message, and all three envelopes are told."""
    body = notification(BUCKET_EVENT)
    envelope, unwrapped = unwrap(received(body))
    assert envelope.name == "sqs-message"
    assert json.loads(unwrapped.event.text)["Records"][0]["body"] == body
    assert unwrapped.envelopes == ("sqs-message", "sns-notification", "s3-notification")
    assert unwrapped.details["envelopes"] == list(unwrapped.envelopes)


def test_one_queue_may_hold_many_shapes() -> None:
    """Each message is told by itself."""
    bodies = ["poison", destination_record("{}"), notification("x"), on_a_bus(destination_record("1")), stream_record()]
    names = [unwrap(received(body))[0].name for body in bodies]
    assert names == ["sqs-message", "lambda-destination", "sqs-message", "lambda-destination", "stream-failure"]


def test_a_redriven_record_of_a_failure_is_a_message() -> None:
    """A redrive policy moved it because a consumer failed with it: that consumer got the record as its message."""
    envelope, unwrapped = unwrap(received(destination_record("{}"), DeadLetterQueueSourceArn=SOURCE_QUEUE))
    assert envelope.name == "sqs-message"
    assert unwrapped.event_source.arn == SOURCE_QUEUE
    assert unwrapped.envelopes == ("sqs-message", "lambda-destination")
    assert unwrapped.failure is None


def test_the_event_of_a_function_that_handles_failures_stays_its_event() -> None:
    """A record inside a function's event is what that function was given; it failed, not the one that the record names."""
    event = text_of({"Records": [{"eventSource": "aws:sqs", "body": destination_record("{}")}]})
    envelope, unwrapped = unwrap(saved(event))
    assert (envelope.name, unwrapped.event.text) == ("sqs-event", event)


def test_a_record_inside_of_a_record_is_the_outer_ones_event() -> None:
    """A function that handles failures failed itself: its event is the inner record."""
    inner = destination_record("{}")
    _, unwrapped = unwrap(received(destination_record(inner)))
    assert unwrapped.event.text == inner


def test_a_payload_of_a_hundred_thousand_levels_comes_out_exactly() -> None:
    """Depth that no parser takes is a poison like any other."""
    for deep in ("[" * 100_000 + "]" * 100_000, '{"a":' * 100_000 + "1" + "}" * 100_000):
        _, unwrapped = unwrap(received(destination_record(deep)))
        assert unwrapped.event.text == deep
        assert unwrapped.failure is not None
        assert unwrapped.failure.error_type == "KeyError"
        assert unwrap(saved(deep))[1].event.text == deep


def test_a_hundred_envelopes_are_no_recursion() -> None:
    """Members that are not text nest as deep as one likes."""
    record = '{"n": 1}'
    for _ in range(150):
        record = destination_record(record)
    _, unwrapped = unwrap(received(record))
    assert len(unwrapped.envelopes) == 100
    assert unwrapped.event.text.count("requestPayload") == 149
    assert unwrapped.details["envelopes_left_closed"] is True


def test_large_envelopes_are_opened_no_deeper_than_aws_nests_them() -> None:
    """What is large is not read a hundred times: the event is exact, what lies far inside stays closed, and it is told."""
    for payload, opened in (("{}", 13), (text_of("x" * 1_200_000), 10)):
        record = payload
        for _ in range(12):
            outer, record = record, destination_record(record)
        _, unwrapped = unwrap(received(record))
        assert unwrapped.event.text == outer
        assert len(unwrapped.envelopes) == opened
        assert ("envelopes_left_closed" in unwrapped.details) == (opened < 13)


def test_of_duplicate_members_the_last_is_the_event() -> None:
    """As any parser takes it; the first is not lost, for the capture still has it."""
    record = destination_record('"first"').replace('"responseContext"', '"requestPayload": "last", "responseContext"')
    assert unwrap(received(record))[1].event.text == '"last"'


_TEXT = st.text(st.characters(exclude_categories=()), max_size=60)
_JSON_TEXT = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
).map(text_of)


def _event_of_queue(text: str) -> str:
    return text_of({"Records": [{"eventSource": "aws:sqs", "eventSourceARN": SOURCE_QUEUE, "body": text}]})


def _logs(text: str) -> str:
    return text_of({"awslogs": {"data": base64.b64encode(zlib.compress(text.encode("utf-8", "replace"))).decode()}})


_WRAPPERS = st.sampled_from(
    [notification, destination_record, lambda text: on_a_bus(destination_record(text)), _event_of_queue, _logs]
)


@st.composite
def _wrapped(draw: st.DrawFn) -> str:
    held = draw(_JSON_TEXT)
    for wrap in draw(st.lists(_WRAPPERS, max_size=5)):
        held = wrap(held)
    return held


def _original(capture: Capture, unwrapped: Unwrapped) -> str:
    """Get the body back from what was made of it, where it was not an envelope that told of another event."""
    text = unwrapped.event.text
    outermost = unwrapped.envelopes[0]
    if outermost == "sqs-message":
        return str(json.loads(text)["Records"][0]["body"])
    return text if text == capture.body else str(json.loads(text))


@given(_TEXT | _wrapped())
@example("\ud800")
@example('"\ud800')
@example('{"Records":[{"eventSource":"aws:sqs","body":null,"messageAttributes":[]}]}')
@example('{"awslogs":{"data":"H4sI"}}')
@example('{"requestContext":{"elb":null,"http":{}},"Records":[null]}')
def test_any_text_whatever_has_an_envelope(body: str) -> None:
    """Each text is unwrapped to an event of valid JSON, and what no envelope opened is recovered exactly."""
    for capture in (saved(body), received(body)):
        envelope, unwrapped = unwrap(capture)
        unwrapped.event.text.encode("utf-8", "surrogatepass")
        json.loads(unwrapped.event.text)
        if envelope.name in {"unknown", "sqs-message"} or unwrapped.event.text == body:
            same = body.encode("utf-16-be", "surrogatepass").decode("utf-16-be", "surrogatepass")
            assert _original(capture, unwrapped) in {body, same}


@given(_JSON_TEXT, st.lists(st.sampled_from(["topic", "bus"]), max_size=1), st.booleans())
def test_the_event_of_a_record_is_exact_through_whatever_carried_it(
    payload: str, carriers: list[str], queue: bool
) -> None:
    """Payload in, payload out: the text that was spliced into a record is the text that comes out."""
    held = destination_record(payload)
    for carrier in carriers:
        held = {"topic": notification, "bus": on_a_bus}[carrier](held)
    _, unwrapped = unwrap(received(held) if queue or "topic" in carriers else saved(held))
    assert unwrapped.event.text == payload


_NAMES = st.sampled_from(
    ["RequestID", "ErrorCode", "ErrorMessage", "RULE_ARN", "TARGET_ARN", "ERROR_CODE", "SCHEDULE_ARN", "x"]
)
_ATTRIBUTES = st.builds(
    MessageAttribute,
    data_type=st.sampled_from(["String", "Number", "Binary", "Number.int", ""]),
    string_value=st.none() | _TEXT,
    binary_value=st.none() | st.binary(max_size=4),
)


@given(_TEXT | _JSON_TEXT, st.dictionaries(_NAMES, _ATTRIBUTES, max_size=8))
def test_any_attributes_are_taken(body: str, attributes: dict[str, MessageAttribute]) -> None:
    """Attributes of any type and value are no reason to fail."""
    _, unwrapped = unwrap(received(body, attributes))
    json.loads(unwrapped.event.text)
    json.dumps(dict(unwrapped.details))
