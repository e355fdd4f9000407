"""The driver from fixture to verdict, with a target that answers from a list."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from replay.delivery.attempt import Attempt, Reply
from replay.errors import FixtureError, FunctionError, ReplayError, TargetError
from replay.fixtures.fixture import Fixture, FixtureReference, Provenance
from replay.functions.function import Function
from replay.ledger.who import user_name
from replay.outcomes.fingerprint import signature
from replay.payloads.aws_calls import Fault
from replay.payloads.event_sources import EventSource
from replay.payloads.expectations import Expectation
from replay.payloads.failures import Failure, Frame
from replay.replayer import FixtureNotRun, FixtureReplayed, Replayer, RunFinished, RunStarted, replay_fixture, run
from replay.targets.base import Invoker
from tests.delivery.sqs_events import ARN, as_text, ids_of, sqs_event

DONE = Reply(status="returned", payload="null")
BUG = Failure(
    error_type="KeyError",
    message="'customer_id'",
    frames=(Frame(module="app.py", function="handler", code="event['customer_id']"),),
    observed="local",
)
FAILS = Reply(status="raised", failure=BUG)
Answer = Callable[[Attempt], Reply]


class FakeInvoker(Invoker):
    """A target that notes what is done with it; `answers` give its replies."""

    name = "fake"

    def __init__(self, function: Function, calls: list[Any], answer: Answer) -> None:
        self.function, self.calls, self.answer = function, calls, answer
        self.last_exception: BaseException | None = None

    def __enter__(self):
        self.calls.append(("enter", self.function.name))
        return self

    def __exit__(self, *_: object) -> None:
        self.calls.append(("exit", self.function.name))

    def begin(self, *, at: datetime | None = None, faults: Sequence[Fault] = ()) -> None:
        self.calls.append(("begin", at))

    def invoke(self, attempt: Attempt) -> Reply:
        return self.answer(attempt)

    def suspend(self) -> None:
        self.calls.append(("suspend", self.function.name))

    def resume(self) -> None:
        self.calls.append(("resume", self.function.name))


class FakeStore:
    """Fixtures in memory; a reference that is not there is a fixture that cannot be read."""

    def __init__(self, *fixtures: Fixture) -> None:
        self.fixtures = {fixture.reference: fixture for fixture in fixtures}
        self.updates: list[Fixture] = []

    def load(self, reference: FixtureReference) -> Fixture:
        if reference not in self.fixtures:
            raise FixtureError("the fixture cannot be read", where=str(reference))
        return self.fixtures[reference]

    def update(self, fixture: Fixture) -> None:
        self.updates.append(fixture)
        self.fixtures[fixture.reference] = fixture


def reference(number: int, function: str = "orders") -> FixtureReference:
    return FixtureReference(function=function, name=f"poison--{number:08x}")


def fixture(number: int = 1, *, function: str = "orders", wants: str = "reproduces", **rest: Any) -> Fixture:
    known = signature(BUG) if wants != "fails" else None
    values: dict[str, Any] = {
        "reference": reference(number, function),
        "event_text": as_text(sqs_event(["a"])),
        "kind": "sqs",
        "provenance": Provenance(source="sqs", sent_at="2026-01-31T08:15:00Z"),
        "event_source": EventSource(kind="sqs", arn=ARN, max_receive_count=2),
        "expectation": Expectation(wants=wants, signature=known),
    }
    return Fixture(**(values | rest))


def function(name: str = "orders", **rest: Any) -> Function:
    return Function(name=name, handler="app.handler", code=Path(), **rest)


class Bench:
    """A store, functions by name, and fake targets whose calls are noted in order."""

    def __init__(self, *fixtures: Fixture, answer: Answer = lambda attempt: FAILS, **functions: Function) -> None:
        self.store = FakeStore(*fixtures)
        self.calls: list[Any] = []
        self.answer = answer
        self.functions = functions or {"orders": function()}

    def function_of(self, name: str) -> Function:
        if name not in self.functions:
            raise FunctionError("no such function", where=name)
        return self.functions[name]

    def open(self, chosen: Function) -> Invoker:
        return FakeInvoker(chosen, self.calls, self.answer)

    def run(self, *references: FixtureReference, **options: Any) -> list[Any]:
        chosen = references or tuple(self.store.fixtures)
        return list(run(Replayer(self.store, functions=self.function_of, open_invoker=self.open, **options), chosen))

    def replayer(self, **options: Any) -> Replayer:
        return Replayer(self.store, functions=self.function_of, open_invoker=self.open, **options)


def test_a_fixture_is_delivered_as_recorded_from_a_fresh_state() -> None:
    """Each replay begins anew at the captured time and goes through all deliveries of its event source."""
    bench = Bench()
    attempts: list[Attempt] = []

    def answer(attempt: Attempt) -> Reply:
        attempts.append(attempt)
        return FAILS

    bench.answer = answer
    outcomes = replay_fixture(fixture(), bench.open(function()), function=function(), repeat=2)
    assert bench.calls == [("begin", datetime(2026, 1, 31, 8, 15, tzinfo=UTC))] * 2
    assert [each.number for each in attempts] == [1, 2, 1, 2]
    assert attempts[0].payload == fixture().event_text
    assert [outcome.dispositions for outcome in outcomes] == [["dead_lettered"]] * 2


@pytest.mark.parametrize(
    ("sent_at", "expected"),
    [
        (None, None),
        ("yesterday", None),
        ("2026-01-31T09:15:00+01:00", datetime(2026, 1, 31, 8, 15, tzinfo=UTC)),
        ("2026-01-31T08:15:00", datetime(2026, 1, 31, 8, 15, tzinfo=UTC)),
    ],
)
def test_the_captured_time_is_given_where_it_is_known(sent_at, expected) -> None:
    """A time always has a zone; what is no time is no time."""
    bench = Bench()
    given = fixture(provenance=Provenance(source="sqs", sent_at=sent_at))
    replay_fixture(given, bench.open(function()), function=function())
    assert bench.calls == [("begin", expected)]


@pytest.mark.parametrize("sent_at", [None, "2026-01-31T08:15:00Z"])
def test_a_captured_clock_without_a_time_is_noted(sent_at: str | None) -> None:
    """Where the time of the failure is not known the real one is shown, and the run says so."""
    bench = Bench(fixture(provenance=Provenance(source="files", sent_at=sent_at)), orders=function(clock="captured"))
    told = next(event for event in bench.run() if isinstance(event, FixtureReplayed))
    said = [note for note in told.notes if "time of the failure is not known" in note]
    assert bool(said) is (sent_at is None)


def test_the_settings_of_today_are_used() -> None:
    """A fixture is delivered with what the function's template says now about its queue."""
    today = function(event_sources=(EventSource(kind="sqs", arn=ARN, max_receive_count=4),))
    (outcome,) = replay_fixture(fixture(), Bench().open(today), function=today)
    assert len(outcome.report.invocations) == 4


