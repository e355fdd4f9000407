"""In a log, which request failed: the one that did, and none that Lambda or its own lines call well."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from replay.payloads.lambda_logs import invocations, log_entries
from tests.sources.log_samples import (
    failed_in_text,
    good_in_json,
    line,
    platform,
    powertools,
    request_id,
    subscription,
    uncaught,
)
from tests.sources.test_s3_logs import NONE_FAILED, doubtful, read, written

IMPORT_ERROR = (
    "[ERROR] Runtime.ImportModuleError: Unable to import module 'app': No module named 'requests'\n"
    "Traceback (most recent call last):\n"
)


def good_in_text(number: int) -> list[str]:
    return failed_in_text(number, event_line=f'event: {{"n": {number}}}', error="fine")


def beginning(mark: str = "INIT", *, error: str = IMPORT_ERROR) -> list[str]:
    return [
        f"{mark}_START Runtime Version: python:3.12.v22\tRuntime Version ARN: arn:aws:lambda:eu-west-1::runtime:0\n",
        *error.splitlines(keepends=True),
        f"{mark}_REPORT Init Duration: 200.11 ms\tPhase: init\tStatus: error\tError Type: Runtime.ImportModuleError\n",
    ]


def ended_in_error(number: int) -> list[str]:
    *lines, report = good_in_text(number)
    return [*lines, report.rstrip("\n") + "Status: error\tError Type: Runtime.ImportModuleError\n"]


def failures(path: Path, **options: object) -> dict[str, str]:
    captures, _ = read(path, **options)
    found = {each.origin.identity: each.failure.error_type for each in captures if each.failure}
    assert len(found) == len(captures)
    return found


# Environments that cannot start


@pytest.mark.parametrize("mark", ["INIT", "RESTORE"])
def test_an_environment_that_cannot_start(tmp_path: Path, mark: str) -> None:
    """Why it could not start is told before the request that fails for it: never of the good one before."""
    path = written(tmp_path, "log", [*good_in_text(1), *beginning(mark), *ended_in_error(2), *good_in_text(3)])
    ((capture,), notes) = read(path)
    assert capture.failure is not None
    assert capture.origin.identity == request_id(2)
    assert capture.failure.message.startswith("Unable to import module 'app'")
    assert capture.failure.report is not None
    assert notes == []


def test_a_failure_before_an_environment_that_cannot_start(tmp_path: Path) -> None:
    """Each of two failures is its own request's, though nothing but the start of an environment stands between."""
    path = written(tmp_path, "log", [*failed_in_text(1, 'event: {"n": 1}'), *beginning(), *ended_in_error(2)])
    assert failures(path) == {request_id(1): "KeyError", request_id(2): "Runtime.ImportModuleError"}


def test_an_environment_that_starts_in_the_second_attempt(tmp_path: Path) -> None:
    """A start that failed and was made up for fails no request: it is counted by itself."""
    path = written(tmp_path, "log", [*good_in_text(1), *beginning(), *good_in_text(2)])
    captures, notes = read(path)
    assert captures == []
    assert notes == ["1 failure without a request id or an event: Runtime.ImportModuleError"]


def test_a_start_in_messages_of_a_subscription(tmp_path: Path) -> None:
    """What Firehose delivers is one stream a message: there, too, the request behind the start is the one that failed."""
    lines = [*good_in_text(1), beginning()[0], IMPORT_ERROR, beginning()[-1], *ended_in_error(2)]
    assert failures(written(tmp_path, "log", [subscription(lines)])) == {request_id(2): "Runtime.ImportModuleError"}


def test_invocations_of_a_stream_with_a_failed_start() -> None:
    """In the log itself, too: the failed request tells why its environment could not start, the others are well."""
    lines = [*good_in_text(1), *beginning(), *ended_in_error(2), *beginning(), *good_in_text(3)]
    found = {each.request_id: each.failure for each in invocations(log_entries(lines))}
    assert [name for name, failure in found.items() if failure] == [request_id(2)]
    failure = found[request_id(2)]
    assert failure is not None
    assert failure.message.startswith("Unable to import module 'app'")


