"""
Reads of X-Ray: the ids of traces that an expression finds, and the segment documents of traces by their ids.

Source: X-Ray API `GetTraceSummaries` (at most six hours a call, paged), `BatchGetTraces` (at most five ids in a call;
an id that was not sampled is simply not there, and one among `UnprocessedTraceIds` is to be asked for again).
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from replay.readers.aws_errors import aws_errors

MOST_IDS = 5
LONGEST_WINDOW = timedelta(hours=6)
_FIRST_WAIT_S = 0.5


def windows(start: datetime, end: datetime, longest: timedelta = LONGEST_WINDOW) -> Iterator[tuple[datetime, datetime]]:
    """Part a time into windows that touch, none of them longer than *longest*; the earliest first."""
    while start < end:
        until = min(start + longest, end)
        yield start, until
        start = until


def trace_ids(
    client: Any,
    start: datetime,
    end: datetime,
    *,
    expression: str = "",
    reached: Callable[[datetime], object] = lambda _: None,
) -> Iterator[str]:
    """
    Give the id of each trace of the time that *expression* finds, once, window by window.

    Args:
        reached: Told the end of each window that was asked for.

    Raises:
        AwsError: They may not be read, or X-Ray cannot read the expression.
    """
    seen: set[str] = set()
    for since, until in windows(start, end):
        request: dict[str, Any] = {"StartTime": since, "EndTime": until}
        request |= {"FilterExpression": expression} if expression else {}
        while True:
            with aws_errors(where="X-Ray", service="xray"):
                page: Any = client.get_trace_summaries(**request)
            found = [summary["Id"] for summary in page.get("TraceSummaries", [])]
            yield from (name for name in found if name not in seen)
            seen.update(found)
            token = page.get("NextToken")
            if not token or token == request.get("NextToken"):
                break
            request["NextToken"] = token
        reached(until)


def segment_documents(
    client: Any,
    trace_ids: Sequence[str],
    *,
    stop: Callable[[], bool] = lambda: False,
    tries: int = 1,
    wait: Callable[[float], object] = time.sleep,
    unread: Callable[[Sequence[str]], object] = lambda _: None,
) -> dict[str, list[str]]:
    """
    Give the documents of each trace that is there, until *stop* says so.

    Args:
        tries: How often to ask for what X-Ray leaves unprocessed; it may also be an id that it does not have.
        unread: Told the ids that X-Ray had still left unprocessed when it was asked for the last time.

    Raises:
        AwsError: They may not be read.
    """
    found: dict[str, list[str]] = defaultdict(list)
    for first in range(0, len(trace_ids), MOST_IDS):
        asked = list(trace_ids[first : first + MOST_IDS])
        for tried in range(tries):
            if stop():
                return dict(found)
            asked = _read(client, asked, found, stop)
            if not asked or tried + 1 == tries:
                break
            wait(_FIRST_WAIT_S * 2**tried)
        if asked:
            unread(asked)
    return dict(found)


def _read(client: Any, asked: list[str], found: dict[str, list[str]], stop: Callable[[], bool]) -> list[str]:
    """Add the documents of a few traces to *found*, and give the ids that X-Ray did not come to."""
    request: dict[str, Any] = {"TraceIds": asked}
    unprocessed: set[str] = set()
    while True:
        with aws_errors(where="X-Ray", service="xray"):
            page: Any = client.batch_get_traces(**request)
        for trace in page.get("Traces", []):
            found[trace["Id"]] += [segment["Document"] for segment in trace.get("Segments", [])]
        unprocessed.update(page.get("UnprocessedTraceIds", []))
        token = page.get("NextToken")
        if not token or token == request.get("NextToken") or stop():
            return [name for name in asked if name in unprocessed and name not in found]
        request["NextToken"] = token
