"""The cloudwatch-logs source: failed invocations with the events that they logged, and a count of those that did not."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber
from moto import mock_aws

from replay.errors import AwsError, ConfigurationError, SourceError
from replay.fixtures.store import Store
from replay.payloads.captures import Capture
from replay.payloads.log_formats.log_answers import LogLine
from replay.readers.insights import query_lines
from replay.recorder import record
from replay.redaction.redactor import Redactor
from replay.redaction.settings import RedactionSettings
from replay.sources import cloudwatch_logs as module
from replay.sources.cloudwatch_logs import CloudWatchLogsOptions, CloudWatchLogsSource
from tests.enrichment.lambda_log import BEGAN_MS, LambdaLog, traced

SQS_EVENT = '{"Records": [{"messageId": "0a1b2c3d-1111-4222-8333-444455556666", "body": "x", "eventSource": "aws:sqs", "n": 2.50}]}'
BEGAN = datetime.fromtimestamp(BEGAN_MS / 1000, UTC)
TIME = {"since": BEGAN, "until": BEGAN + timedelta(hours=1)}


@pytest.fixture
def log() -> Iterator[LambdaLog]:
    with mock_aws():
        yield LambdaLog(boto3.client("logs"))


def recorded(**options: Any) -> tuple[list[Capture], list[str]]:
    time = {name: options.pop(name, default) for name, default in TIME.items()}
    chosen = {"function": "orders", "function_timeout_s": 3.0, **options}
    with CloudWatchLogsSource(CloudWatchLogsOptions(**chosen)).open() as recording:
        recording.within(**time)
        captures = list(recording.captures())
    return captures, recording.notes


def powertools(event: str) -> str:
    return f'{{"level":"INFO","location":"decorate:314","message":{event},"function_request_id":"<id>"}}\n'


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([powertools(SQS_EVENT)], SQS_EVENT),
        ([f"{SQS_EVENT}\n"], SQS_EVENT),
        ([f"Received event: {SQS_EVENT}\n"], SQS_EVENT),
        (["[INFO]\t2026-11-21T08:00:00.000Z\t<id>\tevent: " + SQS_EVENT + "\n"], SQS_EVENT),
        (["## EVENT\n", f"{SQS_EVENT}\n"], SQS_EVENT),
        (["Event: {'n': 1, 'none': None}\n"], '{"n":1,"none":null}'),
    ],
    ids=["powertools", "printed", "labelled", "logging", "heading", "python"],
)
def test_the_event_is_found_where_people_log_it(log: LambdaLog, lines: list[str], expected: str) -> None:
    """Whatever logged the event, it comes back, exactly where it was JSON."""
    log.invoke(*lines, error="KeyError: 'customer_id'")
    (capture,), _ = recorded()
    assert capture.body.replace(" ", "") == expected.replace(" ", "")
    if "None" not in lines[0]:
        assert capture.body == expected


def test_a_failed_invocation_becomes_a_capture(log: LambdaLog) -> None:
    """It has the time, the error with its stack, the request's id, the lines and the report."""
    log.invoke(f"event: {SQS_EVENT}\n")
    request_id = log.invoke(f"event: {SQS_EVENT}\n", error="KeyError: 'customer_id'")
    (capture,), notes = recorded()
    assert (capture.origin.identity, capture.origin.source) == (request_id, "cloudwatch-logs")
    assert capture.sent_at is not None
    assert BEGAN < capture.sent_at < BEGAN + timedelta(minutes=1)
    failure = capture.failure
    assert failure is not None
    assert (failure.error_type, failure.message, failure.request_id) == ("KeyError", "'customer_id'", request_id)
    assert failure.frames
    assert failure.report is not None
    assert failure.report.memory_size_mb == 128
    assert len(failure.log_lines) == 5
    assert notes == []


