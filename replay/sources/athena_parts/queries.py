"""
Queries of Athena: started, polled with patience, stopped at a limit or when nobody waits for them any more.

Source: Athena API `StartQueryExecution`, `GetQueryExecution`, `StopQueryExecution`, `GetQueryResults` (pages of at most
1,000 rows, of which the first begins with the names of the columns), `GetWorkGroup`, `GetTableMetadata`.
"""

import re
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import sleep
from typing import Any

from replay.errors import AwsError, ConfigurationError, SourceError, SourceRefused
from replay.readers.aws_errors import aws_errors
from replay.sources.advance import Advance
from replay.sources.athena_parts.byte_sizes import shown_bytes
from replay.sources.athena_parts.rows import Column, Row
from replay.sources.athena_parts.sql_text import identifier

_PAGE_ROWS = 1_000
_FIRST_WAIT_S = 0.2
_LONGEST_WAIT_S = 3.0
_UNDER_WAY = frozenset({"QUEUED", "RUNNING"})
_NO_LOCATION = "no output location"
_BUCKET_WORDS = ("output bucket", "access denied when writing", "permission denied on s3 path", "writing to s3")
_LONGEST_REASON = 600
_QUOTES_DATA = re.compile(
    r"(?:INVALID_\w+|HIVE_(?:BAD_DATA|CURSOR_ERROR|INVALID_\w+)|NUMERIC_VALUE_OUT_OF_RANGE|GENERIC_USER_ERROR"
    r"|GENERIC_INTERNAL_ERROR|JSON_\w+|ARRAY_\w+|CAST_\w+)"
)
"""Error codes of Trino whose texts hold values of the rows, such as `Cannot cast 'x' to BIGINT`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where queries run, and whose tables they see; empty leaves it to the workgroup."""

    workgroup: str = "primary"
    database: str = ""
    catalog: str = ""
    output_location: str = ""

    @property
    def context(self) -> dict[str, str]:
        """The context of a query, as the API wants it."""
        given = {"Database": self.database, "Catalog": self.catalog}
        return {name: value for name, value in given.items() if value}


