"""Functions that get the same event, and others that invoke one of them: whose a dead letter and an invocation are."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.delivery.attempt import Reply, ReplyStatus
from replay.outcomes.classify import classify
from replay.payloads.failures import Failure
from replay.targets.carrier import Settled, Sighting, Whose
from replay.targets.observing.findings import LOG_LAG_S, UNSIGNED_LAG_S, Findings

OURS, OTHERS, STRANGERS = "request-of-ours", "request-of-the-other-function", "request-of-a-stranger"


def alone(*keys: str) -> Findings:
    """Give what is known of one event under way beyond this machine."""
    return Findings(keys or ("a",), alone=True, unsigned_lag_s=UNSIGNED_LAG_S)


def logged(
    request_id: str,
    status: ReplyStatus = "returned",
    *keys: str,
    error: str = "KeyError",
    at_ms: int = 1,
    settled: Settled | None = None,
) -> Sighting:
    failure = None if status == "returned" else Failure(error_type=error, message="no", stack="Traceback …")
    return Sighting(
        keys=keys,
        identity=f"stream {request_id} {at_ms}",
        reply=Reply(status=status, failure=failure),
        settled="processed" if status == "returned" else settled,
        at_ms=at_ms,
        request_id=request_id,
        unless_undone=status == "returned",
    )


def letter(request_id: str, whose: Whose = "presumed", *, keys: tuple[str, ...] = ("a",)) -> Sighting:
    return Sighting(
        keys=keys,
        identity=f"dead {request_id}",
        reply=Reply(status="raised", failure=Failure(error_type="Unhandled", message="no", request_id=request_id)),
        settled="dead_lettered",
        failure_record={"of": request_id},
        request_id=request_id,
        whose=whose,
    )


def told(findings: Findings) -> tuple[str, list[str]]:
    outcome = classify(findings.report("{}"))
    return outcome.status, list(outcome.dispositions)


def test_the_failure_of_another_function_is_not_ours() -> None:
    """Two functions share a queue; ours succeeded, and the dead letter names a request that our log never shows."""
    findings = alone()
    findings.note(letter(OTHERS, "unknown"))
    findings.note(logged(OURS))
    assert not findings.has_ended(0.0)
    assert not findings.has_ended(LOG_LAG_S - 1), "the log may yet show that request"
    assert findings.has_ended(LOG_LAG_S)
    assert told(findings) == ("succeeded", ["processed"])
    report = findings.report("{}")
    assert report.failure_records == ()
    assert "its request is not in the log" in report.notes[-1]


def test_of_two_that_fail_each_has_its_own() -> None:
    """The dead letters of both are there: the error, and the record of the failure, are those of our log's request."""
    findings = alone()
    for each in (letter(OTHERS, "unknown"), letter(OURS, "unknown"), logged(OURS, "raised", error="OurError")):
        findings.note(each)
    assert findings.has_ended(0.0) or findings.has_ended(LOG_LAG_S)
    assert told(findings) == ("failed", ["dead_lettered"])
    report = findings.report("{}")
    assert report.failure_records == ({"of": OURS},)
    assert [each.reply.failure and each.reply.failure.error_type for each in report.invocations] == ["OurError"]


def test_a_dead_letter_alone_in_a_shared_queue_tells_nothing() -> None:
    """No line of any invocation: it may be the other function's, so that nothing has failed and nothing has ended."""
    findings = alone()
    findings.note(letter(OTHERS, "unknown"))
    assert not findings.has_ended(0.0)
    assert not findings.has_ended(10_000.0)
    assert not findings.has_failed
    assert told(findings)[1] == ["still_queued"]


@pytest.mark.parametrize("whose", ["presumed", "unknown"])
def test_a_dead_letter_long_before_its_log_is_bound_by_it(whose: Whose) -> None:
    """The line with its request comes nine seconds later: from then on it is ours, with the error of the log."""
    findings = alone()
    findings.note(letter(OURS, whose))
    assert not findings.has_ended(0.0)
    assert not findings.has_ended(9.0)
    findings.note(logged(OURS, "raised"))
    assert findings.has_ended(9.0)
    assert told(findings) == ("failed", ["dead_lettered"])


def test_a_dead_letter_of_nobody_else_ends_what_no_log_tells() -> None:
    """What was throttled for too long was never invoked: where only this function uses the queue, it is its own."""
    findings = alone()
    findings.note(letter(OURS))
    assert not findings.has_ended(0.0)
    assert findings.has_ended(LOG_LAG_S)
    assert told(findings) == ("failed", ["dead_lettered"])


def test_a_strangers_success_does_not_outweigh_a_dead_letter() -> None:
    """Only this function uses the queue, and its log shows but another request: which of them is ours is not known."""
    findings = alone()
    findings.note(logged(STRANGERS))
    findings.note(letter(OURS))
    assert [findings.has_ended(at_s) for at_s in (0.0, LOG_LAG_S, 10_000.0)] == [False] * 3
    assert not findings.has_failed
    findings.note(logged(OURS, "raised"))
    assert findings.has_ended(10_000.0)
    assert told(findings) == ("failed", ["dead_lettered"])


