"""The `dynamodb` target: items are written, and the table's stream hands the changes to the function."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from replay.errors import ConfigurationError, TargetError
from replay.functions.function import Function
from replay.payloads.captures import Event
from replay.readers.aws_errors import aws_errors, error_code
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
from replay.targets.stream_parts.batch_records import batch_records
from replay.targets.stream_parts.table_stream import TableStream
from replay.targets.stream_parts.table_writes import TableWrite, table_write

_DIFFERS = "ItemDiffers"
_CONDITION_FAILED = "ConditionalCheckFailedException"
_WRITE = "Write"


@dataclass(frozen=True, slots=True, kw_only=True)
class DynamoDbOptions(CarrierOptions):
    """
    Which table is written to.

    Attributes:
        table: Its name or ARN.
        put_old_items: Where a change needs the item as it was, and the table does not have it so, put that first; the
            stream tells the function of that too.
    """

    table: str = ""
    put_old_items: bool = False


class DynamoDbTarget(Carrier):
    """
    A table of DynamoDB with a stream: an INSERT puts an item, a MODIFY puts it changed, a REMOVE deletes it.

    Nothing is overwritten or deleted that is not what the record says it was. The stream gives a record a new sequence
    number and time.

    Source: DynamoDB API `PutItem`, `DeleteItem`; Developer Guide, "Change data capture for DynamoDB Streams".
    """

    name = "dynamodb"
    options = DynamoDbOptions
    named_by: ClassVar[str] = "table"
    most_entries: ClassVar[int] = 1  # a batch call of DynamoDB takes no conditions, and keeps no order
    most_bytes: ClassVar[int | None] = None

    def __init__(self, function: Function | None = None, /, *, project: Path | None = None, **options: Any) -> None:
        del function, project
        self._options: DynamoDbOptions = self.options(**options)
        if not self._options.table:
            raise ConfigurationError(
                "which table?", where="the target dynamodb", hint='say it: table = "NAME", or dynamodb:NAME'
            )
        self.clients = TargetClients(self._options, arn=self._options.table)
        self._view = self._stream_arn = self._hash_key = ""
        self._tried: set[str] = set()

    @property
    def described(self) -> DynamoDbOptions:
        """The options that say where it is."""
        return self._options

    @property
    def travels(self) -> str:
        """The table."""
        return f"table {self._options.table.rpartition('/')[2]}"

    @cached_property
    def stream(self) -> TableStream:
        """What the writes make."""
        return TableStream(self.clients("dynamodbstreams"), self._stream_arn)

    def destination(self) -> Destination:
        """
        Ask DynamoDB what it is, and who gets its changes.

        Raises:
            TargetRefused: It is beyond this machine, and its account is not named.
            TargetError: It has no stream.
            AwsError: There is no such table, or it may not be looked at.
        """
        client, where = self.clients("dynamodb"), self.travels
        with aws_errors(where=where, service="dynamodb"):
            table: Any = client.describe_table(TableName=self._options.table)["Table"]
        arn, stream = str(table["TableArn"]), table.get("StreamSpecification") or {}
        if not stream.get("StreamEnabled"):
            raise TargetError(
                "the table has no stream, so that a write reaches no function",
                where=arn,
                expected="a table with a stream",
                hint="name a table with a stream, or the function: --target lambda:FUNCTION",
            )
        self._view, self._stream_arn = str(stream["StreamViewType"]), str(table["LatestStreamArn"])
        self._hash_key = next(str(each["AttributeName"]) for each in table["KeySchema"] if each["KeyType"] == "HASH")
        destination = described(
            self._options,
            target=f"{self.name}:{table['TableName']}",
            arn=arn,
            region=str(client.meta.region_name),
            endpoint_url=str(client.meta.endpoint_url),
            tags=unless_denied(lambda: _read_tags(client, arn), service="dynamodb", where=where),
        )
        functions = mapped_functions(self.clients("lambda"), self._stream_arn, where=where)
        return replace(destination, seen_by=(*functions, *_replicas(table)))

    def entries(self, event: Event, *, key: str, marker: str) -> Sequence[Entry]:
        """
        Give a write a record, in the order of each item's changes; there is no place in one for a marker.

        Raises:
            InvalidEvent: It is no event of a table, or one of its records cannot be made again.
        """
        del marker
        records = batch_records(event, event_source="aws:dynamodb", key=key)
        keys = entry_keys(key, len(records))
        writes = [table_write(record, view=self._view, key=each) for record, each in zip(records, keys, strict=True)]
        return [_entry(write, each) for write, each in zip(writes, keys, strict=True)]

    def send(self, entries: Sequence[Entry]) -> Mapping[str, Answer]:
        """Write *entries*, of which there is one; where the table does not hold what it must, nothing is written."""
        return {entry.key: self._written(entry.key, entry.request[_WRITE]) for entry in entries}

    def watches(self, function: Function) -> Sequence[Watch]:
        """
        Give the log of the function that is mapped to the stream, and the destination of what its mapping gives up.

        Raises:
            ConfigurationError: Several are mapped to it, and it is not said which is *function*.
            AwsError: The mappings may not be listed.
        """
        return watches_of_stream(
            self.clients,
            self._stream_arn,
            self._options,
            function=function,
            travels=self.travels,
            patience_s=self.patience_s(function),
        )

    def _written(self, key: str, write: TableWrite) -> Answer:
        self.stream.begin()
        client, table = self.clients.sending("dynamodb"), self._options.table
        current = client.get_item(TableName=table, Key=write.keys, ConsistentRead=True).get("Item")
        if key in self._tried and write.is_done(current):
            return self._acknowledged(write)  # the answer to a former try was lost, and it has been done
        if not write.fits(current):
            first = write.to_put_first if self._options.put_old_items else None
            if first is None:
                return Refusal(code=_DIFFERS, message=_why_not(write, self._options), retryable=False)
            client.put_item(TableName=table, Item=first)
        self._tried.add(key)
        try:
            self._write(client, write)
        except client.exceptions.ClientError as error:
            if error_code(error) != _CONDITION_FAILED:
                raise
            return Refusal(code=_CONDITION_FAILED, message="somebody else changed the item", retryable=False)
        return self._acknowledged(write)

    def _write(self, client: Any, write: TableWrite) -> None:
        condition = "attribute_not_exists(#key)" if write.before == "absent" else "attribute_exists(#key)"
        settings = {
            "TableName": self._options.table,
            "ConditionExpression": condition,
            "ExpressionAttributeNames": {"#key": self._hash_key},
        }
        if write.after is None:
            client.delete_item(Key=write.keys, **settings)
        else:
            client.put_item(Item=write.after, **settings)

    def _acknowledged(self, write: TableWrite) -> Acknowledgement:
        return Acknowledgement(identity=self.stream.sequence_number(write))


def _entry(write: TableWrite, key: str) -> Entry:
    group, size_bytes = _text(write.keys), len(_text([write.keys, write.after]))
    return Entry(key=key, request={_WRITE: write}, size_bytes=size_bytes, group=group)


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=lambda held: held.hex())


def _read_tags(client: Any, arn: str) -> Mapping[str, str]:
    pages = client.get_paginator("list_tags_of_resource").paginate(ResourceArn=arn)
    return tags_of([tag for page in pages for tag in page.get("Tags", [])])


def _replicas(table: Mapping[str, Any]) -> Iterator[str]:
    for replica in table.get("Replicas") or ():
        yield f"its replica in {replica.get('RegionName', 'another region')}"


def _why_not(write: TableWrite, options: DynamoDbOptions) -> str:
    if write.before == "absent":
        return "the table has an item of this key, so that writing it would be no INSERT: delete it first"
    wanted = "the item as it was" if write.before == "this item" else "another item of this key"
    put_first = "" if options.put_old_items else "; put_old_items = true puts it first, which the function sees too"
    return f"the table does not have {wanted}, so that the stream would not tell of a {write.change}{put_first}"
