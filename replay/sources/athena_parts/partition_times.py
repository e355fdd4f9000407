"""The time that is asked for as a condition on partition keys, so that other partitions are not read."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from replay.sources.athena_parts.rows import Column
from replay.sources.athena_parts.sql_text import identifier, literal

_FORMATS = {
    "yyyy/MM/dd/HH": "%Y/%m/%d/%H", "yyyy/MM/dd": "%Y/%m/%d", "yyyy/MM": "%Y/%m", "yyyy": "%Y",
    "yyyy-MM-dd-HH": "%Y-%m-%d-%H", "yyyy-MM-dd": "%Y-%m-%d", "yyyy-MM": "%Y-%m",
    "yyyyMMddHH": "%Y%m%d%H", "yyyyMMdd": "%Y%m%d", "yyyyMM": "%Y%m",
}  # fmt: skip
"""Formats of projected dates whose texts sort as the dates do."""

_PARTS = ("year", "month", "day", "hour")
_SLACK = timedelta(hours=1)
"""Keys and clocks may be off: an object is written when the last of its lines is old."""


def partition_condition(columns: Sequence[Column], since: datetime | None, until: datetime | None) -> str | None:
    """
    Give the condition that leaves the partitions of this time, or None where the keys tell no time.

    Source: Athena User Guide, "Supported types for partition projection" (dates are in UTC).
    """
    low = since.astimezone(UTC) - _SLACK if since else None
    high = until.astimezone(UTC) + _SLACK if until else None
    parts = [part for column in columns if column.is_partition for part in _of_date(column, low, high)]
    if not parts:
        parts = list(_of_numbers({each.name.lower(): each for each in columns if each.is_partition}, low, high))
    return " AND ".join(parts) or None


def _of_date(column: Column, low: datetime | None, high: datetime | None) -> Iterator[str]:
    form = _FORMATS.get(column.date_format)
    if form is None or not column.is_text:
        return
    for operator, moment in ((">=", low), ("<=", high)):
        if moment is not None:
            yield f"{identifier(column.name)} {operator} {literal(moment.strftime(form))}"


def _of_numbers(columns: dict[str, Column], low: datetime | None, high: datetime | None) -> Iterator[str]:
    """Compare `year`, `month`, `day` and `hour`, as far as they are keys, one after the other."""
    named = []
    for part in _PARTS:
        if part not in columns:
            break
        named.append(part)
    for strictly, moment in ((">", low), ("<", high)):
        made = ""
        for part in reversed(named if moment else ()):
            key = f"TRY_CAST({identifier(columns[part].name)} AS integer)"
            number = getattr(moment, part)
            made = f"({key} {strictly} {number} OR ({key} = {number}{f' AND {made}' if made else ''}))"
        if made:
            yield made
