"""The error that a function logged, with its trace, before it went on."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from replay.errors import InvalidJson
from replay.payloads.envelopes.error_report import reported_failure
from replay.payloads.exact_json import parse
from replay.payloads.failures import Failure

_LOOKED_AT = 256 * 1024
_LONGEST_LINE = 2_000
_NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"
_TRACEBACK = "Traceback (most recent call last):"
_PYTHON_ERROR = re.compile(r"(?P<type>[^\W\d][\w.]*)(?:: (?P<message>.*))?", re.DOTALL)
_PYTHON_FRAME = re.compile(r'\s*File "')
_MARKS = re.compile(r"[\s~^]+")
_NODE_FRAME = re.compile(r"\s+at .*:\d+:\d+\)?(?: \{)?")
_NODE_ERROR = re.compile(r"(?:^|[\s:])(?P<type>[\w$]*(?:Error|Exception)[\w$]*)(?: \[\w+\])?(?:: (?P<message>.*))?$")
_NAMED = re.compile(r"(?P<type>[\w$.]+): (?P<message>.*)")


def logged_error(log: str) -> Failure | None:
    """
    Give the last error in *log* that has its trace, None where there is none.

    It is read from what `logging.exception`, `traceback.print_exc` and `console.error` write, and from objects in JSON,
    a line each, as the runtimes, Powertools for Python and TypeScript, structlog and python-json-logger write them.
    """
    lines = log[-_LOOKED_AT:].replace(_NO_BREAK_SPACE, " ").replace("\r", "\n").split("\n")
    for at in range(len(lines) - 1, -1, -1):
        if failure := _error_at(lines, at):
            return failure
    return None


def _error_at(lines: Sequence[str], at: int) -> Failure | None:
    """Read the error whose trace begins in the line *at*, or ends there in JavaScript."""
    line = lines[at]
    if line.startswith(_TRACEBACK):
        return _python(lines[at + 1 :], is_all=False)
    if line.startswith("{"):
        return _object(line)
    is_last = _is_node_frame(line) and not (at + 1 < len(lines) and _is_node_frame(lines[at + 1]))
    return _node(lines[: at + 1]) if is_last else None


def _python(lines: Sequence[str], *, is_all: bool) -> Failure | None:
    """
    Read a trace from below its first line.

    Args:
        is_all: Whether nothing but the trace is there: then the message may have more lines.
    """
    end = next((number for number, line in enumerate(lines) if not line.startswith("  ")), len(lines))
    error = "\n".join(lines[end:]).rstrip("\n") if is_all else "".join(lines[end : end + 1])
    found = _PYTHON_ERROR.fullmatch(error)
    if found is None:
        return None
    entries: list[str] = []
    for line in lines[:end]:
        if _PYTHON_FRAME.match(line) or not entries:
            entries.append(f"{line}\n")
        elif not _MARKS.fullmatch(line):
            entries[-1] += f"{line}\n"
    return _reported(found["type"].rpartition(".")[2], found["message"], entries)


def _node(lines: Sequence[str]) -> Failure | None:
    """Read a trace by its last line, and the error above it."""
    start = len(lines)
    while start and _is_node_frame(lines[start - 1]):
        start -= 1
    header = lines[start - 1].rpartition("\t")[2] if start else ""
    found = _NODE_ERROR.search(header) or _NAMED.fullmatch(header)
    if found is None:
        return None
    frames = [line.removesuffix(" {") for line in lines[start:]]
    return _reported(found["type"], found["message"], [f"{found[0].strip()}", *frames])


def _object(line: str) -> Failure | None:
    try:
        value = parse(line)
    except InvalidJson:
        return None
    if not isinstance(value, dict):
        return None
    for part in (value, *(each for each in value.values() if isinstance(each, dict))):
        if failure := _told(part):
            return failure
    return None


def _told(part: Mapping[str, Any]) -> Failure | None:
    """Read the error that one object tells: by the runtime's own keys, or by a trace as text under whichever key."""
    trace = part.get("stackTrace") or part.get("trace")
    if isinstance(part.get("errorType"), str) and trace:
        return reported_failure({**part, "stackTrace": trace}, otherwise="Unhandled")
    for text in part.values():
        if not isinstance(text, str) or "\n" not in text:
            continue
        _, is_python, below = text.rpartition(f"{_TRACEBACK}\n")
        failure = _python(below.split("\n"), is_all=True) if is_python else _last_node(text)
        if failure:
            return failure
    return None


def _last_node(text: str) -> Failure | None:
    lines = text.rstrip("\n").split("\n")
    return _node(lines) if _is_node_frame(lines[-1]) else None


def _is_node_frame(line: str) -> bool:
    return _NODE_FRAME.fullmatch(line[:_LONGEST_LINE]) is not None


def _reported(error_type: str, message: str | None, trace: list[str]) -> Failure:
    report = {"errorType": error_type, "errorMessage": message or "", "stackTrace": trace}
    return reported_failure(report, otherwise=error_type)
