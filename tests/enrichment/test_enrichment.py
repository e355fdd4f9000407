"""Captures learn from the log of their function how they failed; whatever goes wrong with that is only a note."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from replay.enrichment import enrichment as module
from replay.enrichment.enrichment import Enriched, Enrichment, LogPlace
from replay.payloads.captures import Capture, Origin
from replay.payloads.envelopes.registry import unwrap
from replay.payloads.failures import Failure
from tests.enrichment.lambda_log import BEGAN_MS, LambdaLog

BEGAN = datetime.fromtimestamp(BEGAN_MS / 1000, UTC)
NOW = BEGAN + timedelta(hours=20)
PLACE = LogPlace(name="orders", timeout_s=3)


@pytest.fixture
def log() -> Iterator[LambdaLog]:
    with mock_aws():
        yield LambdaLog(boto3.client("logs"))


def message(message_id: str = "", *, sent_at: datetime | None = BEGAN, failure: Failure | None = None) -> Capture:
    """A dead letter of an SQS queue; it carries no error."""
    origin = Origin(source="sqs", arn="arn:aws:sqs:us-east-1:1:dlq", identity=message_id or str(uuid.uuid4()))
    return Capture(origin=origin, body="{}", carrier="sqs", sent_at=sent_at, failure=failure)


def failed(request_id: str, message_: str = "'customer_id'", error_type: str = "Unhandled") -> Failure:
    return Failure(
        error_type=error_type, message=message_, request_id=request_id, condition="RetriesExhausted", attempts=3
    )


def enriched(*captures: Capture, place: LogPlace = PLACE, **options: Any) -> tuple[list[Enriched], list[str]]:
    looked_up = Enrichment(boto3.client, place, now=lambda: NOW, **options)
    found = looked_up.enrich([(capture, unwrap(capture)[1]) for capture in captures])
    return found, looked_up.notes


def test_a_message_gets_the_error_of_the_invocation_that_mentions_it(log: LambdaLog) -> None:
    """A plain SQS message knows no request: its id in a line leads to the invocation, its error, lines and report."""
    log.invoke("[INFO] nothing to see here\n")
    dead = message()
    request_id = log.invoke(f"got message {dead.origin.identity}\n", error="KeyError: 'customer_id'")
    log.invoke("[INFO] nothing to see here either\n")
    (known,), notes = enriched(dead)
    failure = known.failure
    assert failure is not None
    assert (failure.error_type, failure.message, failure.observed) == ("KeyError", "'customer_id'", "logs")
    assert [(each.module, each.function) for each in failure.frames] == [("app.py", "handler")]
    assert failure.request_id == request_id
    assert failure.log_lines[0] == f"START RequestId: {request_id} Version: $LATEST"
    assert len(failure.log_lines) == 5
    assert failure.report is not None
    assert (failure.report.duration_ms, failure.report.max_memory_used_mb, failure.report.memory_size_mb) == (
        12.5,
        64,
        128,
    )
    assert (known.of_several, notes) == (False, [])


def test_a_dead_letter_of_a_function_gets_its_stack(log: LambdaLog) -> None:
    """What the record of a failure says of itself stays, and the log adds type, stack and lines."""
    request_id = log.invoke(error="KeyError: 'customer_id'")
    (known,), _ = enriched(message(failure=failed(request_id)))
    failure = known.failure
    assert failure is not None
    assert (failure.error_type, failure.condition, failure.attempts) == ("KeyError", "RetriesExhausted", 3)
    assert failure.frames
    assert failure.stack.startswith("Traceback")


@pytest.mark.parametrize(
    "because", ["RetryAttemptsExhausted", "RecordAgeExceeded", "EventAgeExceeded", "Unhandled", ""]
)
def test_why_aws_gave_up_is_no_error_of_the_function(log: LambdaLog, because: str) -> None:
    """A record without an answer tells only why there is one; the error of its invocation is in the log."""
    request_id = log.invoke(error="KeyError: 'customer_id'")
    (known,), _ = enriched(message(failure=failed(request_id, "", because)))
    assert known.failure is not None
    assert (known.failure.error_type, known.failure.message) == ("KeyError", "'customer_id'")
    assert known.failure.frames


def test_another_error_of_the_source_is_not_replaced(log: LambdaLog) -> None:
    """Where the log tells of another error than the source, the source is believed, and the lines are still there."""
    request_id = log.invoke(error="KeyError: 'customer_id'")
    (known,), _ = enriched(message(failure=failed(request_id, "boom", "ValueError")))
    assert known.failure is not None
    assert (known.failure.error_type, known.failure.frames) == ("ValueError", ())
    assert len(known.failure.log_lines) == 4


def test_the_last_failed_invocation_with_a_stack_tells_most(log: LambdaLog) -> None:
    """Of several deliveries of one message the last that failed counts, not one that worked."""
    dead = message()
    line = f"got {dead.origin.identity}\n"
    log.invoke(line, error="TimeoutError: slow")
    last = log.invoke(line, error="KeyError: 'customer_id'")
    log.invoke(line)
    (known,), _ = enriched(dead)
    assert known.failure is not None
    assert (known.failure.error_type, known.failure.request_id) == ("KeyError", last)


def test_an_error_of_a_batch_is_said_to_be_of_several(log: LambdaLog) -> None:
    """A logged event with two messages: either may have made it fail."""
    dead, other = message(), str(uuid.uuid4())
    records = ", ".join(f'{{"messageId": "{each}", "body": "x"}}' for each in (dead.origin.identity, other))
    log.invoke(f'{{"Records": [{records}]}}\n', error="KeyError: 'customer_id'")
    (known,), _ = enriched(dead)
    assert known.failure is not None
    assert known.of_several


def test_an_invocation_that_worked_is_no_failure(log: LambdaLog) -> None:
    """Partial batch failures end well for Lambda: then the error is still not known."""
    dead = message()
    log.invoke(f"got {dead.origin.identity}\n")
    assert enriched(dead) == ([Enriched(failure=None)], [])


def test_many_are_looked_up_with_few_calls(log: LambdaLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four hundred dead letters of one hour cost some twenty searches, not four hundred; one finds no Insights."""
    dead = [message() for _ in range(400)]
    for each in dead:
        log.invoke(f"got {each.origin.identity}\n", error="KeyError: 'customer_id'", gap_ms=10)
    calls: list[str] = []

    def counting(service: str) -> Any:
        client = boto3.client(service)
        client.meta.events.register("before-call", lambda model, **_: calls.append(model.name))
        return client

    looked_up = Enrichment(counting, PLACE, now=lambda: NOW)
    found = looked_up.enrich([(each, unwrap(each)[1]) for each in dead])
    assert all(each.failure is not None and each.failure.frames for each in found)
    assert len({each.failure.request_id for each in found if each.failure}) == 400
    assert calls.count("FilterLogEvents") == 17 + 1
    assert calls.count("GetLogEvents") <= 40


