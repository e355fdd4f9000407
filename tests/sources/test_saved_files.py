"""What consoles, the AWS CLI and other tools save is known by its form, file by file, and nothing of it is lost."""

import base64
import csv
import gzip
import json
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.payloads.captures import Capture
from replay.payloads.envelopes.registry import unwrap
from replay.sources.files import FilesOptions, FilesRecording, FilesSource
from replay.sources.json_items import Item, items
from tests.payloads.envelopes.aws_shapes import destination_record, notification, stream_record

MESSAGE_ID = "0d0a6a2e-7e8f-4a43-9a63-6f2d3a1c9b10"
REQUEST_ID = "7b2f6c1e-93d4-4c8a-b0a5-2f1de77aa001"
BUS = '{"source": "shop", "detail-type": "OrderPlaced", "time": "2026-01-01T00:00:00Z", "detail": {"n": 0.10}}'
OTHER = '{"source":"shop","detail-type":"OrderPaid","detail":{"n":"1e400"}}'


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def recorded(name: str, content: str | bytes) -> tuple[list[Capture], FilesRecording]:
    """Write a file, and give its captures and the recording at its end."""
    Path(name).write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    with FilesSource(FilesOptions(path=(Path(name),))).open() as recording:
        captures = list(recording.captures())
    return captures, recording


def bodies(name: str, content: str | bytes) -> list[str]:
    captures, recording = recorded(name, content)
    assert recording.problems == []
    return [capture.body for capture in captures]


# Test events of Lambda's console


def schema(**events: str) -> str:
    examples = ", ".join(f'"{name}": {{"value": {event}, "x-metadata": {{}}}}' for name, event in events.items())
    paths = '"openapi": "3.0.0", "info": {"version": "1.0.0", "title": "Event"}, "paths": {}'
    return f'{{{paths}, "components": {{"schemas": {{"Event": {{"type": "object"}}}}, "examples": {{{examples}}}}}}}'


EVENTS = {"poison": '{"n": 1.50, "n": 2}', "empty": "[]", "text": '"\\ud800"'}


def test_shareable_test_events_are_taken_out_of_their_schema() -> None:
    """Each example of the schema is an event, as it was written; what describes them is none."""
    assert bodies("schema.json", schema(**EVENTS)) == list(EVENTS.values())


def test_a_described_schema_holds_its_events_as_a_string() -> None:
    """`aws schemas describe-schema` prints the schema as a string of JSON."""
    described = {"Content": schema(**EVENTS), "SchemaName": "_orders-schema", "Type": "OpenApi3"}
    assert bodies("described.json", json.dumps(described, indent=2)) == list(EVENTS.values())


@pytest.mark.parametrize(
    "text",
    [
        schema(),
        '{"openapi": "3.0.0", "components": {"examples": {"a": {"externalValue": "x"}, "b": 1}}}',
        '{"openapi": "3.0.0", "components": []}',
        '{"Content": "not json", "SchemaName": "x"}',
        '{"Content": "{}", "SchemaName": "x"}',
        '{"components": {"examples": {"a": {"value": 1}}}}',
    ],
)
def test_any_other_document_of_this_kind_is_one_event(text: str) -> None:
    """A schema without examples, or something that only looks like one, is not taken apart."""
    assert bodies("document.json", text) == [text]


# Messages


MESSAGE = {
    "MessageId": MESSAGE_ID,
    "ReceiptHandle": "handle",
    "MD5OfBody": "0" * 32,
    "Body": '{"n": 1.0}',
    "Attributes": {"SentTimestamp": "1767225600000"},
    "MessageAttributes": {
        "kind": {"DataType": "String", "StringValue": "order"},
        "raw": {"DataType": "Binary", "BinaryValue": base64.b64encode(b"\x00\xff").decode()},
    },
}


def spelled(value: Any, how: Any) -> Any:
    """Spell the names of a message's own members in another way; names that its sender chose stay."""
    return {how(name): each for name, each in value.items()}


def in_full(how: Any, **changes: Any) -> dict[str, Any]:
    attributes = {name: spelled(each, how) for name, each in MESSAGE["MessageAttributes"].items()}  # type: ignore[attr-defined]  # it is a dict
    return dict(spelled({**MESSAGE, "MessageAttributes": attributes, **changes}, how))


