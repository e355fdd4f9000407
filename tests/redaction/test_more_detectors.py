"""Addresses of machines, vendors' keys, random strings, and numbers by which states know people."""

import json
import secrets
import string
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.redaction.high_entropy import high_entropy_strings
from replay.redaction.national_ids import NATIONAL_IDS, exists, national_ids
from replay.redaction.network_addresses import ip_addresses
from replay.redaction.pseudonyms import Pseudonyms
from replay.redaction.redactor import Redactor
from replay.redaction.settings import RedactionSettings
from replay.redaction.vendor_keys import vendor_keys

ONE = Pseudonyms(b"one key")


def redacted(event: Any, **settings: Any) -> Any:
    return json.loads(Redactor(RedactionSettings(key=b"k", **settings)).event(json.dumps(event)).text)


@given(
    st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).filter(lambda each: each.is_global and not each.is_multicast)
)
def test_addresses_become_those_of_documentation(address: Any) -> None:
    """Every public address becomes one that is kept for documentation, and that one stays."""
    written = address.exploded if address.version == 6 else str(address)
    made = redacted({"sourceIp": written, "m": f"from [{written}]:443"})
    if written.endswith(".0.0"):
        return
    assert made["sourceIp"].startswith(("192.0.2.", "198.51.100.", "203.0.113.", "2001:db8:"))
    assert made["m"] == f"from [{made['sourceIp']}]:443"
    assert redacted(made) == made


@pytest.mark.parametrize(
    "text",
    ["10.1.2.3", "172.16.0.1", "192.168.1.1", "127.0.0.1", "169.254.169.254", "0.0.0.0", "255.255.255.0", "203.0.113.7",
     "::1", "fe80::1", "fd00::7", "2001:db8::7", "1.2.3", "v8.8.4.4", "8.8.4.4.4", "8.8.4.400", "Chrome/119.1.2.3", "10:15:30",
     "a::b::c", "52.0.0.0", "8.8.4.4-beta"],
)  # fmt: skip
def test_addresses_of_nobody(text: str) -> None:
    """Private networks, this machine, documentation, versions and times stay."""
    assert list(ip_addresses(f"at {text} seen")) == []


def _letters(count: int, alphabet: str = string.ascii_letters + string.digits) -> str:
    return "".join(Random(count).choices(alphabet, k=count))


@pytest.mark.parametrize(
    ("prefix", "rest"),
    [
        ("glpat-", _letters(20)), ("xoxb-", "123456789012-" + _letters(24)), ("sk_live_", _letters(24)), ("AIza", _letters(35)),
        ("npm_", _letters(36)), ("SG.", f"{_letters(22)}.{_letters(43)}"), ("sk-ant-api03-", _letters(93)), ("hf_", _letters(34)),
        ("shpat_", _letters(32, "0123456789abcdef")), ("dop_v1_", _letters(64, "0123456789abcdef")), ("sq0atp-", _letters(22)),
        ("rzp_live_", _letters(14)), ("NRAK-", _letters(27)), ("dapi", _letters(32, "0123456789abcdef")), ("lin_api_", _letters(40)),
        ("figd_", _letters(40)), ("glsa_", _letters(41)), ("sntrys_", _letters(60)), ("hvs.", _letters(90)), ("LTAI", _letters(20)),
        ("pul-", _letters(40, "0123456789abcdef")), ("ATATT3", _letters(60)), ("r8_", _letters(37)), ("gsk_", _letters(52)),
    ],
)  # fmt: skip
def test_keys_of_vendors(prefix: str, rest: str) -> None:
    """A key is found by its vendor's prefix, which stays; what stands for it is known again."""
    text = f"with {prefix}{rest}, refused"
    assert [text[each.start : each.end] for each in vendor_keys(text)] == [prefix + rest]
    made = redacted([text])
    assert made[0].startswith(f"with {prefix}REDACTED")
    assert redacted(made) == made


