"""Cases of logs as services write them into buckets: every failed request is found, and no other."""

import re
import zlib
from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from typing import Any

from replay.payloads.log_formats.reading import Forms
from replay.sources.s3_log_parts.object_streams import unpacked
from replay.sources.s3_log_parts.scan import scan
from replay.sources.s3_log_parts.sightings import Sighting
from tests.truth.cases import Case
from tests.truth.categories.log_lines import objects_of, tells_of_failure
from tests.truth.checks.shapes import objects_in, parsed
from tests.truth.verdicts import Findings

JUDGED = (
    "the requests that failed, as the statuses and error codes of the lines say, are found, and those of functions too; "
    "and each line that tells a status is found to have failed when its status is made a 502"
)
JUDGED_FORMATS = (
    "a line of each documented format is found to have failed, with its request id, when its status is 502 alone"
)

_STATUSES = (
    re.compile(
        r"^(?:(?:https?|h2|grpcs|wss?) )?\d{4}-\d\d-\d\dT[\d:.]+Z (?:\S+ ){6}(?P<status>\d{3}|-1?) (?:\d{1,3}|-1?) ",
        re.MULTILINE,
    ),
    re.compile(r'^\S+ .*\[[^\]\n]+\].*"(?:[A-Z]+) [^"\n]*" (?P<status>\d{3}) ', re.MULTILINE),
    re.compile(r'^\S+ \S+ \[[^\]\n]+\] \S+ \S+ \S+ [A-Z0-9._]+ \S+ (?:"-"|-) (?P<status>\d{3}) ', re.MULTILINE),
    re.compile(r"^\d{4}-\d\d-\d\d\t\d\d:\d\d:\d\d\t(?:[^\t\n]*\t){6}(?P<status>\d{3})\t", re.MULTILINE),
    re.compile(r"^[^\n]*,\d\d/[A-Z][a-z]{2}/\d{4}:[^\n]*,(?P<status>\d{3}),(?:\d+|-)?,[\w-]{8,64}=?$", re.MULTILINE),
)
_TARGET_FAILED = re.compile(
    r"^(?:(?:https?|h2|grpcs|wss?) )?\d{4}-\d\d-\d\dT[\d:.]+Z (?:\S+ ){6}[1-4]\d\d 5\d\d ", re.MULTILINE
)
_EXPORTED = re.compile(r"^\d{4}-\d\d-\d\dT[\d:.]+Z (?=\S)", re.MULTILINE)
"""CloudWatch Logs puts the time before each event that it exports."""

_OF_TRAIL = frozenset({"eventVersion", "errorCode"})
_STATUS_NAMES = ("status", "statusCode", "status_code", "httpStatus", "http_status", "sc-status")
_TRACE = re.compile(r"Root=[\w-]+")
"""Load balancers name no request but its trace; what a client repeats within one is one failure here."""

_VARIABLE = re.compile(r"\$context\.([\w.]+)")
_VALUES = {
    "requestTime": "21/Nov/2026:07:00:00 +0000",
    "httpMethod": "GET",
    "resourcePath": "/orders",
    "routeKey": "GET /orders",
    "protocol": "HTTP/1.1",
    "responseLength": "36",
    "extendedRequestId": "fKjH3aaBbCcDdEe=",
    "identity.sourceIp": "192.0.2.7",
}


def judge_object_log(case: Case, findings: Findings) -> None:
    """Judge the lines of an object."""
    text = _text(case)
    ours, theirs = len(failures(text)), _failed(text)
    if _of_functions(text):
        findings.holds("the failed requests of functions are found", ours > theirs, f"ours are {ours}")
    else:
        findings.same("the requests that failed", ours, theirs)
    for number, found in enumerate(each for form in _STATUSES for each in form.finditer(text)):
        changed = text[: found.start("status")] + "502" + text[found.end("status") :]
        theirs = _failed(changed)
        findings.holds(f"status {number} is read", theirs > 0, "the judge itself does not find the 502")
        findings.same(f"failed requests when status {number} is a 502", len(failures(changed)), theirs)