@pytest.mark.parametrize("is_alone", [True, False])
def test_a_log_that_shows_others_would_show_the_request_too(is_alone: bool) -> None:
    """The function is invoked by others, or for other events, and the letter's request is not there: it proves nothing."""
    findings = Findings(["a"], alone=is_alone)
    findings.note(letter(OTHERS))
    findings.note(replace(logged(STRANGERS), whose="unknown"))
    assert not findings.has_ended(0.0)
    assert not findings.has_ended(10_000.0)
    assert not findings.has_failed
    findings.note(logged(OTHERS, "raised", "a"))
    assert findings.has_ended(10_000.0)


def test_what_may_be_anybodys_ends_nothing() -> None:
    """Where others invoke the function, an invocation without a sign is told for its request alone."""
    findings = alone()
    statuses: list[ReplyStatus] = ["returned", "raised"]
    for status in statuses:
        findings.note(replace(logged(f"request that {status}", status, settled="dead_lettered"), whose="unknown"))
    assert not findings.has_ended(10_000.0)
    assert not findings.has_failed
    assert told(findings)[1] == ["still_queued"]


def test_a_log_of_before_shows_nothing() -> None:
    """What began before the event was sent does not say that the log is there by now."""
    findings = alone()
    findings.sent_at_ms = 100
    findings.note(letter(OURS))
    findings.note(logged(STRANGERS, at_ms=50))
    assert not findings.has_ended(0.0)
    assert findings.has_ended(LOG_LAG_S)


def test_what_the_log_says_of_the_event_outweighs_a_dead_letter() -> None:
    """Lines with a sign are surely its own: a dead letter of another request is what somebody else made of the event."""
    findings = alone()
    findings.note(letter(OTHERS))
    findings.note(logged(OURS, "returned", "a"))
    assert findings.has_ended(0.0)
    assert told(findings) == ("succeeded", ["processed"])


def test_a_strangers_success_is_no_later_try_of_ours() -> None:
    """All attempts of an event have one request id: behind a failure another request's success fixes nothing."""
    findings = alone()
    findings.note(logged(OURS, "raised"))
    findings.note(logged(STRANGERS, at_ms=2))
    assert [findings.has_ended(at_s) for at_s in (0.0, 100.0)] == [False, False]
    assert not findings.has_failed, "which of the two it was is not known"
    findings.note(letter(OURS))
    assert findings.has_failed
    assert findings.has_ended(100.0)
    assert told(findings) == ("failed", ["dead_lettered"])


def test_a_second_try_of_the_same_request_counts() -> None:
    """A failure and a success of one request id are two tries of one event."""
    findings = alone()
    findings.note(logged(OURS, "raised"))
    findings.note(logged(OURS, at_ms=2))
    assert findings.has_ended(0.0) or findings.has_ended(UNSIGNED_LAG_S)
    assert told(findings) == ("succeeded", ["processed"])


def test_many_under_way_are_told_apart_by_their_requests() -> None:
    """The log does not name events, but the dead letter of each names its request: each has its own error."""
    findings = {key: Findings([key], alone=False) for key in ("a", "b")}
    for key, one in findings.items():
        one.note(letter(f"request-{key}", keys=(key,)))
        one.note(logged(f"request-{key}", "raised", key, error=f"Error-{key}"))
    for key, one in findings.items():
        assert one.has_ended(0.0)
        (invocation,) = one.report("{}").invocations
        assert invocation.reply.failure is not None
        assert invocation.reply.failure.error_type == f"Error-{key}"


def test_what_is_told_again_with_its_keys_counts_once() -> None:
    """An invocation that a dead letter has named meanwhile is the same invocation."""
    findings = alone()
    findings.note(logged(OURS, "raised"))
    findings.note(letter(OURS))
    findings.note(logged(OURS, "raised", "a"))
    assert findings.is_signed
    assert len(findings.report("{}").invocations) == 1


@given(
    st.lists(st.tuples(st.sampled_from(["returned", "raised", "timed_out"]), st.integers(1, 50)), max_size=6),
    st.sampled_from(["ours", "presumed", "unknown"]),
    st.integers(1, 3),
    st.randoms(use_true_random=False),
)
def test_strangers_change_nothing(
    strangers: list[tuple[ReplyStatus, int]], whose: Whose, tries: int, order: Random
) -> None:
    """Once a dead letter and the log agree on a request, no invocation of another one changes what is told of it."""
    own = [letter(OURS, whose), *(logged(OURS, "raised", at_ms=number) for number in range(1, tries + 1))]
    others = [
        logged(f"stranger {number}", status, at_ms=at_ms, settled="dead_lettered")
        for number, (status, at_ms) in enumerate(strangers)
    ]
    plain, mixed = alone(), alone()
    for each in own:
        plain.note(each)
    seen = [*own, *others, letter(OTHERS, "unknown")]
    order.shuffle(seen)
    for each in seen:
        mixed.note(each)
    assert mixed.has_ended(0.0) or mixed.has_ended(LOG_LAG_S)
    assert told(mixed) == told(plain)
    assert len(mixed.report("{}").invocations) == tries
