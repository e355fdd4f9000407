"""
What stands in for a private value: the same for the same value, of the same length and look, and nobody's own.

Each carries a mark by which it is known again, so that redacting twice changes nothing: e-mails end in `.invalid`
(RFC 2606), secrets begin with `REDACTED`, card numbers have a test prefix and a check of ours, phone numbers the
country code 999 (kept free by ITU-T E.164), IBANs the check digits 00.
"""

import hashlib
import re
import string
import unicodedata
from collections.abc import Callable, Iterator

from replay.redaction.card_numbers import digits_of, is_test_card, test_card
from replay.redaction.masks import is_mask
from replay.redaction.name_pseudonyms import is_name_stand_in, name_stand_in
from replay.redaction.national_ids import exists

MARK = "REDACTED"
_EMAIL_END = ".invalid"
_AT = re.compile("([@\uff20\ufe6b])")
_PHONE_START = "999"
_RECEIPT_HANDLE = "AQEB"
"""How SQS begins a receipt handle: those that we make hold the mark right behind it."""
_MADE_RECEIPT_HANDLE = re.compile(f"{_RECEIPT_HANDLE}{MARK}[A-HJ-NP-R]{{64}}")
_HASHED = re.compile(f"{MARK}-[0-9a-f]{{32}}")
_HASHED_NUMBER = re.compile(r"9\d{14}", re.ASCII)
_IPV4_DOCUMENTATION = ("192.0.2", "198.51.100", "203.0.113")
_MOST_ATTEMPTS = 64
_LARGE_SCRIPTS = ((0x4E00, 0x9FA5), (0xAC00, 0xD7A3), (0x3400, 0x4DB5))
"""Ideographs and syllables: of the neighbours of one alone, too much could be guessed."""

Stream = Iterator[int]


class Pseudonyms:
    """Makes stand-ins with one key; equal keys make equal stand-ins."""

    def __init__(self, key: bytes) -> None:
        self._key = hashlib.blake2b(key, digest_size=32).digest()

    def stream(self, purpose: str, value: str) -> Stream:
        """Give as many bytes as are asked for, which only *purpose*, *value* and the key decide."""
        seed = f"{purpose}\x1f{value}".encode("utf-8", "surrogatepass")
        block = hashlib.blake2b(seed, key=self._key).digest()
        while True:
            yield from block
            block = hashlib.blake2b(block, key=self._key).digest()

    def secret(self, value: str) -> str:
        """
        Stand in for a secret without a format of its own: its length and look, after the mark.

        No @ is in it, which would make the mark a part of an address.
        """
        if len(value) <= len(MARK):
            return "x" * len(value)
        return MARK + _AT.sub("-", self._alike(value[len(MARK) :], "secret", value))

    def digits(self, value: str) -> str:
        """Stand in for a secret number: a JSON number stays one."""
        first = next((place for place, char in enumerate(value) if char.isdigit()), len(value))
        return "".join(
            char if not char.isdigit() else ("1" if place == first and char != "0" else "0")
            for place, char in enumerate(value)
        )

    def vendor_key(self, value: str, prefix: str) -> str:
        """Stand in for a key that is known by its *prefix*, which stays."""
        return prefix + self.secret(value[len(prefix) :])

    def aws_key_id(self, value: str) -> str:
        """Stand in for an access key id: its prefix, the mark, eight letters."""
        stream = self.stream("aws-key-id", value)
        return value[:4] + MARK + _pick(stream, string.ascii_uppercase, len(value) - 4 - len(MARK))

    def email(self, value: str) -> str:
        """Stand in for an e-mail address, which ends in `.invalid`; its length stays where there is room."""
        *head, at, domain = _AT.split(value)
        local = "".join(head)
        host = max(1, len(domain) - len(_EMAIL_END))
        stream = self.stream("email-host", domain.lower())
        return self._alike(local, "email", value) + at + _pick(stream, string.ascii_lowercase, host) + _EMAIL_END

    def card(self, value: str) -> str:
        """Stand in for a card number: a test prefix of its brand, its separators and length, a right Luhn digit."""
        number = digits_of(value)
        made = iter(test_card(number, _pick(self.stream("card", number), string.digits, len(number))))
        return "".join(next(made) if char.isdecimal() else char for char in value)

    def phone(self, value: str) -> str:
        """Stand in for a phone number: country code 999, the same separators and number of digits."""
        number = digits_of(value)
        made = iter(_PHONE_START + _pick(self.stream("phone", number), string.digits, len(number)))
        return "".join(next(made) if char.isdecimal() else char for char in value)

    def iban(self, value: str) -> str:
        """Stand in for an IBAN: its country, the check digits 00 (which no IBAN has), its layout."""
        return value[:2] + "00" + self._alike(value[4:], "iban", "".join(filter(str.isalnum, value)).upper())

    def receipt_handle(self, value: str) -> str:
        """Stand in for a receipt handle: how SQS begins them, the mark, its length."""
        return _RECEIPT_HANDLE + self.secret(value[len(_RECEIPT_HANDLE) :])

    def ip_address(self, value: str) -> str:
        """Stand in for an IP address: one that is kept for documentation (RFC 5737, RFC 3849)."""
        if ":" not in value:
            stream = self.stream("ipv4", value)
            return f"{_IPV4_DOCUMENTATION[next(stream) % 3]}.{next(stream) % 254 + 1}"
        stream = self.stream("ipv6", value.lower())
        return "2001:db8:" + ":".join(f"{next(stream) << 8 | next(stream):x}" for _ in range(6))

    def name(self, value: str) -> str:
        """Stand in for a name or a postal address: its length and scripts, in letters that make no name."""
        return name_stand_in(value, self.stream("name", value.casefold()))

    def national_id(self, value: str, country: str) -> str:
        """Stand in for a number by which *country* knows a person: written alike, with a wrong check."""
        made = value
        for attempt in range(_MOST_ATTEMPTS):
            made = self._alike(value, f"{country} {attempt}", value)
            if made != value and not exists(country, made):
                break
        return made

    def hashed(self, value: str) -> str:
        """Digest a text with the key: the mark and 128 bits."""
        stream = self.stream("hash", value)
        return f"{MARK}-{bytes(next(stream) for _ in range(16)).hex()}"

    def hashed_number(self, value: str) -> str:
        """Digest a number with the key into one of fifteen digits, which is known again by its last four."""
        if is_hashed_number(value):
            return value
        body = "9" + _pick(self.stream("hash", value), string.digits, 10)
        return body + _check_digits(body)

    def _alike(self, value: str, purpose: str, whole: str) -> str:
        stream = self.stream(purpose, whole)
        return "".join(_alike(char, stream) for char in value)


