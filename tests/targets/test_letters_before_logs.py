"""What is known of an event when its dead letter comes before its log does."""

from replay.delivery.attempt import Reply
from replay.payloads.failures import Failure
from replay.targets.carrier import Sighting
from replay.targets.observing.findings import Findings

KEY_ERROR = Failure(error_type="KeyError", message="'customer_id'", stack="Traceback …")


def letter(failure: Failure) -> Sighting:
    return Sighting(
        keys=("a",), identity="letter", reply=Reply(status="raised", failure=failure), settled="dead_lettered"
    )


def logged() -> Sighting:
    return Sighting(keys=("a",), identity="log", reply=Reply(status="raised", failure=KEY_ERROR), at_ms=1)


def test_a_dead_letter_without_an_error_type_waits_for_the_log() -> None:
    """A DLQ tells a message and no type (recording test_dead_letter_queue): the log that follows tells what it was."""
    findings = Findings(["a"], alone=True, lag_s=10)
    findings.note(letter(Failure(error_type="Unhandled", message="'customer_id'")))
    assert not findings.has_ended(0)
    findings.note(logged())
    assert findings.has_ended(1)
    assert [each.reply.failure for each in findings.report("{}").invocations] == [KEY_ERROR]


def test_it_waits_for_no_longer_than_logs_are_late() -> None:
    """Where no log comes, what the letter says is what is known."""
    findings = Findings(["a"], alone=True, lag_s=10)
    findings.note(letter(Failure(error_type="Unhandled", message="")))
    assert not findings.has_ended(0)
    assert not findings.has_ended(9)
    assert findings.has_ended(10)


def test_a_document_with_a_stack_needs_no_log() -> None:
    """The document of a destination tells type and stack: then nothing is waited for."""
    findings = Findings(["a"], alone=True, lag_s=10)
    findings.note(letter(KEY_ERROR))
    assert findings.has_ended(0)


def test_a_dead_letter_without_any_error_says_that_nobody_tells_it() -> None:
    """A message that SQS itself has dead-lettered bears no error: where no log tells one, that is said in words."""
    findings = Findings(["a"], alone=True)
    findings.note(Sighting(keys=("a",), identity="letter", settled="dead_lettered"))
    (invocation,) = findings.report("{}").invocations
    assert invocation.reply.failure is not None
    assert invocation.reply.failure.error_type == ""
    assert "tells which error it was" in invocation.reply.failure.message
