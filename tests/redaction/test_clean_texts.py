"""The short way past clean texts: whatever it lets pass, redaction in full would not have changed."""

import base64
import json
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from replay.errors import InvalidJson
from replay.payloads.exact_json import is_json
from replay.redaction import redactor
from replay.redaction.card_numbers import places
from replay.redaction.clean_texts import WITH_OWN_SEARCH, is_clean
from replay.redaction.detectors import _LEAST_CHARACTERS, DETECTORS, spans
from replay.redaction.high_entropy import high_entropy_strings
from replay.redaction.redacted import Redacted
from replay.redaction.redactor import Redactor
from replay.redaction.settings import RedactionSettings
from tests.redaction.labelled_corpus import OTHERS, SHAPES, STRUCTURED, innocent
from tests.redaction.samples import AMEX, BEARER, CARD, FAMILIES, INNOCENTS, SPACED_CARD, forms

_ORDER = {
    "order_id": "o-17",
    "customer": "c-7",
    "placed_at": 1795262400000,
    "paid_at": 1795262400.125,
    "etag": "d41d8cd98f00b204e9800998ecf8427e",
    "note": "Please leave it with the neighbours, 50 % of it. Grüße!",
    "items": [{"sku": f"sku-{n}", "quantity": n, "price": n / 100} for n in range(15)],
}


def _raw_deflated(text: str) -> str:
    deflater = zlib.compressobj(9, wbits=-15)
    return base64.b64encode(deflater.compress(text.encode()) + deflater.flush()).decode()


# What lies next to each search: pieces that are just too short, too long, or said in another way.
_near = st.one_of(
    st.from_regex(r"[0-9 .eE+_/-]{10,24}", fullmatch=True),
    st.from_regex(r"-?[1-9]\.[0-9]{1,17}[eE]\+?0?1[2-8]", fullmatch=True),
    st.from_regex(r"[34256][0-9]{11,18}", fullmatch=True),
    st.from_regex(r"[A-Z]{2}[0-9]{2}[A-Z0-9 ]{9,20}", fullmatch=True),
    st.from_regex(r"[0-9]{1,3}([.][0-9]{1,3}){2,4}|[0-9a-f:]{2,20}", fullmatch=True),
    st.from_regex(
        r"([(]?[2-9][0-9]{2}[)]?[ .-]?[0-9]{3}[ .-]?[0-9]{4})|00[0-9]{2,3}[ .-/][0-9 ]{7,12}", fullmatch=True
    ),
    st.from_regex(
        r"(tel|phone|first_?name|surname|street|zip|name)[ .:=>\"']{1,3}[A-Za-z0-9 ]{2,12}['\"<]?/?", fullmatch=True
    ),
    st.from_regex(r"(sk-|xox|hf_|npm_|key-|r8_)[A-Za-z0-9]{6,40}", fullmatch=True),
    st.from_regex(r"[A-Za-z0-9/+_-]{7,44}={0,2}", fullmatch=True),
    st.from_regex(r"[0-9a-fA-F]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{11,13}|[0-9a-f]{31,33}", fullmatch=True),
    st.text(max_size=12).map(lambda text: base64.b64encode(text.encode("utf-8", "surrogatepass")).decode()),
    st.text(alphabet="+19 a", min_size=6, max_size=40).map(_raw_deflated),
    st.sampled_from([CARD, SPACED_CARD, AMEX, *FAMILIES.values(), *INNOCENTS]),
    st.text(alphabet='[]{}",: \n0123456789aA%&\\', max_size=24),
    st.text(max_size=12),
)
_names = st.one_of(
    st.sampled_from(
        [
            "name",
            "customer",
            "first",
            "tel",
            "zip",
            "address",
            "surname",
            "note",
            "p-a-s-s-w-o-r-d",
            ":pin",
            "O T P",
            "S",
            "sku",
        ]
    ),
    st.text(max_size=6),
)
_bodies = st.one_of(
    st.lists(_near, max_size=3).map(" ".join),
    st.recursive(
        st.one_of(st.lists(_near, max_size=2).map(" ".join), st.integers(), st.floats(), st.none()),
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_names, inner, max_size=3)),
        max_leaves=6,
    ).map(lambda value: json.dumps(value, ensure_ascii=False)),
)


@contextmanager
def _in_full() -> Iterator[None]:
    """Redact without the short way."""
    redactor._is_plain_and_innocent.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(redactor, "is_clean", lambda text: False)
        patch.setattr(redactor, "suspects", lambda text, **options: None)
        yield
    redactor._is_plain_and_innocent.cache_clear()


def _redacted(body: str) -> Redacted:
    return _redacted_event({"body": body})


def _redacted_event(event: object) -> Redacted:
    return Redactor(RedactionSettings(key=b"the key of the tests")).event(json.dumps(event, ensure_ascii=False))


@given(_bodies)
@example('{"a":1,":pin":"1234"}')
@example('{"a":"x","b":":","pin":12}')
@example("-4.111111E+15")
@example("[4111111111111111]")
@example("1795262400.1234567890123456")
@example("1795262400000 4111 1111 1111 1111")
@example(_raw_deflated("+1999999999"))
@example("\n".join([base64.b64encode(b"mail alice@example.com now " * 3).decode()[:40]] * 3))
def test_a_clean_text_is_one_that_redaction_does_not_change(body: str) -> None:
    """What is called clean comes out of redaction in full as it went in, with nothing noted."""
    if is_clean(body):
        with _in_full():
            assert _redacted(body) == Redacted(text=json.dumps({"body": body}, ensure_ascii=False))


