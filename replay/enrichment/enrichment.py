"""What else is known of failures, from the log: the error with its stack, lines and report of the invocation."""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from replay.counted_nouns import counted
from replay.enrichment.failure_traces import traces_of
from replay.enrichment.function_logs import FunctionLogs
from replay.enrichment.measured_requests import measured
from replay.enrichment.observed_failure import is_of_several, most_telling, observed_failure
from replay.enrichment.searches import Search, search_for
from replay.enrichment.time_limit import TimeLimit
from replay.errors import AwsError
from replay.payloads.captures import Capture
from replay.payloads.envelopes.base import Unwrapped
from replay.payloads.failures import Failure, Segment
from replay.readers.invocations import LoggedInvocation
from replay.readers.lambda_insights import LOG_GROUP
from replay.readers.logs import MISSING, default_log_group, is_missing, similar_log_groups
from replay.readers.sides import on_aws

BATCH = 200
"""So many captures are looked up at once: few calls, and a source that leases is not kept waiting."""

LONGEST_BATCH_S = 15.0
LONGEST_S = 60.0
LONGEST_INVOCATION_S = 900.0

_LOGS, _TRACES, _MEASURES = "logs", "xray", LOG_GROUP
_LOOKED_UP = {_TRACES: "traces were not looked up", _MEASURES: "memory and CPU were not looked up in {}"}
_FUNCTION_ARN = re.compile(r"arn:[\w-]+:lambda:[\w-]+:\d{12}:function:(?P<name>[\w-]{1,64})(?::[\w$-]+)?", re.ASCII)
_TRACE_ID = re.compile(r"1-[0-9a-f]{8}-[0-9a-f]{24}")

