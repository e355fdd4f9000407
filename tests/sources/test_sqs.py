"""A queue is recorded whole and left as it was, whatever goes wrong meanwhile."""

import itertools
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ReadTimeoutError
from moto import mock_aws

from replay.errors import AwsError, ConfigurationError, SourceError, SourceRefused
from replay.payloads.captures import Capture
from replay.payloads.envelopes.registry import unwrap
from replay.payloads.exact_json import parse
from replay.sources.base import Consumed, Settlement
from replay.sources.sqs import SqsRecording, SqsSource
from replay.sources.sqs_batches import send_batch
from replay.sources.sqs_options import SqsOptions
from tests.sources.fake_sqs import ARN, AWS, QUEUE, FakeLambda, FakeSqs, refusal
from tests.targets.child.processes import wait_until

PARKED = QUEUE.replace("orders-dlq", "parked")


@pytest.fixture
def sqs(monkeypatch: pytest.MonkeyPatch) -> FakeSqs:
    fake = FakeSqs()
    clients = {"sqs": fake, "lambda": FakeLambda()}
    monkeypatch.setattr("replay.sources.aws_options.aws_client", lambda service, **_: clients[service])
    return fake


def recording(**options: Any) -> SqsRecording:
    return SqsSource(SqsOptions(**{"queue": "orders-dlq", "wait_s": 0, **options})).open()


def settle(
    recording_: SqsRecording, capture: Capture, *, kept: bool = True, changed: bool = False, whole: bool = True
) -> None:
    recording_.settle([Settlement(capture=capture, kept=kept, changed=changed, whole=whole)])


# Collecting


def test_the_whole_queue_is_seen_once_and_given_back(sqs: FakeSqs) -> None:
    """Each message is captured once, with several receives at a time; afterwards all are visible again."""
    sent = {sqs.put(f"body {number}") for number in range(137)}
    with recording(concurrency=5) as recording_:
        captures = list(recording_.captures())
    assert Counter(capture.origin.identity for capture in captures) == Counter(sent)
    assert sorted(capture.body for capture in captures) == sqs.bodies()
    assert sqs.visible() == sent
    assert recording_.notes == []


def test_an_empty_queue_gives_nothing(sqs: FakeSqs) -> None:
    """An empty queue ends at once, without a word of warning."""
    with recording() as recording_:
        assert list(recording_.captures()) == []
    assert recording_.notes == []


def test_empty_receives_are_not_the_end_while_messages_are_left(sqs: FakeSqs) -> None:
    """A standard queue may answer with nothing although it holds more; its own count says so, and we go on asking."""
    sent = {sqs.put(str(number)) for number in range(15)}
    sqs.empty = range(2, 9)
    with recording(concurrency=1) as recording_:
        assert len(list(recording_.captures())) == 15
    assert sqs.visible() == sent
    assert recording_.notes == []


def test_counts_that_lag_behind_do_not_end_it(sqs: FakeSqs) -> None:
    """AWS's counts are approximations: a queue that claims to be empty is asked all the same, until a receive is empty."""
    sqs.attributes["ApproximateNumberOfMessages"] = "0"
    for number in range(25):
        sqs.put(str(number))
    with recording(concurrency=1, wait_s=1) as recording_:
        assert len(list(recording_.captures())) == 25
    assert sqs.calls["GetQueueAttributes"] == 2, "asked when opening and at the end, not with each receive"


@pytest.mark.parametrize(("endpoint", "wait_s"), [(AWS, 1), ("http://127.0.0.1:4566", 0)])
def test_an_emulator_is_not_waited_for(
    sqs: FakeSqs, monkeypatch: pytest.MonkeyPatch, endpoint: str, wait_s: int
) -> None:
    """AWS's queues are many servers, which only a long poll asks all; an emulator is one, and short polls see its end."""
    sqs.meta.endpoint_url = endpoint
    monkeypatch.setattr(FakeLambda, "meta", sqs.meta, raising=False)
    asked: list[int] = []
    sqs.before = lambda operation, request: asked.append(request.get("WaitTimeSeconds", wait_s))
    for number in range(25):
        sqs.put(str(number))
    with recording(wait_s=None) as recording_:
        assert len(list(recording_.captures())) == 25
    assert set(asked) == {wait_s}
    assert recording_.notes == []


def test_a_queue_that_gives_nothing_for_ever_is_left_in_the_end(sqs: FakeSqs) -> None:
    """The asking is bounded: what a queue promises and never gives is said, and not waited for."""
    for number in range(15):
        sqs.put(str(number))
    sqs.empty = range(2, 1_000)
    with recording(concurrency=1) as recording_:
        assert len(list(recording_.captures())) == 10
    assert sqs.calls["ReceiveMessage"] <= 20  # ten at once, and then four a second, for two seconds
    assert [note for note in recording_.notes if "about 5 messages" in note and "no longer gave" in note]


def test_a_message_delivered_twice_is_captured_once(sqs: FakeSqs) -> None:
    """Standard queues deliver at least once; the second delivery is no second capture, and its lease goes back too."""
    sqs.twice = True
    sent = {sqs.put(str(number)) for number in range(12)}
    with recording() as recording_:
        assert sorted(capture.body for capture in recording_.captures()) == sqs.bodies()
    assert sqs.visible() == sent


