"""One of them, or several."""

import pytest

from replay.counted_nouns import counted


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 failures"), (1, "1 failure"), (2, "2 failures"), (12_000, "12,000 failures")]
)
def test_a_noun_agrees_with_its_count(count: int, words: str) -> None:
    """Only one is singular, and large numbers can be read."""
    assert counted(count, "failure") == words


def test_an_odd_plural_is_given() -> None:
    """What is not made with an `s` is said by the caller."""
    assert [counted(count, "message stays", "messages stay") for count in (1, 2)] == [
        "1 message stays",
        "2 messages stay",
    ]
