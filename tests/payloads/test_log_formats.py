"""Each form of a log line is read as what it is: which request, whether it failed, and the event that it holds."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.errors import ConfigurationError
from replay.payloads.log_formats.access_log import access_record
from replay.payloads.log_formats.cloudfront_log import cloudfront_record
from replay.payloads.log_formats.cloudwatch_export import stream_entries
from replay.payloads.log_formats.concatenated_json import documents
from replay.payloads.log_formats.cues import failure_offsets
from replay.payloads.log_formats.json_path import json_path, text_of_place
from replay.payloads.log_formats.load_balancer_log import load_balancer_record
from replay.payloads.log_formats.log_record import LogRecord, known_id
from replay.payloads.log_formats.logged_event import EventPlace, logged_event
from replay.payloads.log_formats.reading import Forms, read_line, read_stream
from replay.payloads.log_formats.s3_access_log import s3_access_record
from tests.sources.log_samples import failed_in_text, line, request_id, subscription, timed_out

TRACE = "1-67891233-abcdef012345678912345678"
AT = datetime(2026, 11, 21, 7, tzinfo=UTC)


def load_balancer(status: str = "502", target: str = "-", reason: str = "LambdaUnhandled") -> str:
    return (
        f"h2 2026-11-21T07:00:00.000000Z app/shop/0 192.0.2.1:1 - 0.001 0.002 0.000 {status} {target} 1 2 "
        f'"GET https://shop.example:443/ HTTP/2.0" "curl \\"7\\"" - - arn:x "Root={TRACE}" "-" "-" 1 '
        f'2026-11-21T07:00:00.000000Z "forward" "-" "{reason}" "-" "-" "-" "-"'
    )


def classic(status: str = "503", target: str = "0") -> str:
    return (
        f"2026-11-21T07:00:00.000000Z shop 192.0.2.1:1 - -1 -1 -1 {status} {target} 0 0 "
        '"GET http://shop.example:80/ HTTP/1.1" "curl/7.38.0" - -'
    )


def s3_access(status: str = "503") -> str:
    return (
        "0123456789abcdef bucket [21/Nov/2026:07:00:00 +0000] 192.0.2.3 arn:aws:iam::123456789012:user/u 3E57427F3EXAMPLE "
        f'REST.GET.OBJECT key%20a "GET /bucket/key%20a HTTP/1.1" {status} SlowDown 113 - 7 - "-" "x" - id= SigV4 - AuthHeader host TLSV1.2 - -'
    )


def s3_by_itself(status: str = "500", request: str = "-") -> str:
    """What S3 does for a batch, or without a request that it could read, has none in its line."""
    return (
        "0123456789abcdef bucket [21/Nov/2026:07:00:00 +0000] 192.0.2.3 arn:aws:iam::123456789012:user/u 3E57427F3EXAMPLE "
        f"BATCH.DELETE.OBJECT key%20a {request} {status} InternalError 113 - 7 - - - - id= SigV4 - AuthHeader host TLSV1.2 - -"
    )


def cloudfront(status: str = "504") -> str:
    fields = [
        "2026-11-21",
        "07:00:00",
        "FRA1",
        "9",
        "192.0.2.1",
        "GET",
        "d.example",
        "/x",
        status,
        *"-----",
        "RequestIdOfTheEdge==",
        *("-" * 18),
    ]
    return "\t".join(fields)


def common(status: str = "500") -> str:
    return f'192.0.2.1 - - [21/Nov/2026:07:00:00 +0000] "GET /orders HTTP/1.1" {status} 36 {request_id(1)} fKjH3aaBb='


@pytest.mark.parametrize(
    ("made", "statuses", "expected_id", "error_type"),
    [
        (load_balancer, ("502", "200"), TRACE, "HTTP 502"),
        (classic, ("503", "404"), None, "HTTP 503"),
        (s3_access, ("503", "200"), "3E57427F3EXAMPLE", "SlowDown"),
        (s3_by_itself, ("500", "204"), "3E57427F3EXAMPLE", "InternalError"),
        (lambda status: s3_by_itself(status, '"-"'), ("503", "204"), "3E57427F3EXAMPLE", "InternalError"),
        (cloudfront, ("504", "304"), "RequestIdOfTheEdge==", "HTTP 504"),
        (lambda status: line(**{"date": "2026-11-21", "time": "07:00:00", "sc-status": status, "x-edge-request-id": "IdOfTheEdge=="}), ("504", "200"), "IdOfTheEdge==", "HTTP 504"),
        (lambda status: line(**{"timestamp(ms)": "1795244400000", "sc-status": int(status), "x-edge-request-id": "IdOfTheEdge=="}), ("502", "403"), "IdOfTheEdge==", "HTTP 502"),
        (common, ("500", "499"), request_id(1), "HTTP 500"),
        (lambda status: common(status).replace('] "', ']"'), ("500", "499"), request_id(1), "HTTP 500"),
        (lambda status: line(**{"date": "2026-11-21", "time": "07:00:00", "sc-status": status, "x-edge-request-id": "RequestIdOfTheEdge=="}), ("502", "200"), "RequestIdOfTheEdge==", "HTTP 502"),
        (lambda status: f"192.0.2.1,-,-,21/Nov/2026:07:00:00 +0000,GET,/o,HTTP/1.1,{status},36,{request_id(1)},x=", ("502", "202"), request_id(1), "HTTP 502"),
        (lambda status: line(requestId=request_id(1), requestTimeEpoch=1_795_244_400_000, status=status), ("502", "500 ms"), request_id(1), "HTTP 502"),
        (lambda status: line(requestId=request_id(1), requestTime="21/Nov/2026:07:00:00 +0000", status=int(status)), ("502", "302"), request_id(1), "HTTP 502"),
        (lambda status: f'<request id="{request_id(1)}"> <requestTime>21/Nov/2026:07:00:00 +0000</requestTime> <status>{status}</status> </request>', ("502", "200"), request_id(1), "HTTP 502"),
    ],
)  # fmt: skip
def test_access_logs(made: Any, statuses: tuple[str, str], expected_id: str | None, error_type: str) -> None:
    """Of each form a status of 5xx is a failed request, with its id and time, and its line is one that is looked at."""
    bad, good = (made(status) for status in statuses)
    (record,) = read_line(bad, Forms()) or []
    assert record.failure
    assert (record.kind, record.request_id, record.failure.error_type, record.at) == (
        "access",
        expected_id,
        error_type,
        AT,
    )
    assert all(each.failure is None for each in read_line(good, Forms()) or [])
    content = f"{good}\n{bad}\n{good}\n".encode()
    offsets = failure_offsets(content, application=False)
    begin, end = len(good.encode()) + 1, len(good.encode()) + 1 + len(bad.encode())
    assert any(begin <= at < end for at in offsets)


def test_what_cloudfront_says_in_json() -> None:
    """Its detailed result is the message; a line with few of the fields, or with words where numbers stand, is one too."""
    (record,) = read_line(line(**{"sc-status": "502", "x-edge-detailed-result-type": "OriginDnsError"}), Forms()) or []
    assert record.failure
    assert (record.failure.message, record.request_id, record.at) == ("OriginDnsError", None, None)
    (odd,) = read_line(line(**{"sc-status": "502", "timestamp(ms)": "-", "x-edge-request-id": 7}), Forms()) or []
    assert (odd.request_id, odd.at) == (None, None)


def test_what_a_load_balancer_says_of_a_function() -> None:
    """The reason of the error is its message, and the trace joins it with the function."""
    record = load_balancer_record(load_balancer())
    assert record
    assert record.failure
    assert (record.failure.message, record.failure.trace_id) == ("LambdaUnhandled", TRACE)
    assert load_balancer_record(load_balancer(status="200", target="200", reason="-")) is None
    failed_target = load_balancer_record(load_balancer(status="460", target="504", reason="-"))
    assert failed_target
    assert failed_target.failure
    assert failed_target.failure.error_type == "HTTP 504"


@given(st.text(max_size=300))
def test_lines_of_anything(text: str) -> None:
    """No text makes a reader fail."""
    for reader in (load_balancer_record, s3_access_record, cloudfront_record):
        assert reader(text) is None
    assert access_record(text, None) is None
    read_line(text, Forms(application=True))
    read_stream(text.splitlines(keepends=True), Forms())


def test_cloudtrail() -> None:
    """Of an object of CloudTrail each call with an error code is a failure, by the call's own request id."""
    call = {
        "eventVersion": "1.09",
        "eventSource": "lambda.amazonaws.com",
        "eventName": "Invoke",
        "eventTime": "2026-11-21T07:00:00Z",
    }
    failed = {
        **call,
        "requestID": request_id(1),
        "errorCode": "TooManyRequestsException",
        "errorMessage": "Rate exceeded",
    }
    insight = {"eventVersion": "1.09", "eventTime": "2026-11-21T07:00:00Z", "eventType": "AwsCloudTrailInsight"}
    (record,) = read_line(json.dumps({"Records": [insight, call, failed, "?", call]}), Forms()) or []
    assert record.failure
    assert (record.request_id, record.failure.error_type) == (request_id(1), "TooManyRequestsException")
    assert record.failure.message == "lambda:Invoke: Rate exceeded"
    assert failure_offsets(json.dumps({"Records": [failed]}).encode(), application=False)


