"""
How the objects of a log lie in folders, as partitions that Athena projects: no crawler, no list of partitions.

Source: Athena User Guide, "Set up partition projection", "Supported types for partition projection" (dates in UTC; a
range is `FROM,NOW`), and "Amazon Data Firehose example".
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from replay.errors import ConfigurationError

_YEAR, _MONTH = r"(?:19|20)\d\d", r"(?:0[1-9]|1[0-2])"
_DAY, _HOUR = r"(?:0[1-9]|[12]\d|3[01])", r"(?:[01]\d|2[0-3])"
_REGION = r"[a-z]{2}(?:-[a-z]{2,12}){1,2}-\d"
_AWS_LOGS = re.compile(
    rf"(?:^|/)AWSLogs/(?:o-[a-z0-9]{{10,32}}/)?(?P<account>\d{{12}})/[\w-]+/(?P<region>{_REGION})/"
    rf"(?:(?P<datehour>{_YEAR}/{_MONTH}/{_DAY}/{_HOUR})|(?P<day>{_YEAR}/{_MONTH}/{_DAY}))/"
)
_DATED = re.compile(
    rf"(?:^|/)(?P<name>dt|ds|date|day|datehour|event_date|partition_date)="
    rf"(?P<dt>{_YEAR}-{_MONTH}-{_DAY}(?:-{_HOUR})?)/(?:hour=(?P<hour>{_HOUR})/)?"
)
_HIVE = re.compile(
    rf"(?:^|/)year=(?P<year>{_YEAR})/month=(?P<month>1[0-2]|0?[1-9])/day=(?P<day>[12]\d|3[01]|0?[1-9])/"
    rf"(?:hour=(?P<hour>1\d|2[0-3]|0?\d)/)?"
)
_SLASHES = re.compile(
    rf"(?:^|/)(?:(?P<datehour>{_YEAR}/{_MONTH}/{_DAY}/{_HOUR})|(?P<day>{_YEAR}/{_MONTH}/{_DAY})|(?P<month>{_YEAR}/{_MONTH}))/"
)
_DATES = {
    "datehour": ("yyyy/MM/dd/HH", "%Y/%m/%d/%H", "HOURS"),
    "day": ("yyyy/MM/dd", "%Y/%m/%d", "DAYS"),
    "month": ("yyyy/MM", "%Y/%m", "MONTHS"),
    "dt": ("yyyy-MM-dd", "%Y-%m-%d", "DAYS"),
    "dt-hour": ("yyyy-MM-dd-HH", "%Y-%m-%d-%H", "HOURS"),
}
_RANGES = {"month": (1, 12), "day": (1, 31), "hour": (0, 23)}
_YEARS_AHEAD = 5
"""An integer has no NOW: the range must end somewhere, and each year more is a year of partitions to look at."""

_DEFAULT_TIME = timedelta(days=3 * 365)

LAYOUTS = (
    "none",
    "yyyy/MM/dd/HH",
    "yyyy/MM/dd",
    "yyyy/MM",
    "dt=yyyy-MM-dd",
    "dt=yyyy-MM-dd/hour=HH",
    "year=/month=/day=",
    "year=/month=/day=/hour=",
)
"""Those that can be said without looking at objects; `AWSLogs/…` names accounts and regions, which must be seen."""

_EXAMPLES = {
    "yyyy/MM/dd/HH": "{y}/01/01/00/x",
    "yyyy/MM/dd": "{y}/01/01/x",
    "yyyy/MM": "{y}/01/x",
    "dt=yyyy-MM-dd": "dt={y}-01-01/x",
    "dt=yyyy-MM-dd/hour=HH": "dt={y}-01-01/hour=00/x",
    "year=/month=/day=": "year={y}/month=01/day=01/x",
    "year=/month=/day=/hour=": "year={y}/month=01/day=01/hour=00/x",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionKey:
    """A key of partitions: its name, its type, and how Athena projects its values."""

    name: str
    type: str = "string"
    projection: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The partitions of a table, and the `template` of their keys below the bucket; empty where there are none."""

    keys: tuple[PartitionKey, ...] = ()
    template: str = ""
    location: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What the key of one object tells: its groups, and the text between them."""

    template: str
    location: str
    values: Mapping[str, str]


def named_layout(name: str, prefix: str, since: datetime | None, now: datetime) -> Layout:
    """
    Give the layout *name* below *prefix*.

    Raises:
        ConfigurationError: There is no such layout.
    """
    if name not in LAYOUTS:
        raise ConfigurationError("there is no such layout", where=f"--layout {name}", expected=", ".join(LAYOUTS))
    if name == "none":
        return Layout(location=prefix)
    begin = since or now - _DEFAULT_TIME
    return layout_of([prefix + _EXAMPLES[name].format(y=begin.year)], prefix, begin, now)


def layout_of(
    keys: Sequence[str], prefix: str, since: datetime | None, now: datetime, *, seen: Mapping[str, Iterable[str]] = {}
) -> Layout:
    """
    Tell from the *keys* of objects below *prefix* how they lie.

    Args:
        since: Where the projected dates begin; by default with the earliest that is seen.
        seen: Further accounts and regions, by `account` and `region`.

    Raises:
        ConfigurationError: They lie in more than one way, which one table cannot have.
    """
    found = [_found(key, prefix) for key in keys]
    kinds = {each.template if each else "" for each in found}
    if len(kinds) > 1:
        raise ConfigurationError(
            "these objects do not lie in folders of one kind",
            where=f"the prefix {prefix!r}",
            expected="one of these: " + ", ".join(sorted(repr(kind or "without a time") for kind in kinds)[:5]),
            hint="give a longer prefix, or say --layout; --layout none makes a table without partitions",
        )
    told = [each for each in found if each]
    if not told:
        return Layout(location=prefix)
    values = {name: {each.values[name] for each in told} | set(seen.get(name, ())) for name in told[0].values}
    made = tuple(_key(name, among, since, now) for name, among in values.items())
    return Layout(keys=made, template=told[0].template, location=told[0].location)


def _found(key: str, prefix: str) -> _Found | None:
    folder = key[: key.rfind("/") + 1]
    for form in (_AWS_LOGS, _DATED, _HIVE, _SLASHES):
        match = form.search(folder, max(len(prefix) - 1, 0)) if form is not _AWS_LOGS else form.search(folder)
        if match is not None:
            return _template(match, folder, prefix)
    return None


def _template(match: re.Match[str], folder: str, prefix: str) -> _Found | None:
    """Put names where the values of one object stand; what the prefix says already stays as it is."""
    groups = {name: value for name, value in match.groupdict().items() if value is not None and name != "name"}
    inside = {name: value for name, value in groups.items() if match.start(name) >= len(prefix)}
    if not inside:
        return None
    made, at = "", 0
    values: dict[str, str] = {}
    for name in sorted(inside, key=match.start):
        column = match["name"] if name == "dt" else name
        made += f"{folder[at : match.start(name)]}${{{column}}}"
        at = match.end(name)
        values[column] = inside[name]
    first = min(match.start(name) for name in inside)
    static = folder[: folder.rfind("/", 0, first) + 1]
    return _Found(template=f"{made}{folder[at : match.end()]}", location=static, values=values)


def _key(name: str, values: Iterable[str], since: datetime | None, now: datetime) -> PartitionKey:
    among = sorted(values)
    if name in {"account", "region"}:
        return PartitionKey(name=name, projection={"type": "enum", "values": ",".join(among)})
    form = _date_of(among[0])
    if form is None:
        return _number(name, among, since, now)
    java, python, unit = form
    begin = since.astimezone(UTC).strftime(python) if since else among[0]
    return PartitionKey(
        name=name,
        projection={"type": "date", "format": java, "range": f"{begin},NOW", "interval": "1", "interval.unit": unit},
    )


def _date_of(value: str) -> tuple[str, str, str] | None:
    for java, python, unit in _DATES.values():
        try:
            datetime.strptime(value, python).replace(tzinfo=UTC)
        except ValueError:
            continue
        if len(value) == len(java):
            return java, python, unit
    return None


def _number(name: str, among: Sequence[str], since: datetime | None, now: datetime) -> PartitionKey:
    first_year = min([since.year if since else now.year, *(int(each) for each in among if name == "year")])
    low, high = _RANGES.get(name, (first_year, now.year + _YEARS_AHEAD))
    digits = {"digits": "2"} if name in _RANGES and all(len(each) > 1 for each in among) else {}
    return PartitionKey(name=name, type="int", projection={"type": "integer", "range": f"{low},{high}", **digits})
