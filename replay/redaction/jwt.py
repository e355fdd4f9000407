"""JSON Web Tokens: what a handler reads of one keeps its shape, and what it proves is gone."""

import base64
import json
from collections.abc import Callable
from typing import Any

from replay.redaction.pseudonyms import MARK, Pseudonyms, is_pseudonym

_KEPT_CLAIMS = frozenset({"alg", "typ", "exp", "iat", "nbf", "auth_time", "token_use"})


def redacted_jwt(token: str, pseudonyms: Pseudonyms, plain: Callable[[str], str]) -> str:
    """
    Replace every value in header and claims but those that say the token's own kind and times, and the signature.

    As many base64url parts remain; one that cannot be read becomes one of the same length. *plain* redacts a text,
    here the names of claims. Doing it again changes nothing.
    """
    header, claims, *proofs = token.split(".")
    parts = [_redacted_part(header, pseudonyms, plain), _redacted_part(claims, pseudonyms, plain)]
    made = "".join(char if char.isalnum() else "-" for char in pseudonyms.secret(f"{token}#"))
    at = len(MARK)
    for proof in proofs:
        stand_in = MARK + made[at : at + len(proof) - len(MARK)] if len(proof) > len(MARK) else MARK
        parts.append(proof if is_pseudonym("secret", proof) and proof else stand_in)
        at += max(0, len(proof) - len(MARK))
    return ".".join(parts)


def _redacted_part(part: str, pseudonyms: Pseudonyms, plain: Callable[[str], str]) -> str:
    try:
        content = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        redacted = json.dumps(_redacted(content, pseudonyms, plain), separators=(",", ":"))
    except (ValueError, RecursionError):  # cut off, encrypted, or hostile
        kept = "eyJ" if part.startswith("eyJ") else ""
        return part if is_pseudonym("secret", part, kept) else kept + pseudonyms.secret(part[len(kept) :])
    return base64.urlsafe_b64encode(redacted.encode()).rstrip(b"=").decode()


def _redacted(value: Any, pseudonyms: Pseudonyms, plain: Callable[[str], str], name: str = "") -> Any:
    if isinstance(value, dict):
        return {plain(key): _redacted(item, pseudonyms, plain, key) for key, item in value.items()}
    if isinstance(value, list):
        return [_redacted(item, pseudonyms, plain, name) for item in value]
    if name in _KEPT_CLAIMS or value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return json.loads(pseudonyms.digits(json.dumps(value)))
    if is_pseudonym("email" if "@" in value else "secret", value):
        return value
    return pseudonyms.email(value) if "@" in value else pseudonyms.secret(value)
