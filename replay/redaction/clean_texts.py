"""
Texts of which a few linear searches show that redaction would change nothing, so that they need not be taken apart.

Whoever calls a text clean is believed, so each search here asks for less than a detector wants: where any of them finds
something, the text is looked through properly. `tests/redaction/test_clean_texts.py` holds this against the redactor.
"""

import re
from functools import lru_cache

from replay.errors import RedactionError
from replay.redaction.card_numbers import SEPARATORS
from replay.redaction.detectors import holds_hint
from replay.redaction.encodings import HEXADECIMAL, PRINTABLE, RUN, Budget, opened
from replay.redaction.escapes import holds_escape
from replay.redaction.secret_keys import is_secret_key

# Aligned on the quotes of a text without a backslash; a string without a colon behind it gives an empty match.
_KEY = re.compile(r'"([^"]*+)"[ \t\n\r]*+:|"[^"]*+"')
_DIGITS = re.compile(rf"\d[\d{SEPARATORS}]{{12,}}+")
# No brand's numbers begin so: a time in seconds, also with a fraction, or in milliseconds.
_NO_CARD = re.compile(rf"[01789]\d{{0,18}}(?:\.\d{{1,9}})?[{SEPARATORS}]*+")
_POWER_NUMBER = re.compile(r"[1-9]\.\d{1,18}[eE]")
_IBAN = re.compile(r"[A-Z]{2}\d\d[A-Z0-9 ]{11}")
_LONGEST_WORD = 39
"""An AWS secret access key has one character more."""


def is_clean(text: str) -> bool:
    """
    Say whether redaction by content surely changes nothing in *text*, be it JSON or not.

    False says nothing: the text may still be free of what is private.
    """
    if "\\" in text or holds_escape(text):
        return False
    return not (
        holds_hint(text.lower())
        or any(map(is_secret_key, _KEY.findall(text)))
        or any(_NO_CARD.fullmatch(run) is None for run in _DIGITS.findall(text))
        or _POWER_NUMBER.search(text)
        or _IBAN.search(text)
    ) and all(map(_is_harmless, RUN.findall(text)))


@lru_cache(maxsize=16384)
def _is_harmless(run: str) -> bool:
    """Say whether what matches `RUN` holds nothing, taken as base64, and is no key itself: digests, and most words."""
    if HEXADECIMAL.fullmatch(run):
        return True
    if len(run) > _LONGEST_WORD:
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
