"""The xray source: failed requests by their traces, with the events that the function logged and the tree of segments."""

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from replay.errors import AwsError, ConfigurationError
from replay.fixtures.store import Store
from replay.payloads.captures import Capture
from replay.payloads.traces import traced_requests
from replay.readers.traces import LONGEST_WINDOW, segment_documents, trace_ids, windows
from replay.recorder import record
from replay.redaction.redactor import Redactor
from replay.reports.fixture_card import fixture_card, fixture_document
from replay.sources import aws_options as module
from replay.sources.xray import XRayOptions, XRaySource
from tests.enrichment.lambda_log import BEGAN_MS, LambdaLog
from tests.sources.traced_requests import put_trace, trace

EVENT = '{"n": 2.50}'
BEGAN = datetime.fromtimestamp(BEGAN_MS / 1000, UTC)
TIME = {"since": BEGAN - timedelta(minutes=1), "until": BEGAN + timedelta(hours=1)}
REFUSED = "ConditionalCheckFailedException: The conditional request failed"


@pytest.fixture
def log() -> Iterator[LambdaLog]:
    with mock_aws():
        yield LambdaLog(boto3.client("logs"))


def recorded(**options: Any) -> tuple[list[Capture], list[str]]:
    """Without a filter expression, which moto does not know."""
    time = {name: options.pop(name, default) for name, default in TIME.items()}
    chosen = {"function": "orders", "function_timeout_s": 3.0, "filter": "", **options}
    with XRaySource(XRayOptions(**chosen)).open() as recording:
        recording.within(**time)
        captures = list(recording.captures())
    return captures, recording.notes


def test_a_failed_request_becomes_a_capture_with_its_trace(log: LambdaLog) -> None:
    """The event out of the log, the error with its stack, and the tree with the call in which the fault began."""
    put_trace(log, f"event: {EVENT}\n")
    request_id = put_trace(log, f"event: {EVENT}\n", error=REFUSED)
    (capture,), notes = recorded()
    assert (capture.origin.source, capture.origin.identity, capture.body) == ("xray", request_id, EVENT)
    failure = capture.failure
    assert failure is not None
    assert (failure.error_type, failure.request_id) == ("ConditionalCheckFailedException", request_id)
    assert failure.frames
    assert [(each.name, each.depth, each.status, each.began) for each in failure.trace] == [
        ("orders", 0, "ok", False),
        ("orders", 1, "fault", False),
        ("Invocation", 2, "fault", False),
        ("DynamoDB PutItem", 3, "fault", True),
    ]
    assert failure.trace_id is not None
    assert notes == []


