"""Failed requests are found in logs of every form, and joined with the events that were logged, wherever these lie."""

import gzip
import json
import random
import subprocess
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from replay.errors import AwsError, ConfigurationError, SourceError
from replay.fixtures.store import Store
from replay.payloads.captures import Capture
from replay.recorder import record
from replay.redaction.redactor import Redactor
from replay.redaction.settings import RedactionSettings
from replay.sources.s3_log_parts import joined, lanes, scan
from replay.sources.s3_logs import S3LogsOptions, S3LogsSource
from tests.sources.log_samples import (
    failed_in_json,
    failed_in_text,
    good_in_json,
    line,
    platform,
    powertools,
    request_id,
    subscription,
    timed_out,
    uncaught,
)

EVENT = {"Records": [{"body": "{}", "eventSource": "aws:sqs"}]}


NONE_FAILED = "1 object read, 0.0 MB unpacked: no failed request is told"


def doubtful(path: Path) -> str:
    return f"1 time, first in {path}: lines that look like failures, of which none tells of one that is understood"


def read(*paths: Path | str, **options: Any) -> tuple[list[Capture], list[str]]:
    source = S3LogsSource(S3LogsOptions(path=tuple(str(path) for path in paths), **{"processes": 1, **options}))
    with source.open() as recording:
        captures = list(recording.captures())
    return captures, recording.notes


