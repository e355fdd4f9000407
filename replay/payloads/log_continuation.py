"""
Which lines of a text are one entry of a log: traces belong to their errors, and indented lines to what is open.

All other lines are entries of their own, as CloudWatch has it: a text of several lines that was printed is several.
"""

import re
from collections.abc import Iterable, Iterator

from replay.errors import InvalidJson
from replay.payloads.exact_json import parse
from replay.payloads.logger_lines import ID, ISO, NODE_LINE, PYTHON_LINE
from replay.payloads.uncaught_errors import MOST_LINES, continues_java_trace, names_its_class

_NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"
_TRACEBACK = "Traceback (most recent call last):"
_CONTINUES = (_TRACEBACK, "Caused by:", "During handling of the above", "The above exception")
_PLACE = re.compile(r"\s{1,8}(?:at |---)")
"""How a trace of Node or .NET goes on; one blank stands before the error inside one of .NET's."""

_TYPE_ALONE = re.compile(r"[\w.<>:\\]{1,200}\s*")

_RAISED = re.compile(r"[A-Za-z_][\w.]*(?:Error|Exception|Exit|Interrupt|Warning)(?::|\s*$)")
"""What the trace of a logged Python error ends with."""

_OPENS = re.compile(r"[:=,(\s][{\[]\s*$")
"""A label, and an object below it: `Received event: {`."""

_LONGEST_OPENING = 16
_ERROR = re.compile(r"\[ERROR\] [\w.]+: ")
_BEGINS = re.compile(
    rf"(?:START|END|REPORT|RequestId:?|INIT_\w+|RESTORE_\w+|EXTENSION|TELEMETRY|LOGS)\b|\[[A-Z]+\]\s|{ISO}\s|{ID}\s|\{{"
)
_MOST_MESSAGE_LINES = 100


def together(lines: Iterable[str]) -> Iterator[str]:
    """
    Give the text of each entry, all of *lines* in their order.

    An error's message may have several lines itself: what stands between its first and its trace is held until the
    trace comes, or something that begins an entry of its own; then each was one.
    """
    held: list[str] = []
    is_sure = True
    for line in lines:
        if held and _goes_on(held, line):
            held.append(line)
            continue
        if held and not _may_go_on(held, line):
            *told, held = [held] if is_sure or _has_trace(held) else list(_apart(held))
            yield from map("".join, told)
            if told and _goes_on(held, line):
                held.append(line)
                is_sure = True
                continue
            yield "".join(held)
            held = []
        is_sure = not held
        held.append(line)
    for each in [held] if is_sure or _has_trace(held) else _apart(held):
        if each:
            yield "".join(each)


def _apart(held: list[str]) -> Iterator[list[str]]:
    """Take lines apart that were held for a trace which has not come."""
    group = held[:1]
    for line in held[1:]:
        if _goes_on(group, line):
            group.append(line)
        else:
            yield group
            group = [line]
    yield group


def _has_trace(held: list[str]) -> bool:
    return any(line.startswith((_TRACEBACK, "\tat ")) for line in held[1:])


def _may_go_on(held: list[str], line: str) -> bool:
    """Say whether *line* may be one of the message of the error that *held* begins with, whose trace has not come."""
    if not _ERROR.match(held[0]):
        is_java = len(held) > 1 and names_its_class(held[0], held[1])
        if not is_java or names_its_class(held[-1], line):
            return False
    return len(held) < _MOST_MESSAGE_LINES and not _BEGINS.match(line) and not _has_trace(held)


def _goes_on(held: list[str], line: str) -> bool:
    if len(held) >= MOST_LINES:
        return False
    first = held[0].lstrip()
    if line.startswith("XRAY TraceId"):
        return first.startswith("REPORT ")
    if first.startswith("{") or _OPENS.search(held[0][-_LONGEST_OPENING:]):
        return line[:1] in {" ", "\t", "}", "]"} and not _is_whole(held)
    if _names_type(first, line):
        return len(held) == 1
    if continues_java_trace(held, line) or _continues_logged_trace(held, line):
        return True
    of_error = first.startswith("[ERROR]") or any(each.startswith(_CONTINUES) for each in held)
    return line.startswith(_CONTINUES) or (of_error and (not line.strip() or line[:1] in {" ", "\t", _NO_BREAK_SPACE}))


def _names_type(first: str, line: str) -> bool:
    """Say whether *line* is the type of an error that Lambda itself tells of in *first*."""
    if first.startswith("Unknown application error occurred"):
        return _TYPE_ALONE.fullmatch(line) is not None
    return "Error: " in first and line.startswith(("Runtime.", "Sandbox.", "Extension."))


def _continues_logged_trace(held: list[str], line: str) -> bool:
    if _PLACE.match(line):
        return NODE_LINE.match(held[0]) is not None
    raised = held[-1][:1] in {" ", _NO_BREAK_SPACE} and bool(_RAISED.match(line))
    return raised and PYTHON_LINE.match(held[0]) is not None


def _is_whole(held: list[str]) -> bool:
    """Say whether *held* is an object to its end; what begins with a brace alone ends with one below it."""
    first, last = held[0].rstrip(), held[-1].rstrip()
    before = first[: len(first) - len(first.lstrip())]
    has_label = not first.startswith("{", len(before))
    at = len(first) - 1 if has_label else len(before)
    if len(held) > 1 and at == len(first) - 1:
        is_end = last.startswith(("" if has_label else before) + ("}" if first[at] == "{" else "]"))
    else:
        is_end = last.endswith("}")
    if not is_end:
        return False
    try:
        return isinstance(parse("".join(held)[at:]), dict | list)
    except InvalidJson:
        return False
