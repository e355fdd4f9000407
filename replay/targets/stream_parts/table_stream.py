"""The records that writes to a table make: found in its stream, to know them by their sequence numbers."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from replay.errors import AwsError
from replay.readers.aws_errors import aws_errors
from replay.readers.streams import dynamodb_stream, stream_shards
from replay.targets.stream_parts.items import Item, same_item
from replay.targets.stream_parts.table_writes import TableWrite

_MOST_SHARDS = 20
_WITHIN_S = 5.0
_PAUSE_S = 0.2


class TableStream:
    """
    Reads what is new in the stream of a table since `begin`.

    Where it may not be read, or has too many shards to be read through after each write, nothing is found.

    Source: DynamoDB Streams API `GetShardIterator` (`LATEST`), `GetRecords`.
    """

    def __init__(
        self,
        client: Any,
        stream_arn: str,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._client, self._arn, self._clock, self._sleep = client, stream_arn, clock, sleep
        self._iterators: dict[str, str] = {}
        self._new: list[Mapping[str, Any]] = []
        self._has_begun = False

    def begin(self) -> None:
        """Note where the stream ends now; called before anything is written, again without effect."""
        if self._has_begun:
            return
        self._has_begun = True
        try:
            shards = stream_shards(self._client, dynamodb_stream(self._arn))
            with aws_errors(where=self._arn, service="dynamodbstreams"):
                for shard in shards if len(shards) <= _MOST_SHARDS else ():
                    answer = self._client.get_shard_iterator(
                        StreamArn=self._arn, ShardId=shard.id, ShardIteratorType="LATEST"
                    )
                    self._iterators[shard.id] = str(answer["ShardIterator"])
        except AwsError:
            self._iterators = {}  # who may write and not read the stream knows its records by their keys alone

    def sequence_number(self, write: TableWrite) -> str:
        """Give the sequence number of the record that *write* has made; empty where it does not come to be seen."""
        deadline = self._clock() + _WITHIN_S
        while self._iterators:
            self._read()
            for number, record in enumerate(self._new):
                if _is_of(record, write):
                    del self._new[number]
                    return str(record["dynamodb"].get("SequenceNumber", ""))
            if self._clock() >= deadline:
                break
            self._sleep(_PAUSE_S)
        return ""

    def _read(self) -> None:
        try:
            with aws_errors(where=self._arn, service="dynamodbstreams"):
                for shard, iterator in list(self._iterators.items()):
                    answer = self._client.get_records(ShardIterator=iterator)
                    self._new += answer.get("Records", [])
                    after = answer.get("NextShardIterator")
                    if after:
                        self._iterators[shard] = str(after)
                    else:
                        del self._iterators[shard]
        except AwsError:
            self._iterators = {}


def _is_of(record: Mapping[str, Any], write: TableWrite) -> bool:
    change = record.get("dynamodb", {})
    keys: Item | None = change.get("Keys")
    new: Item | None = change.get("NewImage")
    return (
        record.get("eventName") == write.change
        and same_item(keys, write.keys)
        and (new is None or same_item(new, write.after))
    )
