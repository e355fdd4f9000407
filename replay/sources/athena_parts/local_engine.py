"""
DuckDB on this machine, over objects that our own client fetches: no account, no extension, no file but its own.

What a query of Athena uses of Trino and DuckDB does not have is defined here.
"""

import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from replay.counted_nouns import counted
from replay.errors import ConfigurationError, SourceError
from replay.sources.advance import Advance
from replay.sources.athena_parts.byte_sizes import shown_bytes
from replay.sources.athena_parts.object_lines import object_lines
from replay.sources.athena_parts.rows import Column, Row, Rows
from replay.sources.athena_parts.sql_text import identifier, literal
from replay.sources.s3_log_parts.log_objects import Listed, Lister, Window
from replay.sources.s3_log_parts.missing_events import printable
from replay.sources.s3_log_parts.unreadable import UnreadableParts

LINE = "line"
"""The column of the whole line; a query also sees one for each member of the lines' objects, as text."""

_PATH = "$path"
_BATCH_LETTERS = 1024 * 1024
_FETCH_ROWS = 1_000
_MOST_FIELDS = 500
_LONGEST_REASON = 400
_OBJECT = f"TRY_CAST({LINE} AS JSON)"
_NAMES = f"""
    SELECT name FROM (SELECT unnest(json_keys({_OBJECT})) AS name, rowid AS number FROM replay_lines)
    GROUP BY name ORDER BY min(number), name LIMIT {2 * _MOST_FIELDS}
"""  # noqa: S608 - ours
_NOT_READ = f"SELECT count(*) FROM replay_lines WHERE starts_with(ltrim({LINE}), '{{') AND {_OBJECT} IS NULL"  # noqa: S608
_OF_QUERIES = frozenset({"BinderException", "CatalogException", "ParserException", "PermissionException"})
_WITH_ZONE = "TIMESTAMP WITH TIME ZONE"
_MACROS = (
    """CREATE MACRO replay_path(p) AS regexp_replace(p, '\\["([^"]*)"\\]', '."\\1"', 'g')""",
    """CREATE MACRO json_extract_scalar(j, p) AS
       CASE WHEN json_type(TRY_CAST(j AS JSON), replay_path(p)) IN ('OBJECT', 'ARRAY') THEN NULL
       ELSE json_extract_string(TRY_CAST(j AS JSON), replay_path(p)) END""",
    "CREATE MACRO json_format(j) AS CAST(j AS VARCHAR)",
    "CREATE MACRO json_parse(j) AS CAST(j AS JSON)",
    "CREATE MACRO regexp_like(t, p) AS regexp_matches(t, p)",
    "CREATE MACRO from_iso8601_timestamp(t) AS CAST(t AS TIMESTAMPTZ)",
    "CREATE MACRO from_unixtime(s) AS to_timestamp(s)",
    "CREATE MACRO cardinality(l) AS len(l)",
)


