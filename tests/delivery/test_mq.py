"""Amazon MQ event source mappings: documented by AWS, recorded nowhere."""

import json

import pytest

from replay.delivery.deliver import deliver
from replay.delivery.retry_delays import UNLIMITED_RETRIES
from replay.errors import InvalidEvent
from replay.payloads.event_sources import EventSource

MQ = EventSource(kind="mq")
ACTIVE = {"eventSource": "aws:amq", "messages": [{"messageID": "a", "data": ""}, {"messageID": "a"}, {"messageID": 3}]}
RABBIT = {"eventSource": "aws:rmq", "rmqMessagesByQueue": {"q::/": [{"data": ""}, {"data": ""}], "r::/": [{}], "s": 1}}


@pytest.mark.parametrize(
    ("event", "ids"), [(ACTIVE, ["a", "a#2", "record-3"]), (RABBIT, ["q:://1", "q:://2", "r:://1"])], ids=["amq", "rmq"]
)
def test_the_batch_is_one_transaction(event, ids) -> None:
    """It is processed as a whole when the function returns, and comes again as a whole until then."""
    calls = []

    def flaky(event, context) -> None:
        calls.append(event)
        if len(calls) == 1:
            raise ConnectionError

    report = deliver(event, flaky, MQ)
    assert calls == [event, event]
    assert report.dispositions == dict.fromkeys(ids, "processed")
    assert "no recording" in report.notes[-1]


def test_a_batch_that_never_succeeds_stays_with_the_broker() -> None:
    """AWS tries until the messages expire; here a few retries, and they stay."""

    def fail(event, context):
        raise KeyError

    report = deliver(ACTIVE, fail, MQ)
    assert len(report.invocations) == UNLIMITED_RETRIES + 1
    assert set(report.dispositions.values()) == {"still_queued"}
    assert all(each.failed_records == ("a", "a#2", "record-3") for each in report.invocations)


def test_an_event_without_messages_is_none_of_mq() -> None:
    """Neither broker's form."""
    with pytest.raises(InvalidEvent, match="no messages"):
        deliver(json.dumps({"Records": []}), lambda *_: None, MQ)
    assert deliver({"messages": []}, lambda *_: None, MQ).invocations == ()
