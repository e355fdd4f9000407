"""A value that its key gives away as a secret, where it stands in the same event once more without such a key."""

import json
import re
from collections.abc import Iterator

from replay.payloads.exact_json import Edit, tokens
from replay.redaction.places import Place
from replay.redaction.retelling import retold

_SHORTEST = 8
_MOST = 100
_MOST_ESCAPES = 4
"""As JSON in a string of JSON writes it, and so on."""

_NO_SECRETS = frozenset(
    {"email", "phone", "iban", "card-number", "ip-address", "person-name", "postal-address", "receipt-handle",
     "generalised", "hash", "nested-too-deep"}
)  # fmt: skip
_WORDS = re.compile(r"[A-Za-z]*(?:[ ._/:-][A-Za-z]*)*")
_NUMBER = re.compile(r"[\d.eE+-]+")


def note_secret(known: dict[str, str], private: str, stand_in: str, detector: str) -> None:
    """
    Note in *known* what stands in for a secret that means nothing else wherever it stands.

    Words do (`AWS_IAM`, `orders-service`), and so do numbers, ARNs and what is short: a handler may need them.
    """
    means_more = _WORDS.fullmatch(private) or _NUMBER.fullmatch(private) or private.startswith("arn:")
    if detector in _NO_SECRETS or ":" in detector or len(private) < _SHORTEST or means_more or len(known) >= _MOST:
        return
    for _ in range(_MOST_ESCAPES):
        known.setdefault(private, stand_in)
        private, stand_in = json.dumps(private)[1:-1], json.dumps(stand_in)[1:-1]


def edits_elsewhere(text: str, place: Place) -> Iterator[Edit]:
    """Replace in the strings and keys of a redacted *text* the secrets that were found in it; notes them at *place*."""
    known = {private: made for private, made in place.findings.secrets.items() if private in text}
    for path, start, end, kind in tokens(text) if known else ():
        if kind in {"string", "key"}:
            made = retold(text[start:end], known)
            if made != text[start:end]:
                place.into(path).note(["secret-key"])
                yield Edit(start, end, made)