def written(folder: Path, name: str, lines: Iterable[str] | bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    content = lines if isinstance(lines, bytes) else "".join(lines).encode()
    if name.endswith(".gz"):
        content = gzip.compress(content)
    elif name.endswith(".zst"):
        content = zstandard.ZstdCompressor().compress(content)
    path.write_bytes(content)
    return path


# Forms of logs


@pytest.mark.parametrize("name", ["log.json", "log.json.gz", "log.zst"])
def test_json_lines_of_a_function(tmp_path: Path, name: str) -> None:
    """The error with its stack, its lines and its report comes with the event that Powertools logged; packed or not."""
    path = written(tmp_path, name, [*good_in_json(1), *failed_in_json(2, EVENT), *good_in_json(3)])
    ((capture,), notes) = read(path)
    assert json.loads(capture.body) == EVENT
    assert capture.origin.identity == request_id(2)
    failure = capture.failure
    assert failure is not None
    assert (failure.error_type, failure.message, failure.request_id) == ("KeyError", "'customer_id'", request_id(2))
    assert [(frame.module, frame.function) for frame in failure.frames] == [("app.py", "handler")]
    assert len(failure.log_lines) == 3
    assert failure.report is not None
    assert failure.report.max_memory_used_mb == 40
    assert capture.sent_at == datetime(2026, 11, 21, 7, tzinfo=UTC)
    assert notes == []


def test_the_event_is_kept_exactly(tmp_path: Path) -> None:
    """Long numbers, duplicate keys and escapes of a logged event are those of the line."""
    event = '{"a": 1.10, "a": 18446744073709551617, "s": "\\ud800\\u0041"}'
    logged = powertools(1, {}).replace("{}", event, 1)
    ((capture,), _) = read(written(tmp_path, "a.json", [logged, uncaught(1)]))
    assert capture.body == event


@pytest.mark.parametrize(
    "event_line",
    [
        'EVENT: {"n": 1}',
        'Received event {"n": 1}',
        f'2026-11-21T07:00:00.000Z\t{request_id(1)}\tINFO\tevent: {{"n": 1}}',
        "## EVENT\n{'n': 1}",
    ],
)
def test_text_of_a_function(tmp_path: Path, event_line: str) -> None:
    """The trace that names no request belongs to the one that runs, and so does the event that was printed."""
    lines = [*failed_in_text(0, error="all is well"), *failed_in_text(1, event_line), *failed_in_text(2, error="fine")]
    ((capture,), _) = read(written(tmp_path, "log.txt", lines))
    assert json.loads(capture.body) == {"n": 1}
    failure = capture.failure
    assert failure is not None
    assert (failure.error_type, failure.request_id) == ("KeyError", request_id(1))
    assert failure.frames[0].code == 'return order["customer_id"]'
    assert not any("fine" in each or "well" in each for each in failure.log_lines)


def test_an_export_of_cloudwatch(tmp_path: Path) -> None:
    """Each log event stands behind its time, and a trace goes on without one."""
    ends = "2026-11-21T07:00:01.500Z "
    lines = failed_in_text(1, 'event: {"n": 1}')
    exported = [each if each.startswith(("Traceback", "\xa0")) else ends + each for each in lines]
    ((capture,), _) = read(written(tmp_path, "export/2026-11-21-[$LATEST]ab/000000.gz", exported))
    assert capture.body == '{"n": 1}'
    assert capture.failure
    assert capture.failure.frames
    assert capture.sent_at == datetime(2026, 11, 21, 7, 0, 1, 500_000, tzinfo=UTC)


def test_an_export_of_json_lines(tmp_path: Path) -> None:
    """Exported log events that are JSON speak for themselves, however many requests run at once."""
    lines = [f"2026-11-21T07:00:01.500Z {each}" for each in failed_in_json(1, {"n": 1})]
    other = [f"2026-11-21T07:00:01.500Z {each}" for each in failed_in_json(2, {"n": 2})]
    mixed = [each for pair in zip(lines, other, strict=True) for each in pair]
    captures, notes = read(written(tmp_path, "000000.gz", mixed))
    assert sorted(capture.body for capture in captures) == ['{"n": 1}', '{"n": 2}']
    assert notes == []


def test_what_firehose_puts_together(tmp_path: Path) -> None:
    """Messages of a subscription stand one behind the other; an invocation may begin in one and fail in the next."""
    text = failed_in_text(1, 'event: {"n": 1}')
    first = subscription(failed_in_text(0, error="ok"))
    content = first + subscription(text[:2]) + subscription(["".join(text[2:6]), *text[6:]]) + first
    assert "\n" not in content
    ((capture,), notes) = read(written(tmp_path, "2026/11/21/07/orders.gz", [content]))
    assert capture.body == '{"n": 1}'
    assert capture.failure
    assert (capture.failure.error_type, capture.failure.request_id) == ("KeyError", request_id(1))
    assert notes == []


@pytest.mark.parametrize(
    ("error", "error_type"),
    [
        (timed_out(1), "Sandbox.Timedout"),
        (
            f"RequestId: {request_id(1)} Error: Runtime exited with error: exit status 1\nRuntime.ExitError",
            "Runtime.ExitError",
        ),
        (
            f"RequestId: {request_id(1)} Error: Runtime exited with error: signal: killed\nRuntime.ExitError",
            "Runtime.ExitError",
        ),
        (
            f'2026-11-21T07:00:00.000Z\t{request_id(1)}\tERROR\tInvoke Error \t{{"errorType":"TypeError","errorMessage":"x","stack":["TypeError: x"]}}',
            "TypeError",
        ),
    ],
)
def test_ends_of_every_kind(tmp_path: Path, error: str, error_type: str) -> None:
    """A timeout, an exit, a kill for memory and a JavaScript error are failures of their request."""
    ((capture,), _) = read(written(tmp_path, "log", failed_in_text(1, 'event: {"n": 1}', error)))
    assert capture.body == '{"n": 1}'
    assert capture.failure
    assert capture.failure.error_type == error_type


def test_lines_of_any_application(tmp_path: Path) -> None:
    """With the place of the event told, a logged error is a failure of its request; ids have the usual names, or a place."""
    stack = 'Traceback (most recent call last):\n  File "/srv/shop/app.py", line 3, in serve\n    pay(order)\nValueError: no money'
    lines = [
        line(level="info", request_id="r-1", http={"request": {"body": '{"n": 1}'}}, msg="in"),
        line(level="error", request_id="r-1", msg="failed", exception=stack),
        line(level="info", request_id="r-2", http={"request": {"body": '{"n": 2}'}}, msg="in"),
        line(level=50, meta={"id": "r-3"}, http={"request": {"body": '{"n": 3}'}}, msg="bad"),
    ]
    path = written(tmp_path, "app.log", lines)
    captures, _ = read(path, event_at="$.http.request.body")
    assert [capture.body for capture in captures] == ['{"n": 1}', '{"n": 3}']
    failure = captures[0].failure
    assert failure
    assert (failure.error_type, failure.message, failure.frames[0].function) == ("ValueError", "no money", "serve")
    assert failure.request_id is None  # what looks like no id may be anything
    named, _ = read(path, event_at="$.http.request.body", request_id_at="$.meta['id']")
    assert [capture.body for capture in named] == ['{"n": 3}']
    assert read(path) == ([], [NONE_FAILED])


def test_the_event_behind_a_text(tmp_path: Path) -> None:
    """A line of text may hold the event behind words that the user gives."""
    path = written(tmp_path, "log.txt", failed_in_text(1, 'Request: >>> {"n": 1} <<<'))
    ((capture,), _) = read(path, event_prefix="Request: >>> ")
    assert capture.body == '{"n": 1}'


def test_records_of_destinations(tmp_path: Path) -> None:
    """A record that Lambda wrote on failure is kept whole, with the event inside; one of a success is no failure."""
    value = {
        "version": "1.0",
        "timestamp": "2026-11-21T07:00:00.000Z",
        "requestContext": {
            "requestId": request_id(1),
            "functionArn": "arn:aws:lambda:eu-west-1:123456789012:function:orders:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        },
        "requestPayload": {"n": 1},
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "responsePayload": {"errorType": "KeyError", "errorMessage": "'x'"},
    }
    good = {**value, "requestContext": {**value["requestContext"], "condition": "Success", "requestId": request_id(2)}}
    path = written(tmp_path, "aws/lambda/async/orders/2026/11/21/a", [json.dumps(value)])
    written(tmp_path, "aws/lambda/async/orders/2026/11/21/b", [json.dumps(good)])
    ((capture,), notes) = read(tmp_path)
    assert capture.body == path.read_text()
    assert notes == []


def test_an_access_log_finds_the_event_of_the_function_behind_it(tmp_path: Path) -> None:
    """A 502 is joined by API Gateway's id to the event that holds it; one that the function's own log told is not told twice."""
    event = {"requestContext": {"requestId": request_id(9)}, "httpMethod": "GET", "path": "/", "resource": "/"}
    other = {"requestContext": {"requestId": request_id(8)}, "httpMethod": "GET", "path": "/", "resource": "/"}
    access = [
        line(requestId=request_id(n), httpMethod="GET", status="502", requestTimeEpoch=1_795_244_400_000)
        for n in (9, 8, 7)
    ]
    written(tmp_path, "access/a.json", access)
    written(tmp_path, "function/a.json", [*failed_in_json(1, event), powertools(2, other)])
    captures, notes = read(tmp_path)
    assert {capture.origin.identity: capture.failure and capture.failure.error_type for capture in captures} == {
        request_id(1): "KeyError",
        request_id(8): "HTTP 502",
    }
    assert [json.loads(capture.body)["requestContext"]["requestId"] for capture in captures] == [
        request_id(9),
        request_id(8),
    ]
    assert notes[0] == "1 failed request has no event, which was never logged: HTTP 502"
    assert notes[1].startswith(f"without an event: {request_id(7)} at 2026-11-21")


# Joins


def test_an_event_in_another_object(tmp_path: Path) -> None:
    """An event before or after its failure, in an object near or far, is found; one that is nowhere is said to be missing."""
    parts = {n: failed_in_json(n, {"n": n}) for n in range(4)}
    written(tmp_path, "00", [*parts[0][:2]])
    written(tmp_path, "01", [*parts[0][2:], *parts[1][2:]])
    written(tmp_path, "02", good_in_json(50))
    written(tmp_path, "03", [*parts[2][2:], *good_in_json(51)])
    written(tmp_path, "04", [*parts[1][:2], *parts[2][:2], parts[3][0]])
    written(tmp_path, "05", parts[3][2:])
    captures, notes = read(tmp_path)
    assert {capture.origin.identity: json.loads(capture.body) for capture in captures} == {
        request_id(n): {"n": n} for n in range(3)
    }
    assert all(capture.failure and len(capture.failure.log_lines) == 3 for capture in captures)
    assert "KeyError" in notes[0]
    assert notes[1] == f"without an event: {request_id(3)} at 2026-11-21 07:00:00Z"


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 4)), min_size=1, max_size=60),
    st.integers(0, 2**32),
)
def test_every_failed_request_is_given_once_however_its_lines_are_spread(
    tmp_path_factory: pytest.TempPathFactory, places: list[tuple[int, int]], seed: int
) -> None:
    """Lines of failed and good requests, in any objects and any order, give each failed one once, with its own event."""
    folder = tmp_path_factory.mktemp("spread")
    shuffled = random.Random(seed)
    objects: dict[int, list[str]] = {}
    for number, (first, step) in enumerate(places):
        failed = number % 3 != 0
        lines = failed_in_json(number, {"n": number}) if failed else good_in_json(number)
        for index, each in enumerate(lines):
            objects.setdefault((first + index * step) % 7, []).append(each)
    for name, lines in objects.items():
        shuffled.shuffle(lines)
        written(folder, f"{name}.gz", lines)
    captures, notes = read(folder)
    found = sorted((capture.origin.identity, json.loads(capture.body)["n"]) for capture in captures)
    assert found == sorted((request_id(n), n) for n in range(len(places)) if n % 3 != 0)
    assert not [note for note in notes if found or "no failed request is told" not in note]


