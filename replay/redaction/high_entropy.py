"""Strings that look as if a machine had drawn them, and that nothing says the purpose of."""

import base64
import contextlib
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from math import log2

from replay.errors import RedactionError
from replay.redaction import encodings
from replay.redaction.pseudonyms import MARK
from replay.redaction.spans import Span

SHORTEST = 32
LONGEST = 100
"""What is longer is rather data in base64 than a key."""

_RUN = re.compile(
    rf"(?<![A-Za-z0-9/+_.-])[A-Za-z0-9][A-Za-z0-9_-]{{{SHORTEST - 1},{LONGEST - 1}}}+(?![A-Za-z0-9/+=_.-])"
)
_AWS_SECRET_LENGTH = 40
_AWS_SECRET = re.compile(r"(?<![A-Za-z0-9/+])[A-Za-z0-9/+]{40,}+(?!=)")
_RANDOM_BITS = 4.1
_WORDS = re.compile(r"[A-Z]?[a-z]{4,}|[A-Z]{5,}|\d{6,}|[0-9a-f]{12,}")
_MOST_WORDS = 0.55
# `"etag": "…"`, `x-amz-id-2=…`: what names itself so is no secret.
_INNOCENT = (
    r"(?:id|ids|id-?2|etag|hash|digest|checksum|crc\w{0,4}|md5\w{0,8}|sha\d{0,3}\w{0,6}|version|revision|cursor"
    r"|next_?token|marker|nonce|commit|fingerprint|integrity|sequencer|uri|url|path|arn|name)"
)
_NAMED_INNOCENT = re.compile(_INNOCENT + r"[\"']?\s{0,2}[:=/]\s{0,2}[\"']?$", re.IGNORECASE)
_INNOCENT_NAME = re.compile(_INNOCENT + "$", re.IGNORECASE)
_LOOK_BACK = 32
_ENOUGH_INFLATED = 64
_STRETCH = re.compile(r"[\t\n\r -~]{8}")


def aws_secret_keys(text: str) -> Iterator[Span]:
    """
    Find what looks like an AWS secret access key: forty base64 characters that no hash or path would have.

    They may stand behind a slash, as in a path; but not at the end of base64 that holds something packed, or a text.
    """
    for found in _AWS_SECRET.finditer(text):
        start, end = found.end() - _AWS_SECRET_LENGTH, found.end()
        key = text[start:end]
        in_path = start > found.start()
        if in_path and (start - found.start() == 1 or text[start - 1] != "/" or not text[start - 2].isalnum()):
            continue
        if looks_random(key) and not (
            is_encoded_text(key) or (in_path and (_of_words(key) or is_encoded_text(found[0])))
        ):
            yield Span(start, end, "aws-secret-access-key")


def high_entropy_strings(text: str) -> Iterator[Span]:
    """
    Find words of 32 to 100 letters of both cases and digits that hold no words, no text and no number, and have no
    name before them that says what they are.
    """
    for found in _RUN.finditer(text):
        before = text[max(0, found.start() - _LOOK_BACK) : found.start()]
        if looks_random(found[0]) and not (
            _of_words(found[0]) or _is_data(found[0]) or MARK in found[0] or _NAMED_INNOCENT.search(before)
        ):
            yield Span(*found.span(), "high-entropy")


@lru_cache(maxsize=4096)
def may_be_random(name: str) -> bool:
    """Say whether a key of this name may have a random value without that being a secret: an id, a digest."""
    return _INNOCENT_NAME.search(name) is not None


def looks_random(text: str) -> bool:
    """Say whether *text* has small and capital letters and digits, and as many of each as chance gives."""
    if not (any(map(str.isdigit, text)) and any(map(str.isupper, text)) and any(map(str.islower, text))):
        return False
    counts = Counter(text)
    return -sum(count / len(text) * log2(count / len(text)) for count in counts.values()) >= _RANDOM_BITS


def is_encoded_text(text: str) -> bool:
    """Say whether base64 holds UTF-8, gzip or zlib, which thirty random bytes do not: it is opened instead."""
    content = decoded(text)
    with contextlib.suppress(UnicodeDecodeError):
        return bool(content.decode())
    return content.startswith(b"\x1f\x8b") or _is_zlib(content)


def _is_zlib(content: bytes) -> bool:
    try:
        return content.startswith(b"\x78") and bool(zlib.decompressobj().decompress(content, _ENOUGH_INFLATED))
    except zlib.error:
        return False


def decoded(text: str) -> bytes:
    """Give what base64 holds, or nothing where *text* is none."""
    try:
        return base64.b64decode(
            text + "=" * (-len(text) % 4), b"-_" if "-" in text or "_" in text else None, validate=True
        )
    except ValueError:  # binascii.Error, or not ASCII
        return b""


def _is_data(text: str) -> bool:
    """Say whether base64 holds something packed, a text, or a stretch of letters that chance does not give."""
    try:
        inside = encodings.opened(text, encodings.Budget())
    except RedactionError:
        return True  # whoever opens it will say so
    return inside is not None and (
        inside.is_text or inside.packed > 0 or _STRETCH.search(inside.text + inside.behind) is not None
    )


def _of_words(text: str) -> bool:
    """Say whether much of *text* is words or long numbers: a name in camel case, a path, several ids in one."""
    return sum(map(len, _WORDS.findall(text))) >= _MOST_WORDS * len(text)