def test_a_limit_touches_no_more_messages_than_it_says(sqs: FakeSqs) -> None:
    """With a limit, no further message is received at all, so nobody's receive count grows for nothing."""
    for number in range(40):
        sqs.put(str(number))
    recording_ = recording(concurrency=4)
    recording_.at_most(13)
    with recording_:
        assert len(list(recording_.captures())) == 13
    assert sum(stored.receives for stored in sqs.stored.values()) == 13
    assert recording_.total() == 13
    assert not [note for note in recording_.notes if "not seen" in note]


def test_a_limit_may_grow_while_messages_are_taken(sqs: FakeSqs) -> None:
    """For each message that does not count one more is received, and no more than that, whoever receives it."""
    for number in range(40):
        sqs.put(str(number))
    with recording(concurrency=3) as recording_:
        recording_.at_most(10)
        for taken, _ in enumerate(recording_.captures(), 1):
            recording_.at_most(min(10 + taken, 17))
        assert taken == 17
        assert len(sqs.visible()) == 23
    assert len(sqs.visible()) == 40
    assert recording_.notes == []


def test_stopping_early_gives_everything_back(sqs: FakeSqs) -> None:
    """
    Whoever stops iterating, for a limit or Ctrl-C, leaves no message invisible: also not those that were on the way.

    Nor is the queue blamed for what was not asked of it.
    """
    sent = {sqs.put(str(number)) for number in range(200)}
    recording_ = recording(concurrency=4)

    def interrupted() -> None:
        with recording_:
            for _ in recording_.captures():
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert sqs.visible() == sent
    assert recording_.notes == []


def test_closing_twice_or_unused_is_harmless(sqs: FakeSqs) -> None:
    """A recording that was never iterated, or is closed again, calls nothing."""
    recording_ = recording()
    recording_.close()
    recording_.close()
    assert "ReceiveMessage" not in sqs.calls


def test_an_error_while_receiving_is_told_and_gives_everything_back(sqs: FakeSqs) -> None:
    """Losing the permission in the middle raises our own error, after what was received; every lease is returned."""
    sent = {sqs.put(str(number)) for number in range(60)}

    def deny(operation: str, request: dict[str, Any]) -> None:
        if operation == "ReceiveMessage" and sqs.calls["ReceiveMessage"] > 3:
            raise refusal("AccessDenied", "ReceiveMessage")

    sqs.before = deny
    seen: list[Capture] = []
    with pytest.raises(AwsError) as caught, recording(concurrency=1) as recording_:
        seen.extend(recording_.captures())
    assert len(seen) == 30
    assert caught.value.what == "AWS denied sqs:ReceiveMessage"
    assert "queue orders-dlq" in caught.value.where
    assert sqs.visible() == sent


def test_over_limit_ends_the_receiving_and_is_said(sqs: FakeSqs) -> None:
    """At SQS's limit of messages in flight the recording keeps what it has, and says that there is more."""
    for number in range(50):
        sqs.put(str(number))

    def limit(operation: str, request: dict[str, Any]) -> None:
        if operation == "ReceiveMessage" and sqs.calls["ReceiveMessage"] > 2:
            raise refusal("OverLimit", "ReceiveMessage")

    sqs.before = limit
    with recording(concurrency=1) as recording_:
        assert len(list(recording_.captures())) == 20
    (note,) = recording_.notes
    assert "20 messages" in note
    assert "OverLimit" in note


def test_messages_that_others_took_are_counted(sqs: FakeSqs) -> None:
    """When the queue gives fewer than it promised, the difference is said."""
    sqs.attributes["ApproximateNumberOfMessages"] = "12"
    sqs.put("only one")
    with recording(concurrency=3) as recording_:
        assert len(list(recording_.captures())) == 1
    assert [note for note in recording_.notes if "about 11 messages" in note and "not seen" in note]


def test_a_lease_is_renewed_for_as_long_as_it_takes(sqs: FakeSqs) -> None:
    """A recording slower than its leases extends them, so that no message comes back into the queue meanwhile."""
    sent = {sqs.put(str(number)) for number in range(3)}
    deadline = time.monotonic() + 20
    with recording(visibility_timeout_s=1, concurrency=1, drain=True) as recording_:
        for _ in recording_.captures():
            while sqs.calls["ChangeMessageVisibilityBatch"] < 2 and time.monotonic() < deadline:
                time.sleep(0.05)
        assert sqs.visible() == set()
        assert sqs.calls["ChangeMessageVisibilityBatch"] >= 2
    assert sqs.visible() == sent
    assert {stored.receives for stored in sqs.stored.values()} == {1}


@pytest.mark.parametrize(("ahead_bytes", "left"), [(1, 30), (10**6, 0)])
def test_no_more_is_received_ahead_than_there_is_room_for(
    sqs: FakeSqs, monkeypatch: pytest.MonkeyPatch, ahead_bytes: int, left: int
) -> None:
    """Receiving goes on while fixtures are written; it waits where too much would have to be kept in memory."""
    monkeypatch.setattr("replay.sources.sqs.MOST_AHEAD_BYTES", ahead_bytes)
    for number in range(60):
        sqs.put(str(number))
    deadline = time.monotonic() + 20
    with recording(concurrency=1) as recording_:
        captures = recording_.captures()
        next(captures)
        while len(sqs.visible()) > left and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.05)
        assert len(sqs.visible()) == left, "ten are being recorded, ten wait, and ten have no room to wait in"
        assert len(list(captures)) == 59