@given(_bodies)
def test_both_ways_lead_to_the_same(body: str) -> None:
    """Of any text, clean or not, the short way makes what the long way makes."""
    short = _redacted(body)
    with _in_full():
        assert short == _redacted(body)


@given(st.dictionaries(_names, st.one_of(_bodies, st.lists(_bodies, max_size=3), st.dictionaries(_names, _bodies))))
@example({"adresse": {"city": "Musterstadt"}})
@example({"body": json.dumps({"adresse": {"city": "Musterstadt"}})})
@example({"Records": [{"receiptHandle": "AQEBREDACTED" + "A" * 64, "body": "17"}, {"receiptHandle": "secret of mine"}]})
@example({"a": "1", "b": '{"a": 4111111111111111}', "c": "4111 1111"})
@example({"a": "first_name:", "b": "'surname=x'", "c": ["tel:", "0123456789"]})
def test_a_whole_event_is_redacted_the_same_both_ways(event: dict[str, object]) -> None:
    """What is looked at together, and remembered from one event to the next, is found as if it stood alone."""
    short = _redacted_event(event)
    with _in_full():
        assert short == _redacted_event(event)


def test_every_labelled_event_is_redacted_the_same_both_ways() -> None:
    """The corpus that recall is measured with, secrets and innocent values in twelve shapes, comes out alike."""
    random = Random(7)
    makers = [*STRUCTURED.values(), *OTHERS.values()]
    events = [shape(make(random).text, random) for shape in SHAPES.values() for make in makers]
    events += [shape(innocent(random), random) for shape in SHAPES.values() for _ in range(20)]
    texts = Redactor(RedactionSettings(key=b"the key of the tests"))
    short = [texts.event(event) for event in events]
    with _in_full():
        assert short == [texts.event(event) for event in events]


@pytest.mark.parametrize(
    "text", ["", " ", "{", "[1,]", "NaN", '{"a":01}', "\ufeff{}", "1", "4.111111111111111E15", '{"a":"\t"}']
)
def test_the_short_way_takes_as_json_what_the_long_way_takes(text: str) -> None:
    """No event slips through unread because two readers disagree about what JSON is."""
    texts = Redactor(RedactionSettings(key=b"the key of the tests"))

    def outcome() -> object:
        try:
            return texts.event(text)
        except InvalidJson as error:
            return error.what

    short = outcome()
    with _in_full():
        assert short == outcome()


@given(st.text(alphabet='{}[]",:\\u0aeE+-.1tfn \n\t\x7f\ud800', max_size=14))
@example('{"a":"\\ud800"}')
@example("[-0.0e+1]")
def test_both_readers_agree_about_what_json_is(text: str) -> None:
    """Python's own parser, which the short way reads with, takes just the texts that the reader by position takes."""
    try:
        json.loads(text)
    except ValueError:
        assert not is_json(text)
    else:
        assert is_json(text)


@given(st.lists(_near, min_size=1, max_size=2).map(" ".join))
@example("pwd='x")
@example("a@b.co")
@example("street=x")
def test_no_text_is_too_short_for_what_is_found_in_it(text: str) -> None:
    """The least lengths that spare detectors their search spare none that would find something."""
    for detector, least in _LEAST_CHARACTERS.items():
        assert all(span.end - span.start <= len(text) >= least for span in detector(text))


@pytest.mark.parametrize("wrap", [str, lambda text: json.dumps({"note": text}), lambda text: f"order 17, {text}."])
def test_nothing_labelled_is_called_clean(wrap: Callable[[str], str]) -> None:
    """Every secret of the labelled samples, in every form that redaction finds it in, is looked at in full."""
    secrets = {f"Bearer {BEARER}", CARD, SPACED_CARD, AMEX, *FAMILIES.values()}
    texts = {wrap(form) for secret in secrets for form in forms(secret)}
    with _in_full():
        private = {text for text in texts if _redacted(text).redactions}
    assert len(private) > len(secrets)
    assert [text for text in sorted(private) if is_clean(text)] == []


def test_an_ordinary_order_is_clean() -> None:
    """Numbers, times, digests and words of an everyday message do not cost the long way."""
    assert is_clean(json.dumps(_ORDER, ensure_ascii=False))


@pytest.mark.parametrize("name", ["password", "db-pass-word", "PIN", "clientSecret", ":pin", "C.V.V"])
def test_a_secret_key_is_seen(name: str) -> None:
    """A key that says of its value that it is secret is found in whatever spelling, and wherever it stands."""
    assert not is_clean(json.dumps({"a": ":", name: "wonderland"}))
    assert not is_clean(json.dumps({"a": 1, name: 7}))


@given(st.from_regex(r"[01789][0-9]{0,18}([.][0-9]{1,9})?", fullmatch=True))
def test_times_are_no_card_numbers(number: str) -> None:
    """No brand's numbers begin as those that the short way lets pass."""
    assert list(places(number)) == []
    assert is_clean(number)


def test_every_detector_without_hints_has_a_search_of_its_own() -> None:
    """The short way knows what it must look for itself; a new such detector needs a search there."""
    assert {detector for detector, hints in DETECTORS.items() if not hints} == WITH_OWN_SEARCH


@given(st.lists(_near, max_size=4).map(" ".join))
def test_no_detector_finds_anything_in_a_clean_text(text: str) -> None:
    """The detectors, asked by themselves, agree."""
    if is_clean(text):
        assert spans(text, [high_entropy_strings]) == []
