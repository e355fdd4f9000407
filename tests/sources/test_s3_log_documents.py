"""Objects that begin with JSON over many lines: documents to their end, or a log in which one was printed."""

import gzip
import json
from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest

from replay.payloads.log_formats.reading import Forms
from replay.sources.s3_log_parts import blocks
from replay.sources.s3_log_parts.scan import scan
from replay.sources.s3_logs import S3LogsOptions, S3LogsSource
from tests.sources.log_samples import failed_in_json, failed_in_text, platform, powertools, request_id, uncaught
from tests.sources.test_s3_logs import read, written

PRINTED = json.dumps({"config": {"stage": "prod"}}, indent=2) + "\n"


@pytest.mark.parametrize("first", [PRINTED, PRINTED + PRINTED, "[\n  1\n]\n"])
def test_a_log_that_begins_with_a_printed_document(tmp_path: Path, first: str) -> None:
    """What was printed first says nothing of the form of the rest: the failures behind it are found."""
    text = [first, *failed_in_text(1, 'event: {"n": 1}'), *failed_in_json(2, {"n": 2})]
    captures, notes = read(written(tmp_path, "log", text))
    assert sorted(each.origin.identity for each in captures) == sorted(map(request_id, (1, 2)))
    assert notes == []


def test_a_log_that_begins_with_a_broken_document(tmp_path: Path) -> None:
    """A document without its end is told, and the lines behind it are read as lines."""
    ((capture,), (note,)) = read(written(tmp_path, "log", ["{\n", *failed_in_text(1, 'event: {"n": 1}')]))
    assert capture.origin.identity == request_id(1)
    assert "lines that begin like JSON and are none" in note


def test_documents_over_many_lines_are_read_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each document stands alone, wherever blocks divide them: every request comes once, with its own event."""
    monkeypatch.setattr(blocks, "_DOCUMENTS_BYTES", 2_000)
    lines = [
        json.dumps(json.loads(each), indent=1) for number in range(40) for each in failed_in_json(number, {"n": number})
    ]
    captures, notes = read(written(tmp_path, "log", "\ufeff" + "\n".join(lines)))
    assert [each.origin.identity for each in captures] == [request_id(number) for number in range(40)]
    assert [json.loads(each.body)["n"] for each in captures] == list(range(40))
    assert notes == []


def nameless(content: bytes) -> int:
    pieces = (content[at : at + 8_192] for at in range(0, len(content), 8_192))
    return sum(1 for _ in scan(pieces, Forms(), Counter()))


@pytest.mark.parametrize("size", [100, 700, 1_500])
def test_failures_without_an_id_are_counted_once(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """Blocks are read with their neighbours, and streams stretch by stretch: each failure is counted, and once."""
    monkeypatch.setattr(blocks, "_DOCUMENTS_BYTES", 1_000)
    monkeypatch.setattr("replay.sources.s3_log_parts.scan._MOST_STREAM_BYTES", 3_000)
    error = json.dumps({"errorType": "X", "errorMessage": "y"}, indent=1) + "\n"
    assert nameless(error.encode() * size) == size
    assert nameless(b"[ERROR] X: y\nTraceback (most recent call last):\n" * size) == size


def test_lines_of_other_forms_among_those_of_a_function(tmp_path: Path) -> None:
    """A stream of text does not swallow what stands among its lines and speaks for itself."""
    gateway = {"requestId": "gw-1234567890", "status": "502", "httpMethod": "GET"}
    trail = {"eventVersion": "1.11", "eventSource": "s3.amazonaws.com", "eventName": "GetObject", "eventTime": "2026-11-21T07:00:00Z",
             "errorCode": "AccessDenied", "requestID": "8F1D2C3B4A596877"}  # fmt: skip
    alb = (
        "https 2026-11-21T07:00:00.000000Z app/shop/0 192.0.2.1:1 - -1 -1 -1 502 - 1 2 "
        '"GET https://shop.example:443/ HTTP/1.1" "curl" - - arn:x "Root=1-67891233-abcdef012345678912345678" "-" "-" 1 '
        '2026-11-21T07:00:00.000000Z "forward" "-" "LambdaUnhandled" "-" "-" "-" "-"'
    )
    others = [json.dumps(gateway), alb, json.dumps(trail)]
    lines = [
        *failed_in_text(1, 'event: {"n": 1}'),
        *(f"{each}\n" for each in others),
        *failed_in_text(2, 'event: {"n": 2}'),
    ]
    found = [
        (each.request_id, each.failure.error_type if each.failure else "")
        for each in scan(["".join(lines).encode()], Forms(), Counter())
    ]
    assert sorted(found, key=str) == sorted(
        [
            (request_id(1), "KeyError"),
            (request_id(2), "KeyError"),
            ("gw-1234567890", "HTTP 502"),
            ("1-67891233-abcdef012345678912345678", "HTTP 502"),
            ("8F1D2C3B4A596877", "AccessDenied"),
        ],
        key=str,
    )


@pytest.mark.parametrize("between", [(",", ":"), (", ", ": ")], ids=["as AWS writes it", "with blanks"])
@pytest.mark.parametrize("count", [1, 2, 50])
def test_every_record_of_a_trail_in_one_line(count: int, between: tuple[str, str]) -> None:
    """The first record of CloudTrail's line, and of the next one, is read like those behind it."""
    call = {"eventVersion": "1.11", "eventSource": "lambda.amazonaws.com", "eventName": "Invoke", "eventTime": "2026-11-21T07:00:00Z",
            "errorCode": "AccessDenied"}  # fmt: skip
    trails = [{"Records": [{**call, "requestID": request_id(n + first)} for n in range(count)]} for first in (0, count)]
    content = "\n".join(json.dumps(trail, separators=between) for trail in trails)
    found = {each.request_id for each in scan([content.encode()], Forms(), Counter())}
    assert found == {request_id(n) for n in range(2 * count)}