def camel(name: str) -> str:
    return name[:1].lower() + name[1:]


def snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).strip("_")


SAVED = {
    "one message, as boto3 gives it": MESSAGE,
    "as an SDK with small first letters gives it": in_full(camel),
    "as boto3's resources, and sqs-dump, give it": {**in_full(snake), "md5_of_body": "0" * 32},
    "as boto3's resources give it, with its queue": {**in_full(snake), "queue_url": "https://example.com/q"},
    "as an SDK for Go gives it, with every list there is": {
        **MESSAGE,
        "MessageAttributes": {
            "kind": {**MESSAGE["MessageAttributes"]["kind"], "BinaryValue": None, "StringListValues": None},  # type: ignore[index]  # it is a dict
            "raw": {**MESSAGE["MessageAttributes"]["raw"], "StringValue": None, "BinaryListValues": None},  # type: ignore[index]  # it is a dict
        },
    },
    "as JavaScript writes a Buffer": {
        **MESSAGE,
        "MessageAttributes": {
            "kind": {"DataType": "String", "StringValue": "order"},
            "raw": {"DataType": "Binary", "BinaryValue": {"type": "Buffer", "data": [0, 255]}},
        },
    },
    "as JavaScript writes an array of bytes": {
        **MESSAGE,
        "MessageAttributes": {
            "kind": {"DataType": "String", "StringValue": "order"},
            "raw": {"DataType": "Binary", "BinaryValue": {"0": 0, "1": 255}},
        },
    },
}


@pytest.mark.parametrize("saved", SAVED.values(), ids=SAVED)
@pytest.mark.parametrize("form", ["answer", "alone", "array", "lines"])
def test_a_message_is_known_in_every_spelling(saved: dict[str, Any], form: str) -> None:
    """Whichever tool saved it, and however many in a file: the same body, id, time and attributes."""
    text = json.dumps(saved)
    content = {
        "answer": f'{{"Messages": [{text}]}}',
        "alone": text,
        "array": f"[{text},{text}]",
        "lines": f"{text}\n" * 2,
    }
    captures, recording = recorded("dump", content[form])
    assert recording.problems == []
    assert len(captures) == (2 if form in {"array", "lines"} else 1)
    for capture in captures:
        assert (capture.carrier, capture.body, capture.origin.identity) == ("sqs", '{"n": 1.0}', MESSAGE_ID)
        assert capture.sent_at == datetime(2026, 1, 1, tzinfo=UTC)
        assert capture.message_attributes["kind"].string_value == "order"
        assert capture.message_attributes["raw"].binary_value == b"\x00\xff"
        record = json.loads(unwrap(capture)[1].event.text)["Records"][0]
        assert (record["messageId"], record["body"]) == (MESSAGE_ID, '{"n": 1.0}')


@pytest.mark.parametrize(
    "beside",
    [
        {"ResponseMetadata": {"HTTPStatusCode": 200}},
        {"$metadata": {"httpStatusCode": 200, "attempts": 1}},
        {"ResultMetadata": {}},
        {"ResponseMetadata": {}, "HttpStatusCode": 200, "ContentLength": 512},
    ],
)
def test_what_an_sdk_tells_of_its_answer_is_no_part_of_it(beside: dict[str, Any]) -> None:
    """Whole answers, as boto3 and the SDKs for JavaScript, Go and .NET leave them, are their messages."""
    captures, _ = recorded("answer.json", json.dumps({"Messages": [MESSAGE], **beside}))
    assert [(capture.carrier, capture.origin.identity) for capture in captures] == [("sqs", MESSAGE_ID)]


def test_attributes_that_php_writes_as_a_list_are_none() -> None:
    """A message of PHP's without attributes has empty lists in their place, and is a message."""
    message = {**MESSAGE, "Attributes": [], "MessageAttributes": []}
    ((capture,), _) = recorded("message.json", json.dumps(message))
    assert (capture.carrier, capture.attributes, capture.message_attributes) == ("sqs", {}, {})


