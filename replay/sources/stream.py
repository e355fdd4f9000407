"""The records of a Kinesis stream or of a table's stream: those that a failure record names, or those of a range."""

import re
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from replay.errors import ConfigurationError, SourceError
from replay.readers.sides import on_aws, refuse_two_sides
from replay.readers.stream_batches import execution_role
from replay.readers.streams import (
    SERVICES,
    Stream,
    dynamodb_stream,
    kind_of_arn,
    kinesis_stream,
    latest_stream_of,
    latest_stream_of_arn,
)
from replay.sources.aws_options import AwsOptions
from replay.sources.base import Recording, Source
from replay.sources.files import FilesOptions, FilesSource
from replay.sources.permissions import ANY, AwsPlace, Permission
from replay.sources.stream_failures import StreamFailures
from replay.sources.stream_permissions import batch_permissions, range_permissions
from replay.sources.stream_ranges import Range, StreamRecording, position

_MOST_IN_A_BATCH = 10_000
_REGION = 3
_ACCOUNT = 4
_TABLE_ARN = re.compile(r"arn:[\w-]+:dynamodb:[\w-]+:\d{12}:table/[\w.-]+", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamOptions(AwsOptions):
    """Which records of which stream, or the failure records that name them."""

    path: tuple[Path, ...] = field(
        default=(),
        metadata={
            "help": "a file of failure records, a folder of them, or - for standard input",
            "metavar": "PATH",
            "positional": True,
        },
    )
    stream: str | None = field(
        default=None, metadata={"help": "a Kinesis stream, or the ARN of a table's stream", "metavar": "NAME|ARN"}
    )
    table: str | None = field(
        default=None, metadata={"help": "a DynamoDB table: its latest stream", "metavar": "NAME|ARN"}
    )
    shard: str | None = field(
        default=None, metadata={"help": "this shard and those that came of it; by default all", "metavar": "ID"}
    )
    from_: str | None = field(
        default=None, metadata={"help": "the first record: its sequence number, or a time", "metavar": "SEQ|TIME"}
    )
    to: str | None = field(
        default=None, metadata={"help": "the last record: its sequence number, or a time", "metavar": "SEQ|TIME"}
    )
    batch_size: int = field(
        default=1, metadata={"help": "how many records of a shard an event has at most", "metavar": "N"}
    )
    function: str | None = field(default=None, metadata={"help": "the function that got them", "shared": True})

    def __post_init__(self) -> None:
        """
        Refuse what cannot be meant.

        Raises:
            ConfigurationError: No stream or several, a place in a stream that is not named, or a number out of range.
        """
        ways = (("PATH", self.path), ("--stream", self.stream), ("--table", self.table))
        named = ", ".join(flag for flag, value in ways if value)
        if "," in named:
            raise ConfigurationError("only one of these can be meant", where=named, hint="leave out the others")
        places = (("--shard", self.shard), ("--from", self.from_), ("--to", self.to))
        given = [flag for flag, value in places if value]
        if self.path and given:
            raise ConfigurationError(
                "a failure record says itself which records failed", where=", ".join(given), hint="leave that out"
            )
        if not 1 <= self.batch_size <= _MOST_IN_A_BATCH:
            where = f"--batch-size {self.batch_size}"
            raise ConfigurationError("a number out of its range", where=where, expected=f"1 to {_MOST_IN_A_BATCH:,}")
        table = self.table or ""
        if table.startswith("arn:") and not _TABLE_ARN.fullmatch(table):
            raise ConfigurationError(
                "this ARN names no table",
                where=f"--table {table}",
                expected="arn:aws:dynamodb:REGION:ACCOUNT:table/NAME",
                hint="--stream takes the ARN of a stream" if kind_of_arn(table) else "check the ARN, or give the name",
            )
        if not self.shard and any((value or "").isdecimal() for value in (self.from_, self.to)):
            raise ConfigurationError(
                "a sequence number is one of a shard",
                where="--from or --to",
                expected="--shard ID beside it, or a time",
                hint="the failure record names the shard, and so does a record's eventID",
            )


class StreamSource(Source):
    """
    A stream of Kinesis or DynamoDB.

    Nothing is consumed, and no checkpoint of anybody is moved: a stream may be read by many.
    """

    name = "stream"
    summary = "a failed batch of a Kinesis or DynamoDB stream, or the records of a range"
    options = StreamOptions
    gives_clients = True

    def __init__(self, options: StreamOptions) -> None:
        self._options = options

    def open(self) -> Recording:
        """
        Find the stream, or the files.

        Raises:
            SourceError: There is no such file or stream, or nothing says which.
            ConfigurationError: An option is no moment, or contradicts an ARN.
            AwsError: Credentials, region, permission, name.
        """
        options = self._options
        if options.path:
            files = FilesSource(FilesOptions(path=options.path)).open()
            return StreamFailures(files, self._client)
        if not (options.stream or options.table):
            raise SourceError(
                "nothing says which stream is meant",
                expected="--stream NAME|ARN, --table NAME, or the PATH of a failure record",
            )
        begin, end = position(options.from_, option="--from"), position(options.to, option="--to")
        asked = Range(shard=options.shard, begin=begin, end=end, batch_size=options.batch_size)
        if asked.is_backwards:
            raise ConfigurationError(
                "no record can be asked for: --from is later than --to",
                where=f"--from {options.from_} --to {options.to}",
                hint="exchange them, if that is what you mean",
            )
        return self._range_of(self._found(), asked)

    def _range_of(self, stream: Stream, asked: Range) -> StreamRecording:
        region, function = stream.arn.split(":")[_REGION], self._options.function or ""
        client, functions = self._client(SERVICES[stream.kind], region), self._client("lambda", region)
        # With an endpoint for the stream alone, an emulator's function would be looked for in a real account.
        same_side = not on_aws(functions) or on_aws(client)
        role, is_known = execution_role(functions if same_side else None, function, stream.arn)
        recording = StreamRecording(client, stream, asked, role)
        if same_side:
            recording.client_of = partial(self._client, region=region)
        if stream.kind == "kinesis" and not is_known:
            recording.notes.append(
                f"the role of {function or 'the function'} could not be looked up "
                "(lambda:GetFunctionConfiguration): invokeIdentityArn ends in role/unknown"
            )
        return recording

    def _found(self) -> Stream:
        options = self._options
        named = options.stream or options.table or ""
        region = named.split(":")[_REGION] if named.startswith("arn:") and named.count(":") > _REGION else ""
        if options.region and region not in {"", options.region}:
            raise ConfigurationError(
                f"the stream is in {region}, but --region is {options.region}",
                where=named,
                expected="one region",
                hint="leave out --region, or name a stream of that region",
            )
        if options.stream and kind_of_arn(options.stream) == "dynamodb":
            return dynamodb_stream(options.stream)
        if options.stream:
            stream = kinesis_stream(self._client("kinesis", region), options.stream)
        else:
            stream = dynamodb_stream(self._latest_stream_of(named, region))
        if region:
            _refuse_other_place(named, stream)
        return stream

    def _latest_stream_of(self, table: str, region: str) -> str:
        streams = self._client(SERVICES["dynamodb"], region)
        if region:
            tables = self._client("dynamodb", region)
            refuse_two_sides(
                tables,
                streams,
                services="DynamoDB and its streams",
                expected="a table beside its stream",
                otherwise="give the name of the table and no ARN",
            )
            arn = latest_stream_of_arn(tables, table)
        else:
            arn = latest_stream_of(streams, table)
        if arn is None:
            raise SourceError(
                "this table has no stream",
                where=table,
                expected="a table with a stream (StreamSpecification), of this account and region",
                hint="check the name of the table and the region",
            )
        return arn

    def _client(self, service: str, region: str = "") -> Any:
        return self._options.client(service, region=region)

    def permissions(self, at: AwsPlace) -> tuple[Permission, ...]:
        """Reading the range, or batches of any stream; and the role of the function, which Kinesis records have."""
        options, function = self._options, self._options.function or ANY
        if options.table and options.table.startswith("arn:"):
            # The table may be of another place than the one that *at* is, and so is its stream then.
            reading = range_permissions(at, f"{options.table}/stream/*", None, function)
            why = "find the latest stream of a table by its ARN"
            return (*reading, Permission(actions=("dynamodb:DescribeTable",), resources=(options.table,), why=why))
        if options.stream or options.table:
            return tuple(range_permissions(at, options.stream, options.table, function))
        return tuple(batch_permissions(at, function, optional=False))


def _refuse_other_place(asked: str, found: Stream) -> None:
    """Emulators answer for the caller's own account, whatever the ARN says: its data is not what was meant."""
    meant, came = asked.split(":"), found.arn.split(":")
    if meant[_REGION : _ACCOUNT + 1] != came[_REGION : _ACCOUNT + 1]:
        raise ConfigurationError(
            f"the stream that was found is of account {came[_ACCOUNT]} in {came[_REGION]}",
            where=asked,
            expected=f"a stream of account {meant[_ACCOUNT]} in {meant[_REGION]}",
            hint="use credentials of that account (--profile); for the stream that was found, give its name and no ARN",
        )
