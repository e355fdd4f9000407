"""Tables of CSV, as the console of CloudWatch exports log events and the rows of a query, made into JSON."""

import csv
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO

from replay.payloads.log_formats.log_answers import LogLine, log_lines
from replay.sources.s3_log_parts.object_streams import Unreadable

MOST_TABLE_BYTES = 64 * 1024 * 1024
_ARRAY_LETTERS, _MOST_ARRAY_LETTERS = 256 * 1024, 2 * 1024 * 1024
_MOST_HEADING_BYTES = 4_096
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_TIMES, _MESSAGES, _STREAMS = ("@timestamp", "timestamp"), ("@message", "message"), ("@logStream", "logStreamName")
_LINE_ENDS = re.compile(rb"[\r\n]")
_Columns = tuple[int, int, int | None]


def without_tables(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """
    Give *pieces* as they are, but a table of log events as arrays of objects with `@timestamp` and `@message`.

    That is what the console exports as JSON, too. Source: CloudWatch Logs User Guide, "Add query to dashboard or export
    query results"; the columns are those of the query.

    Raises:
        Unreadable: The rest cannot be read; what came before was given. Or it is a table of more than 64 MB, with more
            than the 10,000 rows that the console gives.
    """
    iterator = iter(pieces)
    content, broken = gathered(iterator, _MOST_HEADING_BYTES)
    columns = _columns(content)
    if columns is not None and broken is None:
        rest, broken = gathered(iterator, MOST_TABLE_BYTES - len(content) + 1)
        content += rest
        if len(content) > MOST_TABLE_BYTES:
            raise Unreadable(f"it is a table of more than {MOST_TABLE_BYTES / 1e6:,.0f} MB")
    yield content if columns is None else _as_json(content, columns)
    if broken is not None:
        raise broken
    yield from iterator


def gathered(pieces: Iterator[bytes], enough: int) -> tuple[bytes, Unreadable | None]:
    """Put pieces together until there are *enough* bytes; where they break off, say why."""
    gathered, size = [], 0
    try:
        while size < enough and (piece := next(pieces, b"")):
            gathered.append(piece)
            size += len(piece)
    except Unreadable as error:
        return b"".join(gathered), error
    return b"".join(gathered), None


def _columns(content: bytes) -> _Columns | None:
    """Say in which columns time, message and log stream are, by the heading; None where it is none of such a table."""
    heading = content.removeprefix(_BYTE_ORDER_MARK)[:_MOST_HEADING_BYTES]
    heading = _LINE_ENDS.split(heading, maxsplit=1)[0]
    if b"timestamp" not in heading or b"message" not in heading:
        return None
    names = next(csv.reader([heading.decode("utf-8", "replace").strip()]), [])
    time, message, stream = (
        next((names.index(each) for each in wanted if each in names), None) for wanted in (_TIMES, _MESSAGES, _STREAMS)
    )
    return None if time is None or message is None else (time, message, stream)


def _as_json(content: bytes, columns: _Columns) -> bytes:
    """Write the rows as arrays; as they are if no time is one."""
    text = content.removeprefix(_BYTE_ORDER_MARK).decode("utf-8", "surrogateescape")
    lines = log_lines(list(_rows(text, columns)))
    return content if lines is None else written_as_arrays(lines)


def written_as_arrays(lines: Sequence[LogLine]) -> bytes:
    """Write *lines* as arrays of one line of text each, as the console exports them, cut where an invocation begins."""
    written: list[str] = []
    held: list[dict[str, str | int]] = []
    size, stream = 0, ""
    for line in lines:
        begins = line.stream != stream or line.message.startswith("START ") or '"platform.start"' in line.message
        if size > _MOST_ARRAY_LETTERS or (begins and size > _ARRAY_LETTERS):
            written.append(json.dumps(held, ensure_ascii=False))
            held, size = [], 0
        held.append({"@timestamp": line.at_ms, "@message": line.message, "@logStream": line.stream})
        size, stream = size + len(line.message), line.stream
    written.append(json.dumps(held, ensure_ascii=False))
    return "\n".join(written).encode("utf-8", "surrogateescape")


def _rows(text: str, columns: _Columns) -> Iterator[dict[str, str]]:
    time, message, stream = columns
    csv.field_size_limit(MOST_TABLE_BYTES)  # a log event may be larger than the 128 KiB that csv allows by itself
    rows = csv.reader(StringIO(text, newline=""))
    next(rows)
    for row in rows:
        if row[max(time, message, stream or 0) :]:
            of_stream = row[stream] if stream is not None else ""
            yield {"@timestamp": row[time], "@message": row[message], "@logStream": of_stream}