def test_many_events_that_were_never_logged_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for its event is bounded; what is beyond is counted, not forgotten."""
    monkeypatch.setattr(joined, "MOST_WAITING", 5)
    written(tmp_path, "a.json", [uncaught(n) for n in range(9)])
    captures, notes = read(tmp_path)
    assert captures == []
    assert notes[0] == "5 failed requests have no event, which was never logged: KeyError"
    assert notes[1].endswith(", …")
    assert notes[2].startswith("4 more failed requests had no event nearby")


def test_many_ids_are_sought_at_once(tmp_path: Path) -> None:
    """A second pass that seeks more ids than it can one by one finds them all the same."""
    count = 40
    written(tmp_path, "a", [uncaught(n) for n in range(count)])
    written(tmp_path, "b", [each for n in range(count) for each in (powertools(n, {"n": n}), *good_in_json(n + 100))])
    captures, notes = read(tmp_path)
    assert sorted(json.loads(capture.body)["n"] for capture in captures) == list(range(count))
    assert notes == []


def test_forms_that_are_not_known(tmp_path: Path) -> None:
    """That nothing was understood is said, with the place, and how much was read: silence would look like health."""
    written(tmp_path, "a.log", good_in_json(1))
    written(tmp_path, "b.txt", ["2 123456789012 eni-1 10.0.0.1 10.0.0.2 443 49152 6 10 840 1 2 ACCEPT OK\n"] * 60_000)
    written(tmp_path, "c/d.txt", ["(b2d8f8f5) Method completed with status: 502\n"])
    written(tmp_path, "empty.txt", [])
    captures, notes = read(tmp_path)
    assert captures == []
    assert notes == [
        "4 objects read, 4.3 MB unpacked: no failed request is told",
        f"1 time, first in {tmp_path}/b.txt: no line has a form that is known here, and none tells of a failure",
        doubtful(tmp_path / "c/d.txt"),
    ]


def test_doubts_are_not_told_where_failures_were_found(tmp_path: Path) -> None:
    """Healthy requests log errors, too: what looks like a failure is worth a word only where none was found at all."""
    written(tmp_path, "a.log", ["[ERROR] somebody was rude\n"])
    written(tmp_path, "b.log", failed_in_text(1, 'event: {"n": 1}'))
    captures, notes = read(tmp_path)
    assert (len(captures), notes) == (1, [])


@pytest.mark.parametrize("cut", [1, 30])
def test_an_answer_that_breaks_off(tmp_path: Path, cut: int) -> None:
    """Nobody reads half a document; but that there are failures in it is said."""
    events = [
        {"timestamp": 1763708400000, "message": each, "ingestionTime": 1}
        for each in failed_in_text(1, 'event: {"n": 1}')
    ]
    path = written(tmp_path, "answer.json", [json.dumps({"events": events})[:-cut]])
    assert read(path) == ([], [NONE_FAILED, doubtful(path)])


def test_an_event_that_looks_like_the_record_of_a_failure(tmp_path: Path) -> None:
    """One logged event with the members of such a record hides nothing of what stands around it."""
    event = '{"version": "2.0", "queryStringParameters": {"condition": "new"}, "requestContext": {"stage": "prod"}}'
    lines = [*failed_in_text(1, f"event: {event}", error="fine"), *failed_in_text(2, 'event: {"n": 2}')]
    ((capture,), notes) = read(written(tmp_path, "log", lines))
    assert (capture.body, capture.origin.identity) == ('{"n": 2}', request_id(2))
    assert notes == []


def test_a_document_of_many_failures_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many requests failed in an answer, each finds its own lines without the whole being read again."""
    messages = [each for n in range(60) for each in failed_in_text(n, f'event: {{"n": {n}}}')]
    events = [{"timestamp": 1763708400000 + n, "message": each, "ingestionTime": 1} for n, each in enumerate(messages)]
    path = written(tmp_path, "answer.json", [json.dumps({"events": events}, indent=1)])
    parsed: list[int] = []
    whole = scan.read_line
    monkeypatch.setattr(scan, "read_line", lambda text, forms: parsed.append(len(text)) or whole(text, forms))
    captures, notes = read(path)
    assert sorted(json.loads(capture.body)["n"] for capture in captures) == list(range(60))
    assert all(capture.failure and capture.failure.frames for capture in captures)
    assert notes == []
    assert len(parsed) == 1


