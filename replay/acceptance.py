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
from replay.replayer import FixtureNotRun, FixtureReplayed

Acceptable = Literal["reproduces", "succeeds", "now"]


def expect(project: Project, references: Sequence[FixtureReference], wants: Acceptable) -> list[Fixture]:
    """
    Write a new expectation into fixtures, with a revision that says when and by whom.

    `succeeds` is taken at its word. `now` replays each fixture and keeps its status and dispositions of this moment.
    `reproduces` keeps the known signature, or replays to learn it.

    Raises:
        ConfigurationError: `reproduces` for a fixture that does not fail; nothing of it is written.
        ReplayError: A fixture that must be replayed cannot be.
    """
    outcomes = _outcomes(project, references) if wants == "now" else {}
    changed = []
    for reference in references:
        fixture = project.store.load(reference)
        expectation = _expectation(project, fixture, wants, outcomes.get(reference))
        accepted = replace(
            fixture,
            expectation=expectation,
            revisions=(*fixture.revisions, _revision(fixture.expectation.wants, wants)),
        )
        project.store.update(accepted)
        changed.append(accepted)
    return changed


def _expectation(project: Project, fixture: Fixture, wants: Acceptable, outcome: Outcome | None) -> Expectation:
    known = _known_signature(fixture)
    if wants == "now" and outcome is not None:
        return Expectation(
            wants="now", status=outcome.status, dispositions=tuple(outcome.dispositions), signature=known
        )
    if wants == "reproduces" and known is None:
        known = _outcomes(project, [fixture.reference])[fixture.reference].signature
        if known is None:
            raise ConfigurationError(
                "it does not fail here, so there is no failure to expect",
                where=str(fixture.reference),
                hint=f"replay expect {fixture.reference.id} succeeds",
            )
    return Expectation(wants=wants, signature=known)


def _known_signature(fixture: Fixture) -> Signature | None:
    if fixture.expectation.signature is not None:
        return fixture.expectation.signature
    return signature(fixture.failure) if fixture.failure is not None else None


def _outcomes(project: Project, references: Sequence[FixtureReference]) -> dict[FixtureReference, Outcome]:
    outcomes: dict[FixtureReference, Outcome] = {}
    for event in replay_fixtures(project, references, pin=False):
        if isinstance(event, FixtureNotRun):
            raise event.error
        if isinstance(event, FixtureReplayed):
            outcomes[event.fixture.reference] = event.outcomes[-1]
    return outcomes


def _revision(before: str, wants: str) -> Revision:
    return Revision(
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        by=f"replay expect ({_user()})",
        why=f"expected {before}, now {wants}",
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown user"  # a container without a passwd entry