def test_the_fixture_keeps_the_trace_and_shows_where_the_fault_began(
    log: LambdaLog, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`replay show` has the tree, and says above it in which call it all began; `--json` has it too."""
    put_trace(log, f"event: {EVENT}\n", error=REFUSED)
    store = Store(tmp_path)
    source = XRaySource(XRayOptions(function="orders", function_timeout_s=3.0, filter=""))
    options: dict[str, Any] = {"store": store, "function": "orders", "redact": Redactor(), **TIME}
    assert record(source, **options).written == 1
    fixture = store.load(store.references()[0])
    card = fixture_card(fixture).splitlines()
    assert f"began      in DynamoDB PutItem  fault  {REFUSED}" in card
    assert f">       DynamoDB PutItem  500 ms  fault  {REFUSED}  (the fault began here)" in card
    document = fixture_document(fixture)
    assert isinstance(document["trace"], list)
    assert [each["began"] for each in document["trace"]] == [False, False, False, True]


def test_an_event_that_was_never_logged_is_told_with_what_is_known(log: LambdaLog) -> None:
    """A failed request without its event in the log is counted by its error; one without a line at all is named."""
    put_trace(log, "[INFO] working\n", error="KeyError: 'jane@example.com'")
    captures, notes = recorded()
    assert captures == []
    assert notes[0] == "1 invocation in /aws/lambda/orders logged no event, so there is nothing to replay: 1 KeyError"
    lost = str(uuid.uuid4())
    documents = trace(lost, start_s=BEGAN_MS / 1000 + 60, error="E: x")
    boto3.client("xray").put_trace_segments(TraceSegmentDocuments=[json.dumps(each) for each in documents])
    _, notes = recorded()
    assert any("1 traced request is not in /aws/lambda/orders (it has no line of them)" in note for note in notes)
    assert any(lost in note and "replay record sqs" in note for note in notes)


def test_a_log_that_is_not_there_is_told(log: LambdaLog) -> None:
    """The requests are known, their log is not: it is said, and the rest goes on."""
    put_trace(log, f"event: {EVENT}\n", error="E: x")
    captures, (note, *_) = recorded(log_group="/nowhere")
    assert captures == []
    assert "(there is no such log group)" in note


def test_requests_of_other_functions_are_left_out(log: LambdaLog) -> None:
    """A trace goes through many functions; when none of them is meant, those that there are are named."""
    other = LambdaLog(log.client, group="/aws/lambda/billing")
    put_trace(other, f"event: {EVENT}\n", error="E: x", function="billing")
    captures, (note,) = recorded()
    assert captures == []
    assert note == "1 trace found, and none has a failed request of orders; of others: billing"
    stack = LambdaLog(log.client, group="/aws/lambda/shop-orders-1A2B")
    put_trace(stack, f"event: {EVENT}\n", error="E: x", function="shop-orders-1A2B")
    (capture,), _ = recorded()
    assert capture.origin.place.startswith("/aws/lambda/shop-orders-1A2B ")


def test_a_function_whose_name_is_a_part_of_another_s_is_told_apart(log: LambdaLog) -> None:
    """`orders` is not `orders-batch`, where both are in the traces."""
    batch = LambdaLog(log.client, group="/aws/lambda/orders-batch")
    put_trace(batch, f"event: {EVENT}\n", error="E: x", function="orders-batch")
    mine = put_trace(log, f"event: {EVENT}\n", error="E: x")
    captures, _ = recorded()
    assert [capture.origin.identity for capture in captures] == [mine]


def test_a_request_whose_log_tells_no_error_has_the_one_of_its_trace(log: LambdaLog) -> None:
    """What the function swallowed in its log, the segments still know."""
    start_s = log.at_ms / 1000
    request_id = log.invoke(f"event: {EVENT}\n")
    documents = trace(request_id, start_s=start_s, error="Timeout: no answer")
    boto3.client("xray").put_trace_segments(TraceSegmentDocuments=[json.dumps(each) for each in documents])
    (capture,), _ = recorded()
    assert capture.failure is not None
    assert (capture.failure.error_type, capture.failure.message) == ("Timeout", "no answer")


def test_without_a_trace_the_expression_is_told(log: LambdaLog) -> None:
    """Nothing found is said with what was asked for, and the default time with how to look further back."""
    _, notes = recorded(since=None, until=None)
    assert notes[0].startswith("only the hour before ")
    assert notes[1] == "X-Ray found no trace in this time for: any"


def test_two_places_of_events_are_refused() -> None:
    """Only one can be meant."""
    with pytest.raises(ConfigurationError):
        XRayOptions(event_at="$.a", event_prefix="b")


@pytest.mark.parametrize(
    ("options", "expression"),
    [
        ({"function": "orders"}, 'service("orders") { fault = true OR error = true OR throttle = true }'),
        (
            {"function": "orders", "function_log_group": "/aws/lambda/shop-orders"},
            'service("shop-orders") { fault = true OR error = true OR throttle = true }',
        ),
        ({"function": 'x") OR ok'}, "fault = true OR error = true OR throttle = true"),
        ({"function": "orders", "filter": "responsetime > 5"}, "responsetime > 5"),
    ],
)
def test_x_ray_is_asked_for_the_faults_of_the_function(options: dict[str, str], expression: str) -> None:
    """By its name as AWS has it; with --filter for what the user wants."""
    assert XRayOptions(**options).expression == expression


def test_a_filter_is_sent_and_all_requests_of_its_traces_are_taken(
    log: LambdaLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The expression goes out with each window (moto does not know one, so botocore's Stubber answers)."""
    start_s = log.at_ms / 1000
    request_id = log.invoke(f"event: {EVENT}\n")
    documents = trace(request_id, start_s=start_s)
    name = documents[0]["trace_id"]
    client = boto3.client("xray", region_name="us-east-1")
    real = module.aws_client
    monkeypatch.setattr(module, "aws_client", lambda service, **o: client if service == "xray" else real(service, **o))
    with Stubber(client) as stubber:
        asked = {"FilterExpression": "responsetime > 5", "StartTime": TIME["since"], "EndTime": TIME["until"]}
        stubber.add_response("get_trace_summaries", {"TraceSummaries": [{"Id": name}]}, asked)
        segments = [{"Id": each["id"], "Document": json.dumps(each)} for each in documents]
        found = {"Traces": [{"Id": name, "Segments": segments}], "UnprocessedTraceIds": []}
        stubber.add_response("batch_get_traces", found, {"TraceIds": [name]})
        captures, notes = recorded(filter="responsetime > 5")
        stubber.assert_no_pending_responses()
    assert [(each.body, each.failure) for each in captures] == [(EVENT, None)]
    assert notes == []


# What X-Ray is asked


@given(st.integers(0, 10**6), st.timedeltas(timedelta(), timedelta(days=9)))
def test_windows_touch_and_are_none_too_long(after_s: int, length: timedelta) -> None:
    """Together they are the whole time, and X-Ray takes each of them."""
    start = BEGAN + timedelta(seconds=after_s)
    found = list(windows(start, start + length))
    assert sum((end - begin for begin, end in found), timedelta()) == length
    assert all(timedelta() < end - begin <= LONGEST_WINDOW for begin, end in found)
    assert all(one[1] == other[0] for one, other in pairwise(found))


def test_summaries_are_paged_and_each_trace_comes_once() -> None:
    """A trace on the edge of two windows is in both (moto neither pages nor limits, so botocore's Stubber answers)."""
    client = boto3.client("xray", region_name="us-east-1")
    middle, end = BEGAN + timedelta(hours=6), BEGAN + timedelta(hours=7)
    with Stubber(client) as stubber:
        first = {"StartTime": BEGAN, "EndTime": middle, "FilterExpression": "fault"}
        stubber.add_response("get_trace_summaries", {"TraceSummaries": [{"Id": "a"}], "NextToken": "t"}, first)
        stubber.add_response("get_trace_summaries", {"TraceSummaries": [{"Id": "b"}]}, {**first, "NextToken": "t"})
        second = {"StartTime": middle, "EndTime": end, "FilterExpression": "fault"}
        stubber.add_response("get_trace_summaries", {"TraceSummaries": [{"Id": "b"}, {"Id": "c"}]}, second)
        assert list(trace_ids(client, BEGAN, end, expression="fault")) == ["a", "b", "c"]
        stubber.assert_no_pending_responses()


def test_a_page_that_names_itself_as_the_next_is_the_last() -> None:
    """A server that never ends is asked no more (moto does not page, so botocore's Stubber answers)."""
    client = boto3.client("xray", region_name="us-east-1")
    with Stubber(client) as stubber:
        for name in "ab":
            stubber.add_response("get_trace_summaries", {"TraceSummaries": [{"Id": name}], "NextToken": "t"})
        assert list(trace_ids(client, BEGAN, BEGAN + timedelta(hours=1))) == ["a", "b"]


@pytest.mark.usefixtures("log")
def test_a_request_id_that_lambda_would_not_give_is_not_looked_for() -> None:
    """Anybody may write a segment: its id is neither searched for in a log nor shown."""
    documents = trace("x\x1b[2J", start_s=BEGAN.timestamp() + 60, error="E: x")
    boto3.client("xray").put_trace_segments(TraceSegmentDocuments=[json.dumps(each) for each in documents])
    captures, notes = recorded(since=BEGAN, until=BEGAN + timedelta(hours=1))
    assert captures == []
    assert "1 trace found" in " ".join(notes)
    assert "\x1b" not in " ".join(notes)


def test_what_x_ray_left_unprocessed_is_asked_for_again() -> None:
    """Until it is there, or was asked for often enough (moto processes all at once, so botocore's Stubber answers)."""
    client = boto3.client("xray", region_name="us-east-1")
    names = [f"1-65a1b2c3-{number:024x}" for number in range(2)]
    waited: list[float] = []
    with Stubber(client) as stubber:
        there = {"Traces": [{"Id": names[0], "Segments": [{"Id": "a", "Document": "{}"}]}]}
        stubber.add_response("batch_get_traces", {**there, "UnprocessedTraceIds": names[1:]}, {"TraceIds": names})
        for _ in range(2):
            stubber.add_response(
                "batch_get_traces", {"Traces": [], "UnprocessedTraceIds": names[1:]}, {"TraceIds": names[1:]}
            )
        assert segment_documents(client, names, tries=3, wait=waited.append) == {names[0]: ["{}"]}
        stubber.assert_no_pending_responses()
    assert waited == [0.5, 1.0]


def test_an_expression_that_x_ray_cannot_read_is_told() -> None:
    """In X-Ray's words."""
    client = boto3.client("xray", region_name="us-east-1")
    with Stubber(client) as stubber:
        stubber.add_client_error("get_trace_summaries", "InvalidRequestException", "Invalid filter expression")
        with pytest.raises(AwsError, match="Invalid filter expression"):
            list(trace_ids(client, BEGAN, BEGAN + timedelta(hours=1), expression="fault ="))


def test_a_request_that_was_tried_again_is_one_request() -> None:
    """Lambda writes a segment for each try: it has failed if one of them did, and lasted from the first to the last."""
    name = str(uuid.uuid4())
    tries = [trace(name, start_s=100.0, error="E: x"), trace(name, start_s=160.0)]
    (found,) = traced_requests(json.dumps(segment) for documents in tries for segment in documents)
    assert (found.request_id, found.function, found.failed) == (name, "orders", True)
    assert (found.start_s, found.end_s) == (100.0, 160.5)


def test_names_that_aws_would_not_give_are_not_taken() -> None:
    """A segment may be written by anybody with a key for it: nothing of it reaches a terminal as it is."""
    told = {"request_id": "r", "cloudwatch_logs": [{"log_group": "/aws/\nlambda"}]}
    document = {"id": "a", "origin": "AWS::Lambda", "name": "x\x1b[2J", "aws": told}
    (found,) = traced_requests([json.dumps({**document, "resource_arn": "arn:aws:lambda:::function:a b"})])
    assert (found.function, found.log_group) == ("", None)


@pytest.mark.parametrize(
    "document", ["", "[]", '{"id": 1}', '{"id": "a", "origin": "AWS::Lambda", "aws": []}', "{" * 9]
)
def test_a_document_that_is_none_has_no_request(document: str) -> None:
    """Whatever a segment says, it is looked at and nothing more."""
    assert traced_requests([document]) == []
