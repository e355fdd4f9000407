"""Events in tables: a query of Athena, or of DuckDB on this machine over the same objects."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from replay.errors import ConfigurationError, SourceError
from replay.payloads.log_formats.json_path import json_path
from replay.payloads.log_formats.reading import Forms
from replay.readers.sides import on_aws
from replay.sources.athena_parts.byte_sizes import byte_size
from replay.sources.athena_parts.local_engine import LocalEngine
from replay.sources.athena_parts.needed_permissions import querying, reading
from replay.sources.athena_parts.queries import AthenaEngine, Place
from replay.sources.athena_parts.recording import Asked, AthenaRecording
from replay.sources.athena_parts.sql_text import check_reads_only, table_name
from replay.sources.aws_options import AwsOptions
from replay.sources.base import Source
from replay.sources.permissions import ANY, AwsPlace, Permission
from replay.sources.s3_log_parts.bucket_listing import bucket_lister
from replay.sources.s3_log_parts.log_objects import Lister, Window, files_lister

_ENGINES = ("athena", "duckdb")
_ROWS = ("events", "lines")
_MOST_UNPACKED_BYTES = 2_000_000_000
_LOCAL_TABLE = "logs"
_S3_URL = re.compile(r"s3a?://(?P<bucket>[A-Za-z0-9][A-Za-z0-9._-]+)(?:/(?P<prefix>.*))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class AthenaOptions(AwsOptions):
    """Which rows, on which engine, and what in them is the event."""

    path: tuple[str, ...] = field(
        default=(),
        metadata={
            "help": "with --engine duckdb: the objects, s3://BUCKET/PREFIX, or a folder or file",
            "metavar": "S3-URL|PATH",
            "positional": True,
            "urls_or_paths": True,
        },
    )
    query: str | None = field(default=None, metadata={"help": "a query that only reads", "metavar": "SQL"})
    table: str | None = field(
        default=None, metadata={"help": "a table, all of whose rows are asked for", "metavar": "DATABASE.TABLE"}
    )
    event_at: str | None = field(
        default=None,
        metadata={
            "help": "the column that holds the event, or a JSONPath in it; `$` for the whole row",
            "metavar": "COLUMN|JSONPATH",
        },
    )
    rows: str | None = field(
        default=None,
        metadata={
            "help": "what rows hold: `events`, or `lines` of a log to look for failures in; by default it is found out",
            "metavar": "events|lines",
        },
    )
    request_id_at: str | None = field(
        default=None, metadata={"help": "where a line that is JSON holds the request's id", "metavar": "JSONPATH"}
    )
    max_scan: str | None = field(
        default=None, metadata={"help": "stop a query that scans more, such as 10GB", "metavar": "SIZE"}
    )
    workgroup: str = field(default="primary", metadata={"help": "the workgroup that queries run in", "metavar": "NAME"})
    database: str | None = field(default=None, metadata={"help": "the database of tables that name none"})
    catalog: str | None = field(default=None, metadata={"help": "the data catalog, where it is not Glue's own"})
    output_location: str | None = field(
        default=None,
        metadata={"help": "where results go, if the workgroup does not say it", "metavar": "s3://BUCKET/PREFIX/"},
    )
    engine: str = field(
        default="athena", metadata={"help": "`athena`, or `duckdb` on this machine", "metavar": "athena|duckdb"}
    )

    def __post_init__(self) -> None:
        """
        Refuse what cannot be meant.

        Raises:
            ConfigurationError: No rows are named, or two ways are; or a value is none of those that there are.
        """
        _one_of("engine", self.engine, _ENGINES)
        if self.rows is not None:
            _one_of("rows", self.rows, _ROWS)
        if self.query is not None:
            check_reads_only(self.query)
        self.limit_bytes()
        self.forms()
        if self.event_at is not None and self.event_at.startswith("$"):
            json_path(self.event_at, option="--event-at")
        if self.path and self.engine == "athena":
            hint = "add --engine duckdb, or name the rows by --query or --table"
            raise ConfigurationError("Athena reads tables, not objects", where=self.path[0], hint=hint)
        if self.query is not None and self.table is not None and self.engine == "athena":
            raise ConfigurationError(
                "only one of these can be meant", where="--query and --table", hint="leave one out"
            )
        if self.table is not None:
            table_name(self.table)

    def limit_bytes(self) -> int | None:
        """Say how much may be scanned."""
        return None if self.max_scan is None else byte_size(self.max_scan, option="--max-scan")

    def forms(self) -> Forms:
        """Say of lines of a log what the options say of them."""
        request_id_at = json_path(self.request_id_at, option="--request-id-at") if self.request_id_at else None
        return Forms(request_id_at=request_id_at, application=True)


def _one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ConfigurationError(f"there is no such {name}", where=f"--{name} {value}", expected=" or ".join(known))


class AthenaSource(Source):
    """
    Rows of tables, read by a query.

    Source: Athena User Guide, "DML queries"; see `replay.sources.athena_parts.queries` for the API.
    """

    name = "athena"
    summary = "events in tables, by a query of Athena, or of DuckDB here"
    options = AthenaOptions
    gives_clients = True

    def __init__(self, options: AthenaOptions) -> None:
        self._options = options

    def permissions(self, at: AwsPlace) -> tuple[Permission, ...]:
        """Running queries, reading the catalog and the data, and writing results; locally, only reading objects."""
        options = self._options
        if options.engine == "duckdb":
            places = list(_places(options.path))
            return tuple(reading(at, places)) if places else ()
        *before, table = table_name(options.table) if options.table else (ANY,)
        database = before[-1] if before else ANY
        if not before and options.query is None:  # a query may name tables of any database
            database = options.database or ANY
        results = list(_places([options.output_location or ""])) or [(ANY, "")]
        return tuple(querying(at, workgroup=options.workgroup, database=database, table=table, results=results))

    def open(self) -> AthenaRecording:
        """
        See that the workgroup can run queries, or that the objects are there; nothing is scanned yet.

        Raises:
            SourceError: No rows are named; the workgroup is disabled or has no place for results; a path is missing.
            AwsError: Credentials, region, permission, workgroup.
        """
        options = self._options
        if options.engine == "duckdb":
            return self._local_recording()
        if options.query is None and options.table is None:
            raise SourceError(
                "it is not said which rows to read",
                expected="--query SQL, or --table DATABASE.TABLE",
                hint="replay record athena --help",
            )
        client = self._options.client("athena")
        place = Place(
            workgroup=options.workgroup,
            database=options.database or "",
            catalog=options.catalog or "",
            output_location=options.output_location or "",
        )
        engine = AthenaEngine(client, place, max_scan_bytes=options.limit_bytes())
        engine.check()
        recording = AthenaRecording(self._asked(f"athena {options.table or 'query'}"), lambda _: engine)
        if on_aws(client):
            recording.client_of = self._options.client
        return recording

    def _local_recording(self) -> AthenaRecording:
        options = self._options
        if not options.path:
            raise SourceError(
                "it is not said where the objects are",
                where="--engine duckdb",
                expected="s3://BUCKET/PREFIX, or a folder or file",
                hint="replay record athena --help",
            )
        places = [(path, _S3_URL.fullmatch(path)) for path in options.path]
        client = self._options.client("s3") if any(url for _, url in places) else None
        listers: list[Lister] = [
            bucket_lister(client, url["bucket"], url["prefix"] or "") if url else files_lister(path)
            for path, url in places
        ]

        def engine(window: Window) -> LocalEngine:
            name = table_name(options.table)[-1] if options.table else _LOCAL_TABLE
            return LocalEngine(listers, client, table=name, window=window, most_bytes=_MOST_UNPACKED_BYTES)

        return AthenaRecording(self._asked(f"duckdb {options.path[0]}"), engine)

    def _asked(self, place: str) -> Asked:
        options = self._options
        return Asked(
            query=options.query,
            table=table_name(options.table or _LOCAL_TABLE) if options.query is None else None,
            event_at=options.event_at,
            rows=options.rows or ("events" if options.event_at else None),
            forms=options.forms(),
            place=place,
        )


def _places(urls: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Give the bucket and prefix of each that is a place in S3."""
    yield from ((url["bucket"], url["prefix"] or "") for each in urls if (url := _S3_URL.fullmatch(each)))