def test_a_run_tells_its_beginning_each_fixture_and_its_end() -> None:
    """The events of a run, in order, with the counts at the end."""
    bench = Bench(
        fixture(1),
        fixture(2, wants="succeeds"),
        fixture(3, event_text=as_text(sqs_event(["fine"]))),
        answer=lambda attempt: DONE if "fine" in ids_of_attempt(attempt) else FAILS,
    )
    started, *told, finished = bench.run()
    assert started == RunStarted(total=3)
    assert [(each.fixture.reference, each.judgement.verdict, each.judgement.as_expected) for each in told] == [
        (reference(1), "reproduced", True),
        (reference(2), "reproduced", False),
        (reference(3), "fixed", False),
    ]
    assert isinstance(finished, RunFinished)
    assert (finished.total, finished.verdicts, finished.unexpected) == (3, {"reproduced": 2, "fixed": 1}, 2)
    assert finished.elapsed_s >= 0
    assert bench.store.updates == []


def ids_of_attempt(attempt: Attempt) -> list[str]:
    import json

    return ids_of(json.loads(attempt.payload))


def test_an_empty_run_is_a_run() -> None:
    """Nothing to replay is told as such."""
    started, finished = list(
        run(Replayer(FakeStore(), functions=lambda name: function(), open_invoker=lambda _: None), [])
    )
    assert (started.total, finished.total, finished.verdicts, finished.unexpected) == (0, 0, {}, 0)


def test_one_function_at_a_time_is_open() -> None:
    """Fixtures go function by function, however they were given, and each function is left before the next comes."""
    bench = Bench(
        *(fixture(n, function=name) for n, name in enumerate(["a", "b", "a", "b"])), a=function("a"), b=function("b")
    )
    events = bench.run()
    assert [each.fixture.reference.function for each in events[1:-1]] == ["a", "a", "b", "b"]
    assert [call for call in bench.calls if call[0] != "begin"] == [
        ("enter", "a"),
        ("exit", "a"),
        ("enter", "b"),
        ("exit", "b"),
    ]


