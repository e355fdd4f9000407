"""Answers of CloudWatch Logs that are too large to be read as one document: made into several that are not."""

import json
import re
from collections.abc import Iterable, Iterator

from replay.payloads.log_formats.log_answers import log_lines
from replay.sources.s3_log_parts.blocks import MOST_RECORD_BYTES
from replay.sources.s3_log_parts.console_tables import gathered, written_as_arrays

MOST_ANSWER_BYTES = 32 * 1024 * 1024
_MOST_BEGINNING_BYTES = 4_096
_BEGINS = re.compile(
    rb'(?:\xef\xbb\xbf)?\s*(?:\{\s*(?:"queryLanguage"\s*:\s*"\w*"\s*,\s*)?"(?:events|results)"\s*:\s*\[|\[\s*\{\s*"@)'
)
"""As `FilterLogEvents`, `GetLogEvents` and `GetQueryResults` answer, and as the console exports rows of a query."""


def without_large_answers(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """
    Give *pieces* as they are, but an answer that is larger than a line may be as arrays of its lines, sorted by stream.

    One of more than 32 MB stays as it is: in memory it takes six times its size.

    Raises:
        Unreadable: The rest cannot be read; what came before was given.
    """
    iterator = iter(pieces)
    content, broken = gathered(iterator, _MOST_BEGINNING_BYTES)
    if _BEGINS.match(content) and broken is None:
        rest, broken = gathered(iterator, MOST_ANSWER_BYTES - len(content) + 1)
        content += rest
        if MOST_RECORD_BYTES < len(content) <= MOST_ANSWER_BYTES and broken is None:
            content = _as_arrays(content)
    yield content
    if broken is not None:
        raise broken
    yield from iterator


def _as_arrays(content: bytes) -> bytes:
    try:
        lines = log_lines(json.loads(content.decode("utf-8-sig", "surrogateescape")))
    except (ValueError, RecursionError):
        return content  # whoever reads it as it is tells what is wrong with it
    return written_as_arrays(lines) if lines else content
