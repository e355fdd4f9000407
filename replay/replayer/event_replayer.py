"""Replays captured events that are no fixtures, and judges each by itself: it succeeds, or it fails."""

from collections.abc import Callable
from types import TracebackType
from typing import Self

from replay.errors import InvalidJson, ReplayError
from replay.expectations.judge import judge_captured
from replay.fixtures.fixture import Fixture, FixtureReference, Provenance
from replay.functions.function import Function
from replay.payloads.envelopes.lambda_event import event_source_of_value
from replay.payloads.event_sources import EventSource
from replay.payloads.exact_json import parse
from replay.payloads.expectations import Expectation
from replay.replayer.event_corpus import checked_text, unusable
from replay.replayer.event_delivery import EventDelivery
from replay.replayer.replayer import check_initialised
from replay.replayer.run_events import FixtureNotRun, FixtureReplayed
from replay.replayer.warm_functions import OpenInvoker
from replay.targets.aws.observed_effects import RedactorOf, standard_redactor
from replay.targets.base import Invoker

_DIRECT = EventSource(kind="direct")
_CAPTURED = Provenance(source="captured")
_NOTHING = Expectation(wants="succeeds")
_NOT_KEPT = "null"
"""What stands in a result for its event: that is as it was captured, and nobody has redacted it."""


class EventReplayer:
    """
    Replays the captured events of one function one by one; each is delivered as the event source of its shape would.

    Args:
        function: Gives it; raises FunctionError where it is not known.
        open_invoker: Gives its target, not yet entered.
        redactor: Gives what redacts effects and failures.
    """

    def __init__(
        self, function: Callable[[], Function], *, open_invoker: OpenInvoker, redactor: RedactorOf = standard_redactor
    ) -> None:
        self._function_of, self._open_invoker, self._redactor = function, open_invoker, redactor
        self._open: tuple[Function, Invoker] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def judge(self, reference: FixtureReference) -> FixtureReplayed | FixtureNotRun:
        """Replay the event *reference*, and judge it; nothing of it is in what is told."""
        try:
            fixture = as_fixture(reference)
            function, invoker = self._opened()
            delivery = EventDelivery.of(fixture, invoker, function, redactor=self._redactor)
            outcome = delivery.afresh()
            check_initialised(fixture, outcome, function)
        except ReplayError as error:
            return FixtureNotRun(reference=reference, error=error)
        notes = (*outcome.report.notes, *invoker.notes)
        return FixtureReplayed(
            fixture=_fixture(reference, fixture.event_source, _NOT_KEPT),
            outcomes=(outcome,),
            judgement=judge_captured(outcome),
            notes=tuple(dict.fromkeys(notes)) if notes else (),
        )

    def forget(self, function: str) -> None:
        """Close the target."""
        del function
        self.close()

    def close(self) -> None:
        """Close the target; it is opened afresh when it is needed."""
        opened, self._open = self._open, None
        if opened is not None:
            opened[1].__exit__(None, None, None)

    def _opened(self) -> tuple[Function, Invoker]:
        if self._open is None:
            function = self._function_of()
            invoker = self._open_invoker(function)
            invoker.__enter__()
            self._open = function, invoker
        return self._open


def as_fixture(reference: FixtureReference) -> Fixture:
    """
    Take the captured event *reference* for a fixture that nobody has kept; its shape tells the event source.

    Raises:
        InvalidEvent: It is none that can be sent.
    """
    text = checked_text(reference)
    try:
        source = event_source_of_value(parse(text)) or _DIRECT
    except InvalidJson as error:
        raise unusable(reference, error.what) from None
    return _fixture(reference, source, text)


def _fixture(reference: FixtureReference, source: EventSource, text: str) -> Fixture:
    return Fixture(
        reference=reference,
        event_text=text,
        kind=source.kind,
        provenance=_CAPTURED,
        event_source=source,
        expectation=_NOTHING,
    )
