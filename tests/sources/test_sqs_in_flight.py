"""A queue with too many messages in flight, and what is said of messages that were not seen or not given back."""

from collections.abc import Iterator
from typing import Any

import pytest

from replay.sources import sqs_leases
from replay.sources.base import Settlement
from replay.sources.sqs import SqsRecording, SqsSource
from replay.sources.sqs_leases import Leases
from replay.sources.sqs_options import SqsOptions
from tests.sources.fake_sqs import FakeLambda, FakeSqs, refusal

AT_MOST = 20


@pytest.fixture
def sqs(monkeypatch: pytest.MonkeyPatch) -> FakeSqs:
    fake = FakeSqs()
    clients = {"sqs": fake, "lambda": FakeLambda()}
    monkeypatch.setattr("replay.sources.aws_options.aws_client", lambda service, **_: clients[service])
    monkeypatch.setattr(sqs_leases, "NEARLY_ALL_IN_FLIGHT", AT_MOST)
    return fake


@pytest.fixture(params=["silent", "OverLimit"])
def limited(request: pytest.FixtureRequest, sqs: FakeSqs, monkeypatch: pytest.MonkeyPatch) -> FakeSqs:
    """Give no more while twenty messages are in flight: silently, as to a long poll, or with the error."""
    receive = sqs.receive_message

    def receive_within_the_limit(**asked: Any) -> Any:
        with sqs.lock:
            if len(sqs.stored) - len(sqs.visible()) < AT_MOST:
                return receive(**asked)
        if request.param == "OverLimit":
            raise refusal("OverLimit", "ReceiveMessage")
        return {}

    monkeypatch.setattr(sqs, "receive_message", receive_within_the_limit)
    return sqs


def _recording(**options: Any) -> SqsRecording:
    return SqsSource(SqsOptions(**{"queue": "orders-dlq", "wait_s": 0, "concurrency": 1, **options})).open()


def _settled(recording: SqsRecording, *, kept: bool = True) -> Iterator[str]:
    for capture in recording.captures():
        recording.settle([Settlement(capture=capture, kept=kept, changed=False)])
        yield capture.body


def test_the_limit_of_messages_in_flight_is_noticed(limited: FakeSqs) -> None:
    """SQS may just give nothing more: that this is no end of the queue is seen by its counts, and said."""
    sent = {limited.put(str(number)) for number in range(50)}
    with _recording() as recording:
        assert len(list(recording.captures())) == AT_MOST
    (note,) = recording.notes
    assert note == (
        "SQS gave no more than 20 messages (OverLimit: too many are in flight at once); drain these, then record again"
    )
    assert limited.visible() == sent


@pytest.mark.parametrize("fifo", [False, True])
def test_a_drain_goes_on_when_it_has_made_room(limited: FakeSqs, *, fifo: bool) -> None:
    """What is deleted is no longer in flight, so a drain of more messages than the limit comes to its end."""
    limited.fifo = fifo
    for number in range(70):
        limited.put(str(number), Attributes={"MessageGroupId": f"g{number // 10}"})
    with _recording(drain=True) as recording:
        assert sorted(map(int, _settled(recording))) == list(range(70))
    assert recording.consumed().deleted == 70
    assert limited.stored == {}
    assert recording.notes == []


def test_a_drain_that_can_make_no_room_ends(limited: FakeSqs) -> None:
    """Where nothing may be deleted, waiting for room would never end."""
    for number in range(50):
        limited.put(str(number))
    with _recording(drain=True) as recording:
        assert len(list(_settled(recording, kept=False))) == AT_MOST
    assert "SQS gave no more than 20 messages" in recording.notes[0]
    assert "the rest is for the next time" in recording.notes[0]


def test_of_a_fifo_queue_what_is_unseen_is_counted_at_the_end(sqs: FakeSqs) -> None:
    """What another consumer has taken out of the groups meanwhile is not counted as unseen."""
    sqs.fifo = True
    sent = [sqs.put(str(number), Attributes={"MessageGroupId": "one"}) for number in range(30)]
    with _recording() as recording:
        assert len(list(recording.captures())) == 10
        for identity in sent[25:]:
            del sqs.stored[identity]
    (note,) = recording.notes
    assert note.startswith("about 15 messages of orders-dlq were not seen: of a FIFO group only the first batch")


def test_a_fifo_queue_that_cannot_be_asked_again_counts_as_at_first(sqs: FakeSqs) -> None:
    """Without an answer at the end, the count of the beginning is told."""
    sqs.fifo = True
    for number in range(30):
        sqs.put(str(number), Attributes={"MessageGroupId": "one"})

    def refuse(operation: str, request: dict[str, Any]) -> None:
        if operation == "GetQueueAttributes":
            raise refusal("RequestThrottled", operation)

    with _recording() as recording:
        assert len(list(recording.captures())) == 10
        sqs.before = refuse
    assert "about 20 messages" in recording.notes[0]


def test_a_third_ctrl_c_still_says_what_is_leased(sqs: FakeSqs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who breaks off even the second try is told how many messages come back by themselves, and when."""
    for number in range(30):
        sqs.put(str(number))
    recording = _recording(visibility_timeout_s=60, drain=True)
    assert len(list(recording.captures())) == 30

    def interrupted(leases: Leases) -> None:
        raise KeyboardInterrupt

    remains = recording.remains()
    assert remains.startswith(
        "30 messages of orders-dlq may not have been given back; they return by themselves within"
    )
    monkeypatch.setattr(Leases, "give_back", interrupted)
    with pytest.raises(KeyboardInterrupt):
        recording.close()
    (note,) = recording.notes
    assert note.startswith("30 messages of orders-dlq may not have been given back; they return by themselves within ")
    assert 0 < int(note.split()[-2]) <= 60