@pytest.mark.parametrize(
    ("line", "error_type"),
    [
        ("2026-11-21T08:00:03.000Z <id> Task timed out after 3.00 seconds\n\n", "Sandbox.Timedout"),
        ("RequestId: <id> Error: Runtime exited with error: signal: killed\nRuntime.ExitError\n", "Runtime.ExitError"),
        ("[ERROR] Runtime.MarshalError: Unable to marshal response\n", "Runtime.MarshalError"),
        ("RequestId: <id> Process exited before completing request\n\n", "Runtime.ExitError"),
        (
            "RequestId: <id> Error: fork/exec /var/task/bootstrap: no such file\nRuntime.InvalidEntrypoint\n",
            "Runtime.InvalidEntrypoint",
        ),
        (
            "sold out: shop.NoStockException\nshop.NoStockException: sold out\n\tat shop.A.b(A.java:1)\n",
            "shop.NoStockException",
        ),
        (
            '2026-11-21T08:00:00.000Z\t<id>\tERROR\tInvoke Error \t{"errorType":"TypeError","errorMessage":"x","stack":["TypeError: x"]}\n',
            "TypeError",
        ),
        (
            '{"timestamp":"2026-11-21T08:00:00Z","log_level":"ERROR","errorMessage":"\'a\'","errorType":"KeyError","requestId":"<id>","stackTrace":[]}\n',
            "KeyError",
        ),
    ],
)
def test_every_kind_of_failure_is_found(log: LambdaLog, line: str, error_type: str) -> None:
    """Errors of runtimes, timeouts, exits, in text and in JSON."""
    log.invoke(f"event: {SQS_EVENT}\n", line)
    (capture,), _ = recorded()
    assert capture.failure is not None
    assert capture.failure.error_type == error_type


def test_an_error_that_was_only_logged_is_no_failure(log: LambdaLog) -> None:
    """A function that logs an error and ends well did not fail."""
    log.invoke(f"event: {SQS_EVENT}\n", "[ERROR]\t2026-11-21T08:00:00.000Z\t<id>\tno luck, tried again\n")
    assert recorded() == ([], [])


def test_an_event_that_was_never_logged_is_told(log: LambdaLog) -> None:
    """What failed and cannot be replayed is counted by its error, without a word of anybody's data."""
    for _ in range(2):
        log.invoke("[INFO] working\n", error="KeyError: 'jane@example.com'")
    last = log.invoke(error="ValueError: x")
    captures, (note, latest) = recorded()
    assert captures == []
    told = "logged no event, so there is nothing to replay"
    assert note == f"3 invocations in /aws/lambda/orders {told}: 2 KeyError, 1 ValueError"
    assert latest.startswith(f"the last of them is {last} at 2026-11-21 08:00:0")


def test_only_the_asked_time_is_read(log: LambdaLog) -> None:
    """What failed before or after the time is not there."""
    log.invoke(f"event: {SQS_EVENT}\n", error="KeyError: 'early'")
    log.at_ms += 3_600_000
    inside = log.invoke(f"event: {SQS_EVENT}\n", error="KeyError: 'a'")
    log.at_ms += 3_600_000
    log.invoke(f"event: {SQS_EVENT}\n", error="KeyError: 'late'")
    since, until = BEGAN + timedelta(minutes=30), BEGAN + timedelta(minutes=90)
    captures, _ = recorded(since=since, until=until)
    assert [capture.origin.identity for capture in captures] == [inside]


@pytest.mark.parametrize("query", [None, "filter @message like /timed out/"])
def test_an_invocation_belongs_to_the_time_in_which_it_failed(log: LambdaLog, query: str | None) -> None:
    """One that crosses the hour is in the hour of its failure, and in no other: recording every hour loses none."""
    hour_ms = BEGAN_MS + 3_600_000
    log.at_ms = hour_ms - 1_000
    log.write("START RequestId: 7d0c6d9e-53f4-4f5a-8a52-2b51a6e6f001 Version: $LATEST\n", f"event: {SQS_EVENT}\n")
    log.at_ms = hour_ms + 1_000
    log.write("2026-11-21T09:00:01.000Z 7d0c6d9e-53f4-4f5a-8a52-2b51a6e6f001 Task timed out after 2.00 seconds\n\n")
    hour = BEGAN + timedelta(hours=1)
    recording = partial(_written, query=query)
    assert recording(since=hour, until=hour + timedelta(hours=1)) == ["7d0c6d9e-53f4-4f5a-8a52-2b51a6e6f001"]
    if query is None:  # moto ignores what a query filters by
        assert recording(since=BEGAN, until=hour) == []


def _written(**asked: Any) -> list[str]:
    """Record as `replay record` does; gives the ids of the fixtures."""
    time = {"since": asked.pop("since"), "until": asked.pop("until")}
    source = CloudWatchLogsSource(CloudWatchLogsOptions(function="orders", function_timeout_s=3.0, **asked))
    with TemporaryDirectory() as folder:
        store = Store(Path(folder))
        record(source, store=store, function="orders", redact=Redactor(RedactionSettings(enabled=False)), **time)
        return [store.load(each).provenance.identity for each in store.references()]


