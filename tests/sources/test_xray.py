"""The xray source: failed requests by their traces, with the events that the function logged and the tree of segments."""

import json
import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
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
from replay.sources import xray
from replay.sources.permissions import AwsPlace
from replay.sources.xray import XRaySource
from replay.sources.xray_options import XRayOptions
from tests.enrichment.lambda_log import BEGAN_MS, LambdaLog
from tests.sources.traced_requests import put_trace, trace

EVENT = '{"n": 2.50}'
BEGAN = datetime.fromtimestamp(BEGAN_MS / 1000, UTC)
TIME = {"since": BEGAN - timedelta(minutes=1), "until": BEGAN + timedelta(hours=1)}
RANDOM = "1A2B3C4D5E6F"
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


def of(log: LambdaLog, function: str, at_ms: int = BEGAN_MS) -> LambdaLog:
    return LambdaLog(log.client, group=f"/aws/lambda/{function}", at_ms=at_ms)


def put(documents: list[dict[str, Any]]) -> None:
    boto3.client("xray").put_trace_segments(TraceSegmentDocuments=[json.dumps(each) for each in documents])


def queued(documents: list[dict[str, Any]], *, waited_s: float) -> list[dict[str, Any]]:
    """Change the trace of a request into that of an asynchronous one, as Lambda writes it."""
    outer, inner = documents
    start_s = outer["start_time"]
    began = {"start_time": start_s + waited_s, "end_time": start_s + waited_s + 0.5}
    dwelt = {"id": "1" * 16, "name": "Dwell Time", "start_time": start_s, "end_time": start_s + waited_s}
    attempt = {"id": "2" * 16, "name": "Attempt #1", **began, "http": {"response": {"status": 200}}}
    answered = {"end_time": start_s + 0.015, "http": {"response": {"status": 202}}}
    return [{**outer, **answered, "subsegments": [dwelt, attempt]}, {**inner, **began, "parent_id": attempt["id"]}]


def traces_known() -> set[str]:
    found = boto3.client("xray").get_trace_summaries(StartTime=TIME["since"], EndTime=TIME["until"])
    return {each["Id"] for each in found["TraceSummaries"]}


def leave_unprocessed(monkeypatch: pytest.MonkeyPatch, lost: set[str]) -> None:
    """Let X-Ray leave these traces unprocessed for ever, which moto never does."""
    real = BaseClient._make_api_call  # type: ignore[attr-defined]

    def answer(client: Any, operation: str, asked: dict[str, Any]) -> Any:
        if operation != "BatchGetTraces":
            return real(client, operation, asked)
        there = [name for name in asked["TraceIds"] if name not in lost]
        left = [name for name in asked["TraceIds"] if name in lost]
        found = real(client, operation, {"TraceIds": there}) if there else {"Traces": []}
        return {**found, "UnprocessedTraceIds": left}

    monkeypatch.setattr(BaseClient, "_make_api_call", answer)
    monkeypatch.setattr("replay.readers.traces._FIRST_WAIT_S", 0.0)


