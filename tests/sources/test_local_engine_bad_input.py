"""Objects that are damaged, hostile or out of order, read by the local engine: counted and told, and never the end."""

import gzip
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from replay.payloads.captures import Capture
from replay.payloads.event_patterns import compile_pattern
from replay.sources.athena import AthenaOptions, AthenaSource
from replay.sources.athena_parts.local_engine import LocalEngine
from replay.sources.s3_log_parts.bucket_listing import bucket_lister
from replay.sources.s3_log_parts.log_objects import Window
from tests.sources.log_samples import failed_in_json, failed_in_text, request_id

GOOD = '{"id": "good"}'
WAYS: tuple[dict[str, Any], ...] = (
    {},
    {"event_at": "line", "where": {"id": ["good"]}},
    {"query": "SELECT line FROM logs WHERE id = 'good'", "event_at": "line"},
)
"""All lines, lines that DuckDB filters batch by batch, and a query over a table of them."""


def read(
    folder: Path, where: Any = None, since: datetime | None = None, **options: Any
) -> tuple[list[Capture], list[str]]:
    with AthenaSource(AthenaOptions(engine="duckdb", path=(str(folder),), **options)).open() as recording:
        recording.matching(compile_pattern(where) if where else None)
        recording.within(since, None)
        found = list(recording.captures())
    return found, recording.notes


@pytest.mark.parametrize("way", WAYS)
def test_a_zip_bomb(tmp_path: Path, way: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """What unpacks without end is cut off and told; what stood before it, and the next object, are read."""
    monkeypatch.setattr("replay.sources.athena._MOST_UNPACKED_BYTES", 20_000_000)
    (tmp_path / "a.gz").write_bytes(gzip.compress(f"{GOOD}\n".encode() + b" " * 60_000_000))
    (tmp_path / "b").write_text(GOOD)
    found, notes = read(tmp_path, **way)
    assert [capture.body for capture in found] == [GOOD, GOOD]
    assert any("zip bomb" in note for note in notes)


@pytest.mark.parametrize("way", WAYS)
def test_a_line_of_a_hundred_megabytes(tmp_path: Path, way: dict[str, Any]) -> None:
    """It is skipped and counted, and the lines around it are read."""
    with (tmp_path / "a").open("wb") as file:
        file.write(f'{GOOD}\n{{"id": "'.encode())
        for _ in range(100):
            file.write(b"x" * 1_000_000)
        file.write(f'"}}\n{GOOD}\n'.encode())
    found, notes = read(tmp_path, **way)
    assert [capture.body for capture in found] == [GOOD, GOOD]
    assert any("lines of more than 8 MB, which were skipped" in note for note in notes)


@pytest.mark.parametrize("way", WAYS)
def test_a_long_line_without_an_end(tmp_path: Path, way: dict[str, Any]) -> None:
    """What is behind the part that was skipped is a part of the same line, and no row."""
    (tmp_path / "a").write_bytes(f"{GOOD}\n".encode() + b"x" * 9_500_000 + GOOD.encode())
    found, notes = read(tmp_path, **way)
    assert [capture.body for capture in found] == [GOOD]
    assert any("lines of more than 8 MB, which were skipped" in note for note in notes)


@pytest.mark.parametrize("way", WAYS)
def test_json_that_is_nested_too_deep(tmp_path: Path, way: dict[str, Any]) -> None:
    """A line of 100,000 levels harms neither DuckDB nor the lines beside it; without a filter it is given exactly."""
    deep = '{"a":' * 100_000 + "1" + "}" * 100_000
    (tmp_path / "a").write_text(f"{GOOD}\n{deep}\n{GOOD}\n")
    found, _ = read(tmp_path, **way)
    assert [capture.body for capture in found if capture.body != deep] == [GOOD, GOOD]
    assert way or deep in [capture.body for capture in found]


@pytest.mark.parametrize("way", WAYS[1:])
def test_lines_that_change_their_form(tmp_path: Path, way: dict[str, Any]) -> None:
    """Text, arrays, numbers, other members and broken JSON between the events match nothing, and end nothing."""
    others = [
        "2026-11-21 INFO text",
        "[1, 2]",
        "7",
        '"good"',
        '{"id": {"x": 1}}',
        '{"ID": "other"}',
        '{"id": "good"',
        "",
    ]
    (tmp_path / "a").write_text("\n".join([GOOD, *others, GOOD, ""]))
    found, _ = read(tmp_path, **way)
    assert [capture.body for capture in found] == [GOOD, GOOD]


def test_a_log_that_changes_its_form_half_way(tmp_path: Path) -> None:
    """Lines of a function's log, first as text and then as JSON, are each read as what they are."""
    lines = [*failed_in_text(1, 'event: {"n": 1}'), *failed_in_json(2, {"n": 2})]
    (tmp_path / "a").write_text("".join(lines))
    found, _ = read(tmp_path, rows="lines")
    assert {capture.origin.identity for capture in found} == {request_id(1), request_id(2)}


def test_clocks_that_disagree(tmp_path: Path) -> None:
    """An object whose key is of the hour before still holds lines of this hour: its folder is read."""
    folder = tmp_path / "2026" / "11" / "21" / "06"
    folder.mkdir(parents=True)
    (folder / "part").write_text(json.dumps({"id": "good", "time": "2026-11-21T07:10:00Z"}))
    found, _ = read(tmp_path, since=datetime(2026, 11, 21, 7, 30, tzinfo=UTC))
    assert len(found) == 1


def test_a_bucket_of_which_a_part_may_not_be_read() -> None:
    """A prefix that may not be listed and an object that may not be read are left out with AWS's reason (Stubber)."""
    client = boto3.client("s3", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    since = datetime(2026, 11, 21, 7, tzinfo=UTC)
    listing = {"Bucket": "app-logs", "Delimiter": "/"}
    shut = {"Key": "b/1-shut", "Size": 5, "LastModified": since + timedelta(hours=1)}
    good = {"Key": "b/2-good", "Size": len(GOOD), "LastModified": since + timedelta(hours=1)}
    with Stubber(client) as stub:
        prefixes = {"CommonPrefixes": [{"Prefix": "a/"}, {"Prefix": "b/"}]}
        stub.add_response("list_objects_v2", prefixes, {**listing, "Prefix": ""})
        stub.add_client_error("list_objects_v2", "AccessDenied", "no", 403, expected_params={**listing, "Prefix": "a/"})
        stub.add_response("list_objects_v2", {"Contents": [shut, good]}, {**listing, "Prefix": "b/"})
        stub.add_client_error("get_object", "AccessDenied", "no", 403)
        body = StreamingBody(io.BytesIO(GOOD.encode()), len(GOOD))
        stub.add_response("get_object", {"Body": body, "ETag": '"e"'}, {"Bucket": "app-logs", "Key": "b/2-good"})
        lister = bucket_lister(client, "app-logs", "")
        engine = LocalEngine([lister], client, table="logs", window=Window(since=since), most_bytes=10**9)
        lines = [line for _, part in engine.batches() for line in part]
        stub.assert_no_pending_responses()
    assert lines == [GOOD]
    notes = list(engine.notes())
    assert any("s3://app-logs/a/ was left out" in note and "s3:ListObjectsV2" in note for note in notes)
    assert any("first in s3://app-logs/b/1-shut: AWS denied s3:GetObject" in note for note in notes)