@pytest.mark.parametrize(
    ("arn", "told"),
    [
        ("arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/orders", "add --region eu-west-1"),
        ("arn:aws:logs:us-east-1:999999999999:log-group:/aws/lambda/orders:*", "use the --profile of that account"),
    ],
)
def test_the_log_of_another_place_is_not_read(monkeypatch: pytest.MonkeyPatch, arn: str, told: str) -> None:
    """A group given by its ARN is that group: one of the same name here is not read in its place."""
    logs, sts = (boto3.client(service, region_name="us-east-1") for service in ("logs", "sts"))
    monkeypatch.setattr("replay.sources.aws_options.aws_client", lambda name, **_: {"logs": logs, "sts": sts}[name])
    stubber = Stubber(sts)
    stubber.add_response("get_caller_identity", {"Account": "123456789012"})
    with stubber, pytest.raises(ConfigurationError) as caught:
        CloudWatchLogsSource(CloudWatchLogsOptions(log_group=arn)).open()
    assert caught.value.where == arn
    assert caught.value.hint == told


def test_lines_like_the_one_that_was_found_are_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """A query that finds one line finds its invocation only, though others failed with the same words."""
    with mock_aws():
        log = LambdaLog(boto3.client("logs", region_name="us-east-1"))
        ids = [log.invoke(f"event: {SQS_EVENT}\n", error="KeyError: 'a'") for _ in range(3)]
        told = log.client.filter_log_events(logGroupName=log.group, filterPattern="KeyError")["events"]
        line = LogLine(told[1]["timestamp"], log.stream, told[1]["message"].strip())
        monkeypatch.setattr(module, "query_lines", lambda *_, **__: iter([line]))
        captures, _ = recorded(query="filter @requestId = 'x'")
    assert [capture.origin.identity for capture in captures] == ids[1:2]


@pytest.mark.parametrize(
    "after",
    ["  retrying later\n", "\n", "Traceback (most recent call last):\n  File\n"],
    ids=["indented", "empty", "trace"],
)
def test_a_line_is_found_though_what_follows_belongs_to_it(log: LambdaLog, after: str) -> None:
    """A log event of several lines with another behind it is one entry; the pattern that finds the first finds it."""
    trace = 'Traceback (most recent call last):\n  File "a.py", line 1, in f\n    x()\nValueError: no\n'
    declined = log.invoke(f"event: {SQS_EVENT}\n", f"[ERROR]\t2026-11-21T08:00:00.000Z\t<id>\tdeclined\n{trace}", after)
    captures, _ = recorded(pattern="declined")
    assert [capture.origin.identity for capture in captures] == [declined]


def test_a_pattern_chooses_invocations_that_did_not_fail(log: LambdaLog) -> None:
    """With a pattern the user says what is wrong: an invocation that Lambda calls a success is taken too."""
    log.invoke(f"event: {SQS_EVENT}\n")
    declined = log.invoke(f"event: {SQS_EVENT}\n", "payment declined\n")
    (capture,), _ = recorded(pattern='"payment declined"')
    assert (capture.origin.identity, capture.failure) == (declined, None)


def test_event_at_and_event_prefix_say_where_events_are(log: LambdaLog) -> None:
    """A place of its own is named: at a JSONPath, or behind a text."""
    log.invoke('{"msg": "in", "http": {"request": {"n": 1.50}}}\n', error="KeyError: 'a'")
    assert recorded(event_at="$.http.request")[0][0].body == '{"n": 1.50}'
    log.invoke('>>> {"n": 2.50}\n', error="KeyError: 'a'")
    assert recorded(event_prefix=">>>")[0][0].body == '{"n": 2.50}'


def test_streams_are_kept_apart(log: LambdaLog) -> None:
    """Two environments at the same time do not mix their lines."""
    other = LambdaLog(log.client, stream="2026/11/21/[$LATEST]fedcba9876543210")
    ids = [each.invoke(f'event: {{"from": "{each.stream[-4:]}"}}\n', error="KeyError: 'a'") for each in (log, other)]
    captures, _ = recorded()
    assert {capture.origin.identity: json.loads(capture.body)["from"] for capture in captures} == {
        ids[0]: "cdef",
        ids[1]: "3210",
    }


