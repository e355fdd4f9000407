"""
Reads of streams: their shards, and the records of a shard, from Kinesis and from DynamoDB.

Source: Kinesis API `ListShards`, `GetShardIterator` (a sequence number that is gone begins at the oldest record that is
there), `GetRecords` (5 calls a second and shard; an iterator lasts 5 minutes; a page may be empty while
`MillisBehindLatest` says that there is more; a stream of another account is named by its ARN). DynamoDB Streams API
`DescribeStream`, `GetShardIterator`, `GetRecords` (an empty page is no end, a page without `NextShardIterator` is; what
is gone is a `TrimmedDataAccessException`); records are kept for 24 hours. Both: a shard that is closed has an
`EndingSequenceNumber`.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from replay.errors import AwsError
from replay.readers.aws_errors import aws_errors
from replay.readers.sides import on_aws

MOST_RECORDS = {"kinesis": 10_000, "dynamodb": 1_000}
GONE = "ResourceNotFoundException"

_PAUSE_S = 0.2
_PATIENCE_S = (1.0, 2.0, 4.0, 8.0, 16.0)
_EMPTY_PAGES = 50
"""
An open shard of a table does not tell that it has no more: so many empty pages in a row are taken for it.

AWS names no number. This one is chosen: ten seconds of waiting for each shard that is open.
"""

_MOST_EMPTY_PAGES = 1_000
"""A closed shard tells its end; only for one that does not, an end is set to the empty pages in a row."""

_THROTTLED = frozenset({"ProvisionedThroughputExceededException", "LimitExceededException", "KMSThrottlingException"})
_TRIMMED = "TrimmedDataAccessException"
_EXPIRED = "ExpiredIteratorException"

StreamKind = Literal["kinesis", "dynamodb"]
Start = str | datetime | None
"""A sequence number, a moment, or None for the oldest record; of a table no moment can be asked for."""

SERVICES: Mapping[StreamKind, str] = {"kinesis": "kinesis", "dynamodb": "dynamodbstreams"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """A stream that is there, and how long it keeps a record."""

    kind: StreamKind
    arn: str
    keeps: timedelta

    @property
    def name(self) -> str:
        """The name of the stream, or of the table."""
        return self.arn.split("/")[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """A shard, the shards that it was split from or merged of, and whether it was closed when it was listed."""

    id: str
    parents: tuple[str, ...] = ()
    is_closed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardRecord:
    """A record as `GetRecords` gave it (`raw`), and what both services tell of one."""

    sequence_number: str
    arrived_at: datetime | None
    raw: Mapping[str, Any]


def kind_of_arn(arn: str) -> StreamKind | None:
    """Say of which service an ARN is a stream's."""
    service = arn.split(":", 3)[2] if arn.count(":") >= 5 else ""  # noqa: PLR2004 - the parts of an ARN
    if service == "dynamodb" and "/stream/" in arn:
        return "dynamodb"
    return "kinesis" if service == "kinesis" and ":stream/" in arn else None


def kinesis_stream(client: Any, name_or_arn: str) -> Stream:
    """
    Look up a Kinesis stream.

    Raises:
        AwsError: It is not there, or may not be looked at.
    """
    named = {"StreamARN" if name_or_arn.startswith("arn:") else "StreamName": name_or_arn}
    with aws_errors(where=f"stream {name_or_arn}", service="kinesis"):
        found = client.describe_stream_summary(**named)["StreamDescriptionSummary"]
    return Stream(kind="kinesis", arn=found["StreamARN"], keeps=timedelta(hours=found["RetentionPeriodHours"]))


def dynamodb_stream(arn: str) -> Stream:
    """Give the stream of a table. Source: DynamoDB Developer Guide, "Change data capture for DynamoDB Streams"."""
    return Stream(kind="dynamodb", arn=arn, keeps=timedelta(hours=24))


def latest_stream_of(client: Any, table: str) -> str | None:
    """
    Find the ARN of the latest stream of a table, by name; a table whose stream was switched off and on has several.

    Raises:
        AwsError: Streams may not be listed.
    """
    with aws_errors(where=f"table {table}", service="dynamodb"):
        found = client.list_streams(TableName=table).get("Streams", [])
    arns = [(str(each.get("StreamLabel", "")), str(each["StreamArn"])) for each in found]
    return max(arns, default=("", None))[1]


