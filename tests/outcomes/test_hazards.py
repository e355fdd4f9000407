"""What a run notes of a real handler on a mocked AWS, and of its event source."""

import sys
from pathlib import Path
from textwrap import dedent

import pytest

from replay.delivery.attempt import Attempt, Reply
from replay.delivery.report import DeliveryReport, Invocation
from replay.functions.function import Function
from replay.outcomes.classify import classify
from replay.outcomes.hazards import hazards
from replay.payloads.event_sources import EventSource, EventSourceKind
from replay.replayer.event_delivery import EventDelivery
from replay.targets.local import LocalTarget
from tests.delivery.sqs_events import ARN, as_text, sqs_event
from tests.replayer.test_replayer import fixture, function

RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"
SENDS = """
import boto3
sqs = boto3.client("sqs", "us-east-1")
def handler(event, context):
    url = sqs.create_queue(QueueName="QUEUE")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody=event["Records"][0]["body"])
"""


@pytest.mark.parametrize("is_loop", [True, False])
def test_a_queue_that_is_sent_to_again_is_noted(is_loop: bool, tmp_path: Path) -> None:
    """The queue's URL is still known for what it is in the redacted effects of a real call."""
    name = ARN.rpartition(":")[2]
    (tmp_path / "app.py").write_text(dedent(SENDS).replace("QUEUE", name if is_loop else "another"))
    chosen = Function(name="orders", handler="app.handler", code=tmp_path, runtime=RUNTIME)
    with LocalTarget(chosen) as target:
        recorded = fixture(event_text=as_text(sqs_event(["a"])))
        outcome = EventDelivery.of(recorded, target, chosen).afresh()
    assert outcome.status == "succeeded"
    note = f"infinite loop: orders writes to the queue that calls it, {name} (sqs:SendMessage)"
    assert hazards(outcome, chosen, EventSource(kind="sqs")) == ([note] if is_loop else [])
    assert [call.name for call in outcome.called("sqs:SendMessage")] == ["sqs:SendMessage"]


@pytest.mark.parametrize(
    ("visible_s", "note"),
    [
        (180, ""),
        (None, ""),
        (179, "orders has 30 s, and its queue hides a message for 179 s only"),
        (29, "orders has 30 s, and its queue hides a message for 29 s only; Lambda refuses that"),
    ],
)
def test_a_short_visibility_timeout_is_noted(visible_s: int | None, note: str, tmp_path: Path) -> None:
    """Less than six times the function's timeout brings a message back that is still being worked on."""
    (tmp_path / "app.py").write_text("def handler(event, context):\n    pass\n")
    chosen = Function(name="orders", handler="app.handler", code=tmp_path, runtime=RUNTIME, timeout_s=30)
    with LocalTarget(chosen) as target:
        outcome = EventDelivery.of(fixture(), target, chosen).afresh()
    source = EventSource(kind="sqs", visibility_timeout_s=visible_s)
    assert hazards(outcome, chosen, source) == ([note] if note else [])
    assert hazards(outcome, function(timeout_s=30), EventSource(kind="sns", visibility_timeout_s=1)) == []


@pytest.mark.parametrize(
    ("kind", "heeds", "answer", "is_noted"),
    [
        ("sqs", False, '{"batchItemFailures": [{"itemIdentifier": "a"}]}', True),
        ("kinesis", False, '{"batchItemFailures": [{"itemIdentifier": "a"}]}', True),
        ("sqs", True, '{"batchItemFailures": [{"itemIdentifier": "a"}]}', False),
        ("sns", False, '{"batchItemFailures": [{"itemIdentifier": "a"}]}', False),
        ("sqs", False, '{"batchItemFailures": []}', False),
        ("sqs", False, '"batchItemFailures"', False),
        ("sqs", False, "null", False),
    ],
)
def test_a_report_that_nobody_heeds_is_noted(kind: EventSourceKind, heeds: bool, answer: str, is_noted: bool) -> None:
    """Records that a function reports as failed count as done where the event source does not ask for such a report."""
    reply = Reply(status="returned", payload=answer)
    report = DeliveryReport(
        invocations=(Invocation(attempt=Attempt(payload="{}"), reply=reply),), dispositions={"a": "processed"}
    )
    source = EventSource(kind=kind, report_batch_item_failures=heeds)
    notes = hazards(classify(report), function(), source)
    assert [note.partition(",")[0] for note in notes] == (["orders reports records as failed"] if is_noted else [])
