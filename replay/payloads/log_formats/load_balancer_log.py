"""
Access logs of an Application Load Balancer, and of a Classic one.

Source: Elastic Load Balancing, "Access logs for your Application Load Balancer": the order of the fields, and the error
reasons of Lambda targets; "Access logs for your Classic Load Balancer", which name no request.
"""

import re

from replay.payloads.failures import Failure
from replay.payloads.log_formats.log_record import LogRecord, moment_of

_FIELD = re.compile(r'"((?:[^"\\]|\\.)*)"|(\S+)')
_TYPES = frozenset({"http", "https", "h2", "grpcs", "ws", "wss"})
_TIME, _STATUS, _TARGET_STATUS, _TRACE, _ERROR_REASON = 1, 8, 9, 17, 24
_FEWEST = 18
_FEWEST_CLASSIC, _MOST_CLASSIC, _CLASSIC_REQUEST = 12, 15, 11
_CLASSIC_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3,6}Z")
_LONGEST = 64 * 1024


def load_balancer_record(text: str) -> LogRecord | None:
    """Read a line; None where it is of another form, or where neither the load balancer nor the target failed."""
    if len(text) > _LONGEST:
        return None
    first, _, rest = text.partition(" ")
    fields = [quoted or plain for quoted, plain in _FIELD.findall(text)] if rest else []
    if _CLASSIC_TIME.fullmatch(first):
        return _classic(text, fields)
    if first not in _TYPES or len(fields) < _FEWEST:
        return None
    status = next((each for each in (fields[_STATUS], fields[_TARGET_STATUS]) if _is_failure(each)), "")
    if not status:
        return None
    trace_id = fields[_TRACE].removeprefix("Root=").split(";", 1)[0]
    known = trace_id if trace_id not in {"", "-"} else None
    reason = fields[_ERROR_REASON] if len(fields) > _ERROR_REASON else "-"
    failure = Failure(
        error_type=f"HTTP {status}",
        message="" if reason == "-" else reason,
        request_id=known,
        trace_id=known,
        observed="logs",
    )
    return LogRecord(
        text=text, kind="access", request_id=known, at=moment_of(fields[_TIME]), failure=failure, trace_id=known
    )


def _classic(text: str, fields: list[str]) -> LogRecord | None:
    if not _FEWEST_CLASSIC <= len(fields) <= _MOST_CLASSIC or " " not in fields[_CLASSIC_REQUEST]:
        return None
    status = next((each for each in fields[_STATUS - 1 : _TARGET_STATUS] if _is_failure(each)), "")
    if not status:
        return None
    failure = Failure(error_type=f"HTTP {status}", message="", observed="logs")
    return LogRecord(text=text, kind="access", at=moment_of(fields[0]), failure=failure)


def _is_failure(status: str) -> bool:
    return len(status) == len("502") and status[0] == "5" and status.isdecimal()
