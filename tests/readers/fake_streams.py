"""A stream of AWS with one shard, as stingy as AWS: empty pages, throttling, iterators that expire, a trim horizon."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

KINESIS = "arn:aws:kinesis:eu-west-1:111122223333:stream/clicks"
TABLE = "arn:aws:dynamodb:eu-west-1:111122223333:table/orders/stream/2026-11-01T00:00:00.000"
SHARD = "shardId-000000000001"
BEGAN = datetime(2026, 11, 21, 8, tzinfo=UTC)


class _Meta:
    endpoint_url = "https://kinesis.eu-west-1.amazonaws.com"
    region_name = "eu-west-1"


class FakeStream:
    """
    Records with the sequence numbers 1000, 1001, … of which the first `trimmed` have expired.

    Args:
        pages: How many records each page has; it begins anew at the end, so that one of them must not be 0.
        refusals: The codes of the errors with which the next calls are refused; None lets one pass.
    """

    meta = _Meta()

    def __init__(
        self,
        count: int,
        *,
        pages: Sequence[int] = (3,),
        refusals: Sequence[str | None] = (),
        trimmed: int = 0,
        gone: bool = False,
        kind: str = "kinesis",
        closed: bool = False,
    ) -> None:
        self.count, self.pages, self.trimmed, self.gone, self.kind, self.closed = (
            count, pages, trimmed, gone, kind, closed,
        )  # fmt: skip
        self.refusals = list(refusals)
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.page = 0

    def describe_stream_summary(self, **named: Any) -> dict[str, Any]:
        self._call("describe_stream_summary", named)
        return {"StreamDescriptionSummary": {"StreamARN": KINESIS, "RetentionPeriodHours": 24}}

    def list_shards(self, **named: Any) -> dict[str, Any]:
        self._call("list_shards", named)
        return {"Shards": [] if self.gone else [{"ShardId": SHARD}]}

    def describe_stream(self, **named: Any) -> dict[str, Any]:
        self._call("describe_stream", named)
        return {"StreamDescription": {"Shards": [] if self.gone else [{"ShardId": SHARD}]}}

    def get_function_configuration(self, **named: Any) -> dict[str, Any]:
        self._call("get_function_configuration", named)
        return {"Role": "arn:aws:iam::111122223333:role/clicks"}

    def get_shard_iterator(self, **named: Any) -> dict[str, Any]:
        self._call("get_shard_iterator", named)
        if self.gone:
            raise refused("ResourceNotFoundException")
        kind = named["ShardIteratorType"]
        number = int(named.get("StartingSequenceNumber") or named.get("SequenceNumber") or 0) - 1000
        at = {"TRIM_HORIZON": self.trimmed, "AT_SEQUENCE_NUMBER": number, "AFTER_SEQUENCE_NUMBER": number + 1}.get(kind)
        if kind == "AT_TIMESTAMP":
            at = next((n for n in range(self.count) if arrived(n) >= named["Timestamp"]), self.count)
        assert at is not None
        if at < self.trimmed and self.kind == "dynamodb":
            raise refused("TrimmedDataAccessException")
        return {"ShardIterator": str(max(at, self.trimmed))}

    def get_records(self, **named: Any) -> dict[str, Any]:
        self._call("get_records", named)
        begin = int(named["ShardIterator"])
        size = min(self.pages[self.page % len(self.pages)], named["Limit"])
        self.page += 1
        end = min(begin + size, self.count)
        following = None if self.closed and end == self.count else str(end)
        behind = {"MillisBehindLatest": 0 if end == self.count else 1_000} if self.kind == "kinesis" else {}
        return {"Records": [self.record(n) for n in range(begin, end)], "NextShardIterator": following, **behind}

    def record(self, number: int) -> dict[str, Any]:
        if self.kind == "dynamodb":
            keys = {"id": {"S": f"o-{number}"}}
            change = {
                "SequenceNumber": str(1000 + number),
                "ApproximateCreationDateTime": arrived(number),
                "Keys": keys,
            }
            return {"eventID": f"{number:032x}", "eventName": "INSERT", "eventVersion": "1.1", "dynamodb": change}
        data = f'{{"n": {number}}}'.encode()
        return {"SequenceNumber": str(1000 + number), "ApproximateArrivalTimestamp": arrived(number), "Data": data,
                "PartitionKey": f"key-{number}"}  # fmt: skip

    def _call(self, name: str, named: dict[str, Any]) -> None:
        self.calls.append((name, named))
        code = self.refusals.pop(0) if self.refusals and name in {"get_shard_iterator", "get_records"} else None
        if code is not None:
            raise refused(code)


def arrived(number: int) -> datetime:
    return BEGAN + timedelta(seconds=number)


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": f"{code} for a test"}}, "GetRecords")
