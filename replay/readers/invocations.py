"""The invocations of a function, read out of its log around the lines that speak of them."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from replay.payloads.lambda_logs import Invocation, LogEntry, invocations, log_entry, timed_entries
from replay.payloads.log_formats.log_answers import LogLine
from replay.readers.logs import stream_lines

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

_BEHIND_REPORT_MS = 1_000
"""A timeout is told behind the report of its invocation."""

_NEAR_MS = 60_000
"""So near to each other, two stretches of a stream are read as one: another call costs more than these lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A part of a log stream: epoch milliseconds, both ends included."""

    stream: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedInvocation:
    """An invocation as a stream of a log group tells it; `at_ms` is the time of its first line."""

    log_group: str
    stream: str
    at_ms: int
    invocation: Invocation


def stretches(lines: Iterable[LogLine], *, longest_ms: int) -> list[Stretch]:
    """
    Say which parts of which streams hold the whole invocations that *lines* belong to.

    Args:
        longest_ms: The longest that an invocation can take. Where a request's START and REPORT are among the lines,
            they tell its ends better.
    """
    held: dict[tuple[str, str], list[LogLine]] = {}
    kinds: dict[tuple[str, str], set[str]] = {}
    for number, line in enumerate(lines):
        entry = log_entry(line.message)
        key = (line.stream, entry.request_id or f"line {number}")
        held.setdefault(key, []).append(line)
        kinds.setdefault(key, set()).add(entry.kind)
    found = []
    for (stream, name), each in held.items():
        before = 0 if "start" in kinds[stream, name] else longest_ms
        behind = _BEHIND_REPORT_MS if "report" in kinds[stream, name] else longest_ms + _BEHIND_REPORT_MS
        times = [line.at_ms for line in each]
        found.append(Stretch(stream=stream, start_ms=max(0, min(times) - before), end_ms=max(times) + behind))
    return _merged(found)


def _merged(parts: Iterable[Stretch]) -> list[Stretch]:
    merged: list[Stretch] = []
    for part in sorted(parts, key=lambda each: (each.stream, each.start_ms)):
        last = merged[-1] if merged else None
        if last is not None and last.stream == part.stream and part.start_ms <= last.end_ms + _NEAR_MS:
            end_ms = max(last.end_ms, part.end_ms)
            merged[-1] = Stretch(stream=last.stream, start_ms=last.start_ms, end_ms=end_ms)
        else:
            merged.append(part)
    return merged


def logged_invocations(
    client: "CloudWatchLogsClient", log_group: str, part: Stretch, *, stop: Callable[[], bool] = lambda: False
) -> Iterator[LoggedInvocation]:
    """
    Read the invocations of one stretch, one after the other; those at its ends may be cut.

    Raises:
        AwsError: As of `stream_lines`.
    """
    lines = stream_lines(client, log_group, part.stream, start_ms=part.start_ms, end_ms=part.end_ms + 1, stop=stop)
    return invocations_of(log_group, part.stream, lines)


def invocations_of(log_group: str, stream: str, lines: Iterable[LogLine]) -> Iterator[LoggedInvocation]:
    """Put the *lines* of one stream, in their order, together by request; no more is held than a request needs."""
    for found in invocations(_timed_entries(lines)):
        yield LoggedInvocation(log_group=log_group, stream=stream, at_ms=_epoch_ms(found.entries[0]), invocation=found)


def has_line(logged: LoggedInvocation, line: LogLine) -> bool:
    """Say whether an invocation logged *line*: its stream at its time, alone or as one of the lines of an entry."""
    text = line.message.strip()
    entries = logged.invocation.entries if line.stream == logged.stream else ()
    times = [_epoch_ms(entry) for entry in entries]
    for entry, at_ms, next_ms in zip(entries, times, [*times[1:], None], strict=False):
        if at_ms == line.at_ms and text in entry.text:
            return True
        is_behind = at_ms < line.at_ms and (next_ms is None or line.at_ms <= next_ms)
        if is_behind and text in entry.text and entry.text.strip() != text:
            return True
    return False


def _epoch_ms(entry: LogEntry) -> int:
    return round(datetime.fromisoformat(entry.at or "").timestamp() * 1000)


def _timed_entries(lines: Iterable[LogLine]) -> Iterator[LogEntry]:
    """Read entries, each with CloudWatch's own time."""
    for entry, at_ms in timed_entries((line.at_ms, line.message) for line in lines):
        yield replace(entry, at=datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds"))