@pytest.mark.parametrize("named", [True, False])
def test_streams_that_run_side_by_side(tmp_path: Path, named: bool) -> None:
    """What a line's stream tells is believed; without it nobody knows which of two open requests a line is of."""
    first, second = failed_in_text(1, 'event: {"n": 1}'), failed_in_text(2, error="fine")
    streams = [f"2026/11/21/[$LATEST]{letter * 32}" if named else "" for letter in "ab"]
    order = [(0, first[0]), (1, second[0]), *((0, each) for each in first[1:-2]), (1, second[-2]), (1, second[-1])]
    order += [(0, first[-2]), (0, first[-1])]
    times = [f"2026-11-21T07:00:00.{n:06}+00:00" for n in range(len(order))]
    lines = [
        f"{at} {streams[which]} {text}" if named else f"{at[:23]}Z {text}"
        for at, (which, text) in zip(times, order, strict=True)
    ]
    captures, notes = read(written(tmp_path, "tail.log", lines))
    if named:
        assert [(each.origin.identity, each.body) for each in captures] == [(request_id(1), '{"n": 1}')]
        assert notes == []
    else:
        assert captures == []
        assert notes == ["1 failure without a request id or an event: KeyError"]


def test_what_lambda_calls_a_success_did_not_fail_in_any_way(tmp_path: Path) -> None:
    """A line that a function printed of an answer of somebody else's names its own request, and is no access log."""
    printed = json.dumps({"requestId": request_id(1), "url": "https://stock", "status": 503}) + "\n"
    start, event, report = good_in_json(1)
    path = written(tmp_path, "log", [start, event, printed, report])
    assert read(path) == ([], [NONE_FAILED, doubtful(path)])


