"""The `replay` fixture and marker, for tests that people write by hand."""

from typing import Self

import pytest

from replay.errors import ReplayError
from replay.fixtures.fixture import Fixture, FixtureReference
from replay.outcomes.outcome import Outcome
from replay.pytest_plugin.session import ReplaySession
from replay.reports.explanation import happened

_OUTCOMES = pytest.StashKey[list[tuple[Fixture, Outcome]]]()


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
        """
        Give the `replay` of the requesting test.

        Raises:
            pytest.UsageError: The test has no `replay` marker.
        """
        reference = getattr(request, "param", None)
        if not isinstance(reference, FixtureReference):
            raise pytest.UsageError(
                f"{request.node.nodeid} uses the `replay` fixture without saying which events: "
                'add @pytest.mark.replay("FUNCTION/*")'
            )
        return cls(session.project.store.load(reference), session, request.node.stash.setdefault(_OUTCOMES, []))

    def __call__(self) -> Outcome:
        """
        Deliver the event as AWS would, from the state after `setup`, and say what happened.

        Raises:
            ReplayError: It could not be replayed.
        """
        outcome = self._session.outcome(self.fixture)
        self._outcomes.append((self.fixture, outcome))
        return outcome


def parametrize(metafunc: pytest.Metafunc, session: ReplaySession) -> None:
    """
    Run a marked test once for each fixture that its patterns name.

    Raises:
        pytest.UsageError: A pattern names nothing: a test that silently runs no event proves nothing.
    """
    patterns = [pattern for marker in metafunc.definition.iter_markers("replay") for pattern in marker.args]
    if not patterns:
        return
    try:
        references = session.project.store.references(patterns)
    except ReplayError as error:
        raise pytest.UsageError(f"{metafunc.definition.nodeid}: {error}") from None
    metafunc.parametrize("replay", references, ids=[str(reference) for reference in references], indirect=True)


def told(item: pytest.Item) -> list[tuple[str, str]]:
    """Give the report sections that tell what a failed test's replays did."""
    return [
        (
            f"replay of {fixture.reference}",
            f"happened   {happened(outcome)}\nrun again  replay run {fixture.reference.id}",
        )
        for fixture, outcome in item.stash.get(_OUTCOMES, [])
    ]
