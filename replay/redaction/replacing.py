"""Putting stand-ins in the place of what was found."""

import re
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial

from replay.payloads.exact_json import Edit, splice
from replay.redaction import escapes
from replay.redaction.detectors import spans
from replay.redaction.high_entropy import high_entropy_strings, may_be_random
from replay.redaction.jwt import redacted_jwt
from replay.redaction.national_ids import national_ids
from replay.redaction.phone_numbers import regional_phone_numbers
from replay.redaction.places import Place
from replay.redaction.presidio import presidio_entities
from replay.redaction.pseudonyms import Pseudonyms, is_pseudonym
from replay.redaction.retelling import learn
from replay.redaction.secret_keys import key_of
from replay.redaction.secrets_elsewhere import note_secret
from replay.redaction.settings import RedactionSettings
from replay.redaction.spans import Detector, Span

_MOST_ROUNDS = 8
_LONGEST_REMEMBERED = 64
"""Names, addresses and stand-ins come in many events, and several times in one."""
_MAKERS: Mapping[str, Callable[[Pseudonyms, str], str]] = {
    "email": Pseudonyms.email,
    "card-number": Pseudonyms.card,
    "phone": Pseudonyms.phone,
    "iban": Pseudonyms.iban,
    "aws-access-key-id": Pseudonyms.aws_key_id,
    "receipt-handle": Pseudonyms.receipt_handle,
    "ip-address": Pseudonyms.ip_address,
    "person-name": Pseudonyms.name,
    "postal-address": Pseudonyms.name,
    "hash": Pseudonyms.hashed,
}
_WORD = re.compile(r"[A-Za-z0-9/+=_.:-]*")
_RANDOM: tuple[Detector, ...] = (high_entropy_strings,)


class Replacing:
    """Finds private parts by one project's settings, and replaces them with one project's pseudonyms."""

    def __init__(self, settings: RedactionSettings) -> None:
        self._settings = settings
        self._keyed: Pseudonyms | None = None
        self._keying = threading.Lock()
        self._configured = _configured(settings)
        self._short_spans = lru_cache(maxsize=8192)(spans)
        self._is_innocent = lru_cache(maxsize=4096)(lambda text: not self.spans(text))

    @property
    def pseudonyms(self) -> Pseudonyms:
        """Made when the first is needed: where nothing is recorded, no key is made."""
        with self._keying:
            if self._keyed is None:
                key = self._settings.key
                self._keyed = Pseudonyms((key() if callable(key) else key) or secrets.token_bytes(32))
            return self._keyed

    def spans(self, value: str, place: Place | None = None) -> list[Span]:
        """Find what is private in *value*; an id or a digest, as its key says, may look random."""
        name = key_of(place.path) if place is not None and _WORD.fullmatch(value) else ""
        more = self._configured if name and may_be_random(name) else (*_RANDOM, *self._configured)
        return list(self._short_spans(value, more)) if len(value) <= _LONGEST_REMEMBERED else spans(value, more)

    def is_innocent(self, text: str) -> bool:
        """Say whether nothing private is in a text: the same few keys come in every event."""
        return self._is_innocent(text)

    def plain_part(self, text: str) -> str:
        """Redact a key or another short text by itself."""
        if self.is_innocent(text):
            return text
        return splice(text, (Edit(part.start, part.end, made) for part, made in self._made(text, self.spans(text))))

    def edits(self, value: str, parts: list[Span], place: Place) -> list[Edit]:
        """Replace *parts* of *value*, and note at *place* what they were."""
        made = self._made(value, parts)
        if not made:
            return []
        place.note(part.detector for part, _ in made)
        for part, stand_in in made:
            learn(place.findings.replaced, value[part.start : part.end], stand_in, part.detector)
            note_secret(place.findings.secrets, value[part.start : part.end], stand_in, part.detector)
        edits = [Edit(part.start, part.end, stand_in) for part, stand_in in made]
        first = after = splice(value, edits)
        for _ in range(_MOST_ROUNDS):
            again = self._made(after, self.spans(after, place))
            if not again:
                break
            # By chance a stand-in, or one with what is beside it, looks like something private itself.
            after = splice(after, (Edit(part.start, part.end, stand_in) for part, stand_in in again))
        return edits if after == first else [Edit(0, len(value), after)]

    def _made(self, value: str, parts: list[Span]) -> list[tuple[Span, str]]:
        """Pair each part that is not yet replaced with what stands in for it."""
        made = []
        for part in parts:
            private = value[part.start : part.end]
            stand_in = escapes.replaced(private, partial(self._stand_in, part))
            if stand_in != private:
                made.append((part, stand_in))
        return made

    def _stand_in(self, part: Span, private: str) -> str:
        kind, _, country = part.detector.partition(":")
        if country:
            return self.pseudonyms.national_id(private, country)
        if is_pseudonym(kind, private, part.prefix):
            return private
        if kind == "vendor-key":
            return self.pseudonyms.vendor_key(private, part.prefix)
        if kind == "jwt":
            return redacted_jwt(private, self.pseudonyms, self.plain_part)
        return _MAKERS.get(kind, Pseudonyms.secret)(self.pseudonyms, private)


def _configured(settings: RedactionSettings) -> tuple[Detector, ...]:
    """Give the detectors that only the configuration asks for."""
    ids: Sequence[Detector] = [partial(national_ids, countries=settings.national_ids)] if settings.national_ids else []
    phones: Sequence[Detector] = (
        [partial(regional_phone_numbers, regions=settings.phone_regions)] if settings.phone_regions else []
    )
    entities: Sequence[Detector] = (
        [partial(presidio_entities, entities=settings.presidio, model=settings.presidio_model)]
        if settings.presidio
        else []
    )
    return (*ids, *phones, *entities)
