"""
Queries of CloudWatch Logs Insights: started, polled with patience, stopped when they are no longer wanted.

Source: CloudWatch Logs API `StartQuery` (times are epoch seconds, both ends included; at most 10,000 rows),
`GetQueryResults`, `StopQuery`.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from time import sleep
from typing import TYPE_CHECKING, Any

from replay.errors import AwsError, ConfigurationError
from replay.payloads.log_formats.log_answers import LogLine
from replay.readers.aws_errors import aws_errors

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

MOST_ROWS = 10_000
_FIRST_WAIT_S = 0.2
_LONGEST_WAIT_S = 2.0
_UNDER_WAY = frozenset({"Scheduled", "Running", "Unknown"})
_LIMIT = re.compile(r"\|\s*limit\s+\d|^\s*limit\s+\d", re.IGNORECASE)
_DEDUP = re.compile(r"(?:^|\|)\s*dedup\s", re.IGNORECASE)
"""Nothing but `limit` may follow it. Source: CloudWatch Logs User Guide, "dedup"."""

_Row = Mapping[str, str]


def query_lines(
    client: "CloudWatchLogsClient",
    log_group: str,
    query: str,
    *,
    start_s: int,
    end_s: int,
    scanned: Callable[[float], object] = lambda _: None,
    cut: Callable[[int], object] = lambda _: None,
    wait: Callable[[float], object] = sleep,
) -> Iterator[LogLine]:
    """
    Give the lines that *query* finds; where there are more than one answer can hold, the time is split.

    Args:
        query: What stands between `fields` and `limit`, such as `filter @message like /timed out/`; with a `limit` of
            its own it gets no more than that, and no split.
        scanned: Told the bytes that each query scanned, which is what AWS bills.
        cut: Told each second (of the epoch) that holds more rows than an answer can; the rest of them is not seen.
        wait: Waits so many seconds.

    Raises:
        AwsError: The query cannot be started, or failed.
        ConfigurationError: Its rows are no lines (`stats`, `display`).
    """
    whole = f"fields @timestamp, @message, @logStream | {query}"
    limited = _LIMIT.search(query) is not None
    if not limited:
        line_end = "\n" if "#" in query else ""  # the query may end in a comment
        sort = "" if _DEDUP.search(query) else " | sort @timestamp asc"
        whole += f"{line_end}{sort} | limit {MOST_ROWS}"

    def run(first_s: int, last_s: int) -> list[LogLine]:
        rows = _rows(client, log_group, whole, first_s, last_s, scanned, wait)
        return [_line(row, query) for row in rows]

    if limited:
        yield from run(start_s, end_s)
    else:
        yield from split_in_time(run, start_s, end_s, most=MOST_ROWS, cut=cut)


def split_in_time(
    run: Callable[[int, int], Sequence[LogLine]],
    start_s: int,
    end_s: int,
    *,
    most: int,
    cut: Callable[[int], object] = lambda _: None,
) -> Iterator[LogLine]:
    """
    Give all that *run* finds in the seconds from *start_s* to *end_s*, though it never gives more than *most* at once.

    A full answer may be a cut one, so its time is asked for again in two halves. A single second cannot be halved: what
    it has beyond *most* is not seen, and *cut* is told that second.
    """
    ahead = [(start_s, end_s)]
    while ahead:
        first, last = ahead.pop()
        found = run(first, last)
        if len(found) >= most and first < last:
            middle = (first + last) // 2
            ahead += [(middle + 1, last), (first, middle)]
            continue
        if len(found) >= most:
            cut(first)
        yield from found


def _rows(
    client: "CloudWatchLogsClient",
    log_group: str,
    query: str,
    start_s: int,
    end_s: int,
    scanned: Callable[[float], object],
    wait: Callable[[float], object],
) -> list[_Row]:
    where = f"log group {log_group}"
    with aws_errors(where=where, service="logs"):
        started = client.start_query(logGroupName=log_group, startTime=start_s, endTime=end_s, queryString=query)
    identity = started["queryId"]
    try:
        answer = _answer(client, identity, where, wait)
    except BaseException:
        _stop(client, identity)  # also on Ctrl-C: what still runs is billed
        raise
    scanned(float(answer.get("statistics", {}).get("bytesScanned", 0)))
    if answer["status"] != "Complete":
        raise AwsError(
            f"the query ended as {answer['status']}",
            where=where,
            hint="look at it in the console of CloudWatch Logs Insights, or choose less time with --since and --until",
        )
    return [{cell["field"]: cell["value"] for cell in row} for row in answer["results"]]


def _answer(client: "CloudWatchLogsClient", identity: str, where: str, wait: Callable[[float], object]) -> Any:
    pause_s = _FIRST_WAIT_S
    while True:
        with aws_errors(where=where, service="logs"):
            answer: Any = client.get_query_results(queryId=identity)
        if answer["status"] not in _UNDER_WAY:
            return answer
        wait(pause_s)
        pause_s = min(pause_s * 1.5, _LONGEST_WAIT_S)


def _stop(client: "CloudWatchLogsClient", identity: str) -> None:
    from botocore.exceptions import BotoCoreError, ClientError

    with suppress(BotoCoreError, ClientError):  # it may have ended by itself
        client.stop_query(queryId=identity)


def _line(row: _Row, query: str) -> LogLine:
    if not {"@timestamp", "@message", "@logStream"} <= row.keys():
        raise ConfigurationError(
            "the rows of that query are no lines of a log",
            where=f"--query {query!r}",
            expected="filters only: what is counted or cut (stats, display) leads to no invocation",
        )
    return LogLine(_epoch_ms(row["@timestamp"]), row["@logStream"], row["@message"])


def _epoch_ms(text: str) -> int:
    """Read a time as Insights writes it (`2026-11-21 08:00:00.123`, UTC); emulators write epoch milliseconds."""
    if str(text).isdecimal():
        return int(text)
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)
