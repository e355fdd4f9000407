"""A failed request is found once, with its error and its event, in whatever form its log has come."""

import csv
import gzip
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from replay.payloads.failures import Failure
from replay.payloads.lambda_logs import log_entries
from replay.payloads.log_formats.log_answers import LogLine
from replay.readers.invocations import invocations_of
from replay.sources.cloudwatch_logs import _FAILING_TERMS
from replay.sources.logged_failures import event_of
from replay.sources.s3_logs import S3LogsOptions, S3LogsSource
from tests.truth.categories.log_lines import tells_of_failure

ID = "1b2c3d4e-5f60-4718-8293-a4b5c6d7e8f9"
BEGAN = datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC)
NBSP = "\N{NO-BREAK SPACE}"
EVENT = '{"Records": [{"messageId": "m-1", "eventSource": "aws:sqs", "body": "wombat"}]}'
PRETTY = json.dumps(json.loads(EVENT), indent=2)
START, END = f"START RequestId: {ID} Version: 7\n", f"END RequestId: {ID}\n"
REPORT = (
    f"REPORT RequestId: {ID}\tDuration: 2.10 ms\tBilled Duration: 3 ms\tMemory Size: 128 MB\tMax Memory Used: 50 MB"
)
LOGGED = f"[INFO]\t2026-05-06T07:08:09.100Z\t{ID}\tReceived event: {EVENT}\n"
TRACE = (
    f'Traceback (most recent call last):\n{NBSP * 2}File "/var/task/app.py", line 9, in handler\n{NBSP * 4}order()\n'
)
KEY_ERROR = f"[ERROR] KeyError: 'sku'\n{TRACE}"
JAVA = "shop.Bad: first line\nsecond line\n\tat shop.Handler.run(Handler.java:12)\n"
DOTNET = (
    f"2026-05-06T07:08:09.100Z\t{ID}\tfail\tShop.BadOrder: no price\n"
    "   at Shop.Function.Handle(SQSEvent batch) in /src/Function.cs:line 12\n"
    "   at lambda_method1(Closure , Stream , ILambdaContext , Stream )\n"
    "   at Amazon.Lambda.RuntimeSupport.Bootstrap.LambdaBootstrap.InvokeOnceAsync(CancellationToken token)\n"
)
GO = json.dumps({
    "errorMessage": "index out of range",
    "errorType": "boundsError",
    "stackTrace": [
        {"path": "github.com/aws/aws-lambda-go@v1.47.0/lambda/errors.go", "line": 39, "label": "lambdaPanicResponse"},
        {"path": "shop/main.go", "line": 13, "label": "handle"},
    ],
})  # fmt: skip
DOTNET_INSIDE = DOTNET.replace(
    "no price\n", "no price\n ---> System.IO.IOException: closed\n   --- End of inner exception stack trace ---\n"
)
WARNED = "LAMBDA_WARNING: Unhandled exception. The most likely cause is an issue in the function code. See the guide"
IMPORT_ERROR = "[ERROR] Runtime.ImportModuleError: Unable to import module 'app'\nTraceback (most recent call last):\n"
UNKNOWN = "Unknown application error occurred\nRuntime.Unknown\n"
EXIT = f"RequestId: {ID} Error: Runtime exited with error: {{}}\nRuntime.ExitError\n"
RUBY = '{\n  "errorMessage": "cannot load such file",\n  "errorType": "Init<LoadError>",\n  "stackTrace": [\n    "x"\n  ]\n}\n'


def of_json(**members: object) -> str:
    return json.dumps({"timestamp": "2026-05-06T07:08:09.100Z", **members}) + "\n"


def of_platform(name: str, **record: object) -> str:
    return json.dumps({"time": "2026-05-06T07:08:09.100Z", "type": name, "record": record}) + "\n"


