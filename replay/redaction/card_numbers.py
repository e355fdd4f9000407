"""Payment card numbers: how they are written, and by what they are known."""

import hashlib
import re
from collections.abc import Iterator

# Between groups: what people and forms put there. The same one must stand between all groups of a number.
SEPARATORS = r" .+_/\u00a0\u2007\u2009\u2010-\u2015\u202f\-"
_SEPARATOR = rf"[{SEPARATORS}]{{1,3}}"
_AREA = re.compile(rf"(?<!\d)\d(?:(?>(?:{_SEPARATOR})?\d)){{12,}}+")
# Each in turn, and overlapping (all is looked ahead to): `2027 4111 1111 1111 1111 123` holds a card number as well.
_LAYOUTS = tuple(
    re.compile(rf"(?<!\d)(?=({layout})(?!\d))")
    for layout in (
        r"\d{13,19}",
        rf"\d{{4}}(?P<s>{_SEPARATOR})\d{{4}}(?P=s)\d{{4}}(?P=s)\d{{1,4}}",
        rf"\d{{4}}(?P<s>{_SEPARATOR})\d{{4}}(?P=s)\d{{4}}(?P=s)\d{{4}}(?P=s)\d{{1,3}}",
        rf"\d{{4}}(?P<s>{_SEPARATOR})\d{{6}}(?P=s)\d{{4,5}}",
    )
)
_BRANDS: tuple[tuple[re.Pattern[str], tuple[int, ...]], ...] = (
    (re.compile("4"), (13, 16, 19)),  # Visa
    (re.compile("5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720"), (16,)),  # Mastercard
    (re.compile("3[47]"), (15,)),  # American Express
    (re.compile("30[0-5]|3[689]"), (14, 16, 19)),  # Diners Club
    (re.compile("352[89]|35[3-8]|6011|65|64[4-9]|62"), (16, 17, 18, 19)),  # JCB, Discover, UnionPay
    (re.compile("5018|5020|5038|5893|6304|6759|676[123]"), (16, 17, 18, 19)),  # Maestro
)
"""The brands' published prefixes and the lengths of their numbers."""

_TEST_PREFIXES = {
    "4": "424242",
    "5": "555555",
    "50": "675964",
    "58": "675964",
    "2": "222300",
    "34": "341111",
    "37": "378282",
    "30": "305693",
    "36": "361489",
    "38": "385200",
    "39": "395200",
    "35": "353011",
    "6": "601111",
    "62": "620000",
}
_CHECK_DIGITS = 3
_DOUBLED = str.maketrans("0123456789", "0246813579")
"""Twice a digit, and of a result of two digits their sum."""

_HEX_RUN = re.compile(r"[0-9a-fA-F]{0,128}+(?![0-9A-Za-z])")
_SHORTEST_HASH, _LONGEST_HASH = 24, 128
_UUID = re.compile(r"\b(?=[\d-]*[a-fA-F])[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b", re.ASCII)
"""One of digits alone may be a card number that somebody wrote strangely."""
_UUID_LENGTH = 36
_PLAIN_NUMBER = re.compile(r"-?([1-9]\d{12,18})(?:\.0*)?")
_POWER_NUMBER = re.compile(r"-?([1-9])\.(\d{1,18})[eE]\+?(1[2-8])")


def places(text: str) -> Iterator[tuple[int, int]]:
    """Give where card numbers stand in *text*; places may overlap."""
    for area in _AREA.finditer(text):
        found = {
            match.span(1): digits_of(match[1])
            for layout in _LAYOUTS
            for match in layout.finditer(text, *area.span())
            if is_card_number(digits_of(match[1]))
            and not _is_in_hash(text, *match.span(1))
            and not _is_in_uuid(text, *match.span(1))
        }
        ours = [place for place, number in found.items() if is_test_card(number)]
        # By chance, one that we made may look like the beginning of another, together with what stands beside it.
        yield from (place for place in found if place in ours or not any(_overlap(place, our) for our in ours))


def _is_in_uuid(text: str, start: int, end: int) -> bool:
    """Say whether the groups are those of a UUID, a few of which look like a card number by chance; ids must stay."""
    nearby = _UUID.finditer(text, max(0, start - _UUID_LENGTH), end + _UUID_LENGTH)
    return any(each.start() <= start and end <= each.end() for each in nearby)


def digits_of(text: str) -> str:
    """Give the digits of *text* in ASCII, in whatever script it writes them."""
    digits = "".join(filter(str.isdecimal, text))
    return digits if digits.isascii() else "".join(str(int(digit)) for digit in digits)


def is_card_number(number: str) -> bool:
    """Say whether the digits *number* have a brand's prefix and length and a right Luhn digit."""
    lengths = next((lengths for prefix, lengths in _BRANDS if prefix.match(number)), ())
    return len(number) in lengths and luhn_digit(number[:-1]) == number[-1]


def luhn_digit(body: str) -> str:
    """Give the digit that makes *body* pass the Luhn check. Source: ISO/IEC 7812-1, annex B."""
    total = sum(map(int, body[-2::-2])) + sum(map(int, body[-1::-2].translate(_DOUBLED)))
    return str(-total % 10)


def test_card(number: str, chosen: str) -> str:
    """Make a card number that nobody has: a test prefix of *number*'s brand, its length, digits of *chosen*."""
    start = next(_TEST_PREFIXES[number[:size]] for size in (2, 1) if number[:size] in _TEST_PREFIXES)
    body = start + chosen[: len(number) - len(start) - _CHECK_DIGITS - 1]
    body += _check(body)
    return body + luhn_digit(body)


def is_test_card(number: str) -> bool:
    """Say whether the digits *number* were made by `test_card`."""
    body, check = number[: -_CHECK_DIGITS - 1], number[-_CHECK_DIGITS - 1 : -1]
    return number.startswith(tuple(_TEST_PREFIXES.values())) and check == _check(body)


def card_of_number(token: str) -> tuple[str, str, str] | None:
    """
    Split a JSON number that is a card number into what stands before it, its digits, and what stands after.

    Spreadsheets and doubles write `4111111111111111.0` and `4.111111111111111E15`; the latter's point is left out.
    """
    plain = _PLAIN_NUMBER.fullmatch(token)
    if plain is not None:
        number, start, end = plain[1], plain.start(1), plain.end(1)
    else:
        power = _POWER_NUMBER.fullmatch(token)
        if power is None or len(power[2].rstrip("0")) > int(power[3]):
            return None
        number = (power[1] + power[2])[: int(power[3]) + 1].ljust(int(power[3]) + 1, "0")
        start, end = power.start(1), power.end(2)
    return (token[:start], number, token[end:]) if is_card_number(number) else None


def _is_in_hash(text: str, start: int, end: int) -> bool:
    """Say whether the digits are a part of a long hexadecimal number."""
    if not text[start:end].isdecimal():
        return False
    while start > 0 and end - start < _LONGEST_HASH and text[start - 1] in "0123456789abcdefABCDEF":
        start -= 1
    run = _HEX_RUN.match(text, end)
    return run is not None and run.end() - start >= _SHORTEST_HASH and not text[start - 1 : start].isalnum()


def _overlap(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _check(body: str) -> str:
    digest = hashlib.blake2b(body.encode(), person=b"replay card").digest()
    return "".join(str(byte % 10) for byte in digest[:_CHECK_DIGITS])
