"""JSON Web Tokens: what a handler reads of one keeps its shape, and what it proves is gone."""

import base64
import binascii
import json
from typing import Any

from replay.redaction.pseudonyms import MARK, Pseudonyms

_KEPT_CLAIMS = frozenset({"alg", "typ", "exp", "iat", "nbf", "auth_time", "token_use"})


def redacted_jwt(token: str, pseudonyms: Pseudonyms) -> str:
    """
    Replace every text in header and claims but those that say the token's own kind, and the signature.

    Three base64url parts remain; a token that cannot be read becomes three parts of the same lengths.
    """
    header, claims, signature = token.split(".", 2)
    signed = MARK + pseudonyms.secret(f"{token}#")[len(MARK) : max(len(signature), len(MARK))]
    try:
        parts = [_encoded(_redacted(_decoded(part), pseudonyms)) for part in (header, claims)]
    except (ValueError, RecursionError, binascii.Error):
        return f"eyJ{pseudonyms.secret(header)[3:]}.{pseudonyms.secret(claims)}.{_only_url_safe(signed)}"
    return ".".join((*parts, _only_url_safe(signed)))


def _decoded(part: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def _encoded(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).rstrip(b"=").decode()


def _redacted(value: Any, pseudonyms: Pseudonyms, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _redacted(item, pseudonyms, key) for key, item in value.items()}
    if isinstance(value, list):
        return [_redacted(item, pseudonyms, name) for item in value]
    if isinstance(value, str) and name not in _KEPT_CLAIMS:
        return pseudonyms.email(value) if "@" in value else pseudonyms.secret(value)
    return value


def _only_url_safe(text: str) -> str:
    return "".join(char if char.isalnum() else "-" for char in text)
