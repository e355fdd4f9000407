"""Dead letters and records of several functions in one queue: whose they are, and whose lines their requests lead to."""

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3
import pytest

from replay.delivery.attempt import Reply
from replay.expectations.judge import judge_captured
from replay.functions.function import Function
from replay.outcomes.classify import classify
from replay.payloads.captures import Capture, Origin
from replay.payloads.envelopes.registry import unwrap
from replay.targets.carrier import CarrierOptions, Settled, Sighting, Sought, Whose
from replay.targets.observing import function_watches
from replay.targets.observing.called_function import called_watches
from replay.targets.observing.counted_log import CountedLog
from replay.targets.observing.dead_letters import DeadLetters
from replay.targets.observing.findings import Findings
from replay.targets.observing.function_log import FunctionLog
from replay.targets.observing.function_watches import asynchronous_watches
from replay.targets.observing.letter_owners import Owner, plain_name
from tests.targets.letters import (
    ACCOUNT,
    FUNCTIONS,
    OTHERS,
    OURS,
    QUEUE,
    dead_letter_queue,
    record,
    send,
    send_dead_letter,
    sought,
)


@pytest.fixture
def sqs() -> Iterator[Any]:
    with dead_letter_queue() as client:
        yield client


def letters(sqs: Any, *, settled: Settled = "dead_lettered", clock_s: float = 0.0, **owner: Any) -> DeadLetters:
    watch = DeadLetters(
        sqs,
        "dead",
        settled=settled,
        lease_s=60,
        owner=Owner(function=f"{FUNCTIONS}orders:live", **owner),
        clock=lambda: clock_s,
    )
    watch.begin()
    return watch


def seen(watch: DeadLetters) -> list[tuple[Whose, str]]:
    return [(each.whose, each.request_id) for each in watch.look(sought("a"))]


@pytest.mark.parametrize(("is_shared", "whose"), [(False, "presumed"), (True, "unknown")])
def test_a_dead_letter_names_a_request_and_no_function(sqs: Any, is_shared: bool, whose: Whose) -> None:
    """It is ours as far as nobody else uses the queue; its request is told, for the log to say more."""
    watch = letters(sqs, is_shared=is_shared)
    send_dead_letter(sqs, OURS)
    assert seen(watch) == [(whose, OURS)]
    reason = "nothing binds a dead letter in the queue dead to this function"
    assert watch.reason().partition(":")[0] == (reason if is_shared else "")
    assert watch.may_have_come_since(0) is is_shared


def test_a_dead_letter_alone_does_not_tell_how_it_failed(sqs: Any) -> None:
    """It has the message of an error without its type: as long as no log tells more, it is no other error than before."""
    watch, findings = letters(sqs), Findings(["a"], alone=True)
    send_dead_letter(sqs, OURS)
    for sighting in watch.look(sought("a")):
        findings.note(sighting)
    outcome = classify(findings.report("{}"))
    assert outcome.failure is not None
    assert (outcome.status, outcome.failure.error_type, outcome.failure.message) == ("failed", "", "'customer_id'")
    assert judge_captured(outcome).reason == "it fails, and nobody can tell how"


def test_an_emulators_request_ids_prove_nothing(sqs: Any) -> None:
    """LocalStack makes them up for dead letters: none is looked for in the log."""
    watch = letters(sqs, is_here=True)
    send_dead_letter(sqs, OTHERS)
    assert seen(watch) == [("presumed", "")]


@pytest.mark.parametrize("is_here", [False, True])
def test_a_record_names_its_function(sqs: Any, is_here: bool) -> None:
    """Of two functions with one destination the one's failure is not the other's."""
    watch = letters(sqs, settled="sent_to_destination", is_shared=True, is_here=is_here)
    send(sqs, record("billing", OTHERS))
    assert seen(watch) == []
    send(sqs, record("orders", OURS))
    assert seen(watch) == [("ours", OURS)]


def test_another_functions_success_is_not_ours(sqs: Any) -> None:
    """Records of success name their function too; those of ours name the request."""
    watch = letters(sqs, settled="processed")
    send(sqs, record("billing", OTHERS, condition="Success"))
    assert list(watch.look(sought("a"))) == []
    send(sqs, record("orders", OURS, condition="Success"))
    (sighting,) = watch.look(sought("a"))
    assert (sighting.settled, sighting.request_id, sighting.reply) == ("processed", OURS, None)


