"""Nothing that was captured acts on the terminal of who looks at it."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from replay.reports.visible_text import one_line, visible

_HARMFUL = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def test_every_character_that_could_act_is_escaped() -> None:
    """Of all of Unicode, only tab and newline are written as they are among what has no glyph."""
    seen = {chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) in _HARMFUL}
    assert {character for character in seen if visible(character) == character} == {"\t", "\n"}


@given(st.text(st.characters(categories=None, exclude_categories=())))
def test_the_result_is_harmless_and_stays_as_it_is(text: str) -> None:
    """What was made visible has no harmful character, and making it visible again changes nothing."""
    shown = visible(text)
    assert not any(unicodedata.category(character) in _HARMFUL for character in shown if character not in "\t\n")
    assert visible(shown) == shown


@given(st.text(st.characters(categories=None, exclude_categories=())), st.integers(1, 50))
def test_one_line_is_one_line(text: str, limit: int) -> None:
    """No text makes a second line, and its length is bounded, an escape counted as the character it stands for."""
    line = one_line(text, limit=limit)
    assert len(line.splitlines()) <= 1
    assert len(line) <= 10 * limit


@given(st.text(st.characters(categories=("L", "N", "P", "S"))))
def test_readable_text_is_left_alone(text: str) -> None:
    """Letters, digits, punctuation and symbols of any script are shown as they are."""
    fillers = {"\u115f", "\u1160", "\u3164", "\uffa0"}
    assert visible(text) == text or fillers & set(text)