def is_pseudonym(detector: str, value: str, prefix: str = "") -> bool:
    """Say whether *value*, behind the *prefix* that stays, is one of our own stand-ins, so that it can stay."""
    check = _KNOWN_AGAIN.get(detector, _is_secret_pseudonym)
    return check(value[len(prefix) :])


def is_made_receipt_handle(value: str) -> bool:
    """Say whether *value* is exactly what `fake_receipt_handle` makes: a digest, in which there is nothing to find."""
    return _MADE_RECEIPT_HANDLE.fullmatch(value) is not None


def is_hashed_number(value: str) -> bool:
    """Say whether `hashed_number` has made *value*."""
    return _HASHED_NUMBER.fullmatch(value) is not None and _check_digits(value[:-4]) == value[-4:]


def _check_digits(body: str) -> str:
    return (
        f"{int.from_bytes(hashlib.blake2b(body.encode(), digest_size=4, person=b'replay number').digest()) % 10_000:04}"
    )


def _is_secret_pseudonym(value: str) -> bool:
    return value.startswith((MARK, _RECEIPT_HANDLE + MARK)) or not value.strip("x") or is_mask(value)


def _is_name_pseudonym(value: str) -> bool:
    return is_name_stand_in(value) or is_mask(value)


def _is_iban_pseudonym(value: str) -> bool:
    return value[2:4] == "00"


def _is_phone_pseudonym(value: str) -> bool:
    return digits_of(value).startswith(_PHONE_START)


def _is_email_pseudonym(value: str) -> bool:
    return value.lower().endswith(_EMAIL_END)


_KNOWN_AGAIN: dict[str, Callable[[str], bool]] = {
    "aws-access-key-id": lambda value: value[4:].startswith(MARK),
    "card-number": lambda value: is_test_card(digits_of(value)),
    "email": _is_email_pseudonym,
    "hash": lambda value: _HASHED.fullmatch(value) is not None,
    "person-name": _is_name_pseudonym,
    "postal-address": _is_name_pseudonym,
    "iban": _is_iban_pseudonym,
    "phone": _is_phone_pseudonym,
}


def _pick(stream: Stream, alphabet: str, count: int) -> str:
    return "".join(alphabet[next(stream) % len(alphabet)] for _ in range(count))


def _alike(char: str, stream: Stream) -> str:
    """Give a character of the same kind: a digit for a digit, a letter of the same case and script for a letter."""
    if char.isascii():
        for alphabet in (string.ascii_lowercase, string.ascii_uppercase, string.digits):
            if char in alphabet:
                return alphabet[next(stream) % len(alphabet)]
        return char
    category = unicodedata.category(char)
    if category[0] not in "LN":
        return char
    for first, last in _LARGE_SCRIPTS:
        if first <= ord(char) <= last:
            return chr(first + (next(stream) << 8 | next(stream)) % (last - first + 1))
    block = ord(char) & ~0x1F
    near = [chr(code) for code in range(block, block + 32) if unicodedata.category(chr(code)) == category]
    return near[next(stream) % len(near)]
