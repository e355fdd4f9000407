"""Each detector by itself: found wherever it stands, not found in what only looks like it."""

import inspect
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.redaction import detectors
from replay.redaction.detectors import DETECTORS, spans
from replay.redaction.spans import Span
from tests.redaction.samples import (
    AMEX,
    AWS_KEY_ID,
    AWS_SECRET,
    BEARER,
    CARD,
    EMAIL,
    GITHUB,
    IBAN,
    INNOCENTS,
    JWT,
    PHONE,
    RECEIPT_HANDLE,
    SESSION,
    SPACED_CARD,
)  # fmt: skip

_POSITIONS = (
    "{}", "the value {} was refused", 'got "{}" there', "got '{}'", "https://x.example/a?b={}&c=1", "1;2\t{}\n",
    '<a b="{}"/>', "<p>{}</p>", "({})", "line\n{}\nline", "a|{}|b", "[{}]", "`{}`", "It is {}",
)  # fmt: skip
_ESCAPED_POSITIONS = ("x%3D{}%26y%3D1", "%22{}%22", "&quot;{}&quot;", r"line\n{}\nline", r"{{\"a\": \"{}\"}}", r"\u0022{}\u0022", "\x1b[31m{}\x1b[0m")  # fmt: skip

Detector = Callable[[str], Iterator[Span]]


def found(detector: Detector, text: str) -> list[str]:
    return [text[span.start : span.end] for span in detector(text)]


@pytest.mark.parametrize("position", _POSITIONS)
@pytest.mark.parametrize(
    ("detector", "secret"),
    [
        (detectors.aws_key_ids, AWS_KEY_ID),
        (detectors.aws_secret_keys, AWS_SECRET),
        (detectors.aws_session_tokens, SESSION),
        (detectors.jwts, JWT),
        (detectors.vendor_keys, GITHUB),
        (detectors.emails, EMAIL),
        (detectors.card_numbers, CARD),
        (detectors.card_numbers, SPACED_CARD),
        (detectors.card_numbers, AMEX),
        (detectors.phone_numbers, PHONE),
        (detectors.receipt_handles, RECEIPT_HANDLE),
        (detectors.ip_addresses, "8.8.4.4"),
        (detectors.ip_addresses, "2a00:1450:4001:830::200e"),
        (detectors.spaced_phone_numbers, "(415) 555-2671"),
        (detectors.ibans, IBAN),
    ],
)
def test_found_wherever_it_stands(detector: Detector, secret: str, position: str) -> None:
    """A detector finds its secret, and just that, in prose, markup, URLs and log lines."""
    assert found(detector, position.format(secret)) == [secret]


@pytest.mark.parametrize("position", _ESCAPED_POSITIONS)
@pytest.mark.parametrize("secret", [AWS_KEY_ID, AWS_SECRET, JWT, EMAIL, CARD, SPACED_CARD, AMEX])
def test_found_behind_escapes(secret: str, position: str) -> None:
    """An escape beside a secret is no part of it: not the 22 of %22, not the n of a written-out line end."""
    text = position.format(secret)
    assert [text[span.start : span.end] for span in spans(text)] == [secret]


@pytest.mark.parametrize("innocent", INNOCENTS)
def test_innocent_texts_hold_nothing(innocent: str) -> None:
    """Identifiers, hashes, times, ARNs and versions stay as they are, alone and in a sentence."""
    assert spans(innocent) == []
    assert spans(f"record {innocent} was seen") == []


def test_only_secret_aws_ids_are_found() -> None:
    """Access key ids are found, ids of users and roles and too long or short words are not."""
    assert found(detectors.aws_key_ids, "ASIA" + AWS_KEY_ID[4:]) == ["ASIA" + AWS_KEY_ID[4:]]
    assert found(detectors.aws_key_ids, f"id{AWS_KEY_ID}") == [AWS_KEY_ID]
    for other in ("AIDA" + AWS_KEY_ID[4:], AWS_KEY_ID[:-1], AWS_KEY_ID + "X", "X" + AWS_KEY_ID):
        assert found(detectors.aws_key_ids, other) == []


