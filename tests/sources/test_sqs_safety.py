"""What must never happen to a queue: the wrong one is drained, or a message is kept from it, or lost."""

import json
import threading
import time
from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, ProxyConnectionError, ReadTimeoutError
from botocore.parsers import ResponseParserError

from replay.errors import AwsError, ConfigurationError, SourceRefused
from replay.sources.base import Settlement
from replay.sources.sqs import SqsRecording, SqsSource
from replay.sources.sqs_leases import Leases
from replay.sources.sqs_options import SqsOptions
from replay.sources.sqs_queue import Queue
from tests.sources.fake_sqs import ARN, QUEUE, FakeLambda, FakeSqs, refusal

EMULATOR = SimpleNamespace(region_name="eu-west-1", endpoint_url="http://localhost:4566")


@pytest.fixture
def sqs(monkeypatch: pytest.MonkeyPatch) -> FakeSqs:
    fake = FakeSqs()
    _use(monkeypatch, fake, FakeLambda())
    return fake


def _use(monkeypatch: pytest.MonkeyPatch, sqs: FakeSqs, functions: Any) -> None:
    clients = {"sqs": sqs, "lambda": functions}
    monkeypatch.setattr("replay.sources.aws_options.aws_client", lambda service, **_: clients[service])


def recording(**options: Any) -> SqsRecording:
    return SqsSource(SqsOptions(**{"queue": "orders-dlq", "wait_s": 0, **options})).open()


# The queue that is meant, and no other


@pytest.mark.parametrize(
    "other", ["arn:aws:sqs:eu-west-1:{}:orders-dlq", "https://sqs.eu-west-1.amazonaws.com/{}/orders-dlq"]
)
def test_the_queue_of_another_account_is_never_taken_for_our_own(sqs: FakeSqs, other: str) -> None:
    """Where AWS answers with a queue of another account than the one that was named, nothing is received."""
    sqs.get_queue_attributes = lambda **_: {"Attributes": {"QueueArn": ARN}}  # type: ignore[method-assign]  # the caller's own
    with pytest.raises(SourceRefused, match="another account"):
        recording(queue=other.format("222222222222"), drain=True)
    with pytest.raises(SourceRefused, match="another account"):
        recording(drain=True, drain_to=other.format("222222222222").replace("orders-dlq", "parked"))


