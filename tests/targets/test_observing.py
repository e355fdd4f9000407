"""Watches: what a function's log, a dead-letter queue and a queue's counts tell of what was sent."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from replay.delivery.attempt import Reply
from replay.errors import SourceRefused
from replay.outcomes.classify import classify
from replay.sources.sqs_queue import find_queue, queue_address
from replay.targets.carrier import Sighting, Sought
from replay.targets.observing.dead_letters import DeadLetters
from replay.targets.observing.findings import Findings
from replay.targets.observing.function_log import FunctionLog, LoggedEnds
from replay.targets.observing.source_queue import SourceQueue

NOW_S = 1_763_683_200.0
NOW_MS = round(NOW_S * 1000)
SOUGHT = [Sought(key="orders/a", signs=("replay-run-1", "message-1"), sent_at_ms=NOW_MS)]
STACK = (
    "[ERROR] KeyError: 'customer_id'\nTraceback (most recent call last):\n"
    '\u00a0\u00a0File "/var/task/app.py", line 3, in handler\n\u00a0\u00a0\u00a0\u00a0event["customer_id"]'
)
RAISED = "3f1e1a3e-0000-4000-8000-000000000001"


class Logs:
    """A log group that shows what it was given."""

    def __init__(self, *lines: tuple[int, str]) -> None:
        self.lines = list(lines)

    def filter_log_events(self, *, startTime: int, endTime: int, **_: Any) -> dict[str, Any]:  # noqa: N803 - AWS's
        shown = [(at, text) for at, text in self.lines if startTime <= at <= endTime]
        return {"events": [{"timestamp": at, "logStreamName": "s", "message": text} for at, text in shown]}


def invocation(at_s: float, *lines: str, request_id: str = RAISED, status: str = "", took_ms: int = 5) -> list[Any]:
    at_ms = round((NOW_S + at_s) * 1000)
    report = f"REPORT RequestId: {request_id}\tDuration: {took_ms:.2f} ms\tMax Memory Used: 40 MB{status}"
    told = (f"START RequestId: {request_id} Version: $LATEST", *lines, f"END RequestId: {request_id}", report)
    return [(at_ms + number, text) for number, text in enumerate(told)]


def watch(logs: Logs, ends: LoggedEnds | None = None, *, at_s: float = 1.0) -> FunctionLog:
    clock = iter([NOW_S] * 2)
    return FunctionLog(
        logs,
        "/aws/lambda/orders",
        code=Path(),
        ends=ends or LoggedEnds(returned="processed", timeout_s=3),
        quiet_s=0.0,
        clock=lambda: next(clock, NOW_S + at_s),
        sleep=lambda _: None,
    )


def seen(logs: Logs, ends: LoggedEnds | None = None, *, later: Sequence[Any] = (), at_s: float = 1.0) -> list[Sighting]:
    log = watch(logs, ends, at_s=at_s)
    log.begin()
    logs.lines += later
    return list(log.look(SOUGHT))


def test_an_invocation_is_known_by_a_sign() -> None:
    """Lines with the marker or an id name the entry; the error comes with its frames, as an answer would have it."""
    (sighting,) = seen(Logs(), later=invocation(0.5, "got replay-run-1", STACK))
    assert (sighting.keys, sighting.settled) == (("orders/a",), None)
    assert sighting.reply is not None
    assert sighting.reply.status == "raised"
    assert sighting.reply.failure is not None
    assert [frame.module for frame in sighting.reply.failure.frames] == ["app.py"]


def test_without_a_sign_nobody_is_named() -> None:
    """Such an invocation is nobody's by itself; where others invoked the function before, it is not even told."""
    (sighting,) = seen(Logs(), later=invocation(0.5, "got something"))
    assert (sighting.keys, sighting.settled) == ((), "processed")
    busy = Logs(*invocation(0.0, "somebody else's", request_id="9" * 8 + RAISED[8:]))
    assert seen(busy, later=invocation(0.5, "got something")) == []


def test_a_timeout_is_told_behind_its_report() -> None:
    """An invocation that took as long as it may is not over before its timeout could have been told."""
    lines = invocation(0.2, took_ms=3000)
    assert seen(Logs(), later=lines) == []
    timed_out = (lines[-1][0] + 1, f"2026-01-01T00:00:00.000Z {RAISED} Task timed out after 3.00 seconds")
    (sighting,) = seen(Logs(), later=[*lines, timed_out])
    assert sighting.reply is not None
    assert sighting.reply.status == "timed_out"


