"""What the log of an invocation adds to its failure: ids, the lines, and AWS's report."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from replay.payloads.failures import Failure, Report
from replay.readers.invocations import LoggedInvocation

_MOST_LINES = 100
_MOST_CHARACTERS = 50_000
_LONGEST_LINE = 10_000
_FIRST_PART = 5
"""One line in five is of the beginning, where more are left out than kept."""

_STATUSES = frozenset({"success", "error", "failure", "timeout"})
_REQUEST_ID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_TRACE_ID = re.compile(r"1-[0-9a-f]{8}-[0-9a-f]{24}")


def with_evidence(failure: Failure, logged: LoggedInvocation) -> Failure:
    """Add what the log tells around *failure*; ids that look like no id are left out, for a line may be anybody's."""
    invocation = logged.invocation
    return replace(
        failure,
        request_id=failure.request_id or request_id_of(logged),
        trace_id=failure.trace_id or _found(_TRACE_ID, invocation.trace_id),
        log_lines=log_lines(entry.text for entry in invocation.entries),
        report=_report(invocation.report),
    )


def logged_failure(logged: LoggedInvocation) -> Failure | None:
    """Give the failure that the log alone tells of, with what it tells around it; None where it tells of none."""
    failure = logged.invocation.failure
    if failure is None:
        return None
    return with_evidence(replace(failure, request_id=None, trace_id=None), logged)


def request_id_of(logged: LoggedInvocation) -> str | None:
    """Give the request's id where it is one."""
    return logged.invocation.request_id if _REQUEST_ID.fullmatch(logged.invocation.request_id) else None


def _found(pattern: re.Pattern[str], text: str | None) -> str | None:
    found = pattern.search(text or "")
    return found[0] if found else None


def _report(report: Report | None) -> Report | None:
    """Leave out a status that AWS does not have."""
    if report is None or report.status is None or report.status in _STATUSES:
        return report
    return replace(report, status=None)


def log_lines(texts: Iterable[str]) -> tuple[str, ...]:
    """
    Choose the lines to keep of an invocation: its first, and more of its last.

    Lines are whole, for half a line of JSON could not be redacted as JSON; very long ones are left out.
    """
    lines = [text.rstrip("\n") for text in texts]
    kept = [text if len(text) <= _LONGEST_LINE else f"[a line of {len(text):,} characters left out]" for text in lines]
    first = _fitting(kept, 1)
    if len(first) == len(kept):
        return tuple(kept)
    first = _fitting(kept, _FIRST_PART)
    last = _fitting(kept[: len(first) - 1 : -1] if first else kept[::-1], _FIRST_PART / (_FIRST_PART - 1))
    return (*first, f"[{len(kept) - len(first) - len(last)} lines left out]", *reversed(last))


def _fitting(lines: Sequence[str], part: float) -> list[str]:
    """Take as many of the first *lines* as one *part* of what may be kept holds."""
    fitting: list[str] = []
    size = 0
    for line in lines[: round(_MOST_LINES / part)]:
        size += len(line)
        if size > _MOST_CHARACTERS / part:
            break
        fitting.append(line)
    return fitting
