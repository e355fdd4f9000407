"""What the configuration says about places: by key, by JSON Pointer, by JSONPath, and by presets."""

import base64
import json
from typing import Any
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.errors import RedactionError
from replay.payloads.exact_json import is_json, splice
from replay.redaction.dropped_members import dropping
from replay.redaction.generalised import generalised, generalised_number
from replay.redaction.query_strings import encoded_values
from replay.redaction.redacted import Replacement
from replay.redaction.redactor import Redactor
from replay.redaction.settings import RedactionSettings
from tests.redaction.samples import CARD, EMAIL


def redactor(**settings: Any) -> Redactor:
    return Redactor(RedactionSettings.read(settings, key=b"the key of the tests"))


def redacted(event: Any, **settings: Any) -> Any:
    made = redactor(**settings).event(json.dumps(event)).text
    assert redactor(**settings).event(made).text == made
    return json.loads(made)


ORDER = {
    "id": "o-17",
    "customer": {"ref": "c-112-aa", "born": "1985-04-12", "note": "rings twice", "visits": 4711},
    "items": [{"sku": "MUG", "gift": "for Tom"}, {"sku": "CUP", "gift": None}],
}


def test_every_action() -> None:
    """Redact keeps the look, hash a digest, generalise a month or the first digits; drop takes the member out."""
    made = redacted(
        ORDER, redact=["note"], hash=["ref"], generalise=["born", "visits"], drop=["gift"], keep=["/items/1/gift"]
    )
    assert made["customer"]["note"].startswith("REDACTED")
    assert made["customer"]["ref"].startswith("REDACTED-")
    assert len(made["customer"]["ref"]) == 41
    assert made["customer"]["born"] == "1985-04-01"
    assert made["customer"]["visits"] == 4700
    assert made["items"] == [{"sku": "MUG"}, {"sku": "CUP", "gift": None}]
    assert made["id"] == "o-17"


@pytest.mark.parametrize("action", ["redact", "hash", "generalise"])
def test_what_is_true_or_false_is_false(action: str) -> None:
    """A rule counts for booleans as well: all become false, and null stays; without a rule they stay as they are."""
    event = {"positive": True, "tests": [True, False, None, {"last": True}], "vip": True}
    made = redacted(event, **{action: ["positive", "tests"]})
    assert made == {"positive": False, "tests": [False, False, None, {"last": False}], "vip": True}
    assert redacted(event, **{action: ["positive"]}, keep=["positive"]) == event


@pytest.mark.parametrize(
    "wrap", [lambda event: event, json.dumps, lambda event: base64.b64encode(json.dumps(event).encode()).decode()]
)
def test_json_paths_see_what_strings_hold(wrap: Any) -> None:
    """A JSONPath goes on through JSON in strings and in base64, as if it stood there itself."""
    event = {"Records": [{"body": wrap(ORDER)}, {"body": wrap({"customer": {"note": "kept apart"}})}]}
    text = redactor(redact=["$.Records[0].body.customer.note"]).event(json.dumps(event)).text
    bodies = [each["body"] for each in json.loads(text)["Records"]]
    opened = [
        json.loads(base64.b64decode(each)) if isinstance(each, str) and each[0] != "{" else each for each in bodies
    ]
    notes = [(json.loads(each) if isinstance(each, str) else each)["customer"]["note"] for each in opened]
    assert notes[0].startswith("REDACTED")
    assert notes[1] == "kept apart"


@pytest.mark.parametrize(
    ("path", "left"),
    [
        ("$..gift", [{"sku": "MUG"}, {"sku": "CUP"}]),
        ("$.items[?@.sku=='CUP']", [{"sku": "MUG", "gift": "for Tom"}, None]),
        ("$.items[*]['sku','gift']", [{}, {}]),
        ("$.items[-1:]", [{"sku": "MUG", "gift": "for Tom"}, None]),
        ("$.nothing", ORDER["items"]),
    ],
)
def test_json_paths_of_the_standard(path: str, left: Any) -> None:
    """Descendants, filters, unions and slices mean what RFC 9535 says."""
    assert redacted(ORDER, drop=[path])["items"] == left


def test_keep_wins_everywhere() -> None:
    """What is kept stays, whatever else a rule or a detector says of it."""
    event = {"email": EMAIL, "card": CARD, "note": "x-y-z"}
    assert redacted(event, keep=["$.email", "/card", "no*"], drop=["*"]) == event


def test_the_report_names_drops_and_coarse_values() -> None:
    """What was dropped, hashed and made coarse is reported with its place."""
    text = json.dumps({"body": json.dumps({"a": 1, "b": "1985-04-12", "c": "d"})})
    report = redactor(drop=["a"], generalise=["b"], hash=["c"]).event(text).redactions
    assert set(report) == {
        Replacement(at="/body#/a", detector="dropped"),
        Replacement(at="/body#/b", detector="generalised"),
        Replacement(at="/body#/c", detector="hash"),
    }


def test_hashes_join() -> None:
    """One value has one digest wherever it stands, another value another one; of a number it is a number."""
    made = redacted({"a": "c-7", "b": ["c-7", "c-8"], "n": 7, "m": 7, "o": 8}, hash=["*"])
    assert made["a"] == made["b"][0] != made["b"][1]
    assert made["n"] == made["m"] != made["o"]
    assert isinstance(made["n"], int)


def test_too_deep_for_paths() -> None:
    """An event that cannot be searched is refused, not let through."""
    deep = '{"a":' * 5_000 + "1" + "}" * 5_000
    with pytest.raises(RedactionError, match="JSONPaths"):
        redactor(drop=["$..secret"]).event(deep)
    assert redactor(drop=["secret"]).event(deep).text == deep