def test_every_attempt_of_an_event_counts() -> None:
    """The attempts of one asynchronous event have one request id: the last of them gives it up."""
    sought = [Sought(key="orders/a", signs=(RAISED,), sent_at_ms=NOW_MS)]
    logs = Logs()
    log = watch(logs, LoggedEnds(returned="processed", given_up="dead_lettered", attempts=2, timeout_s=3))
    log.begin()
    logs.lines += [*invocation(0.1, STACK), *invocation(0.4, STACK)]
    assert [each.settled for each in log.look(sought)] == [None, "dead_lettered"]
    assert log.look(sought) == []


def test_what_was_sent_before_a_run_was_broken_off_is_still_seen() -> None:
    """Its invocation lies before the watch began: it is known by its sign, and read from when it was sent on."""
    logs = Logs(*invocation(-300, "got replay-run-1"))
    log = watch(logs)
    log.begin()
    before = [Sought(key="orders/a", signs=("replay-run-1",), sent_at_ms=NOW_MS - 300_000)]
    assert [each.keys for each in log.look(before)] == [("orders/a",)]
    assert log.look(before) == []


def test_an_exit_is_told_between_the_lines() -> None:
    """What Lambda itself writes of a process that ended is how the invocation ended."""
    said = f"RequestId: {RAISED} Error: Runtime exited with error: exit status 3\nRuntime.ExitError"
    (sighting,) = seen(Logs(), later=invocation(0.1, said))
    assert sighting.reply is not None
    assert sighting.reply.status == "exited"


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        yield boto3.client("sqs")


def test_dead_letters_are_seen_and_given_back(client: Any) -> None:
    """Only what holds a sign is told; everything is visible again afterwards, and nothing is consumed."""
    url = client.create_queue(QueueName="dead")["QueueUrl"]
    client.send_message(QueueUrl=url, MessageBody="an old one")
    letters = DeadLetters(client, "dead", settled="dead_lettered", lease_s=60)
    letters.begin()
    assert letters.look(SOUGHT) == []
    attribute = {"replay-marker": {"DataType": "String", "StringValue": "replay-run-1"}}
    client.send_message(QueueUrl=url, MessageBody="ours", MessageAttributes=attribute)
    (sighting,) = letters.look(SOUGHT)
    assert (sighting.keys, sighting.settled) == (("orders/a",), "dead_lettered")
    assert letters.look(SOUGHT) == []
    assert letters.close() == ()
    back = client.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert sorted(each["Body"] for each in back) == ["an old one", "ours"]


def test_a_destinations_record_tells_the_failure(client: Any) -> None:
    """Error and stack are in the record that Lambda sends to a destination."""
    url = client.create_queue(QueueName="failures")["QueueUrl"]
    record = {
        "version": "1.0",
        "timestamp": "2026-01-01T00:00:00.000Z",
        "requestContext": {"requestId": RAISED, "functionArn": "arn:aws:lambda:us-east-1:123456789012:function:orders:$LATEST", "condition": "RetriesExhausted", "approximateInvokeCount": 3},
        "requestPayload": {"marker": "replay-run-1"},
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "responsePayload": {"errorMessage": "no", "errorType": "Boom", "stackTrace": []},
    }  # fmt: skip
    client.send_message(QueueUrl=url, MessageBody=json.dumps(record))
    watching = DeadLetters(client, "failures", settled="sent_to_destination", lease_s=60)
    watching.begin()
    (sighting,) = watching.look(SOUGHT)
    assert sighting.reply is not None
    assert sighting.reply.failure is not None
    assert sighting.reply.failure.error_type == "Boom"


def test_a_dead_letter_queue_with_one_of_its_own_is_left_alone(client: Any) -> None:
    """Each look would push its messages further."""
    client.create_queue(QueueName="last")
    policy = json.dumps({"deadLetterTargetArn": "arn:aws:sqs:us-east-1:123456789012:last", "maxReceiveCount": 2})
    client.create_queue(QueueName="dead", Attributes={"RedrivePolicy": policy})
    with pytest.raises(SourceRefused, match="its own redrive policy"):
        DeadLetters(client, "dead", settled="dead_lettered", lease_s=60).begin()


def test_an_empty_queue_holds_nothing_of_ours(client: Any) -> None:
    """While anything is visible or in flight nothing is said; an empty queue is told each time anew."""
    url = client.create_queue(QueueName="orders")["QueueUrl"]
    queue = SourceQueue(client, find_queue(client, queue_address("orders")))
    client.send_message(QueueUrl=url, MessageBody="x")
    assert queue.look(SOUGHT) == ()
    assert "still holds about 1" in queue.reason()
    handle = client.receive_message(QueueUrl=url)["Messages"][0]["ReceiptHandle"]
    assert queue.look(SOUGHT) == ()
    client.delete_message(QueueUrl=url, ReceiptHandle=handle)
    first, second = queue.look(SOUGHT)[0], queue.look(SOUGHT)[0]
    assert first.settled == second.settled == "gone"
    assert first.identity != second.identity


