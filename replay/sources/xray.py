"""The failed requests of a function that X-Ray traced, with the events that the function logged."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any

from replay.counted_nouns import counted
from replay.errors import AwsError
from replay.payloads.captures import Capture
from replay.payloads.failures import Failure
from replay.payloads.log_formats.logged_event import EventPlace
from replay.payloads.traces import TracedRequest, trace_segments, traced_requests
from replay.readers.failure_evidence import logged_failure, with_evidence
from replay.readers.invocations import LoggedInvocation
from replay.readers.logged_requests import invocations_of_requests
from replay.readers.logs import is_missing, similar_log_groups
from replay.readers.sides import on_aws
from replay.readers.traces import segment_documents, trace_ids
from replay.sources.advance import Advance
from replay.sources.base import Recording, Source
from replay.sources.cloudwatch_logs import refuse_group_elsewhere
from replay.sources.logged_failures import MissingEvents, capture_of, event_of
from replay.sources.permissions import AwsPlace, Permission
from replay.sources.xray_options import XRayOptions, faults_of

_DEFAULT_TIME = timedelta(hours=1)
_LONGEST_INVOCATION_S = 900.0
_AT_ONCE = 50
_TRIES = 4
_MOST_NAMES = 5
_MOST_ASKED_FOR = 20
_REQUEST_ID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)


class XRaySource(Source):
    """
    The traces of X-Ray.

    A trace tells which requests failed, and where; the event of one is found if the function logged it.
    """

    name = "xray"
    summary = "requests that X-Ray traced, whose events the function logged"
    options = XRayOptions
    gives_clients = True

    def __init__(self, options: XRayOptions) -> None:
        self._options = options

    def open(self) -> "XRayRecording":
        """
        Make the clients.

        Raises:
            ConfigurationError: A JSONPath cannot be read; or the log group's ARN is of another region or account.
            AwsError: Credentials, region.
        """
        options = self._options
        client_of = options.client
        logs = client_of("logs")
        refuse_group_elsewhere(options.log_group or options.function_log_group or "", logs, partial(client_of, "sts"))
        recording = XRayRecording(client_of("xray"), logs, options, options.event_place)
        recording.client_of = client_of
        return recording

    def permissions(self, at: AwsPlace) -> tuple[Permission, ...]:
        """Declare reading traces, which AWS cannot narrow, and the log of the function."""
        groups = self._options.groups_read
        needed = (
            Permission(actions=("xray:GetTraceSummaries", "xray:BatchGetTraces"), why="find and read traces"),
            Permission(
                actions=("logs:FilterLogEvents", "logs:GetLogEvents"),
                resources=tuple(at.arn("logs", f"log-group:{each}{end}") for each in groups for end in ("", ":*")),
                why="find the events in the log of the function",
            ),
        )
        if self._options.filter is not None or not self._options.deployed_name:
            return needed
        listing = ("logs:DescribeLogGroups",)
        return *needed, Permission(actions=listing, why="find the name that a stack gave the function", optional=True)


@dataclass(slots=True)
class _Traced:
    """A request with its trace."""

    request: TracedRequest
    trace_id: str
    documents: list[str]


class XRayRecording(Recording):
    """One pass over the traces of a time, by X-Ray's clock; nothing is changed."""

    keeps_time = True

    def __init__(self, traces: Any, logs: Any, options: XRayOptions, place: EventPlace) -> None:
        self._traces = traces
        # No emulator knows filter expressions, so there all traces are read; what the user has said is sent anyhow.
        self._expression = options.expression if on_aws(traces) or options.filter is not None else ""
        self._asked_for = self._expression
        self._logs = logs
        self._options = options
        self._place = place
        self._since: datetime | None = None
        self._until: datetime | None = None
        self._limit: int | None = None
        self._longest_ms = int((options.function_timeout_s or _LONGEST_INVOCATION_S) * 1000)
        self._missing: dict[str, MissingEvents] = {}
        self._unlogged: dict[str, list[TracedRequest]] = defaultdict(list)
        self._no_group: set[str] = set()
        self._found = self._requests_found = self._unread = 0
        self._functions: set[str] = set()
        self._stack_named: dict[str, dict[str, None]] = defaultdict(dict)
        self._taken_to_be = ""
        self._hour_before: datetime | None = None
        self._ended = self._told = False
        self.notes = []

    def within(self, since: datetime | None, until: datetime | None) -> None:
        """Ask for the traces of this time only; without *since* of the hour before its end."""
        self._since, self._until = since, until

    def at_most(self, limit: int) -> None:
        """Read no more once so many captures were given."""
        self._limit = limit

    def captures(self) -> Iterator[Capture]:
        """
        Give each request whose event was logged, as X-Ray finds their traces.

        Raises:
            AwsError: X-Ray or a log cannot be read, or X-Ray does not take the filter expression.
        """
        until = self._until or datetime.now(UTC)
        since = self._since or until - _DEFAULT_TIME
        self._hour_before = until if self._since is None else None
        for given, capture in enumerate(self._found_by(self._trace_ids(since, until)), 1):
            yield capture
            if self._limit is not None and given >= self._limit:
                return

    def _trace_ids(self, since: datetime, until: datetime) -> Iterator[str]:
        """Ask for the function by its name, and only where no trace has it, by those that a stack may have given it."""
        reached = self._reached(since, until)
        is_found = False
        for name in trace_ids(self._traces, since, until, expression=self._expression, reached=reached):
            is_found = True
            yield name
        named = self._stack_made() if self._expression and not is_found else []
        for first in range(0, len(named), _MOST_ASKED_FOR):
            expression = faults_of(named[first : first + _MOST_ASKED_FOR])
            self._asked_for += f" OR {expression}"
            yield from trace_ids(self._traces, since, until, expression=expression, reached=reached)

    def _stack_made(self) -> list[str]:
        """List the names that a stack may have given the function, by the log groups that there are."""
        named = self._options.deployed_name
        if self._options.filter is not None or not named:
            return []
        return self._options.stack_made(similar_log_groups(self._logs, named))

    def _found_by(self, names: Iterator[str]) -> Iterator[Capture]:
        """Give the requests of the function by its name, or where no trace has it, of the only one a stack named so."""
        seen: set[str] = set()
        name = self._options.deployed_name
        while part := list(islice(names, _AT_ONCE)):
            self._found += len(part)
            found = self._read(part)
            self._keep_names(found)
            yield from self._captures(found, seen, name)
        if len(self._stack_named) == 1:
            ((self._taken_to_be, traces),) = self._stack_named.items()
            again = iter(traces)
            while part := list(islice(again, _AT_ONCE)):
                yield from self._captures(self._read(part), seen, self._taken_to_be)
        self._ended = True

    def _read(self, names: Sequence[str]) -> list[_Traced]:
        traces = segment_documents(self._traces, names, tries=_TRIES, unread=self._count_unread)
        return [
            _Traced(each, name, documents) for name, documents in traces.items() for each in traced_requests(documents)
        ]

    def _count_unread(self, names: Sequence[str]) -> None:
        self._unread += len(names)

    def _keep_names(self, found: Sequence[_Traced]) -> None:
        """Keep which functions there are, and of those that may be the one meant no more than the ids of traces."""
        self._functions |= {each.request.function for each in found}
        if self._options.deployed_name in self._functions:
            self._stack_named.clear()
            return
        for each in found:
            if self._options.may_be(each.request.function):
                self._stack_named[each.request.function][each.trace_id] = None

    def _reached(self, since: datetime, until: datetime) -> Callable[[datetime], object]:
        total = (until - since).total_seconds()

        def reached(moment: datetime) -> None:
            done = (moment - since).total_seconds()
            self.advanced(Advance(doing="asking for traces", done=done, total=total, unit="seconds"))

        return reached

    def _captures(self, found: Sequence[_Traced], seen: set[str], function: str | None) -> Iterator[Capture]:
        by_group: dict[str, dict[str, _Traced]] = defaultdict(dict)
        for traced in self._meant(found, function):
            if traced.request.request_id not in seen:
                seen.add(traced.request.request_id)
                by_group[self._options.group_of(traced.request)][traced.request.request_id] = traced
        for name, requests in by_group.items():
            for request_id, logged in self._logged(name, requests).items():
                event = event_of(logged.invocation, self._place)
                if event is None:
                    self._missing.setdefault(name, MissingEvents()).add(logged)
                else:
                    yield _capture(logged, event, requests[request_id])

    def _meant(self, found: Sequence[_Traced], function: str | None) -> Iterator[_Traced]:
        """Choose the requests of the function: those that failed, or all of traces that the user has chosen."""
        for each in found:
            is_asked_for = each.request.failed or self._options.filter
            is_its_own = function in (None, each.request.function)
            if is_its_own and is_asked_for and _REQUEST_ID.fullmatch(each.request.request_id):
                self._requests_found += 1
                yield each

    def _logged(self, group: str, traced: dict[str, _Traced]) -> dict[str, LoggedInvocation]:
        """Look requests up in one log; of one that was tried again the last try that failed counts."""
        if group in self._no_group:
            self._unlogged[group] += [each.request for each in traced.values()]
            return {}
        times = [each.request for each in traced.values()]
        start_ms = int(min(each.start_s for each in times) * 1000)
        end_ms = int(max(each.end_s for each in times) * 1000)
        found: dict[str, LoggedInvocation] = {}
        try:
            for logged in invocations_of_requests(
                self._logs, group, traced.keys(), start_ms=start_ms, end_ms=end_ms, longest_ms=self._longest_ms
            ):
                name = logged.invocation.request_id
                if name not in found or _weight(logged) >= _weight(found[name]):
                    found[name] = logged
        except AwsError as error:
            if not is_missing(error):
                raise
            self._no_group.add(group)
        self._unlogged[group] += [each.request for name, each in traced.items() if name not in found]
        return found

    def close(self) -> None:
        """Tell what failed and cannot be replayed."""
        if self._told:
            return
        self._told = True
        for group, missing in self._missing.items():
            self.notes += missing.notes(group)
        for group, requests in self._unlogged.items():
            if requests:
                self.notes.append(self._not_logged(group, requests))
        if self._hour_before is not None and (self._found or self._ended):
            before = f"{self._hour_before:%Y-%m-%d %H:%M} UTC"
            self.notes.insert(0, f"only the hour before {before} was looked at; --since 2d looks back further")
        self.notes += self._of_traces()

    def _of_traces(self) -> Iterator[str]:
        """Tell what X-Ray did not give, and, if all was asked for, that nothing was found."""
        options = self._options
        if self._unread:
            which = counted(self._unread, "trace that X-Ray found was", "traces that X-Ray found were")
            yield f"{which} not read: asked for {_TRIES} times, and left unprocessed each time; try again later"
        if self._taken_to_be and self._requests_found:
            taken = f"{options.function} was taken to be {self._taken_to_be}, as a stack would name it"
            yield f"{taken}; if it is another, say which: {options.how_to_name}"
        if not self._ended or self._requests_found:
            return
        if not self._found:
            named = "" if options.filter is not None else "; --filter asks for another function, or for anything"
            yield f"X-Ray found no trace in this time for: {self._asked_for or 'any'}{named}"
        elif self._unread < self._found:
            yield self._none_failed()

    def _none_failed(self) -> str:
        name = self._taken_to_be or self._options.deployed_name
        called = self._options.function or ""
        others = sorted(self._functions - {name, ""})
        alike = [each for each in others if called and called.lower() in each.lower()]
        first = [*alike, *(each for each in others if each not in alike)][:_MOST_NAMES]
        told = f"; of others: {', '.join(first)}" if first else ""
        if alike and name not in self._functions:
            told += f"; if one of them is {called}, say which: {self._options.how_to_name}"
        none = "none that could be read" if self._unread else "none"
        return f"{counted(self._found, 'trace')} found, and {none} has a failed request of {name or 'a function'}{told}"

    def _not_logged(self, group: str, requests: list[TracedRequest]) -> str:
        last = max(requests, key=lambda each: each.start_s)
        at = datetime.fromtimestamp(last.start_s, UTC)
        lacks = "there is no such log group" if group in self._no_group else "it has no line of them"
        which = counted(len(requests), "traced request is", "traced requests are")
        return (
            f"{which} not in {group} ({lacks}), so there is nothing to replay: the last is {last.request_id} at "
            f"{at:%Y-%m-%d %H:%M:%S} UTC; a dead-letter queue may have it: replay record sqs --queue NAME"
        )


def _weight(logged: LoggedInvocation) -> tuple[bool, int]:
    return logged.invocation.failure is not None, logged.at_ms


def _capture(logged: LoggedInvocation, event: str, traced: _Traced) -> Capture:
    capture = capture_of(logged, event)
    return replace(capture, origin=replace(capture.origin, source="xray"), failure=_failure(logged, traced))


def _failure(logged: LoggedInvocation, traced: _Traced) -> Failure | None:
    """Put what the log and the trace tell together; a request that did not fail has no failure."""
    segments = trace_segments(traced.documents)
    known = logged_failure(logged)
    if known is None and traced.request.failed:
        began = next((each for each in segments if each.began), None)
        error_type, _, message = (began.cause if began else "").partition(": ")
        told = Failure(error_type=error_type or (began.status if began else "fault"), message=message)
        known = with_evidence(told, logged)
    return None if known is None else replace(known, trace_id=traced.trace_id, trace=segments)