@pytest.mark.parametrize(
    ("preset", "event", "gone", "kept"),
    [
        ("gdpr", {"dateOfBirth": "1985-04-12", "nationality": "Utopian", "plan": "basic"}, ("-12", "Utopian"), ("1985-04", "basic")),
        ("pci", {"cvv2": "737", "track2Data": ";4539=27", "expiry_date": "12/27/2027", "amount": 1250}, ("737", "4539", "12/27"), ("1250",)),
        ("hipaa", {"MRN": "mrn-0042", "admissionDate": "2026-03-17", "zip": "90210", "ward": "B"}, ("0042", "-17", "90210"), ("2026-03", '"B"')),
    ],
)  # fmt: skip
def test_presets(preset: str, event: Any, gone: tuple[str, ...], kept: tuple[str, ...]) -> None:
    """A preset hides what its standard names, in any casing of the key, and leaves the rest."""
    made = json.dumps(redacted(event, presets=[preset]))
    assert not [each for each in gone if each in made]
    assert not [each for each in kept if each not in made]


def test_a_rule_beats_a_preset_by_keeping() -> None:
    """A user keeps what a preset would hide."""
    assert redacted({"gender": "unspecified"}, presets=["gdpr"], keep=["gender"]) == {"gender": "unspecified"}


@pytest.mark.parametrize(
    ("value", "coarse"),
    [
        ("1985-04-12", "1985-04-01"), ("1985-04-12T10:11:12.123Z", "1985-04-01T00:00:00.000Z"), ("12.04.1985", "01.04.1985"),
        ("4/12/1985", "1/01/1985"), ("19850412", "19850401"), ("12 March 1985", "01 March 1985"), ("1763700000", "1761955200"),
        ("1763700000123", "1761955200000"), ("44", "40"), ("12345", "12000"), ("-17.5", "-10.0"), ("hello", None), ("", None),
    ],
)  # fmt: skip
def test_coarse_values(value: str, coarse: str | None) -> None:
    """A date becomes the first of its month in its own form, a number keeps the first half of its digits."""
    assert generalised(value) == coarse


@given(
    st.one_of(
        st.text(max_size=30), st.dates().map(str), st.datetimes().map(str), st.integers().map(str), st.floats().map(str)
    )
)
def test_coarse_is_coarse(value: str) -> None:
    """Making a coarse value coarse changes nothing, and its length stays."""
    once = generalised(value)
    if once is not None:
        assert generalised(once) == once
        assert len(once) >= len(value)


@given(st.integers(), st.floats(allow_nan=False, allow_infinity=False))
def test_coarse_numbers_stay_numbers(whole: int, real: float) -> None:
    """Of a JSON number one is made that JSON can hold."""
    for number in (json.dumps(whole), json.dumps(real)):
        if "e" not in number:
            assert is_json(generalised_number(number))


_events = st.recursive(
    st.one_of(st.integers(), st.text(max_size=5), st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.sampled_from("abcd"), inner, max_size=4)),
    max_leaves=12,
)


@given(_events, st.sets(st.sampled_from("abcd")), st.sampled_from([None, 1]))
def test_dropping_leaves_the_rest(event: Any, names: set[str], indent: int | None) -> None:
    """What is left is JSON without those members, and with all others as they were."""
    text = json.dumps(event, indent=indent)
    left = splice(text, (edit for _, edit in dropping(text, lambda path: path is not None and path[1] in names)))
    assert json.loads(left) == _without(event, names)


def _without(value: Any, names: set[str]) -> Any:
    if isinstance(value, dict):
        return {name: _without(item, names) for name, item in value.items() if name not in names}
    return [_without(item, names) for item in value] if isinstance(value, list) else value


def test_forms_hold_json_and_base64() -> None:
    """JSON and base64 in a percent-encoded pair are opened by their own keys, and encoded again as they were."""
    inner = json.dumps({"password": "hunter22", "n": 1})
    hidden = base64.b64encode(json.dumps({"to": EMAIL, "s": "??>>~~"}).encode()).decode()
    body = f"a=1&payload={quote(inner)}&data={quote(hidden, safe='')}&lower={quote(inner).replace('%22', '%22').lower()}&z=%zz"
    made = redacted({"body": body})["body"]
    pairs = dict(pair.split("=", 1) for pair in made.split("&"))
    assert json.loads(unquote(pairs["payload"])) == {"password": "xxxxxxxx", "n": 1}
    assert json.loads(base64.b64decode(unquote(pairs["data"])))["to"].endswith(".invalid")
    assert pairs["a"] == "1"
    assert pairs["z"] == "%zz"
    assert pairs["payload"] == quote(json.dumps({"password": "xxxxxxxx", "n": 1}))
    assert "hunter22" not in made


@given(st.text(st.characters(codec="utf-8"), min_size=1), st.sampled_from(["", "/", "~-"]))
def test_encoded_values_map_back(value: str, safe: str) -> None:
    """Every character of a value knows where it stands in the text around it."""
    raw = quote(f"%{value}", safe=safe)
    text = f"x=1&k={raw}&y=2"
    (found,) = encoded_values(text)
    assert found.text == f"%{value}" or "+" in raw
    assert found.starts[0] == 6
    assert found.starts[-1] == 6 + len(raw)
    assert "".join(text[start:end] for start, end in zip(found.starts, found.starts[1:], strict=False)) == raw
