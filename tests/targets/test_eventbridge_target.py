"""The `eventbridge` target: what is put, byte for byte, who else would get it, and what EventBridge answers."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from replay.errors import AwsError, InvalidEvent, TargetRefused
from replay.functions.function import Function
from replay.payloads.captures import Event
from replay.targets.bus_parts.bus_entries import bus_entry, trace_id_of
from replay.targets.carrier import Acknowledgement, Entry, Refusal
from replay.targets.eventbridge import EventBridgeTarget
from replay.targets.guard_rails import deployed
from replay.targets.sending import Sender, packed
from tests.cli.command_line import CommandLine, make_command_line, make_project
from tests.targets.carried import Journal, no_pause

ACCOUNT = "123456789012"
FUNCTION_ARN = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:orders"
QUEUE_ARN = f"arn:aws:sqs:us-east-1:{ACCOUNT}:billing"
DETAIL = '{"order": 12345678901234567890123, "n": 1.10, "a": "\\u00e9", "a": "é",  "deep": [[]]}'
TEXT = (
    '{"version":"0","id":"7bf73129","detail-type":"OrderPlaced","source":"shop.orders","account":"999988887777",'
    '"time":"2026-11-21T08:30:07Z","region":"eu-west-1","resources":["arn:aws:x:::o-1"],"detail":' + DETAIL + "}"
)
MARKER = "replay-20261121T083000Z-abcdef-0123456789abcdef"


def event(text: str = TEXT) -> Event:
    return Event(text=text, kind="eventbridge")


def with_source(source: str) -> Event:
    return event(TEXT.replace("shop.orders", source))


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A bus on AWS (as moto has it) with a rule that calls the function."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(deployed, "is_on_this_machine", lambda _: False)
    with mock_aws():
        events: Any = boto3.client("events")
        events.create_event_bus(Name="shop", Tags=[{"Key": "stage", "Value": "test"}])
        add_rule(events, "to-orders", {"source": ["shop.orders"]}, FUNCTION_ARN)
        yield events


def add_rule(events: Any, name: str, pattern: Any, *arns: str, state: str = "ENABLED") -> None:
    events.put_rule(Name=name, EventBusName="shop", EventPattern=json.dumps(pattern), State=state)
    targets = [{"Id": str(number), "Arn": arn} for number, arn in enumerate(arns)]
    events.put_targets(Rule=name, EventBusName="shop", Targets=targets)


def target(**options: Any) -> EventBridgeTarget:
    function = Function(name="orders", handler="app.handler", code=".")  # type: ignore[arg-type]  # code is not looked at
    return EventBridgeTarget(function, **{"bus": "shop", "account_id": ACCOUNT, "region": "us-east-1", **options})


def test_every_part_that_can_be_kept_is_kept() -> None:
    """The detail is the same text, duplicate keys and long numbers included; type, resources and time are the event's."""
    entry = bus_entry(event(), key="orders/a", marker=MARKER, bus="shop")
    assert entry.request == {
        "Source": "shop.orders",
        "DetailType": "OrderPlaced",
        "Detail": DETAIL,
        "Resources": ["arn:aws:x:::o-1"],
        "EventBusName": "shop",
        "Time": datetime(2026, 11, 21, 8, 30, 7, tzinfo=UTC),
        "TraceHeader": f"Root={entry.marker};Sampled=1",
    }
    assert entry.size_bytes == 14 + len(f"shop.ordersOrderPlacedarn:aws:x:::o-1{DETAIL}".encode())


def test_the_marker_is_a_trace_id_beside_the_event() -> None:
    """A marker gives the same trace id each time, of its run's time and in the form that X-Ray wants; none gives none."""
    one = trace_id_of(MARKER)
    assert one == trace_id_of(MARKER)
    assert one != trace_id_of(MARKER + "1")
    version, began, random = one.split("-")
    assert (version, len(random)) == ("1", 24)
    assert datetime.fromtimestamp(int(began, 16), UTC) == datetime(2026, 11, 21, 8, 30, tzinfo=UTC)
    assert "TraceHeader" not in bus_entry(event(), key="k", marker="", bus="shop").request


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"Records": []}', "no source"),
        ("[1]", "no source"),
        (TEXT.replace("OrderPlaced", ""), "no detail-type"),
        (TEXT.replace(DETAIL, '"text"'), "no object"),
        (TEXT.replace(DETAIL, '{"big": "' + "x" * 1024 * 1024 + '"}'), "more than PutEvents takes"),
        (TEXT.replace('["arn:aws:x:::o-1"]', "[1]"), "resources"),
        (TEXT.replace("1.10", '"\ud800"'), "surrogate"),
    ],
)
def test_what_is_no_event_of_a_bus_is_refused(text: str, why: str) -> None:
    """Another shape, a detail that is no object, and what is too large: each is said with the fixture and a way out."""
    with pytest.raises(InvalidEvent, match=why) as caught:
        bus_entry(event(text), key="orders/a", marker="", bus="shop")
    assert caught.value.where == "orders/a"
    assert "lambda:FUNCTION" in caught.value.hint


