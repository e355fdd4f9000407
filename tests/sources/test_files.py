"""Events are read from files of any shape, and a bad one harms only itself."""

import base64
import io
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.errors import SourceError
from replay.payloads.captures import Capture
from replay.sources.files import FilesOptions, FilesSource
from replay.sources.json_items import items

BUS = '{"source": "shop", "detail-type": "OrderPlaced", "detail": {"n": 0.10}}'
MESSAGE_ID = "5b1e9c0a-6d1f-4c57-9a2e-0f6f6f0f2f11"


def read(*paths: Path | str) -> tuple[list[Capture], list[str]]:
    with FilesSource(FilesOptions(path=tuple(map(Path, paths)))).open() as recording:
        captures = list(recording.captures())
    return captures, recording.notes


def problems(*paths: Path | str) -> list[str]:
    with FilesSource(FilesOptions(path=tuple(map(Path, paths)))).open() as recording:
        list(recording.captures())
    assert recording.notes == []
    assert recording.unreadable >= len(recording.problems)
    return list(recording.problems)


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_json_file_is_one_event_byte_for_byte(tmp_path: Path) -> None:
    """Escapes, long numbers, duplicate keys and inner spaces are kept; only space around the document is not part of it."""
    text = '{\n  "a": 1.10, "a": 18446744073709551617,\r\n\t"s": "\\ud800\\u0041"\n}'
    path = written(tmp_path, "event.json", f"\ufeff\n {text}\n\n")
    ((capture,), notes) = read(path)
    assert capture.body == text
    assert capture.carrier == "file"
    assert (capture.origin.source, capture.origin.place) == ("files", "event.json:2")
    assert notes == []


def test_json_lines_are_one_event_a_line(tmp_path: Path) -> None:
    """Each line that is not blank is an event with its own line number; identities are those of their text."""
    path = written(tmp_path, "events.jsonl", '{"n":1}\n\n  {"n":2}\r\n{"n":1}')
    captures, _ = read(path)
    assert [capture.body for capture in captures] == ['{"n":1}', '{"n":2}', '{"n":1}']
    assert [capture.origin.place for capture in captures] == ["events.jsonl:1", "events.jsonl:3", "events.jsonl:4"]
    first, second, again = (capture.origin.identity for capture in captures)
    assert first == again != second


@pytest.mark.parametrize("name", ["events.json", "events.log", "events"])
def test_json_lines_are_known_by_looking(tmp_path: Path, name: str) -> None:
    """The suffix does not decide when the content says otherwise."""
    captures, _ = read(written(tmp_path, name, '{"n":1}\n{"n":2}\n'))
    assert [capture.body for capture in captures] == ['{"n":1}', '{"n":2}']


def test_a_bad_line_harms_only_itself(tmp_path: Path) -> None:
    """Lines that are not JSON or not UTF-8 are told by file and line; the others are events, at any depth."""
    deep, cut = b"[" * 100_000 + b"]" * 100_000, b"[" * 100_000
    path = written(
        tmp_path, "events.ndjson", b'{"n":1}\nnot json\n{"s":"\xff"}\n' + cut + b"\n" + deep + b'\n{"n":2}\n'
    )
    captures, _ = read(path)
    notes = problems(path)
    assert [capture.body for capture in captures] == ['{"n":1}', deep.decode(), '{"n":2}']
    assert [note.partition(": ")[0] for note in notes] == ["events.ndjson:2", "events.ndjson:3", "events.ndjson:4"]
    assert "not json" not in notes[0]
    assert "not UTF-8" in notes[1]
    assert "too deep" in notes[2]


def test_a_bad_first_line_does_not_hide_the_others(tmp_path: Path) -> None:
    """Also a file of unknown suffix whose first line is broken is read line by line."""
    path = written(tmp_path, "dump.txt", '{"n":\n{"n":1}\n{"n":2}\n')
    captures, _ = read(path)
    assert [capture.body for capture in captures] == ['{"n":1}', '{"n":2}']
    assert len(problems(path)) == 1


def test_a_broken_document_is_not_read_as_its_lines(tmp_path: Path) -> None:
    """The lines of a pretty-printed document are no events of their own when the document is broken."""
    written(tmp_path, "good.json", BUS)
    written(tmp_path, "broken.json", '[\n  1,\n  {}\n  ,"x",\n  2\n')
    captures, _ = read(tmp_path)
    assert [capture.body for capture in captures] == [BUS]
    assert problems(tmp_path) == ["broken.json:1: not recorded: not JSON: Expecting ',' delimiter at line 5, column 4"]


