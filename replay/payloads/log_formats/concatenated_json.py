"""JSON documents that stand one behind the other, with or without something between them."""

import json
import re
from collections.abc import Iterator
from itertools import islice

from replay.payloads.exact_json import is_json

_DECODER = json.JSONDecoder()
_BETWEEN = re.compile(r"[ \t\r\n,]*")
_MOST = 100_000


def documents(text: str) -> Iterator[str]:
    """
    Give the text of each document of *text*, exactly; what is no JSON ends it, and is given as the last one.

    Source: Amazon Data Firehose writes records one behind the other, without a delimiter unless asked for one.
    """
    end = 0
    for start, end in islice(extents(text), _MOST):
        yield text[start:end]
    rest = text[_BETWEEN.match(text, end).end() :]  # type: ignore[union-attr]  # it matches the empty string
    if rest.strip():
        yield rest


def extents(text: str) -> Iterator[tuple[int, int]]:
    """Say of each document of *text* where it begins and ends, up to what is no JSON."""
    end: int | None = 0
    while end is not None:
        start = _BETWEEN.match(text, end).end()  # type: ignore[union-attr]  # the same
        end = document_end(text, start) if start < len(text) else None
        if end is not None:
            yield start, end


def document_end(text: str, at: int) -> int | None:
    """Say where the JSON value that begins at *at* ends, or give None where there is none."""
    try:
        return _DECODER.raw_decode(text, at)[1]
    except RecursionError:
        rest = text[at:].rstrip()
        return at + len(rest) if is_json(rest) else None
    except ValueError:
        return None
