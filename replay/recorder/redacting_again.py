"""Fixtures redacted again after rules have changed: nothing else of them changes, and twice is once."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from replay.errors import FixtureError, InvalidJson, RedactionError
from replay.fixtures.fixture import Fixture, FixtureReference, Redaction
from replay.fixtures.revisions import new_revision
from replay.fixtures.store import FixtureProblem, Store
from replay.payloads.captures import Capture, Origin
from replay.payloads.envelopes.registry import unwrap
from replay.payloads.failures import Signature
from replay.recorder.kept_objects import redacted_objects
from replay.recorder.redacted_values import redacted_json, redacted_settings
from replay.redaction.redacted import Replacement
from replay.redaction.redactor import Redactor


@dataclass(frozen=True, slots=True, kw_only=True)
class RedactedAgain:
    """
    A fixture that was looked through; `found` is what was replaced now, in its event and beside it.

    `event_before` is its event as it was, for who compares; it must not be written anywhere.
    """

    reference: FixtureReference
    changed: bool
    found: tuple[Redaction, ...] = ()
    event_before: str = field(default="", repr=False)


def redact_again(
    store: Store, redactor: Redactor, references: Iterable[FixtureReference], *, dry_run: bool = False
) -> Iterator[RedactedAgain | FixtureProblem]:
    """
    Redact fixtures by the rules of *redactor*, each at once, with a revision that says what was replaced.

    Its name, identity and expectation stay; in the text of a known failure what is private is replaced as in the event.
    One that cannot be read or made safe is told as a problem, and the next one follows.

    Args:
        dry_run: Only say what would be replaced.
    """
    for reference in references:
        try:
            fixture = store.load(reference)
            made, found = redacted_again(fixture, redactor)
            changed = made != fixture
            if changed and not dry_run:
                store.update(_revised(made, fixture, found))
            yield RedactedAgain(reference=reference, changed=changed, found=found, event_before=fixture.event_text)
        except FixtureError as error:
            yield FixtureProblem(reference=reference, error=error)
        except (RedactionError, InvalidJson) as error:
            problem = FixtureError(error.what, where=str(reference), expected=error.expected, hint=error.hint)
            yield FixtureProblem(reference=reference, error=problem)


def redacted_again(fixture: Fixture, redactor: Redactor) -> tuple[Fixture, tuple[Redaction, ...]]:
    """
    Give *fixture* as it is by the rules of *redactor*, and what was replaced for that in the event.

    Raises:
        RedactionError: It cannot be made safe.
        InvalidJson: Its event is no JSON.
    """
    redacted = redactor.event(fixture.event_text)
    known = fixture.expectation.signature
    accepted = fixture.expectation.accepted_failure
    provenance = fixture.provenance
    event_text = _resealed(fixture.event_text, redacted.text)
    made = replace(
        fixture,
        event_text=event_text,
        objects=redacted_objects(fixture, event_text, redactor),
        failure=redactor.failure(fixture.failure, redacted.replaced) if fixture.failure else None,
        provenance=replace(
            provenance,
            place=redactor.plain(provenance.place),
            details={name: redacted_json(value, redactor) for name, value in provenance.details.items()},
        ),
        event_source=redacted_settings(fixture.event_source, redactor),
        expectation=replace(
            fixture.expectation,
            signature=_signature(known, redactor, redacted.replaced),
            accepted_failure=_signature(accepted, redactor, redacted.replaced),
        ),
        redactions=_merged(fixture.redactions, redacted.redactions),
    )
    return made, tuple(Redaction(at=each.at, detector=each.detector, count=each.count) for each in redacted.redactions)


def _resealed(before: str, after: str) -> str:
    if before == after:
        return before
    capture = Capture(origin=Origin(source="files", arn="", identity="", place=""), body=before)
    return unwrap(capture)[0].reseal(before, after)


def _signature(known: Signature | None, redactor: Redactor, replaced: Mapping[str, str]) -> Signature | None:
    return known and Signature(
        error_type=redactor.plain(known.error_type),
        message=redactor.told(known.message, replaced),
        frames=tuple(redactor.plain(frame) for frame in known.frames),
    )


def _merged(before: tuple[Redaction, ...], now: tuple[Replacement, ...]) -> tuple[Redaction, ...]:
    """Add what was replaced *now* to what was *before*: the count of each place and kind only grows."""
    counts = Counter({(each.at, each.detector): each.count for each in before})
    counts.update({(each.at, each.detector): each.count for each in now})
    return tuple(Redaction(at=at, detector=detector, count=count) for (at, detector), count in counts.items())


def _revised(made: Fixture, before: Fixture, found: tuple[Redaction, ...]) -> Fixture:
    told = ", ".join(f"{count} {detector}" for detector, count in sorted(_totals(found).items()))
    why = f"redacted again: {told or 'its failure and provenance'}"
    revision = new_revision("replay redact", f"{why}, with the event as edited by hand" if before.edited else why)
    return replace(made, revisions=(*made.revisions, revision), edited=False)


def _totals(found: tuple[Redaction, ...]) -> Counter[str]:
    totals: Counter[str] = Counter()
    for each in found:
        totals[each.detector] += each.count
    return totals
