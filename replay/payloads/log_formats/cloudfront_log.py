"""
Standard logs of CloudFront.

Source: Amazon CloudFront Developer Guide, "Standard logging reference": the order of the fields of version 1.0.
"""

from replay.payloads.failures import Failure
from replay.payloads.log_formats.log_record import LogRecord, moment_of

_DATE, _TIME, _STATUS, _REQUEST_ID, _DETAILED_RESULT = 0, 1, 8, 14, 28
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
    failure = Failure(
        error_type=f"HTTP {fields[_STATUS]}",
        message=fields[_DETAILED_RESULT] if len(fields) > _DETAILED_RESULT else "",
        request_id=fields[_REQUEST_ID],
        observed="logs",
    )
    return LogRecord(text=text, kind="access", request_id=fields[_REQUEST_ID], at=at, failure=failure)