def test_a_run_that_is_abandoned_leaves_nothing_open() -> None:
    """Who stops listening, by Ctrl-C say, leaves no function in the process."""
    bench = Bench(fixture(1), fixture(2))
    events = run(
        Replayer(bench.store, functions=bench.function_of, open_invoker=bench.open), list(bench.store.fixtures)
    )
    next(events)
    next(events)
    events.close()
    assert bench.calls[-1] == ("exit", "orders")


def refuse(attempt: Attempt) -> Reply:
    raise TargetError("the target is gone", hint="start it")


@pytest.mark.parametrize(
    ("given", "answer", "error"),
    [
        (reference(9), lambda attempt: FAILS, "the fixture cannot be read"),
        (reference(1), refuse, "the target is gone"),
        (reference(2), lambda attempt: FAILS, "the event has no records"),
        (reference(3), lambda attempt: FAILS, "not JSON"),
        (reference(4, "unknown"), lambda attempt: FAILS, "no such function"),
    ],
)
def test_what_cannot_be_run_is_told_and_stops_nobody(given, answer, error) -> None:
    """A fixture that cannot be replayed is an error of its own, and the next one runs."""
    bench = Bench(
        fixture(1), fixture(2, event_text="{}"), fixture(3, event_text="{"), fixture(4, function="unknown"), fixture(5)
    )
    bench.answer = lambda attempt: FAILS if len(bench.calls) > 2 else answer(attempt)  # the second fixture is well
    _, told, well, finished = bench.run(given, reference(5, "orders"))
    assert isinstance(told, FixtureNotRun)
    assert told.reference == given
    assert isinstance(told.error, ReplayError)
    assert error in told.error.what
    assert isinstance(well, FixtureReplayed)
    assert (finished.verdicts, finished.unexpected) == ({"error": 1, "reproduced": 1}, 1)


def test_a_target_that_cannot_be_opened_fails_each_of_its_fixtures() -> None:
    """Every fixture of a function whose target is missing is told, one by one."""

    def open_nothing(chosen: Function) -> Invoker:
        raise TargetError("cannot be opened")

    store = FakeStore(fixture(1), fixture(2))
    _, *told, finished = run(Replayer(store, functions=function, open_invoker=open_nothing), list(store.fixtures))
    assert [each.reference for each in told] == [reference(1), reference(2)]
    assert finished.unexpected == 2


def test_the_first_local_failure_is_pinned() -> None:
    """A fixture that knew no failure has one afterwards: seen here, with its signature, and with a revision."""
    bench = Bench(fixture(wants="fails"))
    _, told, _ = bench.run()
    assert (told.judgement.verdict, told.judgement.as_expected) == ("reproduced", True)
    (pinned,) = bench.store.updates
    assert told.fixture is pinned
    assert pinned.expectation == Expectation(wants="reproduces", signature=signature(BUG))
    assert pinned.failure == BUG
    assert pinned.failure.observed == "local"
    (revision,) = pinned.revisions
    assert (revision.by, revision.why) == (f"replay run ({user_name()})", "first local failure pinned: KeyError")
    assert datetime.fromisoformat(revision.at).tzinfo is not None
    assert bench.calls.index(("suspend", "orders")) > 0
    assert bench.run()[1].judgement.verdict == "reproduced"
    assert len(bench.store.updates) == 1


def test_what_the_source_knew_is_kept_when_a_failure_is_pinned() -> None:
    """A failure that the source did tell is not replaced by ours."""
    known = replace(BUG, observed="source", request_id="1")
    bench = Bench(fixture(wants="fails", failure=known))
    bench.run()
    assert bench.store.updates[0].failure is known