def sighting(identity: str, *keys: str, status: Any = None, settled: Any = None, at_ms: int = 1) -> Sighting:
    reply = Reply(status=status, log="" if status == "returned" else "x") if status else None
    return Sighting(keys=keys, identity=identity, reply=reply, settled=settled, at_ms=at_ms if status else 0)


def test_a_failure_and_a_dead_letter_are_an_end() -> None:
    """What failed three times and is dead-lettered is told as such; the same sighting counts once."""
    findings = Findings(["a"], alone=True, record_ids=["m"])
    for number in (1, 2, 3, 3):
        findings.note(sighting(f"i{number}", status="timed_out", at_ms=number))
    assert not findings.has_ended(0.0)
    findings.note(sighting("letter", "a", settled="dead_lettered"))
    assert findings.has_ended(0.0)
    outcome = classify(findings.report("{}"))
    assert (outcome.status, outcome.dispositions, len(outcome.report.invocations)) == (
        "timed_out",
        ["dead_lettered"],
        3,
    )


def test_a_part_of_a_batch_is_told_apart() -> None:
    """Dead letters name the records that failed; those that are gone from the queue were processed."""
    findings = Findings(["a#1", "a#2"], alone=True, record_ids=["m1", "m2"])
    findings.note(sighting("i", status="returned"))
    findings.note(sighting("letter", "a#2", settled="dead_lettered"))
    for number in range(2):
        assert not findings.has_ended(0.0)
        findings.note(sighting(f"empty {number}", "a#1", "a#2", settled="gone"))
    assert findings.has_ended(100.0) or findings.has_ended(200.0)
    outcome = classify(findings.report("{}"))
    assert (outcome.status, outcome.dispositions) == ("partially_failed", ["processed", "dead_lettered"])


def test_what_failed_last_is_not_processed_because_it_is_gone() -> None:
    """A count of a queue is an approximation: after a failure it proves nothing."""
    findings = Findings(["a"], alone=True)
    findings.note(sighting("i", status="raised"))
    for number in range(5):
        findings.note(sighting(f"empty {number}", "a", settled="gone"))
    assert not findings.has_ended(1000.0)
    assert classify(findings.report("{}")).dispositions == ["still_queued"]


def test_a_count_alone_proves_nothing() -> None:
    """Where no invocation was seen, an empty queue is waited on for a minute, and then nothing is known."""
    findings = Findings(["a"], alone=True, lag_s=10)
    for number in range(2):
        findings.note(sighting(f"empty {number}", "a", settled="gone"))
    assert [findings.has_ended(at_s) for at_s in (0.0, 59.0, 60.0)] == [False, False, True]
    assert findings.is_only_gone
    findings.note(sighting("i", "a", status="returned"))
    assert not findings.is_only_gone


def test_a_part_that_is_only_gone_proves_nothing() -> None:
    """Of two records one is a dead letter, and of the other nothing is known but that it is gone."""
    findings = Findings(["a#1", "a#2"], alone=False, record_ids=["m1", "m2"])
    findings.note(sighting("letter", "a#2", settled="dead_lettered"))
    for number in range(2):
        findings.note(sighting(f"empty {number}", "a#1", "a#2", settled="gone"))
    assert not findings.has_ended(0.0)
    assert findings.is_only_gone


def test_a_success_that_names_nobody_waits_for_another_one() -> None:
    """One is believed some seconds later; with a second one nobody knows which was its own, and that is known at once."""
    findings = Findings(["a"], alone=True, unsigned_lag_s=5)
    findings.note(sighting("i", status="returned", settled="processed"))
    assert [findings.has_ended(at_s) for at_s in (0.0, 4.9, 5.0)] == [False, False, True]
    assert not findings.is_mixed
    findings.note(sighting("j", status="returned", settled="processed"))
    assert findings.is_mixed


def test_a_success_that_names_its_event_waits_for_none() -> None:
    """A sign of the event in the log is proof, whoever else invokes the function."""
    findings = Findings(["a"], alone=True, unsigned_lag_s=5)
    findings.note(sighting("i", "a", status="returned", settled="processed"))
    assert findings.has_ended(0.0)
    assert not findings.is_mixed


def test_of_many_under_way_nothing_is_guessed() -> None:
    """What nobody can tell apart is nobody's, and what is another's is not ours."""
    findings = Findings(["a"], alone=False)
    findings.note(sighting("i", status="raised"))
    findings.note(sighting("j", "b", status="raised"))
    assert not findings.has_failed