# What Lambda calls a success


def logged_in_json(number: int, error: str, status: str, *, goes_on: bool = False) -> list[str]:
    """Write an invocation in JSON with the line of an error, behind which the function may log more."""
    more = line(timestamp="2026-11-21T07:00:00.003Z", level="INFO", requestId=request_id(number), message="went on")
    return [
        platform(number, "start", version="$LATEST"),
        line(timestamp="2026-11-21T07:00:00.001Z", level="INFO", requestId=request_id(number), event={"n": number}),
        error,
        *([more] if goes_on else []),
        platform(number, "report", status=status, metrics={"durationMs": 3.5}),
    ]


def of_node(number: int) -> str:
    """Write what Node logs of `console.error(error)` in JSON, which is what it logs of an error that nobody caught."""
    message = {"errorType": "TypeError", "errorMessage": "no mail", "stackTrace": ["TypeError: no mail"]}
    return line(timestamp="2026-11-21T07:00:00.002Z", level="ERROR", requestId=request_id(number), message=message)


def of_dotnet(number: int) -> str:
    said = {"errorType": "Shop.Bad", "errorMessage": "no mail", "stackTrace": ["Shop.Bad: no mail"]}
    return line(level="Error", requestId=request_id(number), message=None, **said)


def of_java(number: int) -> str:
    message = "no mail: shop.Bad\nshop.Bad: no mail\n\tat shop.Handler.run(Handler.java:12)\n"
    return line(level="ERROR", AWSRequestId=request_id(number), message=message)


@pytest.mark.parametrize(
    ("error", "error_type"),
    [(uncaught, "KeyError"), (of_node, "TypeError"), (of_dotnet, "Shop.Bad"), (of_java, "shop.Bad")],
)
def test_an_error_that_nobody_caught_is_reported_as_a_success(
    tmp_path: Path, error: Callable[[int], str], error_type: str
) -> None:
    """Where the runtime has told Lambda of the error and goes on, the report calls it a success: it failed all the same."""
    lines = [*logged_in_json(1, error(1), "success"), *good_in_json(2)]
    ((capture,), notes) = read(written(tmp_path, "log", lines))
    assert capture.failure is not None
    assert (capture.origin.identity, capture.failure.error_type) == (request_id(1), error_type)
    assert json.loads(capture.body) == {"n": 1}
    assert notes == []
    assert [bool(each.failure) for each in invocations(log_entries(lines))] == [True, False]


def test_an_error_that_was_caught_and_logged_in_json(tmp_path: Path) -> None:
    """Node writes an error that was caught as one that was not: behind a caught one the function has gone on."""
    lines = [
        each
        for number, status in enumerate(("success", "failure", "success"), 1)
        for each in logged_in_json(number, of_node(number), status, goes_on=True)
    ]
    path = written(tmp_path, "log", lines)
    assert failures(path) == {request_id(2): "TypeError"}
    assert sorted(failures(path, logged_errors=True)) == sorted(map(request_id, (1, 2, 3)))


def test_an_object_that_a_function_printed_of_an_error(tmp_path: Path) -> None:
    """What has no level is printed, perhaps of somebody else's error: it counts where the function ends with it."""
    printed = line(errorType="NotFound", errorMessage="no such order", requestId=request_id(1))
    assert failures(written(tmp_path, "last", logged_in_json(1, printed, "success"))) == {request_id(1): "NotFound"}
    path = written(tmp_path, "log", logged_in_json(1, printed, "success", goes_on=True))
    assert read(path) == ([], [NONE_FAILED, doubtful(path)])


def test_invocations_that_lambda_calls_a_success() -> None:
    """In the log itself, too; of two attempts with one id the failed one counts."""
    attempts = [(1, "success"), (2, "failure"), (2, "success")]
    lines = [each for n, status in attempts for each in logged_in_json(n, of_node(n), status, goes_on=True)]
    assert [bool(each.failure) for each in invocations(log_entries(lines))] == [False, True]


