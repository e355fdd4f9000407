"""Tables of CSV that the console of CloudWatch exports."""

import csv
import itertools
import json
from collections.abc import Iterator
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.sources.s3_log_parts.console_tables import without_tables
from replay.sources.s3_log_parts.object_streams import Unreadable

cells = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=30)


def table(heading: list[str], *rows: list[str]) -> bytes:
    file = StringIO(newline="")
    csv.writer(file).writerows([heading, *rows])
    return file.getvalue().encode()


@given(
    messages=st.lists(cells, min_size=1, max_size=5),
    cut=st.integers(60, 200),
    mark=st.sampled_from([b"", b"\xef\xbb\xbf"]),
)
def test_each_message_is_given_back_as_it_was(messages: list[str], cut: int, mark: bytes) -> None:
    """Quotes, commas and lines of a message are its own, however the table comes in pieces."""
    content = mark + table(
        ["@log", "@message", "@timestamp", "@logStream"],
        *(["g", each, "2026-05-06 07:08:09.123", "s"] for each in messages),
    )
    (given_back,) = without_tables([content[:cut], content[cut:]])
    assert json.loads(given_back) == [
        {"@timestamp": 1778051289123, "@message": each, "@logStream": "s"} for each in messages
    ]


def test_a_table_of_log_events() -> None:
    """It has times in milliseconds and no stream; a message may be larger than csv allows by itself."""
    content = table(["timestamp", "message"], ["1778051289000", "x" * 300_000], ["cut"])
    (given_back,) = without_tables([content])
    assert json.loads(given_back) == [{"@timestamp": 1778051289000, "@message": "x" * 300_000, "@logStream": ""}]


def test_a_long_table_is_cut_where_invocations_begin() -> None:
    """A document has its limits: each array has whole invocations, and all of them together every row."""
    rows = [["1778051289000", f"{word} {n}"] for n in range(40) for word in ("START RequestId:", "x" * 20_000, "END")]
    (given_back,) = without_tables([table(["timestamp", "message"], *rows)])
    arrays = [json.loads(line) for line in given_back.splitlines()]
    assert len(arrays) > 2
    assert all(array[0]["@message"].startswith("START") for array in arrays)
    assert [[str(each["@timestamp"]), each["@message"]] for array in arrays for each in array] == rows


def test_a_table_in_which_nothing_begins_is_cut_all_the_same() -> None:
    """No document gets too large to be read."""
    rows = [["1778051289000", "x" * 500_000]] * 20
    (given_back,) = without_tables([table(["timestamp", "message"], *rows)])
    assert max(map(len, given_back.splitlines())) < 3_000_000


def test_rows_that_lack_a_cell() -> None:
    """A row without its time has that of the row before; one that breaks off in the middle is none."""
    content = b"timestamp,message,more\r\n1778051289000,a,1\r\n,b,2\r\n1778051290000\r\n"
    (given_back,) = without_tables([content])
    assert [(each["@timestamp"], each["@message"]) for each in json.loads(given_back)] == [
        (1778051289000, "a"),
        (1778051289000, "b"),
    ]


def test_too_large_a_table_is_told() -> None:
    """The console gives no such table; what is in it is not passed over in silence."""
    pieces = itertools.chain([b"timestamp,message\n"], itertools.repeat(b"1778051289000,a line\n" * 50_000))
    with pytest.raises(Unreadable, match="a table of more than 67 MB"):
        list(without_tables(pieces))


@given(
    content=st.binary(max_size=200), heading=st.sampled_from([b"timestamp,message", b'"@message","@timestamp"', b""])
)
def test_no_bytes_are_too_odd(content: bytes, heading: bytes) -> None:
    """Whatever stands in a file, it is a table or it is not."""
    assert b"".join(without_tables([heading + b"\r", content])) is not None


def test_bytes_that_are_no_utf_8_stay_what_they_are() -> None:
    """Whoever reads the lines counts them, as in any other log."""
    (given_back,) = without_tables([b"timestamp,message\r\n1778051289000,a\xffb\r\n"])
    assert b"a\xffb" in given_back


def test_a_table_that_breaks_off() -> None:
    """What came before the break is given, and the break is told behind it."""

    def broken() -> Iterator[bytes]:
        yield b"timestamp,message\r\n1778051289000,whole\r\n"
        yield b"1778051290000,ha"
        raise Unreadable("the end is missing")

    pieces = without_tables(broken())
    assert [line["@message"] for line in json.loads(next(pieces))] == ["whole", "ha"]
    with pytest.raises(Unreadable, match="the end is missing"):
        next(pieces)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"timestamp",
        b"timestamp;message\n1;2\n",
        b"time,message\n1,2\n",
        b"timestamp,messages\n1,2\n",
        b"timestamp,message\n05/06/2026 07:08,a\n",
        b"timestamp,message\n",
        b'{"timestamp": 1, "message": "a"}\n',
        b"[ERROR] no timestamp in the message\rTraceback (most recent call last):\r",
    ],
    ids=[
        "empty",
        "one column",
        "semicolons",
        "no time",
        "no message",
        "no time that is one",
        "no rows",
        "json",
        "carriage returns",
    ],
)
def test_anything_else_is_left_as_it_is(content: bytes) -> None:
    """What is no such table goes on byte for byte."""
    pieces = [content[:100], content[100:]]
    assert b"".join(without_tables(pieces)) == content
