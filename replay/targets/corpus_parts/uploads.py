"""Writing an object of S3 line by line, of any size, in bounded memory."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from replay.readers.aws_errors import aws_errors
from replay.targets.corpus_parts.buckets import OwnedBucket, S3Place

PART_BYTES = 8 * 1024 * 1024
"""At least 5 MiB, and at most 10,000 of them. Source: S3 User Guide, "Multipart upload limits"."""

_CONTENT_TYPE = "application/x-ndjson"


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploaded:
    """An object that was written."""

    place: S3Place
    lines: int
    size_bytes: int


def upload_lines(bucket: OwnedBucket, key: str, lines: Iterable[bytes], *, part_bytes: int = PART_BYTES) -> Uploaded:
    """
    Write *lines* as one object, in parts where it is large; it is there whole or not at all.

    An upload that does not come to its end is aborted, also on Ctrl-C: S3 keeps, and charges for, parts of others.

    Source: S3 API `CreateMultipartUpload`, `UploadPart`, `CompleteMultipartUpload`, `AbortMultipartUpload`.

    Raises:
        AwsError: S3 did not take it.
    """
    place = S3Place(bucket=bucket.name, prefix=key)
    upload = _Upload(bucket, key, str(place))
    held, size, count = bytearray(), 0, 0
    try:
        for line in lines:
            held += line
            size += len(line)
            count += 1
            if len(held) >= part_bytes:
                upload.part(bytes(held))
                held.clear()
        upload.complete(bytes(held))
    except BaseException:
        upload.abort()
        raise
    return Uploaded(place=place, lines=count, size_bytes=size)


class _Upload:
    """One object on its way; it becomes a multipart upload with its first part."""

    def __init__(self, bucket: OwnedBucket, key: str, where: str) -> None:
        self._client, self._where = bucket.client, where
        self._object: dict[str, Any] = {"Bucket": bucket.name, "Key": key, **bucket.owner}
        self._id = ""
        self._parts: list[dict[str, Any]] = []

    def part(self, content: bytes) -> None:
        with aws_errors(where=self._where, service="s3"):
            if not self._id:
                begun = self._client.create_multipart_upload(**self._object, ContentType=_CONTENT_TYPE)
                self._id = str(begun["UploadId"])
            number = len(self._parts) + 1
            sent = self._client.upload_part(**self._object, UploadId=self._id, PartNumber=number, Body=content)
        self._parts.append({"PartNumber": number, "ETag": sent["ETag"]})

    def complete(self, rest: bytes) -> None:
        if not self._id:
            with aws_errors(where=self._where, service="s3"):
                self._client.put_object(**self._object, Body=rest, ContentType=_CONTENT_TYPE)
            return
        if rest:
            self.part(rest)
        with aws_errors(where=self._where, service="s3"):
            self._client.complete_multipart_upload(
                **self._object, UploadId=self._id, MultipartUpload={"Parts": self._parts}
            )

    def abort(self) -> None:
        if self._id:
            with aws_errors(where=self._where, service="s3"):
                self._client.abort_multipart_upload(**self._object, UploadId=self._id)
            self._id = ""
