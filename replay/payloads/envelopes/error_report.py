"""What a runtime reported of a failed invocation: type, message and trace, as a failure."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from replay.payloads.exact_json import Json
from replay.payloads.failures import Failure, Frame

_PYTHON = re.compile(r'\s*File "(?P<file>.*)", line (?P<line>\d{1,9}), in (?P<function>.*)\n?(?P<code>(?s:.*))')
_NODE = re.compile(r"\s*at (?:(?P<function>.*) \(|async )?(?:file://)?(?P<file>[^()]+?):(?P<line>\d{1,9}):\d+\)?\s*")
_NODE_OF_OLD = re.compile(r"(?P<function>[\w.$<> ]+) \((?P<file>/[^()]+?):(?P<line>\d{1,9}):\d+\)")
"""Lambda's first runtimes of Node left `at` away. Source: the destination records of AWS's libraries for Java."""
_JAVA = re.compile(
    r"\s*(?:at )?(?P<function>[\w.$/<>@-]+)\((?P<file>[\w$-]+\.(?:java|kt|scala)):(?P<line>\d{1,9})\)\s*"
)
_DOTNET = re.compile(r"\s*at (?P<function>[^\s(]+)\(.*\) in (?P<file>.+\.(?:cs|fs|vb)):line (?P<line>\d{1,9})\s*")
"""
Only what has its symbols beside it names a file, and that is where it was built: `/src/Orders/Function.cs`.
Source: .NET API browser, `Environment.StackTrace`; Lambda Developer Guide, "Lambda function errors in C#".
"""
_DOTNET_LIBRARY = ("System.", "Microsoft.", "Amazon.")
_RUBY = re.compile(r"(?P<file>/[^:]+):(?P<line>\d{1,9}):in [`'](?P<function>.*)'\s*")
_GO = re.compile(r"(?P<function>[^\t]+)\t(?P<file>[^\t]+\.(?:go|s)):(?P<line>\d{1,9})")
_TEXTS = ("errorType", "errorMessage")
_MEMBERS = {*_TEXTS, "stackTrace", "trace", "cause", "requestId"}
_LONGEST_LINE = 2_000
_MOST_LINES = 1_000
_MOST_CAUSES = 10
_TIMED_OUT = "Task timed out after"
_EXITED = "Runtime exited"
_PLACES: tuple[tuple[re.Pattern[str], Literal["user", "library"]], ...] = (
    (re.compile(r".*/(?:site|dist)-packages/(.*)"), "library"),
    (re.compile(r".*/lib(?:64)?/python3\.\d+/(.*)"), "library"),
    (re.compile(r"(?:/var/task/|/opt/)?(.*node_modules/.*)"), "library"),
    (re.compile(r"/var/task/(.*)"), "user"),
    (re.compile(r"/opt/(?:python/|nodejs/|ruby/lib/)?(.*)"), "library"),
    (re.compile(r"/var/(?:runtime|lang)/(.*)"), "library"),
    (re.compile(r"((?:node:|internal/|<|java\.|jdk\.).*)"), "library"),
    (re.compile(r"(?:.*/)?(github\.com/aws/aws-lambda-go/.*)"), "library"),
    (re.compile(r"(.*@v\d.*\.go|(?:runtime|reflect)/[\w.]+\.(?:go|s))"), "library"),
)


class ReportedError(NamedTuple):
    """The type, message and stack of an error report; all empty where there is none."""

    error_type: str
    message: str
    frames: tuple[Frame, ...] = ()
    stack: str = ""


def reported_failure(
    report: Json,
    *,
    otherwise: str,
    condition: str | None = None,
    attempts: int | None = None,
    request_id: str | None = None,
    trace_id: str | None = None,
) -> Failure:
    """
    Make a failure of what an invocation answered: `errorType`, `errorMessage`, `stackTrace` or `trace`.

    Args:
        report: The parsed report; anything else than an object tells nothing.
        otherwise: The error type where the report tells none.

    Source: the payload keys of each runtime, recordings test_uncaught_exception_invoke; a timeout has a type since 2025
    only, recordings test_lambda_invoke_with_timeout and test_lambda_invoke_timed_out_environment_reuse.
    """
    error = reported_error(report)
    return Failure(
        error_type=error.error_type or error_type_of(error.message) or otherwise,
        message=error.message,
        frames=error.frames,
        stack=error.stack,
        condition=condition,
        attempts=attempts,
        request_id=request_id,
        trace_id=trace_id,
    )


def reported_error(report: Json) -> ReportedError:
    """Read the report of a runtime; see `reported_failure`."""
    if not isinstance(report, dict):
        return ReportedError("", "")
    error_type, message = _text(report.get("errorType")), _text(report.get("errorMessage"))
    lines = _lines(report.get("stackTrace")) or _lines(report.get("trace"))
    return ReportedError(error_type, message, frames_of(lines), _stack(lines, error_type, message) + _causes(report))


def is_whole_report(report: Json) -> bool:
    """Say whether *report* has nothing, or nothing but what `reported_failure` tells of it."""
    for _ in range(_MOST_CAUSES + 1):
        if not isinstance(report, dict):
            return report is None
        if not report.keys() <= _MEMBERS or not {type(report.get(name)) for name in _TEXTS} <= {str, type(None)}:
            return False
        report = report.get("cause")
    return False


def error_type_of(message: str) -> str:
    """Give the type that Lambda itself gives an error with this *message*, or an empty text."""
    if _TIMED_OUT in message:
        return "Sandbox.Timedout"
    return "Runtime.ExitError" if _EXITED in message else ""


def frames_of(lines: Sequence[str]) -> tuple[Frame, ...]:
    """
    Read the frames of a trace that was made on Lambda, outermost first, where its language is known.

    Files under `/var/task` are the user's, also those of packages that were bundled with the code: only who knows the
    function's dependencies can tell them apart.
    """
    short = [_short(line) for line in lines]
    outermost_first = [found for line in short if (found := _PYTHON.fullmatch(line))]
    if not outermost_first:
        others = (_NODE, _NODE_OF_OLD, _JAVA, _DOTNET, _RUBY, _GO)
        matched = (
            next((found for each in others if (found := each.fullmatch(line))), None) for line in reversed(short)
        )
        outermost_first = [found for found in matched if found]
    return tuple(_frame(found) for found in outermost_first)


def _short(line: str) -> str:
    """Leave out what is too long for a frame as a whole: of half a secret no redaction would know what it was."""
    if len(line) <= _LONGEST_LINE:
        return line
    head, newline, _ = line[:_LONGEST_LINE].partition("\n")
    return head + newline if newline else ""


def _frame(found: re.Match[str]) -> Frame:
    module, owner = _dotnet_place(found) if found.re is _DOTNET else _place(found["file"])
    return Frame(
        module=module,
        function=found["function"] or "<anonymous>",
        code=(found.groupdict().get("code") or "").strip(),
        owner=owner,
        line=int(found["line"]),
    )


def _place(file: str) -> tuple[str, Literal["user", "library"]]:
    for pattern, owner in _PLACES:
        if found := pattern.fullmatch(file):
            return found[1], owner
    return file, "user"


def _dotnet_place(found: re.Match[str]) -> tuple[str, Literal["user", "library"]]:
    """Give the file alone: the folders are those of the machine that built it."""
    return re.split(r"[/\\]", found["file"])[-1], "library" if found["function"].startswith(_DOTNET_LIBRARY) else "user"


def _stack(lines: Sequence[str], error_type: str, message: str) -> str:
    if any(_PYTHON.fullmatch(_short(line)) for line in lines):
        last = f"{error_type}: {message}" if message else error_type
        return "Traceback (most recent call last):\n" + "".join(map(_ended, lines)) + f"{last}\n"
    return "".join(map(_ended, lines))


def _causes(report: Mapping[str, Any]) -> str:
    """
    Write what caused the error, each cause below its effect, as Java prints them.

    Source: Lambda Developer Guide, "Lambda function errors in C#" and "… in Java": the report has a `cause`, alike.
    """
    told, cause = "", report.get("cause")
    for _ in range(_MOST_CAUSES):
        if not isinstance(cause, dict):
            break
        named = ": ".join(filter(None, (_text(cause.get("errorType")), _text(cause.get("errorMessage")))))
        told += "".join(map(_ended, [f"Caused by: {named}", *_lines(cause.get("stackTrace"))]))
        cause = cause.get("cause")
    return told


def _ended(line: str) -> str:
    return line if line.endswith("\n") else f"{line}\n"


def _lines(value: Any) -> list[str]:
    """Give the entries of a trace; .NET and some wrappers write it as one text."""
    if isinstance(value, str):
        return value.splitlines()[:_MOST_LINES]
    lines = value[:_MOST_LINES] if isinstance(value, list) else []
    told = (_go_line(line) if isinstance(line, dict) else line for line in lines)
    return [line for line in told if isinstance(line, str)]


def _go_line(frame: Mapping[str, Any]) -> str | None:
    """
    Write a frame of a Go panic as Go itself prints it.

    Source: aws-lambda-go, `messages.InvokeResponse_Error_StackFrame`: `path`, `line` and `label`, the innermost first.
    """
    path, line, label = frame.get("path"), frame.get("line"), frame.get("label")
    is_frame = isinstance(path, str) and isinstance(line, int) and isinstance(label, str)
    return f"{label}\t{path}:{line}" if is_frame else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def trace_id_of(attributes: Mapping[str, str]) -> str | None:
    """Give the X-Ray trace id of a message's `AWSTraceHeader` (`Root=1-…;Parent=…;Sampled=1`), or None."""
    for part in attributes.get("AWSTraceHeader", "").split(";"):
        name, _, value = part.partition("=")
        if name.strip() == "Root" and value:
            return value.strip()
    return None
