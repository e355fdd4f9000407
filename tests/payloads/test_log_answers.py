"""Lines of a log in the answers of CloudWatch Logs, and as its console exports them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.payloads.log_formats.log_answers import LogLine, log_lines
from replay.payloads.log_formats.log_record import LATEST_MS, moment_of_epoch_ms
from replay.payloads.log_formats.reading import Forms, read_line

AT = 1778051289123


@pytest.mark.parametrize(
    "event",
    [
        {"timestamp": AT, "message": "a", "ingestionTime": AT},
        {"timestamp": AT, "message": "a", "logStreamName": "", "eventId": "1"},
    ],
)
def test_events_of_an_answer(event: dict[str, Any]) -> None:
    """Whoever picked members of them with jq or --query left the stream, at least, or the time of ingestion."""
    assert log_lines({"events": [event]}) == [LogLine(AT, "", "a")]


@pytest.mark.parametrize(
    "value",
    [
        {"events": [{"timestamp": AT, "message": "a"}]},
        {"events": []},
        {"results": []},
        [],
        [{"@message": "a"}],
        [{"@timestamp": AT, "@message": "a"}, {"sku": 1}],
        [{"@timestamp": "yesterday", "@message": "a"}],
        [["a"]],
        "x",
    ],
)
def test_what_only_resembles_an_answer(value: Any) -> None:
    """Events of anybody's have a time and a message, too."""
    assert log_lines(value) is None


@pytest.mark.parametrize("at", [AT, str(AT), "2026-05-06 07:08:09.123", "2026-05-06T09:08:09.123+02:00"])
def test_rows_of_a_query(at: object) -> None:
    """Times are told in each of these ways; a row without one has that of the row before, one without a message is none."""
    rows = [{"@timestamp": at, "@message": "a"}, {"@timestamp": at}, {"@message": {"b": 1}}]
    assert log_lines(rows) == [LogLine(AT, "", "a"), LogLine(AT, "", '{"b": 1}')]


@given(
    at=st.one_of(st.integers(), st.sampled_from([10**400, "0001-01-01 00:00:00+23:59", "9999-12-31 23:59:59-23:59"]))
)
def test_times_that_no_clock_has(at: int | str) -> None:
    """They are put at an end of time, or are none; whoever reads the lines never stumbles over them."""
    for value in (
        {"events": [{"timestamp": at, "message": "a", "ingestionTime": 1}]},
        [{"@timestamp": at, "@message": "a"}],
    ):
        assert all(0 <= line.at_ms <= LATEST_MS for line in log_lines(value) or ())
        read_line(json.dumps(value), Forms())


@pytest.mark.parametrize("value", [10**400, -1, LATEST_MS + 1, float("inf"), float("nan"), True, "1", None])
def test_what_is_no_time_of_a_log(value: object) -> None:
    """A line may hold any number where a time stands; the largest would not even fit into a float."""
    assert moment_of_epoch_ms(value) is None


ID = "8f507cfc-0000-4000-8000-000000000001"
OTHER = ID.replace("8f", "9f")
ONE = [
    f"START RequestId: {ID} Version: 1",
    "event",
    "[ERROR] x",
    f"END RequestId: {ID}",
    f"REPORT RequestId: {ID}\tDuration: 1 ms",
]
TWO = [each.replace(ID, OTHER) for each in ONE]


@pytest.mark.parametrize("times", ["00000 11111", "01111 12222", "00012 22223", "00000 00000", "00112 23334"])
@pytest.mark.parametrize("order", ["oldest first", "newest first", "newest first, those of one time oldest first"])
def test_lines_of_the_same_millisecond(times: str, order: str) -> None:
    """However a query gives lines of one time, what belongs to an invocation stands between its start and its end."""
    rows = [
        {"@timestamp": AT + int(at), "@message": text}
        for at, text in zip(times.replace(" ", ""), ONE + TWO, strict=True)
    ]
    if order == "newest first":
        rows.reverse()
    elif order != "oldest first":
        rows.sort(key=lambda row: -row["@timestamp"])
    messages = [line.message for line in log_lines(rows) or ()]
    if (order, times) != ("newest first", "00000 00000"):  # then nothing tells the first from the last
        assert messages == ONE + TWO