@pytest.mark.parametrize(
    "line",
    [
        "START RequestId: 8f507cfc-0000-4000-8000-000000000001 Version: $LATEST",
        "2026-11-21T07:00:00.000Z\t8f507cfc-0000-4000-8000-000000000001\tINFO\tfine",
        "[INFO] fine",
        '{"message": "fine"}',
        '2026-11-21T07:00:01.500Z {"message": "fine"}',
        '2026-11-21 07:00:01 INFO {"message": "fine"}',
        '[ {"message": "fine"}]',
        '<request id="8f507cfc"><status>200</status></request>',
        '1.2.3.4 - - [21/Nov/2026:07:00:00 +0000] "POST /orders HTTP/1.1" 200 36 e1',
        "2026-11-21T07:00:01.500Z (8f507cfc-0000-4000-8000-000000000001) HTTP Method: GET, Resource Path: /o",
        "(8f507cfc-0000-4000-8000-000000000001) HTTP Method: GET, Resource Path: /o",
        "#Version: 1.0",
        "2026-11-21\t07:00:00\tFRA2-C1\t392\t1.2.3.4\tGET\td1.cloudfront.net\t/\t200",
        "h2 2026-11-21T07:00:00.000001Z app/shop/1 1.2.3.4:2817 10.0.0.1:80 0 0 0 200 200 34 366 -",
    ],
)
def test_forms_that_are_known(tmp_path: Path, line: str) -> None:
    """A line of any form that is read is enough, among others, and also far from the beginning."""
    filling = ["nothing that anybody knows\n"] * 30_000
    for name, lines in {"a": [line], "b": ["x\n", line, "\ny"], "c": [*filling, f"{line}\n"]}.items():
        written(tmp_path, name, lines)
    assert read(tmp_path) == ([], [NONE_FAILED.replace("1 object read, 0.0", "3 objects read, 0.8")])


