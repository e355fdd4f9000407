"""
Access logs of API Gateway, in each of the four forms that its guide offers, and of whoever else writes a status.

Source: API Gateway Developer Guide, "Set up CloudWatch logging for REST APIs" and "Logging API access for HTTP APIs".
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from replay.payloads.failures import Failure
from replay.payloads.log_formats.log_record import LogRecord, moment_of, moment_of_epoch_ms

_STATUSES = ("status", "statusCode", "status_code", "httpStatus", "http_status")
_REQUEST_IDS = ("requestId", "request_id", "requestID", "apigw_request_id", "RequestId")
_MESSAGES = ("errorMessage", "error", "integrationErrorMessage", "integrationError", "responseType", "validationError")
_TIMES = ("requestTimeEpoch", "requestTime", "time", "timestamp", "@timestamp")
_STATUS = re.compile(r"5\d\d")
_CLF_TIME = re.compile(r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}")
_ID = r"[0-9A-Za-z_-]{8,64}={0,2}"
_COMMON = re.compile(
    rf'[^\n"]{{0,400}}\[(?P<at>{_CLF_TIME.pattern})\] ?"[^"\n]{{0,4000}}" (?P<status>\d{{3}}) (?:\d+|-)'
    rf"(?: (?P<id>{_ID}))?(?: .*)?"
)
_COMMAS = re.compile(
    rf"[^\n]{{0,400}}?,(?P<at>{_CLF_TIME.pattern}),[^\n]{{0,4000}},(?P<status>\d{{3}}),(?:\d+|-)?,(?P<id>{_ID})(?:,.*)?"
)
_XML = re.compile(r'<request id="(?P<id>[^"]{8,64})">(?P<rest>.*)</request>', re.DOTALL)
_XML_STATUS = re.compile(r"<status>(?P<status>\d{3})</status>")
_XML_TIME = re.compile(r"<requestTime>(?P<at>[^<]{0,40})</requestTime>")


def access_record(text: str, value: object) -> LogRecord | None:
    """Read a line of an access log, parsed to *value* where it is JSON; None where the status is no 5xx."""
    if isinstance(value, Mapping):
        return _of_object(text, value)
    stripped = text.strip()
    found = _COMMON.fullmatch(stripped) or _COMMAS.fullmatch(stripped)
    if found and _STATUS.fullmatch(found["status"]):
        return _record(text, found["status"], "", found["id"], clf_moment(found["at"]))
    xml = _XML.fullmatch(stripped)
    status = xml and _XML_STATUS.search(xml["rest"])
    if xml and status and _STATUS.fullmatch(status["status"]):
        at = _XML_TIME.search(xml["rest"])
        return _record(text, status["status"], "", xml["id"], clf_moment(at["at"]) if at else None)
    return None


def clf_moment(text: str) -> datetime | None:
    """Read a time of the common log format (`26/Oct/2023:11:01:10 +0000`)."""
    try:
        return datetime.strptime(text, "%d/%b/%Y:%H:%M:%S %z")
    except ValueError:
        return None


def _of_object(text: str, value: Mapping[str, Any]) -> LogRecord | None:
    status = next((str(value[name]) for name in _STATUSES if isinstance(value.get(name), str | int)), "")
    if not _STATUS.fullmatch(status):
        return None
    told = (value.get(name) for name in _MESSAGES)
    message = next((each for each in told if isinstance(each, str) and each not in {"", "-"}), "")
    request_id = next((value[name] for name in _REQUEST_IDS if isinstance(value.get(name), str)), None)
    return _record(text, status, message, request_id, _moment(value))


def _moment(value: Mapping[str, Any]) -> datetime | None:
    for name in _TIMES:
        held = value.get(name)
        if isinstance(held, str):
            found = clf_moment(held) or moment_of(held) or (moment_of_epoch_ms(int(held)) if _is_epoch(held) else None)
        else:
            found = moment_of_epoch_ms(held)
        if found is not None:
            return found
    return None


def _is_epoch(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) == len("1700000000000")


def _record(text: str, status: str, message: str, request_id: str | None, moment: datetime | None) -> LogRecord:
    known = request_id if request_id and request_id != "-" else None
    failure = Failure(error_type=f"HTTP {status}", message=message, request_id=known, observed="logs")
    return LogRecord(text=text, kind="access", request_id=known, at=moment, failure=failure)
