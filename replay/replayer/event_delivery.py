"""One fixture's event, delivered as often as somebody wants to learn something from it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Self

from replay.delivery.event_source_settings import current_settings
from replay.delivery.families import begin_delivery, drive
from replay.fixtures.fixture import Fixture
from replay.functions.function import Function
from replay.outcomes.classify import classify
from replay.outcomes.fingerprint import signature
from replay.outcomes.outcome import Outcome
from replay.payloads.aws_calls import Fault
from replay.payloads.captures import Event
from replay.payloads.event_sources import EventSource
from replay.targets.aws.known_faults import known_faults
from replay.targets.aws.observed_effects import RedactorOf, redacting, standard_redactor, with_fault_notes
from replay.targets.base import Invoker


@dataclass(frozen=True, slots=True, kw_only=True)
class EventDelivery:
    """
    Delivers the event of `fixture` to `invoker` as AWS would; its AWS calls meet `faults`, the first that fits.

    `settings` are those that `function` has for this event source today, and else the recorded ones.
    """

    fixture: Fixture
    invoker: Invoker
    function: Function
    settings: EventSource
    faults: tuple[Fault, ...]
    redactor: RedactorOf

    @classmethod
    def of(
        cls,
        fixture: Fixture,
        invoker: Invoker,
        function: Function,
        *,
        faults: Sequence[Fault] = (),
        redactor: RedactorOf = standard_redactor,
    ) -> Self:
        """
        Prepare to deliver *fixture*. Its calls meet *faults*, then its own faults, then those of *function*.

        Raises:
            ConfigurationError: A fault is for a call that nobody can make.
        """
        asked = (*faults, *fixture.faults, *function.faults)
        known = known_faults(asked, where=str(fixture.reference)) if asked else ()
        settings = current_settings(fixture.event_source, function.event_sources)
        return cls(
            fixture=fixture, invoker=invoker, function=function, settings=settings, faults=known, redactor=redactor
        )

    def afresh(self, *, later: timedelta = timedelta()) -> Outcome:
        """
        Deliver it from the state after `setup`; where the clock is the captured one, so much *later*.

        Raises:
            TargetError: The target cannot be reached or prepared.
            FunctionError: The handler cannot be found or imported for a reason outside the function's own code.
            InvalidEvent: The event is none that its event source could deliver.
            InvalidJson: The event is not JSON.
        """
        at = captured_at(self.fixture)
        self.invoker.begin(at=at + later if at else None, faults=self.faults)
        if self.fixture.objects:
            self.invoker.place_objects(self.fixture.objects)
        return self.again()

    @property
    def note(self) -> str:
        """Say that the captured clock cannot be set, where that is so."""
        unknown = self.function.clock == "captured" and captured_at(self.fixture) is None
        return "the time of the failure is not known: the real time is shown" if unknown else ""

    def again(self) -> Outcome:
        """Deliver it to AWS as the delivery before has left it. Raises what `afresh` raises."""
        event = Event(text=self.fixture.event_text, kind=self.fixture.kind)
        invoke = redacting(self.invoker.invoke, self.redactor)
        report = drive(begin_delivery(event, self.settings, self.function.arn), invoke)
        return redacted_outcome(classify(with_fault_notes(report, self.faults)), self.redactor)


def redacted_outcome(outcome: Outcome, redactor: RedactorOf) -> Outcome:
    """
    Redact how it failed: the failure may be pinned into git, and a recorded one that it is compared with is redacted.

    An event holds stand-ins only, but a handler may put a secret of its environment into an error.
    """
    if outcome.failure is None:
        return outcome
    failure = redactor().failure(outcome.failure)
    if failure == outcome.failure:
        return outcome
    return replace(outcome, failure=failure, signature=signature(failure))


def captured_at(fixture: Fixture) -> datetime | None:
    """Say when *fixture* was once sent, where that is known."""
    sent_at = fixture.provenance.sent_at
    if not sent_at:
        return None
    try:
        moment = datetime.fromisoformat(sent_at)
    except ValueError:
        return None  # edited by hand; the schema check of `replay doctor` tells
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
