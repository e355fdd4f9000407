"""Replays and judges one fixture after the other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import TracebackType
from typing import Protocol, Self

from replay.errors import FixtureError, FunctionError, ReplayError
from replay.expectations.judge import judge
from replay.expectations.judgement import Judgement
from replay.fixtures.fixture import Fixture, FixtureReference
from replay.functions.function import Function
from replay.outcomes.fingerprint import signature
from replay.outcomes.hazards import hazards
from replay.outcomes.outcome import Outcome
from replay.payloads.aws_calls import Fault
from replay.payloads.expectations import Expectation
from replay.payloads.fault_reading import fault_text
from replay.replayer.event_delivery import EventDelivery
from replay.replayer.further_deliveries import SecondDelivery, judged_twice, kept_notes, second_delivery
from replay.replayer.pinning import not_pinned, other_type_note, pin
from replay.replayer.proposals import judged_with_proposal, missing_fault
from replay.replayer.run_events import FixtureNotRun, FixtureReplayed
from replay.replayer.warm_functions import FunctionOf, OpenInvoker, WarmFunctions
from replay.targets.aws.observed_effects import RedactorOf, standard_redactor
from replay.targets.base import Invoker

AsSent = Callable[[Fixture, Invoker], Invoker]
"""Gives what stands between a fixture and the target that it is delivered to, or raises ReplayError: it is not sent."""


def as_it_is(fixture: Fixture, invoker: Invoker) -> Invoker:
    """Let a fixture be sent as it is."""
    del fixture
    return invoker


class FixtureStore(Protocol):
    """The part of the store that replaying needs."""

    def load(self, reference: FixtureReference) -> Fixture:
        """Read one fixture."""

    def update(self, fixture: Fixture) -> None:
        """Write a fixture's description back; its event is left alone."""


