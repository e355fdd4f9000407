"""JSON text stays the text that it was, whatever it holds."""

import itertools
import json
import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from replay.errors import InvalidJson
from replay.payloads.exact_json import (
    Edit,
    is_json,
    parse,
    pointer,
    splice,
    steps,
    string_token,
    string_value,
    tokens,
    write,
)

_SPACES = st.text(alphabet=" \t\n\r", max_size=3)
_ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=20)  # with lone surrogates


@st.composite
def _escaped_strings(draw: st.DrawFn) -> str:
    """A string token in which each character is written in one of the ways that JSON has for it."""
    written = []
    for character in draw(_ANY_TEXT):
        plain = json.dumps(character, ensure_ascii=False)[1:-1]
        units = character.encode("utf-16-be", "surrogatepass")
        escaped = "".join(f"\\u{units[at]:02x}{units[at + 1]:02X}" for at in range(0, len(units), 2))
        written.append(draw(st.sampled_from([plain, escaped])))
    return '"' + "".join(written) + '"'


_NUMBERS = st.one_of(
    st.from_regex(r"-?(0|[1-9][0-9]{0,40})(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?", fullmatch=True),
    st.integers(min_value=-(10**60), max_value=10**60).map(str),
)
_SCALARS = st.one_of(
    _escaped_strings(), _NUMBERS, st.sampled_from(["true", "false", "null", "NaN", "Infinity", "-Infinity"])
)


@st.composite
def _containers(draw: st.DrawFn, members: st.SearchStrategy[str]) -> str:
    """An array or object with spaces anywhere, and perhaps with duplicate keys."""
    spaced = st.tuples(_SPACES, members, _SPACES).map("".join)
    values = draw(st.lists(spaced, max_size=4))
    if draw(st.booleans()):
        return "[" + (",".join(values) or draw(_SPACES)) + "]"
    keys = draw(st.lists(st.one_of(_escaped_strings(), st.just('"same"')), min_size=len(values), max_size=len(values)))
    pairs = [f"{draw(_SPACES)}{key}{draw(_SPACES)}:{value}" for key, value in zip(keys, values, strict=True)]
    return "{" + (",".join(pairs) or draw(_SPACES)) + "}"


_DOCUMENTS = st.tuples(_SPACES, st.recursive(_SCALARS, _containers, max_leaves=12), _SPACES).map("".join)


@given(_DOCUMENTS)
@example('{"a":1,"a":2}')
@example('["\\ud800", "\ud800", 18446744073709551617, 0.1000000000000000055511151231257827, NaN]')
def test_rewriting_each_token_as_itself_changes_nothing(text: str) -> None:
    """Tokens lie where they say, in order and without overlap, so splicing each one by itself gives the same text."""
    found = list(tokens(text))
    assert splice(text, (Edit(token.start, token.end, text[token.start : token.end]) for token in found)) == text
    assert all(before.end <= after.start for before, after in itertools.pairwise(found))


@given(_DOCUMENTS)
def test_a_token_is_replaced_and_nothing_else(text: str) -> None:
    """Replacing every string value leaves keys, numbers, spaces and order as they were."""
    strings = [token for token in tokens(text) if token.kind == "string"]
    changed = splice(text, (Edit(token.start, token.end, '"x"') for token in strings))
    rest = [text[token.start : token.end] for token in tokens(text) if token.kind != "string"]
    assert [changed[token.start : token.end] for token in tokens(changed) if token.kind != "string"] == rest
    assert [changed[token.start : token.end] for token in tokens(changed) if token.kind == "string"] == ['"x"'] * len(
        strings
    )


def _leaves(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[tuple[str | int, ...], object]]:
    if isinstance(value, list) and not (value and isinstance(value[0], _Pair)):
        return [leaf for index, item in enumerate(value) for leaf in _leaves(item, (*path, index))]
    if isinstance(value, list):
        return [leaf for pair in value for leaf in _leaves(pair.value, (*path, pair.key))]
    return [] if isinstance(value, _Empty) else [(path, value)]


class _Pair:
    def __init__(self, key: str, value: object) -> None:
        self.key, self.value = key, value


class _Empty:
    """An object without members, which Python's pairs hook makes an empty list."""


@given(_DOCUMENTS)
def test_tokens_see_what_the_parser_sees(text: str) -> None:
    """Each scalar has the place and value that Python's own parser gives it, duplicate keys and all."""
    read = json.loads(
        text,
        object_pairs_hook=lambda pairs: [_Pair(key, value) for key, value in pairs] or _Empty(),
        parse_int=lambda digits: ("number", digits),
        parse_float=lambda digits: ("number", digits),
        parse_constant=lambda name: ("literal", name),
    )
    seen = []
    for token in tokens(text):
        written = text[token.start : token.end]
        if token.kind == "string":
            seen.append((steps(token.path), string_value(written)))
        elif token.kind == "number":
            seen.append((steps(token.path), ("number", written)))
        elif token.kind == "literal":
            known = {"true": True, "false": False, "null": None}
            seen.append((steps(token.path), known.get(written, ("literal", written))))
    assert seen == _leaves(read)