def test_a_notification_of_s3_is_no_trail() -> None:
    """Its records have all members that CloudTrail's have: a function's event that was logged alone stays an event."""
    record = {"eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": {"bucket": {}}}
    event = json.dumps({"Records": [{**record, "eventTime": "2026-11-21T07:00:00Z"}]})
    (found,) = read_line(event, Forms()) or []
    assert found.event == event


def test_a_line_that_was_shipped() -> None:
    """An agent puts a function's line into an object of its own; the line inside counts."""
    (record,) = read_line(line(log=timed_out(1) + "\n", stream="stdout"), Forms()) or []
    assert record.failure
    assert (record.request_id, record.failure.error_type) == (request_id(1), "Sandbox.Timedout")


def test_a_line_in_json_that_was_shipped() -> None:
    """The line inside names the request, and may hold its event; what the agent names itself stays."""
    inside = line(level="INFO", requestId=request_id(1), message={"Records": [{"eventSource": "aws:sqs"}]})
    (record,) = read_line(line(log=inside, stream="stdout"), Forms()) or []
    assert (record.request_id, record.event) == (request_id(1), '{"Records": [{"eventSource": "aws:sqs"}]}')
    (record,) = read_line(line(message=inside, requestId=request_id(2)), Forms()) or []
    assert record.request_id == request_id(2)