def find_by_name(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let X-Ray find the traces of the services that an expression names, which moto does not; keep what was asked."""
    real = BaseClient._make_api_call  # type: ignore[attr-defined]
    asked_for: list[str] = []

    def has(client: Any, name: str, services: list[str]) -> bool:
        (found,) = real(client, "BatchGetTraces", {"TraceIds": [name]})["Traces"]
        return any(json.loads(each["Document"])["name"] in services for each in found["Segments"])

    def answer(client: Any, operation: str, asked: dict[str, Any]) -> Any:
        if operation != "GetTraceSummaries":
            return real(client, operation, asked)
        expression = asked.pop("FilterExpression")
        asked_for.append(expression)
        services = re.findall(r'service\("([^"]+)"\)', expression)
        found = real(client, operation, asked)
        return {
            **found,
            "TraceSummaries": [each for each in found["TraceSummaries"] if has(client, each["Id"], services)],
        }

    monkeypatch.setattr(BaseClient, "_make_api_call", answer)
    return asked_for


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


def test_a_function_whose_name_has_ours_in_it_is_another(log: LambdaLog) -> None:
    """`orders-refund` is never recorded as `orders`, also where `orders` is in no trace; what to do is told."""
    put_trace(of(log, "orders-refund"), f"event: {EVENT}\n", error="E: x", function="orders-refund")
    captures, (note,) = recorded()
    assert captures == []
    assert note == (
        "1 trace found, and none has a failed request of orders; of others: orders-refund; if one of them is orders, "
        'say which: --function NAME, or [tool.replay.functions.orders] log_group = "/aws/lambda/NAME"'
    )
    mine = put_trace(log, f"event: {EVENT}\n", error="E: x")
    captures, _ = recorded()
    assert [capture.origin.identity for capture in captures] == [mine]


def test_which_function_is_meant_does_not_depend_on_how_many_traces_are_read_at_once(
    log: LambdaLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The exact name decides for the whole recording, also where only the last part of the traces has it."""
    monkeypatch.setattr(xray, "_AT_ONCE", 1)
    stack = of(log, f"shop-orders-{RANDOM}")
    put_trace(stack, f"event: {EVENT}\n", error="E: x", function=f"shop-orders-{RANDOM}")
    log.at_ms = stack.at_ms
    mine = put_trace(log, f"event: {EVENT}\n", error="E: x")
    captures, notes = recorded()
    assert [capture.origin.identity for capture in captures] == [mine]
    assert notes == []


def test_the_only_function_that_a_stack_named_so_is_taken_and_told(
    log: LambdaLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no trace has the exact name, `<stack>-orders-<random>` is `orders`, in all parts of the traces."""
    monkeypatch.setattr(xray, "_AT_ONCE", 1)
    name = f"shop-orders-{RANDOM}"
    stack = of(log, name)
    mine = {put_trace(stack, f"event: {EVENT}\n", error="E: x", function=name) for _ in range(2)}
    captures, (note,) = recorded()
    assert {capture.origin.identity for capture in captures} == mine
    assert note.startswith(
        f"orders was taken to be {name}, as a stack would name it; if it is another, say which: --fun"
    )


def test_of_two_functions_that_stacks_named_so_none_is_taken(log: LambdaLog) -> None:
    """Two stacks have an `orders`: both are named, and how to say which."""
    for name in (f"dev-orders-{RANDOM}", f"prod-orders-{RANDOM}"):
        put_trace(of(log, name), f"event: {EVENT}\n", error="E: x", function=name)
    captures, (note,) = recorded()
    assert captures == []
    assert f"of others: dev-orders-{RANDOM}, prod-orders-{RANDOM}; if one of them is orders, say which: --fun" in note


def test_without_a_filter_x_ray_is_asked_for_the_name_that_a_stack_made(
    log: LambdaLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where X-Ray knows no function of this name, log groups tell what a stack made of it; old ones have no trace."""
    asked_for = find_by_name(monkeypatch)
    name, old, other = f"shop-OrdersFunction-{RANDOM}", "shop-OrdersFunction-0Z9Y8X7W6V5U", "shop-OrdersFunction-copy"
    for function in (old, name, other):
        request_id = put_trace(
            of(log, function), f"event: {EVENT}\n", error="E: x", function=function * (function != old)
        )
    captures, notes = recorded(filter=None, function="orders", function_physical_name="OrdersFunction")
    assert [capture.origin.place.split()[0] for capture in captures] == [f"/aws/lambda/{name}"]
    assert request_id not in {capture.origin.identity for capture in captures}
    assert notes[-1].startswith(f"orders was taken to be {name}, as a stack would name it")
    assert re.findall(r'"(.*?)"', " ".join(asked_for)) == ["OrdersFunction", old, name]


def test_a_name_that_a_stack_made_is_not_asked_for_where_the_exact_one_is_known(
    log: LambdaLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A function of exactly this name that did not fail is the one that is meant: it has a trace, or a log group."""
    asked_for = find_by_name(monkeypatch)
    name = f"shop-orders-{RANDOM}"
    put_trace(of(log, name), f"event: {EVENT}\n", error="E: x", function=name)
    captures, (note,) = recorded(filter=None)
    assert captures == []
    assert note.startswith('X-Ray found no trace in this time for: service("orders") {')
    put_trace(log, f"event: {EVENT}\n", function="orders")
    assert recorded(filter=None)[0] == []
    assert all(f'"{name}"' not in expression for expression in asked_for)


def test_of_two_names_that_stacks_made_without_a_filter_none_is_taken(
    log: LambdaLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both stacks' functions have failed: they are named, and what was asked for is told where nothing was found."""
    monkeypatch.setattr(xray, "_MOST_ASKED_FOR", 1)
    find_by_name(monkeypatch)
    names = (f"dev-Orders-{RANDOM}", f"prod-Orders-{RANDOM}")
    groups = [of(log, each) for each in names]
    _, (note,) = recorded(filter=None, function="Orders")
    assert all(f'service("{each}")' in note for each in ("Orders", *names))
    for group, name in zip(groups, names, strict=True):
        put_trace(group, f"event: {EVENT}\n", error="E: x", function=name)
    captures, (note,) = recorded(filter=None, function="Orders")
    assert captures == []
    assert f"of others: {', '.join(names)}; if one of them is Orders, say which" in note


def test_the_policy_lets_read_the_log_that_a_stack_named() -> None:
    """Where only the template's name is known, the logs of what a stack makes of it, and finding them, belong to it."""
    at = AwsPlace(region="us-east-1", account_id="123456789012")
    options = XRayOptions(function="orders", function_physical_name="OrdersFunction")
    _, logs, listing = XRaySource(options).permissions(at)
    prefix = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/"
    assert f"{prefix}*-OrdersFunction-*:*" in logs.resources
    assert (listing.actions, listing.optional) == (("logs:DescribeLogGroups",), True)


@pytest.mark.parametrize(
    ("name", "known", "expected"),
    [
        (f"shop-orders-{RANDOM}", {}, True),
        (f"shop-orders-{RANDOM}", {"function_physical_name": "OrdersFunction"}, False),
        (f"shop-OrdersFunction-{RANDOM}", {"function_physical_name": "OrdersFunction"}, True),
        ("shop-orders-aBcDeFgHiJk1", {}, True),
        ("shop-orders-confirmation", {}, False),
        ("shop-orders-v2", {}, False),
        (f"orders-{RANDOM}", {}, False),
        (f"shop-reorders-{RANDOM}", {}, False),
        (f"shop-orders-{RANDOM}", {"function_log_group": "/shop/all-functions"}, True),
        (f"shop-orders-{RANDOM}", {"function_log_group": "/aws/lambda/prod-orders"}, False),
    ],
)
def test_only_a_name_that_a_stack_makes_may_be_the_function(name: str, known: dict[str, str], expected: bool) -> None:
    """A stack's name, the logical id, and letters that nobody would choose; not where the name on AWS is known."""
    assert XRayOptions(function="orders", **known).may_be(name) is expected


def test_traces_that_x_ray_leaves_unprocessed_are_told(log: LambdaLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are counted, and it is not said of them that none has a failed request."""
    put_trace(log, f"event: {EVENT}\n", error="E: x")
    lost = traces_known()
    mine = put_trace(of(log, "billing", at_ms=log.at_ms), f"event: {EVENT}\n", error="E: x", function="billing")
    leave_unprocessed(monkeypatch, lost)
    captures, notes = recorded()
    unread = "1 trace that X-Ray found was not read: asked for 4 times, and left unprocessed each time; try again later"
    none = "2 traces found, and none that could be read has a failed request of orders; of others: billing"
    assert (captures, notes) == ([], [unread, none])
    captures, notes = recorded(function="billing")
    assert ([each.origin.identity for each in captures], notes) == ([mine], [unread])
    leave_unprocessed(monkeypatch, traces_known())
    captures, notes = recorded()
    assert (captures, notes) == ([], [unread.replace("1 trace", "2 traces").replace("was", "were")])


def test_of_two_tries_in_two_environments_the_later_failure_counts(log: LambdaLog) -> None:
    """Whatever the streams are called: they are in the order of their names in the log, not in that of time."""
    earlier = LambdaLog(log.client, stream="2026/11/21/[$LATEST]ffff")
    later = LambdaLog(log.client, stream="2026/11/21/[$LATEST]0000", at_ms=earlier.at_ms + 60_000)
    request_id = put_trace(earlier, f"event: {EVENT}\n", error="First: 1")
    later.invoke(f"event: {EVENT}\n", error="Last: 2", request_id=request_id)
    (capture,), _ = recorded()
    assert capture.failure is not None
    assert (capture.failure.error_type, capture.failure.message) == ("Last", "2")


def test_an_asynchronous_invocation_that_waited_long_is_found(log: LambdaLog) -> None:
    """Its own segment ends as soon as it is queued: the log is read up to the end of the attempts inside."""
    start_s = log.at_ms / 1000
    log.at_ms += 600_000
    request_id = log.invoke(f"event: {EVENT}\n", error="E: x")
    put(queued(trace(request_id, start_s=start_s, error="E: x"), waited_s=600.0))
    (capture,), notes = recorded()
    assert (capture.origin.identity, notes) == (request_id, [])


@pytest.mark.parametrize("since", [None, TIME["since"]])
def test_where_traces_may_not_be_read_only_that_is_told(
    monkeypatch: pytest.MonkeyPatch, since: datetime | None
) -> None:
    """What was refused was not looked at, so it is neither said that nothing is there nor which hour was looked at."""
    client = boto3.client("xray", region_name="us-east-1")
    monkeypatch.setattr(module, "aws_client", lambda *_, **__: client)
    recording = XRaySource(XRayOptions(function="orders")).open()
    with Stubber(client) as stubber, recording:
        stubber.add_client_error("get_trace_summaries", "AccessDeniedException", "not authorized")
        recording.within(since, None)
        with pytest.raises(AwsError):
            list(recording.captures())
    assert recording.notes == []


@pytest.mark.parametrize("option", ["log_group", "function_log_group"])
def test_a_log_group_may_be_given_by_its_arn(log: LambdaLog, option: str) -> None:
    """Its name is what the log is read by, and what the policy names."""
    arn = "arn:aws:logs:us-east-1:123456789012:log-group:/shop/orders:*"
    request_id = put_trace(LambdaLog(log.client, group="/shop/orders"), f"event: {EVENT}\n", error="E: x")
    (capture,), notes = recorded(**{option: arn})
    assert (capture.origin.identity, notes) == (request_id, [])
    options = XRayOptions(function="orders", **{option: arn})
    (_, logs, _) = XRaySource(options).permissions(AwsPlace(region="us-east-1", account_id="123456789012"))
    assert logs.resources == tuple(arn.removesuffix(":*") + end for end in ("", ":*"))


@pytest.mark.parametrize("option", ["log_group", "function_log_group"])
def test_the_log_group_of_another_region_is_not_read(log: LambdaLog, option: str) -> None:
    """A group that is given by its ARN is that one, and none of the same name here."""
    arn = "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/orders"
    with pytest.raises(ConfigurationError, match="in eu-west-1, and here is account 123456789012 in us-east-1"):
        recorded(**{option: arn})


def test_a_request_belongs_to_the_time_of_its_trace(log: LambdaLog, tmp_path: Path) -> None:
    """Where the log's clock is behind X-Ray's, a request at the edge of two times is in one of them."""
    log.at_ms = BEGAN_MS - 1_000
    request_id = log.invoke(f"event: {EVENT}\n", error="KeyError: 'a'")
    put(trace(request_id, start_s=BEGAN_MS / 1000, error="KeyError: 'a'"))
    source = XRaySource(XRayOptions(function="orders", function_timeout_s=3.0, filter=""))
    time = {"since": BEGAN - timedelta(seconds=0.5), "until": TIME["until"]}
    summary = record(source, store=Store(tmp_path), function="orders", redact=Redactor(), **time)
    assert (summary.written, summary.skipped) == (1, 0)


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
        (
            {"function": "orders", "function_log_group": "/shop/all-functions"},
            'service("orders") { fault = true OR error = true OR throttle = true }',
        ),
        (
            {"function": "orders", "function_physical_name": "OrdersFunction"},
            'service("OrdersFunction") { fault = true OR error = true OR throttle = true }',
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