@given(
    st.one_of(
        st.text(alphabet='{}[]:,"\\ \n\t0123456789.-+eEuntrlsfaINy\ud800\x00é', max_size=25),
        st.tuples(_DOCUMENTS, st.integers(0, 200), st.sampled_from(["", "}", '"', ",", "x", "\\", "\x01"])).map(
            lambda parts: parts[0][: parts[1]] + parts[2] + parts[0][parts[1] :]
        ),
    )
)
@example("")
@example("[1,]")
@example("01")
@example("-")
@example('"\\u12"')
@example("1.")
@example('{"a" 1}')
@example("[1 2]")
@example('{"a":1 "b":2}')
@example('{"a":"x" "b":2}')
@example('{"a":"x" "b"}')
@example('{"a":1"b":2}')
@example('{"a":1, "b":2, }')
@example('{"a":1,"b"}')
@example('{"a":}')
@example("\ufeff1")
def test_valid_is_what_the_parser_takes(text: str) -> None:
    """Text is JSON to us exactly when it is JSON to Python's parser, which Lambda's runtime uses."""
    try:
        json.loads(text)
    except ValueError:
        assert not is_json(text)
        with pytest.raises(InvalidJson):
            parse(text)
    else:
        assert is_json(text)


@given(_ANY_TEXT)
@example("\ud83d\ude00 as two halves")
@example('\x00\x1f\x7f\u2028"\\/')
def test_any_string_survives_as_a_token(value: str) -> None:
    """A string becomes a token and the same string again; the token can be written as UTF-8."""
    token = string_token(value)
    # Two halves of a pair that stand side by side are one character to every JSON parser.
    assert string_value(token) == value.encode("utf-16-be", "surrogatepass").decode("utf-16-be", "surrogatepass")
    token.encode("utf-8")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | _ANY_TEXT,
        lambda inner: st.lists(inner) | st.dictionaries(_ANY_TEXT, inner),
        max_leaves=10,
    )
)
def test_our_own_values_are_written_as_json(value: object) -> None:
    """What we write ourselves is JSON that UTF-8 can hold."""
    text = write(value)
    text.encode("utf-8")
    assert is_json(text)


def test_depth_does_not_matter_to_tokens() -> None:
    """A text nested a hundred thousand levels deep is walked without recursion."""
    depth = 100_000
    text = "[" * depth + "1" + "]" * depth
    assert [text[token.start : token.end] for token in tokens(text)] == ["1"]
    assert is_json('{"a":' * depth + "{}" + "}" * depth)


def test_too_deep_to_be_looked_at_is_said_so() -> None:
    """The parser's recursion limit ends as an error of ours, not as a RecursionError."""
    with pytest.raises(InvalidJson, match="nested too deep"):
        parse("[" * 100_000 + "]" * 100_000)


def test_an_integer_of_ten_thousand_digits_can_be_looked_at() -> None:
    """Python's limit on the digits of an integer is no reason to refuse a text."""
    assert parse('{"n": ' + "9" * 10_000 + "}") == {"n": math.inf}


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("[1,\n  x]", "line 2, column 3"),
        ('{"a":1,}', "line 1, column 8"),
        ("[1]]", "line 1, column 4"),
        ("", "line 1, column 1"),
    ],
)
def test_what_is_not_json_is_told_by_its_place(text: str, where: str) -> None:
    """The error names the line and column at which the text stops being JSON."""
    with pytest.raises(InvalidJson) as caught:
        list(tokens(text))
    assert caught.value.where == where


def test_an_error_never_quotes_the_text() -> None:
    """The words of an error hold nothing of the payload."""
    secret = "hunter2"
    for read in (parse, lambda text: list(tokens(text))):
        with pytest.raises(InvalidJson) as caught:
            read('{"password": "' + secret + '", oops}')
        assert secret not in str(caught.value)


def test_pointers_are_written_as_the_standard_says() -> None:
    """A place is a JSON Pointer of RFC 6901: `~` and `/` in keys are escaped."""
    (token,) = (token for token in tokens('{"a/b": [0, {"~": "x"}]}') if token.kind == "string")
    assert pointer(token.path) == "/a~1b/1/~0"
    assert pointer(None) == ""


def test_bytes_that_are_not_utf8_are_refused() -> None:
    """Bytes are read as UTF-8, and refused in our own words where they are not."""
    with pytest.raises(InvalidJson, match="not UTF-8"):
        parse(b'{"a": "\xff"}')