@pytest.mark.parametrize("settled", ["processed", "sent_to_destination", "dead_lettered"])
def test_a_queue_of_failures_and_successes_tells_which_it_was(sqs: Any, settled: Settled) -> None:
    """Both destinations may be one queue: a record of success is no failure there, and one of a failure no success."""
    watch = letters(sqs, settled=settled)
    send(sqs, record("orders", OURS, condition="Success"))
    assert [each.settled for each in watch.look(sought("a"))] == ["processed"]
    send(sqs, record("orders", OURS))
    assert [each.settled for each in watch.look(sought("a"))] == [
        "sent_to_destination" if settled == "processed" else settled
    ]


@pytest.mark.parametrize("condition", ["Success", "RetriesExhausted"])
def test_a_dead_letter_whose_event_is_a_record_is_a_dead_letter(sqs: Any, condition: str) -> None:
    """The function handles the records of another one: what those say is neither whose the letter is, nor its end."""
    watch = letters(sqs)
    event = record("billing", OTHERS, condition=condition)
    send(
        sqs, event, RequestID=("String", OURS), ErrorCode=("Number", "200"), ErrorMessage=("String", "'customer_id'")
    )  # fmt: skip
    (told,) = watch.look(sought("a"))
    assert (told.whose, told.request_id, told.settled) == ("presumed", OURS, "dead_lettered")
    assert told.reply is not None
    assert told.reply.failure is not None
    assert (told.reply.failure.message, told.reply.failure.stack) == ("'customer_id'", "")


@pytest.mark.parametrize("body", [None, record("orders", OURS, condition="Success")])
def test_a_rules_dead_letter_names_its_target(sqs: Any, body: Mapping[str, Any] | None) -> None:
    """EventBridge says whom it could not call, whatever the event is."""
    watch = letters(sqs, others="presumed")
    for function in ("billing", "orders"):
        rule = f"arn:aws:events:us-east-1:{ACCOUNT}:rule/shop/to-{function}"
        send(
            sqs,
            body,
            RULE_ARN=("String", rule),
            TARGET_ARN=("String", f"{FUNCTIONS}{function}"),
            ERROR_CODE=("String", "NO_PERMISSIONS"),
        )
    assert seen(watch) == [("ours", "")]


@pytest.mark.parametrize("others", ["presumed", "unknown"])
def test_what_says_nothing_is_whose_the_queue_is(sqs: Any, others: Whose) -> None:
    """A message that could not be handed over has no word of whom it was for."""
    watch = letters(sqs, others=others)
    send(sqs)
    assert seen(watch) == [(others, "")]


def test_what_came_out_of_a_queue_is_of_its_consumer() -> None:
    """The topic's other subscriber is a queue, whose redrive policy names the same dead-letter queue."""
    owner = Owner(function="orders", others="presumed")
    envelope, unwrapped = unwrap(Capture(origin=Origin(source="sqs", identity="m"), body="{}"))
    moved = {"Attributes": {"DeadLetterQueueSourceArn": QUEUE}}
    assert owner.whose(moved, envelope.name, unwrapped) is None
    assert owner.whose({}, envelope.name, unwrapped) == "presumed"


def test_the_letter_of_an_earlier_failure_is_none_of_this_run(sqs: Any) -> None:
    """An archived event keeps its id: the dead letter that its fixture was made of still lies in the queue."""
    send_dead_letter(sqs, OTHERS)
    now_s = 2_000_000_000.0
    watch = letters(sqs, clock_s=now_s)
    assert list(watch.look(sought("a", sent_at_ms=round(now_s * 1000)))) == []
    assert [each.keys for each in watch.look(sought("b", sent_at_ms=0))] == [("b",)], "a run that is gone on with"


@pytest.mark.parametrize(("is_here", "is_told"), [(True, False), (False, True)])
def test_on_this_machine_there_is_but_one_clock(sqs: Any, is_here: bool, is_told: bool) -> None:
    """A letter of half a minute ago is an earlier run's there; beyond this machine it may be the clocks that differ."""
    send_dead_letter(sqs, OURS)
    now_s = time.time() + 30
    watch = letters(sqs, clock_s=now_s, is_here=is_here)
    assert bool(watch.look(sought("a", sent_at_ms=round(now_s * 1000)))) is is_told


