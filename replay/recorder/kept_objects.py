"""What a fixture's event points to in S3, redacted and kept beside it."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from replay.counted_nouns import counted
from replay.enrichment.claim_checks import ClaimChecks
from replay.errors import FixtureError, RedactionError
from replay.fixtures.fixture import Fixture, Redaction, StoredObject
from replay.fixtures.store import Store
from replay.payloads.captures import Capture, S3Object
from replay.payloads.envelopes.claim_checks import claim_checks
from replay.redaction.redactor import Redactor

MOST_OBJECTS = 100
_MARK = "S3Pointer"


class KeptObjects:
    """Fetches what events point to, just before their fixtures are written."""

    def __init__(self, claims: ClaimChecks, *, redact: Redactor, store: Store) -> None:
        self._claims, self._redact, self._store = claims, redact, store
        self._added = self._unsafe = self._beyond = 0

    @property
    def notes(self) -> list[str]:
        """What became of payloads in S3, in sentences for the user."""
        notes = list(self._claims.notes)
        if self._beyond:
            beyond = counted(self._beyond, "payload was", "payloads were")
            notes.append(f"{beyond} not fetched from S3: of one event at most {MOST_OBJECTS} are kept")
        if self._unsafe:
            notes.append(f"{counted(self._unsafe, 'payload')} of S3 cannot be made safe, and was not kept")
        if self._added:
            notes.append(f"the payloads of {counted(self._added, 'fixture')} recorded before were added to them")
        return notes

    def with_objects(self, fixture: Fixture, capture: Capture) -> Fixture:
        """
        Give *fixture* with the objects that its event points to; one that is there without them gets them as well.

        Raises:
            FixtureError: The fixture that is there cannot be written.
        """
        if _MARK not in capture.body:
            return fixture
        named = claim_checks(capture.body)
        pointers = named[:MOST_OBJECTS]
        known = self._known(fixture) if pointers else None
        if not pointers or (known is not None and known.objects):
            return fixture
        self._beyond += len(named) - len(pointers)
        objects = self._objects(pointers, claim_checks(fixture.event_text))
        if known is not None and objects:
            self._store.update(replace(known, objects=objects))
            self._added += 1
        return replace(fixture, objects=objects)

    def _known(self, fixture: Fixture) -> Fixture | None:
        reference = self._store.find(fixture)
        try:
            return self._store.load(reference) if reference is not None else None
        except FixtureError:
            return None  # it cannot be read; the recording tells so where it relies on it

    def _objects(self, pointers: Sequence[S3Object], redacted: Sequence[S3Object]) -> tuple[StoredObject, ...]:
        """Fetch what *pointers* name, and keep it under the names that are left in the *redacted* event."""
        objects: list[StoredObject] = []
        for number, pointer in enumerate(pointers):
            text = self._claims.fetch(pointer)
            if text is None:
                continue
            named = redacted[number] if len(redacted) == len(pointers) else self._named(pointer)
            kept = StoredObject(bucket=named.bucket, key=named.key, file=f"claim-check-{len(objects) + 1}.txt")
            try:
                objects.append(redacted_object(replace(kept, text=text), self._redact))
            except RedactionError:
                self._unsafe += 1
        return tuple(objects)

    def _named(self, pointer: S3Object) -> S3Object:
        return replace(pointer, bucket=self._redact.plain(pointer.bucket), key=self._redact.plain(pointer.key))


def redacted_object(kept: StoredObject, redact: Redactor) -> StoredObject:
    """
    Give an object redacted, as the body of a message would be; what was replaced before stays noted.

    Raises:
        RedactionError: It cannot be made safe.
    """
    # As a JSON string it is redacted like a body, whatever it holds.
    redacted = redact.event(json.dumps(kept.text, ensure_ascii=False))
    counts = Counter({(each.at, each.detector): each.count for each in kept.redactions})
    counts.update({(each.at, each.detector): each.count for each in redacted.redactions})
    found = tuple(Redaction(at=at, detector=detector, count=count) for (at, detector), count in counts.items())
    return replace(kept, text=json.loads(redacted.text), redactions=found)


def redacted_objects(fixture: Fixture, event_text: str, redact: Redactor) -> tuple[StoredObject, ...]:
    """
    Give the objects of *fixture* redacted again, under the names that its event has as *event_text*.

    Raises:
        RedactionError: One cannot be made safe.
    """
    before, after = claim_checks(fixture.event_text), claim_checks(event_text)
    names = {(old.bucket, old.key): new for old, new in zip(before, after, strict=False)}
    objects = []
    for each in fixture.objects:
        named = names.get((each.bucket, each.key)) if len(before) == len(after) else None
        renamed = replace(each, bucket=named.bucket, key=named.key) if named is not None else each
        objects.append(redacted_object(renamed, redact))
    return tuple(objects)
