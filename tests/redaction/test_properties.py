"""What holds of redaction whatever the text: nothing planted is left, nothing else is changed, and it takes no longer."""

import base64
import contextlib
import gzip
import json
import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from replay.errors import InvalidJson, RedactionError
from replay.payloads.exact_json import is_json, string_token, string_value, tokens
from replay.redaction.redactor import Redactor
from replay.redaction.settings import RedactionSettings
from tests.redaction.samples import FAMILIES, INNOCENTS, forms

REDACTOR = Redactor(RedactionSettings(key=b"the key of the tests"))

_texts = st.one_of(
    st.text(),
    st.text(st.characters(codec=None, exclude_categories=())),  # lone surrogates too
    st.text(alphabet='aB1 .-_@%+=:/"\\n{}[],&;x'),
    st.from_regex(
        r"(password|token|Bearer|Cookie|eyJ|AKIA|[+]1|4\d{3}|%40|@a\.co|://|\\u0040|[ =:;.,\"'-]){1,12}", fullmatch=True
    ),
)
_pieces = st.one_of(_texts, st.sampled_from(sorted(FAMILIES.values())), st.sampled_from(INNOCENTS))
_mixtures = st.lists(_pieces, max_size=5).map(" ".join)
_keys = st.one_of(st.sampled_from(["password", "Authorization", "token", "cookie", "body", "S", "value"]), _pieces)
_events = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), _mixtures),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(_keys, inner, max_size=4),
        inner.map(json.dumps),
        inner.map(lambda value: base64.b64encode(json.dumps(value).encode()).decode()),
    ),
    max_leaves=8,
)


@given(_events)
def test_twice_is_once(event: Any) -> None:
    """Redacting what was redacted changes nothing."""
    once = REDACTOR.event(json.dumps(event)).text
    assert REDACTOR.event(once).text == once


@given(_mixtures)
@example("4539 5787 6362 1486 4539 5787 6362 1486")
@example("password=%41%40a.co&x=%2B4915123456789")
def test_twice_is_once_in_free_text(text: str) -> None:
    """The same of a log line."""
    once = REDACTOR.plain(text)
    assert REDACTOR.plain(once) == once


@given(_events, st.booleans())
def test_json_stays_json_of_the_same_shape(event: Any, ascii_: bool) -> None:
    """Each token is of the same kind, at a place of the same shape, and spaces between tokens stay."""
    before = json.dumps(event, ensure_ascii=ascii_, indent=1)
    after = REDACTOR.event(before).text
    assert is_json(after)
    assert [token.kind for token in tokens(before)] == [token.kind for token in tokens(after)]
    assert _between_tokens(before) == _between_tokens(after)


def _between_tokens(text: str) -> list[str]:
    ends = [0, *(token.end for token in tokens(text))]
    starts = [*(token.start for token in tokens(text)), len(text)]
    return [text[end:start] for end, start in zip(ends, starts, strict=True)]


@given(_texts, st.sampled_from(sorted(FAMILIES.values())), _texts)
def test_what_stands_around_a_secret_stays(before: str, secret: str, after: str) -> None:
    """An event of three strings, of which the middle one is secret, keeps the other two to the byte."""
    left, right = (string_token(re.sub(r"[A-Za-z0-9@\uff20\ufe6b/+]", "-", text)) for text in (before, after))
    text = REDACTOR.event(f"[{left},{string_token(secret)},{right}]").text
    assert text.startswith(f"[{left},")
    assert text.endswith(f",{right}]")


_positions: tuple[Callable[[str, str], Any], ...] = (
    lambda secret, around: {"body": f"{around} {secret} {around}"},
    lambda secret, around: {"body": json.dumps({around: [secret, around]})},
    lambda secret, around: {"body": json.dumps({"m": json.dumps({around: f"<{secret}>"})})},
    lambda secret, around: {f"{around} {secret}": around},
    lambda secret, around: {"a": [{"stringValue": secret, "dataType": "String"}, around]},
    lambda secret, around: {"data": base64.b64encode(f"{around} {secret}".encode("utf-8", "replace")).decode()},
    lambda secret, around: {
        "data": base64.b64encode(gzip.compress(f"{secret} {around}".encode("utf-8", "replace"))).decode()
    },
    lambda secret, around: f"https://x.example/?a={secret}&b=1",
    lambda secret, around: {"body": f'level=info msg="{secret}" {around}'},
)


@given(st.sampled_from(sorted(FAMILIES.values())), st.sampled_from(_positions), _texts)
def test_a_planted_secret_is_gone(secret: str, position: Callable[[str, str], Any], around: str) -> None:
    """A secret of any family, in any position, is in no form left in the event, nor in what is reported of it."""
    result = REDACTOR.event(json.dumps(position(secret, around)))
    readable = _readable(result.text)
    assert not [form for form in forms(secret) if form in readable and form not in around]
    assert not [replacement for replacement in result.redactions if secret in replacement.at]


