"""
The first look at an event: which of its strings may hold something private, so that the others need not be taken apart.

All strings are looked at together, and of their words only those that were never seen: most of an event is like the
one before it. Each search asks for less than a detector wants, or is the detector itself; whoever is called clean is
believed. `tests/redaction/test_clean_texts.py` holds this against redaction in full.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache

from replay.redaction.card_numbers import SEPARATORS
from replay.redaction.detectors import (
    DETECTORS,
    aws_key_ids,
    aws_session_tokens,
    card_numbers,
    jwts,
    private_keys,
    receipt_handles,
    spans,
)
from replay.redaction.embedded_json import may_embed
from replay.redaction.encodings import HEXADECIMAL, RUN, surely_holds_nothing
from replay.redaction.escapes import holds_escape
from replay.redaction.high_entropy import SHORTEST, aws_secret_keys, high_entropy_strings
from replay.redaction.ibans import SOME_IBAN, ibans
from replay.redaction.json_parts import SHORTEST_CARD, json_parts
from replay.redaction.network_addresses import SOME_GROUPS, ip_addresses
from replay.redaction.personal_keys import is_private_by_itself, is_private_key, means_somebody
from replay.redaction.phone_numbers import spaced_phone_numbers
from replay.redaction.spans import Detector
from replay.redaction.vendor_keys import vendor_keys

_STRETCH = re.compile(rf"\d[\d(){SEPARATORS}]{{6,}}+")
"""Digits and what parts their groups: as much as an IPv4 address needs at least."""
_ASCII_STRETCH = re.compile(r"[0-9][0-9 .()+_/-]{6,}+")
# No brand's numbers begin so: a time in seconds, also with a fraction, or in milliseconds.
_NO_CARD = re.compile(rf"[01789]\d{{0,18}}(?:\.\d{{1,9}})?[{SEPARATORS}]*+")
_ADDRESS_OR_PHONE = re.compile(
    r"\d\.\d{1,3}\.\d{1,3}\.\d|\d(?:\) ?|[ .-])\d{3}[ .-]\d{4}|00[1-9]\d{0,2}[ /-][\d ./()-]{6}", re.ASCII
)
"""What an IPv4 address, or a phone number in three groups or behind 00, has in it."""
_BY_PATTERN: Mapping[re.Pattern[str], Detector] = {
    SOME_IBAN: ibans,
    re.compile(rf"::|{SOME_GROUPS.pattern}"): ip_addresses,
}
"""Detectors by what must be in one word of what they find: `DE89 3704 …`, `2a00::1`."""
_OF_DIGITS: Sequence[Detector] = (card_numbers, spaced_phone_numbers, ip_addresses)
WITH_OWN_SEARCH = frozenset({*_OF_DIGITS, ibans, aws_secret_keys})
"""Detectors without hints."""

_IDENTIFIER = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{32}")
"""A UUID, or a digest: no two of them are alike, and neither is, or holds in one word, anything private but numbers."""

_LONGEST_WORD = SHORTEST - 1
_LONGEST_REMEMBERED = 40
_MOST_REMEMBERED = 20_000


def _detectors_by_hint(detectors: Iterable[Detector]) -> Mapping[str, tuple[Detector, ...]]:
    """Give the detectors that want each hint; of one of several words the first word."""
    found: dict[str, tuple[Detector, ...]] = {}
    for detector in detectors:
        for hint in ("private",) if detector is private_keys else DETECTORS[detector]:
            found[hint] = (*found.get(hint, ()), detector)
    return found


_IN_LONG_WORDS = (aws_session_tokens, receipt_handles, jwts, aws_key_ids, vendor_keys)
"""Detectors of what is, or holds, one word of a certain length."""
_LONG = 12
_BY_HINT_IN_LONG_WORD = _detectors_by_hint(_IN_LONG_WORDS)
_BY_HINT = _detectors_by_hint(detector for detector in DETECTORS if detector not in _IN_LONG_WORDS)
_BY_ASCII_HINT = {hint: detectors for hint, detectors in _BY_HINT.items() if hint.isascii()}
_harmless_words: set[str] = set()


def is_clean(text: str) -> bool:
    """
    Say whether redaction by content surely changes nothing in *text*, be it JSON or not.

    False says nothing: the text may still be free of what is private.
    """
    found = suspects(text)
    return found is not None and text not in found


def suspects(text: str, *, must_be_json: bool = False) -> set[str] | None:
    """
    Give the strings of *text*, decoded, that must be looked at in full, at whatever level of JSON in strings they
    stand; *text* itself and strings that hold JSON, if anything in them must. None where that is not known, as *text*
    is nested too deep or is not the JSON that it must be.

    What stands at keys that say that their values are private must be looked at whether it is given here or not.
    """
    parts = json_parts(text, must_be_json=must_be_json)
    if parts is None:
        return None
    found = _suspicious({each for part in parts for each in part.texts})
    for part in reversed(parts):  # what is inside comes after what it stands in
        if part.is_private or not (found.isdisjoint(part.texts) and _are_plain(part.keys)):
            found.add(part.text)
            if part.holder is not None:
                part.holder.is_private = True
    return found


def _suspicious(texts: AbstractSet[str]) -> set[str]:
    together = "\n".join(texts)
    found: set[str] = set()
    if "\\" in together or holds_escape(together):
        found.update(text for text in texts if "\\" in text or holds_escape(text))
    if may_embed(together):
        found.update(text for text in texts if may_embed(text))
    new = {word for word in set(together.split()) - _harmless_words if _IDENTIFIER.fullmatch(word) is None}
    if new:
        found |= _by_words(new, texts)
    if _holds_number(together):
        found.update(text for text in texts if _holds_number(text) and _any(_OF_DIGITS, text))
    return found


def _by_words(words: set[str], texts: AbstractSet[str]) -> set[str]:
    """Give the *texts* in which one of the *words* is, or is a part of, something private; remember the others."""
    together = "\n".join(words)
    folded = together.lower()
    found: set[str] = set()
    special: set[str] = set()
    long = "\n".join([word for word in words if len(word) >= _LONG and not HEXADECIMAL.fullmatch(word)]).lower()
    by_hint = _BY_ASCII_HINT if folded.isascii() else _BY_HINT
    hinting = {hint: detectors for hint, detectors in by_hint.items() if hint in folded}
    if long:
        hinting |= {hint: detectors for hint, detectors in _BY_HINT_IN_LONG_WORD.items() if hint in long}
    if hinting:
        found.update(_hinted(texts, hinting))
        special |= {word for word in words for hint in hinting if hint in word.lower()}
    if runs := {run for run in RUN.findall(together) if not _is_harmless(run)}:
        found.update(text for text in texts for run in runs if run in text)
        special |= {word for word in words for run in runs if run in word}
    for pattern, detector in _BY_PATTERN.items():
        if pattern.search(together):
            found.update(text for text in texts if pattern.search(text) and _any((detector,), text))
            special |= {word for word in words if pattern.search(word)}
    _remember(words - special)
    return found


def _hinted(texts: AbstractSet[str], hinting: Mapping[str, tuple[Detector, ...]]) -> Iterator[str]:
    """Give the texts in which a detector that wants one of the hints finds something, or a form may hold more."""
    for text in texts:
        folded = text.lower()
        for hint, detectors in hinting.items():
            if hint in folded and (_any(detectors, text) or (hint == "+" and "=" in text)):
                yield text
                break


def _remember(words: Iterable[str]) -> None:
    if len(_harmless_words) > _MOST_REMEMBERED:
        _harmless_words.clear()
    _harmless_words.update(word for word in words if len(word) <= _LONGEST_REMEMBERED)


def _holds_number(text: str) -> bool:
    """Say whether digits in *text* may be a card number, an IPv4 address, or a phone number in groups."""
    for stretch in (_ASCII_STRETCH if text.isascii() else _STRETCH).findall(text):
        if len(stretch) >= SHORTEST_CARD and _NO_CARD.fullmatch(stretch) is None:
            return True
        if _ADDRESS_OR_PHONE.search(stretch):
            return True
    return False


def _any(detectors: Iterable[Detector], text: str) -> bool:
    return any(next(iter(detector(text)), None) is not None for detector in detectors)


def _are_plain(keys: set[str]) -> bool:
    """Say whether no key holds anything private, or makes its value private, by itself or by a key above it."""
    special = {kind for key in keys if (kind := _kind_of_key(key))}
    return not special or not ("private" in special or {"of somebody", "somebody"} <= special)


@lru_cache(maxsize=8192)
def _kind_of_key(name: str) -> str:
    if is_private_by_itself(name) or spans(name, (high_entropy_strings,)):
        return "private"
    if is_private_key(name):
        return "of somebody"
    return "somebody" if means_somebody(name) else ""


@lru_cache(maxsize=16384)
def _is_harmless(run: str) -> bool:
    """Say whether what matches `RUN` holds nothing, taken as base64, and is no key itself: digests, and most words."""
    if len(run) > _LONGEST_WORD:
        return HEXADECIMAL.fullmatch(run) is not None
    return surely_holds_nothing(run)
