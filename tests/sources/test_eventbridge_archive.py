"""Recording an archive: who is asked for what, what comes out, and what is left when anything goes wrong."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws
from moto.events import models

from replay.errors import AwsError, ConfigurationError, InvalidEventPattern, ReplayError, SourceError, SourceRefused
from replay.payloads.captures import Capture
from replay.sources.archive_parts import archive_recording, bus_rules, made_for_replay
from replay.sources.archive_parts.archive_recording import ArchiveRecording
from replay.sources.archive_parts.archives import Archive, Window, archive_address, replay_window
from replay.sources.archive_parts.made_for_replay import LEASE, PREFIX, MadeForReplay, Mark, Tag, mark_in, mark_of
from replay.sources.archive_parts.owners import this_process
from replay.sources.archive_parts.replay_queue import ReplayQueue
from replay.sources.archive_parts.replayed_events import replayed_event
from replay.sources.eventbridge_archive import EventBridgeArchiveOptions, EventBridgeArchiveSource
from tests.sources.archives import ARCHIVE, ARN, BUS, BUS_ARN, catch_all, make_archive, put_events, replays_as_on_aws

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
DETAILS = [json.dumps({"order": number}) for number in range(3)]


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """AWS as it replays, with no waiting."""
    monkeypatch.setattr(made_for_replay, "_PAUSES_S", (0.0, 0.0))
    with mock_aws(), replays_as_on_aws():
        yield


def source(**options: Any) -> EventBridgeArchiveSource:
    given_ = {"archive": ARCHIVE, "settle_s": 0, "wait_s": 0, **options}
    return EventBridgeArchiveSource(EventBridgeArchiveOptions(**given_))


def recorded(recording: ArchiveRecording, *, since: datetime | None = None) -> list[Capture]:
    recording.within(since, None)
    with recording:
        return list(recording.captures())


def orders(captures: list[Capture]) -> list[int]:
    return sorted(json.loads(capture.body)["detail"]["order"] for capture in captures)


def left() -> list[str]:
    """What bears our prefix in the account."""
    events, sqs = boto3.client("events"), boto3.client("sqs")
    rules = events.list_rules(EventBusName=BUS, NamePrefix=PREFIX)["Rules"]
    return [*(rule["Name"] for rule in rules), *sqs.list_queues(QueueNamePrefix=PREFIX).get("QueueUrls", [])]


@contextmanager
def answering(operation: str, code: str, *, times: int = 1_000, message: str = "no") -> Iterator[list[int]]:
    """Let AWS answer an operation with an error for so many times, past botocore's own retries."""
    real = BaseClient._make_api_call
    calls: list[int] = []

    def call(client: Any, name: str, arguments: Any) -> Any:
        if name == operation:
            calls.append(1)
            if len(calls) <= times:
                raise ClientError({"Error": {"Code": code, "Message": message}}, name)
        return real(client, name, arguments)

    with patch.object(BaseClient, "_make_api_call", call):
        yield calls


# What is asked of AWS


def _archive() -> Archive:
    return Archive(arn=ARN, bus_arn=BUS_ARN, state="ENABLED", created=NOW - timedelta(days=9))


