"""The lines of one object or file as text, unpacked piece by piece."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from replay.sources.s3_log_parts.blocks import MOST_RECORD_BYTES, TOO_LONG
from replay.sources.s3_log_parts.log_objects import LogObject
from replay.sources.s3_log_parts.object_streams import Counted, Unreadable, opened, unpacked
from replay.sources.s3_log_parts.scan import NOT_UTF_8


def object_lines(
    found: LogObject,
    client: Any,
    problems: Counter[str],
    *,
    most_bytes: int,
    reached: Callable[[int], object] = lambda _: None,
) -> Iterator[str]:
    """Give each line that is not blank; *problems* counts what cannot be read, *reached* hears how many bytes were."""
    held = b""
    skipping = False
    for piece in _pieces(found, client, problems, most_bytes, reached):
        *lines, held = (held + piece).split(b"\n")
        if lines and skipping:
            lines, skipping = lines[1:], False
        yield from (_text(line, problems) for line in lines if line.strip())
        if len(held) > MOST_RECORD_BYTES:
            problems[TOO_LONG] += not skipping
            held, skipping = b"", True
    if held.strip() and not skipping:
        yield _text(held, problems)


def _pieces(
    found: LogObject, client: Any, problems: Counter[str], most_bytes: int, reached: Callable[[int], object]
) -> Iterator[bytes]:
    try:
        with opened(found, client) as raw:
            packed = Counted(raw)
            for piece in unpacked(packed, most_bytes=most_bytes):
                reached(packed.given)
                yield piece
    except Unreadable as error:
        problems[str(error)] += 1
    except OSError as error:
        problems[f"cannot be read: {error.strerror or type(error).__name__}"] += 1


def _text(line: bytes, problems: Counter[str]) -> str:
    try:
        return line.rstrip(b"\r").decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError:
        problems[NOT_UTF_8] += 1
        return line.rstrip(b"\r").decode("utf-8", "replace")
