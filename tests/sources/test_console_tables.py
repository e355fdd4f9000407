"""Tables of CSV that the console of CloudWatch exports."""

import csv
import json
from collections.abc import Iterator
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.sources.s3_log_parts.blocks import MOST_DOCUMENT_BYTES
from replay.sources.s3_log_parts.console_tables import without_tables
from replay.sources.s3_log_parts.object_streams import Unreadable

cells = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=30)


def table(heading: list[str], *rows: list[str]) -> bytes:
    file = StringIO(newline="")
    csv.writer(file).writerows([heading, *rows])
    return file.getvalue().encode()


@given(messages=st.lists(cells, max_size=5), cut=st.integers(60, 200), mark=st.sampled_from([b"", b"\xef\xbb\xbf"]))
def test_each_message_is_given_back_as_it_was(messages: list[str], cut: int, mark: bytes) -> None:
    """Quotes, commas and lines of a message are its own, however the table comes in pieces."""
    content = mark + table(
        ["@log", "@message", "@timestamp", "@logStream"],
        *(["g", each, "2026-05-06 07:08:09.123", "s"] for each in messages),
    )
    (given_back,) = without_tables([content[:cut], content[cut:]])
    assert json.loads(given_back) == [
        {"@timestamp": "2026-05-06 07:08:09.123", "@message": each, "@logStream": "s"} for each in messages
    ]


def test_a_table_of_log_events() -> None:
    """It has times in milliseconds and no stream; a message may be larger than csv allows by itself."""
    content = table(["timestamp", "message"], ["1778051289000", "x" * 300_000], ["cut"])
    (given_back,) = without_tables([content])
    assert json.loads(given_back) == [{"@timestamp": 1778051289000, "@message": "x" * 300_000, "@logStream": ""}]


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
        b'{"timestamp": 1, "message": "a"}\n',
        b"timestamp,message\n" + b"1778051289000,a line\n" * (MOST_DOCUMENT_BYTES // 20),
    ],
    ids=["empty", "one column", "semicolons", "no time", "no message", "json", "too large"],
)
def test_anything_else_is_left_as_it_is(content: bytes) -> None:
    """What is no such table, or a larger one than the console gives, goes on byte for byte."""
    pieces = [content[:100], content[100:]]
    assert b"".join(without_tables(pieces)) == content
