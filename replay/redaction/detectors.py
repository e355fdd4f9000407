"""
What is private in a text, one function a kind: each gives the spans that it finds.

Every pattern is linear in the text: what repeats is possessive or bounded, and no pattern may begin inside a run that
it has just failed on (see `_START`).
"""

import base64
import binascii
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from math import log2
from typing import NamedTuple

from replay.redaction.pseudonyms import passes_luhn


class Span(NamedTuple):
    """A private part of a text, `text[start:end]`; `prefix` is what of it says its kind and may stay."""

    start: int
    end: int
    detector: str
    prefix: str = ""


Detector = Callable[[str], Iterator[Span]]

# A word's beginning, or the place after a URL escape, whose last letter is no part of the word.
_START = r"(?:(?<![A-Za-z0-9_-])|(?<=%[0-9A-Fa-f]{2}))"
_END = r"(?![A-Za-z0-9_-])"

_AWS_KEY_ID = re.compile(
    r"(?:(?<![A-Za-z0-9])|(?<=%[0-9A-Fa-f]{2}))"
    r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])"
)
_AWS_SECRET = re.compile(r"(?<![A-Za-z0-9/+=%-])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=-])")
_AWS_SESSION = re.compile(rf"{_START}(?:FwoGZXIvYXdz|FQoGZXIvYXdz|IQoJb3JpZ2lu)[A-Za-z0-9/+=%_-]{{40,}}+")
_JWT = re.compile(rf"{_START}eyJ[A-Za-z0-9_-]{{8,}}+\.[A-Za-z0-9_-]{{4,}}+\.[A-Za-z0-9_-]*+")
_BEARER = re.compile(r"\bbearer(?:\s|%20|\+){1,4}([A-Za-z0-9._~+/=%-]{8,}+)", re.IGNORECASE)
_BASIC = re.compile(r"\bbasic(?:\s|%20|\+){1,4}([A-Za-z0-9+/=_-]{8,}+)", re.IGNORECASE)
_PRIVATE_KEY = re.compile(r"-----BEGIN (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----")
_PRIVATE_KEY_END = re.compile(r"-----END (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----")
_URL_PASSWORD = re.compile(r"://[^\s:/?#@\"']{0,128}+:([^\s@/?#\"']{1,256}+)@")
_VENDOR_KEY = re.compile(
    _START
    + r"""(?:
      (?P<a>gh[pousr]_)[A-Za-z0-9]{30,255}+ | (?P<b>github_pat_)\w{22,255}+ | (?P<c>glpat-)[\w-]{20,64}+
    | (?P<d>xox[abeoprs]-)[\w-]{10,255}+ | (?P<e>xapp-)[\w-]{20,255}+
    | (?P<f>[srp]k_(?:live|test)_)[A-Za-z0-9]{10,255}+ | (?P<g>whsec_)[A-Za-z0-9+/=]{16,255}+
    | (?P<h>AIza)[\w-]{35} | (?P<i>ya29\.)[\w-]{20,2048}+ | (?P<j>GOCSPX-)[\w-]{20,64}+
    | (?P<k>npm_)[A-Za-z0-9]{36} | (?P<l>pypi-)[\w-]{50,2048}+
    | (?P<m>SG\.)[\w-]{16,64}+\.[\w-]{16,64}+ | (?P<n>key-)[0-9a-f]{32} | (?P<o>SK)[0-9a-f]{32}
    | (?P<p>sk-(?:proj-|ant-(?:api\d\d-)?|or-)?)[\w-]{20,512}+ | (?P<q>hf_)[A-Za-z0-9]{30,64}+
    | (?P<r>shp(?:at|ss|ca|pa)_)[0-9a-fA-F]{32} | (?P<s>dop_v1_)[0-9a-f]{64} | (?P<t>dckr_pat_)[\w-]{20,64}+
    )(?![A-Za-z0-9])""",
    re.VERBOSE,
)
_SLACK_HOOK = re.compile(r"hooks\.slack\.com/services/([A-Z0-9]{6,16}+/[A-Z0-9]{6,16}+/[A-Za-z0-9]{16,40}+)")
_NAMED = re.compile(
    r"""(?<![A-Za-z0-9])(?:[A-Za-z0-9]{1,24}[-_.]){0,3}[A-Za-z0-9]{0,16}?
    (?:password|passwd|passphrase|pwd|secret|token|api[-_]?key|access[-_]?key|account[-_]?key|client[-_]?secret
      |secret[-_]?(?:access[-_]?)?key|sharedaccesskey|(?:access|refresh|id|auth|session)[-_]?token|sessionid|credential
      |signature|sig|x-amz-(?:signature|credential|security-token)|authorization)
    (?:"|'|\\")?\s{0,4}(?:=|:|%3D|=>)\s{0,4}(?:"|'|\\")?
    (?P<value>[^\s"'&;,<>(){}\[\]\\]{4,}+)""",
    re.VERBOSE | re.IGNORECASE,
)
_NOT_SECRET = re.compile(
    r"(?:null|none|nil|true|false|undefined|missing|invalid|expired|required|empty|\*+|bearer|basic)[.:]?",
    re.IGNORECASE,
)
_CARD = re.compile(
    r"(?:(?<![A-Za-z0-9.,_+-])|(?<=%[0-9A-Fa-f]{2})|(?<=[A-Za-z_:]-))"
    r"(?:\d{4}(?P<s>[ .\u00a0-])\d{4}(?P=s)\d{4}(?P=s)\d{1,4}(?:(?P=s)\d{1,3})?"
    r"|\d{4}(?P<t>[ .\u00a0-])\d{6}(?P=t)\d{4,5}|\d{13,19}+)(?![A-Za-z0-9_]|[.-]\d)"
)
_EMAIL_LOCAL = re.compile(r"[^\s@\"'<>()\[\]{}\\,;:/|=&?#%]|%(?:2[bBeE5dD]|5[fF])")
_EMAIL_DOMAIN = re.compile(r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}[^\W\d_](?:[\w-]{0,61}[^\W_])")
_EMAIL_LOCAL_LIMIT = 64
_PHONE = re.compile(r"(?:(?<![\w+.-])\+|%2B)\d(?:[ .()/-]{0,2}\d){7,14}(?![\w]|[.-]\d)")
_IBAN = re.compile(rf"{_START}[A-Z]{{2}}\d\d(?:[A-Z0-9]{{11,30}}|(?: [A-Z0-9]{{4}}){{2,7}}(?: [A-Z0-9]{{1,3}})?){_END}")
_RANDOM_BITS = 4.2
_IBAN_LENGTHS = range(15, 35)


