"""The lines of a log stream: as printed, or as exported and as command lines print them, each event behind its time."""

import re
from collections.abc import Iterable, Iterator

from replay.payloads.lambda_logs import LogEntry, timed_entries

_STREAM = r"\d{4}/\d\d/\d\d/\[[\w$.-]{1,64}\][0-9a-f]{16,64} "
_SECONDS = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\."
_EXPORTED = re.compile(
    rf"(?:(?P<exported>{_SECONDS}\d{{3}}Z) |(?P<shown>{_SECONDS}\d{{3}}[+-]\d\d:\d\d)[ \t]|"
    rf"(?P<tailed>{_SECONDS}\d{{6}}\+00:00) {_STREAM}|"
    rf"{_STREAM}(?P<sam>{_SECONDS}\d{{6}}) )"
    r"(?![0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12} Task timed out)"
)
"""
As CloudWatch exports a log event, its console shows it, `aws logs tail` prints it, and `sam logs`; a timeout has a time
of its own.
"""

_MOST_LINES = 2_000


def exported_event(line: str) -> tuple[str, str]:
    """Split a line of an export into its time and the log event; the time is empty where there is none."""
    exported = _EXPORTED.match(line)
    return (_time(exported), line[exported.end() :]) if exported else ("", line)


def _time(exported: re.Match[str]) -> str:
    return exported["exported"] or exported["shown"] or exported["tailed"] or exported["sam"]


def stream_entries(lines: Iterable[str]) -> Iterator[tuple[LogEntry, str]]:
    """
    Read the lines of one log stream, each entry with the time that stood before it, or an empty text.

    In an export a line without a time goes on with the event above it.

    Source: CloudWatch Logs User Guide, "Export log data to Amazon S3".
    """
    return timed_entries(_events(lines))


def _events(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Give what stands behind each time; and each line before the first of them, without one."""
    held: list[str] = []
    at = ""
    for line in lines:
        exported = _EXPORTED.match(line)
        if exported is None and at and len(held) < _MOST_LINES:
            held.append(line)
            continue
        if held:
            yield at, "".join(held)
        held, at = [line[exported.end() :] if exported else line], _time(exported) if exported else at
    if held:
        yield at, "".join(held)