def test_answers_in_an_array_are_their_messages() -> None:
    """`jq -s` makes an array of answers that were appended: each message of each is one, with the line of its answer."""
    answers = [{"Messages": [{**MESSAGE, "Body": f"{n}{m}"} for m in "ab"]} for n in range(2)]
    captures, _ = recorded("answers.json", "[\n" + ",\n".join(map(json.dumps, answers)) + "\n]")
    assert [capture.body for capture in captures] == ["0a", "0b", "1a", "1b"]
    assert [capture.origin.place.rpartition(":")[2] for capture in captures] == ["2", "2", "3", "3"]


@pytest.mark.parametrize(
    ("element", "shape"),
    [
        (destination_record('{"n": 1.50}'), "lambda-destination"),
        (notification('{"n": 1.50}'), "sns-notification"),
        (stream_record(), "stream-failure"),
    ],
)
def test_an_array_of_records_is_taken_apart(element: str, shape: str) -> None:
    """Records of failures and notifications are known by themselves: in an array, too, each is its own, exactly."""
    captures, _ = recorded("records.json", f"[{element},\n{element}]")
    assert [capture.body for capture in captures] == [element] * 2
    assert {unwrap(capture)[0].name for capture in captures} == {shape}
    assert bodies("records.json", f"[{element}, {{}}]") == [f"[{element}, {{}}]"]


def test_a_message_without_its_id_is_still_a_message() -> None:
    """Some tools keep the body and its digest only: the message is known by its content then."""
    ((first, second), recording) = recorded(
        "dump.jsonl", '{"Body":"a","MD5OfBody":"x"}\n{"Body":"b","MD5OfBody":"x"}\n'
    )
    assert recording.problems == []
    assert [capture.carrier for capture in (first, second)] == ["sqs", "sqs"]
    assert first.origin.identity != second.origin.identity


@pytest.mark.parametrize(
    "event",
    [
        '{"messageId": "m-1", "body": "x"}',
        '{"Body": "x"}',
        '{"body": 1, "md5OfBody": "x"}',
        '{"MessageId": "m-1", "Body": "Hi", "To": "+15551234", "Channel": "sms"}',
        '{"messageId": "m-1", "body": "x", "receiptHandle": "h", "bucket": "b"}',
        '{"MessageId": "m-1", "Body": "x", "QueueUrl": "https://example.com/q"}',
        '{"MessageId": "m-1", "Body": "x", "body": "y", "ReceiptHandle": "h"}',
        '{"MessageId": "m-1", "Body": "x", "Attributes": "none"}',
        '{"MessageId": "m-1", "Body": "x", "MessageAttributes": {"kind": "order"}}',
        '{"MessageId": 5, "Body": "x", "MD5OfBody": "y"}',
        '{"Messages": [{"MessageId": "1", "Body": "{}"}], "taskToken": "abc"}',
        '{"Messages": [{"MessageId": "1", "Body": "{}"}, {"Body": "x"}]}',
        '[{"MessageId": "1", "Body": "x"}, {"MessageId": "2", "Body": "x", "To": "+15551234"}]',
    ],
)
def test_an_event_that_has_an_id_and_a_body_is_no_message(event: str) -> None:
    """
    Only a receipt handle or a digest makes a message of it, unless it is spelled as the API does.

    And only where it has nothing that a message has not: that would be lost.
    """
    ((capture,), _) = recorded("event.json", event)
    assert (capture.carrier, capture.body) == ("file", event)


def test_one_record_of_an_event_is_an_event_of_one_record() -> None:
    """A record of SQS that a function or a tool kept by itself is delivered as Lambda does, exactly."""
    record = f'{{"messageId": "{MESSAGE_ID}", "body": "\\ud800", "n": 1.0, "eventSource": "aws:sqs"}}'
    assert bodies("records.jsonl", f"{record}\n{record}\n") == [f'{{"Records":[{record}]}}'] * 2


# Logs


START = f"START RequestId: {REQUEST_ID} Version: $LATEST"
FAILED = (
    "[ERROR] KeyError: 'customer_id'\nTraceback (most recent call last):\n"
    '  File "/var/task/app.py", line 3, in handler\n    event["customer_id"]'
)
END = f"END RequestId: {REQUEST_ID}"
REPORT = f"REPORT RequestId: {REQUEST_ID}\tDuration: 2.00 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\tMax Memory Used: 40 MB\t"
INVOCATION = [START, 'event: {"n": 1.50}', FAILED, END, REPORT]