@pytest.mark.parametrize("at_once", [1, 200])
def test_a_request_that_was_tried_again_is_given_once(
    log: LambdaLog, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    """Lambda tries an asynchronous request again under its id, often in another environment: the first failure is it."""
    monkeypatch.setattr(module, "_AT_ONCE", at_once)
    again = LambdaLog(log.client, stream="2026/11/21/[$LATEST]fedcba9876543210", at_ms=BEGAN_MS + 60_000)
    name = log.invoke('event: {"n": 1}\n', error="KeyError: 'a'")
    again.invoke('event: {"n": 1}\n', request_id=name, error="KeyError: 'b'")
    ((capture,), _) = recorded()
    assert capture.failure is not None
    assert (capture.origin.identity, capture.failure.message) == (name, "'a'")


def test_it_reads_on_in_parts(log: LambdaLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log of many failures is read some lines at a time; each invocation is given once, in order."""
    monkeypatch.setattr(module, "_AT_ONCE", 3)
    ids = [log.invoke(f"event: {SQS_EVENT}\n", error="KeyError: 'a'", gap_ms=100) for _ in range(20)]
    captures, _ = recorded()
    assert [capture.origin.identity for capture in captures] == ids


def test_a_limit_ends_the_reading(log: LambdaLog) -> None:
    """No more is given than was asked for."""
    for _ in range(5):
        log.invoke(f"event: {SQS_EVENT}\n", error="KeyError: 'a'")
    with CloudWatchLogsSource(CloudWatchLogsOptions(function="orders")).open() as recording:
        recording.within(**TIME)
        recording.at_most(2)
        assert len(list(recording.captures())) == 2


def test_without_a_time_the_last_hour_is_read_and_said(log: LambdaLog) -> None:
    """A log has no end: the default is short, and told."""
    log.at_ms = int((datetime.now(UTC) - timedelta(minutes=5)).timestamp() * 1000)
    log.invoke(f"event: {SQS_EVENT}\n", error="KeyError: 'a'")
    captures, (note,) = recorded(since=None, until=None)
    assert len(captures) == 1
    assert note.startswith("only the hour before ")


def test_the_group_of_a_stack_s_function_is_found(log: LambdaLog) -> None:
    """Without `--log-group` the one group with the function's name in it is meant."""
    LambdaLog(log.client, group="/aws/lambda/shop-OrdersFunction-1A2B").invoke(f"event: {SQS_EVENT}\n", error="E: x")
    captures, _ = recorded(function="OrdersFunction")
    assert captures[0].origin.place.startswith("/aws/lambda/shop-OrdersFunction-1A2B ")


def test_the_group_is_found_by_the_name_in_the_template(log: LambdaLog) -> None:
    """`--function orders` means the template's OrdersFunction, and so the group that its stack named after that."""
    LambdaLog(log.client, group="/aws/lambda/shop-OrdersFunction-1A2B").invoke(f"event: {SQS_EVENT}\n", error="E: x")
    captures, _ = recorded(function="orders", function_physical_name="OrdersFunction")
    assert captures[0].origin.place.startswith("/aws/lambda/shop-OrdersFunction-1A2B ")
    captures, _ = recorded(function="shop-Orders", function_physical_name="default-Orders")
    assert captures[0].origin.place.startswith("/aws/lambda/shop-OrdersFunction-1A2B ")


def test_a_missing_group_is_told_with_those_that_are_there(log: LambdaLog) -> None:
    """A misspelt group is an error before anything is read."""
    for stack in ("shop", "test"):
        LambdaLog(log.client, group=f"/aws/lambda/{stack}-OrdersFunction")
    with pytest.raises(SourceError) as caught:
        recorded(function="OrdersFunction")
    assert "shop-OrdersFunction" in caught.value.expected
    with pytest.raises(SourceError, match="no such log group"):
        recorded(log_group="/nowhere")


@pytest.mark.parametrize(
    "options",
    [
        {"pattern": "x", "query": "y"},
        {"event_at": "$.a", "event_prefix": "b"},
        {"function": None},
        {"event_at": "$.*"},
    ],
)
def test_what_cannot_be_meant_is_refused(options: dict[str, Any]) -> None:
    """Two ways at once, no log at all, or a path that cannot be read."""
    with mock_aws(), pytest.raises(ConfigurationError):
        recorded(**options)


# Logs Insights


def test_a_query_finds_lines_and_their_invocations(log: LambdaLog) -> None:
    """The invocations of the rows are taken (moto runs a query, but ignores its filter: the query text is checked below)."""
    ids = [log.invoke(f"event: {SQS_EVENT}\n", error="KeyError: 'a'") for _ in range(3)]
    captures, _ = recorded(query="filter @message like /KeyError/")
    assert [capture.origin.identity for capture in captures] == ids


def _stubbed(monkeypatch: pytest.MonkeyPatch) -> Stubber:
    """Stand in for AWS itself, where no emulator filters by Insights or by several terms."""
    client = boto3.client("logs", region_name="us-east-1")
    monkeypatch.setattr("replay.sources.aws_options.aws_client", lambda *_, **__: client)
    stubber = Stubber(client)
    stubber.add_response("filter_log_events", {"events": []}, {"logGroupName": ANY, "startTime": ANY, "endTime": ANY})
    return stubber


def test_aws_itself_is_asked_for_failures_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """On AWS the pattern holds every sign of a failure, within its 1,024 characters."""
    with _stubbed(monkeypatch) as stubber:
        patterns: list[str] = []
        stubber.client.meta.events.register(
            "provide-client-params.cloudwatch-logs.FilterLogEvents",
            lambda params, **_: patterns.append(params.get("filterPattern", "")),
        )
        stubber.add_response("filter_log_events", {"events": []})
        assert recorded() == ([], [])
    assert '?"Task timed out after"' in patterns[1]
    assert all(len(pattern) <= 1_024 for pattern in patterns)


def test_a_query_is_sent_polled_and_its_cost_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's filter is put between the fields that we need and a limit; what was scanned is said."""
    monkeypatch.setattr("replay.readers.insights._FIRST_WAIT_S", 0.001)
    with _stubbed(monkeypatch) as stubber:
        expected = {
            "logGroupName": "/aws/lambda/orders",
            "startTime": BEGAN_MS // 1000,
            "endTime": BEGAN_MS // 1000 + 3600,
            "queryString": "fields @timestamp, @message, @logStream | filter @message like /boom/ | sort @timestamp asc | limit 10000",
        }
        stubber.add_response("start_query", {"queryId": "q1"}, expected)
        stubber.add_response("get_query_results", {"status": "Running", "results": []}, {"queryId": "q1"})
        row = [
            {"field": "@timestamp", "value": "2026-11-21 08:00:01.250"},
            {"field": "@message", "value": traced("KeyError: 'a'")},
            {"field": "@logStream", "value": "s"},
        ]
        done = {"status": "Complete", "results": [row], "statistics": {"bytesScanned": 2_500_000.0}}
        stubber.add_response("get_query_results", done, {"queryId": "q1"})
        times = {"startTime": BEGAN_MS + 1_250 - 3_000, "endTime": BEGAN_MS + 1_250 + 3_000 + 1_000 + 1}
        stubber.add_response(
            "get_log_events",
            {"events": []},
            {"logGroupName": "/aws/lambda/orders", "logStreamName": "s", "startFromHead": True, **times},
        )
        captures, notes = recorded(query="filter @message like /boom/")
        stubber.assert_no_pending_responses()
    assert (captures, notes) == ([], ["Logs Insights scanned 2.5 MB"])


@pytest.mark.parametrize(
    ("query", "sent"),
    [
        ("filter @message like /a/ | dedup @requestId", " | dedup @requestId | limit 10000"),
        ("filter @message like /a/ # dear reader", " # dear reader\n | sort @timestamp asc | limit 10000"),
        ("filter @message like /a/ | limit 5", " | limit 5"),
    ],
)
def test_what_is_put_behind_a_query_may_stand_there(query: str, sent: str) -> None:
    """Behind `dedup` Insights takes nothing but a limit, and a comment goes on to the end of its line."""
    client = boto3.client("logs", region_name="us-east-1")
    stubber = Stubber(client)
    text = f"fields @timestamp, @message, @logStream | filter @message like /a/{sent}"
    expected = {"logGroupName": "g", "startTime": 1, "endTime": 2, "queryString": text}
    stubber.add_response("start_query", {"queryId": "q1"}, expected)
    stubber.add_response("get_query_results", {"status": "Complete", "results": []}, {"queryId": "q1"})
    with stubber:
        assert list(query_lines(client, "g", query, start_s=1, end_s=2)) == []


def test_ctrl_c_stops_the_query(monkeypatch: pytest.MonkeyPatch) -> None:
    """What still runs would be billed for nothing."""

    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "query_lines", partial(query_lines, wait=interrupted))
    with _stubbed(monkeypatch) as stubber:
        stubber.add_response("start_query", {"queryId": "q1"})
        stubber.add_response("get_query_results", {"status": "Running", "results": []})
        stubber.add_response("stop_query", {"success": True}, {"queryId": "q1"})
        with pytest.raises(KeyboardInterrupt):
            recorded(query="filter 1 = 1")
        stubber.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"status": "Failed", "results": []}, AwsError),
        ({"status": "Timeout", "results": []}, AwsError),
        ({"status": "Complete", "results": [[{"field": "count", "value": "1"}]]}, ConfigurationError),
    ],
)
def test_a_query_that_leads_nowhere_is_told(
    monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any], error: type[Exception]
) -> None:
    """A failed query, or one whose rows are no lines, ends the recording with what to do."""
    with _stubbed(monkeypatch) as stubber:
        stubber.add_response("start_query", {"queryId": "q1"})
        stubber.add_response("get_query_results", answer)
        with pytest.raises(error):
            recorded(query="stats count()")
