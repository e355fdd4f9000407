"""The station: gives an event's text with what is private replaced, and says what was replaced where."""

import base64
import binascii
import re
import secrets
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import lru_cache

from replay.errors import InvalidJson, RedactionError
from replay.payloads.exact_json import Edit, Json, Path, Token, parse, pointer, splice, string_value, tokens
from replay.payloads.failures import Failure
from replay.redaction.detectors import Span, is_card_number, spans
from replay.redaction.jwt import redacted_jwt
from replay.redaction.pseudonyms import Pseudonyms, is_pseudonym
from replay.redaction.secret_keys import is_secret_key, key_of
from replay.redaction.settings import RedactionSettings
from replay.redaction.string_offsets import in_token

_DEEPEST = 8
"""Encodings inside encodings (JSON in a string, base64) that are opened; what is deeper is replaced whole."""
_MOST_INFLATED_BYTES = 64 * 1024 * 1024
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4}){4,}+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_COOKIE_VALUE = re.compile(r"(?<==)[^;\s]++")
_DIGITS = re.compile(r"[1-9]\d{12,18}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """What was replaced at one place; `at` is a JSON Pointer into the event, and `#` steps into an encoded string."""

    at: str
    detector: str
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Redacted:
    """An event's text without what is private, equal to the original in every other character."""

    text: str
    redactions: tuple[Replacement, ...] = ()


class Redactor:
    """
    Redacts everything of one recording or one project.

    Redacting twice changes nothing. The same value becomes the same pseudonym everywhere; see `RedactionSettings.key`.
    """

    def __init__(self, settings: RedactionSettings | None = None) -> None:
        self._settings = settings or RedactionSettings()
        self._pseudonyms = Pseudonyms(self._settings.key or secrets.token_bytes(32))

    def event(self, text: str) -> Redacted:
        """
        Redact the JSON text of an event: strings, keys and numbers, into JSON and base64 inside strings.

        Raises:
            InvalidJson: *text* is not JSON.
            RedactionError: It cannot be made safe.
        """
        if not self._settings.enabled:
            return Redacted(text=text)
        found: Counter[tuple[str, str]] = Counter()
        edits = self._json_edits(text, _Place("", found), 0)
        replacements = tuple(
            Replacement(at=at, detector=detector, count=count) for (at, detector), count in found.items()
        )
        return Redacted(text=splice(text, edits) if edits else text, redactions=replacements)

    def plain(self, text: str) -> str:
        """Redact free text: a log line, an error message, a stack; one that is JSON is redacted as JSON."""
        if not self._settings.enabled:
            return text
        return splice(text, self._string_edits(text, _Place("", Counter()), 0))

    def value(self, value: Json) -> Json:
        """Redact every string of a JSON value of our own making."""
        if isinstance(value, str):
            return self.plain(value)
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if isinstance(value, dict):
            return {self.plain(name): self.value(item) for name, item in value.items()}
        return value

    def failure(self, failure: Failure) -> Failure:
        """Redact what was observed of a failure: message, stack, source lines, log lines."""
        return replace(
            failure,
            message=self.plain(failure.message),
            stack=self.plain(failure.stack),
            frames=tuple(replace(frame, code=self.plain(frame.code)) for frame in failure.frames),
            log_lines=tuple(self.plain(line) for line in failure.log_lines),
        )

    def _json_edits(self, text: str, place: "_Place", level: int) -> list[Edit]:
        edits: list[Edit] = []
        for token in tokens(text):
            if token.kind == "string":
                edits += self._string_token_edits(text, token, place, level)
            elif token.kind == "number":
                edits += self._number_edits(text, token, place)
            elif token.kind == "key" and not _is_innocent_key(text[token.start : token.end]):
                key_edits = self._text_edits(string_value(text[token.start : token.end]), place.into(token.path))
                edits += in_token(key_edits, text[token.start : token.end], token.start)
        return edits

    def _string_token_edits(self, text: str, token: Token, place: "_Place", level: int) -> Iterator[Edit]:
        if token.end - token.start == 2:  # noqa: PLR2004 - an empty string
            return
        raw = text[token.start : token.end]
        value = string_value(raw)
        inside = place.into(token.path)
        name = key_of(token.path)
        if self._is_kept(name, inside):
            return
        if name is not None and (is_secret_key(name) or self._is_named(name, inside)):
            edits = self._secret_value_edits(value, name, inside, level)
        elif self._settings.redact and self._is_named("", inside):
            edits = self._secret_value_edits(value, "", inside, level)
        else:
            edits = self._string_edits(value, inside, level)
        yield from in_token(edits, raw, token.start) if edits else ()

    def _number_edits(self, text: str, token: Token, place: "_Place") -> Iterator[Edit]:
        raw = text[token.start : token.end]
        name = key_of(token.path)
        inside = place.into(token.path)
        if self._is_kept(name, inside):
            return
        if name is not None and (is_secret_key(name) or self._is_named(name, inside)):
            if not is_pseudonym("secret", raw):
                inside.note("secret-key")
                yield Edit(token.start, token.end, self._pseudonyms.digits(raw))
        elif _DIGITS.fullmatch(raw) and is_card_number(raw) and not is_pseudonym("card-number", raw):
            inside.note("card-number")
            yield Edit(token.start, token.end, self._pseudonyms.card(raw))

    def _secret_value_edits(self, value: str, name: str, place: "_Place", level: int) -> list[Edit]:
        """Replace a value whose key says that it is secret; of an Authorization or cookie only the secret part."""
        if value.lstrip()[:1] in {"{", "["} or is_pseudonym("secret", value):
            return self._string_edits(value, place, level)
        if "cookie" in name.lower() and "=" in value:
            parts = [Span(*found.span(), "cookie") for found in _COOKIE_VALUE.finditer(value)]
        elif "auth" in name.lower() and " " in value:
            parts = spans(value) or [Span(value.index(" ") + 1, len(value), "secret-key")]
        else:
            known = spans(value)  # a token whose format is known keeps it
            whole = len(known) == 1 and (known[0].start, known[0].end) == (0, len(value))
            parts = known if whole else [Span(0, len(value), "secret-key")]
        return self._replace(value, parts, place)

    def _string_edits(self, value: str, place: "_Place", level: int) -> list[Edit]:
        """Redact a decoded string: as what it holds (JSON, base64), else as text."""
        if value.lstrip()[:1] in {"{", "["}:
            inner = self._inner_json(value, place, level)
            if inner is not None:
                return inner
        elif _BASE64.fullmatch(value):
            inner = self._inner_base64(value, place, level)
            if inner:
                return inner
        return self._text_edits(value, place)

    def _inner_json(self, value: str, place: "_Place", level: int) -> list[Edit] | None:
        inside = place.inside()
        try:
            if level < _DEEPEST:
                return self._json_edits(value, inside, level + 1)
            parse(value)
        except InvalidJson:
            inside.forget()
            return None
        return self._replace(value, [Span(0, len(value), "nested-too-deep")], place)

    def _inner_base64(self, value: str, place: "_Place", level: int) -> list[Edit]:
        content = base64.b64decode(value)
        packed = content.startswith(b"\x1f\x8b")
        try:
            text = (_inflated(content) if packed else content).decode()
        except (UnicodeDecodeError, zlib.error, binascii.Error):
            return []
        if level >= _DEEPEST:
            return self._replace(value, [Span(0, len(value), "nested-too-deep")], place)
        edits = self._string_edits(text, place.inside(), level + 1)
        if not edits:
            return []
        redacted = splice(text, edits).encode()
        return [Edit(0, len(value), base64.b64encode(_deflated(redacted) if packed else redacted).decode())]

    def _text_edits(self, value: str, place: "_Place") -> list[Edit]:
        if len(value) < _SHORTEST:
            return []
        return self._replace(value, spans(value), place)

    def _replace(self, value: str, parts: list[Span], place: "_Place") -> list[Edit]:
        edits = []
        for part in parts:
            private = value[part.start : part.end]
            if is_pseudonym(part.detector, private):
                continue
            made = self._stand_in(part, private)
            if made != private:
                place.note(part.detector)
                edits.append(Edit(part.start, part.end, made))
        return edits

    def _stand_in(self, part: Span, private: str) -> str:
        makers: dict[str, Callable[[str], str]] = {
            "email": self._pseudonyms.email,
            "card-number": self._pseudonyms.card,
            "phone": self._pseudonyms.phone,
            "iban": self._pseudonyms.iban,
            "aws-access-key-id": self._pseudonyms.aws_key_id,
            "jwt": lambda value: redacted_jwt(value, self._pseudonyms),
        }
        if part.detector == "vendor-key":
            return self._pseudonyms.vendor_key(private, part.prefix)
        return makers.get(part.detector, self._pseudonyms.secret)(private)

    def _is_kept(self, name: str | None, place: "_Place") -> bool:
        return bool(self._settings.keep) and _matches(self._settings.keep, name, place)

    def _is_named(self, name: str, place: "_Place") -> bool:
        return bool(self._settings.redact) and _matches(self._settings.redact, name, place)


class _Place:
    """A place of the event, written out only when something is found there."""

    __slots__ = ("_found", "_path", "_prefix")

    def __init__(self, prefix: str, found: Counter[tuple[str, str]], path: Path = None) -> None:
        self._prefix = prefix
        self._found = found
        self._path = path

    def __str__(self) -> str:
        return self._prefix + pointer(self._path)

    def into(self, path: Path) -> "_Place":
        return _Place(self._prefix, self._found, path)

    def inside(self) -> "_Place":
        """Step into the string at this place."""
        return _Place(f"{self}#", self._found)

    def note(self, detector: str) -> None:
        self._found[str(self), detector] += 1

    def forget(self) -> None:
        """Drop what was noted inside: the string turned out not to be what it began as."""
        for noted in [noted for noted in self._found if noted[0].startswith(self._prefix)]:
            del self._found[noted]


_SHORTEST = 6
"""Nothing private without a key name that says so is shorter: `a@b.co`."""


@lru_cache(maxsize=4096)
def _is_innocent_key(token: str) -> bool:
    """Say whether nothing private is in a key: the same few keys come in every event."""
    return not spans(string_value(token))


def _matches(patterns: tuple[str, ...], name: str | None, place: _Place) -> bool:
    return any(
        fnmatchcase(str(place), pattern) if pattern.startswith("/") else name is not None and fnmatchcase(name, pattern)
        for pattern in patterns
    )


def _inflated(content: bytes) -> bytes:
    inflater = zlib.decompressobj(wbits=31)
    inflated = inflater.decompress(content, _MOST_INFLATED_BYTES)
    if inflater.unconsumed_tail:
        raise RedactionError(
            "a compressed value is too large to be looked through",
            expected=f"at most {_MOST_INFLATED_BYTES:,} bytes inflated",
            hint="it was not recorded; record it with the value left out",
        )
    return inflated


def _deflated(content: bytes) -> bytes:
    deflater = zlib.compressobj(wbits=31)
    return deflater.compress(content) + deflater.flush()