@pytest.mark.parametrize(
    ("recorded", "noted"),
    [
        ({"error_type": "Sandbox.Timedout", "message": "Task timed out after 3.00 seconds"}, "Sandbox.Timedout"),
        ({"error_type": "", "message": "2026-01-31T08:15:00Z 1 Task timed out after 3.00 seconds"}, "Sandbox.Timedout"),
        ({"error_type": "java.lang.RuntimeException", "message": ""}, "RuntimeException"),
        ({"error_type": "builtins.KeyError", "message": "'x'"}, None),
        ({"error_type": "", "message": "'customer_id'"}, None),
        ({"error_type": "Unhandled", "message": ""}, None),
        ({"error_type": "RecordAgeExceeded", "message": ""}, None),
        ({"error_type": "HTTP 502", "message": ""}, None),
        ({"error_type": "ValueError", "message": "", "observed": "local"}, None),
    ],
)
@pytest.mark.parametrize("pin", [True, False])
def test_a_first_failure_of_another_type_than_the_recorded_one_is_noted(recorded, noted, pin) -> None:
    """Without a stack any failure counts as the recorded one; but that its type is another is said."""
    failure = Failure(**({"observed": "logs"} | recorded))
    bench = Bench(fixture(wants="fails", failure=failure))
    _, told, _ = bench.run(pin=pin)
    words = (
        f"orders: recorded was {noted}, and here it is KeyError; if that is another failure, mend what makes it fail "
        "here, and `replay expect ID fails` forgets this one"
    )
    assert told.judgement.verdict == "reproduced"
    assert told.notes == ((words,) if noted else ())
    if pin:
        assert bench.run()[1].notes == ()


@pytest.mark.parametrize(
    ("options", "answers"),
    [
        ({"pin": False}, [FAILS]),
        ({"repeat": 2}, [FAILS, FAILS, DONE]),
        ({}, [DONE]),
    ],
)
def test_nothing_is_pinned_without_a_clear_failure(options, answers) -> None:
    """Not when the user says no, not when replays disagree, not when it succeeds."""
    replies = iter([*answers, *[FAILS] * 9])
    bench = Bench(fixture(wants="fails"), answer=lambda attempt: next(replies))
    bench.run(**options)
    assert bench.store.updates == []


def test_repeat_and_red_are_passed_on() -> None:
    """Each fixture is replayed as often as asked; red makes its reproduction unexpected."""
    bench = Bench(fixture())
    _, told, finished = bench.run(repeat=3, red=True)
    assert len(told.outcomes) == 3
    assert (told.judgement.verdict, told.judgement.as_expected, finished.unexpected) == ("reproduced", False, 1)


def test_the_recorded_failure_tells_a_return_of_the_bug_where_the_expectation_names_none() -> None:
    """A fixture that was set to `succeeds` by hand still recognises its own bug."""
    bench = Bench(fixture(wants="succeeds", expectation=Expectation(wants="succeeds"), failure=BUG))
    assert bench.run()[1].judgement.verdict == "reproduced"


def test_functions_stay_warm_and_step_aside() -> None:
    """A function is opened once, steps aside for another or on demand, and comes back without being opened again."""
    bench = Bench(fixture(1, function="a"), fixture(2, function="b"), a=function("a"), b=function("b"))
    with bench.replayer() as replayer:
        for each in (reference(1, "a"), reference(1, "a"), reference(2, "b"), reference(1, "a")):
            assert isinstance(replayer.judge(each), FixtureReplayed)
        replayer.suspend()
        replayer.suspend()
        replayer.judge(reference(1, "a"))
    assert [call for call in bench.calls if call[0] != "begin"] == [
        ("enter", "a"),
        ("suspend", "a"),
        ("enter", "b"),
        ("suspend", "b"),
        ("resume", "a"),
        ("suspend", "a"),
        ("resume", "a"),
        ("exit", "a"),
        ("resume", "b"),
        ("exit", "b"),
    ]


def test_the_last_exception_is_that_of_the_last_function() -> None:
    """Who opens a debugger gets the exception of the handler that ran last, where its target keeps it."""
    bench = Bench(fixture())
    error = KeyError("customer_id")
    replayer = bench.replayer()
    assert replayer.last_exception() is None
    replayer.judge(reference(1))
    replayer._functions.last.last_exception = error
    assert replayer.last_exception() is error
    replayer.close()


def test_closing_closes_all_even_if_one_cannot_be_closed() -> None:
    """A target that fails to close is told after the others are closed."""
    bench = Bench(fixture(1, function="a"), fixture(2, function="b"), a=function("a"), b=function("b"))

    class Stubborn(FakeInvoker):
        def __exit__(self, *rest: object) -> None:
            super().__exit__(*rest)
            if self.function.name == "a":
                raise TargetError("cannot be closed")

    bench.open = lambda chosen: Stubborn(chosen, bench.calls, bench.answer)
    replayer = bench.replayer()
    replayer.judge(reference(1, "a"))
    replayer.judge(reference(2, "b"))
    with pytest.raises(TargetError, match="cannot be closed"):
        replayer.close()
    assert [call for call in bench.calls if call[0] == "exit"] == [("exit", "a"), ("exit", "b")]