def test_what_has_no_id_or_no_time_is_left_alone(log: LambdaLog) -> None:
    """Nothing is searched for a capture that nothing names, or of which nobody knows when it was."""
    undated = message(sent_at=None)
    odd = message("not-a-uuid")
    assert enriched(undated, odd) == ([Enriched(failure=None)] * 2, [])


def test_the_log_of_a_stack_s_function_is_found_by_its_name(log: LambdaLog) -> None:
    """CloudFormation puts a stack's name and random letters around a function's: one such group is taken."""
    dead = message()
    LambdaLog(log.client, group="/aws/lambda/shop-OrdersFunction-1A2B").invoke(
        dead.origin.identity, error="KeyError: 'a'"
    )
    (known,), notes = enriched(dead, place=replace(PLACE, name="OrdersFunction"))
    assert known.failure is not None
    assert notes == []


def test_several_logs_of_that_name_are_told(log: LambdaLog) -> None:
    """Nobody guesses between two stacks."""
    for stack in ("shop", "test"):
        LambdaLog(log.client, group=f"/aws/lambda/{stack}-OrdersFunction-1A2B")
    (known,), (note,) = enriched(message(), place=replace(PLACE, name="OrdersFunction"))
    assert known.failure is None
    assert "shop-OrdersFunction-1A2B" in note
    assert "test-OrdersFunction-1A2B" in note
    assert "log_group" in note


def test_the_function_that_a_record_names_is_looked_up(log: LambdaLog) -> None:
    """A destination record tells the function's ARN, whatever the function is called here."""
    request_id = LambdaLog(log.client, group="/aws/lambda/other").invoke(error="KeyError: 'a'")
    capture = message(failure=failed(request_id, "'a'"))
    unwrapped = unwrap(capture)[1]
    arn = "arn:aws:lambda:us-east-1:123456789012:function:other:$LATEST"
    told = replace(unwrapped, details={**unwrapped.details, "function_arn": arn})
    (known,) = Enrichment(boto3.client, PLACE, now=lambda: NOW).enrich([(capture, told)])
    assert known.failure is not None
    assert known.failure.frames


