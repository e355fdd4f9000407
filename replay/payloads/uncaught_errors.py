"""
What the runtimes, and Lambda itself, write into a log in plain text when a request fails.

Source: recordings newrelic-entry_lambda_oom and newrelic-entry_lambda_timeout; Lambda Developer Guide, "Lambda Logs
API" (`platform.fault`); what each runtime client writes of an error that nobody caught: aws-lambda-python-runtime-
interface-client `log_error` (lines end in a carriage return where nobody frames them), aws-lambda-java-libs
`UserFault`, aws-lambda-go `reportFailure`, aws-lambda-dotnet `LambdaBootstrap.InvokeOnceAsync`. Go's
`calling the handler function resulted in a panic`, and brefphp/bref issue 1520: what Lambda then writes itself.
"""

import re
from typing import Any, NamedTuple

from replay.errors import InvalidJson
from replay.payloads.envelopes.error_report import reported_failure
from replay.payloads.exact_json import parse
from replay.payloads.failures import Failure
from replay.payloads.logger_lines import ID, ISO

MOST_LINES = 2_000
_NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"
_TIMED_OUT = re.compile(rf"(?:(?P<at>{ISO})\s+)?(?P<id>{ID})\s+(?P<message>Task timed out after .*)")
_EXITED = re.compile(r"RequestId: (?P<id>\S{8,64}) Error: (?P<message>[^\n]*)(?:\n(?P<type>[\w.]+))?\s*")
_FAULT = re.compile(r"RequestId: (?P<id>\S{8,64}) (?P<message>Process exited before completing request)\W*")
_UNKNOWN = re.compile(r"Unknown application error occurred(?:\n(?P<type>[\w.<>:\\]{1,200}))?")
_WARNING = re.compile(r"LAMBDA_WARNING: Unhandled exception\. [^\r\n]*(?:\r\n?|\n)(?=\S)")
_PYTHON = re.compile(
    r"\[ERROR\] (?P<type>[\w.]+)(?:: (?P<message>.*?))?\nTraceback \(most recent call last\):(?:\n|$)", re.DOTALL
)
_UNTRACED = re.compile(r"\[ERROR\] (?P<type>(?:Runtime|Sandbox|Extension|Function)\.\w+): (?P<message>.*)", re.DOTALL)
_RUBY = re.compile(
    r"(?:Error raised from handler method|Critical exception from handler|Init error when loading handler \S+)\s+"
    r"(?P<report>\{.*\})",
    re.DOTALL,
)
_GO = re.compile(r'\d{4}/\d\d/\d\d \d\d:\d\d:\d\d(?:\.\d{1,9})? (?P<report>\{"error(?:Message|Type)".*\})', re.DOTALL)
_BREF = re.compile(rf"(?P<id>{ID})\tInvoke Error\t(?P<report>\{{.*\}})", re.DOTALL)
_JAVA = re.compile(r": (?P<type>[A-Za-z_$][\w.$]*)\r?\n(?P=type)(?=[:\s])")
_DOTNET = re.compile(r"(?P<type>[A-Za-z_][\w.+`]*): (?P<message>.*?)\n(?P<trace>\s+(?:at|--->) .*)", re.DOTALL)
_DOTNET_RUNTIME = re.compile(r"\n\s+at (?:lambda_method|Amazon\.Lambda\.RuntimeSupport\.)")
"""Where the trace of an error ends that .NET's client has caught; one that the function caught ends in the function."""

_LONGEST_CLASS = 1_000
_JAVA_TRACE = ("\tat ", "\t... ", "\tSuppressed: ", "Caused by: ")


class Uncaught(NamedTuple):
    """A failed request: what is told of the failure, the words, and the request and moment where they are named."""

    failure: Failure
    message: str
    request_id: str | None = None
    at: str | None = None


def without_warning(stripped: str) -> str:
    """Leave out the warning that Lambda puts before an error of Python's: both are one log event."""
    return _WARNING.sub("", stripped, count=1) if stripped.startswith("LAMBDA_WARNING") else stripped


def uncaught_error(stripped: str) -> Uncaught | None:
    """Read the text of a log entry, without the white space around it; None where it tells of no failed request."""
    text = stripped.replace("\r\n", "\n").replace("\r", "\n") if "\r" in stripped else stripped
    return _of_platform(text) or _of_python(text) or _of_report(text) or _of_java(text)


