"""The lines of a log stream: as printed, or as CloudWatch Logs exports them, each log event behind its time."""

import re
from collections.abc import Iterable, Iterator
from io import StringIO
from typing import NamedTuple

from replay.payloads.lambda_logs import LogEntry, log_entries, log_entry

_EXPORTED = re.compile(
    r"(?P<at>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) "
    r"(?![0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12} Task timed out)"
)
_MOST_LINES = 2_000


def exported_event(line: str) -> tuple[str, str]:
    """Split a line of an export into its time and the log event; the time is empty where there is none."""
    exported = _EXPORTED.match(line)
    return (exported["at"], line[exported.end() :]) if exported else ("", line)


class TimedEntry(NamedTuple):
    """An entry, and the time that stood before it, or an empty text."""

    entry: LogEntry
    at: str


def stream_entries(lines: Iterable[str]) -> Iterator[TimedEntry]:
    """
    Read the lines of one log stream; in an export a line without a time goes on with the event above it.

    Source: CloudWatch Logs User Guide, "Export log data to Amazon S3".
    """
    held: list[str] = []
    at = ""
    for line in lines:
        exported = _EXPORTED.match(line)
        if exported is None and len(held) < _MOST_LINES:
            held.append(line)
            continue
        if exported is None and not at:  # the last entry may go on
            *told, last = _entries(held, at)
            yield from told or [last]
            held = [*(StringIO(last.entry.text) if told else ()), line]
            continue
        yield from _entries(held, at)
        held, at = [line[exported.end() :] if exported else line], exported["at"] if exported else at
    yield from _entries(held, at)


def _entries(held: list[str], at: str) -> Iterator[TimedEntry]:
    """Read what stood behind one time, or what had no time at all."""
    if held and at:
        yield TimedEntry(log_entry("".join(held)), at)
    elif held:
        yield from (TimedEntry(entry, "") for entry in log_entries(held))