def filtered(messages: list[str], stream: str = "2026/01/01/[$LATEST]0") -> str:
    events = [
        {
            "logStreamName": stream,
            "timestamp": 1767225600000 + n,
            "message": text + "\n",
            "ingestionTime": 1,
            "eventId": "1",
        }
        for n, text in enumerate(messages)
    ]
    return json.dumps({"events": events, "searchedLogStreams": []}, indent=2)


def insights(messages: list[str]) -> str:
    rows = [
        [
            {"field": "@timestamp", "value": f"2026-01-01 00:00:00.{n:03}"},
            {"field": "@message", "value": text},
            {"field": "@ptr", "value": "x"},
        ]
        for n, text in enumerate(messages)
    ]
    return json.dumps({"results": rows[::-1], "status": "Complete"})


def exported(messages: list[str]) -> str:
    rows = [{"@timestamp": f"2026-01-01 00:00:00.{n:03}", "@message": text} for n, text in enumerate(messages)]
    return json.dumps(rows[::-1])


def table(messages: list[str]) -> str:
    file = StringIO(newline="")
    rows = [(f"2026-01-01 00:00:00.{n:03}", text) for n, text in enumerate(messages)]
    csv.writer(file).writerows([("@timestamp", "@message"), *rows[::-1]])
    return file.getvalue()


FORMS = {"filter-log-events": filtered, "get-query-results": insights, "console": exported, "table": table}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_failed_invocation_is_read_out_of_a_saved_log(form: Any) -> None:
    """Its event as it was logged, its id, its failure and the lines around it; the same as out of the log itself."""
    ((capture,), recording) = recorded("log.json", form(INVOCATION))
    assert (recording.problems, recording.notes) == ([], [])
    assert (capture.body, capture.origin.identity) == ('{"n": 1.50}', REQUEST_ID)
    assert capture.sent_at == datetime(2026, 1, 1, tzinfo=UTC)
    assert capture.failure is not None
    assert (capture.failure.error_type, capture.failure.request_id) == ("KeyError", REQUEST_ID)
    assert len(capture.failure.log_lines) >= len(INVOCATION)


def test_a_table_in_a_folder_is_seen() -> None:
    """What the console gives for download as CSV is read as well as its JSON, also among other files."""
    Path("downloads").mkdir()
    Path("downloads/logs-insights-results.csv").write_text(table(INVOCATION), newline="")
    Path("downloads/prices.csv").write_text("sku,price\n1,2\n")
    with FilesSource(FilesOptions(path=(Path("downloads"),))).open() as recording:
        ((capture,), notes) = (list(recording.captures()), recording.notes)
    assert (capture.body, capture.origin.identity) == ('{"n": 1.50}', REQUEST_ID)
    assert notes == ["1 file in downloads does not look like JSON, and was left aside"]


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_an_invocation_that_logged_no_event_is_told(form: Any) -> None:
    """There is nothing to replay, and that is a note, as with the log itself; the others of the file are recorded."""
    other = "7b2f6c1e-93d4-4c8a-b0a5-2f1de77aa002"
    without = [line.replace(REQUEST_ID, other) for line in INVOCATION if not line.startswith("event")]
    captures, recording = recorded("log.json", form(INVOCATION + without))
    assert [capture.origin.identity for capture in captures] == [REQUEST_ID]
    assert recording.problems == []
    assert "1 invocation in log.json logged no event" in recording.notes[0]
    assert other in recording.notes[1]


def test_of_a_log_that_tells_of_no_failure_every_event_counts() -> None:
    """Somebody has chosen these lines, as with a filter for the line that holds the event."""
    line = f'2026-01-01T00:00:00.000Z\t{REQUEST_ID}\tINFO\tevent: {{"n": 2}}'
    ((capture,), _) = recorded("log.json", filtered([line]))
    assert (capture.body, capture.failure) == ('{"n": 2}', None)


