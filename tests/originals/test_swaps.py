"""An event as it once was, in the place of its stand-ins: whole or in parts, exact, and never half."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.delivery.attempt import Attempt, Reply
from replay.delivery.families import begin_delivery, drive
from replay.errors import FixtureError, TargetError
from replay.originals.swaps import original_of
from replay.payloads.captures import Event
from replay.payloads.event_sources import EventSource
from replay.redaction.redactor import Redactor


def redacted(text: str) -> str:
    return Redactor(_settings()).event(text).text


def _settings() -> Any:
    from replay.redaction.settings import RedactionSettings

    return RedactionSettings(redact=("customer",), key=b"of the tests")


def kinesis(*people: str) -> dict[str, Any]:
    return {
        "Records": [
            {
                "eventSource": "aws:kinesis",
                "eventID": f"shardId-000000000000:{number}",
                "kinesis": {"sequenceNumber": str(number), "partitionKey": "p", "data": "e30="},
                "customer": person,
            }
            for number, person in enumerate(people)
        ]
    }


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just("ada@example.com"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["customer", "id", "email"]), inner, max_size=3),
    max_leaves=12,
)  # fmt: skip


@given(event=VALUES)
def test_the_whole_event_is_exact(event: Any) -> None:
    """Whatever an event holds: its original comes back from the redacted text, byte by byte."""
    text = json.dumps(event)
    fixture = redacted(text)
    try:
        original = original_of(text, redacted=fixture, fixture=fixture)
    except FixtureError:
        raise AssertionError("an unchanged fixture was taken for a changed one") from None
    assert original.put_into(fixture) == text


@given(people=st.lists(st.sampled_from(["Ada", "Grace", "Ada Lovelace"]), min_size=1, max_size=6), data=st.data())
def test_parts_of_a_batch(people: list[str], data: st.DataObject) -> None:
    """Of a batch that is delivered in parts each record gets its own original back, in any order."""
    event = kinesis(*people)
    text = json.dumps(event)
    fixture = redacted(text)
    original = original_of(text, redacted=fixture, fixture=fixture)
    chosen = data.draw(st.permutations(range(len(people))))[: data.draw(st.integers(1, len(people)))]
    records, there = json.loads(text)["Records"], json.loads(fixture)["Records"]
    part = json.dumps({"Records": [there[number] for number in chosen]})
    assert json.loads(original.put_into(part))["Records"] == [records[number] for number in chosen]


def test_a_delivery_that_bisects() -> None:
    """Through the real delivery of a stream, every attempt holds originals only."""
    event = kinesis("Ada", "Grace", "Linus")
    text = json.dumps(event)
    fixture = redacted(text)
    original = original_of(text, redacted=fixture, fixture=fixture)
    seen: list[str] = []

    def invoke(attempt: Attempt) -> Reply:
        sent = original.put_into(attempt.payload)
        seen.extend(each["customer"] for each in json.loads(sent)["Records"])
        return Reply(status="raised")

    source = EventSource(kind="kinesis", batch_size=3, bisect_batch_on_function_error=True, maximum_retry_attempts=2)
    drive(begin_delivery(Event(text=fixture, kind="kinesis"), source), invoke)
    assert set(seen) == {"Ada", "Grace", "Linus"}
    assert len(seen) > 3


@pytest.mark.parametrize(
    "change",
    [
        lambda event: event | {"more": 1},
        lambda event: event | {"customer": "somebody"},
        lambda event: {},
    ],
)
def test_an_edited_fixture_has_no_original(change: Callable[[Any], Any]) -> None:
    """Who has edited an event means what it says now: its original is not put over it."""
    text = json.dumps({"customer": "Ada", "id": 1})
    fixture = redacted(text)
    with pytest.raises(FixtureError, match="edited since"):
        original_of(text, redacted=fixture, fixture=json.dumps(change(json.loads(fixture))))


def test_what_differs_by_itself_stays() -> None:
    """A count that is another one at the source by now is that of the fixture; a receipt handle is nobody's."""
    then = {"Records": [{"receiptHandle": "AQEBold", "count": "1", "customer": "Ada"}]}
    now = {"Records": [{"receiptHandle": "AQEBnew", "count": "2", "customer": "Ada"}]}
    fixture, text = redacted(json.dumps(then)), json.dumps(now)
    original = original_of(text, redacted=redacted(text), fixture=fixture)
    record = json.loads(original.put_into(fixture))["Records"][0]
    handle = json.loads(fixture)["Records"][0]["receiptHandle"]
    assert record == {"receiptHandle": handle, "count": "1", "customer": "Ada"}


def test_something_else_is_not_sent() -> None:
    """What is none of this event is refused rather than sent with stand-ins."""
    text = json.dumps({"customer": "Ada"})
    original = original_of(text, redacted=redacted(text), fixture=redacted(text))
    with pytest.raises(TargetError, match="not sent"):
        original.put_into('{"customer": "Grace"}')
    assert "Ada" not in repr(original)
