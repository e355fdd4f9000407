"""An archive of EventBridge: found by name or ARN, and the time that a replay of it is asked for."""

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from replay.errors import AwsError, ConfigurationError, SourceError, SourceRefused
from replay.readers.aws_errors import aws_errors, error_code
from replay.readers.sides import on_aws

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

_ARN = re.compile(r"arn:[\w-]+:events:(?P<region>[\w-]+):(?P<account>\d{12}):archive/(?P<name>[.\-\w]{1,48})", re.ASCII)
_NAME = re.compile(r"[.\-\w]{1,48}", re.ASCII)
_NOT_YET = {"CREATING", "CREATE_FAILED"}
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveAddress:
    """What the user wrote to name an archive, taken apart; what it does not say is empty."""

    name: str
    region: str = ""
    account_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """
    An archive at the moment of asking; `event_count` is right within a day.

    Source: EventBridge API `DescribeArchive`; User Guide, "Archiving events".
    """

    arn: str
    bus_arn: str
    state: str
    reason: str = ""
    retention_days: int = 0
    event_count: int = 0
    created: datetime

    @property
    def name(self) -> str:
        """Its name, for eyes."""
        return self.arn.rpartition("/")[2]

    @property
    def bus(self) -> str:
        """The name of its bus."""
        return self.bus_arn.partition(":event-bus/")[2]

    def oldest(self, now: datetime) -> datetime:
        """Say from when on it can have events: since it was made, or for as long as it keeps them."""
        if not self.retention_days:
            return self.created
        return max(self.created, now - timedelta(days=self.retention_days))


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The time of a replay, by the `time` of the events, in whole minutes."""

    start: datetime
    end: datetime

    def __str__(self) -> str:
        return f"{self.start:%Y-%m-%d %H:%M} to {self.end:%Y-%m-%d %H:%M} UTC"


def archive_address(text: str) -> ArchiveAddress:
    """
    Take an archive's name or ARN apart.

    Raises:
        SourceError: It is neither.
    """
    text = text.strip()
    found = _ARN.fullmatch(text)
    if found:
        return ArchiveAddress(name=found["name"], region=found["region"], account_id=found["account"])
    if _NAME.fullmatch(text):
        return ArchiveAddress(name=text)
    raise SourceError(
        "that names no archive",
        where=f"--archive {text[:200]!r}",
        expected="the archive's name (letters, digits, . - and _), or its ARN arn:aws:events:…:archive/NAME",
        hint="list the archives with `aws events list-archives`",
    )


def find_archive(client: "EventBridgeClient", address: ArchiveAddress) -> Archive:
    """
    Find an archive, and say what keeps it from being replayed.

    Raises:
        AwsError: There is no such archive, or it may not be looked at.
        SourceError: It has not been made yet.
        SourceRefused: What was found is an archive of the same name in another account.
    """
    where = f"archive {address.name} in {client.meta.region_name}"
    with aws_errors(where=where, service="events"):
        try:
            answer = client.describe_archive(ArchiveName=address.name)
        except client.exceptions.ClientError as error:
            if error_code(error) != "ResourceNotFoundException":
                raise
            raise _no_archive(client, address.name, where, error_code(error)) from None
    archive = _archive(answer)
    if on_aws(client) and address.account_id not in {"", archive.bus_arn.split(":")[4]}:
        raise SourceRefused(
            "an archive of that name was found, but in another account",
            where=archive.arn,
            expected=f"an archive of {address.account_id}",
            hint="use the --profile of that account; or give only the archive's name, if the found one is meant",
        )
    if archive.state in _NOT_YET:
        raise SourceError(
            f"the archive is {archive.state}" + (f": {archive.reason}" if archive.reason else ""),
            where=archive.arn,
            expected="an archive that AWS has made",
            hint=f"aws events describe-archive --archive-name {archive.name}",
        )
    return archive


def _archive(answer: Mapping[str, Any]) -> Archive:
    bus_arn, name = str(answer["EventSourceArn"]), str(answer["ArchiveName"])
    return Archive(
        arn=str(answer.get("ArchiveArn") or f"{bus_arn.rpartition(':')[0]}:archive/{name}"),
        bus_arn=bus_arn,
        state=str(answer.get("State", "ENABLED")),
        reason=str(answer.get("StateReason") or ""),
        retention_days=int(answer.get("RetentionDays") or 0),
        event_count=int(answer.get("EventCount") or 0),
        created=answer["CreationTime"].astimezone(UTC),
    )


def _no_archive(client: "EventBridgeClient", name: str, where: str, code: str) -> AwsError:
    """Say that there is no such archive, and which names are near, where we may list them."""
    near: list[str] = []
    try:
        names = [each["ArchiveName"] for each in every(client.list_archives, "Archives")]
        near = difflib.get_close_matches(name, names, n=3)
    except client.exceptions.ClientError:
        pass  # we may not list: then there is nothing to suggest
    listing = f"`aws events list-archives --region {client.meta.region_name}`"
    hint = f"did you mean {' or '.join(near)}?" if near else f"check the name, --region and --profile; see {listing}"
    return AwsError("there is no such archive", code=code, where=where, hint=hint)


def every(operation: Callable[..., Mapping[str, Any]], member: str, **arguments: Any) -> Iterator[Mapping[str, Any]]:
    """Give the items of all pages of an operation of EventBridge, for which botocore has no paginator."""
    while True:
        page = operation(**arguments)
        yield from page.get(member, [])
        if not page.get("NextToken"):
            return
        arguments["NextToken"] = page["NextToken"]


def replay_window(archive: Archive, since: datetime | None, until: datetime | None, *, now: datetime) -> Window:
    """
    Choose the time to replay: what is asked for, else all that the archive has; in whole minutes, as AWS replays them.

    Raises:
        ConfigurationError: It lies in the future.

    Source: EventBridge API `StartReplay` (the time in the event counts; intervals of one minute).
    """
    start = (since or archive.oldest(now)).astimezone(UTC)
    if start > now:
        raise ConfigurationError(
            "that time lies in the future: no event can have been archived then",
            where=f"--since {start:%Y-%m-%dT%H:%M:%SZ}",
            expected=f"a time before now, {now:%Y-%m-%dT%H:%M:%SZ}",
            hint="leave out --since to replay everything that the archive has",
        )
    end = min(until.astimezone(UTC), now) if until else now
    start = start.replace(second=0, microsecond=0)
    return Window(start=start, end=max(end, start).replace(second=0, microsecond=0) + _MINUTE)