def test_the_requests_let_only_our_rule_receive() -> None:
    """Emulators ignore FilterArns and queue policies, so by the requests: the replay is for our rule, the queue takes from it alone."""
    events, sqs = boto3.client("events"), boto3.client("sqs")
    mark = Mark(recording="0123456789ab", created=NOW, owner=None, kept_until=NOW + LEASE)
    name = "event-replay-0123456789ab"
    rule = f"arn:aws:events:us-east-1:123456789012:rule/{BUS}/{name}"
    queue = f"arn:aws:sqs:us-east-1:123456789012:{name}"
    tags = {
        "replay:recording": "0123456789ab",
        "replay:created": "2026-11-21T10:00:00Z",
        "replay:owner": "",
        "replay:kept-until": "2026-11-21T11:00:00Z",
    }
    statement = {
        "Sid": "OnlyTheRuleOfThisReplay",
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue,
        "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
    }
    attributes = {
        "MessageRetentionPeriod": "1209600",
        "VisibilityTimeout": "60",
        "Policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    }
    with Stubber(events) as asked, Stubber(sqs) as asked_of_sqs:
        asked.add_response(
            "put_rule",
            {"RuleArn": rule},
            {
                "Name": name,
                "EventBusName": BUS,
                "EventPattern": json.dumps({"replay-name": [name]}),
                "State": "ENABLED",
                "Description": "made by `replay record eventbridge-archive`, which removes it",
                "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
            },
        )
        asked_of_sqs.add_response(
            "create_queue", {"QueueUrl": "https://q"}, {"QueueName": name, "Attributes": attributes, "tags": tags}
        )
        asked.add_response(
            "put_targets",
            {"FailedEntryCount": 0},
            {"Rule": name, "EventBusName": BUS, "Targets": [{"Id": "queue", "Arn": queue}]},
        )
        asked.add_response(
            "start_replay",
            {"State": "STARTING"},
            {
                "ReplayName": name,
                "Description": "; ".join(f"{key}={value}" for key, value in tags.items()),
                "EventSourceArn": ARN,
                "EventStartTime": NOW - timedelta(hours=2),
                "EventEndTime": NOW,
                "Destination": {"Arn": BUS_ARN, "FilterArns": [rule]},
            },
        )
        made = MadeForReplay(events, sqs, _archive(), mark)
        made.make({"replay-name": [name]})
        made.start(Window(start=NOW - timedelta(hours=2), end=NOW))
        asked.assert_no_pending_responses()
        asked_of_sqs.assert_no_pending_responses()


def test_a_running_replay_is_cancelled_before_the_rest_is_removed() -> None:
    """No emulator lets a replay run for long, so by the requests: cancel, then the queue, then the target and the rule."""
    client = make_archive(DETAILS)
    calls: list[str] = []
    recording = source().open()
    with patch.object(models.Replay, "replay_events", lambda replay, archive: None):  # it stays STARTING
        iterator = recording.captures()
        with answering("ReceiveMessage", "AccessDenied"), pytest.raises(AwsError):
            next(iterator)
    real = BaseClient._make_api_call

    def call(self: Any, name: str, arguments: Any) -> Any:
        calls.append(name)
        return real(self, name, arguments)

    with patch.object(BaseClient, "_make_api_call", call):
        recording.close()
        recording.close()
    assert calls == ["DescribeReplay", "CancelReplay", "DeleteQueue", "RemoveTargets", "DeleteRule"]
    (replay,) = client.list_replays(NamePrefix=PREFIX)["Replays"]
    assert replay["State"] == "CANCELLED"
    assert left() == []


def test_the_rule_matches_this_replay_and_what_is_asked_for() -> None:
    """--pattern stands beside the replay's name: both must match."""
    options = EventBridgeArchiveOptions(archive=ARCHIVE, pattern='{"detail": {"order": [{"numeric": [">", 0]}]}}')
    assert options.replay_pattern("event-replay-1") == {
        "replay-name": ["event-replay-1"],
        "detail": {"order": [{"numeric": [">", 0]}]},
    }


# What comes out


def test_events_come_as_they_were_put() -> None:
    """Each event has its own text, id and time; the replay's name is in the provenance alone."""
    at = NOW - timedelta(hours=1)
    make_archive(DETAILS, at=at)
    captures = recorded(source().open(), since=at - timedelta(hours=1))
    assert orders(captures) == [0, 1, 2]
    for capture in captures:
        event = json.loads(capture.body)
        assert "replay-name" not in event
        assert capture.sent_at == at
        assert capture.origin.identity == event["id"]
        assert capture.origin.arn == ARN
        assert re.fullmatch(
            rf"replay event-replay-[0-9a-f]{{12}} of archive {ARCHIVE} on bus {BUS}", capture.origin.place
        )
    assert left() == []


def test_the_window_is_that_of_the_archive_or_what_is_asked_for() -> None:
    """Without --since it begins with the archive, or with what the archive still keeps; it never ends in the future."""
    archive = _archive()
    assert replay_window(archive, None, None, now=NOW) == Window(
        start=NOW - timedelta(days=9), end=NOW + timedelta(minutes=1)
    )
    keeping = Archive(arn=ARN, bus_arn=BUS_ARN, state="ENABLED", retention_days=2, created=archive.created)
    assert replay_window(keeping, None, None, now=NOW).start == NOW - timedelta(days=2)
    asked = replay_window(archive, NOW - timedelta(seconds=61), NOW + timedelta(days=1), now=NOW)
    assert asked == Window(start=NOW - timedelta(minutes=2), end=NOW + timedelta(minutes=1))


@given(
    since=st.none() | st.integers(0, 10**8).map(lambda ago_s: NOW - timedelta(seconds=ago_s)),
    until=st.none() | st.integers(-(10**8), 10**8).map(lambda ago_s: NOW - timedelta(seconds=ago_s)),
    inside=st.floats(0, 1),
)
def test_no_moment_that_is_asked_for_is_cut_off(since: datetime | None, until: datetime | None, inside: float) -> None:
    """AWS replays whole minutes, so the window has every moment between both ends, and start is before end."""
    window = replay_window(_archive(), since, until, now=NOW)
    assert window.start < window.end
    first, last = since or NOW - timedelta(days=9), min(until or NOW, NOW)
    if first <= last:
        assert window.start <= first + (last - first) * inside <= window.end


def test_only_the_window_is_replayed() -> None:
    """An event of an earlier time stays in the archive."""
    client = make_archive(DETAILS[:1], at=NOW - timedelta(days=2))
    put_events(client, DETAILS[1:], at=NOW - timedelta(hours=1))
    assert orders(recorded(source().open(), since=NOW - timedelta(days=1))) == [1, 2]


def test_the_default_bus_has_archives_too() -> None:
    """There the ARN of a rule names no bus; the queue takes from that rule all the same."""
    client = boto3.client("events")
    client.create_archive(ArchiveName="default-archive", EventSourceArn=BUS_ARN.replace(BUS, "default"))
    client.put_events(Entries=[{"Source": "shop.orders", "DetailType": "OrderPlaced", "Detail": DETAILS[0]}])
    recording = source(archive="default-archive").open()
    iterator = recording.captures()
    assert orders([next(iterator)]) == [0]
    assert recording._made.rule_arn == f"arn:aws:events:us-east-1:123456789012:rule/{recording._made.name}"
    recording.close()
    assert not client.list_rules(NamePrefix=PREFIX)["Rules"]


def test_a_pattern_narrows_the_replay() -> None:
    """What it does not match never comes."""
    make_archive(DETAILS)
    captures = recorded(source(pattern='{"detail": {"order": [1]}}').open())
    assert orders(captures) == [1]


def test_a_limit_ends_the_recording() -> None:
    """No more is given than asked for, and all is removed."""
    make_archive(DETAILS)
    recording = source().open()
    recording.at_most(2)
    assert recording.total() == 2
    assert len(recorded(recording)) == 2
    assert left() == []


def test_an_event_that_comes_twice_is_taken_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """EventBridge and SQS deliver at least once; it is told how often."""
    make_archive(DETAILS)
    receive = ReplayQueue.receive
    monkeypatch.setattr(ReplayQueue, "receive", lambda queue: receive(queue) * 2)
    recording = source().open()
    assert orders(recorded(recording)) == [0, 1, 2]
    assert "3 events came more than once; each is taken once" in recording.notes


def test_what_somebody_else_sends_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A message that this replay did not send is counted, and is no capture."""
    make_archive(DETAILS)
    receive = ReplayQueue.receive
    monkeypatch.setattr(
        ReplayQueue, "receive", lambda queue: [*(got := receive(queue)), *["{", '{"a": 1}'][: len(got)]]
    )
    recording = source().open()
    assert orders(recorded(recording)) == [0, 1, 2]
    assert any("came from somewhere else" in note for note in recording.notes)


def test_an_event_that_comes_late_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A completed replay, a count of zero and two empty receives are not the end: EventBridge does not deliver at once."""
    make_archive(DETAILS)
    receive, empty = ReplayQueue.receive, iter([True] * 3)
    monkeypatch.setattr(ReplayQueue, "is_empty", lambda queue: True)
    monkeypatch.setattr(ReplayQueue, "receive", lambda queue: [] if next(empty, False) else receive(queue))
    assert orders(recorded(source().open())) == [0, 1, 2]


def test_fewer_events_than_the_archive_counts_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a whole archive the count is known: a difference is not passed over in silence."""
    make_archive(DETAILS)
    describe = models.Archive.describe
    monkeypatch.setattr(models.Archive, "describe", lambda archive: describe(archive) | {"EventCount": 5})
    recording = source().open()
    recorded(recording)
    assert any(note.startswith("3 events came, while it counts 5 events in all") for note in recording.notes)


def test_a_time_without_events_is_told() -> None:
    """No event is no error; the note says the time and what the archive counts."""
    make_archive(DETAILS, at=NOW - timedelta(days=30))
    recording = source().open()
    assert recorded(recording, since=NOW - timedelta(days=1)) == []
    assert any("gave no event" in note and "3 events in all" in note for note in recording.notes)
    assert left() == []


MEMBERS = st.dictionaries(
    st.text(max_size=5).filter(lambda name: name != "replay-name"),
    st.sampled_from(['"x"', "1", '{"replay-name": "inside"}', "[[]]", "null", '"replay-name"']),
    max_size=4,
)


@given(members=MEMBERS, place=st.integers(0, 4), space=st.sampled_from(["", " ", "\n  "]))
def test_only_the_name_of_the_replay_is_taken_off(members: dict[str, str], place: int, space: str) -> None:
    """Wherever it stands, the rest of the text is as it was put, character by character."""
    written = [f"{json.dumps(name)}:{space}{value}" for name, value in members.items()]
    name = f'"replay-name":{space}"event-replay-1"'
    body = "{" + f",{space}".join([*written[:place], name, *written[place:]]) + "}"
    event = replayed_event(body)
    assert event.replay == "event-replay-1"
    assert event.text == "{" + f",{space}".join(written) + "}"


@pytest.mark.parametrize("text", ["", "{", "nonsense", "[1]", '"x"', '{"id": 7}', '{"replay-name": {"a": 1}}'])
def test_what_is_no_event_stays_as_it_is(text: str) -> None:
    """Text that no replay sends is given unchanged."""
    assert replayed_event(text).text == text


def test_a_detail_of_any_depth_is_no_trouble() -> None:
    """An event that is nested 100,000 deep loses nothing but the replay's name."""
    deep = '{"detail":' + "[" * 100_000 + "]" * 100_000 + "}"
    event = replayed_event('{"replay-name":"event-replay-1",' + deep[1:])
    assert event.text == deep


# Other rules of the bus


@pytest.mark.parametrize(
    ("options", "reached"),
    [
        ({}, True),
        ({"State": "DISABLED"}, False),
        ({"EventPattern": '{"source": [{"prefix": ""}], "replay-name": [{"exists": false}]}'}, False),
        ({"EventPattern": '{"replay-name": ["another"]}'}, False),
        ({"EventPattern": '{"replay-name": [{"exists": true}]}'}, True),
        ({"EventPattern": '{"replay-name": [{"prefix": "event-"}]}'}, True),
    ],
)
def test_rules_that_a_replay_could_reach(options: dict[str, str], reached: bool) -> None:
    """A rule is in reach unless it is disabled, or asks for no replay or another one; an archive's own rule does."""
    catch_all(make_archive(), "billing", **options)
    found = bus_rules.rules_in_reach(boto3.client("events"), BUS, replay=PREFIX + "0" * 12)
    assert found == (["billing"] if reached else [])


def test_beyond_aws_a_replay_that_others_would_get_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing prevents it, the rules and whom they call are named, before anything is made."""
    catch_all(make_archive(DETAILS), "billing")
    monkeypatch.setattr(bus_rules, "on_aws", lambda client: False)
    with pytest.raises(SourceRefused) as caught:
        source().open()
    assert "1 other rule of bus shop would get the replayed events again: billing (to billing)" in str(caught.value)
    assert "--force" in caught.value.hint
    with replays_as_on_aws(filters=False):
        recording = source(force=True).open()
        assert orders(recorded(recording)) == [0, 1, 2]
    assert any("got these events again" in note and "billing" in note for note in recording.notes)


@pytest.mark.parametrize("pattern", ["nonsense", '{"replay-name": [{"sounds-like": "x"}]}', "[1]"])
def test_a_rule_that_nobody_can_read_is_in_reach(pattern: str) -> None:
    """Of a pattern that EventBridge may know and we do not, nobody can say that it matches no replay."""
    events = boto3.client("events")
    with Stubber(events) as asked:
        asked.add_response("list_rules", {"Rules": [{"Name": "odd", "EventPattern": pattern, "State": "ENABLED"}]})
        assert bus_rules.rules_in_reach(events, BUS, replay=PREFIX + "0" * 12) == ["odd"]


def test_beyond_aws_rules_that_cannot_be_listed_are_no_consent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing would prevent it, not to know who would get the events is not to know of nobody; --force says so."""
    make_archive(DETAILS)
    monkeypatch.setattr(bus_rules, "on_aws", lambda client: False)
    with answering("ListRules", "AccessDeniedException"):
        with pytest.raises(AwsError, match="events:ListRules"):
            source().open()
        assert orders(recorded(source(force=True).open())) == [0, 1, 2]


def test_on_aws_other_rules_get_nothing() -> None:
    """There FilterArns keep the replay to our rule, and the user is told of the others."""
    url = catch_all(make_archive(), "billing")
    put_events(boto3.client("events"), DETAILS)
    sqs = boto3.client("sqs")

    def count() -> str:
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        return str(attributes["ApproximateNumberOfMessages"])

    assert count() == "3"
    recording = source().open()
    assert orders(recorded(recording)) == [0, 1, 2]
    assert count() == "3"
    assert any("1 other rule of bus shop got none of these events" in note for note in recording.notes)


# Bad input, and a bad day


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"archive": "no such"}, SourceError, "that names no archive"),
        ({"archive": "arn:aws:sqs:us-east-1:123456789012:shop"}, SourceError, "that names no archive"),
        ({"archive": "shop-archiv"}, AwsError, "did you mean shop-archive?"),
        ({"archive": ARN, "region": "eu-west-1"}, ConfigurationError, "is in us-east-1, but --region is eu-west-1"),
        ({"archive": ARN.replace("123456789012", "999999999999")}, SourceRefused, "in another account"),
        ({"pattern": '{"replay-name": ["x"]}'}, ConfigurationError, "--pattern cannot ask for replay-name"),
        ({"pattern": '{"detail": 1}'}, InvalidEventPattern, "Event pattern is not valid"),
        ({"pattern": "nonsense"}, InvalidEventPattern, "Event pattern is not valid"),
        ({"pattern": json.dumps({"source": ["x" * 2100]})}, ConfigurationError, "too long for a rule"),
        ({"wait_s": 21}, ConfigurationError, "0 to 20"),
        ({"settle_s": -1}, ConfigurationError, "0 to 600"),
    ],
)
def test_what_cannot_be_meant_is_said_before_anything_is_made(
    options: dict[str, Any], error: type[ReplayError], says: str
) -> None:
    """A wrong name, region, account, pattern or number is one clear error."""
    make_archive()
    with pytest.raises(error) as caught:
        source(**options).open()
    assert says in str(caught.value)
    assert left() == []


