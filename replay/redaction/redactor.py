"""The station: gives an event's text with what is private replaced, and says what was replaced where."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache, partial

from replay.errors import InvalidJson
from replay.payloads.exact_json import Edit, Path, Token, is_json, splice, string_value, tokens
from replay.payloads.failures import Failure
from replay.redaction import encodings
from replay.redaction.binary_values import is_binary_value
from replay.redaction.byte_arrays import byte_arrays, with_byte_arrays
from replay.redaction.card_numbers import card_of_number
from replay.redaction.clean_texts import is_clean, suspects
from replay.redaction.detectors import apart, cookie_values
from replay.redaction.dropped_members import dropping
from replay.redaction.embedded_json import embedded_json, one_after_the_other
from replay.redaction.failures import redacted_failure
from replay.redaction.generalised import generalised, generalised_number
from replay.redaction.json_parts import JSON_STARTS, MOST_LEVELS, SHORTEST, SHORTEST_CARD
from replay.redaction.labelled_people import is_personal_value
from replay.redaction.named_values import named_values
from replay.redaction.personal_keys import is_private_key, personal_kind_at
from replay.redaction.phone_numbers import is_written_phone_number
from replay.redaction.places import Findings, Place
from replay.redaction.pseudonyms import is_made_receipt_handle, is_pseudonym
from replay.redaction.query_strings import encoded_values
from replay.redaction.redacted import Redacted, Replacement
from replay.redaction.replacing import Replacing
from replay.redaction.retelling import learn, retold
from replay.redaction.rules import Action
from replay.redaction.secret_keys import is_among_secrets, is_secret_at, key_of
from replay.redaction.secrets_elsewhere import edits_elsewhere
from replay.redaction.settings import RedactionSettings
from replay.redaction.spans import Span, known_or, whole
from replay.redaction.string_offsets import in_token

_DEEPEST = 8
"""Encodings inside encodings (JSON in a string, base64) that are opened; what is deeper is replaced whole."""
_DEEPEST_CLEAN = _DEEPEST - MOST_LEVELS
"""The first look opens as many levels of JSON in strings: here none of them is too deep to be opened."""
_LONGEST_REMEMBERED = 128
_SHORTEST_POSTCODE = 4
_SCHEME = re.compile(r"\s*(?:bearer|basic|digest|token|api-?key|negotiate|ntlm|aws4-hmac-sha256)\s+", re.IGNORECASE)


class Redactor:
    """
    Redacts everything of one recording or one project.

    Redacting twice changes nothing. The same value becomes the same pseudonym everywhere; see `RedactionSettings.key`.
    """

    def __init__(self, settings: RedactionSettings | None = None) -> None:
        self._settings = settings or RedactionSettings()
        self._rules = self._settings.rules()
        self._replacing = Replacing(self._settings)
        found_besides = self._settings.national_ids or self._settings.phone_regions or self._settings.presidio
        self._goes_by_content = not (self._rules or found_besides)

    def event(self, text: str) -> Redacted:
        """
        Redact the JSON text of an event: strings, keys and numbers, into JSON and base64 inside strings.

        Raises:
            InvalidJson: *text* is not JSON.
            RedactionError: It cannot be made safe.
        """
        if not self._settings.enabled:
            return Redacted(text=text)
        suspicious = suspects(text, must_be_json=True) if self._goes_by_content else None
        if suspicious is not None and text not in suspicious:
            return Redacted(text=text)
        place = self._root(text, suspicious)
        made = splice(text, self._json_edits(text, place, 0))
        return _redacted(made, list(edits_elsewhere(made, place)), place)

    def plain(self, text: str) -> str:
        """
        Redact free text: a log line, an error message, a stack; one that is JSON is redacted as JSON.

        Raises:
            RedactionError: It cannot be made safe.
        """
        return self.text(text).text

    def text(self, text: str) -> Redacted:
        """
        Do as `plain`, and say what was replaced.

        Raises:
            RedactionError: It cannot be made safe.
        """
        if not self._settings.enabled:
            return Redacted(text=text)
        place = self._root(text)
        return _redacted(text, self._string_edits(text, place, 0), place)

    def failure(self, failure: Failure, replaced: Mapping[str, str] | None = None) -> Failure:
        """Redact what was observed of a failure: every text of it, and what was *replaced* in its event."""
        return redacted_failure(failure, self.plain, partial(self.told, replaced=replaced or {}))

    def told(self, text: str, replaced: Mapping[str, str]) -> str:
        """Redact a text that tells of an event: do as `plain`, and with the values that were *replaced* in that."""
        return self.plain(retold(text, replaced) if self._settings.enabled else text)

    def _root(self, text: str, suspicious: set[str] | None = None) -> Place:
        located = self._rules.located(text) if self._rules.paths and text.lstrip()[:1] in JSON_STARTS else {}
        return Place(findings=Findings(is_innocent=self._replacing.is_innocent, located=located), suspects=suspicious)

    def _json_edits(self, text: str, place: Place, level: int) -> list[Edit]:
        edits = self._dropping(text, place) if self._rules else []
        arrays = tuple(byte_arrays(text))
        cuts, cut = sorted([*edits, *(Edit(each.start, each.end, "") for each in arrays)]), 0
        by_content = self._goes_by_content and not place.is_secret
        is_innocent, named = self._replacing.is_innocent, named_values(text)
        for token in tokens(text):
            path, start, end, kind = token
            if cuts:
                while cut < len(cuts) and cuts[cut].end <= start:
                    cut += 1
                if cut < len(cuts) and cuts[cut].start <= start:
                    continue
            if kind == "string":
                if end - start > 2:  # noqa: PLR2004 - two quotes
                    value, name = string_value(text[start:end]), named.get(start) or key_of(path) or ""
                    if by_content and _holds_nothing(value, place.suspects) and not _is_private(name, path):
                        continue
                    found = self._value_edits(value, name, place.into(path, named.get(start, "")), level)
                    edits += in_token(found, text[start:end], start) if found else ()
            elif kind == "key":
                edits += () if path and is_innocent(str(path[1])) else self._key_edits(text[start:end], token, place)
            elif kind == "number" or self._rules:
                edits += self._number_edits(text[start:end], token, place, named.get(start, ""))
        return with_byte_arrays(
            arrays, edits, partial(self._byte_array_edits, place=replace(place, suspects=None), level=level)
        )

    def _byte_array_edits(self, plain: str, path: Path, place: Place, level: int) -> list[Edit]:
        return self._value_edits(plain, key_of(path) or "", place.into(path), level)

    def _dropping(self, text: str, place: Place) -> list[Edit]:
        """Take out what a rule drops; at the place of a key, so that what stands in it needs no look."""
        edits: list[Edit] = []
        if not (self._rules.drops and is_json(text)):
            return edits

        def is_dropped(path: Path) -> bool:
            return self._action(place.into(path)) == "drop"

        for path, edit in dropping(text, is_dropped):
            if text[edit.start : edit.end] != edit.replacement:
                place.into(path).note(["dropped"])
                edits.append(edit)
        return edits

    def _key_edits(self, raw: str, token: Token, place: Place) -> Iterator[Edit]:
        name = string_value(raw)
        found = self._replacing.edits(name, self._replacing.spans(name), place.into(token.path))
        return in_token(found, raw, token.start)

    def _value_edits(self, value: str, name: str, place: Place, level: int) -> list[Edit]:
        """Redact a decoded string as a rule, or the *name* of its key, says."""
        action = self._action(place) if self._rules else None
        if action == "keep":
            return []
        if (
            action is not None
            and action in {"generalise", "hash"}
            and not (value.lstrip()[:1] in JSON_STARTS and is_json(value))
        ):
            return self._coarse_edits(value, action, place)
        if action or place.is_secret or is_secret_at(name, value) or is_among_secrets(place.path):
            return self._secret_value_edits(value, name, place, level)
        if is_binary_value(place.path, value):
            opened = encodings.opened(value, place.findings.budget)
            return self._opened_edits(value, 0, opened, place, level) if opened is not None else []
        kind = personal_kind_at(place.named_path())
        if kind and is_personal_value(kind, value) and value.lstrip()[:1] not in JSON_STARTS:
            return self._replacing.edits(value, [known_or(self._replacing.spans(value), value, 0, kind)], place)
        return self._string_edits(value, place, level)

    def _coarse_edits(self, value: str, action: Action, place: Place) -> list[Edit]:
        """Replace a value by its month, its first digits, or a digest of it; a text without either is redacted."""
        coarse = generalised(value) if action == "generalise" else None
        if coarse is None:
            detector = "hash" if action == "hash" else "secret-key"
            return self._replacing.edits(value, [whole(value, detector)], place)
        if coarse == value:
            return []
        place.note(["generalised"])
        learn(place.findings.replaced, value, coarse, "generalised")
        return [Edit(0, len(value), coarse)]

    def _number_edits(self, raw: str, token: Token, place: Place, named: str) -> Iterator[Edit]:
        name = named or key_of(token.path) or ""
        if len(raw) < SHORTEST_CARD and self._goes_by_content and not place.is_secret and not is_private_key(name):
            return
        inside = place.into(token.path, named)
        detector, made = self._number(raw, name, inside)
        if made != raw:
            inside.note([detector])
            learn(inside.findings.replaced, raw, made, detector)
            yield Edit(token.start, token.end, made)

    def _number(self, raw: str, name: str, place: Place) -> tuple[str, str]:
        """Give what stands in for a number, and why; a rule makes of what is true or false always the latter."""
        pseudonyms = self._replacing.pseudonyms
        action = self._action(place) if self._rules else None
        if action == "keep":
            found = "", raw
        elif raw[-1].isalpha():  # true, false, null, NaN
            found = "boolean", "false" if action and raw == "true" else raw
        elif action == "hash":
            found = "hash", pseudonyms.hashed_number(raw)
        elif action == "generalise" and not {"e", "E"} & set(raw):
            found = "generalised", generalised_number(raw)
        elif action or place.is_secret or is_secret_at(name, raw):
            found = "secret-key", pseudonyms.digits(raw)
        else:
            found = self._personal_number(raw, place)
        return found

    def _personal_number(self, raw: str, place: Place) -> tuple[str, str]:
        pseudonyms = self._replacing.pseudonyms
        card = card_of_number(raw)
        if card is not None:
            known = is_pseudonym("card-number", card[1])
            return "card-number", raw if known else card[0] + pseudonyms.card(card[1]) + card[2]
        kind = personal_kind_at(place.named_path())
        if kind == "phone" and raw.isdecimal() and is_written_phone_number(raw):
            return kind, raw if is_pseudonym("phone", raw) else pseudonyms.phone(raw)
        if kind == "postal-address" and len(raw) >= _SHORTEST_POSTCODE:
            return kind, pseudonyms.digits(raw)
        return "", raw

    def _action(self, place: Place) -> Action | None:
        return self._rules.action(place, place.findings.located)

    def _secret_value_edits(self, value: str, name: str, place: Place, level: int) -> list[Edit]:
        """Replace a value whose key says that it is secret; of an Authorization or cookie only the secret part."""
        if value.lstrip()[:1] in JSON_STARTS:
            inner = self._inner_json(value, place, level, is_secret=True)
            if inner is not None:
                return inner
        if is_pseudonym("secret", value):
            return [] if is_made_receipt_handle(value) else self._string_edits(value, place, level)
        spans = self._replacing.spans
        if "cookie" in name.lower() and "=" in value:
            cookies = [
                known_or(spans(value[part.start : part.end]), value[: part.end], part.start, "cookie")
                for part in cookie_values(value, 0, len(value))
            ]
            parts = apart([*cookies, *spans(value)])
        else:
            scheme = _SCHEME.match(value)
            start = scheme.end() if scheme else 0
            parts = [known_or(spans(value[start:]), value, start, "secret-key")]
        return self._replacing.edits(value, parts, place)

    def _string_edits(self, value: str, place: Place, level: int) -> list[Edit]:
        """Redact a decoded string: as what it holds (JSON, base64), else as text."""
        suspicious = place.suspects
        if self._goes_by_content and not place.is_secret:
            if suspicious is None and level <= _DEEPEST_CLEAN:
                suspicious = suspects(value)
            if suspicious is not None and value not in suspicious:
                return []
        if value.lstrip()[:1] in JSON_STARTS:
            inner = self._inner_json(value, place, level, suspicious=suspicious)
            if inner is not None:
                return inner
        return self._text_edits(value, place, level)

    def _inner_json(
        self, value: str, place: Place, level: int, *, is_secret: bool = False, suspicious: set[str] | None = None
    ) -> list[Edit] | None:
        """Redact JSON in a string, or give None where it is none."""
        if level >= _DEEPEST:
            return self._replacing.edits(value, [whole(value, "nested-too-deep")], place) if is_json(value) else None
        findings = replace(place.findings, counts=type(place.findings.counts)())  # for nothing, if it is not JSON
        try:
            inside = place.inside(is_secret=is_secret, findings=findings, suspects=suspicious)
            edits = self._json_edits(value, inside, level + 1)
        except InvalidJson:
            return None
        place.findings.counts.update(findings.counts)
        return edits

    def _text_edits(self, value: str, place: Place, level: int) -> list[Edit]:
        if len(value) < SHORTEST:
            return []
        lines = encodings.opened_lines(value, place.findings.budget) if "\n" in value else None
        inner = self._opened_edits(value, 0, lines, place, level) if lines is not None else []
        if lines is not None and (lines.is_text or lines.packed):
            return inner  # a line by itself would be taken for another secret
        structured = inner or self._embedded_edits(value, place, level)
        made = splice(value, structured) if structured else value
        return one_after_the_other(value, structured, self._flat_text_edits(made, place, level))

    def _embedded_edits(self, value: str, place: Place, level: int) -> list[Edit]:
        """Redact JSON that stands in a text as JSON: `Received event: {…}`."""
        edits: list[Edit] = []
        for start, end in embedded_json(value) if level < _DEEPEST else ():
            inner = self._inner_json(value[start:end], place, level) or ()
            edits += (Edit(start + edit.start, start + edit.end, edit.replacement) for edit in inner)
        return edits

    def _flat_text_edits(self, value: str, place: Place, level: int) -> list[Edit]:
        spans = self._replacing.spans
        parts, forms = self._form_edits(value, spans(value, place), place, level)
        edits = self._replacing.edits(value, parts, place)
        if len(edits) == 1 and (edits[0].start, edits[0].end) == (0, len(value)):
            made = edits[0].replacement
            return [Edit(0, len(value), splice(made, self._encoded_edits(made, spans(made, place), place, level)))]
        taken = [*parts, *(Span(edit.start, edit.end, "form") for edit in forms)]
        return edits + forms + self._encoded_edits(value, sorted(taken), place, level)

    def _form_edits(self, value: str, parts: list[Span], place: Place, level: int) -> tuple[list[Span], list[Edit]]:
        """Redact the values of forms by what they stand for; also give the *parts* that are left beside them."""
        edits: list[Edit] = []
        for inside in encoded_values(value) if level < _DEEPEST else ():
            start, end = inside.starts[0], inside.starts[-1]
            here = [part for part in parts if part.start < end and start < part.end]
            if any(part.start < start or end < part.end or (part.start, part.end) == (start, end) for part in here):
                continue  # a part of something larger, or private as a whole
            edits += map(inside.encoded, self._string_edits(inside.text, place.inside(), level + 1))
            holds = inside.text.lstrip()[:1] in JSON_STARTS or encodings.RUN.fullmatch(inside.text)
            if holds or self._replacing.spans(inside.text):
                parts = [part for part in parts if part not in here]
        return parts, edits

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
            edits = self._replacing.edits(encoded, [whole(encoded, "nested-too-deep")], place) if opened.is_text else []
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


def _redacted(text: str, edits: list[Edit], place: Place) -> Redacted:
    replacements = tuple(
        Replacement(at=retold(at, place.findings.secrets), detector=detector, count=count)
        for (at, detector), count in place.findings.counts.items()
    )
    made = splice(text, edits) if edits else text
    return Redacted(text=made, redactions=replacements, replaced=place.findings.replaced)


def _is_private(name: str, path: Path) -> bool:
    """Say whether a value may be private by the *name* of its key, or by what its *path* says."""
    return is_private_key(name) or is_among_secrets(path)


def _holds_nothing(text: str, suspicious: set[str] | None) -> bool:
    """Say quickly that nothing private is in a text, encoded or not; of a longer one that may not be known."""
    if suspicious is not None:
        return text not in suspicious
    return len(text) < SHORTEST or (len(text) <= _LONGEST_REMEMBERED and _is_plain_and_innocent(text))


@lru_cache(maxsize=16384)
def _is_plain_and_innocent(text: str) -> bool:
    return text.lstrip()[:1] not in JSON_STARTS and is_clean(text)
