"""Logs that an emulator puts together: no line of a timeout or an exit, times of the end, and lines that come late."""

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.hooks import HierarchicalEmitter

from replay.delivery.attempt import Reply
from replay.outcomes.classify import classify
from replay.sources.sqs_queue import Queue
from replay.targets.carrier import Settled, Sighting, Sought
from replay.targets.observing.clock_difference import ClockDifference
from replay.targets.observing.counted_log import CountedLog
from replay.targets.observing.dead_letters import DeadLetters
from replay.targets.observing.findings import Findings
from replay.targets.observing.function_log import FunctionLog, LoggedEnds
from replay.targets.observing.source_queue import SourceQueue

NOW_S = 1_763_683_200.0
NOW_MS = round(NOW_S * 1000)
SENT_MS = NOW_MS - 500
SOUGHT = [Sought(key="a", signs=("message-1",), sent_at_ms=SENT_MS)]
FIRST, SECOND = (f"3f1e1a3e-0000-4000-8000-00000000000{number}" for number in (1, 2))
ENDS = LoggedEnds(returned="processed", given_up="dead_lettered", attempts=1, timeout_s=3)


def trace(error: str) -> str:
    return (
        f"[ERROR] {error}: no\nTraceback (most recent call last):\n"
        '\u00a0\u00a0File "/var/task/app.py", line 3, in handler\n\u00a0\u00a0\u00a0\u00a0fail()'
    )


class Logs:
    """A log group, each invocation in a stream of its own, all its lines at the time of its end."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []

    def add(self, request_id: str, *lines: str, ended_ms: int = NOW_MS, took: str = "5") -> None:
        report = f"REPORT RequestId: {request_id}\tDuration: {took} ms\tBilled Duration: {took} ms"
        texts = (f"START RequestId: {request_id} Version: $LATEST", *lines, f"END RequestId: {request_id}", report)
        self.lines += [{"timestamp": ended_ms, "logStreamName": request_id, "message": text} for text in texts]

    def filter_log_events(self, *, startTime: int, endTime: int, **_: Any) -> dict[str, Any]:  # noqa: N803 - AWS's
        return {"events": [each for each in self.lines if startTime <= each["timestamp"] <= endTime]}


def looked(logs: Logs, ends: LoggedEnds = ENDS, *, later_s: float = 1.0) -> list[Sighting]:
    clock = iter([NOW_S - 1] * 2)
    log = FunctionLog(
        Logs(), "/aws/lambda/f", code=Path(), ends=ends, quiet_s=0.0, clock=lambda: next(clock, NOW_S + later_s)
    )
    log.begin()
    log._client = logs
    return list(log.look(SOUGHT))


def test_it_began_when_its_report_says_so() -> None:
    """All lines have the time of the end: what it took tells when it began, and that is before the next was sent."""
    logs = Logs()
    logs.add(FIRST, trace("KeyError"), took="2000")
    (seen,) = looked(logs)
    assert seen.at_ms == NOW_MS - 2000
    next_one = Findings(["a"], alone=True)
    next_one.sent_at_ms = SENT_MS
    next_one.note(seen)
    assert not next_one.has_failed
    next_one.sent_at_ms = NOW_MS - 2000
    next_one.note(seen)
    assert next_one.has_failed


@pytest.mark.parametrize(("took", "settled", "is_sure"), [("5.00", "processed", True), ("5", None, False)])
def test_that_it_tells_of_no_failure_is_no_proof(took: str, settled: Settled | None, is_sure: bool) -> None:
    """Lambda's own log says that the function has returned; in an emulator's an exit looks the same."""
    logs = Logs()
    logs.add(FIRST, took=took)
    (seen,) = looked(logs)
    assert (seen.settled, seen.is_sure, seen.unless_undone) == (settled, is_sure, True)


@pytest.mark.parametrize("took", ["3000", "3000.00"])
def test_what_took_as_long_as_it_may_has_not_returned_for_certain(took: str) -> None:
    """Without a line of a timeout, which is waited for, it is no end."""
    logs = Logs()
    logs.add(FIRST, took=took)
    assert looked(logs) == []
    (seen,) = looked(logs, later_s=20)
    assert (seen.settled, seen.is_sure) == (None, False)


def test_a_log_without_a_report_is_no_proof_either() -> None:
    """An END alone does not say how long it took."""
    logs = Logs()
    logs.add(FIRST)
    logs.lines = [each for each in logs.lines if not each["message"].startswith("REPORT")]
    (seen,) = looked(logs, later_s=20)
    assert (seen.settled, seen.is_sure) == (None, False)


def test_of_two_errors_the_last_is_its_own() -> None:
    """What an earlier process wrote late stands in front of it."""
    logs = Logs()
    logs.add(FIRST, trace("Earlier"), trace("Own"))
    (seen,) = looked(logs)
    assert seen.reply is not None
    assert seen.reply.failure is not None
    assert (seen.reply.failure.error_type, seen.may_be_earlier) == ("Own", False)


def failed_without_a_line() -> Findings:
    """Give what is known of an event that is a dead letter, and whose log tells of no failure."""
    logs = Logs()
    logs.add(FIRST)
    findings = Findings(["a"], alone=True, lag_s=10)
    for seen in looked(logs):
        findings.note(seen)
    findings.note(Sighting(keys=("a",), identity="letter", settled="dead_lettered"))
    return findings


def test_a_dead_letter_whose_log_tells_of_no_failure() -> None:
    """It failed, and nobody knows how: not by reporting records, which its mapping does not ask for."""
    findings = failed_without_a_line()
    assert [findings.has_ended(at_s) for at_s in (0.0, 1.9, 2.0)] == [False, False, True]
    outcome = classify(findings.report("{}"))
    assert outcome.failure is not None
    assert (outcome.status, outcome.failure.error_type, findings.lacks_lines) == ("failed", "", True)


@pytest.mark.parametrize(("traces", "error", "doubtful"), [(["Earlier"], "", True), (["Earlier", "Own"], "Own", False)])
def test_behind_a_failure_without_a_line_one_error_is_nobodys(traces: list[str], error: str, doubtful: bool) -> None:
    """It may be the earlier one's, whose line came late; of two the last is its own."""
    logs = Logs()
    logs.add(SECOND, *map(trace, traces))
    findings = Findings(["a"], alone=True, doubts=True)
    for seen in looked(logs):
        findings.note(seen)
    findings.note(Sighting(keys=("a",), identity="letter", settled="dead_lettered"))
    outcome = classify(findings.report("{}"))
    assert outcome.failure is not None
    assert (outcome.failure.error_type, findings.lacks_lines, findings.shows_its_own) == (error, doubtful, not doubtful)


