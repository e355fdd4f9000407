"""A failed batch of a stream gets its records back while the stream has them; what is lost is told, record by record."""

import base64
import json
import shlex
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.cli.main import main
from replay.enrichment.completers import completers_for
from replay.enrichment.stream_completion import StreamCompleter
from replay.payloads.captures import Capture, Missing, Origin, StreamRange, StreamRecords
from replay.payloads.envelopes.base import Unwrapped
from replay.payloads.envelopes.registry import unwrap
from replay.payloads.event_sources import EventSource
from replay.recorder.missing_events import reading_command, why_missing
from tests.readers.fake_streams import KINESIS, SHARD, TABLE, FakeStream

FUNCTION = "arn:aws:lambda:eu-west-1:111122223333:function:clicks"


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("replay.readers.streams._PAUSE_S", 0)
    monkeypatch.setattr("replay.readers.streams._PATIENCE_S", (0.0, 0.0))


def failure_of(first: int, last: int, *, kind: str = "kinesis", size: int | None = None, **batch: Any) -> Capture:
    """A failure record as it lies in a queue."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    told = {
        "shardId": SHARD, "startSequenceNumber": str(1000 + first), "endSequenceNumber": str(1000 + last),
        "approximateArrivalOfFirstRecord": now, "approximateArrivalOfLastRecord": now,
        "batchSize": size or last - first + 1, "streamArn": KINESIS if kind == "kinesis" else TABLE, **batch,
    }  # fmt: skip
    context = {"requestId": "r-1", "functionArn": FUNCTION, "condition": "RetryAttemptsExhausted",
               "approximateInvokeCount": 3}  # fmt: skip
    answer = {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"}
    body = {"requestContext": context, "responseContext": answer, "version": "1.0", "timestamp": now}
    name = "KinesisBatchInfo" if kind == "kinesis" else "DDBStreamBatchInfo"
    return Capture(
        origin=Origin(source="sqs", arn="q", identity="m"), body=json.dumps({**body, name: told}), carrier="sqs"
    )


def completed(
    client: FakeStream, *captures: Capture, sources: Sequence[EventSource] = ()
) -> tuple[list[Unwrapped], list[str]]:
    (completer,) = completers_for(lambda _: client, "clicks", sources)
    return [completer.complete(capture, unwrap(capture)[1]) for capture in captures], completer.notes


def numbers_of(unwrapped: Unwrapped) -> list[int]:
    assert unwrapped.event.missing is None
    records = json.loads(unwrapped.event.text)["Records"]
    if unwrapped.event.kind == "kinesis":
        return [json.loads(base64.b64decode(each["kinesis"]["data"]))["n"] for each in records]
    return [int(each["dynamodb"]["SequenceNumber"]) - 1000 for each in records]


@pytest.mark.parametrize("kind", ["kinesis", "dynamodb"])
def test_a_batch_becomes_one_event_with_its_failure(kind: str) -> None:
    """All records of the batch, none beside them, the role of the function, and what the failure record said."""
    (found,), notes = completed(FakeStream(9, kind=kind), failure_of(2, 5, kind=kind))
    assert numbers_of(found) == [2, 3, 4, 5]
    assert (found.event.kind, found.failure and found.failure.condition) == (kind, "RetryAttemptsExhausted")
    assert ("role/clicks" in found.event.text) == (kind == "kinesis")
    assert notes == []


@pytest.mark.parametrize(
    "batch",
    [
        {"startSequenceNumber": "LATEST"},
        {"endSequenceNumber": "1005 or so"},
        {"startSequenceNumber": "1" * 300},
        {"streamArn": TABLE},
        {"shardId": ""},
    ],
)
def test_what_aws_has_not_written_is_asked_of_nobody(batch: dict[str, str]) -> None:
    """A failure record may be anybody's message: where its places are none of a stream's, AWS is not called for it."""
    client = FakeStream(9)
    (found,), _ = completed(client, failure_of(2, 5, **batch))
    assert found.event.missing is not None
    assert client.calls == []


@given(st.integers(0, 9), st.integers(1, 6), st.integers(0, 12), st.integers(0, 15))
def test_nothing_is_lost_without_a_word(first: int, length: int, trimmed: int, count: int) -> None:
    """Whatever has expired: the event has the rest, and what is missing is counted, or the event is told as missing."""
    last = first + length - 1
    (found,), notes = completed(FakeStream(count, trimmed=min(trimmed, count)), failure_of(first, last))
    left = [n for n in range(first, last + 1) if min(trimmed, count) <= n < count]
    if not left:
        assert found.event.missing is not None
        assert f"{length} record" in found.event.missing.reason
        assert f"from {1000 + first} to {1000 + last}" in found.event.missing.reason
        assert found.event.missing.stream is None, "a command that reads it again would find nothing"
        return
    assert numbers_of(found) == left
    lost_in_front = left[0] - first
    assert found.details.get("records_expired", 0) >= lost_in_front
    assert bool(notes) == bool(lost_in_front)


def test_an_expired_batch_says_since_when() -> None:
    """How many records, which, and when the last of them expired."""
    ended = datetime.now(UTC) - timedelta(hours=30)
    capture = failure_of(2, 4, approximateArrivalOfLastRecord=ended.isoformat())
    (found,), _ = completed(FakeStream(9, trimmed=9), capture)
    assert found.event.missing is not None
    since = f"{ended + timedelta(hours=24):%Y-%m-%d %H:%M} UTC"
    told = f"they expired, the last at {since} (the stream keeps records for 24 h)"
    assert found.event.missing.reason == f"3 records of {KINESIS} {SHARD} from 1002 to 1004: {told}"


def test_a_shard_that_is_gone_is_expired() -> None:
    """After a reshard the old shard vanishes with its last record; the stream is still there."""
    (found,), _ = completed(FakeStream(9, gone=True), failure_of(2, 4))
    assert found.event.missing is not None
    assert "the stream has them no longer" in found.event.missing.reason


def test_what_may_not_be_read_stays_to_be_read_and_is_asked_for_once() -> None:
    """A denied stream makes a problem that names the permission and the command, not a call for each record."""
    client = FakeStream(9, refusals=["AccessDeniedException"] * 9)
    found, _ = completed(client, failure_of(1, 2), failure_of(3, 4), failure_of(5, 6))
    assert [name for name, _ in client.calls] == ["describe_stream_summary", "get_shard_iterator"]
    for each in found:
        assert each.event.missing is not None
        told = why_missing(each.event.missing, "clicks")
        assert "AWS denied kinesis:GetRecords" in told or "AWS denied" in told
        assert "replay record stream --stream" in told


def test_a_stream_of_another_region_is_left_to_its_own_command() -> None:
    """The clients are those of the queue: in another region they would find nothing, or another stream."""
    elsewhere = KINESIS.replace("eu-west-1", "us-east-1")
    (found,), _ = completed(FakeStream(9), failure_of(1, 2, streamArn=elsewhere))
    assert found.event.missing is not None
    assert "its records are in us-east-1, and this recording reads in eu-west-1" in found.event.missing.reason
    assert reading_command(found.event.missing.stream or StreamRecords(kind="kinesis", arn="", ranges=()), "f")


def test_what_a_filter_held_back_is_left_out() -> None:
    """Between the first and the last record lie those that the mapping's filter skipped: they did not fail."""
    odd = EventSource(kind="kinesis", arn=KINESIS, filter_criteria=('{"data": {"n": [1, 3, 5]}}',))
    (found,), notes = completed(FakeStream(9), failure_of(1, 5, size=3), sources=[odd])
    assert (numbers_of(found), notes) == ([1, 3, 5], [])


