"""A message is deleted only when its queue has it and the ledger knows it; whatever fails in between loses nothing."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from replay.errors import ReplayError
from replay.ledger.ledger import Ledger, read_run
from replay.payloads.captures import Capture, Origin
from replay.redriver import moving
from replay.redriver.moving import Moved, Mover
from replay.redriver.queue_outlet import QueueOutlet
from replay.redriver.settling import _layers
from replay.sources.sqs_queue import Queue
from replay.targets.sending import TRIES
from tests.sources.fake_sqs import ARN, QUEUE, FakeSqs, refusal

SOURCE = Queue(url=QUEUE, arn=ARN)
TO = Queue(url=QUEUE.replace("orders-dlq", "orders"), arn=ARN.replace("orders-dlq", "orders"))

Move = Callable[[Any, list[Capture]], list[Moved]]


class Held:
    """Leases that are held: the handles as the fake queue gives them."""

    def __init__(self) -> None:
        self.forgotten: list[str] = []
        self.lost: set[str] = set()

    def handle(self, identity: str) -> str | None:
        return None if identity in self.lost | set(self.forgotten) else f"{identity}#1"

    def forget(self, deleted: Mapping[str, str]) -> None:
        assert all(handle == self.handle(identity) for identity, handle in deleted.items())
        self.forgotten += deleted


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.begin(tmp_path, command="redrive") as opened:
        yield opened


@pytest.fixture
def pauses() -> list[float]:
    """How long each try would have been put off; nothing waits in these tests."""
    return []


@pytest.fixture
def move(ledger: Ledger, pauses: list[float]) -> Move:
    """Move captures by a client that sends and deletes, and give what came of each, in their order."""

    def move(
        client: Any, captures: list[Capture], *, to: Queue = TO, held: Any = None, into: Any = None, **options: Any
    ) -> list[Moved]:
        def at_once(tries: int) -> float:
            pauses.append(moving.pause_s(tries))
            return 0.0

        known = into or ledger
        leases = held or Held()
        with Mover(client, source=SOURCE, leases=leases, ledger=known, threads=2, back_off=at_once) as mover:
            mover.move(QueueOutlet(client, to, **options), captures)
            mover.wait()
            by_capture = {moved.capture.origin.identity: moved for moved in mover.settled()}
        return [by_capture[capture.origin.identity] for capture in captures]

    return move


def put(sqs: FakeSqs, *bodies: str, **attributes: str) -> list[Capture]:
    return [
        Capture(
            origin=Origin(source="sqs", arn=ARN, identity=sqs.put(body)),
            body=body,
            carrier="sqs",
            attributes=attributes,
        )
        for body in bodies
    ]


def outcomes(moved: Any) -> list[tuple[bool, bool, bool]]:
    return [(each.sent, each.deleted, each.doubtful) for each in moved]


def identity_of(moved: Moved) -> str:
    return moved.capture.origin.identity


def test_a_message_is_sent_noted_and_then_deleted(ledger: Ledger, move: Move) -> None:
    """In that order; and the ledger has each step."""
    sqs = FakeSqs()
    moved = move(sqs, put(sqs, "a", "b"))
    assert outcomes(moved) == [(True, True, False)] * 2
    assert sqs.stored == {}
    assert [entry["MessageBody"] for _, entry in sqs.sent] == ["a", "b"]
    progress = read_run(ledger.path)
    assert set(progress.acknowledged) == {identity_of(each) for each in moved}
    assert progress.in_doubt == ()


def test_without_its_line_in_the_ledger_nothing_is_deleted(
    ledger: Ledger, move: Move, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the acknowledgement cannot be written down, the message stays in the dead-letter queue."""
    sqs = FakeSqs()

    def full(_: Any) -> None:
        raise ReplayError("the ledger cannot be written: no space left on device")

    monkeypatch.setattr(ledger, "note_each", full)
    with pytest.raises(ReplayError):
        move(sqs, put(sqs, "a"))
    assert sqs.bodies() == ["a"]


def test_what_fails_is_tried_again_alone_with_back_off(ledger: Ledger, move: Move, pauses: list[float]) -> None:
    """Entries that SQS refuses go again by themselves, each time after a longer pause; the others are done."""
    sqs = FakeSqs(failing={"SendMessage": Counter({"b": 2})})
    assert outcomes(move(sqs, put(sqs, "a", "b", "c"))) == [(True, True, False)] * 3
    assert [entry["MessageBody"] for _, entry in sqs.sent] == ["a", "c", "b"]
    assert pauses == sorted(pauses)
    assert len(set(pauses)) == 2
    assert read_run(ledger.path).in_doubt == ()


def test_what_waits_for_its_next_try_keeps_no_other_waiting(ledger: Ledger) -> None:
    """With one thread alone, a message that failed does not hold up those behind it while it is put off."""
    sqs = FakeSqs(failing={"SendMessage": Counter({"a": 1})})
    captures = put(sqs, *"abc")
    outlet = QueueOutlet(sqs, TO)
    held: Any = Held()
    with Mover(sqs, source=SOURCE, leases=held, ledger=ledger, threads=1, back_off=lambda _: 0.1) as mover:
        for capture in captures:
            mover.move(outlet, [capture])
        mover.wait()
    assert [entry["MessageBody"] for _, entry in sqs.sent] == ["b", "c", "a"]


