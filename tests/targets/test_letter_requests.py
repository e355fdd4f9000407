"""The log of a function, and the requests that dead letters name: whose lines are whose."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from replay.delivery.attempt import Reply
from replay.outcomes.classify import classify
from replay.targets.carrier import Sighting, Sought
from replay.targets.observing.counted_log import CountedLog
from replay.targets.observing.dead_letters import DeadLetters
from replay.targets.observing.findings import Findings
from replay.targets.observing.function_log import FunctionLog, LoggedEnds
from replay.targets.observing.letter_owners import LetterRequests, Owner
from replay.targets.observing.unclaimed import Unclaimed
from tests.targets.letters import (
    OTHERS,
    OURS,
    STACK,
    dead_letter_queue,
    send,
    sought,
)


@pytest.fixture
def sqs() -> Iterator[Any]:
    with dead_letter_queue() as client:
        yield client


class Logs:
    """A log group that shows what it was given."""

    def __init__(self) -> None:
        self.lines: list[tuple[int, str]] = []
        self.error: Exception | None = None

    def add(self, request_id: str, *lines: str, at_ms: int) -> None:
        report = f"REPORT RequestId: {request_id}\tDuration: 5.00 ms\tMax Memory Used: 40 MB"
        texts = (f"START RequestId: {request_id} Version: $LATEST", *lines, f"END RequestId: {request_id}", report)
        self.lines += [(at_ms + number, text) for number, text in enumerate(texts)]

    def filter_log_events(self, *, startTime: int, endTime: int, **_: Any) -> dict[str, Any]:  # noqa: N803 - AWS's
        if self.error is not None:
            raise self.error
        shown = [(at, text) for at, text in self.lines if startTime <= at <= endTime]
        return {"events": [{"timestamp": at, "logStreamName": "s", "message": text} for at, text in shown]}


class Clock:
    now_s = 1_763_683_200.0

    def __call__(self) -> float:
        return self.now_s


def function_log(logs: Logs, clock: Clock, requests: LetterRequests | None = None) -> FunctionLog:
    ends = LoggedEnds(returned="processed", given_up="dead_lettered", attempts=1, timeout_s=3)
    log = FunctionLog(
        logs, "/aws/lambda/orders", code=Path(), ends=ends, quiet_s=0.0, requests=requests, clock=clock,
        sleep=lambda _: None,
    )  # fmt: skip
    log.begin()
    return log


def test_the_request_of_a_dead_letter_leads_to_its_lines(sqs: Any) -> None:
    """Two events of a replayed minute fail, and the log names neither: each gets the error of its own request."""
    logs, clock, requests = Logs(), Clock(), LetterRequests()
    log = function_log(logs, clock, requests)
    dead = DeadLetters(
        sqs, "dead", settled="dead_lettered", lease_s=60, owner=Owner(function="orders"), requests=requests, clock=clock
    )
    dead.begin()
    clock.now_s += 1
    at_ms = round(clock.now_s * 1000)
    logs.add(OTHERS, STACK.replace("KeyError", "ValueError"), at_ms=at_ms)
    logs.add(OURS, STACK, at_ms=at_ms + 10)
    findings = {key: Findings([key], alone=False, lag_s=10) for key in ("a", "b")}
    wanted = [*sought("a", sign="e-1", sent_at_ms=at_ms), *sought("b", sign="e-2", sent_at_ms=at_ms)]

    def look() -> None:
        for watch in (log, dead):
            for sighting in watch.look(wanted):
                for each in findings.values():
                    each.note(sighting)

    look()
    assert not findings["a"].has_failed
    for event_id, request_id in (("e-1", OURS), ("e-2", OTHERS)):
        attributes = {
            "RequestID": ("String", request_id),
            "ErrorCode": ("Number", "200"),
            "ErrorMessage": ("String", "x"),
        }
        send(sqs, {"id": event_id, "source": "shop"}, **attributes)
    clock.now_s += 60  # the lines were read long ago, and are not read again
    look()
    look()
    errors = {}
    for key, each in findings.items():
        assert each.has_ended(0.0)
        outcome = classify(each.report("{}"))
        assert outcome.dispositions == ["dead_lettered"]
        errors[key] = outcome.report.invocations[-1].reply.failure
    assert [error and error.error_type for error in errors.values()] == ["KeyError", "ValueError"]
    assert all(error and error.frames for error in errors.values())


def test_what_came_before_its_turn_is_still_known() -> None:
    """One replay brings a whole minute: the lines that name its second event are found when that is sought."""
    logs, clock = Logs(), Clock()
    log = function_log(logs, clock)
    clock.now_s += 1
    now_ms = round(clock.now_s * 1000)
    logs.add(OURS, "order e-2 failed", STACK, at_ms=now_ms)
    (first,) = log.look(sought("a", sign="e-1", sent_at_ms=now_ms))
    assert first.keys == ()
    clock.now_s += 120
    (second,) = log.look(sought("b", sign="e-2", sent_at_ms=round(clock.now_s * 1000)))
    assert (second.keys, second.identity) == (("b",), first.identity)
    assert log.look(sought("b", sign="e-2")) == []


def test_a_busy_function_tells_what_a_dead_letter_names() -> None:
    """Where others invoke the function nobody's invocations are told, but for those whose request is known."""
    logs, clock, requests = Logs(), Clock(), LetterRequests()
    logs.add("9" * 8 + OURS[8:], at_ms=round(clock.now_s * 1000))
    log = function_log(logs, clock, requests)
    clock.now_s += 1
    logs.add(OURS, STACK, at_ms=round(clock.now_s * 1000))
    wanted = sought("a", sent_at_ms=round(clock.now_s * 1000))
    assert [(each.keys, each.whose) for each in log.look(wanted)] == [((), "unknown")]
    requests.note(OURS, ("a",))
    assert [each.keys for each in log.look(wanted)] == [("a",)]


