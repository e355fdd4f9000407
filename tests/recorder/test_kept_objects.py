"""A message that points to its payload in S3 is replayed with that payload, and nothing private reaches the disk."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from replay.config import ClaimCheckSettings
from replay.errors import FixtureError
from replay.fixtures.fixture import Fixture
from replay.fixtures.store import Store
from replay.functions.function import Function
from replay.recorder import RecordingSummary, record
from replay.recorder.redacting_again import redact_again
from replay.redaction.redactor import Redactor
from replay.redaction.settings import RedactionSettings
from replay.replayer import Replayer
from replay.sources.sqs import SqsSource
from replay.sources.sqs_options import SqsOptions
from replay.targets.base import Invoker
from replay.targets.local import LocalTarget
from replay.targets.process import ProcessTarget
from tests.cli.command_line import RUNTIME

SECRET = "AKIA" + "Q7R2ZK4M9XN1B5VD"
HANDLER = """
import json, boto3

def handler(event, context):
    for record in event["Records"]:
        kind, at = json.loads(record["body"])
        found = boto3.client("s3").get_object(Bucket=at["s3BucketName"], Key=at["s3Key"])
        order = json.loads(found["Body"].read())
        raise KeyError("customer of order %s" % order["id"])
"""
ALLOWED = ClaimCheckSettings(buckets=("orders-payloads",))


def pointer(key: str = "5b1e9c0a-6d1f-4c57-9a2e-0f6f6f0f2f11") -> str:
    at = {"s3BucketName": "orders-payloads", "s3Key": key}
    return json.dumps(["software.amazon.payloadoffloading.PayloadS3Pointer", at])


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Give an AWS with one message whose payload is in S3."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="orders-payloads")
        s3.put_object(
            Bucket="orders-payloads",
            Key="5b1e9c0a-6d1f-4c57-9a2e-0f6f6f0f2f11",
            Body=json.dumps({"id": 17, "password": SECRET}).encode(),
        )
        sqs = boto3.client("sqs")
        url = sqs.create_queue(QueueName="orders-dlq")["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody=pointer())
        yield s3


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "fixtures")


def recorded(store: Store, settings: ClaimCheckSettings | None, **options: Any) -> RecordingSummary:
    source = SqsSource(SqsOptions(queue="orders-dlq", wait_s=0, concurrency=1, **options))
    redact = Redactor(RedactionSettings(key=b"test"))
    return record(source, store=store, function="orders", redact=redact, claim_checks=settings)


def only(store: Store) -> Fixture:
    (reference,) = store.references()
    return store.load(reference)


def test_a_message_that_points_to_very_many_objects_fills_no_disk(
    aws: Any, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No more than the first of them are fetched, and how many were left out is told."""
    monkeypatch.setattr("replay.recorder.kept_objects.MOST_OBJECTS", 2)
    for key in "abc":
        aws.put_object(Bucket="orders-payloads", Key=key, Body=b"{}")
    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName="orders-dlq")["QueueUrl"]
    sqs.purge_queue(QueueUrl=url)
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps([pointer(key) for key in "abc"]))
    summary = recorded(store, ALLOWED)
    assert [each.key for each in only(store).objects] == ["a", "b"]
    assert "1 payload was not fetched from S3: of one event at most 2 are kept" in summary.notes


def test_the_payload_lies_beside_the_event(aws: Any, store: Store) -> None:
    """The event stays the pointer that the handler gets; the object is kept in a file, redacted, and the schema fits."""
    summary = recorded(store, ALLOWED)
    fixture = only(store)
    (kept,) = fixture.objects
    assert json.loads(fixture.event_text)["Records"][0]["body"] == pointer()
    assert (kept.bucket, kept.key) == ("orders-payloads", "5b1e9c0a-6d1f-4c57-9a2e-0f6f6f0f2f11")
    assert json.loads(kept.text)["id"] == 17
    folder = store.root / "orders" / fixture.reference.name
    assert sorted(path.name for path in folder.iterdir()) == ["claim-check-1.txt", "event.json", "fixture.json"]
    assert (folder / "claim-check-1.txt").read_text() == kept.text
    assert [each.detector for each in kept.redactions]
    assert summary.changed == 1
    assert SECRET not in "".join(path.read_text() for path in folder.iterdir())
    assert store.validate(fixture.reference) == []
    assert summary.notes == () or "not fetched" not in " ".join(summary.notes)


