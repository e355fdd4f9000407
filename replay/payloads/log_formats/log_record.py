"""What one line of a log tells of a request."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from replay.payloads.failures import Failure, Report

Kind = Literal["invocation", "access"]

_KNOWN_ID = re.compile(
    r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}|1-[0-9a-f]{8}-[0-9a-f]{24}|[0-9a-f]{32}"
    r"|(?=[0-9]{0,15}[A-Z])[0-9A-Z]{16}|[0-9A-Za-z_-]{10,24}="
)
LATEST_MS = 32_503_680_000_000 - 1
"""The end of the year 2999: what is later is no time of a log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRecord:
    """
    One line, or one log event, that tells something of a request.

    `invocation` is what a function's own log says; `access` what stands before or beside the function saw of it, by an
    id that the function's event may hold. `event` is the event where this record holds it, as exact text; `whole` says
    that it is a record of a failure with the event inside, to be opened as an envelope. `text` is the line for eyes, or
    empty where that would only repeat the event. `may_be_caught` and `is_of_function` are those of the log's entry.
    """

    text: str
    kind: Kind = "invocation"
    request_id: str | None = None
    at: datetime | None = None
    failure: Failure | None = None
    event: str | None = None
    trace_id: str | None = None
    report: Report | None = None
    whole: bool = False
    may_be_caught: bool = False
    is_of_function: bool = False


def moment_of(text: str | None) -> datetime | None:
    """Read a time as logs write it (ISO 8601 with a point or a comma, no zone: UTC), or give None."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text.strip().replace(",", "."))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def moment_of_epoch_ms(value: object) -> datetime | None:
    """Read epoch milliseconds, or give None for what is none."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= LATEST_MS:
        return None
    return datetime.fromtimestamp(value / 1_000, UTC)


def known_id(text: str | None) -> str | None:
    """Give *text* where it looks like an id of AWS's (a request's, a trace's): a line may hold anybody's anything."""
    return text if text is not None and _KNOWN_ID.fullmatch(text) else None
