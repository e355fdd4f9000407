"""What a look at one object finds of failed requests, and of those that are looked for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from replay.payloads.failed_requests import uncaught_of
from replay.payloads.failures import Failure, knowledge, most_telling
from replay.payloads.log_formats.log_record import Kind, LogRecord, known_id
from replay.readers.failure_evidence import log_lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """
    A failed request, as far as one object tells of it.

    `event` is None where the event was not found nearby. `logged_for` is the request in whose log it was: for what an
    access log saw, that is the function's own. `whole` says that `event` is a record with the event inside. `line` is
    the first line that told of the failure, as an offset into the unpacked object.
    """

    request_id: str | None
    kind: Kind
    failure: Failure | None
    at: datetime | None
    offset: int
    event: str | None = None
    logged_for: str | None = None
    whole: bool = False


def sighting(
    request_id: str | None, records: Sequence[LogRecord], *, offset: int, logged_errors: bool = False
) -> Sighting | None:
    """
    Put together what *records* tell of a request; None where none of them says that it failed.

    Args:
        logged_errors: Whether an error counts that the function may have caught and logged.
    """
    own = [each for each in records if each.request_id == request_id]
    failing = [each for each in own if each.failure is not None] if logged_errors else uncaught_of(own)
    if not failing:
        return None
    kind: Kind = "invocation" if any(each.kind == "invocation" for each in failing) else "access"
    told = [each for each in failing if each.kind == kind]
    best = most_telling([each.failure for each in told if each.failure])
    assert best is not None
    holder = event_holder(request_id, kind, records)
    failure = replace(
        best,
        request_id=known_id(request_id),
        trace_id=known_id(best.trace_id) or next((each.trace_id for each in records if known_id(each.trace_id)), None),
        observed="logs",
        log_lines=_lines(each.text for each in records),
        report=next((each.report for each in records if each.report), None),
    )
    return Sighting(
        request_id=request_id,
        kind=kind,
        failure=failure,
        at=next((each.at for each in (*told, *records) if each.at), None),
        offset=offset,
        event=holder.event if holder else None,
        logged_for=holder.request_id if holder else None,
    )


def with_event(found: Sighting, event: str, logged_for: str | None, lines: Sequence[str]) -> Sighting:
    """Add the event that another object held, and the lines beside it, which came before."""
    failure = found.failure and replace(found.failure, log_lines=_lines((*lines, *found.failure.log_lines)))
    return replace(found, event=event, logged_for=logged_for, failure=failure)


def merged(first: Sighting, second: Sighting) -> Sighting:
    """Put two sightings of one request together: the failure that tells more, all lines, the event of either."""
    best, other = (first, second) if _rank(first) >= _rank(second) else (second, first)
    lines = [line for each in (first, second) if each.failure for line in each.failure.log_lines]
    reports = [each.failure.report for each in (best, other) if each.failure and each.failure.report]
    failure = most_telling([each.failure for each in (best, other) if each.failure and each.kind == best.kind])
    failure = failure and replace(failure, log_lines=_lines(lines), report=next(iter(reports), None))
    return replace(
        best,
        failure=failure,
        at=best.at or other.at,
        event=best.event or other.event,
        logged_for=best.logged_for or other.logged_for,
    )


def _rank(each: Sighting) -> tuple[bool, tuple[bool, bool, bool]]:
    return each.kind == "invocation", knowledge(each.failure) if each.failure else (False, False, False)


def event_holder(request_id: str | None, kind: Kind, records: Sequence[LogRecord]) -> LogRecord | None:
    """
    Find the record that holds the event: one of the request itself before one that only names it.

    What an access log saw is named inside the event of the function behind it.
    """
    holding = [each for each in records if each.event is not None and not each.whole]
    own = [each for each in holding if each.request_id == request_id]
    unlabelled = [each for each in holding if each.request_id is None]
    naming = [each for each in holding if request_id is not None and request_id in (each.event or "")]
    found = [*own, *unlabelled, *(naming if kind == "access" else ())]
    return found[0] if found else None


def _lines(texts: Iterable[str]) -> tuple[str, ...]:
    """Keep the lines once each, up to a size that a person may read."""
    return log_lines(dict.fromkeys(text for text in texts if text))
