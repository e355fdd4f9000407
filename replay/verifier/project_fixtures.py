"""Verifies fixtures of a project that were just redacted, with the events as they were in memory."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from replay.errors import ReplayError
from replay.fixtures.fixture import FixtureReference, Verification
from replay.outcomes.failure_classes import ends_process
from replay.project import Project
from replay.verifier.handler_process import HandlerProcess

WITHIN_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What was found of one fixture, and whether its event was changed for it."""

    reference: FixtureReference
    verification: Verification
    changed: bool


def verify_fixtures(
    project: Project,
    events: Mapping[FixtureReference, str],
    *,
    within_s: float = WITHIN_S,
    keep_raw: Collection[str] = (),
) -> Iterator[Verified]:
    """
    Replay each fixture here as it is and as it was before redaction, and write into it what was found.

    This runs the user's handler, as `replay run` does: on a mocked AWS, without a network, and in a process of its own.
    Nothing runs where the function is not known, or where a failure would end the process.

    Args:
        events: The events before redaction, which are never written.
        within_s: How long all may take; what is left then is noted as not verified.
        keep_raw: JSON Pointers, or globs of such, of values that may stay as they were if the failure depends on them.

    Yields:
        What was found of each; a fixture that cannot be read or written is passed over.
    """
    with HandlerProcess(project, within_s=within_s, keep_raw=keep_raw) as process:
        for reference, before in events.items():
            try:
                project.catalog.get(reference.function)
                fixture = project.store.load(reference)
                if fixture.failure is not None and ends_process(fixture.failure):
                    continue
                made = process.verified(fixture, before)
                project.store.update(made)
            except ReplayError:
                continue
            if made.verification is not None:
                changed = made.event_text != fixture.event_text
                yield Verified(reference=reference, verification=made.verification, changed=changed)