def test_two_streams_do_not_mix() -> None:
    """Lines of two environments lie between each other by time; each invocation gets its own."""
    other = "7b2f6c1e-93d4-4c8a-b0a5-2f1de77aa003"
    second = [line.replace(REQUEST_ID, other).replace("1.50", "2.50") for line in INVOCATION]
    one, two = (json.loads(filtered(lines, str(n)))["events"] for n, lines in enumerate((INVOCATION, second)))
    mixed = [each for pair in zip(one, two, strict=True) for each in pair]
    captures, _ = recorded("log.json", json.dumps({"events": mixed, "searchedLogStreams": []}))
    assert {each.origin.identity: each.body for each in captures} == {
        REQUEST_ID: '{"n": 1.50}',
        other: '{"n": 2.50}',
    }


def test_a_log_that_a_rule_writes_to_holds_events() -> None:
    """EventBridge can send events to a log group: each line then is one."""
    assert bodies("bus.json", filtered([BUS, OTHER])) == [BUS, OTHER]


def test_lines_of_a_log_without_an_event_are_counted() -> None:
    """They are told as not recorded, and the rest is recorded."""
    captures, recording = recorded("bus.json", filtered(["hello", BUS, "{}"]))
    assert [capture.body for capture in captures] == [BUS]
    assert recording.problems == ["bus.json:1: not recorded: 2 lines of a log without an event in it"]


@pytest.mark.parametrize(
    "event",
    [
        '{"events": [{"type": "message", "timestamp": 1, "message": {"text": "hi"}}]}',
        '{"events": [{"message": "hi", "timestamp": 1}]}',
        '{"events": []}',
        '{"results": [[]]}',
        '{"results": [{"field": "@message", "value": "x"}]}',
        '[{"@message": "x"}]',
        '[{"@message": "x", "@timestamp": "yesterday"}]',
    ],
)
def test_what_only_resembles_lines_of_a_log_is_one_event(event: str) -> None:
    """A webhook has events with messages, too."""
    assert bodies("event.json", event) == [event]


# Exports of buses, archives and delivery streams


@pytest.mark.parametrize("between", ["", "\n", "\n\n", ",", ",\n", " "])
@pytest.mark.parametrize("name", ["export", "export.json", "export.jsonl", "orders-1-2026-01-01-00-00-00-0a1b"])
def test_events_may_stand_one_behind_the_other(name: str, between: str) -> None:
    """A delivery stream writes the events of a bus without anything between them; nor does a CLI that appends."""
    assert bodies(name, between.join([BUS, OTHER, BUS])) == [BUS, OTHER, BUS]


def test_pretty_answers_that_were_appended_are_all_read() -> None:
    """`aws sqs receive-message >> dump.json`, many times."""
    answers = [json.dumps({"Messages": [{**MESSAGE, "Body": str(n)}]}, indent=4) for n in range(3)]
    captures, recording = recorded("dump.json", "\n".join(answers))
    assert [capture.body for capture in captures] == ["0", "1", "2"]
    assert recording.problems == []
    assert [capture.origin.place.rpartition(":")[2] for capture in captures] == ["1", "24", "47"]


def test_an_export_that_was_cut_loses_its_last_event_only() -> None:
    """What is whole is recorded; that the end is missing is told."""
    captures, recording = recorded("export.json", BUS + OTHER + BUS[:30])
    assert [capture.body for capture in captures] == [BUS, OTHER]
    (problem,) = recording.problems
    assert problem.startswith("export.json:1: not recorded: no JSON behind the documents before it")


@given(st.lists(st.sampled_from([BUS, OTHER, "{}", '{"a": [1, {"b": "}{"}]}']), min_size=2, max_size=6), st.data())
def test_documents_are_cut_where_they_end(documents: list[str], data: st.DataObject) -> None:
    """Whatever they hold and whatever stands between them, each is cut out exactly, with its line."""
    between = [data.draw(st.text(alphabet=" \n\r\t", max_size=3)) for _ in documents]
    text = "".join(f"{document}{space}" for document, space in zip(documents, between, strict=True))
    lines = [
        1 + "".join(a + b for a, b in zip(documents[:n], between[:n], strict=True)).count("\n")
        for n in range(len(documents))
    ]
    assert [(item.text, item.line) for item in items(text)] == list(zip(documents, lines, strict=True))


