"""Accepting a new expectation: the one way by which a fixture's verdict changes colour."""

import getpass
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Literal

from replay.errors import ConfigurationError
from replay.fixtures.fixture import Fixture, FixtureReference, Revision
from replay.outcomes.fingerprint import signature
from replay.outcomes.outcome import Outcome
from replay.payloads.expectations import Expectation
from replay.payloads.failures import Signature
from replay.project import Project, replay_fixtures
from replay.replayer import FixtureNotRun, FixtureReplayed, RunFinished

Acceptable = Literal["reproduces", "succeeds", "now"]


def expect(project: Project, references: Sequence[FixtureReference], wants: Acceptable) -> list[Fixture]:
    """
    Write a new expectation into fixtures, with a revision that says when and by whom.

    `succeeds` is taken at its word. `now` replays each fixture and keeps its status and dispositions of this moment.
    `reproduces` keeps the known signature, or replays to learn it. Each also accepts an event that was edited by hand.

    All or nothing: when one fixture cannot be read or replayed, or does not fit, none is changed.

    Raises:
        ConfigurationError: `reproduces` for a fixture that does not fail.
        ReplayError: A fixture cannot be read, or one that must be replayed cannot be.
        FixtureError: A fixture cannot be written; those before it have changed.
    """
    fixtures = [project.store.load(reference) for reference in references]
    unknown = [
        fixture.reference
        for fixture in fixtures
        if wants == "now" or (wants == "reproduces" and _known_signature(fixture) is None)
    ]
    outcomes = _outcomes(project, unknown)
    accepted = [_accepted(fixture, wants, outcomes.get(fixture.reference)) for fixture in fixtures]
    for fixture in accepted:
        project.store.update(fixture)
    return accepted


def _accepted(fixture: Fixture, wants: Acceptable, outcome: Outcome | None) -> Fixture:
    edited = ", with the event as edited by hand" if fixture.edited else ""
    revision = Revision(
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        by=f"replay expect ({_user()})",
        why=f"expected {fixture.expectation.wants}, now {wants}{edited}",
    )
    return replace(
        fixture,
        expectation=_expectation(fixture, wants, outcome),
        revisions=(*fixture.revisions, revision),
        edited=False,
    )


def _expectation(fixture: Fixture, wants: Acceptable, outcome: Outcome | None) -> Expectation:
    known = _known_signature(fixture)
    if outcome is None:
        return Expectation(wants=wants, signature=known)
    if wants == "now":
        dispositions = tuple(outcome.dispositions)
        return Expectation(wants=wants, status=outcome.status, dispositions=dispositions, signature=known)
    if outcome.signature is None:
        raise ConfigurationError(
            "it does not fail here, so there is no failure to expect",
            where=str(fixture.reference),
            hint=f"replay expect {fixture.reference.id} succeeds",
        )
    return Expectation(wants=wants, signature=outcome.signature)


def _known_signature(fixture: Fixture) -> Signature | None:
    if fixture.expectation.signature is not None:
        return fixture.expectation.signature
    return signature(fixture.failure) if fixture.failure is not None else None


def _outcomes(project: Project, references: Sequence[FixtureReference]) -> dict[FixtureReference, Outcome]:
    """Replay *references*; the first that cannot be replayed stops it."""
    outcomes: dict[FixtureReference, Outcome] = {}
    for event in replay_fixtures(project, references, pin=False) if references else ():
        if isinstance(event, FixtureNotRun):
            raise event.error
        if isinstance(event, FixtureReplayed):
            outcomes[event.fixture.reference] = event.outcomes[-1]
        if isinstance(event, RunFinished) and event.interrupted:
            raise KeyboardInterrupt
    return outcomes


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown user"  # a container without a passwd entry