def test_an_arn_tells_the_region() -> None:
    """An archive's ARN is as good as its name."""
    found = archive_address(ARN)
    assert (found.name, found.region, found.account_id) == (ARCHIVE, "us-east-1", "123456789012")


def test_a_time_in_the_future_is_refused() -> None:
    """Nothing can have been archived then; nothing is made."""
    make_archive(DETAILS)
    with pytest.raises(ConfigurationError, match="lies in the future"):
        recorded(source().open(), since=datetime.now(UTC) + timedelta(days=1))
    assert left() == []


@pytest.mark.parametrize(("state", "is_read"), [("DISABLED", True), ("UPDATING", True), ("CREATE_FAILED", False)])
def test_an_archive_that_is_not_enabled(state: str, is_read: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a disabled one has is replayed, and its state told; one that was never made is refused with AWS's reason."""
    make_archive(DETAILS)
    describe = models.Archive.describe
    with_state = {"State": state, "StateReason": "the key is gone"}
    monkeypatch.setattr(models.Archive, "describe", lambda archive: describe(archive) | with_state)
    if is_read:
        recording = source().open()
        assert f"archive {ARCHIVE} is {state} (the key is gone): it takes no new events; what it has is replayed" in (
            recording.notes
        )
        assert orders(recorded(recording)) == [0, 1, 2]
    else:
        with pytest.raises(SourceError, match="CREATE_FAILED: the key is gone"):
            source().open()


def test_a_queue_in_another_place_than_its_rule_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """With an emulator for EventBridge alone, the queue would be made in a real account."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_EVENTBRIDGE", "http://127.0.0.1:9")
    with pytest.raises(ConfigurationError, match="two places, of which one is AWS"):
        source().open()


NEEDED = {
    "DescribeArchive": "events", "PutRule": "events", "CreateQueue": "sqs", "PutTargets": "events",
    "StartReplay": "events", "ReceiveMessage": "sqs", "DescribeReplay": "events", "GetQueueAttributes": "sqs",
}  # fmt: skip


@pytest.mark.parametrize("operation", NEEDED)
def test_a_missing_permission_is_named_and_nothing_stays(operation: str) -> None:
    """Whichever call AWS denies, the error says which to allow, and what was made before is removed."""
    make_archive(DETAILS)
    with answering(operation, "AccessDeniedException"), pytest.raises(AwsError) as caught:
        recorded(source().open())
    assert f"{NEEDED[operation]}:{operation}" in str(caught.value)
    assert left() == []
    assert not [each for each in boto3.client("events").list_replays()["Replays"] if each["State"] == "STARTING"]


@pytest.mark.parametrize("operation", ["ListRules", "DeleteMessageBatch"])
def test_what_is_denied_and_not_needed_is_no_matter(operation: str) -> None:
    """On AWS other rules need not be seen, and what cannot be deleted stays invisible in a queue that goes away."""
    make_archive(DETAILS)
    with answering(operation, "AccessDeniedException"):
        assert orders(recorded(source().open())) == [0, 1, 2]
    assert left() == []


@pytest.mark.parametrize("operation", ["PutRule", "CreateQueue", "PutTargets", "StartReplay"])
def test_what_fails_half_way_is_removed(operation: str) -> None:
    """Also where no answer tells whether something was made, such as after an error of AWS's own."""
    make_archive(DETAILS)
    real = BaseClient._make_api_call

    def call(client: Any, name: str, arguments: Any) -> Any:
        answer = real(client, name, arguments)
        if name == operation:
            raise ClientError({"Error": {"Code": "InternalFailure", "Message": "?"}}, name)
        return answer

    with patch.object(BaseClient, "_make_api_call", call), pytest.raises(AwsError):
        recorded(source().open())
    assert left() == []


def test_a_target_that_aws_does_not_take_is_an_error() -> None:
    """PutTargets answers 200 although it failed; that is not passed over."""
    make_archive(DETAILS)
    real = BaseClient._make_api_call
    failed = {"FailedEntryCount": 1, "FailedEntries": [{"ErrorCode": "LimitExceeded", "ErrorMessage": "too many"}]}

    def call(client: Any, name: str, arguments: Any) -> Any:
        return failed if name == "PutTargets" else real(client, name, arguments)

    with patch.object(BaseClient, "_make_api_call", call), pytest.raises(AwsError, match="too many"):
        recorded(source().open())
    assert left() == []


def test_throttling_does_not_end_a_recording(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where DescribeReplay is throttled, it is asked again, and what comes meanwhile is taken."""
    monkeypatch.setattr(archive_recording, "_ASKS_EVERY_S", 0.0)
    make_archive(DETAILS)
    with answering("DescribeReplay", "ThrottlingException", times=3) as calls:
        assert orders(recorded(source().open())) == [0, 1, 2]
    assert len(calls) >= 4
    assert left() == []


@pytest.mark.parametrize("operation", ["DeleteRule", "RemoveTargets", "DeleteQueue"])
@pytest.mark.parametrize("code", ["ThrottlingException", "ConcurrentModificationException"])
def test_a_removal_is_tried_again(operation: str, code: str) -> None:
    """Throttled, or meeting another change, a removal comes to its end."""
    make_archive(DETAILS)
    with answering(operation, code, times=2):
        recorded(source().open())
    assert left() == []


def test_what_cannot_be_removed_is_told_with_the_command_that_does() -> None:
    """Without permission to remove the rule, everything else goes, and the note says what stays and why."""
    make_archive(DETAILS)
    recording = source().open()
    with answering("DeleteRule", "AccessDeniedException") as calls:
        assert orders(recorded(recording)) == [0, 1, 2]
    assert len(calls) == 1  # what is denied stays denied, and is not asked for again
    (rule,) = left()
    (note,) = (note for note in recording.notes if "left behind" in note)
    assert note == (
        f"rule {rule} on bus {BUS} is left behind (AWS denied events:DeleteRule): "
        "`replay doctor --leftovers --remove` removes it"
    )


def test_what_aws_refused_to_make_is_not_told_of_as_left() -> None:
    """Who may neither make a rule nor remove one has left none behind."""
    make_archive(DETAILS)
    recording = source().open()
    denied = "AccessDeniedException"
    with answering("PutRule", denied), answering("RemoveTargets", denied), pytest.raises(AwsError, match="PutRule"):
        recorded(recording)
    assert not [note for note in recording.notes if "left behind" in note]


def test_an_emulator_s_archive_is_found_by_an_arn_of_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Emulators have accounts of their own, so that there an ARN means its name."""
    make_archive(DETAILS)
    monkeypatch.setattr("replay.sources.archive_parts.archives.on_aws", lambda client: False)
    assert orders(recorded(source(archive=ARN.replace("123456789012", "999999999999")).open())) == [0, 1, 2]


@pytest.mark.parametrize(
    ("state", "says"),
    [("FAILED", "the replay has failed: out of luck"), ("CANCELLED", "was cancelled by somebody else: out of luck")],
)
def test_a_replay_that_does_not_reach_its_end(state: str, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What came until then is given, and then it is said, with AWS's reason."""
    make_archive(DETAILS)
    describe = models.Replay.describe
    ended = {"State": state, "StateReason": "out of luck"}
    monkeypatch.setattr(models.Replay, "describe", lambda replay: describe(replay) | ended)
    got: list[Capture] = []
    with source().open() as recording, pytest.raises(SourceError, match=says):
        got.extend(capture for capture in recording.captures() if got.append(capture))
    assert orders(got) == [0, 1, 2]
    assert left() == []


def test_too_many_replays_at_once_are_told() -> None:
    """AWS says only that a limit was met (tests_concurrency_error_too_many_active_replays); the error says which."""
    make_archive(DETAILS)
    with answering("StartReplay", "LimitExceededException"), pytest.raises(AwsError) as caught:
        recorded(source().open())
    assert "ten in an account and region" in caught.value.what
    assert "list-replays" in caught.value.hint
    assert left() == []


def test_a_replay_whose_answer_was_lost_is_ours() -> None:
    """Tried again by botocore, StartReplay says that the name is taken: nobody else has it."""
    make_archive(DETAILS)
    real = BaseClient._make_api_call

    def call(client: Any, name: str, arguments: Any) -> Any:
        if name == "StartReplay":
            real(client, name, arguments)
        return real(client, name, arguments)

    with patch.object(BaseClient, "_make_api_call", call):
        assert orders(recorded(source().open())) == [0, 1, 2]
    assert left() == []


def test_ctrl_c_while_it_is_removed_does_not_stop_that(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever presses it twice still leaves nothing behind."""
    make_archive(DETAILS)
    recording = source().open()
    next(iter(recording.captures()))
    real = BaseClient._make_api_call
    pressed: list[int] = []

    def call(client: Any, name: str, arguments: Any) -> Any:
        if name == "RemoveTargets" and not pressed:
            pressed.append(1)
            raise KeyboardInterrupt
        return real(client, name, arguments)

    with patch.object(BaseClient, "_make_api_call", call), pytest.raises(KeyboardInterrupt):
        recording.close()
    assert left() == []


def test_the_recorder_settles_before_the_queue_is_waited_for() -> None:
    """What was put off is done before each wait, so that a slow replay does not hold it up."""
    make_archive(DETAILS)
    recording = source().open()
    waited: list[int] = []
    recording.before_waiting = lambda: waited.append(1)
    recorded(recording)
    assert waited


# Marks


def test_a_mark_is_read_as_it_was_written() -> None:
    """From tags, and from the description of a replay, which can have no tags."""
    mark = Mark(recording="0123456789ab", created=NOW, owner=this_process(), kept_until=NOW + LEASE)
    assert mark_of(mark.tags()) == mark
    assert mark_in(made_for_replay.description_of(mark)) == mark
    assert len(made_for_replay.description_of(mark)) <= 512
    allowed = re.compile(r"[\w .:/=+@-]*")
    assert all(allowed.fullmatch(value) and len(value) <= 256 for value in mark.tags().values())


@pytest.mark.parametrize("tags", [{}, {"replay:recording": ""}, {"replay:recording": "1"}, {"replay:created": "now"}])
def test_tags_of_others_are_no_mark(tags: dict[str, str]) -> None:
    """What does not say whose it is, or since when, is nobody's to remove."""
    assert mark_of(tags) is None


def test_a_long_recording_says_that_it_still_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a quarter of its time it renews the tag of its queue, and not at every receive."""
    make_archive(DETAILS)
    recording = source().open()
    next(iter(recording.captures()))
    made, sqs = recording._made, boto3.client("sqs")

    def read() -> str:
        return str(sqs.list_queue_tags(QueueUrl=made.queue_url)["Tags"][Tag.KEPT_UNTIL])

    before = read()
    made.renew(datetime.now(UTC) + LEASE / 5)
    assert read() == before
    later = datetime.now(UTC) + LEASE / 2
    made.renew(later)
    assert read() == (later + LEASE).strftime("%Y-%m-%dT%H:%M:%SZ")
    recording.close()