def test_aws_secret_keys_look_random() -> None:
    """Forty characters are a secret key only when they look random: no digest, path or word is."""
    assert found(detectors.aws_secret_keys, f"aws_secret_access_key={AWS_SECRET}") == [AWS_SECRET]
    for other in (
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "a" * 40,
        "Abc1" * 10,
        AWS_SECRET + "=",
        AWS_SECRET + "a",
    ):
        assert found(detectors.aws_secret_keys, other) == []


def test_jwts_of_every_make() -> None:
    """Signed, unsigned, padded, encrypted and cut-off tokens are found; the full stop behind one is not its part."""
    header, claims, signature = JWT.split(".")
    for token in (
        JWT,
        f"{header}.{claims}",
        f"{header}=.{claims}==.{signature}=",
        f"{header}..iv-of-twelve.ciphertext.tag",
        f"{header}.key.iv.ciphertext.tag",
    ):
        assert found(detectors.jwts, f"Bearer {token} ok") == [token]
        assert found(detectors.jwts, f"it is {token}.") == [token]
    assert found(detectors.jwts, "eyJustAName.json and a.b.c") == []


@pytest.mark.parametrize(
    "text",
    [
        "Bearer {}",
        "bearer {}",
        "BEARER\n{}",
        "Bearer: {}",
        "Bearer  {}",
        'Bearer "{}"',
        "Authorization=Bearer+{}",
        "xBearer {}",
    ],
)
def test_bearer_tokens(text: str) -> None:
    """A bearer token is found behind a space, line end, colon or quote, in any case."""
    assert BEARER in found(detectors.authorizations, text.format(BEARER))


def test_words_are_no_bearer_tokens() -> None:
    """An error message about bearer tokens holds none."""
    assert found(detectors.authorizations, "Bearer authentication failed, bearer of news, Bearer Token expired") == []


def test_basic_credentials_are_decoded() -> None:
    """Basic credentials are found by what they decode to; a word behind `basic` is not."""
    assert found(detectors.authorizations, "Basic YWxpY2U6aHVudGVyMg== x") == ["YWxpY2U6aHVudGVyMg=="]
    assert found(detectors.authorizations, "basic arithmetic and basic information") == []


def test_private_keys_without_their_frame() -> None:
    """The lines of a PEM key are found and its frame stays; a key that is cut off goes to the end."""
    frame = "-----{} RSA PRIVATE KEY-----"
    begin, end = frame.format("BEGIN"), frame.format("END")
    assert found(detectors.private_keys, f"a {begin}\nMIIE\nabc=\n{end} b") == ["\nMIIE\nabc=\n"]
    assert found(detectors.private_keys, f"{begin}\nMIIE") == ["\nMIIE"]
    assert found(detectors.private_keys, "-----BEGIN PUBLIC KEY-----\nMIIE") == []


def test_passwords_in_urls() -> None:
    """The password of a connection string is found, its host is no e-mail address."""
    text = "postgres://orders:hunter2@db.example.com:5432/orders"
    assert [text[span.start : span.end] for span in spans(text)] == ["hunter2"]
    assert found(detectors.url_passwords, "redis://:s3cret@cache") == ["s3cret"]
    assert found(detectors.url_passwords, "http://example.com:8080/@home") == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("password=hunter2!x", "hunter2!x"),
        ("DB_PASSWORD: hunter22", "hunter22"),
        ("password='my own words'", "my own words"),
        ('{"clientSecret": "ab&cd"}', "ab&cd"),
        ("Server=x;Password=a1b2c3;Encrypt=no", "a1b2c3"),
        ("https://x/?X-Amz-Signature=fe5f80f7&a=1", "fe5f80f7"),
        ("Authorization: Token abcdef123", "abcdef123"),
        ("x-api-key=abcdef123.", "abcdef123"),
        ("token=>abcd", "abcd"),
    ],
)
def test_secrets_by_their_names(text: str, value: str) -> None:
    """What a name calls a secret is found up to where it ends: quotes, separators, the end of a sentence."""
    assert found(detectors.named_secrets, text) == [value]