def test_a_payload_that_cannot_be_fetched_costs_nothing(aws: Any, store: Store) -> None:
    """The event is recorded all the same, and a note says what to do."""
    summary = recorded(store, None)
    assert (summary.written, summary.failed) == (1, 0)
    assert only(store).objects == ()
    assert any('buckets = ["orders-payloads"]' in note for note in summary.notes)


def test_recording_again_brings_what_was_missing(aws: Any, store: Store) -> None:
    """Once the bucket is allowed, the fixture that is there gets its payload; it keeps all else, and gets it once."""
    recorded(store, None)
    before = only(store)
    summary = recorded(store, ALLOWED)
    assert (summary.written, summary.duplicates) == (0, 1)
    assert any("the payloads of 1 fixture recorded before were added" in note for note in summary.notes)
    after = only(store)
    assert len(after.objects) == 1
    assert (after.event_text, after.provenance) == (before.event_text, before.provenance)
    aws.delete_object(Bucket="orders-payloads", Key=after.objects[0].key)
    assert recorded(store, ALLOWED).notes == summary.notes[:-1]
    assert only(store) == after


def test_a_drain_has_the_payload_on_disk_first(aws: Any, store: Store) -> None:
    """The message is deleted when its fixture is durable, object and all."""
    assert recorded(store, ALLOWED, drain=True).deleted == 1
    assert len(only(store).objects) == 1


def test_what_is_redacted_again_is_redacted_here_too(aws: Any, store: Store) -> None:
    """A rule that comes later holds for the object as for the event; a second time changes nothing."""
    recorded(store, ALLOWED)
    redact = Redactor(RedactionSettings.read({"redact": ["id"]}, key=lambda: b"test"))
    (again,) = redact_again(store, redact, store.references())
    assert getattr(again, "changed", None) is True, again
    (kept,) = only(store).objects
    assert json.loads(kept.text)["id"] != 17
    assert kept.key in only(store).event_text
    (twice,) = redact_again(store, redact, store.references())
    assert getattr(twice, "changed", None) is False, twice


@pytest.mark.parametrize("target", [LocalTarget, ProcessTarget])
def test_the_replay_finds_the_payload(aws: Any, store: Store, target: type[Invoker], tmp_path: Path) -> None:
    """The handler reads the object from the mocked S3 and fails as on AWS, again and again, in this process or another."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "app.py").write_text(HANDLER)
    recorded(store, ALLOWED)
    function = Function(name="orders", handler="app.handler", code=tmp_path / "code", runtime=RUNTIME, timeout_s=20)
    reference = only(store).reference
    invokers: list[Invoker] = []

    def opened(function: Function) -> Invoker:
        invokers.append(target(function, project=tmp_path))  # type: ignore[call-arg]  # each target takes these
        return invokers[0]

    aws.delete_object(Bucket="orders-payloads", Key=only(store).objects[0].key)
    with Replayer(store, functions=lambda _: function, open_invoker=opened, repeat=2, pin=False) as replayer:
        replayed = replayer.judge(reference)
    failure = replayed.outcomes[-1].failure  # type: ignore[union-attr]  # else this fails too
    assert failure is not None
    assert (failure.error_type, failure.message) == ("KeyError", "'customer of order 17'")


@pytest.mark.parametrize(
    "change", [lambda path: path.unlink(), lambda path: path.write_bytes(b"\xff")], ids=["missing", "no text"]
)
def test_a_lost_object_is_told(aws: Any, store: Store, change: Any) -> None:
    """A fixture whose object is not there is not replayed with something else."""
    recorded(store, ALLOWED)
    (path,) = store.root.rglob("claim-check-1.txt")
    change(path)
    with pytest.raises(FixtureError, match="not there, or is no text"):
        only(store)


@pytest.mark.parametrize("name", ["../../secret", "event.json", "claim-check-0.txt", "/etc/passwd"])
def test_no_other_file_is_read(aws: Any, store: Store, name: str) -> None:
    """Who sends a fixture cannot make its reader open what lies elsewhere."""
    recorded(store, ALLOWED)
    (path,) = store.root.rglob("fixture.json")
    document = json.loads(path.read_text())
    document["objects"][0]["file"] = name
    path.write_text(json.dumps(document))
    with pytest.raises(FixtureError, match="not there, or is no text"):
        only(store)
