"""Logs in the buckets of real servers: listed page by page, read over HTTP by threads and by processes."""

import gzip
import json
import uuid
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest

from replay.sources.s3_logs import S3LogsOptions, S3LogsSource
from tests.emulators.server import Server
from tests.sources.log_samples import failed_in_json, good_in_json, request_id

pytestmark = pytest.mark.emulator

OBJECTS = 30
FAILED = {number for number in range(OBJECTS) if number % 3 == 0}


@pytest.fixture
def bucket(emulator: Server) -> str:
    """A bucket with logs of thirty hours: of each third request that failed the event lies in the next object."""
    client = boto3.client("s3")
    name = f"logs-{uuid.uuid4()}"
    client.create_bucket(Bucket=name)
    objects: list[list[str]] = [[] for _ in range(OBJECTS)]
    for number in range(OBJECTS):
        lines = failed_in_json(number, {"n": number}) if number in FAILED else good_in_json(number)
        elsewhere = (number + (number % 9 == 0)) % OBJECTS
        objects[elsewhere].append(lines.pop(1))
        objects[number] += [
            *lines,
            *(each for other in range(100) for each in good_in_json(1_000 + 100 * number + other)),
        ]
    for number, lines in enumerate(objects):
        key = f"logs/2026/11/{20 + number // 24}/{number % 24:02}/part.gz"
        client.put_object(Bucket=name, Key=key, Body=gzip.compress("".join(lines).encode()))
    return name


def events(bucket: str, since: datetime | None = None, until: datetime | None = None, **options: Any) -> dict[str, Any]:
    with S3LogsSource(S3LogsOptions(bucket=bucket, prefix=("logs/",), **options)).open() as recording:
        recording.within(since, until)
        found = {capture.origin.identity: json.loads(capture.body) for capture in recording.captures()}
    assert recording.notes == []
    return found


@pytest.mark.parametrize("processes", [None, 2])
def test_every_failed_request_is_found(bucket: str, processes: int | None) -> None:
    """Each failed request comes with its own event, wherever it lies."""
    assert events(bucket, processes=processes) == {request_id(n): {"n": n} for n in FAILED}


def test_only_the_hours_asked_for_are_read(bucket: str) -> None:
    """Of thirty hours, those of the time and the hours beside it are read."""
    found = events(bucket, datetime(2026, 11, 20, 4, tzinfo=UTC), datetime(2026, 11, 20, 7, 30, tzinfo=UTC))
    assert found == {request_id(n): {"n": n} for n in (3, 6)}
