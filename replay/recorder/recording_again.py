"""A message that was recorded before, brought up to what is recorded of it now."""

from dataclasses import replace

from replay.fixtures.fixture import Fixture
from replay.fixtures.revisions import new_revision

_COMPARED = ("event_text", "kind", "event_source", "failure", "objects")
_WORDS = {"event_text": "event", "event_source": "delivery"}


def recorded_again(known: Fixture, recorded: Fixture) -> Fixture | None:
    """
    Give the fixture *known* with what was *recorded* of its message now, and a revision; None where nothing differs.

    Its name stays, and what is expected of it, but for a failure that was not known yet. What the recording does not
    tell this time, as a failure whose log is gone, stays as it was.
    """
    made = replace(
        known,
        event_text=recorded.event_text,
        kind=recorded.kind,
        event_source=recorded.event_source,
        provenance=recorded.provenance,
        redactions=recorded.redactions,
        failure=recorded.failure or known.failure,
        objects=recorded.objects or known.objects,
        expectation=recorded.expectation if known.expectation.wants == "fails" else known.expectation,
        edited=False,
    )
    changed = [name for name in _COMPARED if getattr(made, name) != getattr(known, name)]
    if not changed:
        return None
    told = f"recorded again: {', '.join(_WORDS.get(name, name) for name in changed)}"
    revision = new_revision("replay record", f"{told}, over an event that was edited by hand" if known.edited else told)
    verification = None if "event_text" in changed else known.verification
    return replace(made, verification=verification, revisions=(*known.revisions, revision))
