"""Numbers by which states know people, for those countries that the configuration names; each with its check."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from replay.redaction.spans import Span


@dataclass(frozen=True, slots=True)
class NationalId:
    """How one country's number is written, and whether one that is written so exists."""

    pattern: re.Pattern[str]
    exists: Callable[[str], bool]


def _weighted(number: str, weights: range | tuple[int, ...]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(number, weights, strict=False))


def _us_ssn(number: str) -> bool:
    return number[:3] not in {"000", "666"} and number[0] != "9" and number[3:5] != "00" and number[5:] != "0000"


def _gb_nino(number: str) -> bool:
    return number[:2] not in {"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"} and number[-1] in "ABCD"


def _es_dni(number: str) -> bool:
    digits = {"X": "0", "Y": "1", "Z": "2"}.get(number[0], number[0]) + number[1:-1]
    return number[-1] == "TRWAGMYFPDXBNJZSQVHLCKE"[int(digits) % 23]


def _fr_nir(number: str) -> bool:
    return 97 - int(number[:13]) % 97 == int(number[13:])


def _br_cpf(number: str) -> bool:
    if len(set(number)) == 1:
        return False
    first, second = (_weighted(number, range(start, 1, -1)) * 10 % 11 % 10 for start in (10, 11))
    return number[9:] == f"{first}{second}"


def _nl_bsn(number: str) -> bool:
    return int(number) > 0 and _weighted(number, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0


def _pl_pesel(number: str) -> bool:
    return -_weighted(number, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)) % 10 == int(number[10])


_DE_MODULUS = 11


def _de_tax_id(number: str) -> bool:
    """Check by ISO 7064, MOD 11,10."""
    product = 10
    for digit in number[:10]:
        total = (int(digit) + product) % 10 or 10
        product = total * 2 % _DE_MODULUS
    return number[0] != "0" and (_DE_MODULUS - product) % 10 == int(number[10])


def _it_codice_fiscale(number: str) -> bool:
    odd = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)
    values = [int(char) if char.isdigit() else ord(char) - ord("A") for char in number]
    total = sum(odd[value] if place % 2 == 0 else value for place, value in enumerate(values[:15]))
    return total % 26 == values[15]


_VERHOEFF_TURN = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)
_MIRRORS = 5


def _in_aadhaar(number: str) -> bool:
    """Check by Verhoeff's scheme: products in the group of the symmetries of a pentagon."""
    check = 0
    for place, digit in enumerate(reversed(number)):
        turned = int(digit)
        for _ in range(place % 8):
            turned = _VERHOEFF_TURN[turned]
        check = _pentagon(check, turned)
    return check == 0 and number[0] not in "01"


def _pentagon(one: int, other: int) -> int:
    """Multiply two symmetries: 0 to 4 turn, 5 to 9 mirror."""
    turned = (one + other if one < _MIRRORS else one - other) % _MIRRORS
    return turned if (one < _MIRRORS) == (other < _MIRRORS) else _MIRRORS + turned


def _pattern(written: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w.+-])(?:{written})(?![\w])(?![.-]\w)", re.ASCII)


NATIONAL_IDS: Mapping[str, NationalId] = {
    "us-ssn": NationalId(_pattern(r"\d{3}([- ])\d{2}\1\d{4}"), _us_ssn),
    "gb-nino": NationalId(_pattern(r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d\d ?\d\d ?\d\d ?[A-D]"), _gb_nino),
    "es-dni": NationalId(_pattern(r"(?:\d{8}|[XYZ]-?\d{7})-?[A-Z]"), _es_dni),
    "fr-nir": NationalId(_pattern(r"[12] ?\d\d ?(?:0[1-9]|1[0-2]|[2-9]\d) ?\d\d ?\d{3} ?\d{3} ?\d\d"), _fr_nir),
    "br-cpf": NationalId(_pattern(r"\d{3}\.\d{3}\.\d{3}-\d\d|\d{11}"), _br_cpf),
    "nl-bsn": NationalId(_pattern(r"\d{9}|\d{4}\.\d{2}\.\d{3}"), _nl_bsn),
    "pl-pesel": NationalId(_pattern(r"\d{2}[0-389]\d[0-3]\d{6}"), _pl_pesel),
    "de-tax-id": NationalId(_pattern(r"\d{11}|\d\d \d{3} \d{3} \d{3}"), _de_tax_id),
    "it-codice-fiscale": NationalId(_pattern(r"[A-Z]{6}\d\d[A-EHLMPRST]\d\d[A-Z]\d{3}[A-Z]"), _it_codice_fiscale),
    "in-aadhaar": NationalId(_pattern(r"\d{4}([ -]?)\d{4}\1\d{4}"), _in_aadhaar),
}
"""By the name that the configuration uses."""


def national_ids(text: str, countries: tuple[str, ...]) -> Iterator[Span]:
    """Find the numbers of *countries* (names of `NATIONAL_IDS`) with a right check."""
    for country in countries:
        known = NATIONAL_IDS[country]
        for found in known.pattern.finditer(text):
            if exists(country, found[0]):
                yield Span(*found.span(), f"national-id:{country}")


def exists(country: str, written: str) -> bool:
    """Say whether a number that is written as *country* writes them has the right check."""
    return NATIONAL_IDS[country].exists("".join(filter(str.isalnum, written)))