@pytest.mark.parametrize(
    "text",
    ["next_token=abcdef", "response.NextToken: abcdef", "token=null", "password: missing", "tokens: 4096", "secret=***",
     "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf"],
)  # fmt: skip
def test_names_that_hold_no_secret(text: str) -> None:
    """Pagination tokens, absent values and ARNs of secrets are no secrets."""
    assert found(detectors.named_secrets, text) == []


def test_cookies() -> None:
    """The values of cookies are found; the attributes that a browser obeys are not."""
    assert found(detectors.cookies, "Cookie: session=abc123; theme=dark") == ["abc123", "dark"]
    line = "Set-Cookie: id=a3fWa; Path=/; Expires=Wed, 21 Oct 2026 07:28:00 GMT; HttpOnly; Secure"
    assert found(detectors.cookies, line) == ["a3fWa"]
    assert found(detectors.cookies, "a cookie: eat it") == []


@pytest.mark.parametrize(
    "number",
    [
        CARD, "4222222222222", "5500005555555559", "2223003122003222", "378282246310005", "30569309025904", "36148900647913",
        "3530111333300000", "6011111111111117", "6200000000000005", "6304000000000000", "4539-5787-6362-1486",
        "4539.5787.6362.1486", "4539 - 5787 - 6362 - 1486", "4539\u00a05787\u00a06362\u00a01486", CARD.translate({ord(digit): 0xFF10 + int(digit) for digit in "0123456789"}),
    ],
)  # fmt: skip
def test_card_numbers_of_every_brand(number: str) -> None:
    """Thirteen to nineteen digits of a known brand are found, with the separators that people use, in any script."""
    assert found(detectors.card_numbers, f"card {number} ok") == [number]


@pytest.mark.parametrize(
    "text",
    ["a,{},b", "12,{},2", "VISA{}", "%B{}^DOE/J^2712", ";{}=2712", "{}-2712", "{}.0", "key_{}_x", "{} 123", "{} 12/27",
     "2027 {}", "{},{}"],
)  # fmt: skip
@pytest.mark.parametrize("card", [CARD, SPACED_CARD])
def test_card_numbers_in_hard_places(text: str, card: str) -> None:
    """A card number is found in CSV, on a magnetic stripe, glued to words, and beside other numbers."""
    text = text.format(card, card)
    rest = [text]
    for span in reversed(spans(text)):
        rest.append(text[span.start : span.end])
        text = text[: span.start] + text[span.end :]
    assert card not in text
    assert len(rest) > 1


def test_numbers_that_are_no_cards() -> None:
    """A wrong Luhn digit, a prefix of no brand, a wrong length, or digits of a hash, are no card number."""
    for text in (
        "4539578763621487",
        "1234567812345670",
        "45395787636214860000",
        "0000000000000000",
        f"ab{CARD}cdef0123",
    ):
        assert found(detectors.card_numbers, text) == []


@pytest.mark.parametrize(
    "address",
    [
        "alice@example.com", "ALICE@EXAMPLE.COM", "a.b-c_d+e@sub.example.co", "x@xn--bcher-kva.example", "用户@例え.jp",
        "jürgen@bücher.de", '"Alice Liddell"@example.com', "a@[192.168.0.1]", "alice\uff20example.com", "a@163.com",
        "!#$*@example.museum",
    ],
)  # fmt: skip
def test_addresses_of_every_shape(address: str) -> None:
    """Addresses with tags, quotes, other scripts, punycode, capitals and literal hosts are found."""
    found_ = found(detectors.emails, f"to {address}, now")
    assert len(found_) == 1
    assert found_[0][-5:] == address[-5:]
    assert address.startswith(("!#", *found_))