def test_events_of_aws_cannot_be_put() -> None:
    """What only AWS may put is refused before it is sent, and told what else to do: the bucket for S3, an archive."""
    with pytest.raises(InvalidEvent, match="only AWS") as of_s3:
        bus_entry(with_source("aws.s3"), key="k", marker="", bus="shop")
    with pytest.raises(InvalidEvent, match="only AWS") as of_ec2:
        bus_entry(with_source("aws.ec2"), key="k", marker="", bus="shop")
    assert "s3:BUCKET" in of_s3.value.hint
    assert "s3:BUCKET" not in of_ec2.value.hint
    assert "eventbridge-replay:ARCHIVE" in of_ec2.value.hint
    assert bus_entry(with_source("awsome.orders"), key="k", marker="", bus="shop")


@given(st.dictionaries(st.text(max_size=8), st.recursive(st.integers() | st.text(max_size=8), st.lists, max_leaves=8)))
def test_any_detail_goes_as_it_is(detail: Any) -> None:
    """Whatever object the detail is, and however it is written, its text is sent unchanged and counted in UTF-8."""
    written = json.dumps(detail, ensure_ascii=False)
    try:
        written.encode()
    except UnicodeEncodeError:
        written = json.dumps(detail)
    entry = bus_entry(event(TEXT.replace(DETAIL, written)), key="k", marker="", bus="shop")
    assert entry.request["Detail"] == written
    assert entry.size_bytes == 14 + len("shop.ordersOrderPlacedarn:aws:x:::o-1") + len(written.encode())


def test_is_described_with_its_tags(bus: Any) -> None:
    """ARN, account, caller and tags are AWS's own; name and ARN both name it."""
    arn = f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/shop"
    for name in ("shop", arn):
        destination = EventBridgeTarget(bus=name, account_id=ACCOUNT).checked_destination()
        assert (destination.arn, destination.caller_account_id, destination.tags) == (arn, ACCOUNT, {"stage": "test"})
    assert EventBridgeTarget(account_id=ACCOUNT).checked_destination().arn.endswith("event-bus/default")
    with pytest.raises(AwsError, match="notabus"):
        EventBridgeTarget(bus="notabus", account_id=ACCOUNT).destination()


@pytest.mark.parametrize(
    ("options", "why"), [({}, "nothing says in which account"), ({"account_id": "999988887777"}, "credentials")]
)
def test_the_account_is_guarded(bus: Any, options: dict[str, str], why: str) -> None:
    """Beyond this machine a bus needs its account named, and the caller must be of it; entering checks it."""
    with pytest.raises(TargetRefused, match=why), EventBridgeTarget(bus="shop", **options):
        pass


def test_what_looks_like_production_is_refused(bus: Any) -> None:
    """A bus whose tag says production is not put to, until its section says that it may be."""
    bus.tag_resource(
        ResourceARN=f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/shop", Tags=[{"Key": "env", "Value": "prod"}]
    )
    with pytest.raises(TargetRefused, match="looks like production"):
        target().checked_destination()
    assert target(production=True).checked_destination()


def test_tags_that_may_not_be_read_are_a_refusal(bus: Any) -> None:
    """Without events:ListTagsForResource nobody knows whether the bus is production; proved on the request."""
    one = target()
    arn = f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/shop"
    with Stubber(one.clients("events")) as stub:
        stub.add_response("describe_event_bus", {"Arn": arn, "Name": "shop"}, {"Name": "shop"})
        stub.add_client_error("list_tags_for_resource", "AccessDeniedException", http_status_code=403)
        stub.add_response("list_rules", {"Rules": []}, {"EventBusName": "shop"})
        with pytest.raises(TargetRefused, match="tags may not be read"):
            one.checked_destination()


def test_the_rule_of_the_function_is_no_other_rule(bus: Any) -> None:
    """A bus whose one matching rule calls the function is put to, and the plan names rule and function."""
    with target() as one:
        assert one.also_seen_by(event()) == ["rule to-orders (to lambda orders)"]
        assert one.entries(event(), key="k", marker=MARKER)


