"""
What is private in a text, one function a kind: each gives the spans that it finds.

Every pattern is linear in the text: what repeats is possessive or bounded, and no pattern may begin inside a run that
it has just failed on (see `_START`). A group that may fail half-way repeats within an atomic one, `(?>(?:…){1,9})`, and
is not possessive: before 3.11.5, Python let `(?:…){1,9}+` keep what the last, failed time had taken.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from replay.redaction import card_numbers as cards
from replay.redaction.escapes import unescaped
from replay.redaction.high_entropy import aws_secret_keys, decoded
from replay.redaction.ibans import ibans
from replay.redaction.labelled_people import PEOPLE_HINTS, labelled_people
from replay.redaction.named_secrets import (
    NAMED_HINTS,
    PASSWORD_HINTS,
    WRITTEN_HINTS,
    named_secrets,
    passwords_elsewhere,
    written_secrets,
)
from replay.redaction.network_addresses import ip_addresses
from replay.redaction.phone_numbers import PHONE_HINTS, phone_numbers, spaced_phone_numbers
from replay.redaction.pseudonyms import MARK
from replay.redaction.spans import Detector, Span
from replay.redaction.told_secrets import TOLD_HINTS, told_secrets
from replay.redaction.vendor_keys import DOTTED_VENDOR_HINTS, VENDOR_HINTS, vendor_keys

_START = r"(?<![A-Za-z0-9_-])"
_END = r"(?![A-Za-z0-9_-])"

_AWS_KEY_ID = re.compile(r"(?<![A-Z0-9])(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Z0-9])")
_AWS_SESSION = re.compile(rf"{_START}(?:FwoGZXIvYXdz|FQoGZXIvYXdz|IQoJb3JpZ2lu)[A-Za-z0-9/+=%_-]{{40,}}+")
_RECEIPT_HANDLE = re.compile(rf"(?<![A-Za-z0-9+_-])AQEB(?!{MARK})[A-Za-z0-9/+]{{60,}}+={{0,2}}")
# The whole run of dotted parts, wherever in its first ones the token begins: so no run is read twice.
_DOTTED = re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{11,}+={0,2}(?:\.[A-Za-z0-9_-]*+={0,2})++")
_JWT = re.compile(r"eyJ[A-Za-z0-9_-]{8,}+={0,2}\.(?:[A-Za-z0-9_-]*+={0,2}\.|eyJ)")
_GAP = r"[\s\"':=,+]{1,8}"
# Only the word in any case: IGNORECASE would let [A-Za-z] take U+0130, U+017F and U+212A.
_BEARER = re.compile(rf"(?i:bearer){_GAP}([A-Za-z0-9._~+/=%-]{{8,}}+)(?![\"']\s?:)")
_BASIC = re.compile(rf"(?i:basic){_GAP}([A-Za-z0-9+/=_-]{{8,}}+)")
_DIGEST_RESPONSE = re.compile(r"(?<![\w-])response\s?=\s?[\"']?([0-9a-f]{32,64}+)(?![0-9A-Za-z])")
_WORD = re.compile(r"[A-Za-z]?[a-z]{1,23}|[A-Z]{1,23}")
_PRIVATE_KEY = re.compile(r"-----BEGIN (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----")
_PRIVATE_KEY_END = re.compile(r"-----END (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----")
_URL_PASSWORD = re.compile(
    r"://[^\s:/?#@\"']{0,128}+:([^\s@/?#\"']{1,256}+)@|jdbc:oracle:\w{1,8}:[^\s/@\"']{1,64}+/([^\s@\"']{1,128}+)@"
)
_COOKIES = re.compile(
    r"(?:set-)?cookie[\"']?\s{0,4}[:=]\s{0,4}[\"']?([^\s=;,\"'\\]{1,256}+=[^\r\n\"'\\]++)",
    re.IGNORECASE,
)
_COOKIE_END = re.compile(r";|,(?=\s{0,4}[^\s;,=\"]{1,128}+=)")
"""Proxies join the lines of several cookies; a date has a comma too."""
_ATTRIBUTE = re.compile(
    r"\s*+(?:(?:path|domain|expires|max-age|samesite)\s*=|(?:httponly|secure|partitioned)\s*(?:,|$))", re.IGNORECASE
)
_AT = re.compile("[@\uff20\ufe6b]")
_NOT_LOCAL = frozenset("@\uff20\ufe6b\"'`<>()[]{}\\,;:/|=&?#%")
_LOCAL_LIMIT = 64
# pkg@1.2.3-rc.next and logo@2x.png are no addresses.
_EMAIL_DOMAIN = re.compile(
    r"(?!v?\d+\.\d+\.\d|\dx\.)(?:[^\W_][\w-]*+\.)+[^\W\d_][\w-]*[^\W_]|\[(?:IPv6:)?[0-9A-Fa-f:.]{3,45}\]"
)


def aws_key_ids(text: str) -> Iterator[Span]:
    """
    Find AWS access key ids; the ids of users and roles (AIDA, AROA) are no secret.

    Source: IAM User Guide, "IAM identifiers", unique identifiers.
    """
    yield from _whole(_AWS_KEY_ID, text, "aws-access-key-id")


def aws_session_tokens(text: str) -> Iterator[Span]:
    """Find AWS session tokens by how STS begins them."""
    yield from _whole(_AWS_SESSION, text, "aws-session-token")


def receipt_handles(text: str) -> Iterator[Span]:
    """Find the receipt handles of SQS, by how it begins them: whoever has one may delete the message."""
    yield from _whole(_RECEIPT_HANDLE, text, "receipt-handle")


def jwts(text: str) -> Iterator[Span]:
    """
    Find JSON Web Tokens, encrypted ones and ones cut off in their claims too.

    Source: RFC 7519 and 7516: three or five base64url parts, the first a JSON object.
    """
    for run in _DOTTED.finditer(text):
        found = _JWT.search(run[0])
        if found is not None:
            yield Span(run.start() + found.start(), run.start() + len(run[0].rstrip(".")), "jwt")


def authorizations(text: str) -> Iterator[Span]:
    """Find bearer tokens, basic credentials that decode to `user:password`, and what answers a digest's challenge."""
    for found in _BEARER.finditer(text):
        token = found[1].rstrip(".")
        if not _WORD.fullmatch(token):
            yield Span(found.start(1), found.start(1) + len(token), "bearer-token")
    for found in _BASIC.finditer(text):
        if b":" in decoded(found[1]):
            yield Span(*found.span(1), "basic-credentials")
    if "username" in text:
        for found in _DIGEST_RESPONSE.finditer(text):
            yield Span(*found.span(1), "digest-response")