def aws_key_ids(text: str) -> Iterator[Span]:
    """Find AWS access key ids; ids of users and roles (AIDA, AROA) are no secret. Source: IAM User Guide, unique ids."""
    yield from _whole(_AWS_KEY_ID, text, "aws-access-key-id")


def aws_secret_keys(text: str) -> Iterator[Span]:
    """Find what looks like an AWS secret access key: forty base64 characters that no hash or path would have."""
    for found in _AWS_SECRET.finditer(text):
        if _looks_random(found[0]):
            yield Span(*found.span(), "aws-secret-access-key")


def aws_session_tokens(text: str) -> Iterator[Span]:
    """Find AWS session tokens by how STS begins them."""
    yield from _whole(_AWS_SESSION, text, "aws-session-token")


def jwts(text: str) -> Iterator[Span]:
    """Find JSON Web Tokens. Source: RFC 7519: three base64url parts, the first a JSON object."""
    yield from _whole(_JWT, text, "jwt")


def authorizations(text: str) -> Iterator[Span]:
    """Find bearer tokens, and basic credentials that decode to `user:password`."""
    for found in _BEARER.finditer(text):
        yield Span(*found.span(1), "bearer-token")
    for found in _BASIC.finditer(text):
        if b":" in _decoded(found[1]):
            yield Span(*found.span(1), "basic-credentials")


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
        yield Span(*found.span(1), "url-password")


def vendor_keys(text: str) -> Iterator[Span]:
    """Find keys that vendors gave a prefix to be found by."""
    for found in _VENDOR_KEY.finditer(text):
        yield Span(*found.span(), "vendor-key", found[found.lastgroup or 0])
    for found in _SLACK_HOOK.finditer(text):
        yield Span(*found.span(1), "vendor-key")


def named_secrets(text: str) -> Iterator[Span]:
    """Find `password=…`, `token: …`, `X-Amz-Signature=…` in query strings, connection strings and log lines."""
    for found in _NAMED.finditer(text):
        if not _NOT_SECRET.fullmatch(found["value"]):
            yield Span(*found.span("value"), "named-secret")


def card_numbers(text: str) -> Iterator[Span]:
    """Find card numbers: a brand's prefix and length, a right Luhn digit. Source: ISO/IEC 7812."""
    for found in _CARD.finditer(text):
        number = "".join(char for char in found[0] if char.isdigit())
        if is_card_number(number):
            yield Span(*found.span(), "card-number")


def emails(text: str) -> Iterator[Span]:
    """Find e-mail addresses, internationalised ones and those in URLs (`%40`) too. Source: RFC 5321, RFC 6531."""
    for at in re.finditer(r"@|%40", text):
        domain = _EMAIL_DOMAIN.match(text, at.end())
        if domain is None:
            continue
        start = _email_start(text, at.start())
        if start < at.start():
            yield Span(start, domain.end(), "email")


def phone_numbers(text: str) -> Iterator[Span]:
    """Find phone numbers in international form, `+` and 8 to 15 digits. Source: ITU-T E.164."""
    yield from _whole(_PHONE, text, "phone")