def test_names_of_functions_are_compared_without_alias_and_account() -> None:
    """A name, a name with an alias and ARNs of both are one function."""
    told = ("orders", "orders:live", f"{FUNCTIONS}orders", f"{FUNCTIONS}orders:$LATEST")
    assert {plain_name(each) for each in told} == {"orders"}


class Clock:
    now_s = 1_763_683_200.0

    def __call__(self) -> float:
        return self.now_s


def test_a_dead_letter_of_nobody_known_is_no_proof_of_success(sqs: Any) -> None:
    """An emulator's log that tells of no failure is believed where nothing was given up; here something may have been."""
    told = [Sighting(keys=(), identity="1", reply=Reply(status="returned"), at_ms=1, is_sure=False)]

    class Log(FunctionLog):
        def __init__(self) -> None:
            """Tell one invocation."""

        def look(self, sought: Sequence[Sought]) -> Sequence[Sighting]:
            return [told.pop()] if told else []

    dead, clock = letters(sqs, is_shared=True, is_here=True), Clock()
    send_dead_letter(sqs, OTHERS)
    counted = CountedLog(
        Log(), attempts=1, given_up="dead_lettered", again_within_s=2, left_behind=dead.may_have_come_since, clock=clock
    )
    counted.look(sought("a"))
    assert [each.whose for each in dead.look(sought("a"))] == ["unknown"]
    clock.now_s += 60
    assert counted.look(sought("a")) == []


class Lambda:
    """Functions with their dead-letter queues; None where that may not be read, and '' where there is none."""

    def __init__(self, **queues: str | None) -> None:
        self.queues, self.asked = queues, list[str]()

    def get_function_configuration(self, FunctionName: str) -> dict[str, Any]:  # noqa: N803 - AWS's
        from botocore.exceptions import ClientError

        name = plain_name(FunctionName)
        self.asked.append(name)
        if name not in self.queues:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": "no"}}, "GetFunction")
        queue = self.queues[name]
        if queue is None:
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "GetFunction")
        return {"Timeout": 3, "DeadLetterConfig": {"TargetArn": queue} if queue else {}}

    def get_function_event_invoke_config(self, **_: Any) -> dict[str, Any]:
        return {}


@pytest.mark.parametrize(
    ("others", "is_shared"),
    [
        ((), False),
        (("billing",), True),
        (("audit",), False),
        (("audit", "plain"), False),
        (("secret",), True),
        (("deleted",), True),
        (None, True),
    ],
)
def test_who_shares_the_queue_is_asked(
    sqs: Any, others: tuple[str, ...] | None, is_shared: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another function with the same queue shares it; one that cannot be asked may."""
    monkeypatch.setattr(function_watches, "is_on_this_machine", lambda _: False)
    lambdas = Lambda(orders=QUEUE, billing=QUEUE, audit=f"{QUEUE}-2", plain="", secret=None)
    other: Any = boto3.client("logs")

    def clients(service: str) -> Any:
        return {"lambda": lambdas, "sqs": sqs}.get(service, other)

    named = None if others is None else [f"{FUNCTIONS}{each}" for each in others]
    found = asynchronous_watches(clients, f"{FUNCTIONS}orders", code=Path(), patience_s=30, others=named)
    (owner,) = [each._owner for each in found if isinstance(each, DeadLetters)]
    assert owner is not None
    assert (owner.is_shared, owner.is_here) == (is_shared, False)


@pytest.mark.parametrize(("called", "is_shared"), [(["orders"], False), (["orders", "billing"], True), ([], True)])
def test_who_is_called_is_who_may_share(
    sqs: Any, called: list[str], is_shared: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the functions that get the event all others are asked; where nobody may list them, there may be others."""
    monkeypatch.setattr(function_watches, "is_on_this_machine", lambda _: False)
    lambdas = Lambda(orders=QUEUE, billing=QUEUE)
    clients = {"lambda": lambdas, "sqs": sqs, "logs": boto3.client("logs"), "cloudwatch": boto3.client("cloudwatch")}
    found = called_watches(
        clients.__getitem__,
        CarrierOptions(function="orders", dead_letter_queue="dead"),
        [f"{FUNCTIONS}{each}" for each in called],
        function=Function(name="orders", handler="app.handler", code=Path()),
        where="the topic",
        undelivered={QUEUE: "unknown"},
    )
    owners = [each._owner for each in found if isinstance(each, DeadLetters)]
    assert [(each.is_shared, each.others) for each in owners if each is not None] == [(is_shared, "unknown")]
