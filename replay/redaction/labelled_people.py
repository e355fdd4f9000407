"""Names, addresses and phone numbers in a text that says of them what they are: forms, log lines, XML."""

import re
from collections.abc import Iterator

from replay.redaction.name_pseudonyms import is_name_stand_in
from replay.redaction.named_secrets import elements
from replay.redaction.personal_keys import personal_kind
from replay.redaction.phone_numbers import is_written_phone_number
from replay.redaction.spans import Span

PEOPLE_HINTS = ("name", "holder", "street", "address", "zip", "post", "phone", "mobil", "msisdn")

_LABELLED = re.compile(
    r"""(?<![^\W_])(?P<name>[A-Za-z][A-Za-z0-9_.-]{2,47}+)
    (?=["']?\s{0,2}(?:=>|=|:)\s{0,2}(?:[bu]?(?P<quote>["'])(?P<quoted>(?>(?:(?!(?P=quote))[^\r\n]){1,128}))(?P=quote)
        |(?<==)(?P<value>[^\s"'&;,<>(){}\[\]\\=]{1,128}+)))""",
    re.VERBOSE,
)
_NOTHING = frozenset({"null", "none", "nil", "true", "false", "undefined", "unknown", "n/a", "missing", "required"})


def labelled_people(text: str) -> Iterator[Span]:
    """Find what `first_name=…`, `"street": "…"` and `<LastName>…</LastName>` say in a text of whatever kind."""
    for found in _LABELLED.finditer(text):
        yield from _of_somebody(found, "quoted" if found["quoted"] else "value")
    for found in elements(text) if "</" in text or "<![" in text else ():
        yield from _of_somebody(found, "value" if found["value"] else "cdata")


def _of_somebody(found: re.Match[str], group: str) -> Iterator[Span]:
    kind = personal_kind(found["name"].rpartition(".")[2])
    if kind in {"person-name", "postal-address", "phone"} and is_personal_value(kind, found[group]):
        yield Span(*found.span(group), kind)


def is_personal_value(kind: str, value: str) -> bool:
    """Say whether *value* can be what its key says: a name has letters, a phone number digits."""
    if kind == "phone":
        return is_written_phone_number(value)
    if value.strip().lower() in _NOTHING or is_name_stand_in(value):
        return False
    return any(map(str.isalpha, value)) or (kind == "postal-address" and any(map(str.isdecimal, value)))
