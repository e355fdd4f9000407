"""
Standard logs of CloudFront.

Source: Amazon CloudFront Developer Guide, "Standard logging reference": the order of the fields of version 1.0;
"Configure standard logging (v2)": their names are those of the members in JSON.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from replay.payloads.failures import Failure
from replay.payloads.log_formats.log_record import LogRecord, moment_of, moment_of_epoch_ms

_DATE, _TIME, _STATUS, _REQUEST_ID, _DETAILED_RESULT = 0, 1, 8, 14, 28
_NAMES = ("x-edge-detailed-result-type", "x-edge-request-id", "date", "time")
_EPOCH_MS = re.compile(r"[0-9]{13}")
_FEWEST = 23
_LONGEST = 64 * 1024


def cloudfront_record(text: str) -> LogRecord | None:
    """Read a line; None where it is of another form, or where CloudFront did not answer 5xx."""
    fields = text.split("\t") if len(text) <= _LONGEST else []
    if len(fields) < _FEWEST or not fields[_STATUS].isdecimal() or not fields[_STATUS].startswith("5"):
        return None
    at = moment_of(f"{fields[_DATE]}T{fields[_TIME]}")
    if at is None:
        return None
    message = fields[_DETAILED_RESULT] if len(fields) > _DETAILED_RESULT else ""
    return _record(text, fields[_STATUS], message, fields[_REQUEST_ID], at)


def cloudfront_object(text: str, value: Mapping[str, Any]) -> LogRecord | None:
    """Read a line that is JSON; None where it is of another form, or where CloudFront did not answer 5xx."""
    status = str(value.get("sc-status"))
    if not status.isdecimal() or not status.startswith("5"):
        return None
    epoch_ms = str(value.get("timestamp(ms)"))
    at = moment_of_epoch_ms(int(epoch_ms)) if _EPOCH_MS.fullmatch(epoch_ms) else None
    told = [value[name] if isinstance(value.get(name), str) else "" for name in _NAMES]
    return _record(text, status, told[0], told[1] or None, at or moment_of(f"{told[2]}T{told[3]}"))


def _record(text: str, status: str, message: str, request_id: str | None, at: datetime | None) -> LogRecord:
    failure = Failure(error_type=f"HTTP {status}", message=message, request_id=request_id, observed="logs")
    return LogRecord(text=text, kind="access", request_id=request_id, at=at, failure=failure)
