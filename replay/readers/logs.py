"""
Reads of CloudWatch Logs: lines by pattern, the lines of a stream, rows of Logs Insights.

Source: CloudWatch Logs API `FilterLogEvents` (both ends of the time are included; a page may be empty and not the
last), `GetLogEvents` (the end is not included; the last page gives its own token back), quotas (a pattern has at most
1,024 characters).
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from replay.errors import AwsError
from replay.payloads.log_formats.log_answers import LogLine
from replay.readers.aws_errors import aws_errors

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

MOST_PATTERN_CHARACTERS = 1_024
MISSING = "ResourceNotFoundException"
_LAMBDA_GROUPS = "/aws/lambda/"


def any_of(terms: Iterable[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """
    Write filter patterns that find lines with any of *terms*, as few as their length allows, each with its terms.

    Source: CloudWatch Logs User Guide, "Filter pattern syntax": `?"one" ?"two"`. One term alone stands without `?`.
    """
    held: list[str] = []
    for term in terms:
        if held and len(_pattern([*held, term])) > MOST_PATTERN_CHARACTERS:
            yield _pattern(held), tuple(held)
            held = []
        held.append(term)
    if held:
        yield _pattern(held), tuple(held)


def _pattern(terms: list[str]) -> str:
    quoted = ['"' + term.replace("\\", "\\\\").replace('"', '\\"') + '"' for term in terms]
    return quoted[0] if len(quoted) == 1 else " ".join(f"?{term}" for term in quoted)


def filtered_lines(
    client: "CloudWatchLogsClient",
    log_group: str,
    *,
    start_ms: int,
    end_ms: int,
    pattern: str = "",
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[LogLine]:
    """
    Give the lines of a log group that *pattern* matches, page by page, until *stop* says so.

    Raises:
        AwsError: There is no such group, no permission, or a pattern that AWS does not take.
    """
    request: dict[str, Any] = {"logGroupName": log_group, "startTime": start_ms, "endTime": end_ms}
    if pattern:
        request["filterPattern"] = pattern
    while True:
        with aws_errors(where=f"log group {log_group}", service="logs"):
            page: Any = client.filter_log_events(**request)
        for event in page.get("events", []):
            yield LogLine(event["timestamp"], event["logStreamName"], event["message"])
        token = page.get("nextToken")
        if not token or token == request.get("nextToken") or stop():
            return
        request["nextToken"] = token


def stream_lines(
    client: "CloudWatchLogsClient",
    log_group: str,
    stream: str,
    *,
    start_ms: int,
    end_ms: int,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[LogLine]:
    """
    Give the lines of one stream in their order, from *start_ms* until before *end_ms*.

    Raises:
        AwsError: As of `filtered_lines`.
    """
    request: dict[str, Any] = {
        "logGroupName": log_group,
        "logStreamName": stream,
        "startTime": start_ms,
        "endTime": end_ms,
        "startFromHead": True,
    }
    while True:
        with aws_errors(where=f"log group {log_group}", service="logs"):
            page: Any = client.get_log_events(**request)
        for event in page["events"]:
            yield LogLine(event["timestamp"], stream, event["message"])
        token = page.get("nextForwardToken")
        if not token or token == request.get("nextToken") or stop():
            return
        request["nextToken"] = token


def is_missing(error: AwsError) -> bool:
    """Say whether AWS answered that there is no such log group."""
    return error.code == MISSING


def similar_log_groups(client: "CloudWatchLogsClient", name: str) -> list[str]:
    """
    List the log groups of functions whose name holds *name*.

    CloudFormation puts the stack's name before a function's, and random letters behind it.

    What may not be listed is an empty list.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        pages = list(client.get_paginator("describe_log_groups").paginate(logGroupNamePattern=name))
    except (BotoCoreError, ClientError):
        return []
    names = [str(group.get("logGroupName", "")) for page in pages for group in page.get("logGroups", [])]
    return [each for each in names if each.startswith(_LAMBDA_GROUPS) and name in each]


def default_log_group(function_name: str) -> str:
    """Give the log group that Lambda makes for a function, by its physical name."""
    return f"{_LAMBDA_GROUPS}{function_name}"
