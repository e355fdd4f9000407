"""
Reads of Lambda Insights: what its extension measured of single requests.

Source: CloudWatch User Guide, "Example telemetry event in CloudWatch Lambda Insights": one event for each invocation in
the log group `/aws/lambda-insights`, in embedded metric format; memory in MB, times in milliseconds.
"""

import json
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from replay.payloads.failures import Report
from replay.readers.logs import any_of, filtered_lines

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

LOG_GROUP = "/aws/lambda-insights"
_LONGEST_EVENT = 20_000
_MOST_NUMBER = 1e15


def measured_reports(
    client: "CloudWatchLogsClient",
    request_ids: Collection[str],
    *,
    start_ms: int,
    end_ms: int,
    by_pattern: bool = True,
    stop: Callable[[], bool] = lambda: False,
) -> dict[str, Report]:
    """
    Give what was measured of each request that Lambda Insights knows, by its id.

    Args:
        by_pattern: Whether the log can be searched for one of several terms; emulators cannot.

    Raises:
        AwsError: There is no such log group, or it may not be read.
    """
    found = {}
    for pattern in [pattern for pattern, _ in any_of(request_ids)] if by_pattern else [""]:
        lines = filtered_lines(client, LOG_GROUP, start_ms=start_ms, end_ms=end_ms, pattern=pattern, stop=stop)
        for line in lines:
            document = _document(line.message)
            request_id = document.get("request_id")
            if isinstance(request_id, str) and request_id in request_ids:
                found[request_id] = _report(document)
    return found


def _document(message: str) -> dict[str, Any]:
    try:
        document = json.loads(message) if len(message) <= _LONGEST_EVENT else None
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) and document.get("event_type") == "performance" else {}


def _report(document: dict[str, Any]) -> Report:
    return Report(
        duration_ms=_number(document.get("duration")),
        billed_duration_ms=_number(document.get("billed_duration")),
        memory_size_mb=_number(document.get("total_memory")),
        max_memory_used_mb=_number(document.get("used_memory_max")),
        init_duration_ms=_number(document.get("init_duration")),
        cpu_time_ms=_number(document.get("cpu_total_time")),
    )


def _number(value: object) -> float | None:
    known = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _MOST_NUMBER
    return float(value) if known else None  # type: ignore[arg-type]  # it is a number then