@pytest.mark.parametrize(
    "arn", ["a:b:c:d:e:f:../../secrets", "arn:aws:lambda:us-east-1:123456789012:function:\x1b[31m", 7]
)
def test_a_record_cannot_name_what_is_no_function(log: LambdaLog, arn: Any) -> None:
    """Anybody may have written the record: a name that is none is not asked for, nor shown."""
    request_id = log.invoke(error="KeyError: 'a'")
    capture = message(failure=failed(request_id, "'a'"))
    unwrapped = unwrap(capture)[1]
    told = replace(unwrapped, details={**unwrapped.details, "function_arn": arn})
    looked_up = Enrichment(boto3.client, PLACE, now=lambda: NOW)
    (known,) = looked_up.enrich([(capture, told)])
    assert known.failure is not None
    assert known.failure.frames
    assert looked_up.notes == []


def test_a_missing_log_group_is_one_note(log: LambdaLog) -> None:
    """Without a log the captures are what they were, and the user learns once what to do."""
    dead = [message(failure=failed(str(uuid.uuid4()))) for _ in range(2)]
    looked_up = Enrichment(boto3.client, LogPlace(name="unheard"), now=lambda: NOW)
    pairs = [(each, unwrap(each)[1]) for each in dead]
    for _ in range(2):
        assert [each.failure for each in looked_up.enrich(pairs)] == [each.failure for each in dead]
    (note,) = looked_up.notes
    assert "no such log group" in note
    assert "[tool.replay.functions.unheard] log_group" in note


def test_a_missing_permission_is_one_note() -> None:
    """AWS's AccessDenied (moto has no policies, so botocore's Stubber says it) makes a note that names the action."""
    client = boto3.client("logs", region_name="us-east-1")
    with Stubber(client) as stubber:
        stubber.add_client_error("filter_log_events", "AccessDeniedException", "no")
        looked_up = Enrichment(lambda _: client, PLACE, now=lambda: NOW)
        pair = (dead := message(), unwrap(dead)[1])
        for _ in range(2):
            assert looked_up.enrich([pair]) == [Enriched(failure=None)]
    (note,) = looked_up.notes
    assert "logs:FilterLogEvents" in note


def test_aws_itself_is_searched_by_pattern() -> None:
    """On AWS the ids are in the pattern (emulators cannot do that, so botocore's Stubber checks the request)."""
    client = boto3.client("logs", region_name="us-east-1")
    dead = [message(), message()]
    pattern = " ".join(f'?"{each.origin.identity}"' for each in dead)
    with Stubber(client) as stubber:
        expected = {"logGroupName": "/aws/lambda/orders", "filterPattern": pattern}
        times = {"startTime": BEGAN_MS - 120_000, "endTime": BEGAN_MS + 12 * 3_600_000 + 120_000}
        stubber.add_response("filter_log_events", {"events": [], "nextToken": "more"}, {**expected, **times})
        stubber.add_response("filter_log_events", {"events": []}, {**expected, **times, "nextToken": "more"})
        looked_up = Enrichment(lambda _: client, PLACE, now=lambda: NOW)
        assert looked_up.enrich([(each, unwrap(each)[1]) for each in dead]) == [Enriched(failure=None)] * 2
        stubber.assert_no_pending_responses()
    assert looked_up.notes == []


def test_it_gives_up_in_time(log: LambdaLog) -> None:
    """Out of time nothing more is looked up, and the user learns how many were not."""
    dead = [message() for _ in range(3)]
    found, (note,) = enriched(*dead, longest_s=0)
    assert found == [Enriched(failure=None)] * 3
    assert note == "3 events were not looked up in the logs: it would have taken too long"


