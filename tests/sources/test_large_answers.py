"""Answers of CloudWatch Logs that are larger than a line, or a document, may be."""

import json
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from replay.sources.s3_log_parts import blocks, large_answers
from replay.sources.s3_log_parts.large_answers import without_large_answers
from replay.sources.s3_logs import S3LogsOptions, S3LogsSource
from tests.sources.log_samples import failed_in_text

MESSAGES = [failed_in_text(number, f'event: {{"n": {number}}}') for number in range(40)]
MANY = list(chain.from_iterable(zip(*MESSAGES, strict=True)))  # all of them run at the same time


def filtered(messages: list[str]) -> Any:
    told = [
        {"logStreamName": f"{each % len(MESSAGES):016x}", "timestamp": 1_795_244_400_000 + each, "message": text}
        for each, text in enumerate(messages)
    ]
    return {"events": [{**each, "ingestionTime": 1} for each in told], "searchedLogStreams": []}


def queried(messages: list[str]) -> Any:
    rows = [
        {
            "@timestamp": f"2026-11-21 07:00:{each // 1000:02}.{each % 1000:03}",
            "@message": text,
            "@logStream": f"{each % len(MESSAGES):016x}",
        }
        for each, text in enumerate(messages)
    ]
    return {
        "queryLanguage": "CWLI",
        "results": [[{"field": name, "value": value} for name, value in row.items()] for row in rows],
    }


def exported(messages: list[str]) -> Any:
    return [{each["field"]: each["value"] for each in row} for row in queried(messages)["results"]]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a line and a document be large by kilobytes."""
    for module in (blocks, large_answers):
        monkeypatch.setattr(module, "MOST_RECORD_BYTES", 4_000)
    monkeypatch.setattr(blocks, "MOST_DOCUMENT_BYTES", 8_000)
    monkeypatch.setattr("replay.sources.s3_log_parts.console_tables._ARRAY_LETTERS", 1_000)


def found_in(path: Path) -> tuple[list[str], list[str]]:
    with S3LogsSource(S3LogsOptions(path=(str(path),), processes=1)).open() as recording:
        bodies = sorted(capture.body for capture in recording.captures())
    return bodies, recording.notes


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("write", [filtered, queried, exported])
@pytest.mark.parametrize("indent", [None, 2])
def test_a_large_answer_is_read(tmp_path: Path, write: Any, indent: int | None) -> None:
    """On one line or indented, each failure in it is found with the event of its own stream."""
    path = tmp_path / "answer.json"
    path.write_text(json.dumps(write(MANY), indent=indent))
    assert found_in(path) == (sorted(f'{{"n": {number}}}' for number in range(len(MESSAGES))), [])


@pytest.mark.usefixtures("small")
def test_an_answer_that_is_too_large_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond what memory is given for, it is skipped as any other line, with its place."""
    monkeypatch.setattr(large_answers, "MOST_ANSWER_BYTES", 5_000)
    path = tmp_path / "answer.json"
    path.write_text(json.dumps(filtered(MANY)))
    bodies, notes = found_in(path)
    assert bodies == []
    assert any(blocks.TOO_LONG in note and str(path) in note for note in notes)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b'{"events": []}',
        b'{"events": [' + b'{"a": 1},' * 1_000 + b'{"a": 1}]}',
        b'{"events": [' + b"x" * 9_000,
        b'[{"@' + b"\xff" * 9_000,
        b'{"n": 1}\n' * 2_000,
    ],
)
def test_anything_else_stays_as_it_is(content: bytes) -> None:
    """Small answers, other documents, and what only begins like an answer."""
    pieces = [content[start : start + 1_000] for start in range(0, len(content), 1_000)]
    assert b"".join(without_large_answers(pieces)) == content