class AthenaEngine:
    """Runs queries in a workgroup, within what may be scanned; all that it has started ends with it."""

    def __init__(
        self,
        client: Any,
        place: Place,
        *,
        max_scan_bytes: int | None = None,
        wait: Callable[[float], object] = sleep,
    ) -> None:
        self._client, self._place = client, place
        self._max_scan_bytes = max_scan_bytes
        self._wait = wait
        self._remarks: list[str] = []
        self._running: str | None = None
        self._scanned_now = 0
        self.scanned_bytes = 0
        self.queries: list[str] = []
        self.stopped = ""
        self.advanced: Callable[[Advance], object] = lambda _: None

    def check(self) -> None:
        """
        See that the workgroup can run queries, and what its own settings do to those given here.

        Raises:
            SourceError: It is disabled, or no output location is set.
            AwsError: There is no such workgroup.
        """
        where = f"workgroup {self._place.workgroup}"
        try:
            with aws_errors(where=where, service="athena"):
                group = self._client.get_work_group(WorkGroup=self._place.workgroup)["WorkGroup"]
        except AwsError as error:
            if "AccessDenied" not in error.code:
                raise _unknown_workgroup(error, where) from error
            self._remarks.append(f"the settings of {where} were not seen: {error.what}")
            return
        if group.get("State") == "DISABLED":
            raise SourceError("the workgroup is disabled", where=where, hint="choose another one: --workgroup NAME")
        settings = group.get("Configuration") or {}
        self._check_location(settings, where)
        own = settings.get("BytesScannedCutoffPerQuery")
        if own and (self._max_scan_bytes is None or own < self._max_scan_bytes):
            self._remarks.append(f"{where} itself ends a query that scans more than {shown_bytes(own)}")

    def _check_location(self, settings: Any, where: str) -> None:
        managed = (settings.get("ManagedQueryResultsConfiguration") or {}).get("Enabled")
        own = (settings.get("ResultConfiguration") or {}).get("OutputLocation")
        if self._place.output_location and settings.get("EnforceWorkGroupConfiguration") and (own or managed):
            self._remarks.append(f"{where} enforces its own settings: --output-location has no effect")
        elif not (self._place.output_location or own or managed):
            raise _no_location(where)

    def columns_of(self, table: tuple[str, ...]) -> tuple[Column, ...]:
        """
        List the columns of a table, partition keys last; of what the catalog does not show, the query is asked.

        Raises:
            SourceError, AwsError: There is no such table, or it may not be read.
        """
        *before, name = table
        database = before[-1] if before else self._place.database or "default"
        catalog = before[0] if len(before) > 1 else self._place.catalog or "AwsDataCatalog"
        try:
            with aws_errors(where=f"table {'.'.join(table)}", service="athena"):
                answer = self._client.get_table_metadata(
                    CatalogName=catalog,
                    DatabaseName=database,
                    TableName=name,
                    **({"WorkGroup": self._place.workgroup} if catalog != "AwsDataCatalog" else {}),
                )["TableMetadata"]
        except AwsError as error:
            if error.code in {"MetadataException", "EntityNotFoundException"}:
                raise _unknown_table(table, error) from error
            answer = {}
        settings = answer.get("Parameters") or {}
        told = [(each, False) for each in answer.get("Columns", ())]
        told += [(each, True) for each in answer.get("PartitionKeys", ())]
        if not told:
            return self.run(f"SELECT * FROM {'.'.join(map(identifier, table))} LIMIT 0").columns  # noqa: S608 - quoted
        return tuple(
            Column(
                name=each["Name"],
                type=str(each.get("Type", "varchar")).lower(),
                is_partition=is_partition,
                date_format=_date_format(settings, each["Name"]) if is_partition else "",
            )
            for each, is_partition in told
        )

    def select(self, table: tuple[str, ...], columns: Sequence[Column], condition: str | None) -> "AthenaRows":
        """Give these columns of the rows of a table that hold *condition*; what is nested comes as JSON."""
        named = ", ".join(_selected(each) for each in columns)
        where = f" WHERE {condition}" if condition else ""
        return self.run(f"SELECT {named} FROM {'.'.join(map(identifier, table))}{where}")  # noqa: S608 - quoted

    def run(self, query: str) -> "AthenaRows":
        """
        Run *query* to its end.

        Raises:
            SourceRefused: It scanned more than it may, and was stopped.
            SourceError: It failed, or was cancelled by others.
            AwsError: It could not be started or followed.
        """
        identity = self._start(query)
        try:
            execution = self._ended(identity)
            self._running = None
        finally:
            self.close()  # also on Ctrl-C: what still runs is billed
            self.scanned_bytes, self._scanned_now = self.scanned_bytes + self._scanned_now, 0
        _refuse_failed(execution, identity, self._place.workgroup)
        return AthenaRows(self._client, identity, has_header=execution.get("StatementType", "DML") == "DML")

    def _start(self, query: str) -> str:
        location = {"OutputLocation": self._place.output_location}
        where = f"workgroup {self._place.workgroup}"
        try:
            with aws_errors(where=where, service="athena"):
                started = self._client.start_query_execution(
                    QueryString=query,
                    ClientRequestToken=str(uuid.uuid4()),  # boto3 may send it twice, and it must run once
                    WorkGroup=self._place.workgroup,
                    **({"QueryExecutionContext": self._place.context} if self._place.context else {}),
                    **({"ResultConfiguration": location} if self._place.output_location else {}),
                )
        except AwsError as error:
            if error.code != "InvalidRequestException":
                raise
            if _NO_LOCATION in error.what.lower():
                raise _no_location(where) from error
            if any(word in error.what.lower() for word in _BUCKET_WORDS):
                raise _no_permission(error.what.partition(": ")[2] or error.what, where) from error
            raise SourceError(
                f"Athena does not take the query: {error.what.partition(': ')[2] or error.what}",
                where=where,
                hint="mend the query; Athena's own words tell the line and the column",
            ) from error
        self._running = started["QueryExecutionId"]
        self.queries.append(self._running)
        return self._running

    def _ended(self, identity: str) -> Any:
        pause_s = _FIRST_WAIT_S
        while True:
            with aws_errors(where=f"query {identity}", service="athena"):
                execution: Any = self._client.get_query_execution(QueryExecutionId=identity)["QueryExecution"]
            self._scanned_now = _scanned(execution)
            scanned = self._scanned_now + self.scanned_bytes
            self.advanced(Advance(doing="the query runs, and has scanned", done=scanned, unit="bytes"))
            if execution["Status"]["State"] not in _UNDER_WAY:
                return execution
            if self._max_scan_bytes is not None and scanned > self._max_scan_bytes:
                raise SourceRefused(
                    f"the query had scanned {shown_bytes(scanned)}, more than it may, and was stopped",
                    where=f"query {identity}, --max-scan {shown_bytes(self._max_scan_bytes)}",
                    expected="a query that reads less: a partition, fewer columns, a shorter time",
                    hint="AWS bills what was scanned until now; allow more with --max-scan, or ask for less",
                )
            self._wait(pause_s)
            pause_s = min(pause_s * 1.5, _LONGEST_WAIT_S)

    def _stop(self, identity: str) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        with suppress(BotoCoreError, ClientError):  # it may have ended by itself
            self._client.stop_query_execution(QueryExecutionId=identity)

    def notes(self) -> Iterator[str]:
        """Say what the queries cost, and what was not as asked for."""
        yield from self._remarks
        if self.queries:
            many = f"{len(self.queries)} queries" if len(self.queries) > 1 else f"query {self.queries[0]}"
            yield f"Athena scanned {shown_bytes(self.scanned_bytes)} for {many}"
        if self.stopped:
            yield f"query {self.stopped} was stopped; what it had scanned until then is billed"
        elif self._max_scan_bytes is not None and self.scanned_bytes > self._max_scan_bytes:
            yield f"that is more than --max-scan {shown_bytes(self._max_scan_bytes)}: it ended before it was stopped"

    def close(self) -> None:
        """Stop the query that still runs."""
        if self._running is not None:
            self.stopped, self._running = self._running, None
            self._stop(self.stopped)


