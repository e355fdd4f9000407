"""What a subscription filter of CloudWatch Logs puts into a bucket, most often through a delivery stream."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from replay.payloads.envelopes.documents import text_at
from replay.payloads.exact_json import write
from replay.payloads.log_formats.log_record import moment_of_epoch_ms

_MOST_EVENTS = 100_000


class LogEvent(NamedTuple):
    """One log event: its message, and when it happened."""

    message: str
    at: datetime | None


def is_subscription(value: Mapping[str, Any]) -> bool:
    """Say whether *value* is a message of a subscription filter."""
    return value.get("messageType") in {"DATA_MESSAGE", "CONTROL_MESSAGE"} and isinstance(value.get("logEvents"), list)


def log_stream_of(value: Mapping[str, Any]) -> str:
    """Name the log group and the stream."""
    return f"{text_at(value, 'logGroup') or ''}:{text_at(value, 'logStream') or ''}"


def log_events(value: Mapping[str, Any]) -> list[LogEvent]:
    """List the log events of a message; a message that a tool has parsed is written again."""
    found = []
    for each in value["logEvents"][:_MOST_EVENTS]:
        if isinstance(each, dict) and each.get("message") is not None:
            message = each["message"]
            text = message if isinstance(message, str) else write(message)
            found.append(LogEvent(text, moment_of_epoch_ms(each.get("timestamp"))))
    return found
