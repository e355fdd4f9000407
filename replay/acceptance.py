"""Accepting a new expectation: the one way by which a fixture's verdict changes colour."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from replay.errors import ConfigurationError
from replay.expectations.known_failure import is_known, parting_lines
from replay.fixture_runs import replay_fixtures
from replay.fixtures.fixture import Fixture, FixtureReference
from replay.fixtures.revisions import new_revision
from replay.outcomes.fingerprint import signature
from replay.outcomes.outcome import Outcome
from replay.payloads.aws_calls import Fault
from replay.payloads.expectations import Expectation
from replay.payloads.failures import Failure, Signature
from replay.project import Project
from replay.replayer import FixtureNotRun, FixtureReplayed, RunFinished
from replay.targets.aws.known_faults import known_faults

Acceptable = Literal["reproduces", "succeeds", "now", "fails"]
_REPLAYED = {"reproduces", "now"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """A fixture as it is after `replay expect`, and whether that has changed anything."""

    fixture: Fixture
    changed: bool


def expect(
    project: Project, references: Sequence[FixtureReference], wants: Acceptable, *, faults: Sequence[Fault] = ()
) -> list[Fixture]:
    """
    Write a new expectation into fixtures, with a revision that says when and by whom; see `accept`.

    Raises:
        ConfigurationError: `reproduces` for a fixture that does not fail.
        ReplayError: A fixture cannot be read, or one that must be replayed cannot be.
        FixtureError: A fixture cannot be written; those before it have changed.
    """
    return [each.fixture for each in accept(project, references, wants, faults=faults)]


def accept(
    project: Project, references: Sequence[FixtureReference], wants: Acceptable, *, faults: Sequence[Fault] = ()
) -> list[Acceptance]:
    """
    Write a new expectation into fixtures, and say which of them expected something else before.

    - `succeeds` is taken at its word.
    - `now` replays each fixture and keeps its status and dispositions of this moment.
    - `reproduces` replays each fixture: it keeps the known failure where that is what it sees, and else pins what it
      sees as the known one.
    - `fails` forgets a failure that was pinned here: the next replay pins what it sees.

    Each also accepts an event that was edited by hand. *faults* become the fixture's own, before those that it has: its
    calls of AWS meet them from now on, in this replay already. A fixture that expects just that already stays as it is.

    All or nothing: when one fixture cannot be read or replayed, or does not fit, none is changed.

    Raises:
        ConfigurationError: `reproduces` for a fixture that does not fail.
        ReplayError: A fixture cannot be read, or one that must be replayed cannot be.
        FixtureError: A fixture cannot be written; those before it have changed.
    """
    fixtures = [project.store.load(reference) for reference in references]
    known_faults(faults, where="--fault")
    outcomes = _outcomes(project, references if wants in _REPLAYED else (), faults)
    fixtures = [_with_faults(fixture, faults) for fixture in fixtures]
    for fixture in fixtures:
        outcome = outcomes.get(fixture.reference)
        if wants == "reproduces" and outcome is not None and outcome.signature is None:
            raise _does_not_fail(fixture, project.fixtures_option)
    accepted = [_accepted(fixture, wants, outcomes.get(fixture.reference), faults) for fixture in fixtures]
    for each in accepted:
        if each.changed:
            project.store.update(each.fixture)
    return accepted


def _does_not_fail(fixture: Fixture, options: Sequence[str]) -> ConfigurationError:
    succeeds = shlex.join(("replay", "expect", fixture.reference.short, "succeeds", *options))
    return ConfigurationError(
        "it does not fail here, so there is no failure to expect", where=str(fixture.reference), hint=succeeds
    )


def _with_faults(fixture: Fixture, faults: Sequence[Fault]) -> Fixture:
    kept = tuple(fault for fault in fixture.faults if fault not in faults)
    return replace(fixture, faults=(*faults, *kept)) if faults else fixture


def _accepted(fixture: Fixture, wants: Acceptable, outcome: Outcome | None, faults: Sequence[Fault] = ()) -> Acceptance:
    expectation = _expectation(fixture, wants, outcome)
    failure = _failure(fixture, expectation, outcome)
    same = expectation == fixture.expectation and failure == fixture.failure
    if same and not fixture.edited and not faults:
        return Acceptance(fixture=fixture, changed=False)
    why = "expectation as before" if same else _why(fixture, expectation)
    why += "".join(f"; {fault.call} meets {fault.error or f'{fault.latency_s:g} s'}" for fault in faults)
    revision = new_revision("replay expect", f"{why}, with the event as edited by hand" if fixture.edited else why)
    revised = replace(
        fixture, expectation=expectation, failure=failure, revisions=(*fixture.revisions, revision), edited=False
    )
    return Acceptance(fixture=revised, changed=True)


def _expectation(fixture: Fixture, wants: Acceptable, outcome: Outcome | None) -> Expectation:
    known = _known_signature(fixture)
    if wants == "fails":
        return Expectation(wants=wants)
    if outcome is None:
        return Expectation(wants=wants, signature=known)
    if wants == "now":
        return Expectation(
            wants=wants,
            status=outcome.status,
            dispositions=tuple(outcome.dispositions),
            signature=known,
            accepted_failure=outcome.signature,
        )
    if known is not None and is_known(known, outcome):
        before = fixture.expectation
        return before if before.wants == wants else Expectation(wants=wants, signature=known)
    return Expectation(wants=wants, signature=outcome.signature)


def _failure(fixture: Fixture, expectation: Expectation, outcome: Outcome | None) -> Failure | None:
    """Give what the fixture shows as its failure: production's own for ever, else the one that is pinned."""
    recorded = fixture.failure
    if recorded is not None and recorded.observed != "local":
        return recorded
    if expectation.wants == "fails":
        return None
    if expectation.wants != "reproduces" or outcome is None or outcome.failure is None:
        return recorded
    if recorded is not None and expectation.signature == fixture.expectation.signature:
        return recorded
    return replace(outcome.failure, observed="local")


