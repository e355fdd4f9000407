"""
Stand-ins for names and postal addresses: as long, in the same scripts, digits for digits, and nobody's.

Each script has a few letters of which no name consists alone (consonants without a vowel, ideographs that only
dictionaries know). Stand-ins are made of them, and known again by them.
"""

import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache

_LATIN = "qxzjvkw"
_BY_SCRIPT: Mapping[str, str] = {
    "CYRILLIC": "ъыьщцй",
    "GREEK": "ξψζφχθβ",
    "HEBREW": "ךםןףץ",
    "ARABIC": "ظضثذغ",
    "HIRAGANA": "ゎゐゑゔを",
    "KATAKANA": "ヮヰヱヵヶヲ",
    "HANGUL": "쀁쀂쀃쀅쀆쀇쀉쀊쀋쀍쀎쀏",
    "CJK": "㐀㐁㐂㐃㐄㐅㐆㐇㐈㐉㐊㐋㐌㐍㐎㐏",
    "DEVANAGARI": "ङञऌॡॠ",
    "THAI": "ฃฅฌฎฏฑฒ",
    "ARMENIAN": "ժծձղճջ",
    "GEORGIAN": "ჟჰჯძჭჵ",
}
_OF_LATIN_WITH_MARKS = "żžźŵŷĵķ"
_FALLBACK_BLOCK = 0x1F


def name_stand_in(value: str, drawn: Iterator[int]) -> str:
    """Give a stand-in for *value*, whose letters *drawn* decides; digits of what holds no letters become 0."""
    marked = sum(map(_is_letter, value)) > 1
    return "".join(_stand_in(char, drawn, marked=marked) for char in value)


def is_name_stand_in(value: str) -> bool:
    """Say whether *value* consists of letters that only stand-ins consist of; without letters, of zeros."""
    letters = [char for char in value if _is_letter(char)]
    if len(letters) > 1:
        return all(char.lower() in _letters_of(char) for char in letters)
    return not any(char.isdecimal() and unicodedata.decimal(char) for char in value) and all(
        char.lower() in _letters_of(char) for char in letters
    )


def _stand_in(char: str, drawn: Iterator[int], *, marked: bool) -> str:
    if char.isdecimal():
        return _digit(char, next(drawn) % 10 if marked else 0)
    if not _is_letter(char):
        return char
    letters = _letters_of(char)
    made = letters[next(drawn) % len(letters)]
    return made.upper() if char.isupper() and len(made.upper()) == 1 else made


@lru_cache(maxsize=4096)
def _letters_of(char: str) -> str:
    """Give the letters that may stand in for *char*: of its script and size."""
    if char.isascii():
        return _LATIN
    name = unicodedata.name(char, "")
    if name.startswith("LATIN"):
        return _OF_LATIN_WITH_MARKS
    script = name.partition(" ")[0]
    if script in _BY_SCRIPT:
        return _BY_SCRIPT[script]
    first = ord(char) & ~_FALLBACK_BLOCK
    category = unicodedata.category(char)
    near = [chr(code) for code in range(first, first + 32) if unicodedata.category(chr(code)) == category]
    return "".join(near[-4:]).lower() or char


def _is_letter(char: str) -> bool:
    return char.isalpha()


def _digit(char: str, value: int) -> str:
    """Give the digit *value* in the script of the digit *char*."""
    return chr(ord(char) - unicodedata.decimal(char) + value)
