"""Payloads that messages only point to are fetched where that is allowed; whatever hinders it is said, with a way out."""

import io
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.response import StreamingBody
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from replay.enrichment.claim_checks import ClaimChecks
from replay.payloads.captures import S3Object

HERE = S3Object(bucket="orders-payloads", key="a/b c")


@pytest.fixture
def s3() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="orders-payloads")
        client.put_object(Bucket="orders-payloads", Key="a/b c", Body='{"n": "ä"}'.encode())
        yield client


def claims(client: Any, *buckets: str, most_bytes: int = 100) -> ClaimChecks:
    return ClaimChecks(lambda _: client, buckets=buckets, most_bytes=most_bytes)


@pytest.mark.parametrize("allowed", ["orders-payloads", "orders-*"])
def test_a_payload_is_fetched_from_an_allowed_bucket(s3: Any, allowed: str) -> None:
    """By its name or by a glob; what came is exactly the text that was put there."""
    fetching = claims(s3, allowed)
    assert fetching.fetch(HERE) == '{"n": "ä"}'
    assert fetching.notes == []


def test_a_bucket_that_is_not_allowed_is_not_asked(s3: Any) -> None:
    """A message may name any bucket: only those of the configuration are read, and the note has the line to add."""
    with Stubber(s3):  # any request would fail
        fetching = claims(s3, "other")
        assert fetching.fetch(HERE) is None
        assert fetching.fetch(HERE) is None
    (note,) = fetching.notes
    assert note.startswith("2 payloads were not fetched from S3: the bucket is not allowed; ")
    assert note.endswith('to allow it: [tool.replay.claim_checks] buckets = ["orders-payloads"]')


@pytest.mark.parametrize(
    ("key", "bucket", "words"),
    [
        ("gone", "orders-payloads", "it is gone from bucket orders-payloads"),
        ("a/b c", "orders-payloads-2", "it is gone from bucket orders-payloads-2"),
        ("a/b c", "x\x1b]0;y\x07", "the name of its bucket is none"),
    ],
)
def test_what_is_not_there_is_told(s3: Any, key: str, bucket: str, words: str) -> None:
    """A deleted object or bucket is a note of its own; a hostile name is not shown."""
    fetching = claims(s3, "*")
    assert fetching.fetch(S3Object(bucket=bucket, key=key)) is None
    assert words in fetching.notes[0]
    assert fetching.notes[0].isprintable()


def test_a_denied_object_names_the_permission() -> None:
    """The note says what must be allowed, and where (moto knows no policies, so botocore's Stubber answers)."""
    client = boto3.client("s3", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    with Stubber(client) as stubbed:
        stubbed.add_client_error("get_object", "AccessDenied", "Access Denied", 403)
        fetching = claims(client, "*")
        assert fetching.fetch(HERE) is None
    assert "AWS denied s3:GetObject; bucket orders-payloads" in fetching.notes[0]


def test_no_connection_is_a_note() -> None:
    """What goes wrong on the way costs no event."""

    class Down:
        def get_object(self, **_: Any) -> Any:
            raise EndpointConnectionError(endpoint_url="http://localhost:1")

    fetching = claims(Down(), "*")
    assert fetching.fetch(HERE) is None
    assert "cannot be reached" in fetching.notes[0]


def test_events_of_no_aws_have_no_payload_in_s3() -> None:
    """A saved message names an object that nobody here can read."""
    fetching = ClaimChecks(None, buckets=["*"], most_bytes=10)
    assert fetching.fetch(HERE) is None
    assert "there is no S3 to read bucket orders-payloads of" in fetching.notes[0]


class _Counting(io.BytesIO):
    """Counts what is read of it."""

    taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        found = super().read(size)
        self.taken += len(found)
        return found


@given(size=st.integers(0, 60), told=st.sampled_from(["right", "none", "less"]))
def test_never_more_than_the_limit_is_read(size: int, told: str) -> None:
    """A size that is told wrong, or not at all, does not let more than one byte beyond the limit into memory."""
    body = _Counting(b"x" * size)
    length = {"right": size, "none": None, "less": 1}[told]

    class Client:
        def get_object(self, **_: Any) -> Any:
            return {"Body": StreamingBody(body, None), "ContentLength": length}

    fetching = claims(Client(), "*", most_bytes=20)
    assert fetching.fetch(HERE) == ("x" * size if size <= 20 else None)
    assert body.taken <= 21
    assert (size > 20) == any("larger than 2e-05 MB" in note for note in fetching.notes)


def test_what_is_no_text_is_not_kept(s3: Any) -> None:
    """Bytes that are no UTF-8 cannot be redacted."""
    s3.put_object(Bucket="orders-payloads", Key="a/b c", Body=b"\xff\xfe")
    fetching = claims(s3, "*")
    assert fetching.fetch(HERE) is None
    assert "is no text" in fetching.notes[0]