def test_other_rules_are_refused(bus: Any) -> None:
    """A bus with another rule that matches is refused, in the plan and again before it is sent, by name and target."""
    add_rule(bus, "to-billing", {"detail": {"order": [{"exists": True}]}}, QUEUE_ARN)
    with target() as one:
        for refused in (lambda: one.also_seen_by(event()), lambda: one.entries(event(), key="k", marker="")):
            with pytest.raises(TargetRefused, match=r"1 other rule of bus shop .* to-billing \(to queue billing\)"):
                refused()


def test_other_rules_may_run_with_the_users_word(bus: Any) -> None:
    """With `other_rules = true` they stand in the plan; rules that `rules` names are meant."""
    add_rule(bus, "to-billing", {"source": [{"prefix": "shop."}]}, QUEUE_ARN)
    with target(other_rules=True) as one:
        assert "another rule, to-billing (to queue billing)" in one.also_seen_by(event())
        assert one.entries(event(), key="k", marker="")
    with target(rules=("to-billing",)) as one:
        assert "rule to-billing (to queue billing)" in one.also_seen_by(event())


@pytest.mark.parametrize(
    ("pattern", "state"),
    [
        ({"source": ["shop.billing"]}, "ENABLED"),
        ({"detail-type": ["OrderPlaced"]}, "DISABLED"),
        ({"account": ["999988887777"]}, "ENABLED"),
        ({"region": ["eu-west-1"]}, "ENABLED"),
        ({"replay-name": [{"exists": True}]}, "ENABLED"),
    ],
    ids=["another source", "disabled", "the event's old account", "its old region", "replays only"],
)
def test_rules_that_do_not_match_are_no_others(bus: Any, pattern: Any, state: str) -> None:
    """Only rules that get the event as this bus delivers it count: with its own account and region."""
    add_rule(bus, "not-for-it", pattern, QUEUE_ARN, state=state)
    with target() as one:
        assert one.entries(event(), key="k", marker="")


def test_a_detail_that_cannot_be_looked_at_reaches_every_rule(bus: Any) -> None:
    """Where nobody can say that a rule does not match, it counts as one that does."""
    deep = TEXT.replace(DETAIL, '{"a":' * 3000 + "1" + "}" * 3000)
    add_rule(bus, "not-for-it", {"source": ["shop.billing"]}, QUEUE_ARN)
    with target() as one, pytest.raises(TargetRefused, match="not-for-it"):
        one.entries(event(deep), key="k", marker="")


def test_rules_that_may_not_be_listed_are_a_refusal(bus: Any) -> None:
    """Who may not list the rules does not know who would be hurt: refused, until the section says that all may run."""
    arn = f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/shop"
    for options in ({}, {"other_rules": True}):
        one = target(**options)
        with Stubber(one.clients("events")) as stub:
            stub.add_response("describe_event_bus", {"Arn": arn, "Name": "shop"})
            stub.add_response("list_tags_for_resource", {"Tags": []})
            stub.add_client_error("list_rules", "AccessDeniedException", http_status_code=403)
            one.checked_destination()
        if options:
            assert "not allowed" in one.also_seen_by(event())[0]
        else:
            with pytest.raises(TargetRefused, match="may not be read"):
                one.entries(event(), key="k", marker="")


def test_rules_of_aws_itself_are_named_and_not_refused(bus: Any) -> None:
    """The rule of an archive keeps a copy and calls nobody: it stands in the plan. All pages are read; on the request."""
    one = target()
    arn = f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/shop"
    archive = {
        "Name": "Events-Archive-shop", "Arn": f"arn:aws:events:us-east-1:{ACCOUNT}:rule/shop/x", "State": "ENABLED",
        "EventPattern": '{"replay-name":[{"exists":false}]}', "ManagedBy": "prod.vhs.events.aws.internal",
    }  # fmt: skip
    with Stubber(one.clients("events")) as stub:
        stub.add_response("describe_event_bus", {"Arn": arn, "Name": "shop"})
        stub.add_response("list_tags_for_resource", {"Tags": []})
        stub.add_response("list_rules", {"Rules": [], "NextToken": "n"}, {"EventBusName": "shop"})
        stub.add_response("list_rules", {"Rules": [archive]}, {"EventBusName": "shop", "NextToken": "n"})
        stub.add_response("list_targets_by_rule", {"Targets": [{"Id": "1", "Arn": "arn:aws:events:us-east-1:::"}]})
        one.checked_destination()
    assert one.also_seen_by(event()) == ["rule Events-Archive-shop of prod.vhs.events.aws.internal"]
    assert one.entries(event(), key="k", marker="")