def test_a_metric_is_no_access_log() -> None:
    """A function that counts its answers in the embedded metric format has not failed by it."""
    metric = line(_aws={"CloudWatchMetrics": []}, statusCode=500, requestId=request_id(1))
    assert not any(each.failure for each in read_line(metric, Forms()) or [])


def test_errors_in_lines_that_were_shipped() -> None:
    """Java's error is looked for, too, where an agent ships each of Lambda's lines in JSON."""
    error = "no mail: shop.Bad\nshop.Bad: no mail\n\tat shop.Handler.run(Handler.java:12)\n"
    start, *_, report = failed_in_text(1)
    shipped = "".join(line(message=each.rstrip("\n")) for each in (start, error, report))
    assert failure_offsets(shipped.encode(), application=False)


# Streams


def failures_of(records: list[LogRecord]) -> list[tuple[str | None, str]]:
    return [(each.request_id, each.failure.error_type) for each in records if each.failure]


def test_lines_of_several_streams_at_once() -> None:
    """Where another request ends next than began last, a trace without an id is nobody's, instead of somebody's."""
    first, second = failed_in_text(1), failed_in_text(2, error="fine")
    mixed = [first[0], second[0], *first[1:5], *first[5:], *second[1:]]
    assert failures_of(read_stream(mixed, Forms())) == [(None, "KeyError")]
    assert failures_of(read_stream([*first, *second], Forms())) == [(request_id(1), "KeyError")]


def test_a_stretch_that_begins_in_the_middle() -> None:
    """A trace before the first START belongs to the request that ends next."""
    assert failures_of(read_stream(failed_in_text(1)[1:], Forms())) == [(request_id(1), "KeyError")]


def test_messages_of_a_subscription() -> None:
    """Log events of many lines are entries of their own, with their own time."""
    lines = failed_in_text(1)
    records = read_line(subscription([lines[0], "".join(lines[1:5]), *lines[5:]]) * 2, Forms()) or []
    assert failures_of(records) == [(request_id(1), "KeyError")] * 2
    assert all(each.at is not None for each in records)


