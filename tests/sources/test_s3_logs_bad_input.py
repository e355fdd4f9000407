"""What is wrong with a log, or with the way to it, is counted and told, and takes nothing else with it."""

import bz2
import gzip
import io
import json
import lzma
import sys
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import boto3
import pytest
import zstandard
from botocore.exceptions import ReadTimeoutError
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st

from replay.errors import AwsError, ConfigurationError
from replay.sources.s3_log_parts import blocks, object_streams
from replay.sources.s3_log_parts.bucket_listing import bucket_lister
from replay.sources.s3_log_parts.log_objects import Listed, LogObject, Window
from replay.sources.s3_log_parts.object_streams import BucketObject, Unreadable, unpacked
from tests.sources.log_samples import (
    failed_in_json,
    failed_in_text,
    good_in_json,
    line,
    powertools,
    request_id,
    uncaught,
)
from tests.sources.test_s3_logs import read, written

WHOLE = "".join(each for n in range(3) for each in failed_in_json(n, {"n": n})).encode()


def test_gzip_that_ends_early(tmp_path: Path) -> None:
    """What could be unpacked is read; the end that is missing is told with its object, and the next object is read."""
    packed = gzip.compress(b"".join(f"{n}\n".encode() * 50 for n in range(50_000)), 1)
    cut = gzip.compress(WHOLE) + packed[: len(packed) // 2]
    (tmp_path / "a").write_bytes(cut)
    written(tmp_path, "b", failed_in_json(7, {"n": 7}))
    captures, notes = read(tmp_path)
    assert sorted(json.loads(capture.body)["n"] for capture in captures) == [0, 1, 2, 7]
    (note,) = notes
    assert "a: it is not whole gzip: the end is missing" in note


def test_gzip_that_is_damaged(tmp_path: Path) -> None:
    """Bytes that were changed on the way are told."""
    packed = bytearray(gzip.compress(WHOLE))
    packed[len(packed) // 2] ^= 0xFF
    (tmp_path / "a").write_bytes(packed)
    _, notes = read(tmp_path)
    assert any("it is not whole gzip" in note for note in notes)


def test_members_of_gzip(tmp_path: Path) -> None:
    """Several gzip members one behind the other are one log, as `zcat` has it, also padded with zeros."""
    half = WHOLE.index(b"\n", len(WHOLE) // 2) - 20
    (tmp_path / "a").write_bytes(gzip.compress(WHOLE[:half]) + gzip.compress(WHOLE[half:]) + bytes(512))
    captures, notes = read(tmp_path)
    assert len(captures) == 3
    assert notes == []


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.ZstdCompressor().compress])
def test_a_zip_bomb(tmp_path: Path, pack: Any) -> None:
    """What unpacks without end is cut off at the size that the user allows; what stood before is found."""
    (tmp_path / "a").write_bytes(pack(WHOLE + b"0\n" * 30_000_000))
    captures, notes = read(tmp_path, max_unpacked_mb=5)
    assert len(captures) == 3
    (note,) = notes
    assert "unpacks to more than 5 MB" in note


def test_a_large_log_that_is_no_bomb(tmp_path: Path) -> None:
    """A log that packs as logs do is read to its end, whatever its size."""
    noise = "".join(line(n=f"{n:x}", h=f"{n * 2654435761 % 2**64:016x}") for n in range(40_000))
    written(tmp_path, "a.gz", [noise, *failed_in_json(1, {})])
    captures, notes = read(tmp_path, max_unpacked_mb=1)
    assert (len(captures), notes) == (1, [])


def test_zstandard_that_is_damaged(tmp_path: Path) -> None:
    """A damaged frame is told, and so is one whose window would take all the memory."""
    packed = bytearray(zstandard.ZstdCompressor().compress(WHOLE))
    packed[8] ^= 0xFF
    (tmp_path / "a").write_bytes(packed)
    _, notes = read(tmp_path)
    assert any("it is not whole Zstandard" in note for note in notes)


def test_zstandard_without_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the package is missing, the error says what to install."""
    written(tmp_path, "a.zst", WHOLE)
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path)
    assert "event-replay[logs]" in caught.value.hint


def test_without_the_quicker_gzip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's own zlib reads the same."""
    monkeypatch.setattr(object_streams, "_inflating", lambda: zlib)
    written(tmp_path, "a.gz", WHOLE)
    captures, notes = read(tmp_path)
    assert (len(captures), notes) == (3, [])


def test_bytes_that_are_not_utf_8(tmp_path: Path) -> None:
    """A line with bad bytes is still read, and counted."""
    bad = powertools(9, {"n": 9, "s": "?"}).encode().replace(b"?", b"\xff\xfe")
    written(tmp_path, "a", bad + uncaught(9).encode() + WHOLE)
    captures, notes = read(tmp_path)
    assert len(captures) == 4
    (note,) = notes
    assert "not UTF-8" in note


def test_a_line_without_an_end(tmp_path: Path) -> None:
    """A line that is far too long is skipped and counted; memory stays small, and the next lines are read."""
    written(tmp_path, "a.gz", WHOLE[: len(WHOLE) // 2] + b"\n" + b"x" * 100_000_000 + b"\n" + WHOLE)
    tracemalloc.start()
    captures, notes = read(tmp_path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(captures) == 3
    assert any(blocks.TOO_LONG in note for note in notes)
    assert peak < 80_000_000


def test_json_that_is_nested_too_deep(tmp_path: Path) -> None:
    """An event of 100,000 levels is kept exactly, and a line of them harms nobody."""
    deep = "[" * 100_000 + "]" * 100_000
    logged = powertools(1, {"n": 0}).replace('{"n": 0}', f'{{"n": {deep}}}')
    broken = '{"errorType": ' + "[" * 100_000 + "\n"
    captures, _ = read(written(tmp_path, "a", [logged, uncaught(1), broken, *failed_in_json(2, {"n": 2})]))
    bodies = {capture.origin.identity: capture.body for capture in captures}
    assert bodies == {request_id(1): f'{{"n": {deep}}}', request_id(2): '{"n": 2}'}


def test_a_log_that_changes_its_form(tmp_path: Path) -> None:
    """Text, JSON lines and access lines in one object are each read as what they are."""
    alb = (
        "https 2026-11-21T07:00:00.000000Z app/shop/0 192.0.2.1:1 - -1 -1 -1 502 - 1 2 "
        '"GET https://shop.example:443/ HTTP/1.1" "curl" - - arn:x "Root=1-67891233-abcdef012345678912345678" "-" "-" 1 '
        '2026-11-21T07:00:00.000000Z "forward" "-" "LambdaUnhandled" "-" "-" "-" "-"\n'
    )
    event = {"httpMethod": "GET", "headers": {"x-amzn-trace-id": "Root=1-67891233-abcdef012345678912345678"}}
    quiet = [each for n in range(100, 400) for each in good_in_json(n)]
    lines = [
        *failed_in_text(1, 'event: {"n": 1}'),
        *quiet,
        *failed_in_json(2, {"n": 2}),
        *quiet,
        alb,
        powertools(3, event),
    ]
    captures, notes = read(written(tmp_path, "a", lines))
    types = {capture.failure.error_type: json.loads(capture.body) for capture in captures if capture.failure}
    assert types == {"KeyError": {"n": 2}, "HTTP 502": event}
    assert len(captures) == 3
    assert notes == []


def test_clocks_that_disagree(tmp_path: Path) -> None:
    """An object of the hour before holds lines of this hour, as keys and clocks are never quite right."""
    written(tmp_path, "2026/11/21/06/a", failed_in_json(1, {"n": 1}))
    written(tmp_path, "2026/11/21/03/a", failed_in_json(2, {"n": 2}))
    written(tmp_path, "2026/11/21/08/a", failed_in_json(3, {"n": 3}))
    with _source(tmp_path).open() as recording:
        recording.within(*(_moment(each) for each in ("2026-11-21T07:00+00:00", "2026-11-21T07:30+00:00")))
        assert sorted(json.loads(capture.body)["n"] for capture in recording.captures()) == [1, 3]


def _source(path: Path) -> Any:
    from replay.sources.s3_logs import S3LogsOptions, S3LogsSource

    return S3LogsSource(S3LogsOptions(path=(str(path),), processes=1))


def _moment(text: str) -> Any:
    from datetime import datetime

    return datetime.fromisoformat(text)


def test_names_and_messages_that_would_move_the_cursor(tmp_path: Path) -> None:
    """Notes are printable, whatever objects and errors are called."""
    written(tmp_path, "a\x1b[2J", [uncaught(1).replace("KeyError", "\\u001b[31mKey")])
    (tmp_path / "b\x07").write_bytes(gzip.compress(WHOLE)[:-9])
    _, notes = read(tmp_path)
    assert notes
    assert all(note.isprintable() for note in notes)


@given(
    st.binary(max_size=3_000),
    st.sampled_from([b"", b"{", b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b'{"errorType": ', b"[ERROR] "]),
)
def test_any_bytes_at_all(tmp_path_factory: pytest.TempPathFactory, content: bytes, head: bytes) -> None:
    """No content of an object ends the recording."""
    folder = tmp_path_factory.mktemp("any")
    (folder / "a").write_bytes(head + content + b"\n[ERROR] x Status: timeout errorType\n" + content)
    written(folder, "b", failed_in_json(1, {"n": 1}))
    captures, _ = read(folder, logged_errors=True)
    assert request_id(1) in {capture.origin.identity for capture in captures}


# The way to the bucket


def stubbed() -> tuple[Any, Stubber]:
    client = boto3.client("s3", region_name="us-east-1")
    return client, Stubber(client)


def test_a_prefix_that_may_not_be_listed() -> None:
    """Access denied below one folder leaves that folder out, with the reason; the others are listed."""
    client, stub = stubbed()
    now = _moment("2026-11-21T07:00+00:00")
    listing = {"Bucket": "app-logs", "Delimiter": "/"}
    stub.add_response(
        "list_objects_v2", {"CommonPrefixes": [{"Prefix": "a/"}, {"Prefix": "b/"}]}, {**listing, "Prefix": ""}
    )
    stub.add_client_error("list_objects_v2", "AccessDenied", "no", 403, expected_params={**listing, "Prefix": "a/"})
    stub.add_response(
        "list_objects_v2", {"Contents": [{"Key": "b/x", "Size": 1, "LastModified": now}]}, {**listing, "Prefix": "b/"}
    )
    listed = Listed()
    with stub:
        found = list(bucket_lister(client, "app-logs", "")(Window(since=now), listed))
    assert [each.key for each in found] == ["b/x"]
    ((place, reason),) = listed.problems
    assert place == "s3://app-logs/a/"
    assert "s3:ListObjectsV2" in reason


def test_an_object_that_may_not_be_read() -> None:
    """Access denied to one object is the end of that object alone, in words."""
    client, stub = stubbed()
    stub.add_client_error("get_object", "AccessDenied", "no", 403)
    with stub, pytest.raises(Unreadable) as caught:
        list(unpacked(BucketObject(client, _object()), most_bytes=1))
    assert "AWS denied s3:GetObject" in str(caught.value)


def _object() -> LogObject:
    return LogObject(bucket="app-logs", key="k", size_bytes=6, modified_at=_moment("2026-11-21T07:00+00:00"))


class _Breaking(io.BytesIO):
    """A body whose connection breaks after its first bytes."""

    def read(self, size: int | None = -1) -> bytes:
        if self.tell():
            raise ReadTimeoutError(endpoint_url="s3")
        return super().read(3)


def test_a_connection_that_breaks() -> None:
    """Reading goes on where it was, and only if the object is still the same."""
    client, stub = stubbed()
    stub.add_response("get_object", {"Body": _Breaking(b"abcdef"), "ETag": '"1"'}, {"Bucket": "app-logs", "Key": "k"})
    again = {"Bucket": "app-logs", "Key": "k", "Range": "bytes=3-", "IfMatch": '"1"'}
    stub.add_response("get_object", {"Body": io.BytesIO(b"def"), "ETag": '"1"'}, again)
    with stub:
        assert b"".join(unpacked(BucketObject(client, _object()), most_bytes=1)) == b"abcdef"


def test_a_connection_that_breaks_for_ever() -> None:
    """After some attempts the object is given up, and told."""
    client, stub = stubbed()
    for _ in range(10):
        broken = _Breaking(b"abcdef")
        broken.seek(1)
        stub.add_response("get_object", {"Body": broken, "ETag": '"1"'})
    with stub, pytest.raises(Unreadable):
        list(unpacked(BucketObject(client, _object()), most_bytes=1))


def test_a_bucket_of_which_nothing_may_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there was nothing to read because AWS denied it, that is the error."""
    from replay.sources import s3_logs

    client, stub = stubbed()
    stub.add_client_error("list_objects_v2", "AccessDenied", "no", 403)
    monkeypatch.setattr(s3_logs.Access, "client", lambda self: client)
    with stub, pytest.raises(AwsError) as caught:
        read("s3://app-logs/x")
    assert "s3:ListObjectsV2" in caught.value.what


@pytest.mark.parametrize("outer", [gzip.compress, zstandard.ZstdCompressor().compress])
def test_an_object_that_is_packed_twice(tmp_path: Path, outer: Any) -> None:
    """CloudWatch Logs packs what it sends, and a delivery stream that packs as well does so again."""
    (tmp_path / "a").write_bytes(outer(gzip.compress(WHOLE) * 2))
    captures, notes = read(tmp_path)
    assert len(captures) == 3
    assert notes == []


def test_a_bomb_inside_another_one(tmp_path: Path) -> None:
    """What is packed twice is measured against the object as it lies there, not against its first unpacking."""
    bomb = gzip.compress(gzip.compress(WHOLE) + gzip.compress(b"\n" * 30_000_000) * 2)
    assert len(bomb) < 5_000
    (tmp_path / "a").write_bytes(bomb)
    captures, (note,) = read(tmp_path, max_unpacked_mb=1)
    assert len(captures) == 3
    assert "a: it unpacks to more than 1 MB, a zip bomb perhaps" in note


@pytest.mark.parametrize(
    ("content", "form"),
    [
        (b"PK\x03\x04rest", "ZIP"),
        (b"PAR1rest", "Parquet"),
        (gzip.compress(b"PAR1rest", mtime=0), "Parquet"),  # else its name, and so the test's, has the time in it
        (b"ORCrest", "ORC"),
        (b"Obj\x01rest", "Avro"),
        (bz2.compress(WHOLE), "bzip2"),
        (lzma.compress(WHOLE), "xz"),
        (b"\x04\x22\x4d\x18rest", "LZ4"),
        (b"\xff\x06\x00\x00sNaPpYrest", "Snappy"),
        (WHOLE.decode().encode("utf-16"), "UTF-16"),
        (b"\xfe\xff" + WHOLE.decode().encode("utf-16-be"), "UTF-16"),
    ],
)
def test_forms_that_are_not_read(tmp_path: Path, content: bytes, form: str) -> None:
    """An object of which not one line could be read is told by what it is, and the next one is read."""
    (tmp_path / "a").write_bytes(content)
    (tmp_path / "b").write_bytes(WHOLE)
    captures, (note,) = read(tmp_path)
    assert len(captures) == 3
    assert note.endswith(f"a: it is {form}, which is not read")


def test_an_object_that_is_packed_again_and_again(tmp_path: Path) -> None:
    """A file may hold itself, packed: it is told, and not unpacked for ever."""
    (tmp_path / "a").write_bytes(gzip.compress(gzip.compress(gzip.compress(WHOLE))))
    (tmp_path / "b").write_bytes(WHOLE)
    captures, (note,) = read(tmp_path)
    assert len(captures) == 3
    assert note.endswith("a: it is packed more often than twice")


@pytest.mark.parametrize("code", ["SlowDown", "ExpiredToken", "NoSuchBucket"])
def test_a_listing_that_ends_in_another_error_is_no_whole_one(code: str) -> None:
    """Only a denied prefix is left out: a listing that breaks off for another reason ends the recording (Stubber)."""
    client, stub = stubbed()
    stub.add_client_error("list_objects_v2", code)
    with stub, pytest.raises(AwsError):
        list(bucket_lister(client, "app-logs", "")(Window(), Listed()))
