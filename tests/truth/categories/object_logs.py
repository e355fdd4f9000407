"""Cases of logs as services write them into buckets: every failed request is found, and no other."""

import gzip
import json
import re
from collections import Counter
from collections.abc import Iterator
from io import BytesIO

from replay.payloads.log_formats.reading import Forms
from replay.sources.s3_log_parts.object_streams import unpacked
from replay.sources.s3_log_parts.scan import scan
from replay.sources.s3_log_parts.sightings import Sighting
from tests.truth.cases import Case
from tests.truth.verdicts import Findings, Unreadable

JUDGED = (
    "the requests that failed, as the statuses and error codes of the lines say, are found; and each line that tells a "
    "status is found to have failed when its status is made a 502"
)
JUDGED_FORMATS = (
    "a line of each documented format is found to have failed, with its request id, when its status is 502 alone"
)

_STATUSES = (
    re.compile(
        r"^(?:(?:https?|h2|grpcs|wss?) )?\d{4}-\d\d-\d\dT[\d:.]+Z (?:\S+ ){6}(?P<status>\d{3}|-1?) (?:\d{1,3}|-1?) ",
        re.MULTILINE,
    ),
    re.compile(r'^\S+ .*\[[^\]\n]+\] .*"(?:[A-Z]+) [^"\n]*" (?P<status>\d{3}) ', re.MULTILINE),
    re.compile(r"^\d{4}-\d\d-\d\d\t\d\d:\d\d:\d\d\t(?:[^\t\n]*\t){6}(?P<status>\d{3})\t", re.MULTILINE),
)
_TARGET_FAILED = re.compile(
    r"^(?:(?:https?|h2|grpcs|wss?) )?\d{4}-\d\d-\d\dT[\d:.]+Z (?:\S+ ){6}[1-4]\d\d 5\d\d ", re.MULTILINE
)
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
    findings.same("the requests that failed", len(failures(text)), _failed(text))
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
    stripped = text.strip()
    if stripped.startswith("{"):
        try:
            records = json.loads(stripped).get("Records", [])
        except ValueError:
            return 0
        return sum("errorCode" in record for record in records)
    failed = [found for form in _STATUSES for found in form.finditer(text) if found["status"].startswith("5")]
    places = {found.start() for found in (*failed, *_TARGET_FAILED.finditer(text))}
    lines = {place: text[place : text.find("\n", place)] for place in places}
    return len({(_TRACE.search(line) or [place])[0] for place, line in lines.items()})


def _text(case: Case) -> str:
    content = case.path().read_bytes()
    try:
        content = gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
        text = content.decode("utf-8")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise Unreadable(f"cannot read the file: {error}") from None
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