def replay_fixture(
    fixture: Fixture,
    invoker: Invoker,
    *,
    function: Function,
    repeat: int = 1,
    faults: Sequence[Fault] = (),
    redactor: RedactorOf = standard_redactor,
) -> list[Outcome]:
    """
    Deliver the event of *fixture* to *invoker* as AWS would, from the state after `setup`, *repeat* times.

    It is delivered with the settings that *function* has for this event source today, and else with the recorded ones.
    Its AWS calls meet *faults*, then those of the fixture, then those of the function; the effects in the outcomes are
    redacted by *redactor*.

    Raises:
        ConfigurationError: A fault is for a call that nobody can make.
        TargetError: The target cannot be reached or prepared.
        FunctionError: The handler cannot be found or imported for a reason outside the function's own code.
        InvalidEvent: The event is none that its event source could deliver.
        InvalidJson: The event is not JSON.
    """
    delivery = EventDelivery.of(fixture, invoker, function, faults=faults, redactor=redactor)
    return [delivery.afresh() for _ in range(repeat)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What a replay did that nobody has judged; `second` and `notes` as of `FixtureReplayed`."""

    outcome: Outcome
    second: SecondDelivery | None = None
    notes: tuple[str, ...] = ()


class Replayer:
    """
    Replays and judges fixtures one by one, with functions that stay warm in between.

    At most one function is in the process at a time; the others have stepped aside. `suspend` makes the last one step
    aside too, and the next replay brings it back. `close` leaves nothing in the process.

    Args:
        functions: Gives the function of a name; raises FunctionError for one that is not known.
        open_invoker: Gives the target of a function, not yet entered.
        repeat: How often to replay each; outcomes that disagree are `flaky`.
        red: Make a reproduction unexpected too.
        pin: Whether the first local failure of a fixture that knew none becomes its expected one; never with *faults*.
        faults: What the AWS calls of every fixture meet, before its own faults.
        redactor: Gives the redactor of effects.
        expect_options: What the commands need that accept what has happened, beside *faults*.
        twice: Whether to deliver every event a second time, which must change nothing any more.
        isolates: Whether fixtures whose failure ends the process get one of their own.
        as_sent: Says what of a fixture is really sent.
    """

    def __init__(
        self,
        store: FixtureStore,
        *,
        functions: FunctionOf,
        open_invoker: OpenInvoker,
        repeat: int = 1,
        red: bool = False,
        pin: bool = True,
        faults: Sequence[Fault] = (),
        redactor: RedactorOf = standard_redactor,
        expect_options: Sequence[str] = (),
        twice: bool = False,
        isolates: bool = False,
        as_sent: AsSent = as_it_is,
    ) -> None:
        self._store, self._as_sent = store, as_sent
        self._faults, self._redactor = tuple(faults), redactor
        self._expect_options = (*expect_options, *(word for each in faults for word in ("--fault", fault_text(each))))
        self._repeat, self._red, self._pin, self._twice = repeat, red, pin and not faults, twice
        self._functions = WarmFunctions(functions, open_invoker, isolates=isolates)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def judge(self, reference: FixtureReference) -> FixtureReplayed | FixtureNotRun:
        """Replay the fixture *reference* and judge it; pin its failure where it is the first one seen."""
        try:
            fixture = self._store.load(reference)
            delivery, notes = self._delivery(fixture)
            outcomes = self._outcomes(delivery)
            second = second_delivery(delivery, outcomes[-1]) if self._twice else None
            notes += (*self._notes(outcomes), *hazards(outcomes[-1], delivery.function, delivery.settings))
            notes += tuple(kept_notes(delivery, outcomes[0]))
            if fixture.edited:
                notes += (f"{reference.short}: event.json was edited by hand since it was recorded",)
            judgement = judge(
                with_known_signature(fixture),
                outcomes,
                red=self._red,
                fixture=reference.short,
                options=self._expect_options,
            )
            any_will_do = fixture.expectation.wants == "fails" and judgement.verdict == "reproduced"
            if any_will_do:
                notes += tuple(filter(None, (other_type_note(fixture, outcomes[-1]),)))
            first_seen = self._pin and any_will_do
            if first_seen:
                fixture = self._pinned(fixture, outcomes[-1], judgement)
        except ReplayError as error:
            return FixtureNotRun(reference=reference, error=error)
        missing = None if delivery.faults else missing_fault(fixture, judgement)
        judgement = judged_with_proposal(judgement, missing, fixture=reference.short, options=self._expect_options)
        return FixtureReplayed(
            fixture=fixture,
            outcomes=outcomes,
            judgement=judged_twice(judgement, second) if second else judgement,
            notes=(*notes, *filter(None, (judgement.note,))),
            pinned=first_seen,
            proposed_fault=missing,
            second=second,
        )

    def observe(self, fixture: Fixture, *, faults: Sequence[Fault] = (), twice: bool = False) -> Observation:
        """
        Replay *fixture* for somebody who judges it, its AWS calls meeting *faults* before all others.

        Args:
            twice: Deliver it a second time, right after the first.

        Raises:
            ReplayError: It could not be replayed.
        """
        delivery, notes = self._delivery(fixture, faults=faults)
        outcomes = self._outcomes(delivery)
        notes += (*self._notes(outcomes), *hazards(outcomes[-1], delivery.function, delivery.settings))
        second = second_delivery(delivery, outcomes[-1]) if twice else None
        return Observation(outcome=outcomes[-1], second=second, notes=notes)

    def last_exception(self) -> BaseException | None:
        """Give the exception that the handler raised last, with its traceback, where the target keeps it."""
        return getattr(self._functions.last, "last_exception", None)

    def suspend(self) -> None:
        """Take the present function's mocks, modules and environment out of the process until the next replay."""
        self._functions.suspend()

    def forget(self, function: str) -> None:
        """Close the target of *function*; the next replay opens it afresh."""
        self._functions.forget(function)

    def close(self) -> None:
        """Close every target, also when one of them cannot be closed."""
        self._functions.close()

    def _delivery(self, fixture: Fixture, *, faults: Sequence[Fault] = ()) -> tuple[EventDelivery, tuple[str, ...]]:
        """Prepare to deliver *fixture* to its function, warm if that has been here before; and notes of it."""
        function, invoker, note = self._functions.step_in(fixture)
        faults = (*faults, *self._faults)
        invoker = self._as_sent(fixture, invoker)
        delivery = EventDelivery.of(fixture, invoker, function, faults=faults, redactor=self._redactor)
        return delivery, tuple(filter(None, (note, delivery.note)))

    def _outcomes(self, delivery: EventDelivery) -> list[Outcome]:
        outcomes = [delivery.afresh() for _ in range(self._repeat)]
        check_initialised(delivery.fixture, outcomes[-1], delivery.function)
        return outcomes

    def _notes(self, outcomes: Sequence[Outcome]) -> tuple[str, ...]:
        target = self._functions.last.notes if self._functions.last is not None else ()
        return tuple(dict.fromkeys((*outcomes[-1].report.notes, *target)))

    def _pinned(self, fixture: Fixture, outcome: Outcome, judgement: Judgement) -> Fixture:
        """Write the failure of *outcome* into the fixture as the one it expects from now on."""
        self.suspend()  # the function's clock and file system must not be those that we write with
        pinned = pin(fixture, outcome, at=datetime.now(UTC))
        try:
            self._store.update(pinned)
        except FixtureError as error:
            raise not_pinned(error, outcome, judgement) from error
        return pinned


def check_initialised(fixture: Fixture, outcome: Outcome, function: Function) -> None:
    """
    Refuse to judge a function that cannot even be imported here, unless that is the failure that was recorded.

    A typo in `handler` or a half-edited file says nothing of the event, and must not be pinned as its failure.

    Raises:
        FunctionError: The function failed before it saw the event.
    """
    failure = outcome.failure
    if failure is None or failure.request_id != "" or failure.observed != "local":
        return
    recorded = fixture.failure  # one that was pinned here was none at import time
    if recorded is not None and recorded.observed != "local" and recorded.error_type == failure.error_type:
        return
    lines = [f"{frame.module}:{frame.line}: {frame.code}" for frame in failure.frames if frame.owner == "user"]
    raise FunctionError(
        f"{function.handler} cannot be imported: {failure.error_type}: {failure.message}",
        where=f"{lines[-1] if lines else function.display_name}, in {function.code}",
        expected="a handler that can be imported, as on Lambda",
        hint="mend it, and run again",
    )


def with_known_signature(fixture: Fixture) -> Expectation:
    """Give the expectation, with the signature of the recorded failure where it names none itself."""
    expectation = fixture.expectation
    if expectation.wants == "fails" or expectation.signature is not None or fixture.failure is None:
        return expectation
    return replace(expectation, signature=signature(fixture.failure))