STREAMS: dict[str, tuple[Sequence[str], tuple[str, str, int], str]] = {
    "a message of several lines": (
        [START, LOGGED, f"[ERROR] ValidationError: 1 error for Order\nsku\n  Field required\n{TRACE}", END, REPORT],
        ("ValidationError", "1 error for Order\nsku\n  Field required", 1),
        EVENT,
    ),
    "a message of several lines in Java": (
        [START, LOGGED, f"first line\nsecond line: shop.Bad\n{JAVA}", END, REPORT],
        ("shop.Bad", "first line\nsecond line", 1),
        EVENT,
    ),
    "an error of .NET": ([START, LOGGED, DOTNET, END, REPORT], ("Shop.BadOrder", "no price", 1), EVENT),
    "an error of .NET with another inside": (
        [START, LOGGED, DOTNET_INSIDE, END, REPORT],
        ("Shop.BadOrder", "no price", 1),
        EVENT,
    ),
    "an error of Python behind a warning of Lambda's": (
        [START, LOGGED, f"{WARNED}\r{KEY_ERROR}".replace("\n", "\r") + "\n", END, REPORT],
        ("KeyError", "'sku'", 1),
        EVENT,
    ),
    "an error of Python in JSON behind a warning of Lambda's": (
        [
            of_platform("platform.start", requestId=ID, version="7"),
            of_json(level="INFO", requestId=ID, message=f"event: {EVENT}", logger="root"),
            f"{WARNED}\r" + of_json(log_level="ERROR", requestId=ID, errorType="KeyError", errorMessage="'sku'"),
            of_platform("platform.report", requestId=ID, status="success"),
        ],
        ("KeyError", "'sku'", 0),
        EVENT,
    ),
    "an end of which Lambda knows nothing": (
        [START, LOGGED, UNKNOWN, END, REPORT],
        ("Runtime.Unknown", "", 0),
        EVENT,
    ),
    "a start that failed, of which Lambda knows nothing": (
        ["INIT_START Runtime Version: python:3.12.v1\n", IMPORT_ERROR, START, LOGGED, UNKNOWN, END, REPORT],
        ("Runtime.ImportModuleError", "Unable to import module 'app'", 0),
        EVENT,
    ),
    "an error of PHP": (
        [
            START,
            LOGGED,
            f'{ID}\tInvoke Error\t{{"errorType":"Bad","errorMessage":"no sku","stack":["#0 x"]}}\n',
            END,
            REPORT,
        ],
        ("Bad", "no sku", 0),
        EVENT,
    ),
    "a panic of Go, and the end of its process": (
        [START, LOGGED, f"{GO}\n", EXIT.format("exit status 1"), END, REPORT],
        ("boundsError", "index out of range", 2),
        EVENT,
    ),
    "an end that its report names": (
        [
            START,
            LOGGED,
            EXIT.format("signal: killed"),
            END,
            f"{REPORT}\tStatus: error\tError Type: Runtime.OutOfMemory",
        ],
        ("Runtime.OutOfMemory", "Runtime exited with error: signal: killed", 0),
        EVENT,
    ),
    "an event printed line by line": (
        [START, *PRETTY.splitlines(keepends=True), KEY_ERROR, END, REPORT],
        ("KeyError", "'sku'", 1),
        PRETTY,
    ),
    "an event printed line by line behind a label": (
        [START, *f"Received event: {PRETTY}\n".splitlines(keepends=True), KEY_ERROR, END, REPORT],
        ("KeyError", "'sku'", 1),
        PRETTY,
    ),
    "an event in a framed text of several lines": (
        [START, f"2026-05-06T07:08:09.100Z\t{ID}\tINFO\tevent: {PRETTY}\n", KEY_ERROR, END, REPORT],
        ("KeyError", "'sku'", 1),
        PRETTY,
    ),
    "a start of Ruby that failed": (
        [f"Init error when loading handler app.handler\n{RUBY}", START, LOGGED, END, f"{REPORT}\tStatus: error"],
        ("Init<LoadError>", "cannot load such file", 0),
        EVENT,
    ),
    "an error of Ruby that is no standard one": (
        [START, LOGGED, f"Critical exception from handler\n{RUBY}", END, REPORT],
        ("Init<LoadError>", "cannot load such file", 0),
        EVENT,
    ),
    "a start that failed, in JSON": (
        [
            of_json(level="ERROR", message={"errorType": "Runtime.ImportModuleError", "errorMessage": "no axios"}),
            of_platform("platform.start", requestId=ID, version="7"),
            of_json(level="INFO", requestId=ID, message=f"event: {EVENT}"),
            of_platform("platform.report", requestId=ID, status="error", errorType="Runtime.Unknown"),
        ],
        ("Runtime.ImportModuleError", "no axios", 0),
        EVENT,
    ),
    "an error of Java in JSON": (
        [
            of_platform("platform.start", requestId=ID, version="7"),
            of_json(level="INFO", AWSRequestId=ID, message=f"event: {EVENT}"),
            of_json(level="ERROR", AWSRequestId=ID, message=f"first line: shop.Bad\n{JAVA}"),
        ],
        ("shop.Bad", "first line\nsecond line", 1),
        EVENT,
    ),
    "what the Telemetry API hands on": (
        [
            of_platform("platform.start", requestId=ID, version="7"),
            of_platform("function").replace('"record": {}', '"record": ' + json.dumps(LOGGED)),
            of_platform("function", level="ERROR", requestId=ID, errorType="KeyError", errorMessage="'sku'"),
            of_platform("platform.report", requestId=ID, status="error"),
        ],
        ("KeyError", "'sku'", 0),
        EVENT,
    ),
}
Found = list[tuple[str | None, Failure | None, str | None]]