def latest_stream_of_arn(client: Any, table_arn: str) -> str | None:
    """
    Find the ARN of the latest stream of a table, by its ARN: `ListStreams` takes names, of one's own account.

    Args:
        client: Of `dynamodb`.

    Raises:
        AwsError: The table is not there, or may not be looked at.

    Source: DynamoDB API `DescribeTable` (`TableName` may be an ARN; `LatestStreamArn`).
    """
    with aws_errors(where=f"table {table_arn}", service="dynamodb"):
        found: str | None = client.describe_table(TableName=table_arn)["Table"].get("LatestStreamArn")
    return found


def stream_shards(client: Any, stream: Stream) -> list[Shard]:
    """
    List the shards that still have records, parents before their children.

    Raises:
        AwsError: They may not be listed.
    """
    listed = _kinesis_shards(client, stream) if stream.kind == "kinesis" else _dynamodb_shards(client, stream)
    waiting = {each.id: each for each in listed}
    ordered: list[Shard] = []
    while waiting:
        ready = [each for each in waiting.values() if not waiting.keys() & set(each.parents)] or [*waiting.values()]
        ordered += ready
        for each in ready:
            del waiting[each.id]
    return ordered


def _kinesis_shards(client: Any, stream: Stream) -> Iterator[Shard]:
    request = {"StreamARN": stream.arn}
    while True:
        with aws_errors(where=f"stream {stream.arn}", service="kinesis"):
            page = client.list_shards(**request)
        for each in page["Shards"]:
            parents = (each.get("ParentShardId"), each.get("AdjacentParentShardId"))
            yield Shard(id=each["ShardId"], parents=tuple(filter(None, parents)), is_closed=_is_closed(each))
        if not page.get("NextToken"):
            return
        request = {"NextToken": page["NextToken"]}


def _dynamodb_shards(client: Any, stream: Stream) -> Iterator[Shard]:
    request = {"StreamArn": stream.arn}
    while True:
        with aws_errors(where=f"stream {stream.arn}", service="dynamodb"):
            page = client.describe_stream(**request)["StreamDescription"]
        for each in page.get("Shards", []):
            parents = tuple(filter(None, (each.get("ParentShardId"),)))
            yield Shard(id=each["ShardId"], parents=parents, is_closed=_is_closed(each))
        if not page.get("LastEvaluatedShardId"):
            return
        request = {"StreamArn": stream.arn, "ExclusiveStartShardId": page["LastEvaluatedShardId"]}


def _is_closed(described: Mapping[str, Any]) -> bool:
    return bool(described.get("SequenceNumberRange", {}).get("EndingSequenceNumber"))