def test_a_name_is_not_looked_for_in_our_own_account_instead(sqs: FakeSqs, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the account of the ARN has no such queue, that is the end of it; an emulator is asked without the account."""
    ask = sqs.get_queue_url

    def get_queue_url(**request: Any) -> dict[str, Any]:
        if "QueueOwnerAWSAccountId" in request:
            raise refusal("AWS.SimpleQueueService.NonExistentQueue", "GetQueueUrl")
        return ask(**request)

    monkeypatch.setattr(sqs, "get_queue_url", get_queue_url)
    named = ARN.replace("111122223333", "222222222222")
    with pytest.raises(AwsError, match="no such queue") as caught:
        recording(queue=named)
    assert "another account's" in caught.value.hint
    sqs.meta = EMULATOR
    functions = FakeLambda()
    functions.meta = EMULATOR  # type: ignore[attr-defined]  # of the same side
    _use(monkeypatch, sqs, functions)
    assert recording(queue=named).total() == 0


@pytest.mark.parametrize(
    "options",
    [
        {"queue": ARN, "region": "us-east-1"},
        {"queue": QUEUE, "region": "us-east-1"},
        {"queue": "https://queue.amazonaws.com/111122223333/orders-dlq", "region": "eu-west-1"},
        {"drain": True, "drain_to": "arn:aws:sqs:us-east-1:111122223333:parked"},
        {"drain": True, "drain_to": "https://sqs-fips.us-east-1.amazonaws.com/111122223333/parked"},
    ],
)
def test_two_regions_are_refused(sqs: FakeSqs, options: dict[str, Any]) -> None:
    """A queue of the same name in another region is another queue; the contradiction is told before AWS is asked for it."""
    with pytest.raises(ConfigurationError, match="us-east-1"):
        recording(**options)
    assert "ReceiveMessage" not in sqs.calls


def test_draining_in_a_circle_is_refused_without_the_permission_to_list(
    sqs: FakeSqs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The redrive policy of the target tells that its dead letters come back here."""
    attributes = sqs.get_queue_attributes

    def get_queue_attributes(QueueUrl: str, **_: Any) -> dict[str, Any]:  # noqa: N803 - AWS's name
        answer = attributes(QueueUrl)
        if QueueUrl != QUEUE:
            answer["Attributes"]["RedrivePolicy"] = json.dumps({"deadLetterTargetArn": ARN, "maxReceiveCount": 3})
        return answer

    monkeypatch.setattr(sqs, "get_queue_attributes", get_queue_attributes)
    with pytest.raises(SourceRefused, match="would get them again"):
        recording(drain=True, drain_to="parked")


def test_consumers_of_an_emulated_queue_are_not_looked_for_on_aws(
    sqs: FakeSqs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the endpoint of SQS alone set, Lambda would mean a real account: it is not called."""
    functions = FakeLambda(error=AssertionError("called"))
    functions.meta = sqs.meta  # type: ignore[attr-defined]  # that of AWS
    sqs.meta = EMULATOR
    sqs.attributes["ApproximateNumberOfMessagesDelayed"] = "2"
    _use(monkeypatch, sqs, functions)
    with recording() as recording_:
        assert list(recording_.captures()) == []
    (note,) = recording_.notes
    assert "delayed" in note


@pytest.mark.parametrize("operation", ["ListDeadLetterSourceQueues", "GetQueueUrl"])
def test_looking_up_the_source_queues_may_fail(sqs: FakeSqs, operation: str) -> None:
    """A network that fails for a look-up that is only for the record is a note; the messages are recorded."""

    def unplug(called: str, request: dict[str, Any]) -> None:
        if called == operation and request.get("QueueName") != "orders-dlq":
            raise ReadTimeoutError(endpoint_url="x")

    sqs.before = unplug
    sqs.put("x", Attributes={"DeadLetterQueueSourceArn": ARN.replace("orders-dlq", "parked")})
    with recording() as recording_:
        assert len(list(recording_.captures())) == 1
    (note,) = recording_.notes
    assert "could not be" in note


def test_an_emulator_without_the_look_up_is_noted(sqs: FakeSqs) -> None:
    """Also another error than a refusal is told: the settings of the source queue are then not known."""

    def refuse(called: str, request: dict[str, Any]) -> None:
        del request
        if called == "ListDeadLetterSourceQueues":
            raise ClientError({"Error": {"Code": "InvalidAction"}}, called)

    sqs.before = refuse
    with recording() as recording_:
        list(recording_.captures())
    assert recording_.notes == [
        "the source queues could not be looked up (InvalidAction): what does not name its own counts as sent to this queue"
    ]


# Leases


@pytest.mark.parametrize("moment", ["stop", "give_back"])
def test_ctrl_c_while_closing_still_gives_everything_back(
    sqs: FakeSqs, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """The second Ctrl-C of the impatient ends the program, but only when every message is visible again."""
    sent = {sqs.put(str(number)) for number in range(30)}
    task = getattr(Leases, moment)
    calls = []

    def interrupted_once(leases: Leases) -> Any:
        calls.append(moment)
        if len(calls) == 1:
            raise KeyboardInterrupt
        return task(leases)

    monkeypatch.setattr(Leases, moment, interrupted_once)
    recording_ = recording(drain=True)
    assert len(list(recording_.captures())) == 30
    with pytest.raises(KeyboardInterrupt):
        recording_.close()
    assert sqs.visible() == sent
    recording_.close()
    assert len(calls) == 2


def _leases(sqs: FakeSqs, visibility_timeout_s: int = 120) -> Leases:
    return Leases(sqs, Queue(url=QUEUE, arn=ARN), concurrency=1, visibility_timeout_s=visibility_timeout_s)  # type: ignore[arg-type]  # a fake


def test_a_lease_that_may_not_be_extended_is_given_back_all_the_same(
    sqs: FakeSqs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond 12 hours SQS refuses to extend a lease that still runs: it is lost once, never deleted by, and given back."""
    leases = _leases(sqs)
    identity = sqs.put("x")
    leases._hold(sqs.receive_message(MaxNumberOfMessages=1, VisibilityTimeout=300)["Messages"], 0)
    change = sqs.change_message_visibility_batch

    def refuse(QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 - AWS's names
        if Entries[0]["VisibilityTimeout"] == 0:
            return change(QueueUrl, Entries)
        return {"Failed": [{"Id": entry["Id"], "Code": "InvalidParameterValue"} for entry in Entries]}

    monkeypatch.setattr(sqs, "change_message_visibility_batch", refuse)
    leases._renew([identity])
    leases._renew([identity])
    assert leases.lost == 1
    assert leases.handle(identity) is None
    assert leases.give_back()[:2] == (1, 0)
    assert sqs.visible() == {identity}


def test_a_message_received_again_meanwhile_keeps_its_newer_lease(
    sqs: FakeSqs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The refusal of an older handle says nothing about the newer one."""
    leases = _leases(sqs)
    leases._hold([{"MessageId": "m", "ReceiptHandle": "m#1"}], 0)

    def received_meanwhile(QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 - AWS's names
        leases._hold([{"MessageId": "m", "ReceiptHandle": "m#2"}], 0)
        return {"Failed": [{"Id": entry["Id"], "Code": "InvalidParameterValue"} for entry in Entries]}

    monkeypatch.setattr(sqs, "change_message_visibility_batch", received_meanwhile)
    leases._renew(["m"])
    assert leases.handle("m") == "m#2"
    assert leases.lost == 0


def test_a_message_that_comes_again_after_its_deletion_is_deleted_again(
    sqs: FakeSqs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQS may deliver the copy of a server that could not be told of a deletion: it does not stay behind a drain."""
    identities = [sqs.put(str(number)) for number in range(25)]
    delete = sqs.delete_message_batch
    copies = {identities[3], identities[14]}

    def all_but_a_copy(QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 - AWS's names
        kept = {name: sqs.stored[name] for name in copies & {entry["ReceiptHandle"].split("#")[0] for entry in Entries}}
        copies.difference_update(kept)
        answer = delete(QueueUrl, Entries)
        for name, stored in kept.items():
            stored.visible_at = 0.0
            sqs.stored[name] = stored
        return answer

    monkeypatch.setattr(sqs, "delete_message_batch", all_but_a_copy)
    with recording(drain=True, concurrency=1) as recording_:
        captures = []
        for capture in recording_.captures():
            captures.append(capture.origin.identity)
            recording_.settle([Settlement(capture=capture, kept=True, changed=False)])
    assert sorted(captures) == sorted(identities)
    assert copies == set()
    assert sqs.stored == {}
    assert (recording_.consumed().deleted, recording_.notes) == (25, [])


def test_a_deletion_by_an_older_handle_is_made_good(sqs: FakeSqs) -> None:
    """By an old handle SQS answers that it deleted, and may not have: the handle that came meanwhile is used too."""
    leases = _leases(sqs)
    deleted, held = sqs.put("x"), sqs.put("y")
    for _ in range(2):
        leases._hold(sqs.receive_message(MaxNumberOfMessages=10, VisibilityTimeout=0)["Messages"], 0)
    leases.forget({deleted: f"{deleted}#1"})
    assert leases.give_back() == (1, 0, 0.0)
    assert sqs.visible() == sqs.stored.keys() == {held}


def test_what_cannot_be_deleted_again_is_told(sqs: FakeSqs) -> None:
    """It is not made visible at once, and counts as not given back."""
    leases = _leases(sqs)
    deleted = sqs.put("x")
    sqs.failing["DeleteMessage"] = Counter({deleted: 3})
    leases._hold(sqs.receive_message(MaxNumberOfMessages=1, VisibilityTimeout=300)["Messages"], 0)
    leases.forget({deleted: "older"})
    assert leases.give_back()[:2] == (0, 1)
    assert sqs.visible() == set()


def test_messages_that_come_again_do_not_hide_those_behind_them(sqs: FakeSqs, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Where leases run out on a busy machine, short polls give known messages again and again: the end of the queue is
    another one, and whoever drains or redrives it would leave the rest there as if it were done.
    """
    for number in range(30):
        sqs.put(str(number))
    receive, again = sqs.receive_message, 25

    def expired(**request: Any) -> dict[str, Any]:
        nonlocal again
        known = [stored for stored in sqs.stored.values() if stored.receives]
        if not known or not again:
            return receive(**request)
        again -= 1
        return {"Messages": [dict(stored.message) for stored in known[:10]]}

    monkeypatch.setattr(sqs, "receive_message", expired)
    with recording(concurrency=1) as recording_:
        assert len(list(recording_.captures())) == 30


def test_a_renewal_under_way_does_not_hide_what_goes_back_early(sqs: FakeSqs, monkeypatch: pytest.MonkeyPatch) -> None:
    """A renewal that came to SQS behind the giving back would hold a message for two minutes more: it is waited for."""
    sent = {sqs.put(str(number)) for number in range(3)}
    renewing, ended = threading.Event(), threading.Event()
    change = sqs.change_message_visibility_batch

    def slow(QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 - AWS's names
        if Entries[0]["VisibilityTimeout"]:
            renewing.set()
            assert ended.wait(20)
        return change(QueueUrl, Entries)

    def receive(**request: Any) -> dict[str, Any]:
        if sqs.calls["ReceiveMessage"] == 1:
            assert renewing.wait(20)
        return received(**request)

    received = sqs.receive_message
    monkeypatch.setattr(sqs, "receive_message", receive)
    monkeypatch.setattr(sqs, "change_message_visibility_batch", slow)
    with recording(visibility_timeout_s=1, concurrency=1) as recording_:
        captures = recording_.captures()
        assert next(captures).body
        assert renewing.wait(20)
        time.sleep(0.1)
        assert sqs.visible() == set()
        ended.set()
        assert len(list(captures)) == 2
    assert sqs.visible() == sent


def test_renewing_survives_an_answer_that_is_none(sqs: FakeSqs) -> None:
    """A proxy's page in place of SQS's answer is no reason to let all leases run out."""
    sent = {sqs.put(str(number)) for number in range(3)}

    def proxy(operation: str, request: dict[str, Any]) -> None:
        if operation == "ChangeMessageVisibilityBatch" and sqs.calls[operation] == 1:
            raise ResponseParserError("<html>")

    sqs.before = proxy
    deadline = time.monotonic() + 20
    with recording(visibility_timeout_s=1, concurrency=1, drain=True) as recording_:
        for _ in recording_.captures():
            while sqs.calls["ChangeMessageVisibilityBatch"] < 3 and time.monotonic() < deadline:
                time.sleep(0.05)
        assert sqs.calls["ChangeMessageVisibilityBatch"] >= 3
    assert sqs.visible() == sent


def test_renewing_that_cannot_go_on_ends_the_recording(sqs: FakeSqs, monkeypatch: pytest.MonkeyPatch) -> None:
    """What breaks the renewing is told, and not left to be found out by leases that ran out."""
    sent = {sqs.put(str(number)) for number in range(3)}

    def broken(leases: Leases, identities: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(Leases, "_renew", broken)

    def wait_for_the_end() -> None:
        with recording(visibility_timeout_s=1, concurrency=1, drain=True) as recording_:
            for _ in recording_.captures():
                assert recording_._leases is not None
                recording_._leases._stop.wait(20)

    with pytest.raises(RuntimeError, match="broken"):
        wait_for_the_end()
    assert sqs.visible() == sent


def test_a_proxy_that_is_gone_does_not_hold_up_the_end(sqs: FakeSqs) -> None:
    """Whatever botocore calls the lack of an answer, it is not asked for thousands of times more."""
    for number in range(500):
        sqs.put(str(number))

    def unplug(operation: str, request: dict[str, Any]) -> None:
        if operation == "ChangeMessageVisibilityBatch":
            raise ProxyConnectionError(proxy_url="http://proxy", error="refused")

    sqs.before = unplug
    with recording() as recording_:
        list(recording_.captures())
    assert sqs.calls["ChangeMessageVisibilityBatch"] < 30
