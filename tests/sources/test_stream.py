"""The stream source: ranges of Kinesis and table streams as their function gets them, and failure records in files."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from replay.cli.source_options import build_options
from replay.errors import AwsError, ConfigurationError, SourceError
from replay.fixtures.store import Store
from replay.payloads.captures import Capture
from replay.recorder import record
from replay.redaction.redactor import Redactor
from replay.sources import aws_options as module
from replay.sources.permissions import AwsPlace
from replay.sources.stream import StreamOptions, StreamSource
from replay.sources.stream_failures import StreamFailures
from tests.enrichment.test_stream_completion import failure_of
from tests.readers.fake_streams import BEGAN, KINESIS, SHARD, TABLE, FakeStream, arrived


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("replay.readers.streams._PAUSE_S", 0)


@pytest.fixture
def aws() -> Iterator[None]:
    with mock_aws():
        yield


def recorded(**options: Any) -> tuple[list[Capture], list[str]]:
    time = {name: options.pop(name, None) for name in ("since", "until")}
    with StreamSource(StreamOptions(**options)).open() as recording:
        recording.within(time["since"], time["until"])
        captures = list(recording.captures())
    return captures, recording.notes


def faked(client: FakeStream, **options: Any) -> tuple[list[Capture], list[str]]:
    """Record from a stream as stingy as AWS; without a time, from its beginning."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "aws_client", lambda *_, **__: client)
        patch.setattr("replay.readers.streams._PAUSE_S", 0)
        return recorded(**{"function": "clicks", **options})


def numbers(captures: list[Capture]) -> list[list[int]]:
    return [
        [json.loads(base64.b64decode(each["kinesis"]["data"]))["n"] for each in json.loads(capture.body)["Records"]]
        for capture in captures
    ]


@given(
    count=st.integers(0, 20), first=st.integers(0, 20), length=st.integers(1, 20), size=st.integers(1, 6),
    trimmed=st.integers(0, 20), pages=st.lists(st.integers(0, 4), min_size=1, max_size=4).filter(any),
)  # fmt: skip
def test_a_range_comes_in_batches_each_record_once(
    count: int, first: int, length: int, size: int, trimmed: int, pages: list[int]
) -> None:
    """Both ends included, in order, no batch larger than asked for; what has expired is told."""
    client = FakeStream(count, trimmed=min(trimmed, count), pages=pages)
    begin, end = str(1000 + first), str(1000 + first + length - 1)
    captures, notes = faked(client, stream="clicks", shard=SHARD, from_=begin, to=end, batch_size=size)
    found = numbers(captures)
    expected = [n for n in range(first, first + length) if min(trimmed, count) <= n < count]
    assert [n for batch in found for n in batch] == expected
    assert all(len(batch) == size for batch in found[:-1])
    is_whole = bool(expected) and expected[0] == first
    assert any("no longer there" in note or "nothing from" in note for note in notes) == (not is_whole)


def test_a_time_has_both_its_ends() -> None:
    """From a moment to a moment, by when records arrived."""
    times = [(BEGAN + timedelta(seconds=n)).isoformat() for n in (2, 4)]
    captures, _ = faked(FakeStream(9), stream=KINESIS, from_=times[0], to=times[1])
    assert numbers(captures) == [[2], [3], [4]]
    captures, _ = faked(
        FakeStream(9), stream=KINESIS, since=BEGAN + timedelta(seconds=2), until=BEGAN + timedelta(seconds=4)
    )
    assert numbers(captures) == [[2], [3], [4]]
    captures, _ = faked(FakeStream(9, kind="dynamodb"), stream=TABLE, from_=times[0], to=times[1])
    assert len(captures) == 3


class Unordered(FakeStream):
    """A stream whose records arrived at other times than their order says: the number, and how many seconds later."""

    later: dict[int, float]

    def record(self, number: int) -> dict[str, Any]:
        at = arrived(number) + timedelta(seconds=self.later.get(number, 0))
        record = super().record(number)
        if self.kind == "kinesis":
            return {**record, "ApproximateArrivalTimestamp": at}
        return {**record, "dynamodb": {**record["dynamodb"], "ApproximateCreationDateTime": at}}


