"""The traces of failures, a few ids a call."""

from collections.abc import Sequence
from typing import Any

from replay.enrichment.time_limit import TimeLimit, each_in_time
from replay.payloads.failures import Segment
from replay.payloads.traces import trace_segments
from replay.readers.traces import MOST_IDS, segment_documents


def traces_of(client: Any, trace_ids: Sequence[str], limit: TimeLimit) -> dict[str, tuple[Segment, ...]]:
    """
    Give the segments of each trace that X-Ray has, and that could be read in time.

    Raises:
        AwsError: They may not be read.
    """
    batches = [trace_ids[first : first + MOST_IDS] for first in range(0, len(trace_ids), MOST_IDS)]
    read = each_in_time(lambda ids: segment_documents(client, ids, stop=limit.passed), batches, limit)
    found = {name: trace_segments(documents) for part in read for name, documents in part.items()}
    return {name: segments for name, segments in found.items() if segments}
