"""The `kinesis` target: records are put into a stream, and reach the function through its mapping."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from replay.errors import ConfigurationError, InvalidEvent
from replay.functions.function import Function
from replay.payloads.captures import Event
from replay.payloads.envelopes.documents import text_at
from replay.payloads.exact_json import Json
from replay.readers.aws_errors import aws_errors
from replay.targets.carrier import (
    Acknowledgement,
    Answer,
    Carrier,
    CarrierOptions,
    Entry,
    Refusal,
    Watch,
    entry_keys,
)
from replay.targets.guard_rails.clients import TargetClients
from replay.targets.guard_rails.deployed import described
from replay.targets.guard_rails.destination import Destination
from replay.targets.guard_rails.identity import tags_of, unless_denied
from replay.targets.observing.consumers import mapped_functions
from replay.targets.observing.stream_watches import watches_of_stream
from replay.targets.stream_parts.batch_records import FUNCTION_ITSELF, batch_records

MOST_RECORDS = 500
MOST_BYTES = 5 * 1024 * 1024
"""What a request takes of every stream; only streams of large records take more. Kinesis quotas, `PutRecords`."""

_KIBIBYTE = 1024
_MOST_RECORD_KIB = 1024
_LONGEST_PARTITION_KEY = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class KinesisOptions(CarrierOptions):
    """
    Which stream is put into.

    Attributes:
        stream: Its name or ARN.
        same_shards: Put each record into the shard that its event names, by an explicit hash key; by default its
            partition key chooses.
    """

    stream: str = ""
    same_shards: bool = False


class KinesisTarget(Carrier):
    """
    A stream of Kinesis.

    Data and partition key of each record are kept; Kinesis gives it a new sequence number and arrival time. Records of
    one partition key arrive in their order.

    Source: Kinesis API `PutRecords`.
    """

    name = "kinesis"
    options = KinesisOptions
    named_by: ClassVar[str] = "stream"
    most_entries: ClassVar[int] = MOST_RECORDS
    most_bytes: ClassVar[int | None] = MOST_BYTES

    def __init__(self, function: Function | None = None, /, *, project: Path | None = None, **options: Any) -> None:
        del function, project
        self._options: KinesisOptions = self.options(**options)
        if not self._options.stream:
            raise ConfigurationError(
                "which stream?", where="the target kinesis", hint='say it: stream = "NAME", or kinesis:NAME'
            )
        self.clients = TargetClients(self._options, arn=self._options.stream)
        self._arn = ""
        self._most_record_bytes = _MOST_RECORD_KIB * _KIBIBYTE
        self._hash_keys: Mapping[str, str] = {}

    @property
    def described(self) -> KinesisOptions:
        """The options that say where it is."""
        return self._options

    @property
    def travels(self) -> str:
        """The stream."""
        return f"stream {self._options.stream.rpartition('/')[2]}"

    def destination(self) -> Destination:
        """
        Ask Kinesis what it is, and who reads it.

        Raises:
            TargetRefused: It is beyond this machine, and its account is not named.
            AwsError: There is no such stream, or it may not be looked at.
        """
        client, where = self.clients("kinesis"), self.travels
        with aws_errors(where=where, service="kinesis"):
            answer: Any = client.describe_stream_summary(**self._named)
        found = answer["StreamDescriptionSummary"]
        self._arn = str(found["StreamARN"])
        self._most_record_bytes = int(found.get("MaxRecordSizeInKiB") or _MOST_RECORD_KIB) * _KIBIBYTE
        self._hash_keys = self._read_hash_keys(client) if self._options.same_shards else {}
        destination = described(
            self._options,
            target=f"{self.name}:{found['StreamName']}",
            arn=self._arn,
            region=str(client.meta.region_name),
            endpoint_url=str(client.meta.endpoint_url),
            tags=unless_denied(lambda: self._read_tags(client), service="kinesis", where=where),
        )
        functions = mapped_functions(self.clients("lambda"), self._arn, where=where)
        consumers = () if destination.on_this_machine else self._consumers(client)  # few emulators know any
        return replace(destination, seen_by=(*functions, *consumers))

    def entries(self, event: Event, *, key: str, marker: str) -> Sequence[Entry]:
        """
        Give an entry a record; there is no place in one for a marker.

        Raises:
            InvalidEvent: It is no event of Kinesis, or one of its records cannot be put.
        """
        del marker
        records = batch_records(event, event_source="aws:kinesis", key=key)
        keys = entry_keys(key, len(records))
        return [self._entry(record, each) for record, each in zip(records, keys, strict=True)]

    def send(self, entries: Sequence[Entry]) -> Mapping[str, Answer]:
        """
        Put *entries*; Kinesis answers in their order, and by nothing else.

        Source: Kinesis API `PutRecords` ("each record in the response array directly correlates with a record in the
        request array").
        """
        answer: Any = self.clients.sending("kinesis").put_records(
            Records=[dict(entry.request) for entry in entries], **self._named
        )
        told = answer.get("Records", [])
        if len(told) != len(entries):
            return {}  # it belongs to another request: nothing is known of this one
        return {entry.key: _answer(each) for entry, each in zip(entries, told, strict=True)}

    def watches(self, function: Function) -> Sequence[Watch]:
        """
        Give the log of the function that is mapped to the stream, and the destination of what its mapping gives up.

        Raises:
            ConfigurationError: Several are mapped to it, and it is not said which is *function*.
            AwsError: The mappings may not be listed.
        """
        return watches_of_stream(
            self.clients,
            self._arn,
            self._options,
            function=function,
            travels=self.travels,
            patience_s=self.patience_s(function),
        )

    def _entry(self, record: Json, key: str) -> Entry:
        data, partition_key = text_at(record, "kinesis", "data"), text_at(record, "kinesis", "partitionKey")
        if data is None or not partition_key or len(partition_key) > _LONGEST_PARTITION_KEY:
            raise InvalidEvent(
                "a record has no data, or no partition key that Kinesis takes",
                where=key,
                expected=f"data, and a partitionKey of 1 to {_LONGEST_PARTITION_KEY} characters",
                hint=FUNCTION_ITSELF,
            )
        try:
            raw, size_bytes = base64.b64decode(data, validate=True), len(partition_key.encode())
        except (binascii.Error, ValueError):
            raise InvalidEvent(
                "the data of a record is not base64, or its partition key no UTF-8",
                where=key,
                expected="data as Lambda hands it over, in base64",
                hint=FUNCTION_ITSELF,
            ) from None
        size_bytes += len(raw)
        if size_bytes > self._most_record_bytes:
            raise InvalidEvent(
                f"a record has {size_bytes:,} bytes, more than the {self.travels} takes",
                where=key,
                expected=f"at most {self._most_record_bytes:,} bytes with its partition key",
                hint=FUNCTION_ITSELF,
            )
        request: dict[str, Any] = {"Data": raw, "PartitionKey": partition_key}
        group = partition_key
        if self._options.same_shards:
            group = _shard_of(record)
            request["ExplicitHashKey"] = self._hash_key(group, key)
        return Entry(key=key, request=request, size_bytes=size_bytes, group=group)

    def _hash_key(self, shard: str, key: str) -> str:
        if shard in self._hash_keys:
            return self._hash_keys[shard]
        raise InvalidEvent(
            f"its shard {shard or '(none)'} is none that the {self.travels} writes to",
            where=key,
            expected=f"one of {', '.join(list(self._hash_keys)[:5])}",
            hint="leave out same_shards: then its partition key chooses",
        )

    def _read_hash_keys(self, client: Any) -> dict[str, str]:
        """Give where each open shard begins. Source: Kinesis API `ListShards` (a closed one has an ending number)."""
        found: dict[str, str] = {}
        with aws_errors(where=self.travels, service="kinesis"):
            for page in client.get_paginator("list_shards").paginate(**self._named):
                for shard in page.get("Shards", []):
                    if not shard.get("SequenceNumberRange", {}).get("EndingSequenceNumber"):
                        found[str(shard["ShardId"])] = str(shard["HashKeyRange"]["StartingHashKey"])
        return found

    def _read_tags(self, client: Any) -> Mapping[str, str]:
        tags: dict[str, str] = {}
        after: dict[str, str] = {}
        while True:
            answer = client.list_tags_for_stream(**self._named, **after)
            tags.update(tags_of(answer["Tags"]))
            if not answer.get("HasMoreTags") or not answer["Tags"]:
                return tags
            after = {"ExclusiveStartTagKey": str(answer["Tags"][-1]["Key"])}

    def _consumers(self, client: Any) -> tuple[str, ...]:
        def read() -> list[str]:
            pages = client.get_paginator("list_stream_consumers").paginate(StreamARN=self._arn)
            return [str(each["ConsumerName"]) for page in pages for each in page.get("Consumers", [])]

        names = unless_denied(read, service="kinesis", where=self.travels)
        if names is None:
            return ("its consumers (kinesis:ListStreamConsumers is not allowed)",)
        return tuple(f"consumer {name}" for name in names)

    @property
    def _named(self) -> Mapping[str, str]:
        stream = self._options.stream
        return {"StreamARN" if stream.startswith("arn:") else "StreamName": stream}


def _shard_of(record: Json) -> str:
    """Read the shard of a record. Source: recording test_create_kinesis_event_source_mapping (`eventID`)."""
    return (text_at(record, "eventID") or "").partition(":")[0]


def _answer(told: Mapping[str, Any]) -> Answer:
    code = str(told.get("ErrorCode") or "")
    if code:
        return Refusal(code=code, message=str(told.get("ErrorMessage") or ""))
    number, shard = str(told.get("SequenceNumber", "")), str(told.get("ShardId", ""))
    return Acknowledgement(identity=number, known={"shard_id": shard})
