"""International bank account numbers: a country, its length, and a right check."""

import re
from collections.abc import Iterator, Mapping

from replay.redaction.spans import Span

_LENGTHS: Mapping[int, str] = {
    15: "NO", 16: "BE", 18: "DK FI FK FO GL NL SD", 19: "MK SI", 20: "AT BA EE KZ LT LU MN XK", 21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM SO TL", 24: "AD CZ ES MD PK RO SA SE SK TN VG",
    25: "LY PT ST", 26: "IS TR", 27: "BI DJ FR GR IT MC MR SM", 28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
    29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "MT SC", 32: "LC", 33: "RU",
}  # fmt: skip
"""Source: the IBAN registry of SWIFT (ISO 13616-2), the countries by the length of their numbers."""
_LENGTH_OF = {country: length for length, countries in _LENGTHS.items() for country in countries.split()}
_GAP = r"[ \u00a0\u202f-]"
_IBAN = re.compile(
    rf"(?<![A-Za-z0-9_-])(?:[A-Z]{{2}}\d\d(?:[A-Z0-9]{{11,30}}|(?:{_GAP}[A-Z0-9]{{4}}){{2,7}}(?:{_GAP}[A-Z0-9]{{1,3}})?)"
    rf"|[a-z]{{2}}\d\d(?:[a-z0-9]{{11,30}}|(?:{_GAP}[a-z0-9]{{4}}){{2,7}}(?:{_GAP}[a-z0-9]{{1,3}})?))(?![A-Za-z0-9_])",
    re.ASCII,
)
SOME_IBAN = re.compile(r"[A-Z]{2}\d\d|(?<![A-Za-z0-9])[a-z]{2}\d\d", re.ASCII)
"""What the first word of an IBAN has in it."""


def ibans(text: str) -> Iterator[Span]:
    """Find IBANs, in groups or not, in capitals or not. Source: ISO 13616."""
    for found in _IBAN.finditer(text):
        number = "".join(filter(str.isalnum, found[0])).upper()
        if len(number) == _LENGTH_OF.get(number[:2]) and _is_right(number):
            yield Span(*found.span(), "iban")


def _is_right(number: str) -> bool:
    turned = number[4:] + number[:4]
    return int("".join(str(int(char, 36)) for char in turned)) % 97 == 1