def judge_formats(case: Case, findings: Findings) -> None:
    """Judge the access log formats that a page of the guide shows."""
    for number, form in enumerate(_formats(case.path().read_text(encoding="utf-8"))):
        lines = [
            _line(form, status, f"0000000{digit}-1111-4222-8333-444444444444")
            for digit, status in enumerate(("200", "502", "403"))
        ]
        found = failures("".join(lines))
        findings.same(
            f"format {number}: {form[:60]}",
            [each.request_id for each in found],
            ["00000001-1111-4222-8333-444444444444"],
        )


def failures(text: str) -> list[Sighting]:
    """Read *text* as the source reads an object."""
    return list(scan(unpacked(BytesIO(text.encode("utf-8")), most_bytes=10**9), Forms(), Counter()))


def _failed(text: str) -> int:
    """Count what the lines themselves say of failed requests."""
    if text.lstrip().startswith(("{", "[")):
        return sum(_has_failed(each) for each in _records(text))
    failed = [found for form in _STATUSES for found in form.finditer(text) if found["status"].startswith("5")]
    places = {found.start() for found in (*failed, *_TARGET_FAILED.finditer(text))}
    lines = {place: text[place : text.find("\n", place)] for place in places}
    return len({(_TRACE.search(line) or [place])[0] for place, line in lines.items()})


def _records(text: str) -> Iterator[dict[str, Any]]:
    """Read the objects of a text, one behind the other; those of a trail are records of one object."""
    for held in objects_of(text):
        records, events = held.get("Records"), held.get("logEvents")
        yield from [each for each in records if isinstance(each, dict)] if isinstance(records, list) else [held]
        messages = [parsed(str(each.get("message"))) for each in objects_in(events)]
        yield from (each for each in messages if isinstance(each, dict) and each.keys() >= _OF_TRAIL)


def _has_failed(record: dict[str, Any]) -> bool:
    """Say whether an object is of a failed request: of a trail, of a destination, or of an access log in JSON."""
    context = record.get("requestContext")
    if isinstance(context, dict) and "condition" in context:
        return bool(context["condition"] != "Success")
    status = next((str(record[name]) for name in _STATUS_NAMES if name in record), "")
    return record.keys() >= _OF_TRAIL or re.fullmatch(r"5\d\d", status) is not None


def _of_functions(text: str) -> bool:
    """Say whether a text, or a message of a subscription in it, tells of a failed request of a function."""
    messages = [
        each["message"]
        for held in objects_of(text)
        for each in objects_in(held.get("logEvents"))
        if isinstance(each.get("message"), str)
    ]
    return any(tells_of_failure(each) for each in [_EXPORTED.sub("", text), *messages])


def _unpacked(content: bytes) -> bytes:
    """Decompress each member of a gzip file, the last one as far as it goes."""
    found = b""
    while content.startswith(b"\x1f\x8b"):
        member = zlib.decompressobj(wbits=31)
        found += member.decompress(content)
        content = member.unused_data
    return found or content


def _text(case: Case) -> str:
    text = _unpacked(case.path().read_bytes()).decode("utf-8", "replace")
    # The guide breaks each entry into lines of its page.
    return re.sub(r"\s*\n", " ", text.strip()) + " \n" if case.file.endswith(".log.txt") else text


def _formats(text: str) -> Iterator[str]:
    for block in text.split("----"):
        joined = re.sub(r"\s*\\?\s*\n\s*", " ", block).strip()
        for each in (
            joined,
            *re.findall(r'"Format": "((?:[^"\\]|\\.)*)"', joined),
            *re.findall(r"Format: (\$.*?\$context\.requestId)", joined),
        ):
            begins = each.startswith(("$context", "{", "<request"))
            if begins and "$context.status" in each:
                yield re.sub(r",\s+\$", ",$", each.replace('\\"', '"'))


def _line(form: str, status: str, request_id: str) -> str:
    values = {**_VALUES, "status": status, "requestId": request_id}
    return _VARIABLE.sub(lambda found: values.get(found[1], "-"), form) + "\n"
