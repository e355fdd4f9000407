"""What stands in several lines is one entry where its form says so, and never more than that."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from replay.payloads import log_continuation
from replay.payloads.lambda_logs import invocations, log_entries
from replay.payloads.log_continuation import together

ID = "5d6e7f80-3333-4444-8555-ccccddddeeee"
START, END = f"START RequestId: {ID} Version: 7\n", f"END RequestId: {ID}\n"
LOGGED = f"[INFO]\t2026-05-06T07:08:09.100Z\t{ID}\tfine\n"
TRACEBACK = "Traceback (most recent call last):\n"
AT = "\tat shop.Handler.run(Handler.java:12)\n"


@pytest.mark.parametrize(
    "entries",
    [
        [START, "[ERROR] A: one\n", "two\n", END],
        [START, f"[ERROR] A: one\ntwo\n{TRACEBACK}  File\n", END],
        ["[ERROR] A: one\n", "two\n", f"[ERROR] B: three\nfour\n{TRACEBACK}", LOGGED],
        ["odd: shop.Bad\nshop.Bad: odd\n", "and more\n", LOGGED],
        [f"odd: shop.Bad\nshop.Bad: odd\nand more\n{AT}", LOGGED],
        ['event: {\n  "a": 1\n}\n', "  printed\n"],
        ["events = [\n  {\n  }\n]\n", "]\n"],
        ["while (true) {\n", "not indented\n"],
        ["done\n", "done\n"],
    ],
)
def test_what_is_one_entry(entries: list[str]) -> None:
    """Messages go on to their traces and labels to the end of their object; where these do not come, lines are lines."""
    lines = [line for entry in entries for line in entry.splitlines(keepends=True)]
    assert list(together(lines)) == entries


def test_an_error_behind_what_only_looked_like_one() -> None:
    """Lines that were held for a trace, in vain, do not take the next error's words."""
    lines = [START, "odd: shop.Odd\n", "shop.Odd: odd\n", "more\n", "no price: shop.Bad\n", "shop.Bad: no price\n", AT]
    (found,) = invocations(log_entries([*lines, END]))
    assert found.failure is not None
    assert (found.failure.error_type, found.failure.message) == ("shop.Bad", "no price")


def test_a_message_has_a_hundred_lines_at_most() -> None:
    """What is no message ends somewhere: a trace far behind it belongs to the line above it."""
    first, *others = ["[ERROR] A: one\n", *["more\n"] * 200]
    assert list(together([first, *others, TRACEBACK])) == [first, *others[:-1], f"more\n{TRACEBACK}"]


_LINES = st.lists(
    st.sampled_from(
        [START, END, LOGGED, "[ERROR] A: b\n", TRACEBACK, "  File\n", "a: b.C\n", "b.C: a\n", AT, "e: {\n", "{\n", "  1\n",
         "}\n", "]\n", "more\n", "\n"]
    ),
    max_size=30,
)  # fmt: skip


@given(_LINES)
@example(["a: b.C\n", "b.C: a\n"] * 3)
def test_no_line_is_lost_and_what_begins_ends_what_was_before(lines: list[str]) -> None:
    """All entries together are the lines, whatever came, and behind them a request begins on its own."""
    entries = list(together(lines))
    assert "".join(entries) == "".join(lines)
    assert list(together([*lines, START])) == [*entries, START]


@pytest.mark.parametrize(
    "lines", [["a: b.C\n", "b.C: a\n"], ["[ERROR] A: b\n", "more\n"], ["a: b.C\n", "b.C: a\n", "c\n"]]
)
def test_each_line_is_looked_at_a_few_times(monkeypatch: pytest.MonkeyPatch, lines: list[str]) -> None:
    """What is held in vain is not begun again with each of its lines: a log of such lines would take for ever."""
    looks = 0
    goes_on = log_continuation._goes_on

    def counted(held: list[str], line: str) -> bool:
        nonlocal looks
        looks += 1
        return goes_on(held, line)

    monkeypatch.setattr(log_continuation, "_goes_on", counted)
    many = lines * 1_000
    assert sum(1 for _ in together(many)) > len(lines)
    assert looks <= 4 * len(many)
