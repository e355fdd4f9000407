"""A recording of a dead-letter queue is one of its failures, with their logs: from the queue and the log to the fixture."""

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from replay.enrichment import enrichment
from replay.enrichment.enrichment import LogPlace
from replay.fixtures.fixture import Fixture
from replay.fixtures.store import Store
from replay.outcomes.fingerprint import signature
from replay.recorder import RecordingSummary, record
from replay.redaction.redactor import Redactor
from replay.redaction.settings import RedactionSettings
from replay.sources.sqs import SqsSource
from replay.sources.sqs_options import SqsOptions
from tests.enrichment.lambda_log import LambdaLog

PLACE = LogPlace(name="orders", timeout_s=3)


class Queue:
    """A dead-letter queue, and the log of the function that its messages failed in."""

    def __init__(self) -> None:
        self.client = boto3.client("sqs")
        self.url = self.client.create_queue(QueueName="orders-dlq")["QueueUrl"]
        began = datetime.now(UTC) - timedelta(minutes=1)
        self.log = LambdaLog(boto3.client("logs"), at_ms=int(began.timestamp() * 1000))

    def dead_letter(self, body: str, *lines: str, error: str = "") -> str:
        message_id: str = self.client.send_message(QueueUrl=self.url, MessageBody=body)["MessageId"]
        self.log.invoke(f"got {message_id}\n", *lines, error=error, gap_ms=10)
        return message_id


@pytest.fixture
def queue() -> Iterator[Queue]:
    with mock_aws():
        yield Queue()


def recorded(folder: Path, **options: Any) -> tuple[RecordingSummary, list[Fixture]]:
    store = Store(folder)
    summary = record(
        SqsSource(SqsOptions(queue="orders-dlq", wait_s=0, concurrency=1)),
        store=store,
        function="orders",
        redact=Redactor(RedactionSettings(key=b"k" * 32)),
        **{"logs": lambda: PLACE, **options},
    )
    return summary, [store.load(each) for each in store.references()]


def test_a_plain_message_becomes_a_reproduction(queue: Queue, tmp_path: Path) -> None:
    """A message without an error gets it from the log: the fixture expects that very signature."""
    queue.dead_letter('{"order_id": 1}', error="KeyError: 'customer_id'")
    summary, (fixture,) = recorded(tmp_path)
    assert summary.by_failure == {"KeyError: 'customer_id'": 1}
    assert fixture.failure is not None
    assert (fixture.failure.observed, fixture.failure.error_type) == ("logs", "KeyError")
    assert fixture.expectation.wants == "reproduces"
    assert fixture.expectation.signature == signature(fixture.failure)
    assert fixture.expectation.signature.frames == ("app.py:handler:order['customer_id']",)
    assert fixture.failure.report is not None
    assert fixture.reference.name.startswith("keyerror-customer-id--")


def test_nothing_private_comes_in_by_the_log(queue: Queue, tmp_path: Path) -> None:
    """Lines, error and stack are redacted before anything is written, JSON lines as JSON."""
    secret = json.dumps({"level": "INFO", "message": {"password": "hunter2-hunter2", "email": "ada@shop.example"}})
    queue.dead_letter("{}", f"{secret}\n", error="ValueError: no such customer: ada@shop.example")
    _, (fixture,) = recorded(tmp_path)
    assert fixture.failure is not None
    assert any('"password"' in line for line in fixture.failure.log_lines)
    written = "".join(path.read_text(encoding="utf-8") for path in tmp_path.rglob("*.json"))
    assert "hunter2" not in written
    assert "ada@shop.example" not in written


def test_failures_are_told_apart_and_counted(queue: Queue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages are looked up some at a time, and each gets its own error."""
    monkeypatch.setattr("replay.recorder.capture_recorder.BATCH", 4)
    for number in range(10):
        error = "KeyError: 'customer_id'" if number % 2 else "TypeError: no number"
        queue.dead_letter(json.dumps({"n": number, "error": error}), error=error)
    summary, fixtures = recorded(tmp_path)
    assert summary.by_failure == {"KeyError: 'customer_id'": 5, "TypeError: no number": 5}
    for fixture in fixtures:
        body = json.loads(json.loads(fixture.event_text)["Records"][0]["body"])
        assert fixture.failure is not None
        assert body["error"] == f"{fixture.failure.error_type}: {fixture.failure.message}"


def test_without_enrichment_nothing_is_looked_up(queue: Queue, tmp_path: Path) -> None:
    """`--no-enrich` leaves the log alone."""
    queue.dead_letter("{}", error="KeyError: 'customer_id'")
    _, (fixture,) = recorded(tmp_path, logs=None)
    assert (fixture.failure, fixture.expectation.wants) == (None, "fails")


def test_a_limit_holds(queue: Queue, tmp_path: Path) -> None:
    """No more are recorded than were asked for, though they are looked up together."""
    for number in range(6):
        queue.dead_letter(f'{{"n": {number}}}', error="KeyError: 'customer_id'")
    summary, fixtures = recorded(tmp_path, limit=4)
    assert (summary.written, len(fixtures)) == (4, 4)
    summary, fixtures = recorded(tmp_path, limit=5, keep_all=True, where={"body": {"n": [{"numeric": [">=", 4]}]}})
    assert {json.loads(json.loads(each.event_text)["Records"][0]["body"])["n"] for each in fixtures} >= {4, 5}


def test_an_error_of_a_batch_is_kept_and_not_expected(queue: Queue, tmp_path: Path) -> None:
    """The error may be another message's: it is shown, and the first local failure is what will be pinned."""
    other = f'{{"messageId": "{uuid.uuid4()}"}}'
    dead = queue.client.send_message(QueueUrl=queue.url, MessageBody="{}")["MessageId"]
    queue.log.invoke(f'{{"Records": [{{"messageId": "{dead}"}}, {other}]}}\n', error="KeyError: 'customer_id'")
    _, (fixture,) = recorded(tmp_path)
    assert fixture.failure is not None
    assert (fixture.failure.error_type, fixture.expectation.wants) == ("KeyError", "fails")


def test_no_log_costs_no_message(queue: Queue, tmp_path: Path) -> None:
    """A log that cannot be read is a note, and every message is recorded all the same."""
    for number in range(3):
        queue.dead_letter(f'{{"n": {number}}}')
    summary, fixtures = recorded(tmp_path, logs=lambda: LogPlace(name="orders", log_group="/elsewhere"))
    assert len(fixtures) == 3
    assert any("/elsewhere" in note for note in summary.notes)


def test_ctrl_c_while_looking_up_loses_nothing(queue: Queue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was not yet recorded goes back to the queue, and comes with the next recording."""
    queue.dead_letter("{}", error="KeyError: 'customer_id'")

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(enrichment.Enrichment, "enrich", interrupted)
        summary, fixtures = recorded(tmp_path)
    assert (summary.interrupted, fixtures) == (True, [])
    assert len(recorded(tmp_path)[1]) == 1