class ShardReader:
    """
    Reads one shard, no faster than AWS allows and as long as it throttles.

    `gave_up_after` is the number of empty pages after which reading has ended though AWS gave a next page, and nothing
    said that there are no more records; 0 where something did. Of a table's open shard, nothing ever does.

    Args:
        page_size: How many records to ask for at a time.
        is_closed: The shard is known to get no more records, and will tell its end.
        wait: Waits for so many seconds.
    """

    def __init__(
        self,
        client: Any,
        stream: Stream,
        shard_id: str,
        *,
        page_size: int | None = None,
        is_closed: bool = False,
        wait: Callable[[float], object] = time.sleep,
    ) -> None:
        self._client = client
        self._stream = stream
        self._shard_id = shard_id
        self._page_size = max(1, min(page_size or MOST_RECORDS[stream.kind], MOST_RECORDS[stream.kind]))
        self._is_closed = is_closed
        self._wait = wait
        self._on_aws = on_aws(client)
        self._last: str | None = None
        self.gave_up_after = 0

    def records(self, start: Start) -> Iterator[ShardRecord]:
        """
        Give the records from *start* on, until the shard ends or has no more now.

        Raises:
            AwsError: The shard cannot be read; its code is `GONE` where there is no such shard any more.
        """
        iterator: str | None = self._iterator(start)
        empty = 0
        while iterator is not None:
            page, iterator = self._page(iterator, start)
            for raw in page.get("Records", []):
                found = self._record(raw)
                self._last = found.sequence_number
                yield found
            empty = 0 if page.get("Records") else empty + 1
            if empty and iterator is not None and self._has_no_more(page, empty):
                return
            if iterator is not None and self._on_aws:
                self._wait(_PAUSE_S)

    def _page(self, iterator: str, start: Start) -> tuple[Mapping[str, Any], str | None]:
        """Read a page, and where the next one begins; an iterator that is too old or trimmed is renewed."""
        asked: dict[str, Any] = {"Limit": self._page_size}
        if self._stream.kind == "kinesis" and self._on_aws:
            asked["StreamARN"] = self._stream.arn
        try:
            page = self._call("get_records", ShardIterator=iterator, **asked)
        except AwsError as error:
            if error.code not in {_EXPIRED, _TRIMMED}:
                raise
            renewed = self._iterator(None if error.code == _TRIMMED else start)
            page = self._call("get_records", ShardIterator=renewed, **asked)
        return page, page.get("NextShardIterator") or None

    def _has_no_more(self, page: Mapping[str, Any], empty: int) -> bool:
        """Say whether an empty page that names a next one is the last to be read."""
        if self._stream.kind == "kinesis" and page.get("MillisBehindLatest"):
            return False
        # Emulators give a next page of a closed shard for ever, and have no empty ones before the records.
        if not self._on_aws or (self._stream.kind == "kinesis" and not self._is_closed):
            return True
        if empty < (_MOST_EMPTY_PAGES if self._is_closed else _EMPTY_PAGES):
            return False
        self.gave_up_after = empty
        return True

    def _iterator(self, start: Start) -> str:
        """Begin at *start*, or where a page before has ended; what is gone begins at the oldest that is there."""
        where: dict[str, Any] = {"ShardIteratorType": "TRIM_HORIZON"}
        if self._last is not None:
            where = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", self._named("SequenceNumber"): self._last}
        elif isinstance(start, str):
            where = {"ShardIteratorType": "AT_SEQUENCE_NUMBER", self._named("SequenceNumber"): start}
        elif start is not None and self._stream.kind == "kinesis":
            where = {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": start}
        named = {"StreamARN": self._stream.arn, "StreamName": self._stream.name}
        stream = named if self._stream.kind == "kinesis" else {"StreamArn": self._stream.arn}
        try:
            found = self._call("get_shard_iterator", **stream, ShardId=self._shard_id, **where)
        except AwsError as error:
            if error.code != _TRIMMED or where["ShardIteratorType"] == "TRIM_HORIZON":
                raise
            oldest = {"ShardIteratorType": "TRIM_HORIZON"}
            found = self._call("get_shard_iterator", **stream, ShardId=self._shard_id, **oldest)
        return str(found["ShardIterator"])

    def _named(self, parameter: str) -> str:
        return f"Starting{parameter}" if self._stream.kind == "kinesis" else parameter

    def _call(self, operation: str, **parameters: Any) -> Mapping[str, Any]:
        """Call, and again while AWS throttles: a shard may have other readers, and all share its throughput."""
        for patience_s in (*_PATIENCE_S, None):
            try:
                with aws_errors(where=f"{self._stream.arn} {self._shard_id}", service=self._stream.kind):
                    answer: Mapping[str, Any] = getattr(self._client, operation)(**parameters)
                    return answer
            except AwsError as error:
                if patience_s is None or error.code not in _THROTTLED:
                    raise
                self._wait(patience_s)
        raise AssertionError("the last try returns or raises")

    def _record(self, raw: Mapping[str, Any]) -> ShardRecord:
        if self._stream.kind == "kinesis":
            number, arrived = raw["SequenceNumber"], raw.get("ApproximateArrivalTimestamp")
        else:
            number = raw["dynamodb"]["SequenceNumber"]
            arrived = raw["dynamodb"].get("ApproximateCreationDateTime")
        return ShardRecord(
            sequence_number=str(number), arrived_at=arrived.astimezone(UTC) if arrived is not None else None, raw=raw
        )