# How it is read


def test_processes_find_what_one_finds(tmp_path: Path) -> None:
    """Two processes give the same failures with the same events as one."""
    for name in range(4):
        written(tmp_path, f"{name}.gz", [each for n in range(5) for each in failed_in_json(10 * name + n, {"n": n})])
    one, _ = read(tmp_path)
    two, _ = read(tmp_path, processes=2)
    assert len(one) == 20
    assert {(each.origin, each.body, each.failure) for each in one} == {
        (each.origin, each.body, each.failure) for each in two
    }


class _Ended(subprocess.Popen[bytes]):
    """A process of which nobody hears before it has ended."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.wait()


@pytest.mark.parametrize("at_once", [False, True])
def test_a_process_that_ends_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: bool) -> None:
    """A process that is gone is an error with the object that it was reading, never a recording that looks whole."""
    monkeypatch.setattr(lanes, "_CHILD", "import os; os._exit(3) # {path!r}")
    if at_once:
        monkeypatch.setattr(subprocess, "Popen", _Ended)
    for name in range(100):  # so many that this process cannot have read all before the other was asked
        written(tmp_path, str(name), failed_in_json(name, {}))
    with pytest.raises(SourceError) as caught:
        read(tmp_path, processes=2)
    assert "--processes 1" in caught.value.hint


def test_it_can_be_left_in_the_middle(tmp_path: Path) -> None:
    """Closed after the first capture, with processes under way, nothing hangs, and what is missing is not claimed."""
    for name in range(8):
        written(
            tmp_path, f"{name}.gz", [each for n in range(200) for each in failed_in_json(1000 * name + n, {"n": n})]
        )
    with S3LogsSource(S3LogsOptions(path=(str(tmp_path),), processes=2)).open() as recording:
        next(iter(recording.captures()))
    assert recording.notes == []


def test_no_client_is_made_for_files(tmp_path: Path) -> None:
    """Reading files loads nothing of AWS's."""
    path = written(tmp_path, "a", failed_in_json(1, {}))
    code = (
        "import sys; from replay.sources.s3_logs import *; r = S3LogsSource(S3LogsOptions(path=(sys.argv[1],))).open();"
        "print(len(list(r.captures())), 'botocore' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "False"]


# Buckets


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="app-logs")
        yield client


def put(client: Any, key: str, lines: Iterable[str]) -> None:
    client.put_object(Bucket="app-logs", Key=key, Body=gzip.compress("".join(lines).encode()))