class LocalEngine:
    """Runs queries over the lines of objects and files; a temporary database holds them where a query needs them."""

    def __init__(self, listers: Sequence[Lister], client: Any, *, table: str, window: Window, most_bytes: int) -> None:
        self._listers, self._client, self._window, self._most_bytes = listers, client, window, most_bytes
        self._table = table
        self._listed = Listed()
        self._unreadable = UnreadableParts()
        self._folder: Path | None = None
        self._database: Any = None
        self._is_filled = False
        self._read: set[str] = set()
        self._not_json = 0
        self.read_bytes = 0
        self.advanced: Callable[[Advance], object] = lambda _: None

    def columns_of(self, table: tuple[str, ...]) -> tuple[Column, ...]:
        """Say that the table is one of lines."""
        del table
        return (Column(name=LINE),)

    def select(self, table: tuple[str, ...], columns: Sequence[Column], condition: str | None) -> Rows:
        """Give the lines that hold *condition*, batch after batch: none of them is kept."""
        del table, columns
        return _Filtered(self, condition)

    def run(self, query: str) -> Rows:
        """
        Run *query* over all lines.

        Raises:
            SourceError: DuckDB does not take the query.
        """
        self._fill()
        return _Queried(self, query)

    def connection(self) -> Any:
        """
        Open the database, once.

        Raises:
            ConfigurationError: DuckDB is not installed.
        """
        if self._database is None:
            try:
                import duckdb
            except ImportError:
                raise ConfigurationError(
                    "the local engine is not installed here",
                    where="--engine duckdb",
                    expected="the package duckdb",
                    hint='pip install "event-replay[duckdb]"',
                ) from None
            self._folder = Path(tempfile.mkdtemp(prefix="replay-duckdb-"))
            settings: dict[str, str | bool | int | float | list[str]] = {
                "memory_limit": "256MB",
                "temp_directory": str(self._folder / "spilled"),
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
            }
            self._database = duckdb.connect(str(self._folder / "lines.duckdb"), config=settings)
            self._database.execute("SET enable_external_access = false")  # a query reads nothing but our lines
            for macro in _MACROS:
                self._database.execute(macro)
        return self._database

    def batches(self) -> Iterator[tuple[str, list[str]]]:
        """Give the lines of one object after the other, some megabytes at a time, with the object's name."""
        objects = [each for lister in self._listers for each in lister(self._window, self._listed)]
        done, total = 0, sum(each.size_bytes for each in objects)
        for each in objects:
            reached = partial(self._tell_advance, done, total)
            problems: Counter[str] = Counter()
            held: list[str] = []
            size = 0
            for line in object_lines(each, self._client, problems, most_bytes=self._most_bytes, reached=reached):
                held.append(line)
                size += len(line)
                if size >= _BATCH_LETTERS:
                    yield each.place, held
                    held, size = [], 0
            if held:
                yield each.place, held
            done += each.size_bytes
            if each.place not in self._read:
                self._read.add(each.place)
                self._unreadable.add(each.place, problems)
                self.read_bytes += each.size_bytes
        if not objects:
            raise SourceError("there is no object to read", expected="objects of that time", hint="check the place")

    def _tell_advance(self, before: int, total: int, packed_bytes: int) -> None:
        self.advanced(Advance(doing="reading objects", done=before + packed_bytes, total=total, unit="bytes"))

    def _fill(self) -> None:
        """Put all lines into a table of the database, and make the view that a query names."""
        if self._is_filled:
            return
        database = self.connection()
        database.execute(f"CREATE TABLE replay_lines ({LINE} VARCHAR, {identifier(_PATH)} VARCHAR)")
        for place, lines in self.batches():
            database.execute("INSERT INTO replay_lines SELECT unnest(?::VARCHAR[]), ?", [lines, place])
        with _duckdb_errors():
            (self._not_json,) = database.execute(_NOT_READ).fetchone()
            spellings = _spellings(name for (name,) in database.execute(_NAMES).fetchall())
        members = "".join(f", {_member(names)} AS {identifier(names[0])}" for names in spellings)
        database.execute(f"CREATE VIEW {identifier(self._table)} AS SELECT *{members} FROM replay_lines")  # noqa: S608 - quoted
        self._is_filled = True

    def notes(self) -> Iterator[str]:
        """Say how much was read, and what could not be."""
        if self._read:
            yield f"DuckDB read {shown_bytes(self.read_bytes)} on this machine"
        if self._not_json:
            yield (
                f"{counted(self._not_json, 'line')} of objects that DuckDB cannot read (cut, or half a surrogate pair "
                "in it): to a query the members are NULL; without --query, --event-at '$.event' reads what can be read"
            )
        yield from self._unreadable.notes()
        yield from (f"{printable(place)} was left out: {printable(reason)}" for place, reason in self._listed.problems)

    def close(self) -> None:
        """Remove the database."""
        if self._database is not None:
            self._database.close()
            self._database = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None