def test_a_renewed_lease_is_known_to_last_longer(sqs: FakeSqs) -> None:
    """What cannot be given back returns when the last renewal ends, not when the first lease would have."""
    stuck = sqs.put("stuck")
    deadline = time.monotonic() + 20
    with recording(visibility_timeout_s=1, concurrency=1, drain=True) as recording_:
        for _ in recording_.captures():
            while sqs.calls["ChangeMessageVisibilityBatch"] < 2 and time.monotonic() < deadline:
                time.sleep(0.05)
        sqs.failing["ChangeMessageVisibility"] = Counter({stuck: 9})
    assert "it returns by itself within 1 s" in recording_.notes[0]


def test_a_lease_that_is_lost_is_said(sqs: FakeSqs) -> None:
    """When SQS no longer knows a lease, somebody else may have the message: that is a note, not an error."""
    gone = sqs.put("gone")
    deadline = time.monotonic() + 20
    with recording(visibility_timeout_s=1, concurrency=1, drain=True) as recording_:
        for _ in recording_.captures():
            del sqs.stored[gone]
            while not sqs.calls["ChangeMessageVisibilityBatch"] and time.monotonic() < deadline:
                time.sleep(0.05)
            time.sleep(0.05)
    assert [note for note in recording_.notes if note.startswith("1 lease could not be kept")]


# Giving back


def test_everything_goes_back_as_soon_as_the_queue_has_given_all(sqs: FakeSqs) -> None:
    """Who only reads needs no lease on what has come: the queue is whole again while the recording still works."""
    sent = {sqs.put(str(number)) for number in range(45)}
    with recording(concurrency=3) as recording_:
        captures = recording_.captures()
        first = next(captures)
        assert wait_until(lambda: sqs.visible() == sent, 20)
        rest = list(captures)
    assert Counter(capture.origin.identity for capture in (first, *rest)) == Counter(sent)
    assert {stored.receives for stored in sqs.stored.values()} == {1}, "what goes back is not received once more"
    assert recording_.notes == []