def test_more_records_than_the_batch_had_are_told() -> None:
    """Without a known filter nobody knows which were in it: all are kept."""
    (found,), (note,) = completed(FakeStream(9), failure_of(1, 5, size=3))
    assert numbers_of(found) == [1, 2, 3, 4, 5]
    assert note.startswith("1 batch has more records")
    assert found.details["records_read"] == 5


@pytest.mark.parametrize(
    "change",
    [
        {"streamArn": "arn:aws:kinesis:eu-west-1:111122223333:stream/x; rm -rf ~"},
        {"shardId": "$(reboot)"},
        {"startSequenceNumber": "1' || '1"},
        {"streamArn": "clicks"},
        {"startSequenceNumber": ""},
    ],
)
def test_what_anybody_can_write_into_a_queue_leads_to_no_command(change: dict[str, str]) -> None:
    """A failure record may be forged: nothing of it becomes a shell's command unless it has AWS's own form."""
    missing = unwrap(failure_of(1, 2, **change))[1].event.missing
    assert missing is not None
    assert missing.stream is not None
    assert reading_command(missing.stream, "clicks") == ""


def test_the_command_is_the_whole_and_one_that_replay_takes(capsys: pytest.CaptureFixture[str]) -> None:
    """Every option of the hint is there; typed into a shell it is the same."""
    missing = unwrap(failure_of(2, 4))[1].event.missing
    assert missing is not None
    command = why_missing(missing, "my clicks").rpartition(": replay ")[2]
    assert shlex.split(command) == [
        "record", "stream", "--stream", KINESIS, "--shard", SHARD, "--from", "1002", "--to", "1004",
        "--batch-size", "3", "--function", "my clicks",
    ]  # fmt: skip
    with pytest.raises(SystemExit) as ended:
        main([*shlex.split(command), "--help"])
    assert ended.value.code == 0


def test_a_range_that_is_no_batch_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A forged failure record could name all that a stream has: it is told, and memory stays small."""
    monkeypatch.setattr("replay.readers.stream_batches.MOST_RECORDS_READ", 20)
    client = FakeStream(1_000)
    (found,), _ = completed(client, failure_of(0, 10**9, size=1))
    assert found.event.missing is not None
    assert "there are more than 20 records from 1000 to 1000001000" in found.event.missing.reason
    assert len(client.calls) < 30


def test_kafka_is_left_as_it_is() -> None:
    """Records of a topic are not read again."""
    part = StreamRange(partition="orders-0", first="1", last="2")
    stream = StreamRecords(kind="kafka", arn="arn:aws:kafka:eu-west-1:111122223333:cluster/x", ranges=(part,))
    capture = failure_of(1, 2)
    unwrapped = unwrap(capture)[1]
    event = type(unwrapped.event)(text="{}", kind="kafka", missing=Missing(reason="r", stream=stream))
    told = Unwrapped(event=event, event_source=unwrapped.event_source)
    assert StreamCompleter(lambda _: FakeStream(1), "f", ()).complete(capture, told) is told
    assert why_missing(event.missing or Missing(reason=""), "f") == f"r: {stream.arn} orders-0 from 1 to 2"