@pytest.mark.parametrize("level", ["INFO", "WARN", "Information"])
def test_an_error_below_the_level_of_errors(tmp_path: Path, level: str) -> None:
    """Nobody logs an error that ended a request as a warning; what only has the members of an error is none."""
    error = {"errorType": "TypeError", "errorMessage": "no mail", "stackTrace": []}
    lines = [
        line(level=level, requestId=request_id(1), message=error),
        line(level=level, requestId=request_id(2), errorType="none", errorMessage=None),
    ]
    path = written(tmp_path, "log", lines)
    assert read(path) == ([], [NONE_FAILED, doubtful(path)])


def test_a_status_that_a_logger_speaks_of(tmp_path: Path) -> None:
    """A function that tells of another's 503 did not answer so; with logged errors every line is an application's."""
    told = line(level="INFO", message="the shop said", status=503, function_request_id=request_id(1))
    path = written(tmp_path, "log", [powertools(1, {"n": 1}), told])
    assert read(path) == ([], [NONE_FAILED, doubtful(path)])
    assert failures(path, logged_errors=True) == {request_id(1): "HTTP 503"}


# Characters


@pytest.mark.parametrize("letter", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x1e"])
def test_letters_that_end_a_line_elsewhere(tmp_path: Path, letter: str) -> None:
    """Only a newline ends a line of a log: Unicode's own separators stand inside events and errors as they are."""
    lines = failed_in_text(1, event_line=json.dumps({"t": f"a{letter}b"}, ensure_ascii=False).join(["event: ", ""]))
    lines = [each.replace("'customer_id'", f"'cust{letter}omer'") for each in lines]
    ((capture,), notes) = read(written(tmp_path, "log", lines))
    assert capture.failure is not None
    assert capture.failure.message == f"'cust{letter}omer'"
    assert json.loads(capture.body) == {"t": f"a{letter}b"}
    assert notes == []


# Errors that were logged as text

_DOTNET = (
    "System.InvalidOperationException: no customer\n"
    "   at Orders.Function.Handler(Stream input) in /src/Function.cs:line 21\n"
    "   --- End of stack trace from previous location ---\n"
)
_NODE = "TypeError: no customer\n    at handler (/var/task/index.js:2:20)\n"
_PYTHON = 'no customer\nTraceback (most recent call last):\n  File "/var/task/app.py", line 3, in f\n    x()\nValueError: no customer\n'


@pytest.mark.parametrize(
    ("head", "said", "error_type"),
    [
        ("2026-11-21T07:00:00.100Z\t{id}\tfail\t", _DOTNET, "System.InvalidOperationException"),
        ("2026-11-21T07:00:00.100Z\t{id}\tcrit\t", _DOTNET, "System.InvalidOperationException"),
        ("2026-11-21T07:00:00.100Z\t{id}\tERROR\t", _NODE, "TypeError"),
        ("[ERROR]\t2026-11-21T07:00:00.100Z\t{id}\t", _PYTHON, "ValueError"),
        ("[CRITICAL]\t2026-11-21T07:00:00.100Z\t{id}\t", "no customer\n", "Error"),
    ],
)
def test_errors_that_were_logged_as_text(tmp_path: Path, head: str, said: str, error_type: str) -> None:
    """As .NET's text does not tell an uncaught error from a logged one, --logged-errors takes both; nothing else does."""
    lines = good_in_text(1)
    lines[2:3] = (head.format(id=request_id(1)) + said).splitlines(keepends=True)
    path = written(tmp_path, "log", [*good_in_text(2), *lines])
    assert failures(path) == {}
    assert failures(path, event_at="$.event") == {}
    ((capture,), _) = read(path, logged_errors=True)
    assert capture.failure is not None
    assert (capture.failure.error_type, capture.failure.message) == (error_type, "no customer")
    assert capture.failure.stack.count("\n") >= said.count("\n") - 2
    assert json.loads(capture.body) == {"n": 1}
