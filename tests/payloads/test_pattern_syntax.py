"""A pattern that is no JSON is refused in the words of the parser that AWS's services use."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.errors import InvalidEventPattern
from replay.payloads.event_patterns import compile_pattern

BEGINS = "Event pattern is not valid. Reason: "
VALUES = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{'colour': ['red']}", "Unexpected character (''' (code 39)): was expecting double-quote to start field name"),
        ("{colour: []}", "Unexpected character ('c' (code 99)): was expecting double-quote to start field name"),
        ('{"a": [1],}', "Unexpected character ('}' (code 125)): was expecting double-quote to start field name"),
        ('{"a" [1]}', "Unexpected character ('[' (code 91)): was expecting a colon to separate field name and value"),
        ('{"a": [1 2]}', "Unexpected character ('2' (code 50)): was expecting comma to separate Array entries"),
        ('{"a": [1] "b"}', "Unexpected character ('\"' (code 34)): was expecting comma to separate Object entries"),
        ('{"a": [1,]}', "Unexpected character (']' (code 93)): expected a value"),
        ('{"a": [red]}', f"Unrecognized token 'red': was expecting {VALUES}"),
        ('{"a": [<]}', f"Unexpected character ('<' (code 60)): expected a valid value {VALUES}"),
        ('{"a": [\u201cx\u201d]}', f"Unexpected character ('\u201c' (code 8220 / 0x201c)): expected a valid value {VALUES}"),
        ('{"a": [007]}', "Invalid numeric value: Leading zeroes not allowed"),
        ('{"a": ["\t"]}', "Illegal unquoted character ((CTRL-CHAR, code 9)): has to be escaped using backslash to be included in string value"),
        ('{"a": ["\\q"]}', "Unrecognized character escape 'q' (code 113)"),
        ('{"a": ["\\u12zz"]}', "Unexpected character ('z' (code 122)): expected a hex-digit for character escape sequence"),
        ('{"a": ["x', "Unexpected end-of-input: was expecting closing quote for a string value"),
        ('{"a', "Unexpected end-of-input in field name"),
        ('{"a": ', "Unexpected end-of-input within/between Object entries"),
        ('{"a": [1}', "Unexpected close marker '}': expected ']' (for Array starting at [Source: (String)\"{\"a\": [1}\"; line: 1, column: 7])"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_as_aws_tells_it(text: str, words: str) -> None:
    """The words depend on what had to stand where the text goes wrong."""
    with pytest.raises(InvalidEventPattern) as refused:
        compile_pattern(text)
    assert refused.value.what == BEGINS + words


@given(st.text(alphabet="{}[]\",:\\ ab1-.'\n\u20ac", max_size=30))
def test_no_text_breaks_the_telling(text: str) -> None:
    """Whatever is wrong, it is told; nothing else is raised."""
    with suppress(InvalidEventPattern):
        compile_pattern(text)
