"""Key names that say of their value that it is secret."""

import re
from collections.abc import Iterator
from functools import lru_cache

from replay.payloads.exact_json import Path

_SECRET_ENDS = (
    "password", "passwd", "passphrase", "passcode", "pwd", "secret", "secretkey", "secretaccesskey", "clientsecret",
    "apikey", "accesskey", "accountkey", "privatekey", "encryptionkey", "signingkey", "sharedkey", "sharedaccesskey",
    "token", "credential", "credentials", "authorization", "authorisation", "cookie", "setcookie", "cookies",
    "connectionstring", "sessionid", "receipthandle", "xamzsignature", "xamzcredential", "webhookurl", "secretstring",
    "secretbinary",
)  # fmt: skip
_SECRET_WHOLE = frozenset(
    {"pass", "cvv", "cvc", "cvv2", "cvc2", "pin", "otp", "ssn", "auth", "bearer", "jwt", "sig", "mfacode"}
)
_NOT_SECRET_ENDS = (
    "nexttoken", "pagetoken", "pagingtoken", "paginationtoken", "continuationtoken", "startingtoken", "starttoken",
    "clientrequesttoken", "idempotencytoken", "synctoken", "maxtoken",
)  # fmt: skip
# A typed value's own key (`stringValue`, DynamoDB's `S`) says nothing: the key above it does.
TYPED_VALUES = frozenset(
    {"stringValue", "binaryValue", "StringValue", "BinaryValue", "Value", "value", "values", "S", "N", "B", "SS", "NS"}
)
HIGHEST = 64
"""How far up a name is looked for: a hostile text is nested a hundred thousand deep, at each of its values."""
_NOT_WORD = re.compile(r"[^a-z0-9]+")


def key_of(path: Path) -> str | None:
    """Give the key that names the value at *path*: array indexes and the keys of typed values are passed over."""
    for _ in range(HIGHEST):
        if path is None:
            return None
        path, step = path
        if isinstance(step, str) and step not in TYPED_VALUES:
            return step
    return None


def keys_above(path: Path) -> Iterator[str]:
    """Give the keys on the way from *path* up, without those of typed values."""
    for _ in range(HIGHEST):
        if path is None:
            return
        path, step = path
        if isinstance(step, str) and step not in TYPED_VALUES:
            yield step


@lru_cache(maxsize=4096)
def is_secret_key(name: str) -> bool:
    """Say whether a key of this name holds a secret, in any casing: `clientSecret`, `X-Api-Key`, `DB_PASSWORD`."""
    plain = _NOT_WORD.sub("", name.lower())
    if plain.endswith(_NOT_SECRET_ENDS):
        return False
    return plain in _SECRET_WHOLE or plain.endswith(_SECRET_ENDS)
