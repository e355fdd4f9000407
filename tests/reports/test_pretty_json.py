"""A payload is shown as it is written: only white space between its tokens changes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.errors import InvalidJson
from replay.reports.pretty_json import TOO_DEEP, pretty_rows

NUMBERS = ["1e400", "-0", "0.1000000000000000055", "123456789012345678901234567890", "1.50", "1E+2"]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_the_layout_is_that_of_python(value: object) -> None:
    """Any value is laid out as `json.dumps` with two spaces of indentation would."""
    assert "\n".join(pretty_rows(json.dumps(value))) == json.dumps(value, indent=2)


@pytest.mark.parametrize("number", NUMBERS)
def test_numbers_stay_as_written(number: str) -> None:
    """No digit is lost, and none is added."""
    assert pretty_rows(f'{{"n":{number}}}') == ["{", f'  "n": {number}', "}"]


def test_duplicate_keys_and_escapes_stay() -> None:
    """What Python's parser would merge or decode is shown as it came."""
    assert pretty_rows('{"a":"\\u00e9","a":[{},[ ]]}') == [
        "{",
        '  "a": "\\u00e9",',
        '  "a": [',
        "    {},",
        "    []",
        "  ]",
        "}",
    ]


def test_depth_has_an_end() -> None:
    """A hundred thousand levels cost neither time nor an error."""
    assert pretty_rows("[" * 100_000 + "]" * 100_000) == [TOO_DEEP]


def test_other_text_is_refused() -> None:
    """Who calls it must know what to show instead."""
    with pytest.raises(InvalidJson):
        pretty_rows("{not json")