def private_keys(text: str) -> Iterator[Span]:
    """Find PEM private keys; one whose end is missing goes to the end of the text."""
    at = 0
    while found := _PRIVATE_KEY.search(text, at):
        end = _PRIVATE_KEY_END.search(text, found.end())
        at = end.start() if end else len(text)
        if text[found.end() : at].strip():
            yield Span(found.end(), at, "private-key")


def url_passwords(text: str) -> Iterator[Span]:
    """Find the password of a connection string or URL, `scheme://user:password@host`."""
    for found in _URL_PASSWORD.finditer(text):
        yield Span(*found.span(1 if found[1] else 2), "url-password")


def cookies(text: str) -> Iterator[Span]:
    """Find the values in `Cookie:` and `Set-Cookie:` lines."""
    for line in _COOKIES.finditer(text):
        yield from cookie_values(text, *line.span(1))


def cookie_values(text: str, start: int, end: int) -> Iterator[Span]:
    """Find the values in `text[start:end]`, the value of a Cookie or Set-Cookie header. Source: RFC 6265, section 4."""
    at = start
    for until in (*(found.start() for found in _COOKIE_END.finditer(text, start, end)), end):
        if _ATTRIBUTE.match(text, at, until) is None:
            name, equals, value = text[at:until].partition("=")
            value = value if equals else name
            begin = until - len(value.lstrip())
            if value.strip():
                yield Span(begin, begin + len(value.strip()), "cookie")
        at = until + 1


def card_numbers(text: str) -> Iterator[Span]:
    """Find card numbers: a brand's prefix and length, a right Luhn digit. Source: ISO/IEC 7812."""
    return (Span(start, end, "card-number") for start, end in cards.places(text))


def emails(text: str) -> Iterator[Span]:
    """Find e-mail addresses, internationalised ones too. Source: RFC 5321, RFC 6531."""
    for at in _AT.finditer(text):
        domain = _EMAIL_DOMAIN.match(text, at.end())
        if domain is None:
            continue
        start = _email_start(text, at.start())
        if start < at.start():
            yield Span(start, domain.end(), "email")