@given(
    st.recursive(st.none() | st.integers() | st.text(), lambda each: st.lists(each) | st.dictionaries(st.text(), each))
)
def test_any_document_gives_an_item(value: Any) -> None:
    """Whatever a file holds, it is recorded or told: never nothing, never a crash."""
    found: list[Item] = list(items(json.dumps(value)))
    assert found
    assert all(item.problem or item.text for item in found)


# Packed files


@pytest.mark.parametrize("name", ["events.jsonl.gz", "events.json.gz", "events"])
def test_packed_files_are_unpacked(name: str) -> None:
    """Backups are packed: gzip is known by its first bytes, and what is in it by the name without `.gz`, or by looking."""
    assert bodies(name, gzip.compress(f"{BUS}\n{OTHER}\n".encode())) == [BUS, OTHER]


def test_zstandard_is_unpacked() -> None:
    """Zstandard as well."""
    zstandard = pytest.importorskip("zstandard")
    assert bodies("events.jsonl.zst", zstandard.compress(f"{BUS}\n{OTHER}\n".encode())) == [BUS, OTHER]


def test_packed_files_of_a_folder_are_found() -> None:
    """In a folder what is packed is looked into."""
    Path("backup").mkdir()
    Path("backup/events.json.gz").write_bytes(gzip.compress(BUS.encode()))
    Path("backup/more").write_bytes(gzip.compress(OTHER.encode()))
    Path("backup/words.gz").write_bytes(gzip.compress(b"words"))
    with FilesSource(FilesOptions(path=(Path("backup"),))).open() as recording:
        assert [capture.body for capture in recording.captures()] == [BUS, OTHER]
    assert recording.notes == ["1 file in backup does not look like JSON, and was left aside"]


# Bad input


