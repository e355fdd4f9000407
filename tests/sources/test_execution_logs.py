"""Execution logs of API Gateway: requests that failed, each with its error, and with its event where it was not cut."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from replay.payloads.captures import Capture
from replay.payloads.execution_logs import execution_line
from replay.sources.cloudwatch_logs import CloudWatchLogsOptions, CloudWatchLogsSource
from replay.sources.files import FilesOptions, FilesSource
from replay.sources.s3_logs import S3LogsOptions, S3LogsSource
from tests.enrichment.lambda_log import BEGAN_MS, LambdaLog
from tests.sources.log_samples import failed_in_text, request_id, subscription

GROUP = "API-Gateway-Execution-Logs_a1b2c3/prod"
REPORT = json.dumps(
    {"errorMessage": "'id'", "errorType": "KeyError", "stackTrace": ['  File "/var/task/app.py", line 3, in handler\n']}
)
FUNCTION_ERROR = "Lambda execution failed with status 200 due to customer function error: {}. Lambda request id: x-1"
MALFORMED = "Execution failed due to configuration error: Malformed Lambda proxy response"


def event(number: int, **more: Any) -> str:
    context = {"requestId": request_id(number), "stage": "prod", "identity": {}}
    return json.dumps(
        {"resource": "/o", "path": "/o", "httpMethod": "GET", "requestContext": context, "n": 1.50, **more}
    )


def execution(number: int, *told: str, body: str = "", status: int = 502) -> list[str]:
    """Give the lines of a request: what comes before the integration, what the integration made of it, the status."""
    lines = [
        f"Starting execution for request: {request_id(number)}",
        "HTTP Method: GET, Resource Path: /o",
        "Method request headers: {x-api-key=abcdefghijklmnop1234}",
        'Method request body before transformations: {"request": {"n": 1}}',
        f"Endpoint request body after transformations: {body}",
        *told,
        f"Method completed with status: {status}",
    ]
    return [f"({request_id(number)}) {each}" for each in lines]


def mixed(*requests: list[str]) -> list[str]:
    """Interleave requests, as one stream holds them that run at the same time."""
    longest = max(map(len, requests))
    return [request[line] for line in range(longest) for request in requests if line < len(request)]


GOOD = execution(1, body=event(1), status=200)
FAILED = execution(
    2,
    f"Endpoint response body before transformations: {REPORT}",
    FUNCTION_ERROR.format("'id'"),
    body=event(2),
)
CUT = execution(3, MALFORMED, body=event(3)[:80] + " [TRUNCATED]")


def in_objects(folder: Path, *texts: str) -> tuple[list[Capture], list[str]]:
    for number, text in enumerate(texts):
        (folder / f"{number}.log").write_text(text)
    with S3LogsSource(S3LogsOptions(path=(str(folder),), processes=1)).open() as recording:
        captures = list(recording.captures())
    return captures, recording.notes


def exported(lines: list[str]) -> str:
    return "".join(f"2026-11-21T07:00:00.{number:03d}Z {line}\n" for number, line in enumerate(lines))


def sent_on(lines: list[str]) -> str:
    return subscription(lines).replace("/aws/lambda/orders", GROUP)


@pytest.mark.parametrize("write", [exported, sent_on])
def test_failed_requests_are_found_in_objects(tmp_path: Path, write: Any) -> None:
    """A 5xx is a failed request, with the function's error and its exact event; one that was cut is missing."""
    (capture,), notes = in_objects(tmp_path, write(mixed(GOOD, FAILED, CUT)))
    assert (capture.body, capture.origin.identity) == (event(2), request_id(2))
    assert capture.failure is not None
    assert (capture.failure.error_type, capture.failure.message) == ("KeyError", "'id'")
    assert capture.failure.frames[-1].function == "handler"
    assert not any("x-api-key" in line or "requestContext" in line for line in capture.failure.log_lines)
    assert notes[0] == "1 failed request has no event, which was never logged: HTTP 502"


def test_a_request_is_one_failure_with_the_log_of_its_function(tmp_path: Path) -> None:
    """The event that was cut here stands in the function's own log, which names the request; both are one failure."""
    of_function = failed_in_text(9, f"event: {event(3)}\n", error="KeyError: 'id'")
    captures, _ = in_objects(tmp_path, exported(CUT), "".join(of_function))
    assert [each.body for each in captures] == [event(3)]


