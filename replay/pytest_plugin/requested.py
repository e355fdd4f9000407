"""The `replay` fixture and marker, for tests that people write by hand."""

from collections.abc import Sequence
from typing import Self

import pytest

from replay.errors import ReplayError, UnexpectedOutcome
from replay.fixtures.fixture import Fixture, FixtureReference
from replay.outcomes.outcome import Outcome
from replay.payloads.aws_calls import Fault
from replay.payloads.fault_reading import Faults, read_faults
from replay.pytest_plugin.session import ReplaySession
from replay.replayer.further_deliveries import SecondDelivery
from replay.reports.effect_lines import effect_lines
from replay.reports.expectation_words import happened
from replay.reports.explanation import joined, log_lines, run_command, stack_lines
from replay.reports.payload_excerpt import payload_section
from replay.reports.visible_text import visible

_OUTCOMES = pytest.StashKey[list[tuple[Fixture, Outcome]]]()
_EXAMPLE = '@pytest.mark.replay("FUNCTION/*")'


class Replay:
    """
    The captured event of a test: call it to replay it.

    `fixture` is the fixture; each call replays its event from a fresh state and gives the `Outcome`.
    """

    def __init__(
        self,
        fixture: Fixture,
        session: ReplaySession,
        outcomes: list[tuple[Fixture, Outcome]],
        faults: Sequence[Fault] = (),
    ) -> None:
        """*faults* are those of the marker, which every call of the test meets."""
        self.fixture = fixture
        self._faults = tuple(faults)
        self._session = session
        self._outcomes = outcomes

    @classmethod
    def of(cls, request: pytest.FixtureRequest, session: ReplaySession) -> Self:
        """Give the `replay` of the requesting test, which fails where it has no marker or an unreadable fixture."""
        reference = getattr(request, "param", None)
        if isinstance(reference, ReplayError):
            pytest.fail(visible(str(reference)), pytrace=False)
        if not isinstance(reference, FixtureReference):
            pytest.fail(f"the `replay` fixture needs to know which events: add {_EXAMPLE} to the test", pytrace=False)
        try:
            fixture = session.project.store.load(reference)
            faults = [fault for marker in _nearest(request.node) for fault in _faults(marker)]
        except ReplayError as error:
            pytest.fail(visible(str(error)), pytrace=False)
        return cls(fixture, session, request.node.stash.setdefault(_OUTCOMES, []), faults)

    def __call__(self, *, faults: Faults | None = None, twice: bool = False) -> Outcome:
        """
        Deliver the event as AWS would, from the state after `setup`, and say what happened.

        Args:
            faults: What calls of AWS meet, before the faults of the marker and of the fixture: errors by call, such as
                `{"dynamodb:PutItem": "ThrottlingException", "sqs:*": "timeout", "s3:*": "2.5s"}`, or `Fault` values.
            twice: Deliver it a second time, right after the first; the outcome is that of the first delivery.

        Raises:
            ReplayError: It could not be replayed, or a fault cannot be used.
            UnexpectedOutcome: The second delivery has written again: the handler is not idempotent.
        """
        __tracebackhide__ = True
        try:
            given = read_faults(faults, where="faults")
            outcome, second = self._deliver((*given, *self._faults), twice=twice)
        except ReplayError as error:
            raise error.with_traceback(None) from None  # where we noticed it is not what the user looks for
        self._outcomes.append((self.fixture, outcome))
        if second is not None and second.reason:
            raise UnexpectedOutcome(second.reason)
        return outcome

    def _deliver(self, faults: Sequence[Fault], *, twice: bool) -> tuple[Outcome, SecondDelivery | None]:
        if twice:
            return self._session.twice(self.fixture, faults)
        return self._session.outcome(self.fixture, faults), None


def parametrize(metafunc: pytest.Metafunc, session: ReplaySession) -> None:
    """
    Run a marked test once for each fixture that its patterns name.

    The markers nearest to the test count: those of a class or module are the default of the tests inside.

    A pattern that names nothing is an error of this test alone: to run no event silently would prove nothing.

    Raises:
        pytest.Collector.CollectError: The marker is not written as it must be.
    """
    nearest = _nearest(metafunc.definition)
    if not nearest:
        return
    where = visible(metafunc.definition.nodeid)
    patterns = [pattern for marker in nearest for pattern in marker.args]
    has_others = any(each.kwargs.keys() - {"faults"} for each in nearest)
    if not patterns or has_others or not all(isinstance(each, str) for each in patterns):
        raise pytest.Collector.CollectError(
            f"{where}: the marker `replay` takes patterns of fixtures as texts, such as {_EXAMPLE}"
        )
    try:
        references = session.project.store.references(patterns)
    except ReplayError as error:  # an error of this test alone: all others shall still run
        metafunc.parametrize("replay", [error], ids=["no fixture"], indirect=True)
        return
    metafunc.parametrize("replay", references, ids=[str(reference) for reference in references], indirect=True)


def _nearest(node: pytest.Item) -> list[pytest.Mark]:
    markers = list(node.iter_markers_with_node("replay"))
    return [marker for holder, marker in markers if holder is markers[0][0]]


def _faults(marker: pytest.Mark) -> tuple[Fault, ...]:
    return read_faults(marker.kwargs.get("faults"), where="faults of the marker `replay`")


def sections(item: pytest.Item) -> list[tuple[str, str]]:
    """Give the report sections that tell what a failed test's replays did."""
    return [
        (f"replay of {fixture.reference}", _section(fixture, outcome))
        for fixture, outcome in item.stash.get(_OUTCOMES, [])
    ]


def _section(fixture: Fixture, outcome: Outcome) -> str:
    sections = (
        [f"happened   {happened(outcome)}"],
        ["here", *stack_lines(outcome.failure)] if outcome.failure else [],
        payload_section(fixture, outcome.failure or fixture.failure),
        effect_lines(outcome.effects),
        log_lines(outcome),
        [f"run again  {run_command([fixture.reference.short])}"],
    )
    return joined(sections)
