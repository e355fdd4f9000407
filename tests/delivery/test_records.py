"""An event's records as exact texts."""

import json

import pytest

from replay.delivery.records import EventRecords, Span, member
from replay.errors import InvalidEvent, InvalidJson


def test_records_keep_every_character() -> None:
    """Duplicate keys, spacing, long numbers and escapes of a record are in its text as they were written."""
    first = '{ "messageId":"a", "n": 1.0000000000000000000001, "n": 2e400 }'
    second = '{"messageId":"b","body":"\\u0041 \\ud800 ]}{[ \\" ,","empty":{},"list":[[],{}]}'
    records = EventRecords(f' {{ "Records" :\n[ {first} ,\n {second}\n] }} ')
    assert records.texts == (first, second)
    assert [record["messageId"] for record in records.values] == ["a", "b"]


def test_an_event_of_all_its_records_is_the_event_itself() -> None:
    """Putting the same records back changes no character around them."""
    text = '{"before": [1, {"x": "]"}],\n  "Records": [\n    {"messageId": "a"},\n    {"messageId": "b"}\n  ], "after": null}'
    records = EventRecords(text)
    assert records.event_of(records.texts) == text


def test_an_event_of_some_records_keeps_what_is_around_them() -> None:
    """A smaller batch has the event's other members, and its own spacing between records."""
    records = EventRecords('{"x": 1, "Records": [{"a":1};{"b":2};{"c":3}]}'.replace(";", ",  "))
    assert records.event_of([records.texts[0], records.texts[2]]) == '{"x": 1, "Records": [{"a":1},  {"c":3}]}'


@pytest.mark.parametrize(
    "text",
    [
        '{"Records": [{"messageId": "old"}], "Records": [{"messageId": "new"}]}',
        '{"R\\u0065cords": [{"messageId": "new"}]}',
        '{"Records": 1, "x": {"Records": [{"messageId": "old"}]}, "Records": [{"messageId": "new"}]}',
    ],
)
def test_the_records_are_those_that_python_sees(text: str) -> None:
    """Where the key stands twice, or is escaped, text and value are those of the same records."""
    records = EventRecords(text)
    assert [json.loads(each)["messageId"] for each in records.texts] == ["new"]
    assert [record["messageId"] for record in records.values] == ["new"]


def test_an_event_without_records_has_none() -> None:
    """An empty list is an event that Lambda never sends, and no error."""
    assert EventRecords('{"Records": []}').texts == ()


@pytest.mark.parametrize("text", ['{"detail": {}}', "[]", "null", '{"Records": {}}', '{"Records": ["a"]}'])
def test_another_shape_is_refused_with_what_to_do(text: str) -> None:
    """An event without a list of objects is a mistake of who gave it, said in one clear message."""
    with pytest.raises(InvalidEvent, match="record"):
        EventRecords(text)


@pytest.mark.parametrize(
    "text",
    [
        '{"Records": [{"a": 1} {"a": 2}]}',
        '{"Records": [{"a": 1},, {"a": 2}]}',
        '{"Records": [{"a": 1},]}',
        '{"Records": [{"a": 1}]},',
        '{"Records": [{"a": 1}]} x',
        '{"Records": [{"a": 1}]',
        '{"Records":\u00a0[{"a": 1}]}',
        '{"Records": [{"a": 1}\u000b]}',
        '{"Records": [{"a": }]}',
        '{"Records": [' + '{"a":' * 100_000 + "1" + "}" * 100_000 + "]}",
    ],
)
def test_what_only_looks_like_records_is_refused(text: str) -> None:
    """The quick way through an event of nothing but records takes no text that a parser would not."""
    with pytest.raises(InvalidJson):
        EventRecords(text)


def test_text_that_is_not_json_is_refused() -> None:
    """What is not JSON is refused before anything is delivered."""
    with pytest.raises(InvalidJson):
        EventRecords('{"Records": [}')


def test_a_deep_event_is_refused_and_does_not_overflow() -> None:
    """A hostile depth ends in an error of ours, not in a RecursionError."""
    with pytest.raises(InvalidJson, match="deep"):
        EventRecords('{"Records": [{"x": ' + "[" * 100_000 + "]" * 100_000 + "}]}")


def test_a_member_is_found_at_any_depth_of_its_neighbours() -> None:
    """Walking past a deeply nested value needs no recursion."""
    deep = "[" * 50_000 + "]" * 50_000
    text = f'{{"deep": {deep}, "wanted": 7, "other": 8}}'
    span = member(text, Span(0, len(text)), "wanted")
    assert span is not None
    assert text[span.start : span.end] == "7"
    assert member(text, Span(0, len(text)), "missing") is None