def test_what_is_kept_for_later_is_bounded() -> None:
    """A function that others invoke all day long fills no memory: the oldest is forgotten."""
    kept = Unclaimed()
    for number in range(40):
        kept.keep(Sighting(keys=(), identity=str(number)), str(number), ["x" * 1024 * 1024])
    claimed = kept.claimed(lambda request_id: ("a",), ())
    assert [each.identity for each in claimed] == [str(number) for number in range(24, 40)]


def test_a_log_group_that_is_not_there_is_said(sqs: Any) -> None:
    """A function that was never invoked has none: the first invocation makes it, and until then that is the reason."""
    from botocore.exceptions import ClientError

    logs, clock = Logs(), Clock()
    logs.error = ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": "no"}}, "FilterLogEvents")
    log = function_log(logs, clock)
    assert log.look(sought("a")) == []
    assert "/aws/lambda/orders is not there" in log.reason()
    logs.error = None
    logs.add(OURS, STACK, at_ms=round(clock.now_s * 1000))
    assert len(log.look(sought("a", sent_at_ms=round(clock.now_s * 1000)))) == 1
    assert (
        log.reason()
        == "the log group /aws/lambda/orders does not say whose an invocation is: log the ids, or send one at a time"
    )


def test_tries_are_counted_for_each_request() -> None:
    """Three events that failed once each are not one that has failed three times."""
    told = [
        Sighting(keys=(), identity=str(number), reply=Reply(status="raised"), at_ms=1, request_id=str(number))
        for number in range(3)
    ]

    class Log(FunctionLog):
        def __init__(self) -> None:
            """Tell three failures."""

        def look(self, sought: Sequence[Sought]) -> Sequence[Sighting]:
            return told

    counted = CountedLog(Log(), attempts=3, given_up="dead_lettered", again_within_s=2)
    assert [each.settled for each in counted.look(sought("a"))] == [None] * 3


def test_what_may_be_anybodys_is_not_counted() -> None:
    """A stranger's success that does not come again is no end of what was sent."""
    told = [Sighting(keys=(), identity="1", reply=Reply(status="returned"), at_ms=1, is_sure=False, whose="unknown")]

    class Log(FunctionLog):
        def __init__(self) -> None:
            """Tell one invocation."""

        def look(self, sought: Sequence[Sought]) -> Sequence[Sighting]:
            return [told.pop()] if told else []

    clock = Clock()
    counted = CountedLog(Log(), attempts=3, given_up="dead_lettered", again_within_s=2, clock=clock)
    assert len(counted.look(sought("a"))) == 1
    clock.now_s += 60
    assert counted.look(sought("a")) == []