def test_a_truncated_gzip_gives_what_is_whole() -> None:
    """Lines before the cut are recorded; the cut is told once, not as a bad line."""
    content = gzip.compress("".join(f'{{"n": {n}}}\n' for n in range(50_000)).encode(), 1)
    captures, recording = recorded("events.jsonl.gz", content[: len(content) // 2])
    assert 1_000 < len(captures) < 50_000
    assert [capture.body for capture in captures[:2]] == ['{"n": 0}', '{"n": 1}']
    assert recording.unreadable == 1
    assert recording.problems[0].endswith("not recorded: it is not whole gzip: the end is missing")


def test_a_zip_bomb_is_not_unpacked_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """What unpacks to more than it should is cut off, and told."""
    monkeypatch.setattr("replay.sources.file_parts.contents._MOST_UNPACKED_BYTES", 10_000_000)
    bomb = gzip.compress(b'{"n":1}\n' + b" " * 60_000_000)
    captures, recording = recorded("bomb.jsonl.gz", bomb)
    assert [capture.body for capture in captures] == ['{"n":1}']
    assert recording.unreadable == 1
    assert "zip bomb" in recording.problems[0]


def test_a_document_that_is_too_large_is_not_taken_into_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """One document has to be in memory as a whole: a larger one is told; one that just fits is an event."""
    monkeypatch.setattr("replay.sources.files._MOST_BYTES", 1_000)
    fits = b'{"n": "' + b"x" * 991 + b'"}'
    captures, _ = recorded("fits.json", fits)
    assert [capture.body for capture in captures] == [fits.decode()]
    (Path("both")).mkdir()
    Path("both/a.json").write_bytes(fits + b" ")
    Path("both/b.json").write_bytes(b"1")
    with FilesSource(FilesOptions(path=(Path("both"),))).open() as recording:
        assert [capture.body for capture in recording.captures()] == ["1"]
    (problem,) = recording.problems
    assert "one document of more than 1,000 bytes" in problem


def test_a_line_of_a_hundred_megabytes_is_skipped() -> None:
    """It is counted and told by its number, and the lines behind it are read."""
    long = b'{"n": "' + b"x" * 100_000_000 + b'"}'
    captures, recording = recorded("events.jsonl", b'{"n":1}\n' + long + b'\n{"n":2}\n')
    assert [(capture.body, capture.origin.place) for capture in captures] == [
        ('{"n":1}', "events.jsonl:1"),
        ('{"n":2}', "events.jsonl:3"),
    ]
    assert recording.problems == ["events.jsonl:2: not recorded: a line of more than 33,554,432 bytes"]


def test_a_file_that_changes_its_format_half_way_is_read_to_its_end() -> None:
    """Events, messages, several documents on a line and rubbish, each line by what it is."""
    content = "\n".join([BUS, json.dumps(MESSAGE), BUS + OTHER, "2026-01-01 INFO text", f"[{BUS},{OTHER}]", "[1]", ""])
    captures, recording = recorded("mixed.log", content)
    assert [capture.body for capture in captures] == [BUS, '{"n": 1.0}', BUS, OTHER, BUS, OTHER, "[1]"]
    assert len(recording.problems) == 1


DEEP = (
    '{"source": "shop", "detail-type": "D", "time": "2026-01-01T00:00:00Z", "detail": '
    + '{"a":' * 100_000
    + "1.0"
    + "}" * 100_001
)


@pytest.mark.parametrize("name", ["deep.json", "deep.jsonl", "deep", "deep.txt"])
def test_what_is_nested_deeper_than_pythons_parser_goes_is_an_event(name: str) -> None:
    """A hundred thousand levels are recorded exactly, with the time that the outer ones tell; other languages read them."""
    ((capture,), recording) = recorded(name, f"\n{DEEP}\n")
    assert (recording.problems, recording.notes) == ([], [])
    assert (capture.body, capture.sent_at) == (DEEP, datetime(2026, 1, 1, tzinfo=UTC))
    assert unwrap(capture)[0].name == "eventbridge-event"


def test_deep_lines_are_events_among_others() -> None:
    """In JSON Lines, and behind other documents, only depth itself makes no difference."""
    deep = "[" * 5_000 + "]" * 5_000
    assert bodies("events.jsonl", f'{deep}\n{{"n":1}}\n{deep}\n') == [deep, '{"n":1}', deep]
    assert bodies("events.json", f"{BUS}\n{DEEP}") == [BUS, DEEP]


def test_what_is_deep_and_larger_than_any_event_is_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lambda takes no such event, and millions of levels would fill the memory: it is told once, and what can be done."""
    monkeypatch.setattr("replay.sources.json_items._MOST_DEEP", 100_000)
    captures, recording = recorded("events.jsonl", f'{DEEP}\n{{"n":1}}\n')
    assert [capture.body for capture in captures] == ['{"n":1}']
    (problem,) = recording.problems
    assert "nested too deep" in problem
    assert "leave it out" in problem
    Path("both").mkdir()
    Path("both/deep.json").write_text(DEEP, encoding="utf-8")
    Path("both/event.json").write_text("{}", encoding="utf-8")
    with FilesSource(FilesOptions(path=(Path("both"),))).open() as recording:
        assert [capture.body for capture in recording.captures()] == ["{}"]
    assert len(recording.problems) == 1


def test_a_log_without_an_event_is_told_once() -> None:
    """The answer is whole JSON: nothing is said of a missing end behind it."""
    Path("logs").mkdir()
    Path("logs/bus.json").write_text(json.dumps(json.loads(filtered(["hello"]))), encoding="utf-8")
    Path("logs/event.json").write_text("{}", encoding="utf-8")
    with FilesSource(FilesOptions(path=(Path("logs"),))).open() as recording:
        assert [capture.body for capture in recording.captures()] == ["{}"]
    assert recording.problems == ["logs/bus.json:1: not recorded: 1 line of a log without an event in it"]


def test_configuration_and_code_of_a_project_are_no_events() -> None:
    """A folder of a project has files that begin with a bracket: they are left aside, not told as bad lines."""
    Path("project/events").mkdir(parents=True)
    for name, content in {
        "pyproject.toml": "[project]\nname = 'x'\n",
        "setup.cfg": "[metadata]\n",
        "hosts": "[servers]\nweb1\n",
        "app.py": '{"not": "events"}\n',
        "events/order.json": BUS,
    }.items():
        Path("project", name).write_text(content)
    with FilesSource(FilesOptions(path=(Path("project"),))).open() as recording:
        assert [capture.body for capture in recording.captures()] == [BUS]
    assert recording.problems == []
    assert recording.notes == ["4 files in project do not look like JSON, and were left aside"]