def test_objects_of_a_bucket(s3: Any) -> None:
    """A bucket and a prefix, or their URL, give the same; the bucket is the origin, the object the place."""
    put(s3, "prod/a.gz", failed_in_json(1, {"n": 1}))
    put(s3, "test/b.gz", failed_in_json(2, {"n": 2}))
    ((capture,), _) = read("s3://app-logs/prod/", region="us-east-1")
    assert (capture.origin.arn, capture.origin.place) == ("arn:aws:s3:::app-logs", "s3://app-logs/prod/a.gz")
    assert read(bucket="app-logs", prefix=("prod/",), region="us-east-1")[0] == [capture]
    assert len(read("s3://app-logs", region="us-east-1")[0]) == 2


def test_many_pages_of_objects(s3: Any) -> None:
    """A listing of more objects than one page holds is read to its end."""
    for number in range(1_005):
        s3.put_object(Bucket="app-logs", Key=f"k/{number:05}", Body=b"quiet\n")
    s3.put_object(Bucket="app-logs", Key="k/99999", Body="".join(failed_in_json(1, {"n": 1})).encode())
    captures, _ = read("s3://app-logs/k/", region="us-east-1")
    assert [capture.body for capture in captures] == ['{"n": 1}']


def test_a_bucket_that_is_not_there(s3: Any) -> None:
    """A wrong name is AWS's answer in words; nothing below a prefix is an error too, not a silent success."""
    with pytest.raises(AwsError):
        read("s3://another-bucket/x", region="us-east-1")
    with pytest.raises(SourceError) as caught:
        read("s3://app-logs/nothing/", region="us-east-1")
    assert caught.value.what == "there is no log to read"


def test_recording_within_a_time_reads_only_its_objects(s3: Any, tmp_path: Path) -> None:
    """`--since` and `--until` leave out what lies elsewhere, and each fixture has its failure."""
    for hour in (1, 7, 23):
        lines = [
            each.replace("T07:", f"T{hour:02}:").replace(" 07:", f" {hour:02}:")
            for each in failed_in_json(hour, {"n": hour})
        ]
        put(s3, f"logs/2026/11/21/{hour:02}/a.gz", lines)
    source = S3LogsSource(S3LogsOptions(path=("s3://app-logs/logs/",), region="us-east-1"))
    redact = Redactor(RedactionSettings(key=b"k" * 32))
    summary = record(
        source,
        store=Store(tmp_path),
        function="orders",
        redact=redact,
        since="2026-11-21T06:30Z",
        until="2026-11-21T08:00Z",
    )
    assert (summary.seen, summary.written, summary.skipped) == (1, 1, 0)
    (reference,) = summary.written_references
    fixture = Store(tmp_path).load(reference)
    assert fixture.failure
    assert fixture.failure.error_type == "KeyError"


# Options


@pytest.mark.parametrize(
    "options",
    [
        {"prefix": ("x",)},
        {"path": ("x",), "event_at": "$..n"},
        {"path": ("x",), "request_id_at": "$.a[*]"},
        {"path": ("x",), "processes": 0},
        {"path": ("x",), "max_unpacked_mb": 0},
        {"path": ("x",), "slack_minutes": -1},
    ],
)
def test_options_that_cannot_be_meant(options: Any) -> None:
    """A number out of its range, a prefix without a bucket and a path to many places are refused."""
    with pytest.raises(ConfigurationError):
        S3LogsOptions(**options)


def test_places_that_are_none(tmp_path: Path) -> None:
    """No place, a missing folder and a bucket that cannot be one are told before anything is read."""
    with pytest.raises(SourceError):
        read()
    with pytest.raises(SourceError) as caught:
        read(tmp_path / "gone")
    assert caught.value.where.endswith("gone")
    with pytest.raises(ConfigurationError):
        read("s3://no_/x", region="us-east-1")


def test_platform_events_alone_tell_a_failure(tmp_path: Path) -> None:
    """A report with the status of a timeout is enough to know that a request failed."""
    path = written(
        tmp_path, "a", [powertools(1, {"n": 1}), platform(1, "report", status="timeout", metrics={"durationMs": 3})]
    )
    ((capture,), _) = read(path)
    assert capture.failure
    assert capture.failure.error_type == "Sandbox.Timedout"
