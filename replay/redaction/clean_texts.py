"""
Texts of which a few linear searches show that redaction would change nothing, so that they need not be taken apart.

Whoever calls a text clean is believed, so each search here asks for less than a detector wants: where any of them finds
something, the text is looked through properly. `tests/redaction/test_clean_texts.py` holds this against the redactor.
"""

import re
from functools import lru_cache

from replay.errors import RedactionError
from replay.redaction.card_numbers import SEPARATORS
from replay.redaction.detectors import DETECTORS
from replay.redaction.encodings import HEXADECIMAL, PRINTABLE, RUN, Budget, opened
from replay.redaction.escapes import holds_escape
from replay.redaction.high_entropy import SHORTEST
from replay.redaction.labelled_people import labelled_people
from replay.redaction.network_addresses import SOME_GROUPS
from replay.redaction.personal_keys import is_private_by_itself, is_private_key, means_somebody
from replay.redaction.phone_numbers import phone_numbers
from replay.redaction.vendor_keys import DOTTED_VENDOR_HINTS, VENDOR_HINTS, vendor_keys

# Aligned on the quotes of a text without a backslash; a string without a colon behind it gives an empty match.
_KEY = re.compile(r'"([^"]*+)"[ \t\n\r]*+:|"[^"]*+"')
_DIGITS = re.compile(rf"\d[\d{SEPARATORS}]{{12,}}+")
# No brand's numbers begin so: a time in seconds, also with a fraction, or in milliseconds.
_NO_CARD = re.compile(rf"[01789]\d{{0,18}}(?:\.\d{{1,9}})?[{SEPARATORS}]*+")
_POWER_NUMBER = re.compile(r"[1-9]\.\d{1,18}[eE]")
_IBAN = re.compile(r"[A-Z]{2}\d\d[A-Z0-9 ]{11}")
_ADDRESS_OR_PHONE = re.compile(
    r"\d\.\d{1,3}\.\d{1,3}\.\d|\d(?:\) ?|[ .-])\d{3}[ .-]\d{4}|00[1-9]\d{0,2}[ /-][\d ./()-]{6}", re.ASCII
)
"""What an IPv4 address, or a phone number in three groups or behind 00, has in it."""
_WORDY = (phone_numbers, labelled_people)
"""Detectors whose hints are words that everybody uses."""
_HINTS = (
    *(hint for detector, hints in DETECTORS.items() if detector not in {*_WORDY, vendor_keys} for hint in hints),
    "+",
    *DOTTED_VENDOR_HINTS,
)
_LONGEST_WORD = SHORTEST - 1


def is_clean(text: str) -> bool:
    """
    Say whether redaction by content surely changes nothing in *text*, be it JSON or not.

    False says nothing: the text may still be free of what is private.
    """
    if "\\" in text or holds_escape(text):
        return False
    return not (
        _holds_hint(text.lower(), text)
        or _holds_private_key(_KEY.findall(text))
        or _ADDRESS_OR_PHONE.search(text)
        or "::" in text
        or SOME_GROUPS.search(text)
        or any(_NO_CARD.fullmatch(run) is None for run in _DIGITS.findall(text))
        or _POWER_NUMBER.search(text)
        or _IBAN.search(text)
    ) and all(map(_is_harmless, RUN.findall(text)))


def _holds_hint(folded: str, text: str) -> bool:
    """Say whether a text has what a detector with hints would look at; common words are looked at more closely."""
    for hint in _HINTS:
        if hint in folded:
            return True
    for detector in _WORDY:
        if any(hint in folded for hint in DETECTORS[detector]) and next(detector(text), None) is not None:
            return True
    return False


def _holds_private_key(names: list[str]) -> bool:
    """Say whether a key makes its value private, by itself or beneath any other key that is there."""
    private = [name for name in names if is_private_key(name)]
    return bool(private) and (any(map(is_private_by_itself, private)) or any(map(means_somebody, names)))


@lru_cache(maxsize=16384)
def _is_harmless(run: str) -> bool:
    """Say whether what matches `RUN` holds nothing, taken as base64, and is no key itself: digests, and most words."""
    if HEXADECIMAL.fullmatch(run):
        return True
    if len(run) > _LONGEST_WORD:
        return False
    folded = run.lower()
    if any(hint in folded for hint in VENDOR_HINTS):
        return False
    budget = Budget()
    before = budget.left_bytes
    try:
        inside = opened(run, budget)
    except RedactionError:
        return False
    return budget.left_bytes == before and (
        inside is None or not (inside.is_text or PRINTABLE.search(inside.text + inside.behind))
    )
