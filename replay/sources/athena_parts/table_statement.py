"""From a prefix in a bucket to the statement that makes its table."""

import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from itertools import islice
from typing import Any, Literal

from replay.errors import ConfigurationError, SourceError
from replay.readers.clients import aws_client
from replay.sources.athena_parts.create_table import create_table, fields_of
from replay.sources.athena_parts.key_samples import KeySample, key_sample
from replay.sources.athena_parts.object_lines import object_lines
from replay.sources.athena_parts.table_layouts import layout_of, named_layout
from replay.sources.moments import moment
from replay.sources.s3_log_parts.log_objects import LogObject

_URL = re.compile(r"s3a?://(?P<bucket>[A-Za-z0-9][A-Za-z0-9._-]+)(?:/(?P<prefix>.*))?")
_SAMPLE_LINES = 1_000
_MOST_BYTES = 200_000_000


def athena_ddl(
    url: str,
    *,
    name: str,
    database: str | None = None,
    columns: Literal["line", "fields"] = "line",
    layout: str | None = None,
    since: str | datetime | None = None,
    region: str | None = None,
    profile: str | None = None,
    endpoint_url: str | None = None,
) -> str:
    """
    Write the `CREATE EXTERNAL TABLE` for the log at *url* (`s3://BUCKET/PREFIX`); nothing is created.

    Args:
        columns: One column of whole lines, or one for each member of JSON lines.
        layout: How objects lie in folders (see `LAYOUTS`); by default it is told from their keys.
        since: Where projected dates begin: a datetime, a time ago (`90d`), or ISO 8601; by default with the first seen.

    Raises:
        ConfigurationError: A place, name or layout that cannot be, or objects that lie in several ways.
        SourceError: There are no objects to see how they lie.
        AwsError: The bucket cannot be listed or read.
    """
    place = _URL.fullmatch(url)
    if place is None:
        raise ConfigurationError("that is no place in S3", where=url, expected="s3://BUCKET/PREFIX")
    now = datetime.now(UTC)
    return table_statement(
        lambda: aws_client("s3", region=region, profile=profile, endpoint_url=endpoint_url),
        place["bucket"],
        place["prefix"] or "",
        name=name,
        database=database,
        by_fields=columns == "fields",
        layout=layout,
        since=moment(since, now=now, option="--since") if isinstance(since, str) else since,
        now=now,
    )


def table_statement(
    client_of: Callable[[], Any],
    bucket: str,
    prefix: str,
    *,
    name: str,
    database: str | None,
    by_fields: bool,
    layout: str | None,
    since: datetime | None,
    now: datetime,
) -> str:
    """
    Write the statement for the objects below *prefix*; AWS is asked only for what the options do not say.

    Raises:
        SourceError: There are no objects.
        ConfigurationError: A name or layout that cannot be, or objects that lie in several ways.
        AwsError: The bucket cannot be listed or read.
    """
    prefix = prefix if prefix.endswith("/") or not prefix else f"{prefix}/"
    client = cache(client_of)
    sample = KeySample() if layout is not None and not by_fields else key_sample(client(), bucket, prefix)
    if not sample.keys and (layout is None or by_fields):
        raise SourceError(
            "there is no object to see how they lie",
            where=f"s3://{bucket}/{prefix}",
            expected="objects below the prefix",
            hint="check it, or say --layout with --columns line, which needs none",
        )
    found = (
        named_layout(layout, prefix, since, now)
        if layout is not None
        else layout_of(sample.keys, prefix, since, now, seen={"account": sample.accounts, "region": sample.regions})
    )
    fields = fields_of(_first_lines(client(), bucket, sample.keys[-1])) if by_fields else None
    return create_table(name, bucket, found, database=database, fields=fields)


def _first_lines(client: Any, bucket: str, key: str) -> list[str]:
    seen = LogObject(bucket=bucket, key=key, size_bytes=0, modified_at=datetime.now(UTC))
    return list(islice(object_lines(seen, client, Counter(), most_bytes=_MOST_BYTES), _SAMPLE_LINES))
