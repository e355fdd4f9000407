"""The payloads that messages only point to, fetched from S3: from buckets that are allowed, and never too much."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from typing import Any

from replay.counted_nouns import counted
from replay.errors import AwsError
from replay.payloads.captures import S3Object
from replay.readers.aws_errors import aws_errors

MEGABYTE = 1_000_000
_SECTION = "[tool.replay.claim_checks]"
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]", re.ASCII)
_GONE = frozenset({"NoSuchKey", "NoSuchBucket", "NoSuchVersion", "404"})
_MOST_NOTES = 20


class ClaimChecks:
    """
    Fetches payloads; never raises for what AWS refuses or does not have: `notes` tell it, and what to do.

    Args:
        client_of: Makes the client of a service where the captures come from; None where they come from no AWS.
        buckets: Names or globs of names of the buckets that may be read.
        most_bytes: What is larger is not fetched: no more of it is ever in memory.

    Source: Amazon SQS and SNS extended client libraries: the object holds the message's body, as UTF-8.
    """

    def __init__(self, client_of: Callable[[str], Any] | None, *, buckets: Sequence[str], most_bytes: int) -> None:
        self._client_of, self._buckets, self._most_bytes = client_of, tuple(buckets), most_bytes
        self._client: Any = None
        self._reasons: Counter[str] = Counter()

    @property
    def notes(self) -> list[str]:
        """Why payloads were not fetched, in sentences for the user."""
        told = self._reasons.most_common(_MOST_NOTES)
        return [f"{counted(count, 'payload was', 'payloads were')} not fetched from S3: {why}" for why, count in told]

    def fetch(self, pointer: S3Object) -> str | None:
        """Give the text of an object, or None; a note then says why not."""
        content, why = self._fetched(pointer)
        if content is None:
            self._reasons[why] += 1
            return None
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError:
            self._reasons[f"what is in bucket {pointer.bucket} is no text, and cannot be redacted"] += 1
            return None

    def _fetched(self, pointer: S3Object) -> tuple[bytes | None, str]:
        bucket = pointer.bucket
        if not _BUCKET.fullmatch(bucket):
            return None, "the name of its bucket is none"
        if not any(fnmatchcase(bucket, allowed) for allowed in self._buckets):
            return None, f'the bucket is not allowed; to allow it: {_SECTION} buckets = ["{bucket}"]'
        if self._client_of is None:
            return None, f"where these messages come from there is no S3 to read bucket {bucket} of"
        try:
            return self._read(pointer)
        except AwsError as error:
            if error.code in _GONE:
                return None, f"it is gone from bucket {bucket}: its consumer or a lifecycle rule deleted it"
            return None, "; ".join(filter(None, (error.what, error.where, error.expected, error.hint)))

    def _read(self, pointer: S3Object) -> tuple[bytes | None, str]:
        """Read an object; its size is known before anything of it is read, and is not trusted."""
        with aws_errors(where=f"bucket {pointer.bucket}", service="s3"):
            if self._client is None:
                self._client = self._client_of("s3") if self._client_of is not None else None
            answer = self._client.get_object(Bucket=pointer.bucket, Key=pointer.key)
            with answer["Body"] as body:
                size = int(answer.get("ContentLength") or 0)
                content = b"" if size > self._most_bytes else bytes(body.read(self._most_bytes + 1))
        if max(size, len(content)) > self._most_bytes:
            return None, f"larger than {self._most_bytes / MEGABYTE:g} MB, see {_SECTION} max_size_mb"
        return content, ""
