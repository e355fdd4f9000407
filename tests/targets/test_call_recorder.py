"""Which requests are one call, and which are others."""

from replay.payloads.aws_calls import Fault
from replay.targets.aws.call_recorder import CallRecorder


def test_attempts_that_come_at_once_are_one_call() -> None:
    """A client that gave up before its first attempt was read sends a second: one call, which met its fault once."""
    recorder = CallRecorder()
    recorder.begin([Fault(call="dynamodb:PutItem", error="timeout")])
    recorder.start()
    assert recorder.known("one") is None  # both attempts have asked before either is noted
    first = recorder.meet("dynamodb", "PutItem", {}, call_id="one")
    second = recorder.meet("dynamodb", "PutItem", {}, call_id="one")
    assert first is second
    assert len(recorder.stop()) == 1


def test_calls_without_an_id_are_told_apart() -> None:
    """Where the SDK names no call, each request is one."""
    recorder = CallRecorder()
    recorder.begin([])
    recorder.start()
    assert recorder.meet("sqs", "SendMessage", {}) is not recorder.meet("sqs", "SendMessage", {})
    assert len(recorder.stop()) == 2