def test_what_fails_for_good_stays(ledger: Ledger, move: Move) -> None:
    """After its last try a message stays where it is, and says why; nothing of it is in doubt."""
    sqs = FakeSqs(failing={"SendMessage": Counter({"b": 99})})
    moved = move(sqs, put(sqs, "a", "b"))
    assert outcomes(moved) == [(True, True, False), (False, False, False)]
    assert moved[1].problem == "InvalidMessageContents"
    assert sqs.bodies() == ["b"]
    assert read_run(ledger.path).sent[identity_of(moved[1])] == TRIES


def test_a_throttled_batch_goes_again_as_a_batch(move: Move) -> None:
    """Throttled, ten messages are not made ten calls of."""
    calls: Counter[str] = Counter()

    def before(operation: str, request: Any) -> None:
        calls[operation] += 1
        if operation == "SendMessageBatch" and calls[operation] < 3:
            raise refusal("RequestThrottled", operation)

    sqs = FakeSqs(before=before)
    assert outcomes(move(sqs, put(sqs, *"abcdefghij"))) == [(True, True, False)] * 10
    assert calls["SendMessageBatch"] == 3


def test_a_lost_acknowledgement_is_named(ledger: Ledger, move: Move) -> None:
    """A send without an answer is sent again, since nothing may be lost, and the ledger has it in doubt."""
    sqs = FakeSqs()
    real, lost = sqs.send_message_batch, [True]

    def losing(**request: Any) -> Any:
        answer = real(**request)
        if lost.pop() if lost else False:
            raise ConnectionResetError
        return answer

    client = SimpleNamespace(send_message_batch=losing, delete_message_batch=sqs.delete_message_batch)
    moved = move(client, put(sqs, "a"))
    assert outcomes(moved) == [(True, True, True)]
    assert [entry["MessageBody"] for _, entry in sqs.sent] == ["a", "a"]
    assert read_run(ledger.path).in_doubt == (identity_of(moved[0]),)


def test_what_the_ledger_has_is_not_sent_again(tmp_path: Path, move: Any) -> None:
    """Killed between acknowledgement and deletion, the message is only deleted when the run is gone on with."""
    sqs = FakeSqs()
    captures = put(sqs, *map(str, range(25)))
    keys = [capture.origin.identity for capture in captures]
    with Ledger.begin(tmp_path, command="redrive") as first:
        first.sent(keys)
        first.acknowledged(keys)
    with Ledger.resume(tmp_path, first.run) as again:
        assert outcomes(move(sqs, captures, into=again)) == [(True, True, False)] * 25
    assert sqs.sent == []
    assert sqs.stored == {}


def test_what_was_sent_without_an_answer_before_a_kill_is_named(tmp_path: Path, move: Any) -> None:
    """Killed between send and acknowledgement, the message is sent again, and told as one that may be there twice."""
    sqs = FakeSqs()
    known, fresh = put(sqs, "a", "b")
    with Ledger.begin(tmp_path, command="redrive") as first:
        first.sent([known.origin.identity])
    with Ledger.resume(tmp_path, first.run) as again:
        assert outcomes(move(sqs, [known, fresh], into=again)) == [(True, True, True), (True, True, False)]


def test_what_cannot_be_deleted_says_so(move: Any) -> None:
    """A lease that ran out, or a delete that fails for good, is told: the message is in both queues."""
    sqs, held = FakeSqs(), Held()
    one, other = put(sqs, "a", "b")
    held.lost.add(one.origin.identity)
    sqs.failing["DeleteMessage"] = Counter({other.origin.identity: 99})
    moved = move(sqs, [one, other], held=held)
    assert outcomes(moved) == [(True, False, False)] * 2
    assert [each.problem for each in moved] == ["the lease ran out", "InternalError"]


def test_other_bytes_are_no_acknowledgement(move: Move) -> None:
    """Where SQS says that it has stored another body, the original is not deleted."""
    sqs = FakeSqs()

    def changed(**request: Any) -> Any:
        return {"Successful": [{"Id": each["Id"], "MD5OfMessageBody": "0" * 32} for each in request["Entries"]]}

    client = SimpleNamespace(send_message_batch=changed, delete_message_batch=sqs.delete_message_batch)
    moved = move(client, put(sqs, "a"))
    assert outcomes(moved) == [(False, False, True)]
    assert moved[0].problem == "other bytes were acknowledged"
    assert sqs.bodies() == ["a"]


@pytest.mark.parametrize(("ids", "wanted"), [("renew", None), ("keep", "sender's own")])
def test_groups_are_kept_and_deduplication_ids_as_asked(move: Any, ids: Any, wanted: str | None) -> None:
    """A FIFO message keeps its group; its deduplication id is the message's own, or the sender's where that is asked."""
    sqs = FakeSqs()
    captures = put(sqs, "a", MessageGroupId="g", MessageDeduplicationId="sender's own")
    fifo = Queue(url=TO.url + ".fifo", arn=TO.arn + ".fifo", fifo=True)
    move(sqs, captures, to=fifo, deduplication_ids=ids)
    ((_, entry),) = sqs.sent
    assert entry["MessageGroupId"] == "g"
    assert entry["MessageDeduplicationId"] == (wanted or captures[0].origin.identity)


def test_a_layer_has_one_message_of_each_group() -> None:
    """So that of a group none overtakes one that could not be sent."""
    sqs = FakeSqs()
    a = put(sqs, "a1", "a2", MessageGroupId="a")
    b = put(sqs, "b1", MessageGroupId="b")
    alone = put(sqs, "x", "y")
    assert [[each.body for each in layer] for layer in _layers([a[0], b[0], a[1], *alone])] == [
        ["a1", "b1", "x", "y"],
        ["a2"],
    ]
