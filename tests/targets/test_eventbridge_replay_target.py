"""The `eventbridge-replay` target: which minutes are replayed to which rules, how far that is, and when it is cancelled."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber
from moto import mock_aws

from replay.errors import AwsError, ConfigurationError, InvalidEvent, TargetRefused
from replay.functions.function import Function
from replay.payloads.captures import Event
from replay.sources.archive_parts.archives import Window
from replay.targets.bus_parts.archive_replays import ArchiveReplay, ReplayProgress, joined, minute_of
from replay.targets.carrier import Acknowledgement, Answer, Entry, Refusal
from replay.targets.eventbridge_replay import EventBridgeReplayTarget
from replay.targets.guard_rails import deployed
from tests.targets.carried import no_pause

ACCOUNT = "123456789012"
BUS_ARN = f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/shop"
ARCHIVE_ARN = f"arn:aws:events:us-east-1:{ACCOUNT}:archive/kept"
RULE_ARN = f"arn:aws:events:us-east-1:{ACCOUNT}:rule/shop/to-orders"
FUNCTION_ARN = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:orders"
QUEUE_ARN = f"arn:aws:sqs:us-east-1:{ACCOUNT}:billing"
BEGAN = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A bus on AWS, as moto has it, with an archive, and a rule that calls the function."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(deployed, "is_on_this_machine", lambda _: False)
    with mock_aws():
        events: Any = boto3.client("events")
        events.create_event_bus(Name="shop", Tags=[{"Key": "stage", "Value": "test"}])
        events.create_archive(ArchiveName="kept", EventSourceArn=BUS_ARN)
        add_rule(events, "to-orders", FUNCTION_ARN)
        yield events


def add_rule(events: Any, name: str, arn: str, **pattern: Any) -> None:
    asked = json.dumps({"source": ["shop.orders"], **pattern})
    events.put_rule(Name=name, EventBusName="shop", EventPattern=asked)
    events.put_targets(Rule=name, EventBusName="shop", Targets=[{"Id": "1", "Arn": arn}])


def target(**options: Any) -> EventBridgeReplayTarget:
    function = Function(name="orders", handler="app.handler", code=".")  # type: ignore[arg-type]  # code is not looked at
    return EventBridgeReplayTarget(function, **{"archive": "kept", "account_id": ACCOUNT, **options})


def event(at: datetime = BEGAN, *, number: int = 1) -> Event:
    document = {
        "id": f"e-{number}", "source": "shop.orders", "detail-type": "OrderPlaced", "detail": {},
        "time": f"{at:%Y-%m-%dT%H:%M:%SZ}",
    }  # fmt: skip
    return Event(text=json.dumps(document), kind="eventbridge")


def entries(one: EventBridgeReplayTarget, *moments: datetime) -> list[Entry]:
    return [
        one.entries(event(at, number=number), key=f"orders/{number}", marker=f"replay-RUN-{number}")[0]
        for number, at in enumerate(moments, start=1)
    ]


def test_an_event_is_replayed_with_its_minute() -> None:
    """AWS replays whole minutes: the one of the event; the name of the replay is its marker, whatever that holds."""
    one = target(region="us-east-1")
    (entry,) = one.entries(event(BEGAN + timedelta(seconds=59)), key="k", marker="replay-RUN-1")
    assert (entry.request["EventStartTime"], entry.request["EventEndTime"]) == (BEGAN, BEGAN + timedelta(minutes=1))
    assert entry.request["ReplayName"] == "replay-RUN-1"
    (named,) = one.entries(event(), key="k", marker="a name / of no replay")
    assert named.request["ReplayName"].startswith("replay-")
    assert len(named.request["ReplayName"]) <= 64


@pytest.mark.parametrize("text", ['{"Records": []}', "no", '{"source": "a", "detail-type": "b", "detail": {}}'])
def test_what_no_archive_has_is_refused(text: str) -> None:
    """Another shape, and an event without a time, cannot be found in an archive."""
    with pytest.raises(InvalidEvent, match="no archive has it"):
        target(region="us-east-1").entries(Event(text=text), key="k", marker="m")


def test_a_fixed_time_is_replayed_as_a_whole() -> None:
    """With `since` and `until` that time is replayed, and an event of another one is refused."""
    one = target(region="us-east-1", since="2026-11-21T08:00:30Z", until="2026-11-21T09:00:00Z")
    (entry,) = one.entries(event(), key="k", marker="m")
    assert entry.request["EventStartTime"] == datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
    assert entry.request["EventEndTime"] == datetime(2026, 11, 21, 9, 1, tzinfo=UTC)
    with pytest.raises(InvalidEvent, match="not replayed"):
        one.entries(event(BEGAN + timedelta(hours=2)), key="k", marker="m")
    for since, until in (("", "1h"), ("1h", "2h"), ("soon", "")):
        with pytest.raises(ConfigurationError):
            target(since=since, until=until)
    with pytest.raises(ConfigurationError, match="which archive"):
        EventBridgeReplayTarget()


def test_minutes_that_follow_each_other_are_one_replay() -> None:
    """Joined windows cover all of them, overlap nowhere, and bring nothing in between that nobody asked for."""
    minutes = [minute_of(BEGAN + timedelta(minutes=number)) for number in (3, 0, 1, 1, 7)]
    assert joined(minutes) == [
        Window(start=BEGAN, end=BEGAN + timedelta(minutes=2)),
        minute_of(BEGAN + timedelta(minutes=3)),
        minute_of(BEGAN + timedelta(minutes=7)),
    ]


def described(state: str, **parts: Any) -> dict[str, Any]:
    return {"ReplayName": "n", "State": state, **parts}


def send(one: EventBridgeReplayTarget, sent: list[Entry], *answers: dict[str, Any], starts: int) -> dict[str, Answer]:
    """Send with an archive and chosen rules as they were found, against answers of DescribeReplay."""
    with Stubber(one.client) as stub:
        archive = {"ArchiveName": "kept", "ArchiveArn": ARCHIVE_ARN, "EventSourceArn": BUS_ARN, "CreationTime": BEGAN}
        stub.add_response("describe_archive", archive)
        for _ in range(starts):
            asked = {
                "ReplayName": ANY, "Description": ANY, "EventSourceArn": ARCHIVE_ARN, "EventStartTime": ANY,
                "EventEndTime": ANY, "Destination": {"Arn": BUS_ARN, "FilterArns": [RULE_ARN]},
            }  # fmt: skip
            stub.add_response("start_replay", {"ReplayArn": "arn:aws:events:us-east-1:1:replay/n"}, asked)
            for answer in answers:
                stub.add_response("describe_replay", answer)
        told = dict(one.send(sent))
        stub.assert_no_pending_responses()
    return told


@pytest.fixture
def chosen(bus: Any) -> EventBridgeReplayTarget:
    one = target()
    one.destination()
    del one.__dict__["archive"]
    return one


def test_only_the_chosen_rules_get_it(chosen: EventBridgeReplayTarget) -> None:
    """FilterArns name the rule of the function; no emulator heeds them, so that they are proved on the request."""
    first, second, third = entries(chosen, BEGAN, BEGAN + timedelta(seconds=61), BEGAN + timedelta(minutes=10))
    told = send(chosen, [first, second, third], described("COMPLETED"), starts=2)
    known = {key: answer.known for key, answer in told.items() if isinstance(answer, Acknowledgement)}
    assert {key: each["replay"] for key, each in known.items()} == {
        "orders/1": "replay-RUN-1",
        "orders/2": "replay-RUN-1",
        "orders/3": "replay-RUN-3",
    }
    assert {answer.identity for answer in told.values() if isinstance(answer, Acknowledgement)} == {"e-1", "e-2", "e-3"}


def test_a_minute_that_was_replayed_is_not_replayed_again(chosen: EventBridgeReplayTarget) -> None:
    """A replay brings everything of its minutes: what is sent later of the same minute has come already."""
    first, second = entries(chosen, BEGAN, BEGAN + timedelta(seconds=30))
    send(chosen, [first], described("COMPLETED"), starts=1)
    assert isinstance(chosen.send([second])["orders/2"], Acknowledgement)


@pytest.mark.parametrize("state", ["FAILED", "CANCELLED"])
def test_a_replay_that_did_not_end_well_is_a_refusal(chosen: EventBridgeReplayTarget, state: str) -> None:
    """AWS's state and reason are told, and it is not tried again: part of it may have come."""
    told = send(chosen, entries(chosen, BEGAN), described(state, StateReason="no permission"), starts=1)
    assert told == {"orders/1": Refusal(code=f"Replay{state.title()}", message="no permission", retryable=False)}