def test_nothing_goes_back_while_the_queue_has_more(sqs: FakeSqs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given back too early a message would come again, in the place of those that nobody has seen."""
    monkeypatch.setattr("replay.sources.sqs.MOST_AHEAD_BYTES", 1)
    sent = {sqs.put(str(number)) for number in range(60)}
    with recording(concurrency=1) as recording_:
        captures = recording_.captures()
        for _ in range(30):
            next(captures)
        assert not sqs.calls["ChangeMessageVisibilityBatch"]
        assert len(list(captures)) == 30
    assert sqs.visible() == sent


@pytest.mark.parametrize(("fifo", "drain"), [(False, True), (True, False)])
def test_what_is_drained_or_in_order_is_held_to_the_end(sqs: FakeSqs, fifo: bool, drain: bool) -> None:
    """A drain deletes by its leases, and of a FIFO queue what has not come is counted while they hold."""
    sqs.fifo = fifo
    sent = {sqs.put("x", Attributes={"MessageGroupId": "one"}) for _ in range(5)}
    with recording(drain=drain, concurrency=1) as recording_:
        assert len(list(recording_.captures())) == 5
        assert recording_._leases is not None
        assert wait_until(lambda: recording_._leases._running == 0, 20)
        time.sleep(0.05)
        assert sqs.visible() == set()
    assert sqs.visible() == sent


def test_entries_that_fail_are_given_back_alone(sqs: FakeSqs) -> None:
    """One failing entry of a batch is tried again by itself; the others of the batch are not held up."""
    sent = {sqs.put(str(number)) for number in range(25)}
    sqs.failing["ChangeMessageVisibility"] = Counter({next(iter(sent)): 1})
    with recording() as recording_:
        list(recording_.captures())
    assert sqs.visible() == sent
    assert recording_.notes == []


def test_what_cannot_be_given_back_is_told_with_the_time(sqs: FakeSqs) -> None:
    """Messages that stay invisible are counted, and the user hears when they return by themselves."""
    stuck = sqs.put("stuck")
    sqs.put("fine")
    sqs.failing["ChangeMessageVisibility"] = Counter({stuck: 9})
    with recording(visibility_timeout_s=300) as recording_:
        list(recording_.captures())
    (note,) = recording_.notes
    assert note.startswith("1 message of orders-dlq could not be given back")
    assert "within 300 s" in note


def test_a_network_that_is_gone_does_not_hold_up_the_end(sqs: FakeSqs) -> None:
    """When no answer comes any more, the leases are left to run out instead of being tried one by one."""
    from botocore.exceptions import EndpointConnectionError

    for number in range(500):
        sqs.put(str(number))

    def unplug(operation: str, request: dict[str, Any]) -> None:
        if operation == "ChangeMessageVisibilityBatch":
            raise EndpointConnectionError(endpoint_url="https://sqs.eu-west-1.amazonaws.com")

    sqs.before = unplug
    with recording() as recording_:
        list(recording_.captures())
    assert sqs.calls["ChangeMessageVisibilityBatch"] < 30
    assert recording_.notes[0].startswith("500 messages of orders-dlq could not be given back")


# Draining


def test_draining_deletes_only_what_is_kept(sqs: FakeSqs) -> None:
    """A message without a fixture of its own stays in the queue, visible."""
    for number in range(23):
        sqs.put(str(number))
    with recording(drain=True) as recording_:
        assert recording_.consumes
        for capture in recording_.captures():
            settle(recording_, capture, kept=int(capture.body) % 5 != 0)
    assert sqs.bodies() == ["0", "10", "15", "20", "5"]
    assert len(sqs.visible()) == 5
    assert recording_.consumed() == Consumed(deleted=18, moved=0, left=5)
    assert [note for note in recording_.notes if note.startswith("5 messages stay in orders-dlq: no fixture")]


def test_without_drain_settling_consumes_nothing(sqs: FakeSqs) -> None:
    """Recording never consumes by default."""
    sqs.put("a")
    with recording() as recording_:
        for capture in recording_.captures():
            settle(recording_, capture)
    assert sqs.bodies() == ["a"]
    assert "DeleteMessageBatch" not in sqs.calls
    assert recording_.consumed() == Consumed()


def test_what_redaction_changed_stays_unless_the_user_says_so(sqs: FakeSqs) -> None:
    """The fixture is not the message any more, so without a word from the user the message is kept."""
    sqs.put("plain")
    sqs.put("secret")
    with recording(drain=True) as recording_:
        for capture in recording_.captures():
            settle(recording_, capture, changed=capture.body == "secret")
    assert sqs.bodies() == ["secret"]
    assert recording_.consumed() == Consumed(deleted=1, moved=0, left=1)
    (note,) = recording_.notes
    assert "--drain-to QUEUE" in note
    assert "--accept-redacted" in note


def test_what_says_more_than_its_fixture_stays_unless_the_user_says_so(sqs: FakeSqs) -> None:
    """Words around an event that no fixture holds would be lost with the message, so without a word it is kept."""
    sqs.put("plain")
    sqs.put("an answer")
    with recording(drain=True) as recording_:
        for capture in recording_.captures():
            settle(recording_, capture, whole=capture.body == "plain")
    assert sqs.bodies() == ["an answer"]
    (note,) = recording_.notes
    assert note.startswith("1 message stays in orders-dlq: around its event it says more than a fixture holds: add --")


@pytest.mark.parametrize("lacks", [{"changed": True}, {"whole": False}])
def test_accept_redacted_deletes_it_too(sqs: FakeSqs, lacks: dict[str, bool]) -> None:
    """The user may say that the fixture is enough."""
    sqs.put("secret")
    with recording(drain=True, accept_redacted=True) as recording_:
        for capture in recording_.captures():
            settle(recording_, capture, **lacks)
    assert sqs.bodies() == []


@pytest.mark.parametrize("lacks", [{"changed": True}, {"whole": False}])
def test_what_its_fixture_lacks_is_moved_exactly(sqs: FakeSqs, lacks: dict[str, bool]) -> None:
    """The copy in the other queue has the body, attributes of every type and trace header of the original."""
    attributes = {
        "text": {"DataType": "String.label", "StringValue": "ä😀"},
        "number": {"DataType": "Number", "StringValue": "1.500"},
        "blob": {"DataType": "Binary.gzip", "BinaryValue": b"\x00\xff"},
    }
    trace = "Root=1-5e1b4151-5ac6c58f3d1f1b0a5f6f7f8a"
    sqs.put("secret", MessageAttributes=attributes, Attributes={"AWSTraceHeader": trace})
    with recording(drain=True, drain_to="parked") as recording_:
        for capture in recording_.captures():
            settle(recording_, capture, **lacks)
    assert sqs.bodies() == []
    assert sqs.sent == [
        (
            PARKED,
            {
                "MessageBody": "secret",
                "MessageAttributes": attributes,
                "MessageSystemAttributes": {"AWSTraceHeader": {"DataType": "String", "StringValue": trace}},
            },
        )
    ]
    assert recording_.consumed() == Consumed(deleted=0, moved=1, left=0)


def test_a_message_that_could_not_be_sent_is_not_deleted(sqs: FakeSqs) -> None:
    """Only what the other queue has acknowledged leaves its queue; the rest is given back and counted."""
    for number in range(12):
        sqs.put(f"{number:02}")
    sqs.failing["SendMessage"] = Counter({"03": 9, "07": 1})
    with recording(drain=True, drain_to="parked") as recording_:
        for capture in recording_.captures():
            settle(recording_, capture, changed=True)
    assert sqs.bodies() == ["03"]
    assert len(sqs.visible()) == 1
    assert sorted(entry["MessageBody"] for _, entry in sqs.sent) == [f"{n:02}" for n in range(12) if n != 3]
    assert recording_.consumed() == Consumed(deleted=0, moved=11, left=1)
    assert [note for note in recording_.notes if "not sent to parked: InvalidMessageContents" in note]


def test_a_message_that_could_not_be_deleted_is_given_back(sqs: FakeSqs) -> None:
    """A delete that fails for good leaves the message visible in its queue, and says so."""
    stuck = sqs.put("stuck")
    sqs.put("fine")
    sqs.failing["DeleteMessage"] = Counter({stuck: 9})
    with recording(drain=True) as recording_:
        for capture in recording_.captures():
            settle(recording_, capture)
    assert sqs.visible() == {stuck}
    assert recording_.consumed() == Consumed(deleted=1, moved=0, left=1)


def test_what_is_moved_to_a_fifo_queue_keeps_its_order(sqs: FakeSqs, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many calls may run at once, one batch is sent after the other: a slow one is not overtaken."""
    ask = sqs.get_queue_attributes

    def attributes(**request: Any) -> dict[str, Any]:
        answer = ask(**request)
        fifo = {"FifoQueue": "true"} if request["QueueUrl"] == f"{PARKED}.fifo" else {}
        return {"Attributes": answer["Attributes"] | fifo}

    monkeypatch.setattr(sqs, "get_queue_attributes", attributes)
    for number in range(40):
        sqs.put(f"{number:02}", Attributes={"MessageGroupId": "a"})
    slow = iter([0.1])
    sqs.before = lambda operation, _: time.sleep(next(slow, 0)) if operation == "SendMessageBatch" else None
    with recording(drain=True, drain_to="parked.fifo", concurrency=4) as recording_:
        captures = sorted(recording_.captures(), key=lambda capture: capture.body)
        for capture in captures:
            settle(recording_, capture, changed=True)
    assert [entry["MessageBody"] for _, entry in sqs.sent] == [capture.body for capture in captures]


def test_a_mistake_in_the_drain_is_not_passed_over(sqs: FakeSqs, monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes wrong behind the recorder's back ends the recording, with every message still in its queue, and visible."""

    def broken(*_: object, **__: object) -> None:
        raise LookupError("a mistake of ours")

    monkeypatch.setattr("replay.sources.sqs_drain.outgoing_message", broken)
    sent = {sqs.put("x")}
    recording_ = recording(drain=True, drain_to="parked")
    for capture in recording_.captures():
        settle(recording_, capture, changed=True)
    with pytest.raises(LookupError):
        recording_.close()
    assert sqs.visible() == sent


def test_a_call_without_an_answer_is_not_made_again_for_each_of_its_entries() -> None:
    """It may have taken effect, and botocore has tried it again: what was sent twice would be two messages."""
    calls: list[Any] = []

    def silent(**request: Any) -> Any:
        calls.append(request)
        raise ReadTimeoutError(endpoint_url=AWS)

    done, failed = send_batch(silent, QUEUE, [{"MessageBody": "a"}, {"MessageBody": "b"}])
    assert (done, len(calls)) == ({}, 1)
    assert [(each.place, each.answered) for each in failed] == [(0, False), (1, False)]


def test_the_answer_of_an_earlier_call_acknowledges_nothing() -> None:
    """Where an answer comes late on its connection, it is not taken for that of the next call: a move would lose by it."""
    answers: list[dict[str, Any]] = [{"Successful": []}]

    def one_behind(QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 - AWS's names
        answers.append({"Successful": [{"Id": entry["Id"]} for entry in Entries]})
        return answers[-2]

    entries = [{"MessageBody": "a"}]
    send_batch(one_behind, QUEUE, entries)
    done, failed = send_batch(one_behind, QUEUE, entries)
    assert (done, [each.code for each in failed]) == ({}, ["NoAnswer"])


def test_large_messages_are_moved_in_batches_within_the_limit(sqs: FakeSqs) -> None:
    """SQS counts a whole batch against the size limit of one message."""
    for number in range(5):
        sqs.put(str(number) * 400_000)
    sizes: list[int] = []

    def measure(operation: str, request: dict[str, Any]) -> None:
        if operation == "SendMessageBatch":
            sizes.append(sum(len(entry["MessageBody"]) for entry in request["Entries"]))

    sqs.before = measure
    with recording(drain=True, drain_to="parked") as recording_:
        for capture in recording_.captures():
            settle(recording_, capture, changed=True)
    assert sum(sizes) == 2_000_000
    assert max(sizes) <= 1_048_576


def test_a_drain_ended_by_an_error_still_deletes_what_was_kept(sqs: FakeSqs) -> None:
    """What has a fixture is consumed, and everything else given back, also when the recording breaks off."""
    for number in range(30):
        sqs.put(f"{number:02}")

    def broken_off() -> None:
        with recording(drain=True, concurrency=1) as recording_:
            for number, capture in enumerate(recording_.captures()):
                if number == 3:
                    raise RuntimeError
                settle(recording_, capture)

    with pytest.raises(RuntimeError):
        broken_off()
    assert sqs.bodies() == [f"{number:02}" for number in range(3, 30)]
    assert len(sqs.visible()) == 27


# FIFO


def _fifo(sqs: FakeSqs, *, groups: int, each: int) -> None:
    sqs.fifo = True
    for number in range(each):
        for group in range(groups):
            sqs.put(f"{group}:{number:02}", Attributes={"MessageGroupId": str(group), "MessageDeduplicationId": "same"})


def test_of_a_fifo_queue_the_unseen_are_counted(sqs: FakeSqs) -> None:
    """Of a group only the first batch can be seen without consuming, and the note says how many were not."""
    _fifo(sqs, groups=2, each=15)
    with recording(concurrency=1) as recording_:
        assert len(list(recording_.captures())) == 20
    (note,) = recording_.notes
    assert note.startswith("about 10 messages of orders-dlq were not seen")
    assert "FIFO" in note


def test_draining_a_fifo_queue_goes_on_to_its_end_in_order(sqs: FakeSqs) -> None:
    """What is deleted makes room for the next of its group, so nothing is left, and each group comes in order."""
    _fifo(sqs, groups=3, each=25)
    seen = []
    with recording(drain=True, concurrency=2) as recording_:
        for capture in recording_.captures():
            seen.append(capture.body)
            settle(recording_, capture)
    assert sqs.bodies() == []
    for group in "012":
        assert [body for body in seen if body[0] == group] == [f"{group}:{number:02}" for number in range(25)]


def test_draining_a_fifo_queue_waits_for_what_is_settled_late(sqs: FakeSqs) -> None:
    """Who writes with several threads settles late; the queue is not taken for finished before it has had its say."""
    _fifo(sqs, groups=1, each=45)
    late: list[Capture] = []

    def settle_all() -> None:
        time.sleep(0.15)
        while late:
            settle(recording_, late.pop(0))

    with recording(drain=True, concurrency=3) as recording_:
        recording_.before_waiting = settle_all
        for capture in recording_.captures():
            late.append(capture)  # noqa: PERF402 - the callback empties it meanwhile
        settle_all()
    assert sqs.bodies() == []


def test_polls_that_stayed_empty_because_of_another_one_are_not_the_end(
    sqs: FakeSqs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four ask at once, and one is given the group: the other three have not seen that nothing comes any more."""
    _fifo(sqs, groups=1, each=45)
    receive, asked = sqs.receive_message, itertools.count()
    together, held = threading.Barrier(4), threading.Event()

    def beside_the_others(**request: Any) -> dict[str, Any]:
        is_first = next(asked) < 4
        if is_first:
            together.wait(20)
        answer = receive(**request)
        if is_first and not answer["Messages"]:
            assert held.wait(20)
        return answer

    monkeypatch.setattr(sqs, "receive_message", beside_the_others)
    with recording(drain=True, concurrency=4) as recording_:
        for capture in recording_.captures():
            if not held.is_set():
                held.set()
                time.sleep(0.2)  # in which the others would have come to the end
            settle(recording_, capture)
    assert sqs.bodies() == []


def test_moving_to_a_fifo_queue_never_drops_a_message_as_duplicate(sqs: FakeSqs) -> None:
    """Two messages with the sender's own deduplication id in common would be one to SQS: the message id tells them apart."""
    _fifo(sqs, groups=1, each=2)
    with recording(drain=True, drain_to="parked.fifo") as recording_:
        for capture in recording_.captures():
            settle(recording_, capture, changed=True)
    entries = [entry for _, entry in sqs.sent]
    assert [entry["MessageBody"] for entry in entries] == ["0:00", "0:01"]
    assert {entry["MessageGroupId"] for entry in entries} == {"0"}
    assert len({entry["MessageDeduplicationId"] for entry in entries}) == 2


# Before anything is touched


def test_boto3_checks_only_what_is_not_asked_of_the_queue(sqs: FakeSqs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of a recording's thousands of calls has what AWS itself gave; of other services one thing is asked."""
    checked = {}

    def client(service: str, *, checks_parameters: bool, **_: Any) -> Any:
        checked[service] = checks_parameters
        return sqs

    monkeypatch.setattr("replay.sources.aws_options.aws_client", client)
    recording()
    assert checked == {"sqs": False, "lambda": True}


def test_a_queue_with_a_redrive_policy_is_refused(sqs: FakeSqs) -> None:
    """Each receive counts against maxReceiveCount: the dead-letter queue is named, and nothing is received."""
    policy = {"deadLetterTargetArn": f"{ARN}-2", "maxReceiveCount": 3}
    sqs.attributes["RedrivePolicy"] = json.dumps(policy)
    with pytest.raises(SourceRefused) as caught:
        recording()
    assert "maxReceiveCount 3" in caught.value.what
    assert "--queue orders-dlq-2" in caught.value.hint
    assert "--force" in caught.value.hint
    assert "ReceiveMessage" not in sqs.calls
    assert recording(force=True).total() == 0


def test_a_queue_is_not_drained_to_itself(sqs: FakeSqs) -> None:
    """A drain that feeds itself would never end."""
    with pytest.raises(SourceRefused, match="to itself"):
        recording(drain=True, drain_to=ARN)


@pytest.mark.parametrize(
    ("options", "where"),
    [
        ({"drain_to": "parked"}, "--drain-to"),
        ({"accept_redacted": True}, "--accept-redacted"),
        ({"drain": True, "drain_to": "q2", "accept_redacted": True}, "--drain-to and --accept-redacted"),
        ({"concurrency": 0}, "--concurrency 0"),
        ({"concurrency": 1000}, "--concurrency 1000"),
        ({"wait_s": 21}, "--wait-s 21"),
        ({"visibility_timeout_s": 50_000}, "--visibility-timeout-s 50000"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(options: dict[str, Any], where: str) -> None:
    """Each wrong option is named."""
    with pytest.raises(ConfigurationError) as caught:
        SqsOptions(queue="q", **options)
    assert caught.value.where == where


def test_a_live_consumer_is_told(sqs: FakeSqs, monkeypatch: pytest.MonkeyPatch) -> None:
    """A function that consumes the queue, on whatever page AWS names it, and messages in flight are noted."""
    mapping = {"FunctionArn": "arn:aws:lambda:eu-west-1:111122223333:function:orders", "State": "Enabled"}
    disabled = {"FunctionArn": "arn:aws:lambda:eu-west-1:111122223333:function:old", "State": "Disabled"}
    clients = {"sqs": sqs, "lambda": FakeLambda(disabled, mapping)}
    monkeypatch.setattr("replay.sources.aws_options.aws_client", lambda service, **_: clients[service])
    sqs.attributes |= {"ApproximateNumberOfMessagesNotVisible": "7", "ApproximateNumberOfMessagesDelayed": "2"}
    with recording() as recording_:
        assert list(recording_.captures()) == []
    consumer, in_flight, delayed = recording_.notes
    assert consumer.startswith("function orders consumes orders-dlq")
    assert "about 7 messages" in in_flight
    assert "about 2 messages" in delayed


def test_consumers_are_asked_for_once_while_messages_come(sqs: FakeSqs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for the answer before the first receive, and it is noted once, however many messages there are."""
    asked: list[int] = []

    class Functions(FakeLambda):
        def get_paginator(self, operation: str) -> Any:
            asked.append(sqs.calls["ReceiveMessage"])
            return super().get_paginator(operation)

    mapping = {"FunctionArn": "arn:aws:lambda:eu-west-1:111122223333:function:orders", "State": "Enabled"}
    clients = {"sqs": sqs, "lambda": Functions(mapping)}
    monkeypatch.setattr("replay.sources.aws_options.aws_client", lambda service, **_: clients[service])
    for number in range(12):
        sqs.put(f"{number}")
    with recording() as recording_:
        assert len(list(recording_.captures())) == 12
    assert len(asked) == 1
    assert asked[0] > 0
    assert sum("consumes orders-dlq" in note for note in recording_.notes) == 1


def test_not_being_allowed_to_ask_for_consumers_is_no_error(sqs: FakeSqs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the permission the recording goes on, and the note names what would be needed."""
    denied = FakeLambda(error=refusal("AccessDeniedException", "ListEventSourceMappings"))
    clients = {"sqs": sqs, "lambda": denied}
    monkeypatch.setattr("replay.sources.aws_options.aws_client", lambda service, **_: clients[service])
    with recording() as recording_:
        assert list(recording_.captures()) == []
    (note,) = recording_.notes
    assert "allow lambda:ListEventSourceMappings" in note


def test_messages_close_to_expiry_are_counted(sqs: FakeSqs) -> None:
    """The age counts from the original enqueue; the note says how many and when the first one goes."""
    retention_s = 345_600
    sqs.attributes["MessageRetentionPeriod"] = str(retention_s)
    now = time.time()
    for left_s in (600, 7_200, retention_s - 60):
        sqs.put("x", Attributes={"SentTimestamp": str(int((now - retention_s + left_s) * 1000))})
    with recording() as recording_:
        list(recording_.captures())
    (note,) = recording_.notes
    assert note.startswith("2 messages of orders-dlq expire soon")
    assert time.strftime("%Y-%m-%d %H:%M", time.gmtime(now + 600)) in note


def test_the_source_queue_is_asked_for_its_settings_once(sqs: FakeSqs) -> None:
    """A message names the queue it failed in; when that queue cannot be read, its ARN is all that is known, and a note says so."""
    source = "arn:aws:sqs:eu-west-1:111122223333:gone.fifo"
    for number in range(3):
        sqs.put(str(number), Attributes={"DeadLetterQueueSourceArn": source})
    with recording() as recording_:
        sources = [capture.event_source for capture in recording_.captures()]
    assert sqs.calls["GetQueueUrl"] == 2, "for the queue itself, and for its source"
    assert {event_source.arn for event_source in sources if event_source} == {source}
    assert {event_source.dead_letter_queue for event_source in sources if event_source} == {ARN}
    (note,) = recording_.notes
    assert "could not be read" in note


# Against moto


@pytest.fixture
def moto_sqs() -> Iterator[Any]:
    with mock_aws():
        yield boto3.client("sqs")


def _orders(client: Any, **attributes: str) -> tuple[str, str]:
    """Make `orders` with its dead-letter queue; give the URLs of both."""
    dead = client.create_queue(QueueName="orders-dlq")["QueueUrl"]
    arn = client.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 5})
    source = client.create_queue(QueueName="orders", Attributes={"RedrivePolicy": policy, **attributes})["QueueUrl"]
    return source, dead


def test_every_type_of_attribute_is_captured_exactly(moto_sqs: Any) -> None:
    """Body, String, Number, Binary and custom attributes, and system attributes come through boto3 as they were sent."""
    _, dead = _orders(moto_sqs)
    body = '{"id": 18446744073709551617, "id": 0.10, "text": "\\ud800"}'
    attributes = {
        "text": {"DataType": "String.label", "StringValue": "ä😀"},
        "number": {"DataType": "Number", "StringValue": "1.500"},
        "blob": {"DataType": "Binary.gzip", "BinaryValue": b"\x00\xff"},
    }
    trace = {"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-5e1b4151-5ac6c58f3d1f1b0a5f6f7f8a"}}
    sent = moto_sqs.send_message(
        QueueUrl=dead, MessageBody=body, MessageAttributes=attributes, MessageSystemAttributes=trace
    )
    with recording(concurrency=1) as recording_:
        (capture,) = recording_.captures()
    assert capture.body == body
    assert capture.origin.identity == sent["MessageId"]
    assert {
        name: (value.data_type, value.string_value, value.binary_value)
        for name, value in capture.message_attributes.items()
    } == {
        "text": ("String.label", "ä😀", None),
        "number": ("Number", "1.500", None),
        "blob": ("Binary.gzip", None, b"\x00\xff"),
    }
    assert capture.attributes["AWSTraceHeader"] == trace["AWSTraceHeader"]["StringValue"]
    assert capture.sent_at is not None
    assert abs(capture.sent_at.timestamp() - time.time()) < 60


def test_the_settings_of_the_source_queue_are_found(moto_sqs: Any) -> None:
    """The dead-letter queue's source gives ARN, visibility timeout and maxReceiveCount of the event source."""
    _, dead = _orders(moto_sqs, VisibilityTimeout="90")
    moto_sqs.send_message(QueueUrl=dead, MessageBody="x")
    with recording(concurrency=1) as recording_:
        (capture,) = recording_.captures()
    source = capture.event_source
    assert source is not None
    assert source.arn == "arn:aws:sqs:us-east-1:123456789012:orders"
    assert (source.max_receive_count, source.visibility_timeout_s, source.fifo) == (5, 90, False)
    assert source.dead_letter_queue == "arn:aws:sqs:us-east-1:123456789012:orders-dlq"
    _, unwrapped = unwrap(capture)
    event: Any = parse(unwrapped.event.text)
    assert event["Records"][0]["eventSourceARN"] == source.arn


def test_draining_to_the_queue_that_failed_is_refused(moto_sqs: Any) -> None:
    """Moving dead letters back to their source would hand them to its consumer again."""
    _orders(moto_sqs)
    with pytest.raises(SourceRefused, match="would get them again"):
        recording(drain=True, drain_to="orders")


def test_a_recorded_message_is_visible_again_with_its_count_grown_by_one(moto_sqs: Any) -> None:
    """After the recording the queue is as before; only the receive count tells that somebody looked."""
    _, dead = _orders(moto_sqs)
    for number in range(12):
        moto_sqs.send_message(QueueUrl=dead, MessageBody=str(number))
    with recording(concurrency=1) as recording_:  # moto gives one message to two receives at once now and then
        assert len(list(recording_.captures())) == 12
    found = moto_sqs.receive_message(QueueUrl=dead, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"])
    assert {message["Attributes"]["ApproximateReceiveCount"] for message in found["Messages"]} == {"2"}


@pytest.mark.parametrize(
    "queue",
    [
        "orders-dlq",
        "arn:aws:sqs:us-east-1:123456789012:orders-dlq",
        "https://sqs.us-east-1.amazonaws.com/123456789012/orders-dlq",
    ],
)
def test_a_queue_is_found_by_name_arn_and_url(moto_sqs: Any, queue: str) -> None:
    """All three spellings lead to the same queue."""
    _orders(moto_sqs)
    assert recording(queue=queue).total() == 0


@pytest.mark.parametrize(
    "queue",
    ["orders-dql", "arn:aws:sqs:us-east-1:123456789012:orders-dql", "https://sqs.us-east-1.amazonaws.com/1/orders-dql"],
)
def test_a_wrong_name_suggests_the_near_one(moto_sqs: Any, queue: str) -> None:
    """A queue that does not exist is told with its region, and with the name that was probably meant."""
    _orders(moto_sqs)
    with pytest.raises(AwsError) as caught:
        recording(queue=queue)
    assert caught.value.what == "there is no such queue"
    assert caught.value.where == "queue orders-dql in us-east-1"
    assert caught.value.hint.startswith("did you mean orders-dlq")
    assert caught.value.code == "AWS.SimpleQueueService.NonExistentQueue"


@pytest.mark.parametrize("queue", ["", "no spaces", "arn:aws:sns:us-east-1:123456789012:topic", "../x", "a" * 81])
def test_what_names_no_queue_is_refused_without_a_call(queue: str) -> None:
    """A name that no queue can have is refused before AWS is asked."""
    with pytest.raises(SourceError, match="names no SQS queue"):
        recording(queue=queue)
