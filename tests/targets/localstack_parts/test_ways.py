"""The ways to a function on LocalStack: which of them an event takes, and what each of them sees."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ParamValidationError

from replay.errors import InvalidEvent, TargetError
from replay.functions.function import Function
from replay.payloads.captures import Event
from replay.targets.carrier import Acknowledgement, Sighting, Sought
from replay.targets.guard_rails.destination import Destination
from replay.targets.localstack import LocalstackTarget
from replay.targets.localstack_parts import opened_ways
from replay.targets.localstack_parts.opened_ways import OpenedWays
from replay.targets.localstack_parts.own_watches import OwnWatch, own_watches
from replay.targets.localstack_parts.ways_in import WayIn
from replay.targets.observing.dead_letters import DeadLetters
from replay.targets.s3 import S3Target
from replay.targets.sending import Sender
from replay.targets.sns import SnsTarget
from replay.targets.sqs import SqsTarget
from tests.targets.carried import Journal

PLACE = "arn:aws:{}:us-east-1:000000000000:{}"
QUEUE = WayIn(kind="sqs", target="sqs", option="queue", resource=PLACE.format("sqs", "orders"))
OTHER = WayIn(kind="sqs", target="sqs", option="queue", resource=PLACE.format("sqs", "returns"))
TOPIC = WayIn(kind="sns", target="sns", option="topic", resource=PLACE.format("sns", "news"))
OBJECT = WayIn(kind="s3", target="s3", option="bucket", resource="uploads", settings=(("how", "object"),))
NOTIFICATION = WayIn(kind="s3", target="s3", option="bucket", resource="uploads", settings=(("how", "notification"),))


@pytest.fixture(autouse=True)
def described(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every way be one that was looked at, and may be used."""
    there = Destination(target="t", arn="a", on_this_machine=True, seen_by=("function audit",))
    for kind in (SqsTarget, SnsTarget, S3Target):
        monkeypatch.setattr(kind, "checked_destination", lambda _: there)


def ways(*found: WayIn) -> OpenedWays:
    function = Function(name="orders", handler="a.b", code=Path())
    return OpenedWays(found, lambda way: {way.option: way.resource}, function=function, deployed="orders")


def sqs_event(body: str, queue: str = "orders") -> Event:
    record = {"eventSource": "aws:sqs", "body": body, "eventSourceARN": PLACE.format("sqs", queue)}
    return Event(text=json.dumps({"Records": [record]}), kind="sqs")


def s3_event() -> Event:
    record = {
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": "in-production"}, "object": {"key": "a"}},
    }
    return Event(text=json.dumps({"Records": [record]}), kind="s3")


def test_an_event_takes_the_way_whose_name_it_bears() -> None:
    """Of several queues the one of its name; with one alone, that one, whatever it is called in production."""
    both = ways(QUEUE, OTHER, TOPIC)
    assert list(both.of(sqs_event("x", "returns"), "k")) == [OTHER]
    assert list(ways(QUEUE, TOPIC).of(sqs_event("x", "elsewhere"), "k")) == [QUEUE]
    with pytest.raises(InvalidEvent, match="several queues lead to the function orders") as told:
        both.of(sqs_event("x", "elsewhere"), "k")
    assert "queue orders, queue returns" in str(told.value.expected)
    with pytest.raises(InvalidEvent, match="no bucket leads"):
        both.of(s3_event(), "k")


def test_who_gets_it_too_is_told_with_the_way() -> None:
    """The plan names everybody whom a way leads to, and through what."""
    assert ways(QUEUE, TOPIC).seen_by == ["function audit, through queue orders", "function audit, through topic news"]


