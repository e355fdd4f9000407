"""The `kinesis` target: what is put, in which order, and what Kinesis answers for each record."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from replay.errors import AwsError, ConfigurationError, InvalidEvent, TargetRefused
from replay.payloads.captures import Event
from replay.targets.carrier import Acknowledgement
from replay.targets.guard_rails import deployed
from replay.targets.kinesis import KinesisTarget
from replay.targets.sending import Sender
from tests.targets.carried import Journal, no_pause

ACCOUNT = "123456789012"
ARN = f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/clicks"
SHARD = "shardId-000000000001"


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A stream of two shards on AWS, as moto has it."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(deployed, "is_on_this_machine", lambda _: False)
    with mock_aws():
        client: Any = boto3.client("kinesis")
        client.create_stream(StreamName="clicks", ShardCount=2)
        client.add_tags_to_stream(StreamName="clicks", Tags={f"tag-{number}": "test" for number in range(12)})
        yield client


def record(data: bytes, key: str = "customer-1", *, shard: str = SHARD) -> dict[str, Any]:
    return {
        "kinesis": {"partitionKey": key, "sequenceNumber": "1", "data": base64.b64encode(data).decode()},
        "eventSource": "aws:kinesis",
        "eventID": f"{shard}:1",
    }


def event(*records: Any) -> Event:
    return Event(text=json.dumps({"Records": records}), kind="kinesis")


def target(**options: Any) -> KinesisTarget:
    return KinesisTarget(**{"stream": "clicks", "account_id": ACCOUNT, **options})


@given(st.lists(st.tuples(st.binary(max_size=40), st.text(min_size=1, max_size=20)), min_size=1, max_size=6))
def test_every_record_is_an_entry_of_its_own(records: list[tuple[bytes, str]]) -> None:
    """Data and partition key are kept exactly, in their order; size and group are as Kinesis counts and orders them."""
    written = [record(data, key) for data, key in records]
    entries = target().entries(event(*written), key="clicks/a", marker="m")
    assert [(entry.request["Data"], entry.request["PartitionKey"]) for entry in entries] == records
    assert [entry.size_bytes for entry in entries] == [len(data) + len(key.encode()) for data, key in records]
    assert [entry.group for entry in entries] == [key for _, key in records]
    keys = [entry.key for entry in entries]
    assert keys == (["clicks/a"] if len(records) == 1 else [f"clicks/a#{n + 1}" for n in range(len(records))])
    assert {entry.marker for entry in entries} == {""}


@pytest.mark.parametrize(
    ("records", "why"),
    [
        ([], "no records"),
        ([{"eventSource": "aws:sqs"}], "no records"),
        ([record(b"a"), {"eventSource": "aws:sqs"}], "no records"),
        ([{**record(b"a"), "kinesis": {"partitionKey": "k"}}], "no data"),
        ([record(b"a", "")], "no partition key|no data"),
        ([record(b"a", "k" * 257)], "partition key"),
        ([{**record(b"a"), "kinesis": {"partitionKey": "k", "data": "not base64!"}}], "not base64"),
        ([record(b"x" * 1024 * 1024)], "more than the stream clicks takes"),
    ],
)
def test_what_is_no_record_is_refused(records: list[Any], why: str) -> None:
    """Another shape, data that is no base64, keys and sizes that Kinesis does not take: said, with a way out."""
    with pytest.raises(InvalidEvent, match=why) as caught:
        target().entries(event(*records), key="clicks/a", marker="")
    assert caught.value.hint


def test_hostile_text_is_no_event() -> None:
    """What is no JSON, or nested too deep, is refused like any other shape."""
    for text in ("no", "[" * 100_000, '{"Records": {"a": 1}}', "null"):
        with pytest.raises(InvalidEvent):
            target().entries(Event(text=text), key="k", marker="")


def test_is_described_with_all_its_tags(stream: Any) -> None:
    """ARN, account, caller and every page of tags are AWS's own; name and ARN both name it."""
    for name in ("clicks", ARN):
        destination = target(stream=name).checked_destination()
        assert (destination.arn, destination.caller_account_id, len(destination.tags or ())) == (ARN, ACCOUNT, 12)
    with pytest.raises(AwsError, match="notastream"):
        target(stream="notastream").destination()
    with pytest.raises(ConfigurationError, match="which stream"):
        KinesisTarget()