def _known_signature(fixture: Fixture) -> Signature | None:
    if fixture.expectation.signature is not None:
        return fixture.expectation.signature
    return signature(fixture.failure) if fixture.failure is not None else None


def _why(fixture: Fixture, expectation: Expectation) -> str:
    """Say what was expected and what is, and which failure, where that is what has changed."""
    before, wants = fixture.expectation.wants, expectation.wants
    state = f" ({' '.join((expectation.status or '', *(expectation.dispositions or ())))})" if wants == "now" else ""
    changes = [f"expectation: was {before}, is {wants}{state}"] if before != wants or state else []
    was, seen = _known_signature(fixture), expectation.signature
    if wants == "reproduces" and seen != was and seen is not None:
        changes.append(_repinned(was, seen))
    return "; ".join(changes)


def _repinned(was: Signature | None, seen: Signature) -> str:
    if was is None:
        return f"failure pinned: {_words(seen)}"
    parting = parting_lines(was, seen)
    if parting is None:
        return f"failure pinned anew: was {_words(was)}, is {_words(seen)}"
    return f"failure pinned anew: {_words(seen)} as before, but was `{parting[0]}`, is `{parting[1]}`"


def _words(known: Signature) -> str:
    return ": ".join(filter(None, (known.error_type, known.message)))


def _outcomes(
    project: Project, references: Sequence[FixtureReference], faults: Sequence[Fault] = ()
) -> dict[FixtureReference, Outcome]:
    """Replay *references* with *faults*; the first that cannot be replayed stops it."""
    outcomes: dict[FixtureReference, Outcome] = {}
    for event in replay_fixtures(project, references, pin=False, faults=faults) if references else ():
        if isinstance(event, FixtureNotRun):
            raise event.error
        if isinstance(event, FixtureReplayed):
            outcomes[event.fixture.reference] = event.outcomes[-1]
        if isinstance(event, RunFinished) and event.interrupted:
            raise KeyboardInterrupt
    return outcomes
