"""What Lambda Insights measured of the requests that failed, put beside what their logs tell."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

from replay.enrichment.searches import Search, milliseconds
from replay.enrichment.time_limit import TimeLimit, each_in_time
from replay.payloads.failures import Failure, Report
from replay.readers.lambda_insights import measured_reports

_LATE = timedelta(minutes=15)
"""The extension may write of a request only when its environment is used again, or ends."""


def measured(
    client: Any, failures: Mapping[int, Failure], searches: Sequence[Search], limit: TimeLimit, *, by_pattern: bool
) -> dict[int, Failure]:
    """
    Give those of *failures* of which something was measured, with it.

    Args:
        searches: When the requests were, by the keys of *failures*.

    Raises:
        AwsError: There is no such log group, or it may not be read.
    """
    ids = {key: each.request_id for key, each in failures.items() if each.request_id}
    times = [search for search in searches if search.key in ids]
    if not times:
        return {}
    start_ms = milliseconds(min(each.start for each in times))
    end_ms = milliseconds(max(each.end for each in times) + _LATE)

    def read(wanted: set[str]) -> dict[str, Report]:
        return measured_reports(
            client, wanted, start_ms=start_ms, end_ms=end_ms, by_pattern=by_pattern, stop=limit.passed
        )

    reports = {name: each for found in each_in_time(read, [set(ids.values())], limit) for name, each in found.items()}
    return {key: _with_report(failures[key], reports[name]) for key, name in ids.items() if name in reports}


def _with_report(failure: Failure, measured_: Report) -> Failure:
    """Fill what the log's own report does not say; what AWS bills by goes before what was measured."""
    known = failure.report or Report()
    more = {each.name: getattr(measured_, each.name) for each in fields(Report) if getattr(known, each.name) is None}
    return replace(failure, report=replace(known, **more))
