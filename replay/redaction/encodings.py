"""What base64 hides: opened, perhaps inflated, and closed again in the way it was closed."""

import base64
import binascii
import re
import zlib
from dataclasses import dataclass, field, replace

from replay.errors import RedactionError

RUN = re.compile(r"[A-Za-z0-9+/_-]{8,}+={0,2}")
"""What may be base64 in a text, in either alphabet, with or without padding."""

PRINTABLE = re.compile(r"[\t\n\r\x1b -~]{6,}+")
"""A stretch of letters in bytes that are no text."""

HEXADECIMAL = re.compile(r"[0-9a-f-]++")
"""Digests, UUIDs and numbers, of which each event has many: what they would decode to is no text."""

_ONE_ALPHABET = str.maketrans("-_", "+/")
_PRINTABLE_BYTES = re.compile(PRINTABLE.pattern.encode())
_PACKED_BEGINNINGS = frozenset(b"\x1f\x78")
_LINES = re.compile(r"[A-Za-z0-9+/]{40,}+(?:(\r?\n)[A-Za-z0-9+/]++)+={0,2}((?:\r?\n)?)")
_MOST_INFLATED_BYTES = 16 * 1024 * 1024
_MOST_MEMBERS = 1_000
_GZIP, _ZLIB, _RAW = 31, 15, -15  # zlib's names for the three are its window sizes


@dataclass(slots=True)
class Budget:
    """How much may still be inflated for one event: many small bombs are one big one."""

    left_bytes: int = field(default_factory=lambda: _MOST_INFLATED_BYTES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """
    The content of a base64 text.

    `text` is the content as UTF-8, or, where it is not, its bytes as characters (latin-1) with `is_text` false.
    """

    text: str
    is_text: bool
    url_safe: bool = False
    padded: bool = True
    line: int = 0
    newline: str = ""
    ending: str = ""
    packed: int = 0
    behind: str = ""
    """What stands behind the packed content, padding or other bytes, as characters (latin-1)."""

    def closed(self, text: str, behind: str = "") -> str:
        """Encode *text* as the content was encoded, and put *behind* after it."""
        content = text.encode("utf-8", "surrogatepass") if self.is_text else _bytes(text)
        if self.packed:
            deflater = zlib.compressobj(wbits=self.packed)
            content = deflater.compress(content) + deflater.flush() + _bytes(behind)
        encoded = (base64.urlsafe_b64encode if self.url_safe else base64.b64encode)(content).decode()
        if not self.padded:
            encoded = encoded.rstrip("=")
        if self.newline:
            lines = [encoded[at : at + self.line] for at in range(0, len(encoded), self.line)]
            encoded = self.newline.join(lines) + self.ending
        return encoded


def opened_lines(value: str, budget: Budget) -> Opened | None:
    """Open base64 in lines, as mail and PEM have it, or give None."""
    found = _LINES.fullmatch(value)
    if found is None:
        return None
    inside = opened("".join(value.split()), budget)
    return inside and replace(inside, newline=found[1], ending=found[2], line=value.index(found[1]))


def opened(run: str, budget: Budget) -> Opened | None:
    """
    Open what matches `RUN`, or give None where it is no base64.

    Raises:
        RedactionError: It inflates to more than can be looked through.
    """
    if HEXADECIMAL.fullmatch(run):
        return None
    url_safe = "-" in run or "_" in run
    if (url_safe and ("+" in run or "/" in run)) or len(run.rstrip("=")) % 4 == 1:
        return None
    padding = -len(run) % 4
    content = (base64.urlsafe_b64decode if url_safe else base64.b64decode)(run + "=" * padding)
    packed, content, behind = _inflated(content, budget)
    text = _utf8(content)
    if text is None and not packed and (inflated := _inflated_raw(content, budget)) is not None:
        packed, text = _RAW, inflated
    return Opened(
        text=content.decode("latin-1") if text is None else text,
        is_text=text is not None,
        url_safe=url_safe,
        padded=padding == 0,
        packed=packed,
        behind=behind.decode("latin-1"),
    )


def surely_holds_nothing(run: str) -> bool:
    """
    Say quickly of a short text that matches `RUN` that `opened` finds no text in it, packed or not.

    False says nothing: whoever wants to know opens it.
    """
    if HEXADECIMAL.fullmatch(run) or len(run.rstrip("=")) % 4 == 1:
        return True
    content = binascii.a2b_base64(run.translate(_ONE_ALPHABET) + "==")
    if content.isascii() or content[0] in _PACKED_BEGINNINGS or _PRINTABLE_BYTES.search(content):
        return False
    try:
        content.decode()
    except UnicodeDecodeError:
        pass
    else:
        return False
    try:
        zlib.decompress(content, wbits=_RAW)
    except zlib.error:
        return True
    return False


def _inflated(content: bytes, budget: Budget) -> tuple[int, bytes, bytes]:
    """Inflate gzip (of one or several members) and zlib; also give what stands behind. What is broken stays packed."""
    if content[:2] == b"\x1f\x8b":
        packed = _GZIP
    elif content[:1] == b"\x78" and int.from_bytes(content[:2], "big") % 31 == 0:  # RFC 1950, section 2.2
        packed = _ZLIB
    else:
        return 0, content, b""
    parts: list[bytes] = []
    rest = content
    while rest:
        inflater = zlib.decompressobj(wbits=packed)
        try:
            part = _spent(inflater.decompress(rest, budget.left_bytes + 1), budget)
        except zlib.error:
            break
        if parts and not part and not inflater.eof:
            break  # too little to be told from the beginning of a member
        if len(parts) == _MOST_MEMBERS:
            raise _too_large(f"at most {_MOST_MEMBERS:,} gzip members")
        parts.append(part)
        rest = inflater.unused_data
    return (packed, b"".join(parts), rest) if parts else (0, content, b"")


def _inflated_raw(content: bytes, budget: Budget) -> str | None:
    """Inflate deflate without a header, which has nothing to be known by but that it is whole and holds a text."""
    inflater = zlib.decompressobj(wbits=_RAW)
    try:
        inflated = inflater.decompress(content, budget.left_bytes + 1)
    except zlib.error:
        return None
    if len(inflated) <= budget.left_bytes and (not inflater.eof or inflater.unused_data):
        return None
    return _utf8(_spent(inflated, budget))


def _spent(inflated: bytes, budget: Budget) -> bytes:
    budget.left_bytes -= len(inflated)
    if budget.left_bytes < 0:
        raise _too_large(f"at most {_MOST_INFLATED_BYTES:,} bytes inflated")
    return inflated


def _too_large(expected: str) -> RedactionError:
    return RedactionError(
        "a compressed value is too large to be looked through",
        expected=expected,
        hint="it was not recorded; record it with the value left out",
    )


def _utf8(content: bytes) -> str | None:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None


def _bytes(text: str) -> bytes:
    """Give the bytes that stand as characters in *text*; a stand-in for an escaped letter is escaped again."""
    return text.encode("latin-1", "backslashreplace")
