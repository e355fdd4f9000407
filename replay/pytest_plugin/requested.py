"""The `replay` fixture and marker, for tests that people write by hand."""

from typing import Self

import pytest

from replay.errors import ReplayError
from replay.fixtures.fixture import Fixture, FixtureReference
from replay.outcomes.outcome import Outcome
from replay.pytest_plugin.session import ReplaySession
from replay.reports.explanation import happened, stack_lines
from replay.reports.payload_excerpt import payload_excerpt
from replay.reports.visible_text import visible

_OUTCOMES = pytest.StashKey[list[tuple[Fixture, Outcome]]]()
_EXAMPLE = '@pytest.mark.replay("FUNCTION/*")'
_LOG_LINES = 15


class Replay:
    """
    The captured event of a test: call it to replay it.

    `fixture` is the fixture; each call replays its event from a fresh state and gives the `Outcome`.
    """

    def __init__(self, fixture: Fixture, session: ReplaySession, outcomes: list[tuple[Fixture, Outcome]]) -> None:
        self.fixture = fixture
        self._session = session
        self._outcomes = outcomes

    @classmethod
    def of(cls, request: pytest.FixtureRequest, session: ReplaySession) -> Self:
        """Give the `replay` of the requesting test, which fails where it has no marker or an unreadable fixture."""
        reference = getattr(request, "param", None)
        if not isinstance(reference, FixtureReference):
            pytest.fail(f"the `replay` fixture needs to know which events: add {_EXAMPLE} to the test", pytrace=False)
        try:
            fixture = session.project.store.load(reference)
        except ReplayError as error:
            pytest.fail(visible(str(error)), pytrace=False)
        return cls(fixture, session, request.node.stash.setdefault(_OUTCOMES, []))

    def __call__(self) -> Outcome:
        """
        Deliver the event as AWS would, from the state after `setup`, and say what happened.

        Raises:
            ReplayError: It could not be replayed.
        """
        __tracebackhide__ = True
        try:
            outcome = self._session.outcome(self.fixture)
        except ReplayError as error:
            raise error.with_traceback(None) from None  # where we noticed it is not what the user looks for
        self._outcomes.append((self.fixture, outcome))
        return outcome


def parametrize(metafunc: pytest.Metafunc, session: ReplaySession) -> None:
    """
    Run a marked test once for each fixture that its patterns name.

    The markers nearest to the test count: those of a class or module are the default of the tests inside.

    Raises:
        pytest.Collector.CollectError: A pattern names nothing: a test that silently runs no event proves nothing.
    """
    markers = list(metafunc.definition.iter_markers_with_node("replay"))
    if not markers:
        return
    nearest = [marker for node, marker in markers if node is markers[0][0]]
    where = visible(metafunc.definition.nodeid)
    patterns = [pattern for marker in nearest for pattern in marker.args]
    if not patterns or not all(isinstance(each, str) for each in patterns) or any(each.kwargs for each in nearest):
        raise pytest.Collector.CollectError(
            f"{where}: the marker `replay` takes patterns of fixtures as texts, such as {_EXAMPLE}"
        )
    try:
        references = session.project.store.references(patterns)
    except ReplayError as error:
        raise pytest.Collector.CollectError(f"{where}: {visible(str(error))}") from None
    metafunc.parametrize("replay", references, ids=[str(reference) for reference in references], indirect=True)


def sections(item: pytest.Item) -> list[tuple[str, str]]:
    """Give the report sections that tell what a failed test's replays did."""
    return [
        (f"replay of {fixture.reference}", _section(fixture, outcome))
        for fixture, outcome in item.stash.get(_OUTCOMES, [])
    ]


def _section(fixture: Fixture, outcome: Outcome) -> str:
    lines = [f"happened   {happened(outcome)}"]
    if outcome.failure:
        lines += ["", "here", *stack_lines(outcome.failure)]
    excerpt = payload_excerpt(fixture.event_text, outcome.failure or fixture.failure)
    lines += ["", "payload (redacted)", *(f"  {row}" for row in excerpt)]
    if outcome.log.strip():
        rows = outcome.log.strip().splitlines()[-_LOG_LINES:]
        lines += ["", "log", *(f"  {visible(row, limit=200)}" for row in rows)]
    return "\n".join([*lines, "", f"run again  replay run {fixture.reference.id}"])
