"""Listing a bucket: page after page, and only the folders that the time window leaves."""

from collections.abc import Iterator
from typing import Any

from replay.errors import AwsError
from replay.readers.aws_errors import aws_errors
from replay.sources.s3_log_parts.log_objects import Listed, Lister, LogObject, Window

_MOST_FOLDERS = 200
"""A level with more folders, of which none tells a time, is listed flat: a call for each would take for ever."""

_MOST_LEVELS = 40
_LAST_CHARACTER = "\U0010ffff"


def bucket_lister(client: Any, bucket: str, prefix: str) -> Lister:
    """List the objects of *bucket* below *prefix*, in the order of their keys."""

    def lister(window: Window, listed: Listed) -> Iterator[LogObject]:
        descends = not window.is_open
        for found in _below(client, bucket, prefix, window, listed, levels=_MOST_LEVELS if descends else 0):
            if found.size_bytes == 0:
                continue
            if window.takes_object(found):
                yield found
            else:
                listed.left_out += 1

    return lister


def _below(
    client: Any, bucket: str, prefix: str, window: Window, listed: Listed, *, levels: int
) -> Iterator[LogObject]:
    """List one level after the other where its folders may tell a time, and flat where they cannot."""
    from replay.payloads.log_formats.key_periods import key_period

    known = key_period(prefix)
    if levels <= 0 or (known is not None and known.to_the_hour):
        yield from _flat(client, bucket, prefix, listed)
        return
    pages = _pages(client, bucket, prefix, listed, Delimiter="/")
    seen, last = 0, ""
    for page in pages:
        folders = [each["Prefix"] for each in page.get("CommonPrefixes", ())]
        seen += len(folders)
        if seen > _MOST_FOLDERS and not any(key_period(each) for each in folders):
            yield from _flat(client, bucket, prefix, listed, after=last)
            return
        below = sorted([*folders, *(each["Key"] for each in page.get("Contents", ()))])
        last = f"{below[-1]}{_LAST_CHARACTER}" if below else last
        objects = {each["Key"]: each for each in page.get("Contents", ())}
        for key in below:
            if key in objects:
                yield _object(bucket, objects[key])
            elif window.takes_key(key):
                yield from _below(client, bucket, key, window, listed, levels=levels - 1)


def _flat(client: Any, bucket: str, prefix: str, listed: Listed, after: str = "") -> Iterator[LogObject]:
    more = {"StartAfter": after} if after else {}
    for page in _pages(client, bucket, prefix, listed, **more):
        yield from (_object(bucket, each) for each in page.get("Contents", ()))


def _pages(client: Any, bucket: str, prefix: str, listed: Listed, **more: str) -> Iterator[Any]:
    """Give the pages of a listing; one that AWS denies is a problem of that prefix alone."""
    pages = iter(client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, **more))
    while True:
        try:
            with aws_errors(where=f"s3://{bucket}/{prefix}", service="s3"):
                page = next(pages, None)
        except AwsError as error:
            if error.code not in {"AccessDenied", "AllAccessDisabled", "403"}:
                raise
            listed.problems.append((f"s3://{bucket}/{prefix}", error.what))
            return
        if page is None:
            return
        yield page


def _object(bucket: str, told: Any) -> LogObject:
    return LogObject(
        bucket=bucket,
        key=told["Key"],
        size_bytes=int(told.get("Size", 0)),
        modified_at=told["LastModified"],
    )
