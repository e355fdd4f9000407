"""The time that an object's key tells, in the layouts that AWS's services and tables use."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

_SLASHES = re.compile(
    r"(?:^|/)(?P<year>(?:19|20)\d\d)/(?:(?P<month>0[1-9]|1[0-2])/"
    r"(?:(?P<day>0[1-9]|[12]\d|3[01])/(?:(?P<hour>[01]\d|2[0-3])/)?)?)?"
)
_HIVE = re.compile(r"(?:^|/)(?P<name>year|yyyy|month|mm|day|dd|hour|hh)=(?P<value>\d{1,4})(?=/)", re.IGNORECASE)
_DATE = re.compile(
    r"(?:^|/)(?:dt|ds|date|day|datehour|partition_date|partition_time|event_date|p_date)="
    r"(?P<year>(?:19|20)\d\d)[-/]?(?P<month>0[1-9]|1[0-2])"
    r"(?:[-/]?(?P<day>0[1-9]|[12]\d|3[01])(?:[-/T ]?(?P<hour>[01]\d|2[0-3]))?)?(?:[^\d/][^/]*)?(?=/)",
    re.IGNORECASE,
)
_LOG_STREAM = "[$"
_PARTS = ("year", "month", "day", "hour")
_SHORT = {"yyyy": "year", "mm": "month", "dd": "day", "hh": "hour"}


class Period(NamedTuple):
    """From `start` up to, not including, `end`; without an end where nothing tells it."""

    start: datetime
    end: datetime | None
    to_the_hour: bool = False


def key_period(key: str) -> Period | None:
    """
    Say which time the folders of *key* stand for, or None where they tell none.

    `YYYY/MM/DD/HH/` and shorter, `year=…/month=…/day=…/hour=…/`, `dt=YYYY-MM-DD/` perhaps with `hour=…/`; UTC. A folder
    named after a log stream (`YYYY/MM/DD/[$LATEST]…`) only says when the stream began.

    Source: Data Firehose Developer Guide, "Configure Amazon S3 object name format"; CloudTrail User Guide, "Finding
    your CloudTrail log files"; Athena User Guide, "Partition projection".
    """
    hive = {_part(each["name"]): each["value"] for each in _HIVE.finditer(key)}
    dated = _DATE.search(key)
    if dated:
        told: Mapping[str, str | None] = {**dated.groupdict(), **({"hour": hive["hour"]} if "hour" in hive else {})}
        return _period(told)
    if hive.get("year", "").startswith(("19", "20")) and len(hive["year"]) == len("2026"):
        return _period(hive)
    found = _SLASHES.search(key)
    if found is None or (found["month"] is None and key[found.end() :].strip("/")):
        return None  # a number between slashes that nothing like a month follows is no year
    period = _period(found.groupdict())
    return period and (Period(period.start, None) if key.startswith(_LOG_STREAM, found.end()) else period)


def overlaps(period: Period | None, since: datetime | None, until: datetime | None) -> bool:
    """Say whether *period* may hold a moment between *since* and *until*; one that is not known may."""
    if period is None:
        return True
    return (since is None or period.end is None or period.end > since) and (until is None or period.start <= until)


def _part(name: str) -> str:
    return _SHORT.get(name.lower(), name.lower())


def _period(told: Mapping[str, str | None]) -> Period | None:
    """Make a period of the parts up to the first that is missing."""
    numbers: list[int] = []
    for part in _PARTS:
        if not told.get(part):
            break
        numbers.append(int(told[part] or 0))
    try:
        year, month, day, hour = (*numbers, *(0, 1, 1, 0)[len(numbers) :])
        start = datetime(year, month, day, hour, tzinfo=UTC)
        return Period(start, _end(start, len(numbers)), to_the_hour=len(numbers) == len(_PARTS))
    except (ValueError, OverflowError):
        return None


def _end(start: datetime, parts: int) -> datetime:
    if parts == len(_PARTS):
        return start + timedelta(hours=1)
    if parts == len(_PARTS) - 1:
        return start + timedelta(days=1)
    if parts == 1:
        return start.replace(year=start.year + 1)
    return start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1)
