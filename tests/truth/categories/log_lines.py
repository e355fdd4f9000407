"""Cases of Lambda's logs: every entry is kept, and every failed request is found."""

import json
import re
from collections.abc import Iterator
from typing import Any

from replay.payloads.envelopes.cloudwatch_logs import unpacked
from replay.payloads.lambda_logs import LogEntry, invocations, log_entries, log_entry
from tests.truth.cases import Case
from tests.truth.checks.shapes import objects_in, parsed
from tests.truth.labels import failed_in_log
from tests.truth.verdicts import Findings, Unreadable

JUDGED = (
    "no line is lost, every report and every platform event is read, and the requests that failed, as the words of the "
    "log and the name of the file say, are found with what is told of their failure"
)
_REPORT = re.compile(r"^\W*REPORT RequestId: ?(\S{8,64}?)(?=[\s\\]|$)", re.MULTILINE)
_PLATFORM = re.compile(r'"type": ?"platform\.(\w+)"')
_FAILED = re.compile(
    r"Task timed out after|^RequestId: \S+ Error: |^RequestId: \S+ Process exited before|"
    r"^Unknown application error occurred$|^[\w-]{36}\tInvoke Error\t|"
    r"^REPORT RequestId: [^\n]*\bStatus: (?:timeout|failure|error)\b|"
    r"^\[ERROR\] (?:(?:Runtime|Sandbox|Function|Extension)\.\w+: |\w[^\r\n]*(?:\r\n?|\n)(?:(?![\[{]|START |END |REPORT |\d{4}-)[^\r\n]*(?:\r\n?|\n)){0,100}?Traceback )|"
    r"\tERROR\t(?:Invoke Error|Uncaught Exception|Unhandled Promise Rejection)\s|"
    r"^(?:Error raised from handler method|Critical exception from handler)|"
    r'^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \{"error(?:Message|Type)"|^[^\n]*: ([\w.$]+)\n\1\b[^\n]*\n(?:[^\t\n][^\n]*\n){0,100}?\tat |'
    r"\tfail\t[\w.+`]+: [^\t]*\n\s+at (?:lambda_method|Amazon\.Lambda\.RuntimeSupport)|^Init error when loading handler \S+\s+\{",
    re.MULTILINE,
)
"""The words in which Lambda and its runtimes tell of a failed request in plain text."""
_NOT_SPACE = re.compile(r"\S")
_OF_TEXT = re.compile("^[A-Z[]", re.MULTILINE)
"""A line of text among those that are objects."""

_HEADS = re.compile(r'^(?:START |END |REPORT |INIT_START |RequestId: |\{ ?"time)', re.MULTILINE)
"""How an entry of its own begins, also in a short text."""

_STREAM = r"(?:\S+/\[\S+\]\S+ )?"
_PREFIX = rf"^{_STREAM}\d{{4}}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d)? {_STREAM}"
"""What CloudWatch Logs and its tools put before each event that they export or print."""
_PREFIXES = re.compile(_PREFIX + r"(?=\S)", re.MULTILINE)
_EXPORTED = re.compile(_PREFIX + r'(?:(?:START|END|REPORT|INIT_START) |\{"time")', re.MULTILINE)

_OF_REQUESTS = frozenset({"platform.runtimeDone", "platform.report"})


def judge_log(case: Case, findings: Findings) -> None:
    """Judge the entries of a file: those of a log message, of a recording, or the lines of a text."""
    texts = list(_texts(case))
    entries = [entry for text in texts for entry in _entries(text)]
    findings.same("the text of all entries", "".join(entry.text for entry in entries), "".join(texts))
    _judge_reports(texts, entries, findings)
    failed = [entry for entry in entries if entry.failure is not None]
    said = [text for text in texts if tells_of_failure(text)]
    findings.same("entries that tell of a failed request", bool(failed), bool(said))
    requests = list(invocations(entries))
    broken = [each for each in requests if each.failure is not None]
    of_requests = [text for text in said if not _names_no_request(text)]
    findings.same("requests that failed", bool(broken), bool(of_requests) and bool(requests))
    label = failed_in_log(case.file)
    if label is not None:
        findings.holds(
            "what became of it",
            bool(broken) and broken[0].status in label,
            f"ours is {[each.status for each in broken]}",
        )
    for each in broken:
        findings.holds("a failure has a type", bool(each.failure and each.failure.error_type))


def _judge_reports(texts: list[str], entries: list[LogEntry], findings: Findings) -> None:
    reported = [found for text in texts for found in _REPORT.findall(text)]
    ours = [
        entry.request_id for entry in entries if entry.kind == "report" and entry.text.lstrip().startswith("REPORT")
    ]
    findings.same("the requests reported in text", ours, reported)
    named = [name for text in texts for name in _platform_events(text)]
    read = [
        name for entry in entries for name in _PLATFORM.findall(entry.text) if entry.kind not in {"text", "application"}
    ]
    findings.same("the platform's events", read, named)
    for entry in entries:
        if entry.report is not None and "Duration" in entry.text + entry.text.title():
            findings.holds(
                "a report has numbers", entry.report.duration_ms is not None or "<duration>" in entry.text, entry.text
            )


