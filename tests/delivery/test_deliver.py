"""The public function: a Python callable as the function."""

import asyncio
import sys
from decimal import Decimal

import pytest

from replay.delivery.deliver import deliver
from replay.errors import InvalidEvent, InvalidJson
from replay.payloads.event_sources import EventSource
from tests.delivery.sqs_events import as_text, ids_of, sqs_event, sqs_record

SQS = EventSource(kind="sqs")


def test_records_and_event_and_text_are_delivered_alike() -> None:
    """A list of records, an event as a dict and an event as text are three ways to say the same."""
    records = [sqs_record("a"), sqs_record("b")]
    seen = []
    for given in (records, {"Records": records}, as_text({"Records": records})):
        report = deliver(given, lambda event, context: seen.append(event), SQS)
        assert report.dispositions == {"a": "processed", "b": "processed"}
    assert seen[0] == seen[1] == seen[2] == {"Records": records}


def test_invocations_expose_the_events_as_the_function_received_them() -> None:
    """`Invocation.event` is the event of that attempt, whatever the function did to its own copy."""

    def handler(event, context):
        event["Records"].clear()

    report = deliver(sqs_event(["a", "b"]), handler, EventSource(kind="sqs", batch_size=1))
    assert [ids_of(invocation.event) for invocation in report.invocations] == [["a"], ["b"]]


def test_the_context_is_one_of_lambda() -> None:
    """The function finds the request id of its attempt and the usual names in its context."""
    seen = []

    def handler(event, context):
        seen.append((context.aws_request_id, context.function_name, context.get_remaining_time_in_millis()))

    report = deliver({}, handler)
    assert seen == [(report.invocations[0].attempt.request_id, "handler", 3000)]


def test_request_ids_are_the_same_in_every_run_and_differ_within_one() -> None:
    """Two runs of one event can be compared line by line."""
    source = EventSource(kind="sqs", max_receive_count=3)
    first, second = (
        [
            invocation.attempt.request_id
            for invocation in deliver(sqs_event(["a"]), lambda *_: 1 / 0, source).invocations
        ]
        for _ in range(2)
    )
    assert first == second
    assert len(set(first)) == 3


@pytest.mark.parametrize(
    ("code", "ended"),
    [
        (0, "without providing a reason"),
        (None, "without providing a reason"),
        (3, "with error: exit status 3"),
        ("gone", "with error: exit status 1"),
    ],
)
def test_sys_exit_ends_the_runtime(code: object, ended: str) -> None:
    """A function that calls sys.exit has failed as on Lambda, and does not end us."""

    def handler(event, context):
        sys.exit(code)

    reply = deliver({}, handler).invocations[0].reply
    assert reply.status == "exited"
    assert reply.failure.error_type == "Runtime.ExitError"
    assert reply.failure.message.endswith(f"Error: Runtime exited {ended}")


def test_what_the_runtime_does_not_catch_ends_it() -> None:
    """A BaseException that is no Exception, such as a cancelled task, ends the runtime, and not us."""

    def handler(event, context):
        raise asyncio.CancelledError

    reply = deliver({}, handler).invocations[0].reply
    assert (reply.status, reply.failure.error_type) == ("exited", "Runtime.ExitError")
    assert reply.failure.message.endswith("with error: exit status 1")


def test_the_keyboard_still_interrupts() -> None:
    """Ctrl-C in a function is the user's, not an outcome."""

    def handler(event, context):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        deliver({}, handler)


@pytest.mark.parametrize("answer", [{1, 2}, object(), {"when": asyncio.Lock}])
def test_what_the_runtime_cannot_turn_into_json_is_a_failure(answer: object) -> None:
    """A function whose answer is no JSON has failed, although it returned."""
    reply = deliver({}, lambda event, context: answer).invocations[0].reply
    assert reply.status == "unserialisable"
    assert reply.failure.error_type == "Runtime.MarshalError"


def test_an_async_handler_fails_as_on_lambda() -> None:
    """Lambda's Python runtime awaits nothing: a coroutine is an answer that it cannot turn into JSON."""

    async def handler(event, context):
        return {}

    assert deliver({}, handler).invocations[0].reply.failure.error_type == "Runtime.MarshalError"


def test_a_decimal_is_a_number_to_the_runtime() -> None:
    """What json.dumps refuses and Lambda's runtime accepts is no failure."""
    assert deliver({}, lambda event, context: {"total": Decimal("1.10")}).response == {"total": 1.1}


def test_a_failure_has_the_frames_of_the_function() -> None:
    """Frames go from the function inward, with the text of each line, and leave our own code out."""

    def inner(event):
        return int(event["amount"])

    def handler(event, context):
        return inner(event)

    failure = deliver({"amount": "many"}, handler).invocations[0].reply.failure
    assert [(frame.module, frame.function, frame.code, frame.owner) for frame in failure.frames] == [
        ("test_deliver.py", "handler", "return inner(event)", "user"),
        ("test_deliver.py", "inner", 'return int(event["amount"])', "user"),
    ]


def test_library_frames_are_marked() -> None:
    """An error inside the standard library keeps its frames, and they are not the user's."""
    import json

    failure = deliver({}, lambda event, context: json.loads("{")).invocations[0].reply.failure
    assert [frame.owner for frame in failure.frames] == ["user", "library", "library", "library"]
    assert failure.frames[-1].module == "json/decoder.py"


def test_mistakes_are_said_before_anything_is_invoked() -> None:
    """A text that is no JSON, and an event that SQS could never deliver, never reach the function."""
    called = []
    with pytest.raises(InvalidJson):
        deliver("{", lambda *_: called.append(1), SQS)
    with pytest.raises(InvalidEvent):
        deliver({"detail": {}}, lambda *_: called.append(1), SQS)
    assert called == []