def test_entries_go_back_to_the_way_that_made_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each entry is sent through its own carrier, in calls that this one takes."""
    sent: list[tuple[str, list[str]]] = []

    def send(carrier: Any, entries: Sequence[Any]) -> Mapping[str, Any]:
        sent.append((carrier.name, [entry.key for entry in entries]))
        return {}

    for kind in (SqsTarget, SnsTarget):
        monkeypatch.setattr(kind, "send", send)
    both = ways(QUEUE, TOPIC)
    topic = {"EventSource": "aws:sns", "Sns": {"Message": "m", "TopicArn": TOPIC.resource}}
    entries = [*both.entries(sqs_event("x"), key="a", marker="m"), *both.entries(sqs_event("y"), key="b", marker="n")]
    entries += both.entries(Event(text=json.dumps({"Records": [topic] * 11}), kind="sns"), key="c", marker="o")
    both.send(entries)
    assert sent == [("sqs", ["a", "b"]), ("sns", [f"c#{n}" for n in range(1, 11)]), ("sns", ["c#11"])]
    sent.clear()
    large = {"EventSource": "aws:sns", "Sns": {"Message": 100_000 * "m", "TopicArn": TOPIC.resource}}
    both.send(both.entries(Event(text=json.dumps({"Records": [large] * 4}), kind="sns"), key="d", marker="p"))
    assert sent == [("sns", ["d#1", "d#2"]), ("sns", ["d#3", "d#4"])], "a topic takes 256 KiB at once"


@pytest.mark.parametrize(
    ("error", "then"),
    [
        (ClientError({"Error": {"Code": "ThrottledException"}}, "Publish"), [["b"], ["b"]]),
        (
            ClientError(
                {"Error": {"Code": "AuthorizationError"}, "ResponseMetadata": {"HTTPStatusCode": 403}}, "Publish"
            ),
            [["b"], ["b"]],
        ),
        (EndpointConnectionError(endpoint_url="http://localhost"), [["b"], ["b"]]),
        (ParamValidationError(report="a surrogate"), [["b"]]),
    ],
)
def test_a_call_that_fails_loses_no_answer_of_another(
    monkeypatch: pytest.MonkeyPatch, error: Exception, then: list[list[str]]
) -> None:
    """What the queue has acknowledged is not sent to it again because the topic of the same batch was throttled."""
    to_topic: list[list[str]] = []
    to_queue: list[list[str]] = []

    def queued(_: Any, entries: Sequence[Any]) -> Mapping[str, Any]:
        to_queue.append([entry.key for entry in entries])
        return {entry.key: Acknowledgement(identity="i") for entry in entries}

    def published(_: Any, entries: Sequence[Any]) -> Mapping[str, Any]:
        to_topic.append([entry.key for entry in entries])
        if len(to_topic) == 1:
            raise error
        return {entry.key: Acknowledgement(identity="i") for entry in entries}

    monkeypatch.setattr(SqsTarget, "send", queued)
    monkeypatch.setattr(SnsTarget, "send", published)
    both = ways(QUEUE, TOPIC)
    topic = {"EventSource": "aws:sns", "Sns": {"Message": "m", "TopicArn": TOPIC.resource}}
    entries = [*both.entries(sqs_event("x"), key="a", marker="m")]
    entries += both.entries(Event(text=json.dumps({"Records": [topic]}), kind="sns"), key="b", marker="o")
    target = LocalstackTarget(Function(name="orders", handler="a.b", code=Path()))
    target._ways = both
    told = Sender(target, Journal(), sleep=lambda _: None).send(entries)
    assert to_queue == [["a"]]
    assert to_topic == then
    assert told["a"].acknowledgement is not None
    assert not told["a"].doubtful
    assert (told["b"].acknowledgement is not None) == (len(then) == 2)
    assert told["b"].doubtful == isinstance(error, EndpointConnectionError)


def test_numbers_that_localstack_rounds_are_not_sent() -> None:
    """The verdict would be of another event: it says so, and what to do."""
    with pytest.raises(InvalidEvent, match="would round a number") as told:
        ways(QUEUE).entries(sqs_event('{"total": 0.1234567890123456789}'), key="k", marker="m")
    assert 'through = "function"' in str(told.value.hint)


def test_without_the_object_its_notification_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bucket is told by its object where the fixture has it, else those are told whom the bucket tells."""
    told: list[str] = []

    def entries(carrier: Any, event: Event, *, key: str, marker: str) -> Sequence[Any]:
        told.append(carrier.described.how)
        if carrier.described.how == "object":
            raise InvalidEvent("the fixture does not have the object")
        return []

    monkeypatch.setattr(S3Target, "entries", entries)
    assert ways(OBJECT, NOTIFICATION).entries(s3_event(), key="k", marker="m") == []
    assert told == ["object", "notification"]


