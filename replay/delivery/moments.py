"""Moments in virtual time: when an event happened, by its own word, and how AWS writes a moment."""

from collections.abc import Mapping
from datetime import UTC, datetime

from replay.payloads.exact_json import Json

_LAST_S = 253_402_300_799  # of the year 9999


def happened_s(event: Json) -> float:
    """
    Give the epoch time at which *event* says it happened: an EventBridge, SNS or S3 event has its time; others say 0.

    Virtual time begins there, so that one event gives the same records in every run.
    """
    if not isinstance(event, Mapping):
        return 0.0
    records = event.get("Records")
    record = records[0] if isinstance(records, list) and records else None
    told = [event.get("time")]
    if isinstance(record, Mapping):
        notification = record.get("Sns")
        told.append(notification.get("Timestamp") if isinstance(notification, Mapping) else record.get("eventTime"))
    for text in told:
        if isinstance(text, str) and (moment := _moment(text)) is not None:
            return moment
    return 0.0


def milliseconds(epoch_s: float) -> str:
    """Write a moment as `2026-01-01T00:00:00.000Z`."""
    return _written(epoch_s, "milliseconds")


def seconds(epoch_s: float) -> str:
    """Write a moment as `2026-01-01T00:00:00Z`."""
    return _written(epoch_s, "seconds")


def _moment(text: str) -> float | None:
    try:
        moment = datetime.fromisoformat(text)
        return max(0.0, (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        return None


def _written(epoch_s: float, precision: str) -> str:
    moment = datetime.fromtimestamp(min(epoch_s, _LAST_S), UTC).replace(tzinfo=None)
    return f"{moment.isoformat(timespec=precision)}Z"