def entries(count: int) -> list[Entry]:
    return [bus_entry(event(), key=f"orders/{number}", marker="", bus="shop") for number in range(count)]


def test_ten_entries_at_most_go_together() -> None:
    """A call has ten entries at most, and less than 1 MB in all."""
    one = target()
    sizes = [(entry.key, entry.size_bytes) for entry in entries(25)]
    batches = list(packed(sizes, most_entries=one.most_entries, most_bytes=one.most_bytes))
    assert [len(batch) for batch in batches] == [10, 10, 5]
    large = [(str(number), 300_000) for number in range(4)]
    assert [len(each) for each in packed(large, most_entries=10, most_bytes=one.most_bytes)] == [3, 1]


def test_each_entry_has_its_own_answer() -> None:
    """An event id acknowledges; a throttled entry is tried again alone, a malformed one never; proved on the request."""
    one = target()
    journal = Journal()
    first, second, third = entries(3)
    with Stubber(one.clients.sending("events")) as stub:
        answers = [
            {"EventId": "e-1"},
            {"ErrorCode": "ThrottlingException", "ErrorMessage": "slow"},
            {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."},
        ]
        asked = {"Entries": [dict(entry.request) for entry in (first, second, third)]}
        stub.add_response("put_events", {"FailedEntryCount": 2, "Entries": answers}, asked)
        stub.add_response("put_events", {"FailedEntryCount": 0, "Entries": [{"EventId": "e-2"}]}, {"Entries": ANY})
        sent = Sender(one, journal, sleep=no_pause).send([first, second, third])
        stub.assert_no_pending_responses()
    assert sent[first.key].acknowledgement == Acknowledgement(identity="e-1")
    assert sent[second.key].acknowledgement == Acknowledgement(identity="e-2")
    assert sent[third.key].acknowledgement is None
    assert "MalformedDetail" in sent[third.key].problem


def test_an_answer_for_other_entries_is_none() -> None:
    """EventBridge answers by position: an answer of another length is no answer of this call, and all are in doubt."""
    one = target()
    with Stubber(one.clients.sending("events")) as stub:
        stub.add_response("put_events", {"FailedEntryCount": 0, "Entries": [{"EventId": "e-1"}]})
        assert one.send(entries(2)) == {}


def test_a_refusal_says_whether_another_try_helps() -> None:
    """An internal failure may pass; what is not authorised does not."""
    one = target()
    answers = [{"ErrorCode": "InternalFailure"}, {"ErrorCode": "NotAuthorizedForSourceException"}]
    with Stubber(one.clients.sending("events")) as stub:
        stub.add_response("put_events", {"FailedEntryCount": 2, "Entries": answers})
        told = one.send(entries(2))
    assert [each.retryable for each in told.values() if isinstance(each, Refusal)] == [True, False]


@pytest.fixture
def project(
    bus: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    """A project with a fixture for the function `f`, which the rule of the bus calls, and one of another shape."""
    bus.put_targets(
        Rule="to-orders", EventBusName="shop", Targets=[{"Id": "0", "Arn": FUNCTION_ARN.replace(":orders", ":f")}]
    )
    document = json.loads(TEXT)
    monkeypatch.chdir(make_project(tmp_path, "def handler(event, context): return event['x']\n", document, {"id": 1}))
    section = f'kind = "eventbridge"\nbus = "shop"\naccount_id = "{ACCOUNT}"\nobserve_for_s = 0\n'
    with (tmp_path / "pyproject.toml").open("a") as file:
        file.write(f"\n[tool.replay.targets.there]\n{section}")
    command_line = make_command_line(capsys)
    assert command_line("record", "files", "events.jsonl", "--function", "f").exit_code == 0
    return command_line


def test_the_plan_names_who_gets_the_events(project: CommandLine) -> None:
    """`--dry-run` shows the rules of the events, and ends; an event that cannot travel there is no reason to refuse."""
    told = project("run", "--target", "there", "--dry-run")
    assert told.exit_code == 0, told.stderr
    assert "seen by rule to-orders (to lambda f)" in told.stdout + told.stderr


def test_a_run_to_a_bus_with_other_rules_is_refused(project: CommandLine, bus: Any) -> None:
    """Before the plan is shown, before anything is sent, also with --yes: exit code 2, and what to write."""
    add_rule(bus, "to-billing", {"source": ["shop.orders"]}, QUEUE_ARN)
    told = project("run", "--target", "there", "--yes")
    assert told.exit_code == 2
    assert "to-billing (to queue billing)" in told.stderr
    assert "other_rules = true" in told.stderr