@pytest.mark.parametrize(("kind", "why"), [("httpapi", "has no HTTP APIs"), ("alb", "has no load balancers"), ("apigateway", "no REST API leads there")])  # fmt: skip
def test_a_request_without_a_way_is_refused(kind: Any, why: str) -> None:
    """What LocalStack's community release lacks is said, and that the function itself can be invoked."""
    with pytest.raises(TargetError, match=why) as told:
        ways(QUEUE).asked(kind)
    assert told.value.hint == opened_ways.THROUGH_FUNCTION


class Log:
    """A log that has seen one invocation of each, and one that nobody signed."""

    place = "the log"

    def __init__(self) -> None:
        self.sought: list[str] = []

    def begin(self) -> None:
        """Nothing."""

    def look(self, sought: Sequence[Sought]) -> Sequence[Sighting]:
        self.sought += [each.key for each in sought]
        return [*(Sighting(keys=(each.key,), identity=each.key) for each in sought), Sighting(keys=(), identity="?")]

    def close(self) -> Sequence[str]:
        return ("left",)

    def reason(self) -> str:
        return "none"


def seek(*keys: str) -> list[Sought]:
    return [Sought(key=key, signs=(key,), sent_at_ms=0) for key in keys]


def test_each_way_sees_its_own_events_alone() -> None:
    """After a failure a queue delivers again, and Lambda's own queue perhaps not: what one way means is not another's."""
    log = Log()
    watch = OwnWatch(log, {"queue orders"}, {"a": "queue orders", "b": "topic news"}.get)
    assert [(each.keys, each.identity) for each in watch.look(seek("a", "b"))] == [(("a",), "a"), ((), "?")]
    assert list(watch.look(seek("b"))) == []
    assert log.sought == ["a", "b", "b"]  # looked for all the same: what is not its own is not seen again later
    assert (watch.place, watch.reason(), watch.close()) == ("the log", "none", ("left",))


class Letters(DeadLetters):
    """A dead-letter queue in which everything that is sought has arrived."""

    def __init__(self) -> None:
        super().__init__(None, "dead", settled="dead_lettered", lease_s=30)

    def look(self, sought: Sequence[Sought]) -> Sequence[Sighting]:
        return [Sighting(keys=(each.key,), identity=each.key, settled="dead_lettered") for each in sought]


WENT = {"a": "queue orders", "b": "topic news", "c": "api"}.get


def test_into_a_queue_one_looks_alone() -> None:
    """A dead-letter queue hides what was received: two who look would hide it from each other."""
    found = own_watches([("queue orders", [Log(), Letters()]), ("topic news", [Log(), Letters()])], WENT)
    assert [watch.place for watch in found] == ["the log", "the queue dead", "the log"]
    assert [each.keys for each in found[1].look(seek("a", "b", "c"))] == [("a",), ("b",)]


def test_a_letter_is_no_end_of_an_event_that_went_another_way() -> None:
    """Of an event that went to a topic, the dead letter of another subscriber lies in the queue's dead-letter queue."""
    found = own_watches([("queue orders", [Letters()]), ("topic news", [Log()])], WENT)
    assert [each.keys for each in found[0].look(seek("a", "b"))] == [("a",)]
