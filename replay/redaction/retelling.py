"""What an event's values were replaced by, in texts that tell of the event: a message says whom, without a key."""

import json
import re
from collections.abc import Mapping

_SHORTEST, _SHORTEST_NUMBER = 4, 6
_SHORTEST_WORD = 12
_MOST = 1_000
_PEOPLE = frozenset({"person-name", "postal-address"})


def learn(known: dict[str, str], private: str, stand_in: str, detector: str) -> None:
    """
    Note in *known* what stands in for a value of the event, and for each word of a name.

    Left out is what may stand in a text for something else: short numbers, and words such as `main`.
    """
    pairs = [(private.strip(), stand_in.strip())]
    words, others = private.split(), stand_in.split()
    if detector == "person-name" and len(words) == len(others):
        pairs += zip(words, others, strict=True)
    for was, now in pairs:
        least = _SHORTEST_NUMBER if was.isdecimal() else _SHORTEST
        if len(was) >= least and was != now and len(known) < _MOST and not _may_be_a_word(was, detector):
            known.setdefault(was, now)
            known.setdefault(json.dumps(was)[1:-1], json.dumps(now)[1:-1])


def _may_be_a_word(value: str, detector: str) -> bool:
    """Say whether *value* may stand in a text as a word of its own: `required`, `ERROR`; names begin with a capital."""
    if not (value.isascii() and value.isalpha()):
        return False
    if detector in _PEOPLE:
        return value.islower()
    return len(value) < _SHORTEST_WORD and (value.islower() or value.isupper())


def retold(text: str, known: Mapping[str, str]) -> str:
    """Give *text* with the stand-ins of all values that it tells as words of their own."""
    for private in sorted(known, key=len, reverse=True):
        if private in text:
            word = rf"(?<![A-Za-z0-9]){re.escape(private)}(?![A-Za-z0-9])"
            text = re.sub(word, known[private].replace("\\", r"\\"), text)
    return text
