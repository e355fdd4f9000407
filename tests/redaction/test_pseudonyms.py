"""What stands in for a private value: the same each time, of its look, and nobody's own."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.redaction.card_numbers import is_card_number, luhn_digit
from replay.redaction.pseudonyms import MARK, Pseudonyms, is_pseudonym
from tests.redaction.samples import AMEX, AWS_KEY_ID, AWS_SECRET, EMAIL, GITHUB, IBAN, PHONE, SPACED_CARD

ONE = Pseudonyms(b"one key")
OTHER = Pseudonyms(b"another key")

_brands = st.sampled_from(
    ["4", "51", "2223", "34", "37", "300", "36", "38", "39", "3530", "6011", "62", "5018", "6304"]
)


@st.composite
def card_numbers(draw: st.DrawFn) -> str:
    start = draw(_brands)
    lengths = [size for size in range(13, 20) if is_card_number(_completed(start, "0" * (size - len(start) - 1)))]
    size = draw(st.sampled_from(lengths))
    return _completed(
        start, draw(st.text("0123456789", min_size=size - len(start) - 1, max_size=size - len(start) - 1))
    )


def _completed(start: str, rest: str) -> str:
    return start + rest + luhn_digit(start + rest)


@pytest.mark.parametrize(
    ("make", "value"),
    [
        ("secret", AWS_SECRET),
        ("aws_key_id", AWS_KEY_ID),
        ("email", EMAIL),
        ("card", SPACED_CARD),
        ("phone", PHONE),
        ("iban", IBAN),
    ],
)
def test_only_the_key_and_the_value_decide(make: str, value: str) -> None:
    """The same value has the same stand-in under one key, another one under another key."""
    made = getattr(ONE, make)(value)
    assert made == getattr(Pseudonyms(b"one key"), make)(value)
    assert made != getattr(OTHER, make)(value)
    assert len(made) == len(value)
    assert [char.isspace() for char in made] == [char.isspace() for char in value]


@given(card_numbers())
def test_cards_stay_cards(number: str) -> None:
    """A stand-in has the card's length and brand, passes Luhn, is known again, and is never the card itself."""
    made = ONE.card(number)
    assert is_card_number(made)
    assert len(made) == len(number)
    assert is_pseudonym("card-number", made)
    assert made != number or is_pseudonym("card-number", number)


def test_cards_keep_their_separators() -> None:
    """Separators stay where they were, and do not matter for the stand-in."""
    made = ONE.card(SPACED_CARD)
    assert re.fullmatch(r"4242 42\d\d \d{4} \d{4}", made)
    assert made.replace(" ", "") == ONE.card(SPACED_CARD.replace(" ", ""))
    assert re.fullmatch(r"3782 82\d{4} \d{5}", ONE.card(AMEX))


@given(st.emails())
def test_addresses_end_in_invalid(address: str) -> None:
    """A stand-in is an address of a reserved domain, of the same length where that is long enough."""
    made = ONE.email(address)
    assert made.count("@") == address.count("@")
    assert made.endswith(".invalid")
    assert is_pseudonym("email", made)
    assert made != address
    assert len(made) == max(len(address), len(address.rpartition("@")[0]) + 10)


def test_addresses_of_one_domain_share_a_domain() -> None:
    """Two people of one company stay so."""
    hosts = {ONE.email(f"{name}@corporation.example").rpartition("@")[2] for name in ("alice", "bob")}
    assert len(hosts) == 1


@given(st.text(min_size=1))
def test_secrets_are_marked(value: str) -> None:
    """A stand-in for a secret is as long, is known again, and has its look behind the mark."""
    made = ONE.secret(value)
    assert len(made) == len(value)
    assert is_pseudonym("secret", made)
    assert made != value or is_pseudonym("secret", value)
    for ours, theirs in zip(made[len(MARK) :], value[len(MARK) :], strict=True):
        if theirs.isascii():
            assert (ours.isdigit(), ours.isupper(), ours.islower()) == (
                theirs.isdigit(),
                theirs.isupper(),
                theirs.islower(),
            )


@given(st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False)))
def test_secret_numbers_stay_numbers(value: float) -> None:
    """A stand-in for a JSON number is a JSON number of the same length, and is its own stand-in."""
    made = ONE.digits(str(value))
    assert float(made) is not None
    assert len(made) == len(str(value))
    assert ONE.digits(made) == made


@pytest.mark.parametrize(
    ("detector", "published"),
    [
        ("card-number", "4242424242424242"),
        ("card-number", "4111111111111111"),
        ("card-number", "5555555555554444"),
        ("card-number", "378282246310005"),
        ("card-number", "6011111111111117"),
        ("aws-access-key-id", "AKIAIOSFODNN7EXAMPLE"),
        ("aws-secret-access-key", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        ("email", "alice@example.com"),
        ("phone", "+1 202 555 0123"),
        ("iban", IBAN),
        ("vendor-key", GITHUB),
    ],
)
def test_published_examples_are_not_ours(detector: str, published: str) -> None:
    """An example that anybody may use is not taken for one of our stand-ins."""
    assert not is_pseudonym(detector, published)


def test_the_look_of_other_scripts() -> None:
    """Letters stay in their script, and digits stay digits."""
    made = ONE.secret("abcdefgh" + "Ωмйجق中5é")
    assert [char.isdigit() for char in made[8:]] == [False] * 6 + [True, False]
    scripts = [unicodedata.name(char).split()[0] for char in made[8:]]
    assert scripts == ["GREEK", "CYRILLIC", "CYRILLIC", "ARABIC", "ARABIC", "CJK", "DIGIT", "LATIN"]


def test_vendor_keys_keep_their_prefix() -> None:
    """A vendor's key is still known by its prefix."""
    assert ONE.vendor_key(GITHUB, "ghp_").startswith("ghp_" + MARK)
    assert ONE.aws_key_id(AWS_KEY_ID).startswith("AKIA" + MARK)
