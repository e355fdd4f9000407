"""
Records of CloudTrail: calls of AWS that failed.

Source: CloudTrail User Guide, "CloudTrail record contents". A data event of Lambda's `Invoke` has the request's id and
the error, and never the payload.
"""

from collections.abc import Mapping
from typing import Any

from replay.payloads.envelopes.documents import text_at
from replay.payloads.failures import Failure
from replay.payloads.log_formats.log_record import LogRecord, moment_of


def is_cloudtrail(value: Mapping[str, Any]) -> bool:
    """Say whether *value* is a record of CloudTrail; those of S3's notifications have the same members."""
    told = [value.get(name) for name in ("eventSource", "eventVersion", "eventName", "eventTime")]
    return all(isinstance(each, str) for each in told) and not str(told[0]).startswith("aws:")


def cloudtrail_record(text: str, value: Mapping[str, Any]) -> LogRecord | None:
    """Read a record; None where the call succeeded."""
    code = text_at(value, "errorCode")
    if code is None:
        return None
    request_id = text_at(value, "requestID")
    action = f"{str(value['eventSource']).partition('.')[0]}:{value['eventName']}"
    failure = Failure(
        error_type=code,
        message=f"{action}: {text_at(value, 'errorMessage') or ''}".rstrip(": "),
        request_id=request_id,
        observed="logs",
    )
    at = moment_of(text_at(value, "eventTime"))
    return LogRecord(text=text, kind="access", request_id=request_id, at=at, failure=failure)
