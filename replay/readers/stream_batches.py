"""Batches of a shard's records, as the event source mapping of a function would hand them over."""

import re
from itertools import takewhile
from typing import Any

from replay.errors import AwsError, SourceError
from replay.payloads.captures import StreamRange
from replay.payloads.stream_events import dynamodb_record, kinesis_record, unknown_role
from replay.readers.streams import ShardReader, ShardRecord, Stream

MOST_RECORDS_READ = 100_000
MOST_BYTES_READ = 64 * 1024 * 1024
"""A batch is much smaller; but what a filter of its mapping held back lies between its records."""

SEQUENCE_NUMBER = re.compile(r"\d{1,256}", re.ASCII)
_FUNCTION = re.compile(r"(?:arn:[\w-]+:lambda:[\w-]+:\d{12}:function:)?[\w-]{1,140}(?::[\w$-]+)?", re.ASCII)


def record_text(stream: Stream, shard_id: str, record: ShardRecord, role_arn: str) -> str:
    """Write a record as the function gets it."""
    if stream.kind == "dynamodb":
        return dynamodb_record(record.raw, stream_arn=stream.arn)
    return kinesis_record(record.raw, shard_id=shard_id, stream_arn=stream.arn, role_arn=role_arn)


def is_at_or_before(one: str, other: str) -> bool:
    """Compare two sequence numbers of a shard."""
    return (len(one.lstrip("0")), one.lstrip("0")) <= (len(other.lstrip("0")), other.lstrip("0"))


def range_records(client: Any, stream: Stream, part: StreamRange, *, batch_size: int | None) -> list[ShardRecord]:
    """
    Read the records of a range that are still there, no more than a page ahead.

    Raises:
        AwsError: See `ShardReader.records`.
        SourceError: The range is no batch: it has far more records than Lambda would hand over.
    """
    reader = ShardReader(client, stream, part.partition, page_size=batch_size)
    found = takewhile(lambda each: is_at_or_before(each.sequence_number, part.last), reader.records(part.first))
    read: list[ShardRecord] = []
    size_bytes = 0
    for each in found:
        if is_at_or_before(part.first, each.sequence_number):
            read.append(each)
            size_bytes += _size_bytes(each)
        if len(read) > MOST_RECORDS_READ or size_bytes > MOST_BYTES_READ:
            raise SourceError(
                f"there are more than {len(read) - 1:,} records from {part.first} to {part.last}",
                where=f"{stream.arn} {part.partition}",
                expected="a batch: Lambda hands over 10,000 records and 6 MB at most",
            )
        if each.sequence_number == part.last:
            break
    return read


def execution_role(client: Any, function: str, stream_arn: str) -> tuple[str, bool]:
    """
    Give the role of a function, which stands in each Kinesis record, and whether it was found.

    Where it may not be looked up (or without a *client*), or there is no such function, it is a role named `unknown`.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    if client is None or not _FUNCTION.fullmatch(function):
        return unknown_role(stream_arn), False
    try:
        return str(client.get_function_configuration(FunctionName=function)["Role"]), True
    except (BotoCoreError, ClientError, AwsError, KeyError):
        return unknown_role(stream_arn), False


def _size_bytes(record: ShardRecord) -> int:
    change = record.raw.get("dynamodb")
    return int(change.get("SizeBytes") or 0) if change is not None else len(record.raw["Data"])