def test_an_array_of_events_is_several_events(tmp_path: Path) -> None:
    """An array whose elements all are events is taken apart, each element's text exact."""
    other = '{"Records":[{"eventSource":"aws:s3", "s3":{}}, {}]}'
    captures, _ = read(written(tmp_path, "events.json", f"[\n {BUS} ,\n{other}]"))
    assert [capture.body for capture in captures] == [BUS, other]
    assert [capture.origin.place for capture in captures] == ["events.json:2", "events.json:3"]


@pytest.mark.parametrize("text", ["[]", "[1, 2]", '[{"a": 1}]', f"[{BUS}, 1]", "12", '"text"'])
def test_any_other_document_is_one_event(tmp_path: Path, text: str) -> None:
    """A function may be invoked with any JSON value, so what is no list of events is one event."""
    captures, _ = read(written(tmp_path, "event.json", text))
    assert [capture.body for capture in captures] == [text]


_ELEMENTS = st.lists(
    st.sampled_from([BUS, '{"Records":[{"eventSource":"aws:s3","a":[[],{}]}]}']), min_size=1, max_size=5
)


@given(_ELEMENTS, st.text(alphabet=" \n\t", max_size=3))
def test_elements_are_cut_where_they_are(elements: list[str], space: str) -> None:
    """Whatever lies inside and between the elements, each is cut out exactly."""
    text = "[" + ",".join(f"{space}{element}{space}" for element in elements) + "]"
    assert [item.text for item in items(text)] == elements


def test_saved_messages_are_sqs_messages(tmp_path: Path) -> None:
    """What `aws sqs receive-message` printed becomes messages with their attributes; binary values are base64 there."""
    message: dict[str, Any] = {
        "MessageId": MESSAGE_ID,
        "ReceiptHandle": "secret-handle",
        "Body": "not json \ud800",
        "Attributes": {"SentTimestamp": "1767225600000", "ApproximateReceiveCount": "2"},
        "MessageAttributes": {
            "blob": {"DataType": "Binary", "BinaryValue": base64.b64encode(b"\x00\xff").decode()},
            "count": {"DataType": "Number", "StringValue": "1.50"},
        },
    }
    written(tmp_path, "a-answer.json", json.dumps({"Messages": [message, {**message, "MessageId": "by hand"}]}))
    written(tmp_path, "b-message.json", json.dumps(message))
    captures, _ = read(tmp_path)
    assert [capture.carrier for capture in captures] == ["sqs"] * 3
    first, by_hand, again = captures
    assert first.body == "not json \ud800"
    assert first.message_attributes["blob"].binary_value == b"\x00\xff"
    assert first.message_attributes["count"].string_value == "1.50"
    assert first.sent_at is not None
    assert first.origin.identity == again.origin.identity == MESSAGE_ID
    assert by_hand.origin.identity not in {"by hand", MESSAGE_ID}


def test_messages_that_were_given_one_id_by_hand_are_told_apart(tmp_path: Path) -> None:
    """SQS's ids are UUIDs and unique; any other is not believed to be, and no body is taken for another's."""
    messages = [{"MessageId": "m", "Body": body, "ReceiptHandle": "h"} for body in ("a", "b", "a")]
    written(tmp_path, "answer.json", json.dumps({"Messages": messages}))
    captures, _ = read(tmp_path)
    first, other, again = (capture.origin.identity for capture in captures)
    assert first == again != other


def test_a_folder_is_read_in_order_and_whole(tmp_path: Path) -> None:
    """Files are read by name, folders inside too; what is hidden, or does not look like JSON, is left aside and counted."""
    written(tmp_path, "events/b.json", '{"n":2}')
    written(tmp_path, "events/a.jsonl", '{"n":0}\n{"n":1}')
    written(tmp_path, "events/c/d/export", '\n {"n":3}')
    written(tmp_path, "events/notes.md", "# notes")
    written(tmp_path, "events/.hidden.json", '{"n":9}')
    written(tmp_path, "events/.git/config.json", '{"n":9}')
    captures, notes = read("events")
    assert [capture.body for capture in captures] == ['{"n":0}', '{"n":1}', '{"n":2}', '{"n":3}']
    assert notes == ["1 file in events does not look like JSON, and was left aside"]


