"""One pass over the rows that a query finds."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.metadata import entry_points
from itertools import islice

from replay.counted_nouns import counted
from replay.payloads.captures import Capture
from replay.payloads.envelopes.registry import ENTRY_POINTS
from replay.payloads.event_patterns import EventPattern
from replay.payloads.log_formats.logged_event import EventPlace
from replay.payloads.log_formats.reading import Forms
from replay.sources.athena_parts.captured_rows import capture_of_request, capture_of_row
from replay.sources.athena_parts.event_columns import EventAt, event_at, event_of, is_line_of_log, line_of
from replay.sources.athena_parts.log_rows import failed_requests
from replay.sources.athena_parts.partition_times import partition_condition
from replay.sources.athena_parts.pushdown import condition_of
from replay.sources.athena_parts.rows import Column, Engine, Rows
from replay.sources.athena_parts.sql_text import identifier
from replay.sources.base import Recording
from replay.sources.s3_log_parts.joined import Joined
from replay.sources.s3_log_parts.log_objects import Window
from replay.sources.s3_log_parts.missing_events import missing_notes, printable

_LOOKED_AT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked for: a query or a whole table, where in a row the event is, and whether rows are lines of a log."""

    query: str | None
    table: tuple[str, ...] | None
    event_at: str | None
    rows: str | None
    forms: Forms
    place: str


class AthenaRecording(Recording):
    """One pass over the rows of a result, or two where they are lines of a log; nothing is changed."""

    def __init__(self, asked: Asked, engine: Callable[[Window], Engine]) -> None:
        self._asked = asked
        self._make_engine = engine
        self._engine: Engine | None = None
        self._window = Window()
        self._pattern: EventPattern | None = None
        self._joined = Joined()
        self._line_problems: Counter[str] = Counter()
        self._without_event = 0
        self._read_all = False
        self._closed = False
        self.notes = []

    def within(self, since: datetime | None, until: datetime | None) -> None:
        """Ask only for partitions of this time, where the keys of a table tell it."""
        self._window = Window(since=since, until=until)

    def matching(self, pattern: EventPattern | None) -> None:
        """Let the engine leave out rows of a table whose events cannot match."""
        self._pattern = pattern

    def captures(self) -> Iterator[Capture]:
        """
        Run the query, and give the event of each row, or of each failed request in the log that the rows are.

        Raises:
            SourceRefused: More was scanned than may be.
            SourceError: The query fails, or is cancelled.
            ConfigurationError: It is not known which column holds the event.
            AwsError: Credentials, permission, throttling.
        """
        engine = self._engine = self._make_engine(self._window)
        engine.advanced = self.advanced
        if self._asked.query is not None:
            rows = engine.run(self._asked.query)
            columns: Sequence[Column] = rows.columns
            at = event_at(columns, self._asked.event_at)
        else:
            assert self._asked.table is not None
            columns = engine.columns_of(self._asked.table)
            at = event_at(columns, self._asked.event_at)
            rows = engine.select(self._asked.table, columns, self._condition(columns, at))
        if self._are_lines(rows, at):
            yield from self._of_lines(rows, columns, at)
        else:
            yield from self._of_rows(rows, columns, at)
        self._read_all = True

    def _condition(self, columns: Sequence[Column], at: EventAt) -> str | None:
        """Say in SQL what every row that is asked for holds."""
        of_time = partition_condition(columns, self._window.since, self._window.until)
        if of_time is None and not self._window.is_open and any(each.is_partition for each in columns):
            self.notes.append("the keys of the table tell no time that is understood: every partition was asked for")
        of_event = self._condition_of_event(columns, at) if self._pattern is not None else None
        return " AND ".join(each for each in (of_time, of_event) if each) or None

    def _condition_of_event(self, columns: Sequence[Column], at: EventAt) -> str | None:
        if entry_points(group=ENTRY_POINTS):
            self.notes.append("all rows were asked for: what envelopes of other packages make of them, SQL cannot know")
        elif at.index is None:
            self.notes.append(
                "all rows were asked for, as each is an event as a whole: --where was held against them here"
            )
        elif self._asked.rows != "lines" and (at.is_event or self._asked.rows == "events"):
            assert self._pattern is not None
            return condition_of(self._pattern, _text_of(columns[at.index]), at.path)
        else:
            self.notes.append("all rows were asked for, as they may be lines of a log: --event-at names the column")
        return None

    def _are_lines(self, rows: Rows, at: EventAt) -> bool:
        if self._asked.rows is not None:
            return self._asked.rows == "lines"
        if at.is_event:
            return False
        texts = (row[at.index] for row in islice(rows, _LOOKED_AT) if at.index is not None)
        return any(is_line_of_log(text) for text in texts if text)

    def _of_rows(self, rows: Rows, columns: Sequence[Column], at: EventAt) -> Iterator[Capture]:
        for row in rows:
            event = event_of(row, columns, at)
            if event is None:
                self._without_event += 1
                continue
            yield capture_of_row(
                row, columns, at, event, place=self._asked.place, request_id_at=self._asked.forms.request_id_at
            )

    def _of_lines(self, rows: Rows, columns: Sequence[Column], at: EventAt) -> Iterator[Capture]:
        def lines() -> Iterator[str]:
            for row in rows:
                if line := line_of(row, columns, at):
                    yield line

        forms = replace(self._asked.forms, event=EventPlace(path=at.path or None))
        for found in failed_requests(lines, forms, self._joined, self._line_problems):
            yield capture_of_request(found, place=self._asked.place)

    def close(self) -> None:
        """Stop what still runs, and say what it has cost and what was not found."""
        if self._closed:
            return
        self._closed = True
        if self._engine is not None:
            self._engine.close()
            self.notes += [printable(note) for note in self._engine.notes()]
        if self._without_event:
            self.notes.append(f"{counted(self._without_event, 'row')} without an event: NULL, empty, or no JSON")
        if self._read_all:
            self.notes += missing_notes(self._joined, self._window.holds)
        self.notes += [printable(f"{counted(count, 'time')}: {each}") for each, count in self._line_problems.items()]


def _text_of(column: Column) -> str:
    name = identifier(column.name)
    return f"json_format(CAST({name} AS JSON))" if column.is_nested else name