def test_too_many_replays_may_pass(chosen: EventBridgeReplayTarget) -> None:
    """Ten run at once (recording tests_concurrency_error_too_many_active_replays): a refusal that another try may mend."""
    with Stubber(chosen.client) as stub:
        archive = {"ArchiveName": "kept", "ArchiveArn": ARCHIVE_ARN, "EventSourceArn": BUS_ARN, "CreationTime": BEGAN}
        stub.add_response("describe_archive", archive)
        stub.add_client_error("start_replay", "LimitExceededException", http_status_code=400)
        (answer,) = chosen.send(entries(chosen, BEGAN)).values()
    assert isinstance(answer, Refusal)
    assert (answer.code, answer.retryable) == ("LimitExceededException", True)


def started(client: Any, *, name: str = "n") -> ArchiveReplay:
    from replay.sources.archive_parts.archives import Archive

    archive = Archive(arn=ARCHIVE_ARN, bus_arn=BUS_ARN, state="ENABLED", created=BEGAN)
    return ArchiveReplay(client, archive, minute_of(BEGAN), name=name, rule_arns=[RULE_ARN])


def events_client() -> Any:
    return boto3.client("events", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")


def test_its_progress_is_told_as_it_changes() -> None:
    """Each change of state or of the last replayed time is told once, and the end is the last word."""
    client, told = events_client(), list[ReplayProgress]()
    at = BEGAN + timedelta(seconds=20)
    with Stubber(client) as stub:
        stub.add_response("start_replay", {})
        for state in ("STARTING", "STARTING", "RUNNING", "RUNNING"):
            parts = {"EventLastReplayedTime": at} if state == "RUNNING" else {}
            stub.add_response("describe_replay", described(state, **parts))
        stub.add_client_error("describe_replay", "ThrottlingException")
        stub.add_response("describe_replay", described("COMPLETED", EventLastReplayedTime=at))
        with started(client) as replayed:
            ended = replayed.follow(told.append, sleep=no_pause)
        stub.assert_no_pending_responses()
    assert [progress.state for progress in told] == ["STARTING", "RUNNING", "COMPLETED"]
    assert ended.has_ended
    assert "replayed up to 2026-11-21 08:30 UTC" in str(told[1])


def test_ctrl_c_cancels_it() -> None:
    """Whoever leaves before the end leaves no replay running; proved on the request."""
    client = events_client()

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    with Stubber(client) as stub:
        stub.add_response("start_replay", {})
        stub.add_response("describe_replay", described("RUNNING"))
        stub.add_response("describe_replay", described("RUNNING"))
        stub.add_response("cancel_replay", {}, {"ReplayName": "n"})
        with pytest.raises(KeyboardInterrupt), started(client) as replayed:
            replayed.follow(lambda _: None, sleep=interrupt)
        stub.assert_no_pending_responses()


def test_a_replay_that_was_started_before_is_followed() -> None:
    """Where the answer to a former start was lost, the replay of that name is the one; nothing is started twice."""
    client = events_client()
    with Stubber(client) as stub:
        stub.add_client_error("start_replay", "ResourceAlreadyExistsException", http_status_code=400)
        stub.add_response("describe_replay", described("COMPLETED"))
        with started(client) as replayed:
            assert replayed.follow(lambda _: None, sleep=no_pause).state == "COMPLETED"
        stub.assert_no_pending_responses()


def test_is_described_by_its_bus(bus: Any) -> None:
    """Events reach the bus, so that its ARN, tags and account count; the chosen rules stand in the plan."""
    for name in ("kept", ARCHIVE_ARN):
        destination = target(archive=name).checked_destination()
        assert (destination.arn, destination.tags) == (BUS_ARN, {"stage": "test"})
        assert destination.seen_by == ("rule to-orders (to lambda orders)",)
    with pytest.raises(AwsError, match="no such archive"):
        target(archive="gone").destination()


def test_rules_must_be_chosen(bus: Any) -> None:
    """Without a rule that calls the function, and without `rules`, it is asked which; a rule that is not there is said."""
    bus.remove_targets(Rule="to-orders", EventBusName="shop", Ids=["1"])
    with pytest.raises(ConfigurationError, match="which rules"):
        target().destination()
    assert target(rules=("to-orders",)).destination().seen_by == ("rule to-orders (no target)",)
    with pytest.raises(ConfigurationError, match="no rule to-nobody"):
        target(rules=("to-nobody",)).destination()


def test_other_rules_are_refused_where_nothing_keeps_them_out(bus: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS heeds FilterArns; elsewhere other rules would get the events: refused, until the section says that they may."""
    add_rule(bus, "to-billing", QUEUE_ARN)
    assert target().checked_destination().seen_by == ("rule to-orders (to lambda orders)",)
    monkeypatch.setattr("replay.targets.eventbridge_replay.on_aws", lambda _: False)
    with pytest.raises(TargetRefused, match=r"1 other rule of bus shop .* to-billing"), target():
        pass
    allowed = target(other_rules=True).checked_destination()
    assert "another rule, to-billing (to queue billing)" in allowed.seen_by


def test_rules_that_no_replay_reaches_are_no_others(bus: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule that asks for events which were not replayed gets none of these."""
    add_rule(bus, "first-time-only", QUEUE_ARN, **{"replay-name": [{"exists": False}]})
    monkeypatch.setattr("replay.targets.eventbridge_replay.on_aws", lambda _: False)
    assert target().checked_destination()


@pytest.mark.parametrize(
    ("options", "why"),
    [({"account_id": ""}, "nothing says in which account"), ({"account_id": "999988887777"}, "credentials")],
)
def test_the_account_is_guarded(bus: Any, options: dict[str, str], why: str) -> None:
    """Beyond this machine an archive needs its account named, and the caller must be of it; entering checks it."""
    with pytest.raises(TargetRefused, match=why), target(**options):
        pass


def test_what_looks_like_production_is_refused(bus: Any) -> None:
    """A bus whose tag says production is not replayed to, until its section says that it may be."""
    bus.tag_resource(ResourceARN=BUS_ARN, Tags=[{"Key": "env", "Value": "prod"}])
    with pytest.raises(TargetRefused, match="looks like production"):
        target().checked_destination()
    assert target(production=True).checked_destination()


def test_rules_and_tags_that_may_not_be_read_are_a_refusal(bus: Any) -> None:
    """Whoever may not look at the bus does not know who would be hurt; proved on the request."""
    for denied in ("list_rules", "list_tags_for_resource"):
        one = target()
        assert one.archive
        with Stubber(one.client) as stub:
            if denied == "list_tags_for_resource":
                stub.add_client_error(denied, "AccessDeniedException", http_status_code=403)
                rule = {"Name": "to-orders", "Arn": RULE_ARN, "State": "ENABLED", "EventPattern": '{"source": ["a"]}'}
                stub.add_response("list_rules", {"Rules": [rule]})
                stub.add_response("list_targets_by_rule", {"Targets": [{"Id": "1", "Arn": FUNCTION_ARN}]})
            else:
                stub.add_response("list_tags_for_resource", {"Tags": []})
                stub.add_client_error(denied, "AccessDeniedException", http_status_code=403)
            with pytest.raises(TargetRefused, match="may not be read"):
                one.checked_destination()
