"""
Server access logs of S3.

Source: Amazon S3 User Guide, "Amazon S3 server access log format".
"""

import re

from replay.payloads.failures import Failure
from replay.payloads.log_formats.access_log import clf_moment
from replay.payloads.log_formats.log_record import LogRecord

_LINE = re.compile(
    r"(?P<owner>\S{1,80}) (?P<bucket>\S{3,63}) \[(?P<at>[^\]]{1,40})\] (?P<ip>\S{1,64}) (?P<requester>\S{1,400}) "
    r'(?P<id>[0-9A-Z]{8,32}) (?P<operation>[A-Z][A-Z0-9._]{2,60}) (?P<key>\S{1,4000}) (?:"[^"]{0,4000}"|-) '
    r"(?P<status>\d{3}) (?P<code>\S{1,80}) .*"
)


def s3_access_record(text: str) -> LogRecord | None:
    """Read a line; None where it is of another form, or where S3 did not answer 5xx."""
    found = _LINE.fullmatch(text.strip())
    if found is None or not found["status"].startswith("5"):
        return None
    code = found["code"] if found["code"] != "-" else f"HTTP {found['status']}"
    failure = Failure(error_type=code, message=found["operation"], request_id=found["id"], observed="logs")
    return LogRecord(text=text, kind="access", request_id=found["id"], at=clf_moment(found["at"]), failure=failure)
