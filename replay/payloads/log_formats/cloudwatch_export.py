"""The lines of a log stream: as printed, or as exported and as command lines print them, each event behind its time."""

import re
from collections.abc import Iterable, Iterator

from replay.payloads.lambda_logs import LogEntry, timed_entries

_STREAM = r"\d{4}/\d\d/\d\d/\[[\w$.-]{1,64}\][0-9a-f]{16,64}"
_TO_SECONDS = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"
_SECONDS = _TO_SECONDS + r"\."
_EXPORTED = re.compile(
    rf"(?:(?P<exported>{_SECONDS}\d{{3}}Z) |(?P<shown>{_SECONDS}\d{{3}}[+-]\d\d:\d\d)[ \t]|"
    rf"(?P<tailed>{_SECONDS}\d{{6}}\+00:00) (?P<of>{_STREAM}) |"
    rf"(?P<short>{_TO_SECONDS}) |"
    rf"(?P<sam_of>{_STREAM}) (?P<sam>{_SECONDS}\d{{6}}) )"
    r"(?![0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12} Task timed out)"
)
"""
As CloudWatch exports a log event, its console shows it, `aws logs tail` prints it (also with `--format short`), and
`sam logs`; a timeout has a time of its own.
"""

_MOST_LINES = 2_000


def exported_event(line: str) -> tuple[str, str]:
    """Split a line of an export into its time and the log event; the time is empty where there is none."""
    exported = _EXPORTED.match(line)
    return (_time(exported), line[exported.end() :]) if exported else ("", line)


def _time(exported: re.Match[str]) -> str:
    return next(told for name in ("exported", "shown", "tailed", "short", "sam") if (told := exported[name]))


def stream_entries(lines: Iterable[str]) -> Iterator[list[tuple[LogEntry, str]]]:
    """
    Read the lines of log streams, one stream after the other, each entry with the time before it, or an empty text.

    Lines that name no stream are of one. In an export a line without a time goes on with the event above it.

    Source: CloudWatch Logs User Guide, "Export log data to Amazon S3"; AWS CLI `logs tail`.
    """
    streams: dict[str, list[tuple[str, str]]] = {}
    for of_stream, at, text in _events(lines):
        streams.setdefault(of_stream, []).append((at, text))
    for events in streams.values():
        yield list(timed_entries(events))


def _events(lines: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """Give the stream, the time and what stands behind; and each line before the first of them, without either."""
    held: list[str] = []
    of_stream = at = ""
    for line in lines:
        exported = _EXPORTED.match(line)
        if exported is None and at and len(held) < _MOST_LINES:
            held.append(line)
            continue
        if held:
            yield of_stream, at, "".join(held)
        held = [line]
        if exported is not None:
            held, at = [line[exported.end() :]], _time(exported)
            of_stream = exported["of"] or exported["sam_of"] or ""
    if held:
        yield of_stream, at, "".join(held)