class Told:
    """A log that tells what it is given to tell."""

    place = "the log"

    def __init__(self, *sightings: Sighting) -> None:
        self.next = list(sightings)

    def begin(self) -> None:
        """Begin."""

    def look(self, sought: Sequence[Sought]) -> Sequence[Sighting]:
        found, self.next = self.next, []
        return found

    def close(self) -> Sequence[str]:
        return ()

    def reason(self) -> str:
        return ""


def returned(number: int) -> Sighting:
    return Sighting(
        keys=("a",), identity=f"i{number}", reply=Reply(status="returned"), at_ms=SENT_MS + number, is_sure=False
    )


@pytest.mark.parametrize(
    ("left_behind", "tries", "at_s", "is_done"),
    [
        (None, 1, 9.0, False),
        (None, 1, 10.0, True),
        (None, 2, 60.0, False),
        (lambda _: True, 2, 60.0, False),
        (lambda _: False, 2, 2.0, True),
    ],
    ids=["may come again", "has not come again", "nobody sees dead letters", "a dead letter came", "none came"],
)
def test_an_unsure_return_needs_more(
    left_behind: Callable[[int], bool] | None, tries: int, at_s: float, is_done: bool
) -> None:
    """It is done once it has not come again, or once no dead letter came of its last try; else nothing is known."""
    now_s, log = [0.0], Told(*map(returned, range(tries)))
    watch = CountedLog(
        log, attempts=2, given_up="discarded", again_within_s=2, left_behind=left_behind, clock=lambda: now_s[0]
    )
    watch.look(SOUGHT)
    now_s[0] = at_s
    assert [each.settled for each in watch.look(SOUGHT)] == (["gone"] if is_done else [])


def test_dead_letters_without_a_sign_are_noticed() -> None:
    """One that came since may be anybody's; what nobody may look into may hold one."""
    letters = DeadLetters(None, "dead", settled="dead_lettered", lease_s=30)
    assert letters.may_have_come_since(0)
    queue = Queue(url="", arn="arn:aws:sqs:us-east-1:123456789012:orders")
    assert SourceQueue(None, queue, beside=[letters]).reason().endswith("nobody may look there")
    letters._queue = queue
    assert SourceQueue(None, queue, beside=[letters]).reason() == ""
    assert not letters.may_have_come_since(0)
    letters._letters = {"m": {"Attributes": {"SentTimestamp": "7"}}}
    assert [letters.may_have_come_since(at_ms) for at_ms in (7, 8)] == [True, False]


@pytest.mark.parametrize(
    ("date", "ahead_ms"),
    [
        ("Fri, 21 Nov 2025 00:00:00 GMT", 0),
        ("Thu, 20 Nov 2025 23:59:59 GMT", 0),
        ("Fri, 21 Nov 2025 00:01:00 GMT", 60_400),
        ("Thu, 20 Nov 2025 23:59:00 GMT", -59_600),
        ("no date", 0),
    ],
)
def test_the_clocks_difference_is_measured_once(date: str, ahead_ms: int) -> None:
    """By the date of the first answer, which has whole seconds; a difference that it does not prove is none."""
    meta = SimpleNamespace(events=HierarchicalEmitter())
    clock = iter([NOW_S, NOW_S + 0.2])
    difference = ClockDifference(SimpleNamespace(meta=meta), here=False, clock=lambda: next(clock))
    for _ in range(1 if date == "no date" else 2):
        meta.events.emit("before-call.cloudwatch-logs.FilterLogEvents", params={})
        parsed = {"ResponseMetadata": {"HTTPHeaders": {"date": date}}}
        meta.events.emit("after-call.cloudwatch-logs.FilterLogEvents", parsed=parsed, http_response=None)
    assert (difference.ahead_ms, difference.is_known) == (ahead_ms, date != "no date")