def continues_java_trace(held: list[str], line: str) -> bool:
    """Say whether *line* goes on with a Java error of which *held* are the lines so far: message, and trace."""
    if len(held) == 1:
        return names_its_class(held[0], line)
    return line.startswith(_JAVA_TRACE) and names_its_class(held[0], held[1])


def names_its_class(first: str, second: str) -> bool:
    """Say whether *first* ends in the class that *second* begins with."""
    _, is_told, told = first[-_LONGEST_CLASS:].rstrip("\r\n").rpartition(": ")
    return bool(is_told) and second.startswith(told) and _JAVA.match(f": {told}\n{second[: len(told) + 1]}") is not None


def dotnet_error(message: str) -> Failure | None:
    """Read an error that .NET's client logs at level `fail`; None where the function itself has caught it."""
    text = message.replace("\r\n", "\n")
    found = _DOTNET.fullmatch(text) if _DOTNET_RUNTIME.search(text) else None
    if found is None:
        return None
    report = {"errorType": found["type"], "errorMessage": found["message"], "stackTrace": found["trace"]}
    return reported_failure(dict(report), otherwise="Unhandled")


def _of_platform(text: str) -> Uncaught | None:
    if found := _TIMED_OUT.fullmatch(text):
        failure = Failure(error_type="Sandbox.Timedout", message=found["message"])
        return Uncaught(failure, found["message"], found["id"], found["at"])
    if found := _EXITED.fullmatch(text):
        report = {"errorType": found["type"], "errorMessage": found["message"]}
        return Uncaught(reported_failure(report, otherwise="Runtime.Unknown"), text, found["id"])
    if found := _UNKNOWN.fullmatch(text):
        return Uncaught(Failure(error_type=found["type"] or "Runtime.Unknown", message=""), text)
    if found := _FAULT.fullmatch(text):
        return Uncaught(Failure(error_type="Runtime.ExitError", message=found["message"]), text, found["id"])
    return None


def _of_python(text: str) -> Uncaught | None:
    if found := _PYTHON.match(text):
        return Uncaught(_traced(found["type"], found["message"] or "", text[found.end() :]), text)
    if found := _UNTRACED.fullmatch(text):
        return Uncaught(Failure(error_type=found["type"], message=found["message"]), text)
    return None


def _traced(error_type: str, message: str, trace: str) -> Failure:
    """Read a Python trace, whose lines are indented by no-break spaces: a frame is a place, and its code."""
    entries: list[str] = []
    for line in trace.replace(_NO_BREAK_SPACE, " ").splitlines()[:MOST_LINES]:
        if line.lstrip().startswith('File "') or not entries:
            entries.append(f"{line}\n")
        else:
            entries[-1] += f"{line}\n"
    report = {"errorType": error_type, "errorMessage": message, "stackTrace": entries}
    return reported_failure(report, otherwise=error_type)


def _of_report(text: str) -> Uncaught | None:
    """Read the error object that the clients of Ruby, Go and PHP (Bref) write behind words of their own."""
    if found := _BREF.fullmatch(text):
        told = _object(found["report"]) or {}
        failure = reported_failure({**told, "trace": told.get("stack")}, otherwise="Unhandled")
        return Uncaught(failure, text, found["id"])
    found = _RUBY.fullmatch(text) or _GO.fullmatch(text)
    report = _object(found["report"]) if found else None
    return None if report is None else Uncaught(reported_failure(report, otherwise="Unhandled"), text)


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = parse(text)
    except InvalidJson:
        return None
    return value if isinstance(value, dict) else None


def _of_java(text: str) -> Uncaught | None:
    """Read `message: class`, and behind it the trace, which begins with the class; a message that is null is none."""
    found = _JAVA.search(text) if "\n\tat " in text else None
    if found is None:
        return None
    before = text[: found.start()]
    again = text[found.end() :].partition("\n\tat ")[0].removeprefix(":").strip()  # whole, where it has several lines
    trace = text[found.start("type") :].splitlines()[1 : MOST_LINES + 1]
    report = {
        "errorType": found["type"],
        "errorMessage": again or ("" if before == "null" else before),
        "stackTrace": trace,
    }
    return Uncaught(reported_failure(dict(report), otherwise="Unhandled"), text)