@pytest.mark.parametrize(("kind", "stream"), [("kinesis", KINESIS), ("dynamodb", TABLE)])
def test_a_record_behind_the_end_does_not_hide_those_after_it(
    kind: str, stream: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A record that lies a little beyond the end is left out; those after it and those of the child are recorded."""
    client = Unordered(5, kind=kind, closed=True)
    client.later = {1: 30}
    child = {"ShardId": "shardId-000000000002", "ParentShardId": SHARD}
    shards = {"Shards": [{"ShardId": SHARD}, child]}
    monkeypatch.setattr(client, "list_shards", lambda **_: shards)
    monkeypatch.setattr(client, "describe_stream", lambda **_: {"StreamDescription": shards})
    end = (BEGAN + timedelta(seconds=10)).isoformat()
    captures, _ = faked(client, stream=stream, from_=BEGAN.isoformat(), to=end)
    assert [each.origin.identity[-6:] for each in captures] == [f"{n}:100{m}" for n in (1, 2) for m in (0, 2, 3, 4)]


def test_a_shard_is_left_a_minute_behind_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the rest of a shard nor its child is read once a record lies more than a minute beyond the end."""
    client = FakeStream(10_000, pages=(100,))
    child = {"ShardId": "shardId-000000000002", "ParentShardId": SHARD}
    monkeypatch.setattr(client, "list_shards", lambda **_: {"Shards": [{"ShardId": SHARD}, child]})
    end = BEGAN + timedelta(seconds=130)
    captures, _ = faked(client, stream=KINESIS, from_=BEGAN.isoformat(), to=end.isoformat())
    assert len(captures) == 131
    assert [name for name, _ in client.calls].count("get_records") == 2
    assert [name for name, _ in client.calls].count("get_shard_iterator") == 1


def test_a_stream_that_is_written_to_is_read_up_to_now() -> None:
    """Without an end, reading stops at the first record that has come since it began, and does not wait for others."""
    client = Unordered(9, pages=(1,))
    client.later = dict.fromkeys(range(9), (datetime.now(UTC) - BEGAN).total_seconds() + 20)
    captures, _ = faked(client, stream=KINESIS, from_="2020-01-01")
    assert captures == []
    assert [name for name, _ in client.calls].count("get_records") == 1


@pytest.mark.parametrize("kind", ["kinesis", "dynamodb"])
def test_a_range_of_sequence_numbers_takes_few_calls(kind: str) -> None:
    """However small the batches are, as many records are asked for at once as AWS gives, and none behind the last."""
    client = FakeStream(5_000, pages=(10_000,), kind=kind)
    stream = KINESIS if kind == "kinesis" else TABLE
    captures, _ = faked(client, stream=stream, shard=SHARD, from_="1000", to="3999")
    assert len(captures) == 3_000
    assert [name for name, _ in client.calls].count("get_records") == (1 if kind == "kinesis" else 3)


class Sparse(FakeStream):
    """A shard of a table that begins with empty pages."""

    empty = 0

    def get_records(self, **named: Any) -> dict[str, Any]:
        if self.empty:
            self.empty -= 1
            return {"Records": [], "NextShardIterator": named["ShardIterator"]}
        return super().get_records(**named)


def test_empty_pages_of_a_closed_shard_are_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table's shard that is listed as closed is read to its end, and nothing needs to be said of it."""
    client = Sparse(3, kind="dynamodb", closed=True)
    client.empty = 500
    shard = {"ShardId": SHARD, "SequenceNumberRange": {"StartingSequenceNumber": "1", "EndingSequenceNumber": "1002"}}
    monkeypatch.setattr(client, "describe_stream", lambda **_: {"StreamDescription": {"Shards": [shard]}})
    captures, notes = faked(client, stream=TABLE, from_=BEGAN.isoformat())
    assert len(captures) == 3
    assert not any("empty answers" in note for note in notes)
    client.empty = 5_000
    captures, notes = faked(client, stream=TABLE, from_=BEGAN.isoformat())
    assert captures == []
    assert any(f"reading {SHARD} was given up after 1,000 empty answers" in note for note in notes)


@pytest.mark.parametrize(
    ("count", "place", "told"),
    [
        (3, {}, ""),
        (0, {}, "1 open shard (shardId-000000000001) gave nothing but empty answers"),
        (3, {"shard": SHARD, "from_": "1000", "to": "1002"}, ""),
        (
            3,
            {"shard": SHARD, "from_": "1000", "to": "1005"},
            "reading shardId-000000000001 was given up after 50 empty",
        ),
    ],
)
def test_the_tip_of_a_table_s_shard_is_told_only_where_it_is_none(count: int, place: dict[str, str], told: str) -> None:
    """Silence after records is ordinary; a note says where nothing came at all, or not up to the record asked for."""
    _, notes = faked(FakeStream(count, kind="dynamodb"), stream=TABLE, **{"from_": BEGAN.isoformat(), **place})
    empty = [note for note in notes if "empty answers" in note]
    assert len(empty) == bool(told)
    assert all(note.startswith(told) for note in empty)


def test_a_capture_is_known_by_its_place_in_the_stream() -> None:
    """One record as its eventID names it, several by both ends; so it is the same in every recording."""
    captures, _ = faked(FakeStream(5), stream=KINESIS, from_="2020-01-01", batch_size=3)
    assert [(each.origin.arn, each.origin.identity, each.origin.place) for each in captures] == [
        (KINESIS, f"{SHARD}:1000-1002", f"clicks {SHARD}"),
        (KINESIS, f"{SHARD}:1003-1004", f"clicks {SHARD}"),
    ]
    assert captures[0].sent_at == BEGAN + timedelta(seconds=2)


def test_without_a_time_the_last_hour_is_read_and_said() -> None:
    """A stream has no end and no beginning: the default is short, and told with how far back it goes."""
    captures, notes = faked(FakeStream(5), stream=KINESIS)
    assert captures == []
    assert any(note.startswith("only the hour before ") and note.endswith("up to 24 h") for note in notes)


def test_a_beginning_that_has_expired_is_told() -> None:
    """What came before the stream's retention can be read by nobody."""
    since = datetime.now(UTC) - timedelta(days=3)
    _, notes = faked(FakeStream(5), stream=KINESIS, since=since)
    assert any("has expired: this stream keeps records for 24 h" in note for note in notes)


def test_a_role_that_may_not_be_looked_up_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The records then have a role that is called unknown."""
    client = FakeStream(2)
    monkeypatch.setattr(client, "get_function_configuration", lambda **_: {})
    captures, notes = faked(client, stream=KINESIS, from_="2020-01-01")
    assert "arn:aws:iam::111122223333:role/unknown" in captures[0].body
    assert any("the role of clicks could not be looked up" in note for note in notes)


def test_children_of_a_shard_are_read_where_the_range_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a reshard the range goes on in the children, and not where it had ended before."""
    client = FakeStream(3, closed=True)
    child = {"ShardId": "shardId-000000000002", "ParentShardId": SHARD}
    other = {"ShardId": "shardId-000000000003", "ParentShardId": "shardId-000000000000"}
    monkeypatch.setattr(client, "list_shards", lambda **_: {"Shards": [child, other, {"ShardId": SHARD}]})
    captures, _ = faked(client, stream=KINESIS, shard=SHARD, from_="1001", to="9999")
    assert [each.origin.identity.partition(":")[0][-1] for each in captures] == ["1", "1", "2", "2"]
    captures, _ = faked(client, stream=KINESIS, shard=SHARD, from_="1001", to="1002")
    assert [each.origin.identity for each in captures] == [f"{SHARD}:1001", f"{SHARD}:1002"]


def test_a_shard_that_is_not_there_is_told_with_those_that_are() -> None:
    """A misspelt shard, or one that has expired, is an error with the shards that the stream has."""
    with pytest.raises(SourceError) as caught:
        faked(FakeStream(3), stream=KINESIS, shard="shardId-7", from_="1001", to="1002")
    assert caught.value.expected == f"such as {SHARD}"


def test_a_table_is_found_by_its_name(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The latest stream of a table; a table without a stream is told."""
    monkeypatch.setenv("AWS_ACCOUNT_ID_ENDPOINT_MODE", "disabled")  # moto does not know the endpoints of accounts
    client = boto3.client("dynamodb", region_name="us-east-1")
    keys = {"KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}], "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}]}  # fmt: skip
    view = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    client.create_table(TableName="orders", StreamSpecification=view, **keys)
    client.create_table(TableName="plain", **keys)
    client.put_item(TableName="orders", Item={"id": {"S": "o-1"}, "total": {"N": "1.50"}, "raw": {"B": b"\x00\xff"}})
    (capture,), _ = recorded(table="orders", from_="1h", function="orders")
    (change,) = json.loads(capture.body)["Records"]
    assert change["eventName"] == "INSERT"
    assert change["dynamodb"]["NewImage"]["total"] == {"N": "1.50"}
    with pytest.raises(SourceError, match="no stream"):
        recorded(table="plain", function="orders")


OTHERS_TABLE = "arn:aws:dynamodb:us-east-1:999999999999:table/orders"


class NameOnly(FakeStream):
    """Answers for the caller's own account, whatever account an ARN names, as emulators do."""

    stream = TABLE

    def describe_table(self, **named: Any) -> dict[str, Any]:
        self.calls.append(("describe_table", named))
        return {"Table": {"LatestStreamArn": self.stream}}

    def list_streams(self, **named: Any) -> dict[str, Any]:
        self.calls.append(("list_streams", named))
        return {"Streams": [{"StreamArn": self.stream}]}


@pytest.mark.parametrize(
    "options",
    [
        {"table": OTHERS_TABLE},
        {"table": "arn:aws:dynamodb:eu-west-1:999999999999:table/orders"},
        {"table": "arn:aws:dynamodb:us-east-1:111122223333:table/orders"},
        {"stream": KINESIS.replace("111122223333", "999999999999")},
        {"stream": KINESIS.replace("eu-west-1", "us-east-1")},
    ],
)
def test_the_data_of_another_place_than_that_of_the_arn_is_refused(options: dict[str, str]) -> None:
    """Where a stream of another account or region comes back than the ARN names, it is refused before it is read."""
    client = NameOnly(3, kind="dynamodb" if "table" in options else "kinesis")
    with pytest.raises(ConfigurationError) as caught:
        faked(client, from_="2020-01-01", **options)
    assert "is of account 111122223333 in eu-west-1" in caught.value.what
    assert caught.value.where in options.values()
    assert "999999999999" in caught.value.expected or "us-east-1" in caught.value.expected
    assert "--profile" in caught.value.hint
    assert not any(name in {"get_records", "get_shard_iterator"} for name, _ in client.calls)


def test_a_table_of_another_account_is_read_by_its_arn() -> None:
    """AWS is asked with the ARN, and reads the stream of that account where its policies allow it."""
    client = NameOnly(3, kind="dynamodb")
    client.stream = f"{OTHERS_TABLE}/stream/2026-11-01T00:00:00.000"
    captures, _ = faked(client, table=OTHERS_TABLE, from_="2020-01-01")
    assert {each.origin.arn for each in captures} == {client.stream}
    assert client.calls[0] == ("describe_table", {"TableName": OTHERS_TABLE})


def test_the_table_of_an_arn_is_asked_for_beside_its_stream(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """With an emulator's endpoint for the streams alone, the table is not looked up in a real account."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB_STREAMS", "http://localhost:4566")
    with pytest.raises(ConfigurationError, match="asked in two places"):
        recorded(table=OTHERS_TABLE, from_="1h", function="orders")


@pytest.mark.parametrize(
    "options",
    [
        {"stream": "a", "table": "b"},
        {"path": (Path("x"),), "stream": "a"},
        {"path": (Path("x"),), "shard": "s"},
        {"stream": "a", "from_": "1001"},
        {"stream": "a", "batch_size": 0},
        {"stream": KINESIS, "region": "us-east-1"},
        {"stream": KINESIS, "from_": "yesterday"},
        {"stream": KINESIS, "from_": "1h", "to": "2h"},
        {"stream": KINESIS, "shard": SHARD, "from_": "1005", "to": "1004"},
        {"stream": KINESIS, "shard": SHARD, "from_": "10000", "to": "9999"},
        {"table": TABLE},
        {"table": KINESIS},
    ],
)
def test_what_cannot_be_meant_is_refused(options: dict[str, Any]) -> None:
    """Two streams, a sequence number without its shard, a region that the ARN contradicts, no moment, a wrong order."""
    with pytest.raises(ConfigurationError):
        faked(FakeStream(1), **options)


def test_a_range_can_stand_in_the_configuration(tmp_path: Path) -> None:
    """Its keys are those of the command line, though `from` is a word of Python's own."""
    table = {"stream": "clicks", "from": "2h", "to": "1h"}
    options = build_options(StreamSource, {"from_": "3h"}, table, where="[tool.replay.sources.clicks]", root=tmp_path)
    assert (options.from_, options.to) == ("3h", "1h")
    options = build_options(StreamSource, {}, table, where="[tool.replay.sources.clicks]", root=tmp_path)
    assert options.from_ == "2h"
    with pytest.raises(ConfigurationError) as caught:
        build_options(StreamSource, {}, {"form": "2h"}, where="[tool.replay.sources.clicks]", root=tmp_path)
    assert caught.value.hint == "did you mean 'from'?"


def test_a_stream_that_is_not_there_is_told(aws: None) -> None:
    """AWS's own word, with the name."""
    with pytest.raises(AwsError) as caught:
        recorded(stream="nowhere", region="us-east-1")
    assert "nowhere" in caught.value.where
    with pytest.raises(SourceError, match="which stream"):
        recorded()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"stream": "clicks"}, {"kinesis": "arn:aws:kinesis:eu-west-1:1:stream/clicks"}),
        ({"stream": KINESIS}, {"kinesis": KINESIS}),
        ({"stream": TABLE}, {"dynamodb": TABLE}),
        ({"table": "orders"}, {"dynamodb": "arn:aws:dynamodb:eu-west-1:1:table/orders/stream/*"}),
        ({"table": OTHERS_TABLE}, {"dynamodb": f"{OTHERS_TABLE}/stream/*"}),
        (
            {"path": (Path("x"),)},
            {
                "kinesis": "arn:aws:kinesis:eu-west-1:1:stream/*",
                "dynamodb": "arn:aws:dynamodb:eu-west-1:1:table/*/stream/*",
            },
        ),
    ],
)
def test_the_policy_names_the_stream(options: dict[str, Any], expected: dict[str, str]) -> None:
    """Reading is allowed on what the options name, and on no more."""
    declared = StreamSource(StreamOptions(**options)).permissions(AwsPlace(region="eu-west-1", account_id="1"))
    finding = {"dynamodb:ListStreams", "dynamodb:DescribeTable"}
    reading = {each.actions[0].partition(":")[0]: each for each in declared if each.actions[0] not in finding}
    named = [each.resources for each in declared if each.actions == ("dynamodb:DescribeTable",)]
    assert named == ([(OTHERS_TABLE,)] if options.get("table") == OTHERS_TABLE else [])
    reading.pop("lambda", None)
    assert {service: each.resources for service, each in reading.items()} == {
        service: (arn,) for service, arn in expected.items()
    }
    assert not any(each.optional for each in reading.values())