class AthenaRows:
    """The result of a query, read page by page as often as it is asked for: Athena keeps it."""

    def __init__(self, client: Any, identity: str, *, has_header: bool) -> None:
        self._client, self._identity, self._has_header = client, identity, has_header
        self._first: Any = None

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns, as the result tells them."""
        told = self._first_page()["ResultSetMetadata"].get("ColumnInfo", ())
        return tuple(Column(name=each.get("Label") or each["Name"], type=each["Type"].lower()) for each in told)

    def __iter__(self) -> Iterator[Row]:
        page = self._first_page()
        token = self._token
        self._first = None  # what is read is not held: a result may have millions of rows
        names = [each.get("Label") or each["Name"] for each in page["ResultSetMetadata"].get("ColumnInfo", ())]
        rows = [_row(each, len(names)) for each in page.get("Rows", ())]
        if self._has_header and rows and rows[0] == tuple(names):
            rows = rows[1:]
        yield from rows
        while token:
            answer = self._page(token)
            token = answer.get("NextToken")
            yield from (_row(each, len(names)) for each in answer["ResultSet"].get("Rows", ()))

    def _first_page(self) -> Any:
        if self._first is None:
            answer = self._page(None)
            self._first, self._token = answer["ResultSet"], answer.get("NextToken")
        return self._first

    def _page(self, token: str | None) -> Any:
        with aws_errors(where=f"the result of query {self._identity}", service="athena"):
            return self._client.get_query_results(
                QueryExecutionId=self._identity, MaxResults=_PAGE_ROWS, **({"NextToken": token} if token else {})
            )


def _date_format(settings: Mapping[str, str], key: str) -> str:
    projected = {name.lower(): value for name, value in settings.items()}
    is_date = projected.get(f"projection.{key.lower()}.type", "").lower() == "date"
    return projected.get(f"projection.{key.lower()}.format", "") if is_date else ""


def _selected(column: Column) -> str:
    name = identifier(column.name)
    return f"json_format(CAST({name} AS JSON)) AS {name}" if column.is_nested else name


def _row(told: Any, count: int) -> Row:
    values = [each.get("VarCharValue") for each in told.get("Data", ())]
    return (*values, *[None] * (count - len(values)))


def _scanned(execution: Any) -> int:
    return int((execution.get("Statistics") or {}).get("DataScannedInBytes") or 0)


def _refuse_failed(execution: Any, identity: str, workgroup: str) -> None:
    """Raise what a query that did not succeed says of itself."""
    status = execution["Status"]
    if status["State"] == "SUCCEEDED":
        return
    reason = _told(status.get("StateChangeReason") or (status.get("AthenaError") or {}).get("ErrorMessage") or "")
    spent = shown_bytes(_scanned(execution))
    where = f"query {identity}, workgroup {workgroup}"
    if status["State"] == "CANCELLED":
        raise SourceError(
            f"the query was cancelled after scanning {spent}{f': {reason}' if reason else ''}",
            where=where,
            hint="by somebody, or by the limit of the workgroup (bytes scanned per query); ask for less",
        )
    if any(word in reason.lower() for word in _BUCKET_WORDS):
        raise _no_permission(reason, where)
    raise SourceError(
        f"the query failed after scanning {spent}: {reason or 'Athena gives no reason'}",
        where=where,
        hint="mend the query, or look at it in the console of Athena under Recent queries",
    )


def _no_location(where: str) -> SourceError:
    return SourceError(
        "there is no place for the results of queries",
        where=where,
        expected="an output location of the workgroup, or --output-location s3://BUCKET/PREFIX/",
        hint="add --output-location s3://BUCKET/PREFIX/",
    )


def _no_permission(reason: str, where: str) -> SourceError:
    return SourceError(
        f"Athena could not read or write in S3: {reason}",
        where=where,
        expected="s3:GetObject on the data; s3:GetBucketLocation, s3:GetObject, s3:PutObject where results go",
        hint="ask for these permissions, or use another --output-location",
    )


def _unknown_workgroup(error: AwsError, where: str) -> AwsError:
    if error.code != "InvalidRequestException" or "not found" not in error.what.lower():
        return error
    return AwsError(
        "there is no such workgroup", code=error.code, where=where, hint="list them: aws athena list-work-groups"
    )


def _unknown_table(table: tuple[str, ...], error: AwsError) -> ConfigurationError:
    return ConfigurationError(
        "the data catalog has no such table",
        where=f"--table {'.'.join(table)}",
        expected="CATALOG.DATABASE.TABLE, DATABASE.TABLE, or TABLE with --database",
        hint=f"look for it: aws athena list-table-metadata (AWS said: {error.what})",
    )


def _told(reason: str) -> str:
    """Keep what Athena says on one line; of an error that quotes data only its code, as nobody has redacted those."""
    line = _one_line(reason)
    code = _QUOTES_DATA.match(line)
    return f"{code[0]} (the rest may quote data: it is with the query, in the console)" if code else line


def _one_line(text: str) -> str:
    line = "".join(letter if letter.isprintable() else " " for letter in " ".join(text.split()))
    return line if len(line) <= _LONGEST_REASON else f"{line[: _LONGEST_REASON - 1]}…"
