"""Synchronous invocations, and kinds whose family is not there yet."""

import json

import pytest

from replay.delivery.deliver import deliver
from replay.errors import ConfigurationError
from replay.payloads.captures import Event
from replay.payloads.event_sources import EventSource


def test_a_direct_invocation_gives_its_answer() -> None:
    """The caller gets what the function returned, and the event counts as processed."""
    report = deliver({"name": "Ada"}, lambda event, context: {"hello": event["name"]})
    assert report.response == {"hello": "Ada"}
    assert report.dispositions == {"event": "processed"}
    assert report.notes == ()


def test_a_failed_direct_invocation_is_not_tried_again() -> None:
    """Nobody retries a synchronous invocation: one attempt, the event is gone, and the caller has the error object."""

    def handler(event, context):
        raise KeyError("customer_id")

    report = deliver({}, handler)
    (invocation,) = report.invocations
    assert report.dispositions == {"event": "discarded"}
    assert list(report.response) == ["errorMessage", "errorType", "requestId", "stackTrace"]
    assert invocation.failed_records == ("event",)
    assert invocation.reply.failure.error_type == "KeyError"
    assert invocation.reply.failure.message == "'customer_id'"


def test_the_payload_is_the_text_of_the_event() -> None:
    """An event given as text reaches the function exactly so, duplicate keys and long numbers included."""
    text = '{ "amount": 1.10,\n"amount": 12345678901234567890123, "s": "\\ud800" }'
    report = deliver(Event(text=text), lambda event, context: event["amount"])
    assert report.invocations[0].attempt.payload == text
    assert report.response == 12345678901234567890123


def test_a_list_is_the_event_of_a_direct_invocation() -> None:
    """A function called directly may well take a list."""
    assert deliver([1, 2, 3], lambda event, context: sum(event)).response == 6


def test_bytes_that_are_not_json_reach_the_caller_as_text() -> None:
    """The runtime passes bytes on as they are, so that an answer need not be JSON."""
    assert deliver({}, lambda event, context: b"<html>").response == "<html>"
    assert deliver({}, lambda event, context: json.dumps({"a": 1}).encode()).response == {"a": 1}


def test_a_kind_that_does_not_exist_is_refused() -> None:
    """A typo in Python, where no type checker sees it, is told with the kinds that there are."""
    with pytest.raises(ConfigurationError, match="'kineses'") as refused:
        deliver({"Records": [{}]}, lambda event, context: None, EventSource(kind="kineses"))
    assert "kinesis" in str(refused.value)
