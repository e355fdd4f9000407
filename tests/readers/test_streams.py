"""Reads of streams: every record once, whatever AWS does meanwhile, with the calls that AWS takes."""

from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st

from replay.errors import AwsError, SourceError
from replay.payloads.captures import StreamRange
from replay.readers.stream_batches import execution_role, is_at_or_before, range_records
from replay.readers.streams import (
    ShardReader,
    Stream,
    dynamodb_stream,
    kinesis_stream,
    latest_stream_of,
    latest_stream_of_arn,
    stream_shards,
)
from tests.readers.fake_streams import BEGAN, KINESIS, SHARD, TABLE, FakeStream

STREAM = Stream(kind="kinesis", arn=KINESIS, keeps=timedelta(hours=24))
OF_TABLE = dynamodb_stream(TABLE)
EMPTY_OR_NOT = st.lists(st.integers(0, 4), min_size=1, max_size=6).filter(any)
TROUBLE = st.lists(
    st.sampled_from([None, "ProvisionedThroughputExceededException", "ExpiredIteratorException"]), max_size=4
)


def numbers(client: Any, stream: Stream, start: Any, **options: Any) -> list[int]:
    reader = ShardReader(client, stream, SHARD, wait=lambda _: None, **options)
    return [int(record.sequence_number) - 1000 for record in reader.records(start)]


@given(count=st.integers(0, 30), pages=EMPTY_OR_NOT, refusals=TROUBLE, start=st.integers(0, 30), closed=st.booleans())
def test_every_record_of_a_kinesis_shard_comes_once(
    count: int, pages: list[int], refusals: list[str | None], start: int, closed: bool
) -> None:
    """In order, over empty pages, throttling and iterators that expire; up to the tip, or the end of the shard."""
    client = FakeStream(count, pages=pages, refusals=[None, *refusals], closed=closed)
    if sum(code == "ExpiredIteratorException" for code in refusals) > 1:
        return  # an iterator that is refused as soon as it is made leads to an error, below
    assert numbers(client, STREAM, str(1000 + start)) == list(range(start, count))


@given(count=st.integers(0, 30), pages=EMPTY_OR_NOT, trimmed=st.integers(0, 10), start=st.integers(0, 30))
def test_every_record_of_a_table_s_shard_that_is_left_comes_once(
    count: int, pages: list[int], trimmed: int, start: int
) -> None:
    """What is trimmed is stepped over, and an empty page is not taken for the end."""
    client = FakeStream(count, pages=pages, trimmed=trimmed, kind="dynamodb")
    assert numbers(client, OF_TABLE, str(1000 + start)) == list(range(max(start, trimmed), count))


@pytest.mark.parametrize("trimmed", [0, 4])
def test_records_that_expire_while_a_shard_is_read_are_stepped_over(trimmed: int) -> None:
    """A page that is trimmed just then is no end: reading goes on with the next record that is left."""
    client = FakeStream(6, pages=[2], refusals=[None, None, "TrimmedDataAccessException"], kind="dynamodb")
    reader = ShardReader(client, OF_TABLE, SHARD, wait=lambda _: None).records(None)
    found = [next(reader), next(reader)]
    client.trimmed = trimmed
    found += reader
    assert [int(each.sequence_number) - 1000 for each in found] == [0, 1, *range(max(2, trimmed), 6)]


class Sparse(FakeStream):
    """A stream whose first pages are empty, as those of AWS may be."""

    def __init__(self, count: int, *, empty: int, behind_ms: int = 0, **options: Any) -> None:
        super().__init__(count, **options)
        self.empty, self.behind_ms = empty, behind_ms

    def get_records(self, **named: Any) -> dict[str, Any]:
        if self.empty:
            self.empty -= 1
            return {"Records": [], "NextShardIterator": named["ShardIterator"], "MillisBehindLatest": self.behind_ms}
        return super().get_records(**named)


@pytest.mark.parametrize(("stream", "kind"), [(STREAM, "kinesis"), (OF_TABLE, "dynamodb")])
def test_a_closed_shard_is_read_until_it_says_that_it_ends(stream: Stream, kind: str) -> None:
    """Hundreds of empty pages before its records are no end of a shard that is known to be closed."""
    client = Sparse(3, empty=900, kind=kind, closed=True)
    reader = ShardReader(client, stream, SHARD, is_closed=True, wait=lambda _: None)
    assert len(list(reader.records(None))) == 3
    assert reader.gave_up_after == 0


def test_an_open_shard_of_a_table_may_begin_with_empty_pages() -> None:
    """More than ten empty pages before the records of a shard that is open are not taken for its tip."""
    assert numbers(Sparse(3, empty=11, kind="dynamodb"), OF_TABLE, None) == [0, 1, 2]


