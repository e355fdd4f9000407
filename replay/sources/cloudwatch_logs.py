"""The failed invocations in a log group of CloudWatch Logs, with the events that they logged."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any

from replay.errors import AwsError, ConfigurationError, SourceError
from replay.payloads.captures import Capture
from replay.payloads.log_formats.log_answers import LogLine
from replay.payloads.log_formats.logged_event import EventPlace
from replay.readers.aws_errors import aws_errors
from replay.readers.insights import query_lines
from replay.readers.invocations import LoggedInvocation, has_line, logged_invocations, stretches
from replay.readers.logs import default_log_group, filtered_lines, is_missing, similar_log_groups
from replay.readers.sides import on_aws
from replay.sources.advance import Advance
from replay.sources.base import Recording, Source
from replay.sources.function_log_options import FunctionLogOptions
from replay.sources.logged_failures import MissingEvents, capture_of, event_of
from replay.sources.permissions import AwsPlace, Permission

_DEFAULT_TIME = timedelta(hours=1)
_LONGEST_INVOCATION_S = 900.0
_AT_ONCE = 200
_GROUP_ARN = re.compile(r"arn:[\w-]+:logs:[\w-]+:\d{12}:log-group:[^:]+(?::\*)?")
_FAILING_TERMS = (
    "?ERROR", '?"Task timed out after"', '?"Status: timeout"', '?"Status: error"', '?"Status: failure"',
    '?"Runtime exited"', "?errorType", '?"Error raised from handler method"', '?"\\"status\\":\\"timeout\\""',
    '?"\\"status\\":\\"error\\""', '?"\\"status\\":\\"failure\\""', '?"Process exited before completing"',
    '?"Runtime."', '?"Extension."', "?Exception", '?" Error: "', '?".java:"',
    '?"Amazon.Lambda.RuntimeSupport."', '?"Unknown application error occurred"',
    *(f'?"completed with status: {each}"' for each in range(500, 505)),
)  # fmt: skip
_FAILING = re.compile(
    r"\[ERROR\]|\bERROR\b|Task timed out after|Status: (?:timeout|error|failure)|Runtime exited|errorType|"
    r'Error raised from handler method|"status"\s{0,4}:\s{0,4}"(?:timeout|error|failure)"|'
    r"Process exited before completing|\b(?:Runtime|Extension)\.[A-Z]|at Amazon\.Lambda\.|"
    r"Unknown application error occurred|Method completed with status: 5|: ([A-Za-z_$][\w.$]*)\n\1\b"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudWatchLogsOptions(FunctionLogOptions):
    """Which invocations of which log, and where their events are."""

    log_group: str | None = field(
        default=None, metadata={"help": "the log group; by default the one of --function", "metavar": "NAME"}
    )
    pattern: str | None = field(
        default=None, metadata={"help": "a filter pattern: the invocations of the lines that it matches"}
    )
    query: str | None = field(
        default=None, metadata={"help": "a filter in Logs Insights' language instead: `filter @message like /x/`"}
    )

    def __post_init__(self) -> None:
        """
        Refuse what cannot be meant.

        Raises:
            ConfigurationError: Two ways to choose lines, or to find events; or no log at all.
        """
        self.refuse_both("pattern", "query")
        self.refuse_both("event_at", "event_prefix")
        if not (self.log_group or self.function_log_group or self.function):
            raise ConfigurationError("no log group was given", expected="--log-group NAME, or --function NAME")

    @property
    def group(self) -> str:
        """The log group that is meant."""
        named = self.named
        return named.split(":")[6] if _GROUP_ARN.fullmatch(named) else named

    @property
    def named(self) -> str:
        """The log group as it was given: a name, or an ARN."""
        own = default_log_group(self.function_physical_name or self.function or "")
        return self.log_group or self.function_log_group or own


class CloudWatchLogsSource(Source):
    """
    A log group of a Lambda function.

    A log tells how an invocation failed, and has its event only if the function logged it.
    """

    name = "cloudwatch-logs"
    summary = "failed invocations in CloudWatch Logs that logged their events"
    options = CloudWatchLogsOptions

    def __init__(self, options: CloudWatchLogsOptions) -> None:
        self._options = options

    def permissions(self, at: AwsPlace) -> tuple[Permission, ...]:
        """
        Reading the log group, by lines or by query.

        Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon CloudWatch Logs".
        """
        group = (at.arn("logs", f"log-group:{self._options.group}:*"),)
        needed = [
            Permission(actions=("logs:FilterLogEvents",), resources=group, why="find lines of failures", opened=True),
            Permission(actions=("logs:GetLogEvents",), resources=group, why="read the invocations around them"),
        ]
        if self._options.query:
            query = ("logs:GetQueryResults", "logs:StopQuery")
            needed += [
                Permission(actions=("logs:StartQuery",), resources=group, why="run the query"),
                Permission(actions=query, why="follow the query, and stop it"),
            ]
        if not self._options.log_group:
            listing = ("logs:DescribeLogGroups",)
            needed.append(Permission(actions=listing, why="find a group that its stack named", optional=True))
        return tuple(needed)

    def open(self) -> "CloudWatchLogsRecording":
        """
        See that the log group is there.

        Raises:
            SourceError: There is no such log group.
            ConfigurationError: A JSONPath cannot be read; or the group's ARN is of another region or account.
            AwsError: Credentials, region, permission.
        """
        options = self._options
        place = options.event_place
        client = options.client("logs")
        refuse_group_elsewhere(options.named, client, partial(options.client, "sts"))
        return CloudWatchLogsRecording(client, _existing_group(client, options), options, place)


def refuse_group_elsewhere(named: str, client: Any, sts: Callable[[], Any]) -> None:
    """
    Refuse the ARN of a log group that is not of the region and account of *client*: another's would be read instead.

    Raises:
        ConfigurationError: It is of another.
        AwsError: Whose credentials they are cannot be asked.
    """
    if not _GROUP_ARN.fullmatch(named):
        return
    region, account_id = named.split(":")[3:5]
    here = [str(client.meta.region_name), account_id]
    if on_aws(client):  # emulators have one account, whatever the credentials say
        with aws_errors(where=named, service="sts"):
            here[1] = sts().get_caller_identity()["Account"]
    if here != [region, account_id]:
        raise ConfigurationError(
            f"the log group is of account {account_id} in {region}, and here is account {here[1]} in {here[0]}",
            where=named,
            expected="a log group of this account and region",
            hint=f"add --region {region}" if here[1] == account_id else "use the --profile of that account",
        )


def _existing_group(client: Any, options: CloudWatchLogsOptions) -> str:
    """Find the group; that of a function which its stack named has the stack's name before it and letters behind."""
    try:
        return _seen(client, options.group)
    except AwsError as error:
        if not is_missing(error):
            raise
        names = (options.group.rpartition("/")[2], options.function)
        similar = next(filter(None, (similar_log_groups(client, each) for each in names if each)), [])
        if len(similar) == 1 and not options.log_group:
            return similar[0]
        raise SourceError(
            "there is no such log group",
            where=options.group,
            expected=f"one of {', '.join(similar[:5])}" if similar else "a log group of this account and region",
            hint="name it: --log-group NAME",
        ) from None