def test_a_notification_of_s3_in_the_first_line(tmp_path: Path) -> None:
    """It begins as a trail does, and stays the event that it is, also with several records."""
    record = {"eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": {"object": {}}}
    event = json.dumps({"Records": [record, record], "requestId": request_id(1)}, separators=(",", ":"))
    path = tmp_path / "log"
    path.write_text(f"{event}\n{uncaught(1)}", encoding="utf-8")
    (found,) = scan([path.read_bytes()], Forms(), Counter())
    assert found.event == event


@pytest.mark.parametrize(("since", "until"), [("2026-11-21T07:00", None), (None, "2026-11-21T07:00")])
def test_failures_without_an_event_are_told_of_the_time_only(
    tmp_path: Path, since: str | None, until: str | None
) -> None:
    """Objects hold more than the time that is asked for: what failed before or after it is not said to be missing."""
    hours = {"06": 1, "07": 2, "08": 3}
    text = [each.replace("T07", f"T{hour}") for hour, n in hours.items() for each in [uncaught(n)]]
    source = S3LogsSource(S3LogsOptions(path=(str(written(tmp_path, "log", text)),), processes=1))
    with source.open() as recording:
        recording.within(*(each and datetime.fromisoformat(f"{each}+00:00") for each in (since, until)))
        assert list(recording.captures()) == []
    (_, named) = recording.notes
    told = [number for number in hours.values() if request_id(number) in named]
    assert told == ([2, 3] if since else [1, 2])


def test_a_request_that_was_given_is_not_missed_later(tmp_path: Path) -> None:
    """What a further object tells of a request that was complete, such as its report, neither repeats nor misses it."""
    written(tmp_path, "a", failed_in_json(1, {"n": 1}))
    written(tmp_path, "b", [platform(1, "report", status="error", metrics={"durationMs": 1.0})])
    written(tmp_path, "c", failed_in_json(1, {"n": 1}))
    captures, notes = read(tmp_path)
    assert [each.origin.identity for each in captures] == [request_id(1)]
    assert notes == []


def test_what_cannot_be_read_is_counted_once(tmp_path: Path) -> None:
    """The second pass over an object tells nothing that the first one has told, and closing twice tells nothing twice."""
    (tmp_path / "a").write_bytes(gzip.compress("".join([uncaught(1), uncaught(2)]).encode())[:-9])
    source = S3LogsSource(S3LogsOptions(path=(str(tmp_path),), processes=1))
    with source.open() as recording:
        assert list(recording.captures()) == []
        recording.close()
    (broken,) = [note for note in recording.notes if "the end is missing" in note]
    assert broken.startswith("1 time, ")
    assert len(recording.notes) == len(set(recording.notes)) == 3


def test_a_recording_that_was_left_claims_no_event_is_missing(tmp_path: Path) -> None:
    """Who takes one capture of many has not looked for the events of the others."""
    written(tmp_path, "a", [uncaught(1), *failed_in_json(2, {"n": 2})])
    written(tmp_path, "b", [powertools(1, {"n": 1})])
    source = S3LogsSource(S3LogsOptions(path=(str(tmp_path),), processes=1))
    with source.open() as recording:
        assert next(iter(recording.captures())).origin.identity == request_id(2)
    assert recording.notes == []