# Documents one behind the other


@given(
    st.lists(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5)), min_size=1, max_size=5),
    st.sampled_from(["", " ", "\n", ",\n"]),
)
def test_documents_one_behind_the_other(values: list[Any], between: str) -> None:
    """Whatever stands between documents, each is given exactly."""
    texts = [json.dumps(value) for value in values]
    assert list(documents(between.join(texts))) == texts


def test_what_is_no_document_is_given_too() -> None:
    """Nothing is lost behind the last document."""
    assert list(documents('{"a": 1} oops')) == ['{"a": 1}', "oops"]


# Events


@pytest.mark.parametrize(
    ("text", "event"),
    [
        (line(message={"n": 1}, level="INFO"), '{"n": 1}'),
        (line(message="Lambda invocation event", event={"n": 1}), '{"n": 1}'),
        (line(msg="in", event='{"n": 1.0}'), '{"n": 1.0}'),
        (line(message='EVENT: {"n": 1}'), '{"n": 1}'),
        (line(message={"errorType": "E", "errorMessage": "m"}), None),
        (line(message="hello"), None),
        ('Received event: {"n": 1} at last', '{"n": 1}'),
        ("event = {'a': None, 'b': [True, 1.5]}", '{"a": null, "b": [true, 1.5]}'),
        ("prevented: {1}", None),
        ("event: {broken", None),
        ("event: " + "[" * 100_000, None),
        (
            '{"Records": [{"eventSource": "aws:sqs", "body": ""}]}',
            '{"Records": [{"eventSource": "aws:sqs", "body": ""}]}',
        ),
    ],
)
def test_where_events_are_logged(text: str, event: str | None) -> None:
    """Loggers and people put events in known places; what is none is not taken for one."""
    assert logged_event(text) == event


def test_places_that_the_user_tells() -> None:
    """A JSONPath, or the text before it, leads to the event alone."""
    text = '{"a": {"b c": [{"n": 1.0}]}, "event": {"n": 2}}'
    assert logged_event(text, place=EventPlace(path=json_path("$.a['b c'][0]", option="--event-at"))) == '{"n": 1.0}'
    assert logged_event(text, place=EventPlace(path=json_path("a.x", option="--event-at"))) is None
    assert logged_event('in >> {"n": 3}', place=EventPlace(prefix="in >>")) == '{"n": 3}'
    assert logged_event("in >> nothing", place=EventPlace(prefix="in >>")) is None


@pytest.mark.parametrize("path", ["$..a", "$.a[*]", "$.a[", "$.a[?(@.b)]", "$.*"])
def test_paths_to_many_places(path: str) -> None:
    """A path that may lead to several places is refused."""
    with pytest.raises(ConfigurationError):
        json_path(path, option="--event-at")


def test_a_path_of_names_keeps_the_text() -> None:
    """What names lead to is given as it is written."""
    assert text_of_place('{"a": {"b": [1.10, 1e2]}}', ("a", "b")) == "[1.10, 1e2]"
    assert text_of_place('{"a": "x\\u0041"}', ("a",)) == "xA"
    assert text_of_place('{"a": 1}', ()) == '{"a": 1}'


@pytest.mark.parametrize(
    ("text", "known"),
    [
        (request_id(1), True),
        (TRACE, True),
        ("3E57427F3EXAMPLE", True),
        ("fKjH3aaBbCcDdEe=", True),
        ("4111111111111111", False),
        ("ada@example.com", False),
        (None, False),
    ],
)
def test_ids_that_may_be_kept(text: str | None, known: bool) -> None:
    """Only what looks like an id of AWS's is kept as one: a line may hold a card number in its place."""
    assert known_id(text) == (text if known else None)


def test_a_long_text_is_read_some_lines_at_a_time_and_no_error_is_cut() -> None:
    """Wherever thousands of lines are divided, an error and its trace stay together."""
    lines = [
        each for number in range(3_000) for each in (f"[ERROR] A: {number}\n", "Traceback (most recent call last):\n")
    ]
    for first in (lines, ["printed\n", *lines]):
        found = [entry.failure.message for entries in stream_entries(first) for entry, _ in entries if entry.failure]
        assert found == [str(number) for number in range(3_000)]
