"""The station: gives an event's text with what is private replaced, and says what was replaced where."""

import re
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial

from replay.errors import InvalidJson
from replay.payloads.exact_json import Edit, Token, is_json, splice, string_value, tokens
from replay.payloads.failures import Failure, Signature
from replay.redaction import encodings, escapes
from replay.redaction.card_numbers import card_of_number
from replay.redaction.clean_texts import is_clean
from replay.redaction.detectors import Span, apart, cookie_values, spans
from replay.redaction.jwt import redacted_jwt
from replay.redaction.places import Findings, Place
from replay.redaction.pseudonyms import Pseudonyms, is_made_receipt_handle, is_pseudonym
from replay.redaction.secret_keys import is_secret_key, key_of
from replay.redaction.settings import RedactionSettings
from replay.redaction.string_offsets import in_token

_DEEPEST = 8
"""Encodings inside encodings (JSON in a string, base64) that are opened; what is deeper is replaced whole."""
_DEEPEST_CLEAN = _DEEPEST - 2
"""A clean text may hold JSON of its own (numbers in brackets): here that is surely not too deep to be opened."""
_SHORTEST = 6
"""Nothing private without a key name that says so is shorter: `a@b.co`."""
_SHORTEST_CARD = 13
_LONGEST_REMEMBERED = 128
_MOST_ROUNDS = 8
_MAKERS: Mapping[str, Callable[[Pseudonyms, str], str]] = {
    "email": Pseudonyms.email,
    "card-number": Pseudonyms.card,
    "phone": Pseudonyms.phone,
    "iban": Pseudonyms.iban,
    "aws-access-key-id": Pseudonyms.aws_key_id,
}
_JSON_STARTS = frozenset('{["')
_SCHEME = re.compile(r"\s*(?:bearer|basic|digest|token|api-?key|negotiate|ntlm|aws4-hmac-sha256)\s+", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """What was replaced at one place; `at` is a JSON Pointer into the event, and `#` steps into an encoded string."""

    at: str
    detector: str
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Redacted:
    """An event's text without what is private, equal to the original in every other character."""

    text: str
    redactions: tuple[Replacement, ...] = ()


class Redactor:
    """
    Redacts everything of one recording or one project.

    Redacting twice changes nothing. The same value becomes the same pseudonym everywhere; see `RedactionSettings.key`.
    """

    def __init__(self, settings: RedactionSettings | None = None) -> None:
        self._settings = settings or RedactionSettings()
        self._keyed: Pseudonyms | None = None
        self._keying = threading.Lock()
        self._goes_by_content = not (self._settings.redact or self._settings.keep)
        self._plain_key = lru_cache(maxsize=4096)(self._plain_part)

    @property
    def _pseudonyms(self) -> Pseudonyms:
        """Made when the first is needed: where nothing is recorded, no key is made."""
        with self._keying:
            if self._keyed is None:
                key = self._settings.key
                self._keyed = Pseudonyms((key() if callable(key) else key) or secrets.token_bytes(32))
            return self._keyed

    def event(self, text: str) -> Redacted:
        """
        Redact the JSON text of an event: strings, keys and numbers, into JSON and base64 inside strings.

        Raises:
            InvalidJson: *text* is not JSON.
            RedactionError: It cannot be made safe.
        """
        if not self._settings.enabled:
            return Redacted(text=text)
        place = self._root()
        edits = self._json_edits(text, place, 0)
        replacements = tuple(
            Replacement(at=at, detector=detector, count=count)
            for (at, detector), count in place.findings.counts.items()
        )
        return Redacted(text=splice(text, edits) if edits else text, redactions=replacements)

    def plain(self, text: str) -> str:
        """
        Redact free text: a log line, an error message, a stack; one that is JSON is redacted as JSON.

        Raises:
            RedactionError: It cannot be made safe.
        """
        if not self._settings.enabled:
            return text
        return splice(text, self._string_edits(text, self._root(), 0))

    def failure(self, failure: Failure) -> Failure:
        """Redact what was observed of a failure: type, message, signature, stack, source lines, log lines."""
        signature = failure.signature
        return replace(
            failure,
            error_type=self.plain(failure.error_type),
            message=self.plain(failure.message),
            signature=signature
            and Signature(
                error_type=self.plain(signature.error_type),
                message=self.plain(signature.message),
                frames=tuple(self.plain(frame) for frame in signature.frames),
            ),
            stack=self.plain(failure.stack),
            frames=tuple(replace(frame, code=self.plain(frame.code)) for frame in failure.frames),
            log_lines=tuple(self.plain(line) for line in failure.log_lines),
            trace=tuple(
                replace(each, name=self.plain(each.name), cause=self.plain(each.cause)) for each in failure.trace
            ),
        )

    def _root(self) -> Place:
        return Place(findings=Findings(safe=self._plain_key))

    def _plain_part(self, text: str) -> str:
        """Redact a key or another short text by itself."""
        if _is_innocent(text):
            return text
        return splice(text, (Edit(part.start, part.end, made) for part, made in self._made(text, spans(text))))

    def _json_edits(self, text: str, place: Place, level: int) -> list[Edit]:
        edits: list[Edit] = []
        by_content = self._goes_by_content and not place.is_secret
        for token in tokens(text):
            path, start, end, kind = token
            if kind == "string":
                if end - start > 2:  # noqa: PLR2004 - two quotes
                    value, name = string_value(text[start:end]), key_of(path) or ""
                    if by_content and not is_secret_key(name) and _holds_nothing(value):
                        continue
                    found = self._value_edits(value, name, place.into(path), level)
                    edits += in_token(found, text[start:end], start) if found else ()
            elif kind == "key":
                edits += () if path and _is_innocent(str(path[1])) else self._key_edits(text[start:end], token, place)
            elif kind == "number":
                edits += self._number_edits(text[start:end], token, place)
        return edits

    def _key_edits(self, raw: str, token: Token, place: Place) -> Iterator[Edit]:
        name = string_value(raw)
        return in_token(self._replace(name, spans(name), place.into(token.path)), raw, token.start)

    def _value_edits(self, value: str, name: str, place: Place, level: int) -> list[Edit]:
        """Redact a decoded string as the *name* of its key says."""
        if self._is_kept(place):
            return []
        if self._is_secret(name, place):
            return self._secret_value_edits(value, name, place, level)
        return self._string_edits(value, place, level)

    def _number_edits(self, raw: str, token: Token, place: Place) -> Iterator[Edit]:
        if len(raw) < _SHORTEST_CARD and self._goes_by_content and not place.is_secret:
            name = key_of(token.path)
            if name is None or not is_secret_key(name):
                return
        inside = place.into(token.path)
        if self._is_kept(inside):
            return
        if self._is_secret(key_of(token.path) or "", inside):
            detector, made = "secret-key", self._pseudonyms.digits(raw)
        else:
            card = card_of_number(raw)
            if card is None or is_pseudonym("card-number", card[1]):
                return
            detector, made = "card-number", card[0] + self._pseudonyms.card(card[1]) + card[2]
        if made != raw:
            inside.note([detector])
            yield Edit(token.start, token.end, made)

    def _is_secret(self, name: str, place: Place) -> bool:
        redact = self._settings.redact
        return place.is_secret or is_secret_key(name) or (bool(redact) and place.matches(redact))

    def _is_kept(self, place: Place) -> bool:
        return bool(self._settings.keep) and place.matches(self._settings.keep)

    def _secret_value_edits(self, value: str, name: str, place: Place, level: int) -> list[Edit]:
        """Replace a value whose key says that it is secret; of an Authorization or cookie only the secret part."""
        if value.lstrip()[:1] in _JSON_STARTS:
            inner = self._inner_json(value, place, level, is_secret=True)
            if inner is not None:
                return inner
        if is_pseudonym("secret", value):
            return [] if is_made_receipt_handle(value) else self._string_edits(value, place, level)
        if "cookie" in name.lower() and "=" in value:
            cookies = [_known(value, part.start, part.end, "cookie") for part in cookie_values(value, 0, len(value))]
            parts = apart([*cookies, *spans(value)])
        else:
            scheme = _SCHEME.match(value)
            parts = [_known(value, scheme.end() if scheme else 0, len(value), "secret-key")]
        return self._replace(value, parts, place)

    def _string_edits(self, value: str, place: Place, level: int) -> list[Edit]:
        """Redact a decoded string: as what it holds (JSON, base64), else as text."""
        if self._goes_by_content and not place.is_secret and level < _DEEPEST_CLEAN and is_clean(value):
            return []
        if value.lstrip()[:1] in _JSON_STARTS:
            inner = self._inner_json(value, place, level)
            if inner is not None:
                return inner
        return self._text_edits(value, place, level)

    def _inner_json(self, value: str, place: Place, level: int, *, is_secret: bool = False) -> list[Edit] | None:
        """Redact JSON in a string, or give None where it is none."""
        if level >= _DEEPEST:
            return self._replace(value, [_whole(value, "nested-too-deep")], place) if is_json(value) else None
        findings = replace(place.findings, counts=type(place.findings.counts)())  # for nothing, if it is not JSON
        try:
            edits = self._json_edits(value, place.inside(is_secret=is_secret, findings=findings), level + 1)
        except InvalidJson:
            return None
        place.findings.counts.update(findings.counts)
        return edits

    def _text_edits(self, value: str, place: Place, level: int) -> list[Edit]:
        if len(value) < _SHORTEST:
            return []
        lines = encodings.opened_lines(value, place.findings.budget) if "\n" in value else None
        if lines is not None:
            inner = self._opened_edits(value, 0, lines, place, level)
            if inner:
                return inner
        parts = spans(value)
        edits = self._replace(value, parts, place)
        if len(edits) == 1 and (edits[0].start, edits[0].end) == (0, len(value)):
            made = edits[0].replacement
            return [Edit(0, len(value), splice(made, self._encoded_edits(made, spans(made), place, level)))]
        return edits + self._encoded_edits(value, parts, place, level)

    def _encoded_edits(self, value: str, parts: list[Span], place: Place, level: int) -> list[Edit]:
        """Redact what base64 in a text holds, but where *parts* have been found in it as it stands."""
        edits: list[Edit] = []
        at = 0
        for run in encodings.RUN.finditer(value):
            while at < len(parts) and parts[at].end <= run.start():
                at += 1
            if at < len(parts) and parts[at].start < run.end():
                continue
            opened = encodings.opened(run[0], place.findings.budget)
            if opened is not None:
                edits += self._opened_edits(run[0], run.start(), opened, place, level)
        return edits

    def _opened_edits(self, encoded: str, start: int, opened: encodings.Opened, place: Place, level: int) -> list[Edit]:
        """Redact what base64 holds: a text as such, in other bytes each stretch of letters as an own text."""
        if level >= _DEEPEST:
            edits = self._replace(encoded, [_whole(encoded, "nested-too-deep")], place) if opened.is_text else []
            return [Edit(start, start + len(encoded), edit.replacement) for edit in edits]
        inside = place.inside()
        if opened.is_text:
            edits = self._string_edits(opened.text, inside, level + 1)
        else:
            edits = self._stretch_edits(opened.text, inside, level + 1)
        behind = self._stretch_edits(opened.behind, inside, level + 1)
        if not edits and not behind:
            return []
        made = opened.closed(splice(opened.text, edits), splice(opened.behind, behind))
        return [Edit(start, start + len(encoded), made)]

    def _stretch_edits(self, characters: str, place: Place, level: int) -> list[Edit]:
        return [
            Edit(stretch.start() + edit.start, stretch.start() + edit.end, edit.replacement)
            for stretch in encodings.PRINTABLE.finditer(characters)
            for edit in self._string_edits(stretch[0], place, level)
        ]

    def _replace(self, value: str, parts: list[Span], place: Place) -> list[Edit]:
        made = self._made(value, parts)
        if not made:
            return []
        place.note(part.detector for part, _ in made)
        edits = [Edit(part.start, part.end, stand_in) for part, stand_in in made]
        first = after = splice(value, edits)
        for _ in range(_MOST_ROUNDS):
            again = self._made(after, spans(after))
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
        if is_pseudonym(part.detector, private, part.prefix):
            return private
        if part.detector == "vendor-key":
            return self._pseudonyms.vendor_key(private, part.prefix)
        if part.detector == "jwt":
            return redacted_jwt(private, self._pseudonyms, self._plain_part)
        return _MAKERS.get(part.detector, Pseudonyms.secret)(self._pseudonyms, private)


def _whole(value: str, detector: str) -> Span:
    return Span(0, len(value), detector)


def _known(value: str, start: int, end: int, otherwise: str) -> Span:
    """Give the span from *start* to *end*; a token whose format is known keeps it."""
    known = spans(value[start:end])
    if len(known) == 1 and (known[0].start, known[0].end) == (0, end - start):
        return known[0]._replace(start=start, end=end)
    return Span(start, end, otherwise)


@lru_cache(maxsize=4096)
def _is_innocent(text: str) -> bool:
    """Say whether nothing private is in a text: the same few keys come in every event."""
    return not spans(text)


def _holds_nothing(text: str) -> bool:
    """Say quickly that nothing private is in a short text, encoded or not; of a longer one that is not known."""
    return len(text) < _SHORTEST or (len(text) <= _LONGEST_REMEMBERED and _is_plain_and_innocent(text))


@lru_cache(maxsize=16384)
def _is_plain_and_innocent(text: str) -> bool:
    return text.lstrip()[:1] not in _JSON_STARTS and (
        is_clean(text)
        or not (any(encodings.may_hold_text(run[0]) for run in encodings.RUN.finditer(text)) or spans(text))
    )