def test_a_slow_log_holds_up_no_one(log: LambdaLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that hangs is not waited for beyond the limit."""
    from threading import Event

    hanging = Event()
    client = boto3.client("logs")
    client.meta.events.register("before-call", lambda **_: hanging.wait(5))
    monkeypatch.setattr(module, "LONGEST_BATCH_S", 0.1)
    looked_up = Enrichment(lambda _: client, PLACE, now=lambda: NOW)
    pair = (dead := message(), unwrap(dead)[1])
    try:
        assert looked_up.enrich([pair]) == [Enriched(failure=None)]
        assert looked_up.notes == ["1 event was not looked up in the logs: it would have taken too long"]
    finally:
        hanging.set()


def test_a_mistake_of_ours_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever breaks in here, no event is lost for it."""
    looked_up = Enrichment(lambda _: 1 / 0, PLACE, now=lambda: NOW)
    pair = (dead := message(), unwrap(dead)[1])
    assert looked_up.enrich([pair]) == [Enriched(failure=None)]
    (note,) = looked_up.notes
    assert note.endswith("/aws/lambda/orders: a mistake in replay itself, ZeroDivisionError: please report it")


# Traces


TRACE_ID = "1-65a1b2c3-0123456789abcdef01234567"


def test_a_traced_failure_gets_its_trace(log: LambdaLog) -> None:
    """The log names the trace; its segments come with the place where the fault began (X-Ray is stubbed)."""
    call = {"id": "2" * 16, "name": "DynamoDB", "start_time": 1.0, "end_time": 2.0, "fault": True}
    segment = {
        "id": "1" * 16,
        "name": "orders",
        "start_time": 1.0,
        "end_time": 3.0,
        "fault": True,
        "subsegments": [call],
    }
    trace = {"Id": TRACE_ID, "Segments": [{"Id": "1" * 16, "Document": json.dumps(segment)}]}
    dead = message()
    used = "REPORT RequestId: <id>\tDuration: 1.00 ms\t\n"
    report = f"{used}XRAY TraceId: {TRACE_ID}\tSegmentId: 1\tSampled: true\n"
    log.invoke(f"got {dead.origin.identity}\n", report, error="KeyError: 'a'")
    xray = boto3.client("xray")
    with Stubber(xray) as stubber:
        stubber.add_response("batch_get_traces", {"Traces": [trace]}, {"TraceIds": [TRACE_ID]})
        looked_up = Enrichment(lambda name: xray if name == "xray" else boto3.client(name), PLACE, now=lambda: NOW)
        (known,) = looked_up.enrich([(dead, unwrap(dead)[1])])
    assert known.failure is not None
    assert known.failure.trace_id == TRACE_ID
    assert [(each.name, each.depth, each.began) for each in known.failure.trace] == [
        ("orders", 0, False),
        ("DynamoDB", 1, True),
    ]
    assert looked_up.notes == []


def test_a_missing_permission_for_traces_is_one_note(log: LambdaLog) -> None:
    """The error is known all the same (moto has no policies, so botocore's Stubber denies)."""
    xray = boto3.client("xray")
    dead = message(failure=replace(failed(str(uuid.uuid4())), trace_id=TRACE_ID))
    with Stubber(xray) as stubber:
        stubber.add_client_error("batch_get_traces", "AccessDeniedException", "no")
        looked_up = Enrichment(lambda name: xray if name == "xray" else boto3.client(name), PLACE, now=lambda: NOW)
        pairs = [(dead, unwrap(dead)[1])]
        for _ in range(2):
            assert looked_up.enrich(pairs)[0].failure == dead.failure
    (note,) = looked_up.notes
    assert note.startswith("traces were not looked up: AWS denied xray:BatchGetTraces")


def test_an_emulator_without_log_or_traces_is_nothing_to_tell_of() -> None:
    """On other endpoints than AWS's a missing log is the rule."""
    dead = message(failure=replace(failed(str(uuid.uuid4())), trace_id=TRACE_ID))
    clients = {name: boto3.client(name, endpoint_url="http://127.0.0.1:4566") for name in ("logs", "xray")}
    with Stubber(clients["logs"]) as logs, Stubber(clients["xray"]) as xray:
        logs.add_client_error("filter_log_events", "ResourceNotFoundException", "no")
        logs.add_response("describe_log_groups", {"logGroups": []})
        logs.add_client_error("filter_log_events", "ResourceNotFoundException", "no")
        xray.add_client_error("batch_get_traces", "InternalFailure", "not emulated")
        looked_up = Enrichment(clients.__getitem__, PLACE, now=lambda: NOW)
        assert looked_up.enrich([(dead, unwrap(dead)[1])])[0].failure == dead.failure
    assert looked_up.notes == []