def _seen(client: Any, group: str) -> str:
    """Read next to nothing of a group, to learn whether it can be read."""
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    for _ in filtered_lines(client, group, start_ms=now_ms, end_ms=now_ms, stop=lambda: True):
        break
    return group


class CloudWatchLogsRecording(Recording):
    """
    One pass over a time of one log group; nothing is changed.

    Its time is that of the lines it looks for: an invocation that began before and failed in it is given.
    """

    keeps_time = True

    def __init__(
        self,
        client: Any,
        group: str,
        options: CloudWatchLogsOptions,
        place: EventPlace,
    ) -> None:
        self._client = client
        self._group = group
        self._options = options
        self._place = place
        self._since: datetime | None = None
        self._until: datetime | None = None
        self._start_ms = self._end_ms = 0
        self._chosen = bool(options.pattern or options.query)
        self._limit: int | None = None
        self._missing = MissingEvents()
        self._scanned_bytes = 0.0
        self._told = False
        self.notes = []

    def within(self, since: datetime | None, until: datetime | None) -> None:
        """Read this time only; without *since* the hour before its end."""
        self._since, self._until = since, until

    def at_most(self, limit: int) -> None:
        """Read no more once so many captures were given."""
        self._limit = limit

    def captures(self) -> Iterator[Capture]:
        """
        Give each failed invocation whose event was logged, oldest first; with a pattern or query, each that it finds.

        Raises:
            AwsError: The log can no longer be read.
            ConfigurationError: The rows of the query are no lines.
        """
        self._take_time()
        given = 0
        for logged in self._invocations():
            event = event_of(logged.invocation, self._place)
            if event is None:
                self._missing.add(logged)
                continue
            given += 1
            yield capture_of(logged, event)
            if self._limit is not None and given >= self._limit:
                return

    def _take_time(self) -> None:
        until = self._until or datetime.now(UTC)
        since = self._since or until - _DEFAULT_TIME
        if self._since is None:
            before = f"{until:%Y-%m-%d %H:%M} UTC"
            self.notes.append(f"only the hour before {before} was looked at; --since 2d looks back further")
        self._start_ms, self._end_ms = (int(each.timestamp() * 1000) for each in (since, until))

    def _invocations(self) -> Iterator[LoggedInvocation]:
        """Read the invocations around the lines that speak of a failure, a few hundred lines at a time."""
        seen: set[str] = set()
        lines = self._told_of(self._lines())
        longest_ms = int((self._options.function_timeout_s or _LONGEST_INVOCATION_S) * 1000)
        while hits := list(islice(lines, _AT_ONCE)):
            found = [
                logged
                for part in stretches(hits, longest_ms=longest_ms)
                for logged in logged_invocations(self._client, self._group, part)
                if self._is_meant(logged, hits)
            ]
            for logged in sorted(found, key=lambda each: each.at_ms):
                name = logged.invocation.request_id
                if name not in seen:
                    seen.add(name)
                    yield logged

    def _told_of(self, lines: Iterator[LogLine]) -> Iterator[LogLine]:
        """Tell with each line how much of the time is read."""
        total = (self._end_ms - self._start_ms) / 1000
        self.advanced(Advance(doing="searching the log", total=total, unit="seconds"))
        for line in lines:
            done = min(max((line.at_ms - self._start_ms) / 1000, 0), total)
            self.advanced(Advance(doing="searching the log", done=done, total=total, unit="seconds"))
            yield line

    def _is_meant(self, logged: LoggedInvocation, hits: Sequence[LogLine]) -> bool:
        """Say whether an invocation has one of the lines, not just one like it; by itself it must have failed."""
        failed_or_chosen = self._chosen or logged.invocation.failure is not None
        return failed_or_chosen and any(has_line(logged, line) for line in hits)

    def _lines(self) -> Iterator[LogLine]:
        options = self._options
        if options.query:
            start_s, end_s = self._start_ms // 1000, self._end_ms // 1000
            yield from query_lines(
                self._client,
                self._group,
                options.query,
                start_s=start_s,
                end_s=end_s,
                scanned=self._add_scanned,
                cut=self._note_cut,
            )
            return
        pattern = options.pattern or (" ".join(_FAILING_TERMS) if on_aws(self._client) else "")
        for line in filtered_lines(
            self._client, self._group, start_ms=self._start_ms, end_ms=self._end_ms, pattern=pattern
        ):
            if self._chosen or _FAILING.search(line.message):
                yield line

    def _note_cut(self, second: int) -> None:
        at = datetime.fromtimestamp(second, UTC)
        self.notes.append(f"{at:%Y-%m-%d %H:%M:%S} UTC has as many lines as an answer can hold: others may not be seen")

    def _add_scanned(self, size_bytes: float) -> None:
        self._scanned_bytes += size_bytes

    def close(self) -> None:
        """Tell what failed and cannot be replayed, and what a query cost."""
        if self._told:
            return
        self._told = True
        self.notes += self._missing.notes(self._group)
        if self._scanned_bytes:
            self.notes.append(f"Logs Insights scanned {self._scanned_bytes / 1e6:,.1f} MB")