@pytest.mark.parametrize(
    "text",
    [
        "https://hooks.slack.com/services/T00000000/B00000000/" + _letters(24),
        "https://discord.com/api/webhooks/123456789012345678/" + _letters(68),
        "bot 123456789:AA" + _letters(33),
        "secret a1b8Q~" + _letters(34),
    ],
)
def test_keys_with_a_form(text: str) -> None:
    """Web hooks and tokens that only their form tells are found."""
    (found,) = vendor_keys(text)
    assert text[found.start : found.end] not in redacted([text])[0]


@pytest.mark.parametrize("length", [32, 43, 64, 100])
def test_random_strings(length: int) -> None:
    """Words that a machine has drawn are found, but for one in a hundred or so."""
    drawn = [_drawn(length, seed) for seed in range(200)]
    found = [word for word in drawn if list(high_entropy_strings(f"key {word} x"))]
    assert len(found) >= 194


def _drawn(length: int, seed: int) -> str:
    return "".join(Random(seed).choices(string.ascii_letters + string.digits, k=length))


@pytest.mark.parametrize(
    "text",
    [
        "OrderCreatedEventHandlerServiceImplementationV2", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "7d3c6b1e-52d1-4a4c-9a39-8f1f0a2d7a11", f"etag={_letters(32)}", f'"versionId": "{_letters(32)}"', f"x-amz-id-2: {_letters(40)}",
        "49590338271490256608559692538361571095921575989136588898", "arn:aws:states:eu-west-1:123456789012:execution:Orders:Run7", "REDACTED" + _letters(40),
    ],
)  # fmt: skip
def test_random_strings_that_say_what_they_are(text: str) -> None:
    """Identifiers in words, digests, ids and versions, by look or by name, are no secrets."""
    assert list(high_entropy_strings(f"saw {text}")) == []


def test_ids_by_their_key_may_look_random() -> None:
    """The value of a key that ends in `id`, `etag` or `hash` stays; of another key it does not."""
    word = _letters(32)
    assert redacted({"versionId": word, "content_hash": word}) == {"versionId": word, "content_hash": word}
    assert redacted({"value": {"plan": word}})["value"]["plan"] != word


_REAL = {
    "us-ssn": "536-22-8726", "gb-nino": "AB 12 34 56 C", "es-dni": "12345678Z", "fr-nir": "2 55 08 14 168 025 38",
    "br-cpf": "111.444.777-35", "nl-bsn": "111222333", "pl-pesel": "44051401359", "de-tax-id": "86095742719",
    "it-codice-fiscale": "RSSMRA85T10A562S", "in-aadhaar": "9999 4105 7058",
}  # fmt: skip


@pytest.mark.parametrize("country", NATIONAL_IDS)
def test_national_ids(country: str) -> None:
    """A country's number is found by form and check where it is configured, and only there."""
    number = _REAL[country]
    event = {"m": f"id {number} given"}
    assert [each.detector for each in national_ids(event["m"], (country,))] == [f"national-id:{country}"]
    made = redacted(event, national_ids=(country,))
    assert number not in made["m"]
    assert [char.isdigit() for char in made["m"]] == [char.isdigit() for char in event["m"]]
    assert redacted(made, national_ids=(country,)) == made
    assert not list(national_ids(f"order x{number}", (country,)))


@given(st.sampled_from(sorted(NATIONAL_IDS)))
def test_a_stand_in_is_nobodys_number(country: str) -> None:
    """What stands for a number fails its check, so that it is nobody's, and is not found again."""
    assert not exists(country, ONE.national_id(_REAL[country], country))


def test_not_every_number_is_one() -> None:
    """Of numbers drawn at random, only the share that a check lets pass is taken for one."""
    drawn = [f"{secrets.SystemRandom(1).randrange(10**11):011}" for _ in range(400)]
    assert sum(exists("br-cpf", number) for number in drawn) < 20
    assert sum(exists("pl-pesel", number) for number in drawn) < 80
