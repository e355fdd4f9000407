"""Phone numbers: with a country code, as North America writes them, behind a word that says so, or of given regions."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from replay.redaction.spans import Span

_BETWEEN = r" .()/\u00a0\u2010-\u2015\uff0d\-"
"""What people write between the digits of a phone number; U+FF0D is the hyphen of Japanese forms."""
_INTERNATIONAL = re.compile(
    r"(?<![\w+.-])[+\uff0b](?!0|\d{1,3}\.\d{1,6}(?![.\d()/-]| \d))"  # +48.123456 is a latitude
    rf"\d(?:[{_BETWEEN}]{{0,3}}\d){{7,15}}(?![\w]|[.-]\d)"
)
_SPACED = re.compile(
    r"(?<![\w+.-])(?:1[ .-])?(?:\((?P<area>\d{3})\) ?|(?P<area2>\d{3})[ .-])\d{3}[ .-]\d{4}(?![\w]|[.-]\d)"
    r"|(?<![\w+.-])00[1-9]\d{0,2}[ /-](?:[ .()/-]{0,2}\d){6,13}(?![\w]|[.-]\d)",
    re.ASCII,
)
_LABELLED = re.compile(
    r"(?:(?<![^\W_])(?:tele?(?:fon\w?|phone|f)?|phone|mobile?|fax|msisdn|whatsapp|handy"
    r"|t[eé]l[eé]?(?:phone|fono?|fone)?|m[oó]vil|celular|cellulare|portable|тел(?:ефон)?|моб)|手机号?|手機|电话|電話(?:番号)?|携帯|휴대폰|전화(?:번호)?"
    r"|هاتف|جوال|טלפון|wa\.me/)"
    r"(?:[ _-]?(?:number|nummer|no\.?|nr\.?|n°))?[\"']?[\s.:\uff1a=#]{0,3}[\"']?"
    rf"(\(?\d(?:[{_BETWEEN}]{{0,3}}\d){{6,14}})(?![\w])",
    re.IGNORECASE,
)
PHONE_HINTS = (
    "+", "\uff0b", "tel", "tél", "phone", "mobil", "fax", "msisdn", "whatsapp", "handy", "movil", "móvil",
    "celul", "cellul", "portable", "тел", "моб", "手", "电话", "電話", "携帯", "휴대폰", "전화",
    "هاتف", "جوال", "טלפון", "wa.me",
)  # fmt: skip
_LIKE_A_NUMBER = re.compile(r"\d(?:[ ().\/-]{0,3}\d){6,14}")
_WRITTEN = re.compile(r"[+(\d][\d\s().\/+x#-]{5,30}(?:ext\.?\s?\d{1,6})?", re.IGNORECASE | re.ASCII)
_FEWEST_DIGITS = 6


def phone_numbers(text: str) -> Iterator[Span]:
    """
    Find phone numbers in international form, `+` and 8 to 15 digits, and behind words such as `tel.` and `Mobil:`, in
    whatever digits.

    Source: ITU-T E.164.
    """
    if "+" in text or "\uff0b" in text:
        for found in _INTERNATIONAL.finditer(text):
            yield Span(*found.span(), "phone")
    for found in _LABELLED.finditer(text):
        yield Span(*found.span(1), "phone")


def spaced_phone_numbers(text: str) -> Iterator[Span]:
    """Find `(415) 555-2671` and `0049 151 23456789`, where the plan of the country knows the number."""
    for found in _SPACED.finditer(text):
        if _exists(found[0]):
            yield Span(*found.span(), "phone")


def regional_phone_numbers(text: str, regions: Sequence[str]) -> Iterator[Span]:
    """Find phone numbers as people write them in *regions* (`DE`, `US`), with or without separators."""
    if _LIKE_A_NUMBER.search(text) is None:
        return
    import phonenumbers

    for region in regions:
        for found in phonenumbers.PhoneNumberMatcher(text, region, max_tries=_most_tries(text)):
            yield Span(found.start, found.end, "phone")


def is_written_phone_number(text: str) -> bool:
    """Say whether the whole of a text may be a phone number; that it is one, its key must say."""
    return _WRITTEN.fullmatch(text.strip()) is not None and sum(map(str.isdigit, text)) >= _FEWEST_DIGITS


@lru_cache(maxsize=4096)
def _exists(written: str) -> bool:
    import phonenumbers

    number = f"+{written[2:]}" if written.startswith("00") else written
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(number, None if number[0] == "+" else "US"))
    except phonenumbers.NumberParseException:
        return False


def _most_tries(text: str) -> int:
    return len(text) // 8 + 1