def test_failed_requests_are_found_in_the_log_group() -> None:
    """By the id of each request, though many run at the same time; what was cut is counted."""
    with mock_aws():
        log = LambdaLog(boto3.client("logs"), group=GROUP, stream="0123456789abcdef")
        log.write(*mixed(GOOD, FAILED, CUT))
        began = datetime.fromtimestamp(BEGAN_MS / 1000, UTC)
        with CloudWatchLogsSource(CloudWatchLogsOptions(log_group=GROUP)).open() as recording:
            recording.within(began, began + timedelta(hours=1))
            captures = list(recording.captures())
    assert [(each.body, each.origin.identity) for each in captures] == [(event(2), request_id(2))]
    assert captures[0].failure is not None
    assert captures[0].failure.error_type == "KeyError"
    assert "logged no event" in recording.notes[0]


def test_failed_requests_are_found_in_a_saved_answer(tmp_path: Path) -> None:
    """As `aws logs filter-log-events` answers for the group."""
    told = [
        {"timestamp": BEGAN_MS + number, "logStreamName": "s", "ingestionTime": BEGAN_MS, "message": each}
        for number, each in enumerate(mixed(GOOD, FAILED, CUT))
    ]
    (tmp_path / "answer.json").write_text(json.dumps({"events": told}))
    with FilesSource(FilesOptions(path=(str(tmp_path / "answer.json"),))).open() as recording:
        captures = list(recording.captures())
    assert [each.body for each in captures] == [event(2)]


@pytest.mark.parametrize(
    "body",
    [
        event(2)[:80] + " [TRUNCATED]",
        event(2, methodArn="arn:aws:execute-api:eu-west-1:111122223333:a1b2c3/prod/GET/o", type="REQUEST"),
        event(7),
        '{"request": {"n": 1}}',
        "",
    ],
    ids=["cut", "authorizer", "another request", "another integration", "nothing"],
)
def test_what_is_not_the_function_s_event_is_not_taken_for_it(tmp_path: Path, body: str) -> None:
    """An authorizer's event, the body of an HTTP integration, or a part of the event: nothing is made of them."""
    captures, notes = in_objects(tmp_path, exported(execution(2, MALFORMED, body=body)))
    assert captures == []
    assert notes[0] == "1 failed request has no event, which was never logged: HTTP 502"


def test_what_another_integration_was_sent_can_be_asked_for(tmp_path: Path) -> None:
    """A mapping template makes the event of a function without proxy: --event-prefix says where it stands."""
    (tmp_path / "a.log").write_text(exported(execution(2, MALFORMED, body='{"n":  1}')))
    prefix = "Endpoint request body after transformations:"
    with S3LogsSource(S3LogsOptions(path=(str(tmp_path),), processes=1, event_prefix=prefix)).open() as recording:
        assert [each.body for each in recording.captures()] == ['{"n":  1}']


@pytest.mark.parametrize(
    ("told", "status", "expected"),
    [
        (MALFORMED, 502, ("HTTP 502", "Malformed Lambda proxy response")),
        ("Execution failed due to a timeout error", 504, ("HTTP 504", "Execution failed due to a timeout error")),
        (FUNCTION_ERROR.format("no customer"), 502, ("HTTP 502", "no customer")),
        (
            FUNCTION_ERROR.format(f"2026-11-21T07:00:10.000Z {request_id(8)} Task timed out after 10.00 seconds"),
            502,
            ("Sandbox.Timedout", "Task timed out after 10.00 seconds"),
        ),
        ("Received response. Status: 200, Integration latency: 5 ms", 500, ("HTTP 500", "")),
    ],
)
def test_the_error_is_as_api_gateway_tells_it(
    tmp_path: Path, told: str, status: int, expected: tuple[str, str]
) -> None:
    """The status with the gateway's reason or the function's message; what Lambda stopped is a timeout."""
    (capture,), _ = in_objects(tmp_path, exported(execution(2, told, body=event(2), status=status)))
    assert capture.failure is not None
    assert (capture.failure.error_type, capture.failure.message) == expected


@pytest.mark.parametrize(
    "text",
    [
        f"({request_id(1)}) paid",
        "(1) Method completed with status: 502",
        f"{request_id(1)} Method completed with status: 502",
        "(",
    ],
)
def test_what_a_function_prints_is_no_line_of_api_gateway(text: str) -> None:
    """Only the gateway's own words behind a request's id in brackets are its lines."""
    assert execution_line(text) is None