def as_text(events: Sequence[str]) -> str:
    return "".join(event if event.endswith("\n") else f"{event}\n" for event in events)


def _moments(events: Sequence[str]) -> list[datetime]:
    return [BEGAN + timedelta(milliseconds=10 * number) for number in range(len(events))]


def _timed(events: Sequence[str]) -> list[tuple[datetime, str]]:
    return list(zip(_moments(events), events, strict=True))


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _scanned(path: Path) -> Found:
    with S3LogsSource(S3LogsOptions(path=(str(path),))).open() as recording:
        captures = list(recording.captures())
    assert not recording.notes
    return [(each.failure and each.failure.request_id, each.failure, each.body) for each in captures]


def raw(events: Sequence[str], folder: Path) -> Found:
    path = folder / "stream.log"
    path.write_text(as_text(events), encoding="utf-8")
    return _scanned(path)


def exported(events: Sequence[str], folder: Path) -> Found:
    path = folder / "000000.gz"
    times = [f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z" for moment in _moments(events)]
    lines = [f"{at} {event.rstrip()}\n" for at, event in zip(times, events, strict=True)]
    path.write_bytes(gzip.compress("".join(lines).encode()))
    return _scanned(path)


def subscribed(events: Sequence[str], folder: Path) -> Found:
    path = folder / "delivered-1"
    path.write_text(subscription(events), encoding="utf-8")
    return _scanned(path)


def subscription(events: Sequence[str], group: str = "/aws/lambda/orders") -> str:
    told = [
        {"id": str(number), "timestamp": round(at.timestamp() * 1000), "message": event}
        for number, (at, event) in enumerate(zip(_moments(events), events, strict=True))
    ]
    return json.dumps({"messageType": "DATA_MESSAGE", "logGroup": group, "logStream": "s", "logEvents": told})


def answered(events: Sequence[str], folder: Path) -> Found:
    told = [{"timestamp": _ms(at), "message": event, "ingestionTime": _ms(at)} for at, event in _timed(events)]
    path = folder / "filtered.json"
    path.write_text(json.dumps({"events": told, "searchedLogStreams": []}, indent=4), encoding="utf-8")
    return _scanned(path)


def queried(events: Sequence[str], folder: Path) -> Found:
    rows = [
        [{"field": "@timestamp", "value": f"{at:%Y-%m-%d %H:%M:%S.%f}"[:-3]}, {"field": "@message", "value": event}]
        for at, event in _timed(events)
    ]
    path = folder / "results.json"
    path.write_text(json.dumps({"results": rows[::-1], "status": "Complete"}, indent=4), encoding="utf-8")
    return _scanned(path)


def downloaded_rows(events: Sequence[str], folder: Path) -> Found:
    rows = [{"@timestamp": f"{at:%Y-%m-%d %H:%M:%S.%f}"[:-3], "@message": event} for at, event in _timed(events)]
    path = folder / "logs-insights-results.json"
    path.write_text(json.dumps(rows[::-1]), encoding="utf-8")
    return _scanned(path)


def downloaded_table(events: Sequence[str], folder: Path) -> Found:
    path = folder / "log-events-viewer-result.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["timestamp", "message"])
        rows.writerows((_ms(at), event) for at, event in _timed(events))
    return _scanned(path)


def downloaded_query_table(events: Sequence[str], folder: Path) -> Found:
    path = folder / "logs-insights-results.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["@logStream", "@timestamp", "@message", "@log"])
        told = [("s", f"{at:%Y-%m-%d %H:%M:%S.%f}"[:-3], event, "1:/aws/lambda/orders") for at, event in _timed(events)]
        rows.writerows(told[::-1])
    return _scanned(path)


def shipped_as_array(events: Sequence[str], folder: Path) -> Found:
    path = folder / "telemetry.json"
    path.write_text(f"[{', '.join(event.strip() for event in events)}]", encoding="utf-8")
    return _scanned(path)


def from_cloudwatch(events: Sequence[str], folder: Path) -> Found:
    del folder
    lines = [
        LogLine(stream="s", at_ms=round(at.timestamp() * 1000), message=event)
        for at, event in zip(_moments(events), events, strict=True)
    ]
    found = [each.invocation for each in invocations_of("/aws/lambda/orders", "s", lines)]
    return [(each.request_id, each.failure, event_of(each)) for each in found if each.failure]


FORMS: list[Callable[[Sequence[str], Path], Found]] = [
    raw,
    exported,
    subscribed,
    answered,
    queried,
    downloaded_rows,
    downloaded_table,
    downloaded_query_table,
    from_cloudwatch,
]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
@pytest.mark.parametrize("name", STREAMS)
def test_a_failed_request(name: str, form: Callable[[Sequence[str], Path], Found], tmp_path: Path) -> None:
    """The same invocation is the same failure with the same event, printed, exported, sent on, downloaded, or asked for."""
    events, (error_type, message, frames), event = STREAMS[name]
    ((request_id, failure, found),) = form(events, tmp_path)
    assert failure is not None
    assert (request_id, failure.error_type, failure.message) == (ID, error_type, message)
    assert len(failure.frames) == frames
    assert found is not None
    assert found.strip() == event


@pytest.mark.parametrize("name", ["a start that failed, in JSON", "what the Telemetry API hands on"])
def test_an_array_of_log_objects(name: str, tmp_path: Path) -> None:
    """An extension puts what it was told into a bucket as one array: it is a stream like another."""
    events, (error_type, _, _), event = STREAMS[name]
    ((request_id, failure, found),) = shipped_as_array(events, tmp_path)
    assert failure is not None
    assert (request_id, failure.error_type, found) == (ID, error_type, event)


@pytest.mark.parametrize("name", STREAMS)
def test_no_character_is_lost(name: str) -> None:
    """Whatever belongs together, all entries together are the text."""
    text = as_text(STREAMS[name][0])
    assert "".join(entry.text for entry in log_entries(text.splitlines(keepends=True))) == text


def test_words_in_two_objects(tmp_path: Path) -> None:
    """What a report names is what ended the process, also where the end stands in another object."""
    start, logged, *others, report = STREAMS["an end that its report names"][0]
    for number, part in enumerate(([start, *others], [logged, report])):
        (tmp_path / f"{number}.log").write_text(as_text(part), encoding="utf-8")
    ((_, failure, event),) = _scanned(tmp_path)
    assert failure is not None
    assert (failure.error_type, event) == ("Runtime.OutOfMemory", EVENT)
    assert failure.message.startswith("Runtime exited")


CLF = '1.2.3.4 - - [06/May/2026:07:08:09 +0000] "POST /orders HTTP/1.1" 502 36 '
TRAIL = {
    "eventVersion": "1.09", "eventTime": "2026-05-06T07:08:09Z", "eventSource": "lambda.amazonaws.com",
    "eventName": "Invoke", "errorCode": "ServiceException", "errorMessage": "down", "requestID": ID, "eventID": ID,
}  # fmt: skip


@pytest.mark.parametrize(
    "message",
    [
        json.dumps({"requestId": ID, "status": "502", "requestTime": "06/May/2026:07:08:09 +0000"}),
        CLF + ID,
        f'<request id="{ID}"><requestTime>06/May/2026:07:08:09 +0000</requestTime><status>502</status></request>',
        json.dumps(TRAIL),
    ],
    ids=["json", "clf", "xml", "cloudtrail"],
)
def test_other_logs_of_cloudwatch_are_read_as_what_they_are(message: str, tmp_path: Path) -> None:
    """API Gateway and CloudTrail write into log groups too, from where a delivery stream takes them to a bucket."""
    path = tmp_path / "delivered-1"
    path.write_text(subscription(["fine\n", message], group="api-access"), encoding="utf-8")
    with S3LogsSource(S3LogsOptions(path=(str(path),))).open() as recording:
        assert list(recording.captures()) == []
    assert [note for note in recording.notes if ID in note]


@pytest.mark.parametrize("name", STREAMS)
def test_cloudwatch_is_asked_for_it(name: str) -> None:
    """What no term of the filter pattern finds would never come here: AWS looks for them, no mock does."""
    terms = [term.removeprefix("?").strip('"').replace('\\"', '"') for term in _FAILING_TERMS]
    compact = [event.replace('": ', '":') for event in STREAMS[name][0]]  # as Lambda writes JSON
    assert any(term in event for event in compact for term in terms)


@pytest.mark.parametrize("name", STREAMS)
def test_the_judge_of_recordings_sees_it(name: str) -> None:
    """Who judges others' recordings by the words of their logs knows each of these for a failed request."""
    assert tells_of_failure(as_text(STREAMS[name][0]))


STREAM = "2026/05/06/[$LATEST]0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    "before",
    [
        "{at:%Y-%m-%dT%H:%M:%S.%f}+00:00 {stream} ",
        "{stream} {at:%Y-%m-%dT%H:%M:%S.%f} ",
        "{at:%Y-%m-%dT%H:%M:%S}.123-08:00 ",
        "{at:%Y-%m-%dT%H:%M:%S}.123+05:30\t",
        "{at:%Y-%m-%dT%H:%M:%S} ",
    ],
)
def test_what_command_lines_print(before: str, tmp_path: Path) -> None:
    """`aws logs tail` and `sam logs` put time and stream before each log event."""
    events, (error_type, message, frames), event = STREAMS["a message of several lines"]
    path = tmp_path / "tail.log"
    at = zip(_moments(events), events, strict=True)
    path.write_text(as_text([before.format(at=moment, stream=STREAM) + each for moment, each in at]), encoding="utf-8")
    ((request_id, failure, found),) = _scanned(path)
    assert failure is not None
    assert (request_id, failure.error_type, failure.message, len(failure.frames)) == (ID, error_type, message, frames)
    assert found == event