class _Filtered:
    """The lines that hold a condition, asked of DuckDB batch after batch."""

    def __init__(self, engine: LocalEngine, condition: str | None) -> None:
        self._engine, self._condition = engine, condition
        self.columns: tuple[Column, ...] = (Column(name=LINE),)

    def __iter__(self) -> Iterator[Row]:
        if self._condition is None:
            yield from ((line,) for _, lines in self._engine.batches() for line in lines)
            return
        query = f"SELECT {LINE} FROM (SELECT unnest(?::VARCHAR[]) AS {LINE}) WHERE {self._condition}"  # noqa: S608 - ours
        for _, lines in self._engine.batches():
            with _duckdb_errors():
                held = self._engine.connection().execute(query, [lines]).fetchall()
            yield from held


class _Queried:
    """The result of a query; it is run again when it is gone through again."""

    def __init__(self, engine: LocalEngine, query: str) -> None:
        self._engine, self._query = engine, query
        self._cursor: Any = None
        self.columns = tuple(Column(name=each[0], type=str(each[1]).lower()) for each in self._run().description)

    def _run(self) -> Any:
        with _duckdb_errors():
            cursor = self._engine.connection().cursor().execute(self._query)
            columns = [(str(name), str(kind)) for name, kind, *_ in cursor.description]
            if any(_WITH_ZONE in kind for _, kind in columns):
                cursor = cursor.execute(_with_zones_as_text(self._query, columns))
        self._cursor = cursor
        return cursor

    def __iter__(self) -> Iterator[Row]:
        cursor, self._cursor = self._cursor or self._run(), None
        with _duckdb_errors():
            while rows := cursor.fetchmany(_FETCH_ROWS):
                yield from (tuple(_shown(value) for value in row) for row in rows)


def _with_zones_as_text(query: str, columns: Sequence[tuple[str, str]]) -> str:
    """Let DuckDB itself write times with a zone: its package makes objects of them only where pytz is installed."""
    taken = []
    for number, (name, kind) in enumerate(columns):
        value = f"c{number}"
        if _WITH_ZONE in kind:
            value = f"CAST({value if kind == _WITH_ZONE else f'to_json({value})'} AS VARCHAR)"
        taken.append(f"{value} AS {identifier(name)}")
    named = ", ".join(f"c{number}" for number in range(len(columns)))
    inner = query.rstrip().removesuffix(";")
    return f"SELECT {', '.join(taken)} FROM (\n{inner}\n) AS replay_result({named})"  # noqa: S608 - the user's own


@contextmanager
def _duckdb_errors() -> Iterator[None]:
    """Tell what DuckDB refuses in words of ours."""
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        raise _refused(error) from error


def _refused(error: Exception) -> SourceError:
    """Tell what DuckDB said of the query; what it says of data is not shown, as nobody has redacted it."""
    kind = type(error).__name__
    said = " ".join("".join(letter if letter.isprintable() else " " for letter in str(error)).split())
    what = said[:_LONGEST_REASON] if kind in _OF_QUERIES else f"{kind}, of a value in the lines"
    return SourceError(
        f"DuckDB does not take the query: {what}",
        where="--engine duckdb",
        expected="SQL that Athena and DuckDB both know",
        hint=f"the table (logs, or as --table says) has the column {LINE}, and one of each member that any line has, "
        f"{_MOST_FIELDS} at most; json_extract_scalar({LINE}, '$.member') reads every member; TRY_CAST forgives values",
    )


def _spellings(names: Iterable[str]) -> list[list[str]]:
    """Put names of members together that differ only in case: they are one column, as a catalog has them."""
    found: dict[str, list[str]] = {}
    for name in names:
        plain = name.isprintable() and name and not set('"*') & set(name)
        if plain and name.lower() not in {LINE, _PATH}:
            found.setdefault(name.lower(), []).append(name)
    return list(found.values())[:_MOST_FIELDS]


def _member(spellings: Sequence[str]) -> str:
    paths = [literal('$."' + name + '"') for name in spellings]
    values = [f"json_extract_string({_OBJECT}, {path})" for path in paths]
    return values[0] if len(values) == 1 else f"COALESCE({', '.join(values)})"


def _shown(value: Any) -> str | None:
    """Write a value as Athena does: texts are exact, the rest as near as may be."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return json.dumps(value, default=str)
    return str(value)