@pytest.mark.parametrize(("is_closed", "pages"), [(False, 50), (True, 1_000)])
def test_a_shard_that_gives_empty_pages_for_ever_is_given_up(is_closed: bool, pages: int) -> None:
    """Reading ends after a number of empty pages in a row, and the reader says after how many."""
    waited: list[float] = []
    client = Sparse(0, empty=10_000, kind="dynamodb")
    reader = ShardReader(client, OF_TABLE, SHARD, is_closed=is_closed, wait=waited.append)
    assert list(reader.records(None)) == []
    assert reader.gave_up_after == pages
    assert len(waited) == pages - 1


def test_kinesis_is_read_on_as_long_as_it_says_that_there_is_more() -> None:
    """An open shard is read to its tip, over however many empty pages, and this is no giving up."""
    client = Sparse(3, empty=2_000, behind_ms=1_000)
    reader = ShardReader(client, STREAM, SHARD, wait=lambda _: None)
    assert len(list(reader.records(None))) == 3
    assert reader.gave_up_after == 0


@pytest.mark.parametrize("limit", ["MOST_RECORDS_READ", "MOST_BYTES_READ"])
def test_a_range_that_is_no_batch_is_refused(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A forged failure record does not fill the memory, neither with many records nor with large ones."""
    monkeypatch.setattr(f"replay.readers.stream_batches.{limit}", 3)
    part = StreamRange(partition=SHARD, first="1000", last="1029")
    with pytest.raises(SourceError, match="there are more than"):
        range_records(FakeStream(30), STREAM, part, batch_size=None)


def test_reading_waits_as_aws_wants_it() -> None:
    """A fifth of a second between calls, longer where AWS throttles; and in the end its word for it."""
    waited: list[float] = []
    client = FakeStream(5, pages=[2], refusals=[None, "ProvisionedThroughputExceededException"])
    reader = ShardReader(client, STREAM, SHARD, wait=waited.append)
    assert len(list(reader.records(None))) == 5
    assert waited == [1.0, 0.2, 0.2, 0.2]
    client = FakeStream(5, refusals=["ProvisionedThroughputExceededException"] * 9)
    with pytest.raises(AwsError) as caught:
        list(ShardReader(client, STREAM, SHARD, wait=waited.append).records(None))
    assert caught.value.code == "ProvisionedThroughputExceededException"
    assert waited[4:] == [1.0, 2.0, 4.0, 8.0, 16.0]


def test_a_moment_is_asked_of_kinesis_only() -> None:
    """Kinesis begins at a time; of a table everything is read, and the reader's caller leaves out what is earlier."""
    start = BEGAN + timedelta(seconds=3)
    assert numbers(FakeStream(5), STREAM, start) == [3, 4]
    assert numbers(FakeStream(5, kind="dynamodb"), OF_TABLE, start) == [0, 1, 2, 3, 4]


@given(st.integers(0, 10**60), st.integers(0, 10**60), st.integers(0, 3))
def test_sequence_numbers_are_compared_as_numbers(one: int, other: int, zeros: int) -> None:
    """However long they are, and with zeros in front, as some emulators write them."""
    assert is_at_or_before("0" * zeros + str(one), str(other)) == (one <= other)


@given(
    count=st.integers(1, 30),
    first=st.integers(0, 29),
    length=st.integers(1, 10),
    trimmed=st.integers(0, 30),
    kind=st.sampled_from(["kinesis", "dynamodb"]),
)
def test_a_range_gives_what_is_left_of_it(count: int, first: int, length: int, trimmed: int, kind: str) -> None:
    """Both ends included, and nothing beyond them, whatever has expired or has not come yet."""
    client = FakeStream(count, trimmed=min(trimmed, count), kind=kind)
    stream = STREAM if kind == "kinesis" else OF_TABLE
    part = StreamRange(partition=SHARD, first=str(1000 + first), last=str(1000 + first + length - 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("replay.readers.streams._PAUSE_S", 0)
        found = range_records(client, stream, part, batch_size=length)
    expected = [n for n in range(first, first + length) if min(trimmed, count) <= n < count]
    assert [int(record.sequence_number) - 1000 for record in found] == expected


def test_the_calls_are_those_that_aws_takes() -> None:
    """Every parameter passes botocore's model; shards are paged by the token alone (no emulator pages them)."""
    client = boto3.client("kinesis", region_name="eu-west-1")
    with Stubber(client) as stubber:
        summary = {"StreamName": "clicks", "StreamARN": KINESIS, "StreamStatus": "ACTIVE", "RetentionPeriodHours": 48,
                   "StreamCreationTimestamp": BEGAN, "EnhancedMonitoring": [], "OpenShardCount": 1}  # fmt: skip
        stubber.add_response("describe_stream_summary", {"StreamDescriptionSummary": summary}, {"StreamName": "clicks"})
        shards = [
            _shard("child", ParentShardId="parent", AdjacentParentShardId="other"),
            _shard("other"),
            _shard("parent", ParentShardId="expired-long-ago"),
        ]
        shards[2]["SequenceNumberRange"]["EndingSequenceNumber"] = "9"
        stubber.add_response("list_shards", {"Shards": shards[:1], "NextToken": "t"}, {"StreamARN": KINESIS})
        stubber.add_response("list_shards", {"Shards": shards[1:]}, {"NextToken": "t"})
        stream = kinesis_stream(client, "clicks")
        assert stream.keeps == timedelta(hours=48)
        found = stream_shards(client, stream)
        assert [(shard.id, shard.is_closed) for shard in found] == [
            ("other", False),
            ("parent", True),
            ("child", False),
        ]
        where = {"StreamARN": KINESIS, "StreamName": "clicks", "ShardId": SHARD, "Timestamp": BEGAN}
        stubber.add_response(
            "get_shard_iterator", {"ShardIterator": "i"}, {**where, "ShardIteratorType": "AT_TIMESTAMP"}
        )
        page = {"ShardIterator": "i", "Limit": 7, "StreamARN": KINESIS}
        stubber.add_response("get_records", {"Records": []}, page)
        assert list(ShardReader(client, stream, SHARD, page_size=7).records(BEGAN)) == []
        stubber.assert_no_pending_responses()


def _shard(name: str, **parents: str) -> dict[str, Any]:
    keys = {"StartingHashKey": "0", "EndingHashKey": "1"}
    return {"ShardId": name, "HashKeyRange": keys, "SequenceNumberRange": {"StartingSequenceNumber": "1"}, **parents}


def test_the_calls_of_a_table_s_stream_are_those_that_aws_takes() -> None:
    """Shards are paged by the last one's id; of several streams the latest is meant (no emulator has either)."""
    client = boto3.client("dynamodbstreams", region_name="eu-west-1")
    with Stubber(client) as stubber:
        streams = [
            {"StreamArn": f"{TABLE}{label}", "StreamLabel": label} for label in ("2026-01", "2026-11", "2026-02")
        ]
        stubber.add_response("list_streams", {"Streams": streams}, {"TableName": "orders"})
        assert latest_stream_of(client, "orders") == f"{TABLE}2026-11"
        closed = {"StartingSequenceNumber": "1" * 21, "EndingSequenceNumber": "9" * 21}
        parent = {"ShardId": "s" * 28, "SequenceNumberRange": closed}
        first = {"StreamDescription": {"Shards": [parent], "LastEvaluatedShardId": "s" * 28}}
        then = {"StreamDescription": {"Shards": [{"ShardId": "t" * 28, "ParentShardId": "s" * 28}]}}
        stubber.add_response("describe_stream", first, {"StreamArn": TABLE})
        stubber.add_response("describe_stream", then, {"StreamArn": TABLE, "ExclusiveStartShardId": "s" * 28})
        shards = stream_shards(client, OF_TABLE)
        assert [(shard.id[0], shard.is_closed) for shard in shards] == [("s", True), ("t", False)]
        where = {"StreamArn": TABLE, "ShardId": "s" * 28, "SequenceNumber": "5" * 21}
        stubber.add_client_error("get_shard_iterator", "TrimmedDataAccessException", expected_params={
            **where, "ShardIteratorType": "AT_SEQUENCE_NUMBER"})  # fmt: skip
        del where["SequenceNumber"]
        stubber.add_response(
            "get_shard_iterator", {"ShardIterator": "i"}, {**where, "ShardIteratorType": "TRIM_HORIZON"}
        )
        stubber.add_response("get_records", {"Records": []}, {"ShardIterator": "i", "Limit": 1_000})
        assert list(ShardReader(client, OF_TABLE, "s" * 28).records("5" * 21)) == []
        stubber.assert_no_pending_responses()


def test_a_table_of_another_account_is_asked_for_by_its_arn() -> None:
    """DescribeTable takes the ARN as AWS's model has it; a table without a stream has none."""
    client = boto3.client("dynamodb", region_name="eu-west-1")
    arn = "arn:aws:dynamodb:eu-west-1:999999999999:table/orders"
    with Stubber(client) as stubber:
        stubber.add_response("describe_table", {"Table": {"LatestStreamArn": f"{arn}/stream/a"}}, {"TableName": arn})
        assert latest_stream_of_arn(client, arn) == f"{arn}/stream/a"
        stubber.add_response("describe_table", {"Table": {"TableName": "orders"}}, {"TableName": arn})
        assert latest_stream_of_arn(client, arn) is None
        stubber.assert_no_pending_responses()


@pytest.mark.parametrize("function", ["orders", "no function; at all", ""])
def test_a_role_that_cannot_be_looked_up_is_called_unknown(function: str) -> None:
    """The record of a stream then has a role of its account that says so."""
    client = boto3.client("lambda", region_name="eu-west-1")
    with Stubber(client) as stubber:
        stubber.add_client_error("get_function_configuration", "AccessDeniedException")
        assert execution_role(client, function, KINESIS) == ("arn:aws:iam::111122223333:role/unknown", False)
