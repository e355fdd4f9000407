"""JSON documents that stand one behind the other, with or without something between them."""

import json
import re
from collections.abc import Iterator

from replay.payloads.exact_json import is_json

_DECODER = json.JSONDecoder()
_BETWEEN = re.compile(r"[ \t\r\n,]*")
_MOST = 10_000


def documents(text: str) -> Iterator[str]:
    """
    Give the text of each document of *text*, exactly; what is no JSON ends it, and is given as the last one.

    Source: Amazon Data Firehose writes records one behind the other, without a delimiter unless asked for one.
    """
    at = _BETWEEN.match(text, 0).end()  # type: ignore[union-attr]  # it matches the empty string
    for _ in range(_MOST):
        if at >= len(text):
            return
        end = document_end(text, at)
        if end is None:
            break
        yield text[at:end]
        at = _BETWEEN.match(text, end).end()  # type: ignore[union-attr]  # the same
    if text[at:].strip():
        yield text[at:]


def document_end(text: str, at: int) -> int | None:
    """Say where the JSON value that begins at *at* ends, or give None where there is none."""
    try:
        return _DECODER.raw_decode(text, at)[1]
    except RecursionError:
        rest = text[at:].rstrip()
        return at + len(rest) if is_json(rest) else None
    except ValueError:
        return None
