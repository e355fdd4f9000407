"""Key names that say of their value that it is secret."""

import re
import string
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice

from replay.payloads.exact_json import Path

_SECRET_ENDS = (
    "password", "passwd", "passphrase", "passcode", "pwd", "secret", "secretkey", "secretaccesskey", "clientsecret",
    "apikey", "accesskey", "accountkey", "privatekey", "encryptionkey", "signingkey", "sharedkey", "sharedaccesskey",
    "token", "tokens", "credential", "credentials", "authorization", "authorisation", "cookie", "setcookie", "cookies",
    "connectionstring", "sessionid", "receipthandle", "xamzsignature", "xamzcredential", "webhookurl", "secretstring",
    "secretbinary", "passwords", "passwds", "secrets", "apikeys", "accesskeys", "privatekeys", "apisecret",
    "passwordconfirm", "passwordconfirmation", "passwordrepeat", "passwordhash", "userpass", "dbpass", "sessionkey",
    "securityanswer", "secretanswer", "seedphrase", "recoveryphrase",
)  # fmt: skip
PASSWORD_WORDS = (
    "passwort", "kennwort", "contraseña", "contrasena", "mot de passe", "senha", "wachtwoord", "hasło", "haslo",
    "lösenord", "salasana", "passord", "adgangskode", "jelszó", "heslo", "şifre", "kata sandi", "пароль", "密码",
    "密碼", "パスワード", "비밀번호", "סיסמה", "كلمة المرور", "รหัสผ่าน", "mật khẩu",
)  # fmt: skip
"""What people call a password where they do not speak English."""
_SECRET_WHOLE = frozenset(
    {"pass", "pw", "pword", "csrf", "xsrf", "cvv", "cvc", "cvv2", "cvc2", "pin", "otp", "totp", "ssn", "auth", "bearer",
     "jwt", "sig", "mfacode"}
)  # fmt: skip
_NOT_SECRET_ENDS = (
    "nexttoken", "pagetoken", "pagingtoken", "paginationtoken", "continuationtoken", "startingtoken", "starttoken",
    "clientrequesttoken", "idempotencytoken", "synctoken", "maxtoken",
)  # fmt: skip
# A typed value's own key (`stringValue`, DynamoDB's `S`) says nothing: the key above it does.
TYPED_VALUES = frozenset(
    {"stringValue", "binaryValue", "StringValue", "BinaryValue", "Value", "value", "values",
     "S", "N", "B", "SS", "NS", "BS", "L"}
)  # fmt: skip
HIGHEST = 64
"""How far up a name is looked for: a hostile text is nested a hundred thousand deep, at each of its values."""
_NOT_WORD = re.compile(r"[^a-z0-9]+")
# Beneath these whatever does not say what else it is: `"cookies": {"sid": …}`.
_HOLDERS = (
    "cookie", "cookies", "credential", "credentials", "secret", "secrets", "password", "passwords", "tokens", "apikey",
    "apikeys",
)  # fmt: skip
_HOLDERS_ABOVE = 2
_LAST_WORD = re.compile(r"(?:[A-Z]?[a-z0-9]+|[A-Z0-9]+)$")
_OTHER_WORDS = frozenset(
    {"type", "kind", "name", "names", "user", "users", "username", "login", "email", "id", "ids", "arn", "uri", "url",
     "host", "hostname", "port", "region", "scope", "scopes", "expires", "expiry", "expiration", "in", "version",
     "stage", "date", "time", "at", "from", "algorithm", "alg", "status", "state", "provider", "issuer", "endpoint",
     "path", "domain", "engine", "dbname", "database", "alias", "description", "count", "size", "label", "labels",
     "format", "encoding", "samesite", "limit", "operation", "action", "code", "message", "reason", "error", "source"}
)  # fmt: skip


@lru_cache(maxsize=4096)
def plain_name(name: str) -> str:
    """Give a key's name without case, marks and what parts its words: `DB_Password`, `contrase\u00f1a`."""
    folded = name.lower()
    if folded.isascii():
        return _NOT_WORD.sub("", folded)
    parts = unicodedata.normalize("NFKD", folded)
    plain = "".join(char for char in parts if char.isalnum() and not unicodedata.combining(char))
    return unicodedata.normalize("NFC", plain)


_ENDS = (*_SECRET_ENDS, *map(plain_name, PASSWORD_WORDS))


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
    """Give the keys on the way from *path* up, without those of typed values and of DynamoDB's maps."""
    for _ in range(HIGHEST):
        if path is None:
            return
        path, step = path
        if isinstance(step, str) and step not in TYPED_VALUES and step != "M":
            yield step


@lru_cache(maxsize=4096)
def is_secret_key(name: str) -> bool:
    """Say whether a key of this name holds a secret, in any casing: `clientSecret`, `X-Api-Key`, `DB_PASSWORD`."""
    plain = plain_name(name)
    if plain.rstrip(string.digits).endswith(_NOT_SECRET_ENDS):
        return False
    return plain in _SECRET_WHOLE or plain.rstrip(string.digits).endswith(_ENDS)


def is_secret_at(name: str, value: str) -> bool:
    """Say whether *value* at a key of this *name* is secret; of `tokens` neither words (a text's) nor numbers are."""
    return is_secret_key(name) and not (
        (value.isalpha() or value.isdecimal()) and plain_name(name).rstrip(string.digits).endswith("tokens")
    )


@lru_cache(maxsize=4096)
def holds_secrets(name: str) -> bool:
    """Say whether the members of an object at a key of this name are secrets, unless they say what else they are."""
    return plain_name(name).endswith(_HOLDERS)


def is_among_secrets(path: Path) -> bool:
    """Say whether the value at *path* is a secret by the key above its own: `sid` of `"cookies": {"sid": …}`."""
    names = list(islice(keys_above(path), 1 + _HOLDERS_ABOVE))
    return any(map(holds_secrets, names[1:])) and not _says_what_it_is(names[0])


@lru_cache(maxsize=4096)
def _says_what_it_is(name: str) -> bool:
    word = _LAST_WORD.search(name)
    return word is not None and word[0].lower() in _OTHER_WORDS