def test_several_addresses_in_one_line() -> None:
    """Each address of a line is found by itself."""
    text = "From: Al <a@x.example>; b@y.example,c@z.example mailto:d@w.example?subject=x"
    assert found(detectors.emails, text) == ["a@x.example", "b@y.example", "c@z.example", "d@w.example"]


@pytest.mark.parametrize("text", ["a @ b.co", "@mention.here", "pkg@1.2.3", "logo@2x.png", "user@host", "a@b.c"])
def test_no_addresses(text: str) -> None:
    """An @ alone makes no address."""
    assert found(detectors.emails, text) == []


@pytest.mark.parametrize(
    "text", ["2026-11-20T10:15:30+00:00", "a+12345678901", "+123", "1+4915123456789", "+0.12345678901"]
)
def test_no_phone_numbers(text: str) -> None:
    """Time zones, sums and short numbers are no phone numbers."""
    assert found(detectors.phone_numbers, text) == []


def test_ibans_are_checked() -> None:
    """An IBAN with a wrong check digit is none."""
    assert found(detectors.ibans, "DE89370400440532013000") == ["DE89370400440532013000"]
    assert found(detectors.ibans, "DE88370400440532013000 AB12CDEFGHIJKLMNOP") == []


def test_of_one_within_another_the_outer_counts() -> None:
    """A secret that stands in another leaves nothing of the other behind."""
    text = f"password={AWS_KEY_ID}/and-more x"
    assert [text[span.start : span.end] for span in spans(text)] == [f"{AWS_KEY_ID}/and-more"]
    text = f"password=ab%20{AWS_KEY_ID}%20cd x"
    assert [text[span.start : span.end] for span in spans(text)] == [f"ab%20{AWS_KEY_ID}%20cd"]


def test_a_token_keeps_its_kind() -> None:
    """Where a name and a format find the same, the format counts: its shape is kept."""
    assert [span.detector for span in spans(f"token={JWT}")] == ["jwt"]
    assert [span.detector for span in spans(f"Authorization: Bearer {JWT}")] == ["jwt"]


@given(st.text(max_size=40), st.sampled_from([AWS_KEY_ID, JWT, EMAIL, CARD, PHONE, IBAN, GITHUB]), st.text(max_size=40))
def test_spans_are_apart_and_inside(before: str, secret: str, after: str) -> None:
    """Spans come in order, do not overlap, and lie in the text."""
    text = f"{before} {secret} {after}"
    all_spans = spans(text)
    assert all(one.end <= other.start for one, other in pairwise(all_spans))
    assert all(0 <= span.start < span.end <= len(text) for span in all_spans)


def test_every_detector_is_in_the_table() -> None:
    """No detector is forgotten: each public function of the module that finds spans is used."""
    found_there = {
        value
        for value in vars(detectors).values()
        if inspect.isfunction(value) and inspect.signature(value).return_annotation == Iterator[Span]
        and list(inspect.signature(value).parameters) == ["text"]
    }  # fmt: skip
    assert set(DETECTORS) == found_there


@pytest.mark.parametrize("length", [32, 40, 64, 128])
def test_a_hash_holds_no_card_number(length: int) -> None:
    """Digits of a digest may look like a card number by chance, wherever in it they stand: also at its very end."""
    for start in range(length - len(CARD) + 1):
        digest = ("98a32b19" * 16)[:start] + CARD + ("c76ed38f" * 16)[: length - len(CARD) - start]
        assert found(detectors.card_numbers, f'"md5OfBody": "{digest}"') == [], digest


def test_a_uuid_is_no_card_number() -> None:
    """An id of which four groups look like a card number by chance stays; the same digits elsewhere do not."""
    groups = "6259-4248-4926-9458"
    assert [each for each in spans(groups) if each.detector == "card-number"]
    for text in (f"a53a{groups}-34399538ca94", f"id=a53a{groups}-34399538ca94;", f'"A53A{groups}-34399538CA94"'):
        assert spans(text) == []
    for text in (f"order a53a {groups} 34399538ca94", f"xa53a{groups}-34399538ca94"):
        assert [each for each in spans(text) if each.detector == "card-number"], text