def ibans(text: str) -> Iterator[Span]:
    """Find IBANs: country, length, and a right check. Source: ISO 13616."""
    for found in _IBAN.finditer(text):
        number = found[0].replace(" ", "")
        if len(number) in _IBAN_LENGTHS and _iban_is_right(number):
            yield Span(*found.span(), "iban")


DETECTORS: Mapping[Detector, tuple[str, ...]] = {
    private_keys: ("-----BEGIN",),
    aws_session_tokens: ("FwoG", "FQoG", "IQoJ"),
    jwts: ("eyJ",),
    aws_key_ids: ("AKIA", "ASIA", "ABIA", "ACCA"),
    vendor_keys: (),
    url_passwords: ("://",),
    authorizations: ("earer", "EARER", "asic", "ASIC"),
    named_secrets: ("=", ":", "%3D"),
    emails: ("@", "%40"),
    card_numbers: (),
    phone_numbers: ("+", "%2B"),
    ibans: (),
    aws_secret_keys: (),
}
"""In the order in which they win where spans overlap; each with texts without one of which it finds nothing."""

_CUE = re.compile(
    r"@|%40|(?:A[KS]|AB|AC)[IC]A|eyJ|bearer|basic|PRIVATE KEY|://|FwoG|FQoG|IQoJ"
    r"|gh[pousr]_|github_pat|glpat-|xox|xapp-|[srp]k_|whsec_|AIza|ya29|GOCSPX|npm_|pypi-|SG\.|key-|SK[0-9a-f]|sk-|hf_|shp"
    r"|dop_v1|dckr_pat|hooks\.slack"
    r"|pass|pwd|secret|token|api.?key|access.?key|account.?key|credential|signature|sig[=:%]|authorization|sessionid"
    r"|\d[ .\u00a0-]?\d[ .\u00a0-]?\d[ .\u00a0-]?\d[ .\u00a0-]?\d[ .\u00a0-]?\d[ .\u00a0-]?\d"
    r"|[A-Z]{2}\d\d[ A-Z0-9]|[A-Za-z0-9/+]{40}",
    re.IGNORECASE,
)


def spans(text: str) -> list[Span]:
    """Give all private parts of *text*, in order and without overlaps."""
    if _CUE.search(text) is None:
        return []
    found: list[Span] = []
    taken = bytearray(len(text))
    for detector, hints in DETECTORS.items():
        if hints and not any(hint in text for hint in hints):
            continue
        for span in detector(text):
            if taken.find(1, span.start, span.end) < 0:
                found.append(span)
                taken[span.start : span.end] = b"\x01" * (span.end - span.start)
    return sorted(found)


def is_card_number(number: str) -> bool:
    """Say whether the digits *number* have a brand's prefix and length and a right Luhn digit."""
    return len(number) in _card_lengths(number) and passes_luhn(number)


_BRANDS: tuple[tuple[re.Pattern[str], tuple[int, ...]], ...] = (
    (re.compile("4"), (13, 16, 19)),  # Visa
    (re.compile("5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720"), (16,)),  # Mastercard
    (re.compile("3[47]"), (15,)),  # American Express
    (re.compile("30[0-5]|3[689]"), (14, 16, 19)),  # Diners Club
    (re.compile("352[89]|35[3-8]|6011|65|64[4-9]|62"), (16, 17, 18, 19)),  # JCB, Discover, UnionPay
    (re.compile("5018|5020|5038|5893|6304|6759|676[123]"), (16, 17, 18, 19)),  # Maestro
)
"""The brands' published prefixes and the lengths of their numbers."""


def _card_lengths(number: str) -> tuple[int, ...]:
    return next((lengths for prefix, lengths in _BRANDS if prefix.match(number)), ())


def _email_start(text: str, end: int) -> int:
    """Go back from the @ over what a local part may hold."""
    start = end
    while start > 0 and end - start < _EMAIL_LOCAL_LIMIT:
        if _EMAIL_LOCAL.fullmatch(text, start - 1, start):
            start -= 1
        elif _EMAIL_LOCAL.fullmatch(text, start - 3, start):
            start -= 3  # a URL escape
        else:
            break
    return start


def _whole(pattern: re.Pattern[str], text: str, detector: str) -> Iterator[Span]:
    return (Span(*found.span(), detector) for found in pattern.finditer(text))


def _looks_random(text: str) -> bool:
    if not (any(map(str.isdigit, text)) and any(map(str.isupper, text)) and any(map(str.islower, text))):
        return False
    counts = Counter(text)
    return -sum(count / len(text) * log2(count / len(text)) for count in counts.values()) >= _RANDOM_BITS


def _iban_is_right(number: str) -> bool:
    turned = number[4:] + number[:4]
    return int("".join(str(int(char, 36)) for char in turned)) % 97 == 1


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        return b""