DETECTORS: Mapping[Detector, tuple[str, ...]] = {
    private_keys: ("private key",),
    aws_session_tokens: ("fwog", "fqog", "iqoj"),
    receipt_handles: ("aqeb",),
    jwts: ("eyj",),
    aws_key_ids: ("akia", "asia", "abia", "acca"),
    vendor_keys: (*VENDOR_HINTS, *DOTTED_VENDOR_HINTS),
    url_passwords: ("://", "jdbc:oracle"),
    authorizations: ("bearer", "basic", "response"),
    named_secrets: NAMED_HINTS,
    passwords_elsewhere: PASSWORD_HINTS,
    written_secrets: WRITTEN_HINTS,
    told_secrets: TOLD_HINTS,
    cookies: ("cookie",),
    emails: ("@", "\uff20", "\ufe6b"),
    card_numbers: (),
    phone_numbers: PHONE_HINTS,
    spaced_phone_numbers: (),
    ip_addresses: (),
    ibans: (),
    labelled_people: PEOPLE_HINTS,
    aws_secret_keys: (),
}  # fmt: skip
"""In the order in which they win where spans are equal; each with what a text (in small letters) must hold one of."""

_LEAST_CHARACTERS: Mapping[Detector, int] = {
    private_keys: 28, aws_session_tokens: 50, receipt_handles: 64, jwts: 12, aws_key_ids: 20, vendor_keys: 15,
    url_passwords: 6, authorizations: 14, named_secrets: 6, passwords_elsewhere: 6, written_secrets: 6, told_secrets: 8,
    cookies: 9,
    emails: 4, card_numbers: 13, phone_numbers: 8, spaced_phone_numbers: 10, ip_addresses: 6, ibans: 15,
    labelled_people: 7, aws_secret_keys: 40,
}  # fmt: skip
"""How long a text must be that a detector finds anything in: less than the shortest that its pattern takes."""
_WHOLE_VALUES = (
    url_passwords,
    authorizations,
    named_secrets,
    passwords_elsewhere,
    written_secrets,
    told_secrets,
    cookies,
    card_numbers,
    labelled_people,
)
"""Those that know where a value ends: what looks like an escape within it (`password=a%20b`) is a part of it."""


def spans(text: str, more: Sequence[Detector] = ()) -> list[Span]:
    """
    Give all private parts of *text*, in order and without overlaps: of one within another the outer.

    Args:
        more: Detectors beside those of `DETECTORS`, for what a place or the configuration adds.
    """
    without = unescaped(text)
    if without is None:
        return apart(_found(text, DETECTORS, more))
    starts = without.starts
    found = _found(without.text, DETECTORS, more)
    inside = [span._replace(start=starts[span.start], end=starts[span.end]) for span in found]
    return apart([*inside, *_found(text, _WHOLE_VALUES)])


def _found(text: str, detectors: Iterable[Detector], more: Sequence[Detector] = ()) -> list[Span]:
    folded = text.lower()
    length = len(text)
    found: list[Span] = []
    for detector in detectors:
        if length < _LEAST_CHARACTERS[detector]:
            continue
        hints = DETECTORS[detector]
        if not hints:
            found += detector(text)
            continue
        for hint in hints:
            if hint in folded:
                found += detector(text)
                break
    for detector in more:
        found += detector(text)
    return found


def apart(found: list[Span]) -> list[Span]:
    """Put spans in order; of one within another the outer stays, of equal ones the first, and crossing ones are one."""
    if len(found) < 2:  # noqa: PLR2004 - one cannot overlap
        return found
    passwords = {span.start for span in found if span.detector == "url-password"}
    kept: list[Span] = []
    for span in sorted(found, key=lambda span: (span.start, -span.end)):
        if span.detector == "email" and span.start in passwords:
            continue  # scheme://user:password@host has no address in it
        if not kept or span.start >= kept[-1].end:
            kept.append(span)
        elif span.end > kept[-1].end:
            both = "email" if kept[-1].detector == span.detector == "email" else "secret"
            kept[-1] = Span(kept[-1].start, span.end, both)
    return kept


def _email_start(text: str, end: int) -> int:
    """Go back from the @ over what a local part may hold."""
    if text[end - 1 : end] == '"':  # "Jane Doe"@example.com
        opening = text.rfind('"', max(0, end - _LOCAL_LIMIT), end - 1)
        return opening if opening >= 0 else end
    start = end
    while start > 0 and end - start < _LOCAL_LIMIT:
        char = text[start - 1]
        if char in _NOT_LOCAL or char.isspace() or not char.isprintable():
            break
        start -= 1
    return start


def _whole(pattern: re.Pattern[str], text: str, detector: str) -> Iterator[Span]:
    return (Span(*found.span(), detector) for found in pattern.finditer(text))
