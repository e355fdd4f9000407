"""Names, postal addresses and phone numbers: known by their keys and labels, replaced in their own scripts."""

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.redaction.labelled_people import labelled_people
from replay.redaction.name_pseudonyms import is_name_stand_in
from replay.redaction.personal_keys import personal_kind_at
from replay.redaction.phone_numbers import is_written_phone_number, regional_phone_numbers, spaced_phone_numbers
from replay.redaction.pseudonyms import Pseudonyms
from replay.redaction.redactor import Redactor
from replay.redaction.settings import RedactionSettings

ONE = Pseudonyms(b"one key")
NAMES = (
    "Alice Liddell",
    "Åsa Öberg",
    "Владимир Ильин",
    "Ελένη Παππά",
    "李小龙",
    "さくら",
    "김민준",
    "שרה כהן",
    "محمد علي",
    "O'Brien-Smith",
)


def redacted(event: Any, **settings: Any) -> Any:
    return json.loads(Redactor(RedactionSettings(key=b"k", **settings)).event(json.dumps(event)).text)


def scripts(text: str) -> list[str]:
    return [unicodedata.name(char).split()[0] if char.isalpha() else char for char in text]


@pytest.mark.parametrize("name", NAMES)
def test_names_keep_scripts_and_lengths(name: str) -> None:
    """A stand-in has each letter in its script and case, each other character as it is, and no letter of its own."""
    made = ONE.name(name)
    assert scripts(made) == scripts(name)
    assert len(made.encode()) == len(name.encode())
    assert [char.isupper() for char in made] == [char.isupper() for char in name]
    assert is_name_stand_in(made)
    assert not is_name_stand_in(name)
    assert ONE.name(name) == made != Pseudonyms(b"another key").name(name)


@given(st.text(), st.sampled_from(["customer_name", "street", "phone", "zip_code", "first_name"]))
def test_twice_is_once(value: str, key: str) -> None:
    """Whatever stands under such a key, redacting it again changes nothing."""
    once = redacted({key: value})
    assert redacted(once) == once


@pytest.mark.parametrize(
    "address",
    ["12 Canal Row", "Flat 3B, 221 Baker Street", "LS1 4AB", "90210", "東京都千代田区1-1", "Käthe-Kollwitz-Str. 7"],
)
def test_addresses_keep_their_form(address: str) -> None:
    """Digits of an address stay digits, letters letters, and nobody lives there."""
    made = redacted({"shipping": {"address": {"street": address}}})["shipping"]["address"]["street"]
    assert made != address
    assert [char.isdigit() for char in made] == [char.isdigit() for char in address]
    assert scripts(made)[-1].isdigit() == address[-1].isdigit()


@pytest.mark.parametrize(
    ("event", "private"),
    [
        ({"customer": {"name": "Ada Okonkwo"}}, "Ada"),
        ({"customers": [{"name": {"first": "Ada", "last": "Okonkwo"}}]}, "Okonkwo"),
        ({"billing_address": {"city": "Leeds", "line1": "12 Canal Row"}}, "Leeds"),
        ({"firstName": "Ada"}, "Ada"),
        ({"CARDHOLDER-NAME": "ADA OKONKWO"}, "OKONKWO"),
        ({"NewImage": {"surname": {"S": "Okonkwo"}}}, "Okonkwo"),
        ({"phone": "0113 496 0000"}, "496"),
        ({"mobile_number": 447700900123}, "7700900123"),
        ({"postcode": 90210}, "90210"),
        ({"body": "first_name=Ada&street=12%20Canal+Row"}, "Canal"),
        ({"body": "<order><LastName>Okonkwo</LastName></order>"}, "Okonkwo"),
        ({"body": 'failed for {"fullName": "Ada Okonkwo"} after 3 s'}, "Okonkwo"),
    ],
)
def test_known_by_their_keys(event: Any, private: str) -> None:
    """Keys that say so, in any casing and any encoding, hide the name, the address or the number."""
    once = redacted(event)
    assert private not in json.dumps(once)
    assert redacted(once) == once


@pytest.mark.parametrize(
    "event",
    [
        {"bucket": {"name": "uploads"}, "name": "orders", "queueName": "orders-dlq", "eventName": "ObjectCreated:Put"},
        {"product": {"name": "Mug", "first": True}, "city": "Leeds", "zip": "files.zip"},
        {"customer": {"name": None, "id": "c-7"}, "user": {"name": ""}, "phone": "none", "firstName": "null"},
        {"smartphone": "Pixel 9", "address": "orders@svc", "ip": "10.0.0.7", "hostname": "web-1", "number": "17"},
        {"body": "bucket_name=uploads&file_name=a.txt first_name: missing"},
    ],
)
def test_other_names_stay(event: Any) -> None:
    """Names of buckets, products and queues, and values that are none, stay as they are."""
    assert redacted(event) == event


def test_a_key_means_its_place() -> None:
    """`name` is a person's beneath a customer, and nobody's at the top or beneath a bucket."""
    assert personal_kind_at(((None, "customer"), "name")) == "person-name"
    assert personal_kind_at((((None, "customer"), "name"), "first")) == "person-name"
    assert personal_kind_at(((((None, "guests"), 0), "names"), 1)) == "person-name"
    assert personal_kind_at(((None, "bucket"), "name")) == ""
    assert personal_kind_at((None, "name")) == ""
    assert personal_kind_at(None) == ""


def test_labels_of_a_text() -> None:
    """Of a labelled value its end is found: at a quote, a separator, a closing element."""
    text = 'first_name=Ada&x=1 "surname": "Okonkwo", <Street>12 Canal Row</Street> bucket_name=b'
    assert [(text[each.start : each.end], each.detector) for each in labelled_people(text)] == [
        ("Ada", "person-name"), ("Okonkwo", "person-name"), ("12 Canal Row", "postal-address"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "number", ["(415) 555-2671", "415-555-2671", "1 415 555 2671", "0049 151 23456789", "0044 20 7946 0018"]
)
def test_numbers_of_a_country_without_a_plus(number: str) -> None:
    """Numbers as North America writes them, and behind 00, are found where their plan knows them."""
    text = f"call {number} now"
    assert [text[each.start : each.end] for each in spaced_phone_numbers(text)] == [number]
    made = Redactor(RedactionSettings(key=b"k")).plain(text)
    assert number not in made
    assert Redactor(RedactionSettings(key=b"k")).plain(made) == made


@pytest.mark.parametrize(
    "text", ["123-456-7890", "000-555-2671", "2026-11-20 1234", "0012 345", "1795-262-4000", "415-555-2671-9"]
)
def test_numbers_that_no_plan_knows(text: str) -> None:
    """Order numbers and dates of the same look are no phone numbers."""
    assert list(spaced_phone_numbers(f"order {text} seen")) == []


def test_numbers_of_configured_regions() -> None:
    """With `phone_regions`, numbers as their people write them are found; without, they are not."""
    text = "Rückruf unter 030 901820 erbeten"
    assert [text[each.start : each.end] for each in regional_phone_numbers(text, ["DE"])] == ["030 901820"]
    assert redacted({"m": text}) == {"m": text}
    made = redacted({"m": text}, phone_regions=("DE",))
    assert "901820" not in made["m"]
    assert redacted(made, phone_regions=("DE",)) == made


def test_what_a_phone_field_may_hold() -> None:
    """Under the key of a phone number only what is written as one counts."""
    assert is_written_phone_number("+44 (0)113 496-0000 ext. 12")
    assert not is_written_phone_number("Pixel 9")
    assert not is_written_phone_number("12345")
    assert not is_written_phone_number("2026-11-20T10:15:30")