def test_all_pages_of_tags_are_read() -> None:
    """A tag of production on the second page counts; proved on the request."""
    one = target(region="us-east-1")
    with Stubber(one.clients("kinesis")) as stub, Stubber(one.clients("lambda")) as functions:
        functions.add_response("list_event_source_mappings", {"EventSourceMappings": []})
        stub.add_response("describe_stream_summary", {"StreamDescriptionSummary": summary()}, {"StreamName": "clicks"})
        stub.add_response(
            "list_tags_for_stream",
            {"Tags": [{"Key": "a", "Value": "b"}], "HasMoreTags": True},
            {"StreamName": "clicks"},
        )
        stub.add_response(
            "list_tags_for_stream",
            {"Tags": [{"Key": "env", "Value": "prod"}], "HasMoreTags": False},
            {"StreamName": "clicks", "ExclusiveStartTagKey": "a"},
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(deployed, "is_on_this_machine", lambda _: True)
            assert one.destination().tags == {"a": "b", "env": "prod"}


def summary() -> dict[str, Any]:
    return {
        "StreamName": "clicks", "StreamARN": ARN, "StreamStatus": "ACTIVE", "RetentionPeriodHours": 24,
        "StreamCreationTimestamp": 1, "EnhancedMonitoring": [], "OpenShardCount": 2, "MaxRecordSizeInKiB": 10_240,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("options", "why"),
    [({"account_id": ""}, "nothing says in which account"), ({"account_id": "999988887777"}, "credentials")],
)
def test_the_account_is_guarded(stream: Any, options: dict[str, str], why: str) -> None:
    """Beyond this machine a stream needs its account named, and the caller must be of it; entering checks it."""
    with pytest.raises(TargetRefused, match=why), target(**options):
        pass


def test_what_looks_like_production_is_refused(stream: Any) -> None:
    """A stream whose tag says production is not put into, until its section says that it may be."""
    stream.add_tags_to_stream(StreamName="clicks", Tags={"env": "prod"})
    with pytest.raises(TargetRefused, match="looks like production"):
        target().checked_destination()
    assert target(production=True).checked_destination()


def test_tags_that_may_not_be_read_are_a_refusal(stream: Any) -> None:
    """Without kinesis:ListTagsForStream nobody knows whether it is production; proved on the request."""
    one = target()
    with Stubber(one.clients("kinesis")) as stub:
        stub.add_response("describe_stream_summary", {"StreamDescriptionSummary": summary()})
        stub.add_client_error("list_tags_for_stream", "AccessDeniedException", http_status_code=403)
        stub.add_response("list_stream_consumers", {"Consumers": []})
        with pytest.raises(TargetRefused, match="tags may not be read"):
            one.checked_destination()


def test_who_reads_it_stands_in_the_plan(stream: Any) -> None:
    """Mapped functions and registered consumers are named; where they may not be listed, that is said."""
    one = target()
    mapping = {"FunctionArn": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:billing:live", "State": "Enabled"}
    consumer = {"ConsumerName": "audit", "ConsumerARN": ARN, "ConsumerStatus": "ACTIVE", "ConsumerCreationTimestamp": 1}
    for allowed in (True, False):
        with Stubber(one.clients("lambda")) as functions, Stubber(one.clients("kinesis")) as kinesis:
            kinesis.add_response("describe_stream_summary", {"StreamDescriptionSummary": summary()})
            kinesis.add_response("list_tags_for_stream", {"Tags": [], "HasMoreTags": False})
            if allowed:
                functions.add_response("list_event_source_mappings", {"EventSourceMappings": [mapping]})
                kinesis.add_response("list_stream_consumers", {"Consumers": [consumer]}, {"StreamARN": ARN})
                assert one.destination().seen_by == ("function billing:live", "consumer audit")
            else:
                functions.add_client_error("list_event_source_mappings", "AccessDeniedException", http_status_code=403)
                kinesis.add_client_error("list_stream_consumers", "AccessDeniedException", http_status_code=403)
                assert all("not allowed" in each for each in one.destination().seen_by)


def test_a_stream_of_large_records_takes_large_records() -> None:
    """How large a record may be is the stream's own setting (10 MiB here); proved on the request."""
    one = target(region="us-east-1", endpoint_url="http://127.0.0.1:1")
    with Stubber(one.clients("kinesis")) as stub:
        stub.add_response("describe_stream_summary", {"StreamDescriptionSummary": summary()})
        stub.add_response("list_tags_for_stream", {"Tags": [], "HasMoreTags": False})
        one.destination()
    (entry,) = one.entries(event(record(b"x" * 2 * 1024 * 1024)), key="k", marker="")
    assert entry.size_bytes > 2 * 1024 * 1024


def test_records_reach_the_stream(stream: Any) -> None:
    """What was put is there, byte for byte, and each acknowledgement is its sequence number and shard."""
    data = [b"\x00\xff poison", b"", "é".encode()]
    with target() as one:
        entries = one.entries(event(*(record(each, f"key-{n}") for n, each in enumerate(data))), key="k", marker="")
        sent = Sender(one, Journal(), sleep=no_pause).send(entries)
    found = {}
    for shard in stream.list_shards(StreamName="clicks")["Shards"]:
        iterator = stream.get_shard_iterator(
            StreamName="clicks", ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        for each in stream.get_records(ShardIterator=iterator)["Records"]:
            found[shard["ShardId"], each["SequenceNumber"]] = (each["PartitionKey"], each["Data"])
    told = [each.acknowledgement for each in sent.values()]
    places = [(each.known["shard_id"], each.identity) for each in told if each]
    assert [found[place] for place in places] == [(f"key-{n}", each) for n, each in enumerate(data)]


def test_a_record_can_go_into_the_shard_of_its_event(stream: Any) -> None:
    """With `same_shards` an explicit hash key leads to the shard that the event names; an unknown shard is refused."""
    with target(same_shards=True) as one:
        for number in range(2):
            shard = f"shardId-{number:012d}"
            entries = one.entries(event(record(b"a", "k", shard=shard)), key="k", marker="")
            assert entries[0].group == shard
            (answer,) = one.send(entries).values()
            assert isinstance(answer, Acknowledgement)
            assert answer.known == {"shard_id": shard}
        with pytest.raises(InvalidEvent, match="shardId-000000000009"):
            one.entries(event(record(b"a", shard="shardId-000000000009")), key="k", marker="")


def test_a_closed_shard_is_none_to_write_to() -> None:
    """After a split the parent takes nothing more: its events are refused, told which shards there are; on the request."""
    one = target(same_shards=True, region="us-east-1", endpoint_url="http://127.0.0.1:1")
    shards = [
        {"ShardId": SHARD, "HashKeyRange": {"StartingHashKey": "0", "EndingHashKey": "9"},
         "SequenceNumberRange": {"StartingSequenceNumber": "1", "EndingSequenceNumber": "5"}},
        {"ShardId": "shardId-000000000002", "HashKeyRange": {"StartingHashKey": "5", "EndingHashKey": "9"},
         "SequenceNumberRange": {"StartingSequenceNumber": "6"}},
    ]  # fmt: skip
    with Stubber(one.clients("kinesis")) as stub:
        stub.add_response("describe_stream_summary", {"StreamDescriptionSummary": summary()})
        stub.add_response("list_shards", {"Shards": shards[:1], "NextToken": "n"})
        stub.add_response("list_shards", {"Shards": shards[1:]})
        stub.add_response("list_tags_for_stream", {"Tags": [], "HasMoreTags": False})
        one.destination()
    with pytest.raises(InvalidEvent, match=SHARD) as caught:
        one.entries(event(record(b"a")), key="k", marker="")
    assert "shardId-000000000002" in caught.value.expected
    (entry,) = one.entries(event(record(b"a", shard="shardId-000000000002")), key="k", marker="")
    assert entry.request["ExplicitHashKey"] == "5"


def test_a_failed_record_is_not_overtaken_by_one_of_its_key() -> None:
    """
    Of each partition key one record at a time is under way, and one that failed is retried before the next is sent.

    Proved on the request: the first of `a` fails, is put again alone, and only then the second of `a` is put.
    """
    one = target(region="us-east-1")
    journal = Journal()
    records = [record(b"1", "a"), record(b"2", "b"), record(b"3", "a")]
    entries = one.entries(event(*records), key="k", marker="")
    throttled = {"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "Rate exceeded"}

    def put(*data: bytes) -> dict[str, Any]:
        keys = {b"1": "a", b"2": "b", b"3": "a"}
        return {"StreamName": "clicks", "Records": [{"Data": each, "PartitionKey": keys[each]} for each in data]}

    def done(number: str) -> dict[str, str]:
        return {"SequenceNumber": number, "ShardId": SHARD}

    with Stubber(one.clients.sending("kinesis")) as stub:
        stub.add_response("put_records", {"FailedRecordCount": 1, "Records": [throttled, done("12")]}, put(b"1", b"2"))
        stub.add_response("put_records", {"Records": [done("11")]}, put(b"1"))
        stub.add_response("put_records", {"Records": [done("13")]}, put(b"3"))
        sent = Sender(one, journal, sleep=no_pause).send(entries)
        stub.assert_no_pending_responses()
    assert [each.acknowledgement.identity for each in sent.values() if each.acknowledgement] == ["11", "12", "13"]
    assert not any(each.doubtful for each in sent.values())


def test_what_follows_a_record_that_cannot_be_put_waits() -> None:
    """Where the first of a key never gets through, the later ones of that key are not put; others are; on the request."""
    one = target(region="us-east-1")
    entries = one.entries(event(record(b"1", "a"), record(b"2", "a"), record(b"3", "b")), key="k", marker="")
    failed = {"ErrorCode": "InternalFailure", "ErrorMessage": "no"}
    with Stubber(one.clients.sending("kinesis")) as stub:
        stub.add_response("put_records", {"Records": [failed, {"SequenceNumber": "13", "ShardId": SHARD}]})
        for _ in range(5):
            stub.add_response("put_records", {"Records": [failed]}, {"StreamName": "clicks", "Records": ANY})
        sent = Sender(one, Journal(), sleep=no_pause).send(entries)
        stub.assert_no_pending_responses()
    assert [each.acknowledgement is None for each in sent.values()] == [True, True, False]
    assert "earlier one of its group" in sent["k#2"].problem


def test_an_answer_for_other_records_is_none() -> None:
    """Kinesis answers by position: an answer of another length is no answer of this call."""
    one = target(region="us-east-1")
    with Stubber(one.clients.sending("kinesis")) as stub:
        stub.add_response("put_records", {"Records": [{"SequenceNumber": "1", "ShardId": SHARD}]})
        assert one.send(one.entries(event(record(b"1"), record(b"2")), key="k", marker="")) == {}


def test_its_bounds_are_those_of_a_call() -> None:
    """500 records and 5 MiB, which every stream takes."""
    assert (KinesisTarget.most_entries, KinesisTarget.most_bytes) == (500, 5 * 1024 * 1024)