def _readable(text: str) -> str:
    """Write out what strings and base64 hold beside the text."""
    layers = [text]
    with contextlib.suppress(InvalidJson):
        for token in tokens(text):
            if token.kind in {"string", "key"}:
                value = string_value(text[token.start : token.end])
                layers.append(_readable(value) if value[:1] in {"{", "["} else value)
                with contextlib.suppress(ValueError, OSError, EOFError):
                    content = base64.b64decode(value, validate=True)
                    layers.append((gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content).decode())
    return "\n".join(layers)


@given(
    st.uuids(),
    st.binary(min_size=16, max_size=64),
    st.datetimes(),
    st.integers(10**6, 10**11),
    st.sampled_from(INNOCENTS),
)
def test_innocent_events_are_unchanged(uuid: Any, digest: bytes, moment: Any, order: int, other: str) -> None:
    """Identifiers, digests, times and order numbers stay, as strings, numbers, keys, and in JSON in strings."""
    event = {
        "id": str(uuid), "digest": digest.hex(), "at": moment.isoformat() + "Z", "order": order, "text": f"order {order}: {other}",
        str(uuid): [other, f"ORD-{order}", str(order)], "epoch": moment.timestamp(), "body": json.dumps({"id": uuid.hex, "n": other}),
    }  # fmt: skip
    text = json.dumps(event)
    result = REDACTOR.event(text)
    assert (result.text, result.redactions) == (text, ())


@given(st.one_of(_texts, _mixtures, st.binary().map(lambda raw: raw.decode("latin-1"))))
def test_any_text_is_taken(text: str) -> None:
    """Whatever the text, nothing is raised but that it is not JSON, or cannot be made safe."""
    with contextlib.suppress(InvalidJson, RedactionError):
        REDACTOR.event(text)
    with contextlib.suppress(RedactionError):
        REDACTOR.plain(text)


@given(st.binary(max_size=200), st.sampled_from([b"", b"\x1f\x8b\x08\x00", b"\x78\x9c", b"x^"]))
def test_any_bytes_are_taken(content: bytes, start: bytes) -> None:
    """Base64 of anything is opened or left, also what only begins as if it were compressed."""
    text = json.dumps([base64.b64encode(start + content).decode()])
    assert is_json(REDACTOR.event(text).text)


@pytest.mark.parametrize(
    ("unit", "times"),
    [("[", 100_000), ('{"a":', 100_000), ('["a@b.co",', 3_000), ('{"a@b.co":', 3_000), ("[4539578763621486,", 3_000)],
)
def test_depth_does_not_matter(unit: str, times: int) -> None:
    """A hundred thousand levels, in an event, in a string or in a text, are walked without recursion."""
    deep = unit * times + "1" + ("}" if "{" in unit else "]") * times
    assert is_json(REDACTOR.event(deep).text)
    assert is_json(REDACTOR.event(json.dumps([deep])).text)
    REDACTOR.plain(deep[:-1])


_REPEATS = (
    "a", "1", "@", "x@", "%40", "a@a.", "a@a.co ", "a.", "a-", "a_", ".", "-", "=", "+1", "+1 ", "%", "\\", "\\u0040", "&amp;",
    "eyJ", "eyJ.", "eyJhbGciOiJ.", "password=", "password='", "token:", "-----BEGIN PRIVATE KEY-----", "4111 ", "4111-", "1 ",
    "4539578763621486", "4539578763621486a", "://", "://a:", "://a:b@", "sk-", "ghp_", "AKIA", "DE89", "DE89 ", "bearer ", "bearer+",
    '{"a":"a@b.co"},', '"{x",', "basic ", "cookie: a=b;", "IQoJb3JpZ2lu", "{", '["a', '{"a', "\x1b[1m", '"', "'", "aA1/", "abcdefgh ", "8.8.4.", "::", "a:", "f:1:", "(415) ", "415-555-", "0049 ", "tel ", "tel. 1 ", "name=", 'name="', "<name>", "surname>a",
    "a=%20&", "a=+&", "a=b+c&", "%7B%22", "AQEB", "sk-ant-", "a.b_", "a" * 64 + "@",
)  # fmt: skip
_SMALL, _LARGE = 4_000, 32_000


@pytest.mark.parametrize("unit", _REPEATS)
def test_time_is_linear(unit: str) -> None:
    """Eight times the text takes about eight times as long, as an event and as free text."""
    for redact in (REDACTOR.plain, lambda text: REDACTOR.event(json.dumps([text]))):
        small, large = (unit * (size // len(unit)) for size in (_SMALL, _LARGE))
        ratio = min(_seconds(redact, large) / _seconds(redact, small) for _ in range(3))
        assert ratio < 24, f"{ratio:.0f} times as long"  # quadratic would be 64


@pytest.mark.parametrize("unit", ["{", '{"a', '["a'])
def test_time_is_linear_where_json_breaks_off(unit: str) -> None:
    """Four times the text takes about four times as long also where it is large: no line before it is counted anew."""
    small, large = (unit * (size // len(unit)) for size in (60_000, 240_000))
    ratio = min(_seconds(REDACTOR.plain, large) / _seconds(REDACTOR.plain, small) for _ in range(3))
    assert ratio < 9, f"{ratio:.0f} times as long"  # quadratic would be 16


def _seconds(redact: Callable[[str], object], text: str) -> float:
    began = time.process_time()
    redact(text)
    return max(time.process_time() - began, 1e-4)