def test_of_a_folder_of_fixtures_only_the_events_are_read(tmp_path: Path) -> None:
    """`fixture.json` beside `event.json` describes the event, and is none."""
    written(tmp_path, "fixtures/orders/x--00000000/event.json", BUS)
    written(tmp_path, "fixtures/orders/x--00000000/fixture.json", '{"format_version": 1}')
    captures, _ = read("fixtures")
    assert [capture.body for capture in captures] == [BUS]


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """`-` is standard input, JSON Lines or one document."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"n":1}\n{"n":2}\n')))
    captures, _ = read("-")
    assert [(capture.body, capture.origin.place) for capture in captures] == [
        ('{"n":1}', "stdin:1"),
        ('{"n":2}', "stdin:2"),
    ]


def test_standard_input_may_be_one_pretty_document(monkeypatch: pytest.MonkeyPatch) -> None:
    """A document over many lines is one event."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'\n{\n "n": 1\n}\n')))
    captures, _ = read("-")
    assert [(capture.body, capture.origin.place) for capture in captures] == [('{\n "n": 1\n}', "stdin:2")]


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        ("", "check that the files are not empty"),
        ("\n\n", "check that the files are not empty"),
        ("plain text\n", "mend what the notes name, or name other files"),
        ('{"broken": ', "mend what the notes name, or name other files"),
    ],
)
def test_nothing_readable_is_an_error(tmp_path: Path, content: str, hint: str) -> None:
    """When not one event could be read, that is an error that says what to do; why, the recording's notes say."""
    path = written(tmp_path, "empty.json", content)
    with pytest.raises(SourceError, match="no event could be read") as caught:
        read(path)
    assert caught.value.hint == hint


def test_a_missing_path_is_told_before_anything_is_read() -> None:
    """All paths are looked at first, so a mistake in the last is told before the first is recorded."""
    with pytest.raises(SourceError) as caught:
        FilesSource(FilesOptions(path=(Path(), Path("missing.json")))).open()
    assert caught.value.where == "missing.json"


def test_no_path_is_an_error() -> None:
    """Without a path there is nothing to read."""
    with pytest.raises(SourceError, match="no path was given"):
        FilesSource(FilesOptions(path=())).open()


def test_a_hostile_name_is_shown_harmless(tmp_path: Path) -> None:
    """A file name with terminal escapes does not reach notes or provenance as it is."""
    ((capture,), _) = read(written(tmp_path, "a\x1b[31m.json", "{}"))
    assert capture.origin.place == "a?[31m.json:1"


def test_a_place_in_the_project_does_not_tell_where_we_live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below the project's root a place is relative also from an inner folder; elsewhere it is what the user gave."""
    ours = written(tmp_path, "shop/saved/event.json", "{}")
    theirs = written(tmp_path, "elsewhere/event.json", "{}")
    written(tmp_path, "shop/pyproject.toml", "")
    written(tmp_path, "shop/src/app.py", "")
    monkeypatch.chdir(tmp_path / "shop" / "src")
    captures, _ = read(ours, theirs, "../saved/event.json")
    assert [capture.origin.place for capture in captures] == [
        "../saved/event.json:1",
        f"{theirs}:1",
        "../saved/event.json:1",
    ]


def test_many_bad_items_are_counted_not_listed(tmp_path: Path) -> None:
    """A file full of rubbish does not fill the memory."""
    path = written(tmp_path, "events.jsonl", '{"n":1}\n' + "rubbish\n" * 1_001)
    with FilesSource(FilesOptions(path=(path,))).open() as recording:
        list(recording.captures())
    assert (recording.unreadable, len(recording.problems)) == (1_001, 1_000)


@pytest.mark.parametrize(
    "event",
    [
        {"Records": [{"attributes": {"SentTimestamp": "1767225600000"}}, {"attributes": {}}, 1]},
        {"Records": [{"kinesis": {"approximateArrivalTimestamp": 1767225600.0}}]},
        {"Records": [{"dynamodb": {"ApproximateCreationDateTime": 1767225600}}]},
        {"Records": [{"Sns": {"Timestamp": "2026-01-01T00:00:00.000Z"}}, {"Sns": {"Timestamp": "2025-01-01"}}]},
        {"Records": [{"eventTime": "2026-01-01T01:00:00+01:00"}]},
        {"source": "shop", "detail-type": "OrderPlaced", "time": "2026-01-01T00:00:00Z", "detail": {}},
    ],
)
def test_an_event_that_says_when_it_was_sent_was_sent_then(tmp_path: Path, event: dict[str, Any]) -> None:
    """The time is read from the event, of a batch that of its last record, so that the clock can be set to it."""
    ((capture,), _) = read(written(tmp_path, "event.json", json.dumps(event)))
    assert capture.sent_at == datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "event",
    [
        {"time": "2026-01-01T00:00:00Z"},
        {"Records": [{"attributes": {"SentTimestamp": "9" * 400}}]},
        {"Records": [{"attributes": {"SentTimestamp": True}, "eventTime": "yesterday", "Sns": 1}, None]},
        {"Records": [{"kinesis": {"approximateArrivalTimestamp": "nan"}}]},
        {"Records": [{"eventTime": "0001-01-01T00:00:00+23:00"}]},
        [{"Records": []}],
    ],
)
def test_what_is_no_time_of_an_event_is_none(tmp_path: Path, event: Any) -> None:
    """A `time` of somebody's own event means anything, and a time that cannot be read is none."""
    ((capture,), _) = read(written(tmp_path, "event.json", json.dumps(event)))
    assert capture.sent_at is None
