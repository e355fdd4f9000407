"""Tumbling windows: documented by AWS, recorded nowhere."""

import json

import pytest

from replay.delivery.deliver import deliver
from tests.delivery.stream_events import KINESIS_ARN, batches, dynamodb, fail, kinesis, kinesis_record, times

START_S = 1767225600.0  # 2026-01-01T00:00:00Z


def records_at(*seconds: float):
    return [kinesis_record(number + 1, arrived_s=START_S + second) for number, second in enumerate(seconds)]


def count(event, context):
    """Count the records of a window."""
    return {"state": {"count": event["state"].get("count", 0) + len(event["Records"])}}


def test_state_goes_from_batch_to_batch_and_the_window_is_closed() -> None:
    """Each invocation has what the one before returned; the last one has no records and the final state."""
    report = deliver(records_at(1, 2, 3), count, kinesis(batch_size=2, tumbling_window_s=60))
    events = [invocation.event for invocation in report.invocations]
    assert [event["state"] for event in events] == [{}, {"count": 2}, {"count": 3}]
    assert [event["isFinalInvokeForWindow"] for event in events] == [False, False, True]
    assert batches(report) == [["1", "2"], ["3"], []]
    assert set(report.dispositions.values()) == {"processed"}
    assert "no recording proves" in report.notes[0]


def test_the_members_of_a_window_event_stand_as_in_the_guide() -> None:
    """Their names, order and forms are those of the guide's example."""
    report = deliver(records_at(61), count, kinesis(tumbling_window_s=120))
    event = report.invocations[0].event
    del event["Records"]
    assert json.dumps(event) == json.dumps(
        {
            "window": {"start": "2026-01-01T00:00:00Z", "end": "2026-01-01T00:02:00Z"},
            "state": {},
            "shardId": "shardId-000000000000",
            "eventSourceARN": KINESIS_ARN,
            "isFinalInvokeForWindow": False,
            "isWindowTerminatedEarly": False,
        }
    )


def test_a_window_ends_before_the_next_begins() -> None:
    """Batches never span windows, a new window begins without state, and each is closed when its time is over."""
    report = deliver(records_at(1, 59, 60, 125), count, kinesis(tumbling_window_s=60))
    assert batches(report) == [["1", "2"], [], ["3"], [], ["4"], []]
    assert [invocation.event["state"] for invocation in report.invocations if not invocation.event["Records"]] == [
        {"count": 2},
        {"count": 1},
        {"count": 1},
    ]
    assert times(report) == [0, 0, 0, 0, 0, 55]


@pytest.mark.parametrize("answer", [None, {}, {"batchItemFailures": []}, "text", [1]])
def test_an_answer_without_state_is_a_failed_invocation(answer) -> None:
    """The guide: the response must contain a `state` property."""
    report = deliver(records_at(1), lambda *_: answer, kinesis(tumbling_window_s=60, maximum_retry_attempts=1))
    assert report.dispositions == {"1": "discarded"}
    assert "no state" in report.problem


def test_a_state_over_1_mb_ends_the_window_early() -> None:
    """The window is closed at once, the flag says so, and the next records begin without state."""
    answers = iter([{"state": "x" * 1_048_576}, {"state": {}}, {"state": {}}, {"state": {}}])
    report = deliver(records_at(1, 2), lambda *_: next(answers), kinesis(batch_size=1, tumbling_window_s=60))
    flags = [
        (invocation.event["isFinalInvokeForWindow"], invocation.event["isWindowTerminatedEarly"])
        for invocation in report.invocations
    ]
    assert flags == [(False, False), (True, True), (False, False), (True, False)]
    assert batches(report) == [["1"], [], ["2"], []]


def test_a_failed_closing_is_retried_and_then_given_up() -> None:
    """Its records are processed already; the retry policy holds for it too."""

    def handler(event, context):
        if event["isFinalInvokeForWindow"]:
            raise ConnectionError
        return {"state": {}}

    report = deliver(records_at(1), handler, kinesis(tumbling_window_s=60, maximum_retry_attempts=2))
    assert batches(report) == [["1"], [], [], []]
    assert report.dispositions == {"1": "processed"}
    assert report.invocations[-1].failed_records == ("event",)


def test_state_is_passed_on_as_it_was_written() -> None:
    """Number spellings and duplicate keys of the state survive."""
    odd = b'{"state": {"a": 1.10, "a": 1e2}}'
    report = deliver(records_at(1), lambda *_: odd, kinesis(tumbling_window_s=60))
    assert '"state": {"a": 1.10, "a": 1e2}' in report.invocations[1].attempt.payload


def test_a_checkpoint_takes_the_state_with_it() -> None:
    """With a partial batch response the state that came with it goes on; one that moved no checkpoint is dropped."""
    answers = iter(
        [
            {"state": {"seen": 1}, "batchItemFailures": [{"itemIdentifier": "2"}]},
            {"state": {"seen": 99}, "batchItemFailures": [{"itemIdentifier": "2"}]},
            {"state": {"seen": 2}},
            {"state": {}},
        ]
    )
    settings = kinesis(tumbling_window_s=60, report_batch_item_failures=True)
    report = deliver(records_at(1, 2), lambda *_: next(answers), settings)
    states = [invocation.event["state"] for invocation in report.invocations]
    assert states == [{}, {"seen": 1}, {"seen": 1}, {"seen": 2}]


def captured(**changed):
    record = {
        "eventID": "1",
        "eventSource": "aws:dynamodb",
        "eventSourceARN": "stream",
        "dynamodb": {"SequenceNumber": "1", "ApproximateCreationDateTime": START_S + 5},
    }
    return {
        "Records": [record],
        "window": {"start": "2026-01-01T00:00:00Z", "end": "2026-01-01T00:01:00Z"},
        "state": {"count": 7},
        "shardId": "shardId-00000001573689847184-864758bb",
        "eventSourceARN": "stream",
        "isFinalInvokeForWindow": False,
        "isWindowTerminatedEarly": False,
    } | changed


def test_a_captured_window_event_goes_on_from_its_state() -> None:
    """It is delivered byte for byte, with the shard and state that it had."""
    text = json.dumps(captured())
    report = deliver(text, count, dynamodb(tumbling_window_s=60))
    assert report.invocations[0].attempt.payload == text
    assert report.invocations[1].event["state"] == {"count": 8}


def test_a_captured_closing_is_invoked_once_as_it_is() -> None:
    """The invocation that closes a window has no records, and is an event all the same."""
    text = json.dumps(captured(Records=[], isFinalInvokeForWindow=True))
    report = deliver(text, fail, dynamodb())
    assert [invocation.attempt.payload for invocation in report.invocations] == [text]
    assert report.dispositions == {"event": "discarded"}