ClientOf = Callable[[str], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPlace:
    """
    Where a function logs: `log_group` as its template or the configuration says it, else None; `name` is its physical
    name as far as it is known, `timeout_s` the longest that an invocation takes.
    """

    name: str
    log_group: str | None = None
    timeout_s: float = LONGEST_INVOCATION_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Enriched:
    """
    What is known of one capture's failure now, or None.

    `of_several`: the error is that of an invocation with several messages, so that another one may have caused it.
    """

    failure: Failure | None
    of_several: bool = False


class Enrichment:
    """
    Looks captures up in the log of their function, a batch at a time, within a limit of time.

    Never raises for what AWS refuses, does not have, or is too slow for: `notes` tell it.

    Args:
        client_of: Makes the client of a service where the captures come from (same account, region, endpoint).
        place: Where the function logs.
    """

    def __init__(
        self,
        client_of: ClientOf,
        place: LogPlace,
        *,
        longest_s: float = LONGEST_S,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._client_of = client_of
        self._place = place
        self._left_s = longest_s
        self._now = now
        self._clients: dict[str, Any] = {}
        self._names: dict[str, str] = {}
        self._closed: set[str] = set()
        self._given_up = 0
        self._notes: list[str] = []

    @property
    def notes(self) -> list[str]:
        """What could not be looked up, in sentences for the user."""
        given_up = counted(self._given_up, "event was", "events were")
        late = f"{given_up} not looked up in the logs: it would have taken too long" if self._given_up else ""
        return [*self._notes, *filter(None, [late])]

    def enrich(self, captures: Sequence[tuple[Capture, Unwrapped]]) -> list[Enriched]:
        """Give what is known of each of *captures*, in their order: at least what their source knew."""
        known = [Enriched(failure=unwrapped.failure) for _, unwrapped in captures]
        by_group: dict[str, list[Search]] = defaultdict(list)
        for key, (capture, unwrapped) in enumerate(captures):
            search = search_for(key, capture, unwrapped, now=self._now())
            if search is not None:
                by_group[self._group_of(unwrapped)].append(search)
        for group, searches in by_group.items():
            for key, logged in self._found(group, searches).items():
                known[key] = _enriched(known[key], logged, exact=captures[key][1].failure is not None)
        self._measure(known, [search for searches in by_group.values() for search in searches])
        return self._with_traces(known)

    def _measure(self, known: list[Enriched], searches: Sequence[Search]) -> None:
        """Add what Lambda Insights measured; whatever goes wrong is a note, and that it is not in use is nothing."""
        failures = {key: each.failure for key, each in enumerate(known) if each.failure is not None}
        if not failures or _MEASURES in self._closed or self._left_s <= 0:
            return
        limit = TimeLimit(min(self._left_s, LONGEST_BATCH_S))
        before_s = limit.left_s
        try:
            client = self._client(_LOGS)
            for key, failure in measured(client, failures, searches, limit, by_pattern=self._on_aws(_LOGS)).items():
                known[key] = replace(known[key], failure=failure)
        except Exception as error:  # noqa: BLE001 - what is known besides must not cost a single event
            self._close(_MEASURES, error)
        self._left_s -= before_s - limit.left_s

    def _with_traces(self, known: list[Enriched]) -> list[Enriched]:
        """Add the traces of the failures that were traced; whatever goes wrong is a note."""
        untraced = [each.failure for each in known if each.failure is not None and not each.failure.trace]
        ids = {each.trace_id for each in untraced if each.trace_id}
        wanted = sorted(each for each in ids if _TRACE_ID.fullmatch(each))
        if not wanted or _TRACES in self._closed or self._left_s <= 0:
            return known
        limit = TimeLimit(min(self._left_s, LONGEST_BATCH_S))
        before_s, found = limit.left_s, {}
        try:
            found = traces_of(self._client(_TRACES), wanted, limit)
        except Exception as error:  # noqa: BLE001 - what is known besides must not cost a single event
            self._close(_TRACES, error)
        self._left_s -= before_s - limit.left_s
        return [_traced(each, found) for each in known]

    def _client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = self._client_of(service)
        return self._clients[service]

    def _on_aws(self, service: str) -> bool:
        return service in self._clients and on_aws(self._clients[service])

    def _group_of(self, unwrapped: Unwrapped) -> str:
        """Name the log group: as configured, else of the function that a record of its failure names."""
        if self._place.log_group is not None:
            return self._place.log_group
        told = unwrapped.details.get("function_arn")
        named = _FUNCTION_ARN.fullmatch(told) if isinstance(told, str) else None
        return default_log_group(named["name"] if named else self._place.name)

    def _found(self, group: str, searches: Sequence[Search]) -> dict[int, LoggedInvocation]:
        """Look up one group; whatever goes wrong is a note."""
        if group in self._closed:
            return {}
        if self._left_s <= 0:
            self._given_up += len(searches)
            return {}
        limit = TimeLimit(min(self._left_s, LONGEST_BATCH_S))
        before_s = limit.left_s
        found: dict[int, list[LoggedInvocation]] = {}
        try:
            found = self._search(group, searches, limit)
        except Exception as error:  # noqa: BLE001 - what is known besides must not cost a single event
            self._close(group, error)
        self._left_s -= before_s - limit.left_s
        if limit.passed():
            self._given_up += len({search.key for search in searches} - found.keys())
        chosen = {key: most_telling(invocations) for key, invocations in found.items()}
        return {key: logged for key, logged in chosen.items() if logged is not None}

    def _close(self, place: str, error: Exception) -> None:
        """Look there no more, and tell why; that an emulator has no log, or no X-Ray, is nothing to tell of."""
        self._closed.add(place)
        if place == _MEASURES and isinstance(error, AwsError) and is_missing(error):
            return
        what = _LOOKED_UP.get(place, "errors and log lines were not looked up in {}").format(place)
        if not isinstance(error, AwsError):
            why = f"a mistake in replay itself, {type(error).__name__}: please report it"
        elif self._on_aws(_TRACES if place == _TRACES else _LOGS) or not (place == _TRACES or is_missing(error)):
            why = "; ".join(filter(None, (error.what, error.where, error.hint)))
        else:
            return
        self._notes.append(f"{what}: {why}")

    def _search(self, group: str, searches: Sequence[Search], limit: TimeLimit) -> dict[int, list[LoggedInvocation]]:
        try:
            return self._logs(self._names.get(group, group)).find(searches, limit)
        except AwsError as error:
            similar = self._similar(group) if is_missing(error) and group not in self._names else []
            if len(similar) != 1:
                raise error if not is_missing(error) else _no_group(self._place.name, similar) from None
            self._names[group] = similar[0]
            return self._logs(similar[0]).find(searches, limit)

    def _logs(self, name: str) -> FunctionLogs:
        client = self._client(_LOGS)
        return FunctionLogs(client, name, longest_s=self._place.timeout_s, by_pattern=self._on_aws(_LOGS))

    def _similar(self, group: str) -> list[str]:
        """Find the group of a function that its stack named: `/aws/lambda/<stack>-<function>-<letters>`."""
        return [] if self._place.log_group else similar_log_groups(self._client(_LOGS), group.rpartition("/")[2])


def _no_group(function: str, similar: Sequence[str]) -> AwsError:
    return AwsError(
        code="" if similar else MISSING,
        what="there is no such log group" if not similar else f"it could be any of {', '.join(similar[:5])}",
        hint=f'name it: [tool.replay.functions.{function}] log_group = "…"',
    )


def _enriched(known: Enriched, logged: LoggedInvocation, *, exact: bool) -> Enriched:
    failure = observed_failure(known.failure, logged)
    return Enriched(failure=failure, of_several=not exact and failure is not None and is_of_several(logged))


def _traced(known: Enriched, traces: Mapping[str, tuple[Segment, ...]]) -> Enriched:
    failure = known.failure
    trace = traces.get(failure.trace_id or "") if failure is not None else None
    return replace(known, failure=replace(failure, trace=trace)) if failure is not None and trace else known
