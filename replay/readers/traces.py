"""
Reads of X-Ray: the segment documents of traces, by their ids.

Source: X-Ray API `BatchGetTraces` (at most five ids in a call; an id that was not sampled is simply not there).
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from replay.readers.aws_errors import aws_errors

MOST_IDS = 5


def segment_documents(
    client: Any, trace_ids: Sequence[str], *, stop: Callable[[], bool] = lambda: False
) -> dict[str, list[str]]:
    """
    Give the documents of each trace that is there, until *stop* says so.

    Raises:
        AwsError: They may not be read.
    """
    found: dict[str, list[str]] = defaultdict(list)
    for first in range(0, len(trace_ids), MOST_IDS):
        request: dict[str, Any] = {"TraceIds": list(trace_ids[first : first + MOST_IDS])}
        while True:
            if stop():
                return dict(found)
            with aws_errors(where="X-Ray", service="xray"):
                page: Any = client.batch_get_traces(**request)
            for trace in page.get("Traces", []):
                found[trace["Id"]] += [segment["Document"] for segment in trace.get("Segments", [])]
            token = page.get("NextToken")
            if not token or token == request.get("NextToken"):
                break
            request["NextToken"] = token
    return dict(found)