def tells_of_failure(text: str) -> bool:
    """Say whether a text tells of a failed request: in words, or in an object of the platform or of a runtime."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    held = list(objects_of(text))
    if held and (any(map(_is_failure, held)) or not _OF_TEXT.search(text)):
        return any(map(_is_failure, held))
    lines = (line for line in text.splitlines() if line.startswith("{"))
    return _FAILED.search(text) is not None or any(_is_failure(each) for line in lines for each in objects_of(line))


def _names_no_request(text: str) -> bool:
    """Say whether a text tells only of a start that failed for no request, whose id is empty then."""
    held = [each for each in objects_of(text) if _is_failure(each)]
    return bool(held) and all(each.get("requestId") == "" for each in held)


def _is_failure(held: dict[str, Any]) -> bool:
    kind, record, message = str(held.get("type", "")), held.get("record"), held.get("message")
    if kind == "platform.fault":
        return True
    if kind in {"function", "extension"} and isinstance(record, str | dict):
        return tells_of_failure(record) if isinstance(record, str) else _is_failure(record)
    if isinstance(message, str) and held.get("level") in {"ERROR", "FATAL"} and _FAILED.search(message):
        return True
    if isinstance(record, dict):
        return kind in _OF_REQUESTS and record.get("status") in {"timeout", "failure", "error"}
    if isinstance(message, dict):
        is_error = str(held.get("level", "ERROR")).upper() in {"ERROR", "FATAL"}
        return is_error and {"errorType", "errorMessage"} <= message.keys()
    is_logged = message is not None or "logger" in held
    return {"errorType", "errorMessage"} <= held.keys() and not is_logged


def _platform_events(text: str) -> Iterator[str]:
    """Name the platform's events of a text, of which each line may be an object."""
    parts = text.splitlines() if _OF_TEXT.search(text) else [text]
    for held in (each for part in parts for each in objects_of(part)):
        kind = str(held.get("type", ""))
        if kind.startswith("platform."):
            yield kind.removeprefix("platform.")


def objects_of(text: str) -> Iterator[dict[str, Any]]:
    """Read a text of objects, one behind the other; a broken example of the guide has none."""
    decoder, end = json.JSONDecoder(), 0
    while begins := _NOT_SPACE.search(text, end):
        try:
            held, end = decoder.raw_decode(text, begins.start())
        except ValueError:
            return
        yield from [each for each in (held if isinstance(held, list) else [held]) if isinstance(each, dict)]


def _is_object(text: str) -> bool:
    return isinstance(parsed(text), dict)


def _entries(text: str) -> Iterator[LogEntry]:
    """A text with lines of several entries is read line by line, any other is one entry."""
    if _is_object(text) or (text.count("\n") < _MANY and len(_HEADS.findall(text)) < _SEVERAL):
        yield log_entry(text)
    else:
        yield from log_entries(text.splitlines(keepends=True))


_MANY, _SEVERAL = 3, 2


def _texts(case: Case) -> Iterator[str]:
    text = case.path().read_text(encoding="utf-8-sig")
    if case.file.endswith(".jsonl"):
        for line in text.splitlines():
            held = parsed(line)
            literal = isinstance(held, dict) and set(held) == {"id", "line"}
            if isinstance(held, list):
                yield from map(json.dumps, held)
            else:
                yield held["line"] if literal else line
    elif case.file.endswith(".json"):
        yield from _messages(text)
    elif isinstance(held := parsed(text), list):
        yield from map(json.dumps, held)  # as the Telemetry API sends them
    else:
        yield _PREFIXES.sub("", text) if _EXPORTED.search(text) else text


def _messages(text: str) -> Iterator[str]:
    """Give the messages of log events; what a tool's sample has put for one as an object is written again."""
    decoder, end = json.JSONDecoder(), 0
    while begins := _NOT_SPACE.search(text, end):
        try:
            document, end = decoder.raw_decode(text, begins.start())
        except ValueError as error:
            raise Unreadable(f"cannot read the file: {error}") from None
        yield from _messages_in(document)


def _messages_in(document: Any) -> Iterator[str]:
    for each in objects_in(document):
        message: Any = each.get("message")
        packed = each.get("awslogs")
        if isinstance(packed, dict) and isinstance(data := packed.get("data"), str):
            yield from _messages_in(parsed(unpacked(data) or ""))
        elif "timestamp" in each and message is not None:
            yield message if isinstance(message, str) else json.dumps(message)
        elif {"time", "type", "record"} <= each.keys():
            yield json.dumps(each)
