"""Rows as an engine gives them: exact texts, page after page."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from replay.sources.advance import Advance

Row = tuple[str | None, ...]
"""The values of a row as text; None is NULL, which an empty text is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """
    A column: its name as the engine has it, and its type in the engine's words, in lower case.

    `date_format` is how a partition key that is projected as a date is written (`yyyy/MM/dd/HH`).
    """

    name: str
    type: str = "varchar"
    is_partition: bool = False
    date_format: str = ""

    @property
    def is_nested(self) -> bool:
        """Whether its values are rows, arrays or maps, which as text are no JSON."""
        return self.type.startswith(("struct", "row", "array", "map", "list")) or self.type.endswith("[]")

    @property
    def is_text(self) -> bool:
        """Whether its values are texts, given byte for byte."""
        return self.type.startswith(("varchar", "char", "string", "json"))


class Rows(Protocol):
    """What a query found; it can be gone through again without asking the engine to search again."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns, in order."""
        ...

    def __iter__(self) -> Iterator[Row]: ...


class Engine(Protocol):
    """What runs queries: Athena, or DuckDB on this machine; `advanced` is told how far it is."""

    advanced: Callable[[Advance], object]

    def columns_of(self, table: tuple[str, ...]) -> tuple[Column, ...]:
        """List the columns of a table."""
        ...

    def select(self, table: tuple[str, ...], columns: Sequence[Column], condition: str | None) -> Rows:
        """Give these columns of the rows of a table that hold *condition*; what is nested comes as JSON."""
        ...

    def run(self, query: str) -> Rows:
        """Run a query that only reads, and wait for its result."""
        ...

    def notes(self) -> Iterator[str]:
        """Say what it has cost."""
        ...

    def close(self) -> None:
        """Give everything back; may be called twice."""
        ...