# Failure records in files


def test_failure_records_in_files_become_fixtures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bare, and in a message as `aws sqs receive-message` prints it; what is none is told, and the rest goes on."""
    (tmp_path / "a.json").write_text(failure_of(1, 3).body)
    message = {"MessageId": "0a1b2c3d-1111-4222-8333-444455556666", "Body": failure_of(5, 5).body}
    (tmp_path / "b.json").write_text(json.dumps({"Messages": [message]}))
    (tmp_path / "c.json").write_text('{"hello": 1}')
    regions: list[str] = []

    def client(service: str, *, region: str | None, **_: object) -> FakeStream:
        regions.append(region or "")
        return FakeStream(9)

    monkeypatch.setattr(module, "aws_client", client)
    store = Store(tmp_path / "fixtures")
    source = StreamSource(StreamOptions(path=(tmp_path,)))
    summary = record(source, store=store, function="clicks", redact=Redactor(), durable=True)
    assert (summary.written, summary.failed) == (2, 1)
    assert "this is no failure record of a stream" in summary.problems[0]
    assert set(regions) == {"eu-west-1"}, "the region of the stream, which the record tells"
    fixtures = [store.load(reference) for reference in store.references()]
    assert all(each.provenance.sent_at for each in fixtures), "when the batch was given up"
    assert {each.provenance.identity for each in fixtures} == {f"{SHARD}:1001-1003", f"{SHARD}:1005"}
    assert {(each.provenance.source, each.provenance.arn, each.kind) for each in fixtures} == {
        ("stream", KINESIS, "kinesis")
    }


def test_failure_records_of_two_regions_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Errors are looked up in the log of one region: that those of the other may be missing is said."""
    (tmp_path / "a.json").write_text(failure_of(1, 3).body)
    (tmp_path / "b.json").write_text(failure_of(5, 5).body.replace("eu-west-1", "us-east-1"))
    monkeypatch.setattr(module, "aws_client", lambda *_, **__: FakeStream(9))
    source = StreamSource(StreamOptions(path=(tmp_path,)))
    summary = record(source, store=Store(tmp_path / "fixtures"), function="clicks", redact=Redactor())
    (note,) = [each for each in summary.notes if "at a time" in each]
    assert note.startswith("these are failure records of eu-west-1, us-east-1")


def test_a_file_without_failure_records_is_told(tmp_path: Path) -> None:
    """Nothing to read again is an error that says what to do."""
    (tmp_path / "c.json").write_text('{"hello": 1}')
    recording = StreamSource(StreamOptions(path=(tmp_path,))).open()
    assert isinstance(recording, StreamFailures)
    with pytest.raises(SourceError, match="no failure record"), recording:
        list(recording.captures())
