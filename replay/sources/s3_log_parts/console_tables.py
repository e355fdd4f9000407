"""Tables of CSV, as the console of CloudWatch exports log events and the rows of a query, made into JSON."""

import csv
import json
import re
from collections.abc import Iterable, Iterator
from io import StringIO
from itertools import chain

from replay.sources.s3_log_parts.blocks import MOST_DOCUMENT_BYTES
from replay.sources.s3_log_parts.object_streams import Unreadable

_MOST_HEADING_BYTES = 4_096
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_TIMES, _MESSAGES, _STREAMS = ("@timestamp", "timestamp"), ("@message", "message"), ("@logStream", "logStreamName")
_EPOCH_MS = re.compile(r"\d{13}")


def without_tables(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """
    Give *pieces* as they are, but a table of log events as an array of objects with `@timestamp` and `@message`.

    That is what the console exports as JSON. A table of more than 16 MB stays what it is: the console gives at most
    10,000 rows. Source: CloudWatch Logs User Guide, "Add query to dashboard or export query results"; the columns are
    those of the query.

    Raises:
        Unreadable: The rest cannot be read; what came before was given.
    """
    iterator = iter(pieces)
    first = next(iterator, b"")
    if not _columns(first):
        yield from chain([first], iterator)
        return
    gathered, size = [first], len(first)
    broken: Unreadable | None = None
    try:
        while size <= MOST_DOCUMENT_BYTES and (piece := next(iterator, b"")):
            gathered.append(piece)
            size += len(piece)
    except Unreadable as error:
        broken = error
    content = b"".join(gathered)
    if size > MOST_DOCUMENT_BYTES:
        yield from chain([content], iterator)
    else:
        yield _as_json(content)
    if broken is not None:
        raise broken


def _columns(content: bytes) -> tuple[int, int, int | None] | None:
    """Say in which columns time, message and log stream are, by the heading; None where it is none of such a table."""
    heading = content.removeprefix(_BYTE_ORDER_MARK)[:_MOST_HEADING_BYTES].partition(b"\n")[0]
    if b"timestamp" not in heading or b"message" not in heading:
        return None
    names = next(csv.reader([heading.decode("utf-8", "replace").strip()]), [])
    time, message, stream = (
        next((names.index(each) for each in wanted if each in names), None) for wanted in (_TIMES, _MESSAGES, _STREAMS)
    )
    return None if time is None or message is None else (time, message, stream)


def _as_json(content: bytes) -> bytes:
    found = _columns(content)
    assert found is not None
    time, message, stream = found
    needed = max(time, message, stream or 0)
    csv.field_size_limit(MOST_DOCUMENT_BYTES)  # a log event may be larger than the 128 KiB that csv allows by itself
    text = content.removeprefix(_BYTE_ORDER_MARK).decode("utf-8", "surrogateescape")
    rows = csv.reader(StringIO(text, newline=""))
    next(rows)
    lines = [
        {
            "@timestamp": int(row[time]) if _EPOCH_MS.fullmatch(row[time]) else row[time],
            "@message": row[message],
            "@logStream": row[stream] if stream is not None else "",
        }
        for row in rows
        if row[needed:]
    ]
    return json.dumps(lines, ensure_ascii=False, indent=0).encode("utf-8", "surrogateescape")
